//! The same packets in every link and tunnel, and in fragments: the decoder gives the same packet, `names` the same
//! names, whatever is wrapped in what.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says what it expects; the panic is its report"
)]

mod support;

use std::process::Command;

use proptest::prelude::*;
use straggler::decode::{Decoder, MAX_LABELS, MAX_TUNNELS};
use straggler::model::{
    Decoded, Frame, LinkType, Packet, Protocol, Refusal, Timestamp, Transport, Undecoded,
};
use support::dns_messages::{A, Message};
use support::links::ethernet::{self, Ethernet};
use support::links::tunnels::{LINKS, TUNNELS, gre, labelled, outer, udp};
use support::packets::cut;
use support::{ClientHello, Datagram, Ip, Pcap, Segment, Talk, TimedPacket, merge};

const NAME: &str = "s07.upd.kaspersky.com";

/// Look-ups and hellos over both families.
fn packets() -> Vec<TimedPacket> {
    let query = Message::query(1, NAME, A);
    let at = |second: u64| support::seconds(1_727_700_000 + second);
    let hello = ClientHello::to(NAME).stream();
    merge([
        Talk::udp("10.0.0.1:40000", "10.0.0.53:53")
            .at(at(0))
            .asks(&query),
        Talk::udp("[fd00::1]:40000", "[fd00::53]:53")
            .at(at(1))
            .asks(&query),
        Talk::tcp("10.0.0.2:50000", "198.51.100.7:443")
            .at(at(2))
            .open()
            .client(&hello),
        Talk::tcp("[fd00::1]:50000", "[2001:db8::7]:443")
            .at(at(3))
            .open()
            .client(&hello),
    ])
}

fn names_of(frames: &[support::Frame]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("case.pcap");
    std::fs::write(&path, Pcap::new(1).bytes(frames)).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_straggler"))
        .arg("names")
        .arg(&path)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// Names read when every packet is made to these frames, at its time.
fn names(frames: impl Fn(&[u8]) -> Vec<Vec<u8>>) -> Vec<String> {
    let made: Vec<support::Frame> = packets()
        .iter()
        .flat_map(|packet| {
            let frames = frames(&packet.bytes);
            frames
                .into_iter()
                .map(|bytes| support::Frame::whole(packet.time, bytes))
        })
        .collect();
    names_of(&made)
}

fn plain(packet: &[u8]) -> Vec<u8> {
    Ethernet::default().packet(packet)
}

/// What a decoder makes of whole Ethernet frames, the last of them.
fn decoded(frames: &[Vec<u8>]) -> String {
    let mut decoder = Decoder::default();
    let mut last = String::new();
    for bytes in frames {
        last = told(&ip(decoder.decode(&frame(bytes, bytes.len()))));
    }
    last
}

fn told(result: &Result<Packet<'_>, Undecoded>) -> String {
    format!("{result:?}")
}

/// The packet alone: the same in every wrapping, whatever link it stands on.
fn ip(decoded: Result<Decoded<'_>, Undecoded>) -> Result<Packet<'_>, Undecoded> {
    match decoded? {
        Decoded::Packet(packet) => Ok(Packet {
            link: None,
            ..packet
        }),
        Decoded::Arp(_) => Err(Undecoded::Arp),
    }
}

fn frame(bytes: &[u8], wire_len: usize) -> Frame<'_> {
    Frame {
        time: Timestamp::from_unix(1, 0),
        link: LinkType::ETHERNET,
        bytes,
        wire_len: wire_len as u32,
    }
}

fn v4() -> Ip {
    Ip::between([10, 0, 0, 1].into(), [10, 0, 0, 53].into())
}

fn query() -> Vec<u8> {
    v4().packet(&Datagram::new(40_000, 53).payload(&Message::query(1, NAME, A).bytes()))
}

#[test]
fn every_link_and_tunnel_gives_the_same_names() {
    let expected = names(|packet| vec![plain(packet)]);
    assert_eq!(expected.len(), 4);
    for (name, wrap) in LINKS {
        assert_eq!(names(|packet| vec![wrap(packet)]), expected, "{name}");
    }
    for (name, wrap) in TUNNELS {
        assert_eq!(
            names(|packet| vec![plain(&wrap(packet))]),
            expected,
            "{name}"
        );
    }
}

/// Not only names: payload, lengths, flags and numbers too.
#[test]
fn every_pair_of_wrappings_gives_the_same_packet() {
    for packet in packets() {
        let expected = decoded(&[plain(&packet.bytes)]);
        for (inner_name, inner) in TUNNELS {
            let inside = inner(&packet.bytes);
            for (name, wrap) in LINKS {
                assert_eq!(
                    decoded(&[wrap(&inside)]),
                    expected,
                    "{inner_name} in {name}"
                );
            }
            for (name, wrap) in TUNNELS {
                let frame = plain(&wrap(&inside));
                assert_eq!(decoded(&[frame]), expected, "{inner_name} in {name}");
            }
        }
    }
}

#[test]
fn fragments_in_any_order_give_the_same_names() {
    let expected = names(|packet| vec![plain(packet)]);
    for size in [8, 24, 200, 1200] {
        let pieces = |packet: &[u8]| -> Vec<Vec<u8>> {
            let id = packet.len() as u32;
            let pieces = cut(packet, size, id);
            pieces.iter().map(|piece| plain(piece)).collect()
        };
        assert_eq!(names(pieces), expected, "in order, {size}");
        let reversed = |packet: &[u8]| pieces(packet).into_iter().rev().collect();
        assert_eq!(names(reversed), expected, "reversed, {size}");
        let doubled = |packet: &[u8]| -> Vec<Vec<u8>> {
            let mut all = pieces(packet);
            let last = all.pop().unwrap();
            all.iter().chain(&all).cloned().chain([last]).collect()
        };
        assert_eq!(names(doubled), expected, "doubled, {size}");
    }
}

#[test]
fn interleaved_fragments_give_the_same_names() {
    let packets = packets();
    let mut cuts: Vec<_> = packets
        .iter()
        .zip(100..)
        .map(|(packet, id)| cut(&packet.bytes, 64, id).into_iter())
        .collect();
    let mut frames = Vec::new();
    while cuts.iter().any(|cut| cut.len() > 0) {
        let round = cuts.iter_mut().filter_map(Iterator::next);
        frames.extend(round.map(|piece| support::Frame::whole(support::seconds(9), plain(&piece))));
    }
    let mut expected = names(|packet| vec![plain(packet)]);
    let mut read = names_of(&frames);
    let without_time = |lines: &mut Vec<String>| {
        for line in lines.iter_mut() {
            *line = line.split_once('\t').unwrap().1.to_owned();
        }
        lines.sort();
    };
    without_time(&mut expected);
    without_time(&mut read);
    assert_eq!(read, expected);
}

/// A tunnel's packet in fragments, and an inner packet in fragments, and both.
#[test]
fn fragments_inside_and_outside_tunnels_join() {
    for packet in packets() {
        let expected = decoded(&[plain(&packet.bytes)]);
        for (name, wrap) in TUNNELS {
            let outside = cut(&wrap(&packet.bytes), 32, 1);
            let frames: Vec<_> = outside.iter().map(|piece| plain(piece)).collect();
            assert_eq!(decoded(&frames), expected, "outside, {name}");
            let inside: Vec<_> = cut(&packet.bytes, 16, 2)
                .iter()
                .map(|it| wrap(it))
                .collect();
            let frames: Vec<_> = inside.iter().map(|piece| plain(piece)).collect();
            assert_eq!(decoded(&frames), expected, "inside, {name}");
            let both = inside
                .iter()
                .zip(10..)
                .flat_map(|(piece, id)| cut(piece, 24, id));
            let frames: Vec<_> = both.map(|piece| plain(&piece)).collect();
            assert_eq!(decoded(&frames), expected, "both, {name}");
        }
    }
}

#[test]
fn a_fragment_waits_without_being_a_fault() {
    let pieces = cut(&query(), 24, 7);
    let mut decoder = Decoder::default();
    for piece in &pieces[1..] {
        let bytes = plain(piece);
        let packet = ip(decoder.decode(&frame(&bytes, bytes.len()))).unwrap();
        assert!(matches!(packet.transport, Transport::Fragment));
        assert_eq!(packet.src, std::net::IpAddr::from([10, 0, 0, 1]));
    }
    assert_eq!(decoder.stats().entries, 1);
    decoder.end();
    let stats = decoder.stats();
    assert_eq!((stats.entries, stats.bytes), (0, 0));
    assert_eq!((stats.timed_out, stats.lost), (1, pieces.len() as u64 - 1));
}

#[test]
fn fragments_that_cannot_be_whole_are_not_kept() {
    let pieces = cut(&query(), 24, 7);
    let unpadded = Ethernet::default().unpadded().packet(&pieces[0]);
    let mut decoder = Decoder::default();
    let cut_short = ip(decoder.decode(&frame(&unpadded[..50], unpadded.len())));
    assert_eq!(told(&cut_short), "Err(Cut)");
    // The header claims more than the frame holds.
    let lies = ip(decoder.decode(&frame(&unpadded[..50], 50)));
    assert_eq!(told(&lies), "Err(Fragment)");
    assert_eq!(decoder.stats().entries, 0);
}

#[test]
fn tunnels_nest_up_to_the_cap() {
    let nested = |count: usize| {
        let inside = (0..count).fold(query(), |packet, _| outer().carry(4, &packet));
        decoded(&[plain(&inside)])
    };
    let expected = decoded(&[plain(&query())]);
    assert_eq!(nested(MAX_TUNNELS), expected);
    assert_eq!(nested(MAX_TUNNELS + 1), "Err(TunnelDepth)");
    let vxlan = TUNNELS.iter().find(|(name, _)| *name == "VXLAN").unwrap().1;
    let nested = |count| plain(&(0..count).fold(query(), |packet, _| vxlan(&packet)));
    assert_eq!(decoded(&[nested(MAX_TUNNELS)]), expected);
    assert_eq!(decoded(&[nested(MAX_TUNNELS + 1)]), "Err(TunnelDepth)");
}

#[test]
fn labels_are_read_up_to_the_cap() {
    let stacked = |count: usize| decoded(&[ethernet::mpls(&vec![100; count], &query())]);
    assert_eq!(stacked(MAX_LABELS), decoded(&[plain(&query())]));
    assert_eq!(stacked(MAX_LABELS + 1), "Err(MplsDepth)");
}

/// What comes to a tunnel's port and is none is a datagram.
#[test]
fn a_port_is_no_proof() {
    let message = Message::query(0x0800, NAME, A).bytes();
    let wrong_length = {
        let mut packet = query();
        packet[2] = 0x40; // says 16 KiB and more
        packet
    };
    let arp = ethernet::arp_request([10, 0, 0, 1].into(), [10, 0, 0, 2].into());
    let contents: Vec<Vec<u8>> = vec![
        vec![],
        vec![0; 100],
        vec![0xff; 100],
        message.clone(),
        [&[8, 0, 0, 0, 0, 0, 1, 0], &arp[..]].concat(),
        [&[8, 0, 0, 0, 0, 0, 1, 0], &plain(&wrong_length)[..]].concat(),
        [&[0x30, 255, 0, 20, 0, 0, 0, 1], &query()[..20]].concat(), // GTP-U: shorter than its packet
        [
            &[0x34, 255, 0, 60, 0, 0, 0, 1, 0, 0, 0, 0x85, 0],
            &[0; 60][..],
        ]
        .concat(), // no length
        [&[0x80, 2, 0, 0], &query()[..]].concat(),                  // L2TP control
        [&[0, 0x80, 0x08, 0, 0, 0, 1, 0], &query()[..]].concat(),   // Geneve control
    ];
    for port in [4789, 8472, 4790, 6081, 6635, 2152, 3544, 1701] {
        for content in &contents {
            if port == 6635 && content.starts_with(&[0, 0x80]) {
                continue; // two labels and a packet, as it happens
            }
            let frame_bytes = Ethernet::default().unpadded().packet(&udp(port, content));
            let mut decoder = Decoder::default();
            let packet = ip(decoder.decode(&frame(&frame_bytes, frame_bytes.len()))).unwrap();
            let Transport::Udp(datagram) = packet.transport else {
                panic!("{packet:?}")
            };
            assert_eq!((datagram.dst.port, datagram.payload), (port, &content[..]));
        }
        // A look-up from a port that a tunnel uses.
        for id in 0..=u16::MAX {
            if id % 251 != 0 && id >> 8 != 8 {
                continue;
            }
            let message = Message::query(id, NAME, A).bytes();
            let frame_bytes = plain(&v4().packet(&Datagram::new(port, 53).payload(&message)));
            let mut decoder = Decoder::default();
            let packet = ip(decoder.decode(&frame(&frame_bytes, frame_bytes.len()))).unwrap();
            assert!(
                matches!(packet.transport, Transport::Udp(datagram) if datagram.dst.port == 53),
                "{port} {id}"
            );
        }
    }
}

#[test]
fn what_a_tunnel_does_not_give_is_counted_by_cause() {
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (gre(0, &[], 0x8200, &[8; 60]), "Err(Tunnel)"), // 802.11
        (gre(0x4000, &[0; 8], 0x0800, &query()), "Err(Tunnel)"), // source route
        (gre(3, &[], 0x0800, &query()), "Err(Tunnel)"), // version 3
        (gre(0x1000, &[0; 4], 0x88be, &[0x50; 60]), "Err(Tunnel)"),
        (gre(0, &[], 0x0800, &[0; 60]), "Err(IpHeader)"),
        (
            gre(0x2081, &[0, 0, 0, 5, 0, 0, 0, 9], 0x880b, &[]),
            "Other(47)",
        ),
        (outer().carry(4, &[0; 40]), "Err(IpHeader)"),
        (outer().carry(137, &labelled(&[5], &[0; 60])), "Err(Mpls)"),
        (outer().carry(50, &query()), "Other(50)"),
        (outer().carry(115, &[0; 60]), "Other(115)"),
        (outer().carry(97, &[0; 60]), "Other(97)"),
    ];
    for (packet, expected) in cases {
        let said = decoded(&[plain(&packet)]);
        assert!(said.contains(expected), "{said} instead of {expected}");
    }
    let no_ip = Ethernet::default().other(0x8847, &labelled(&[5], &[0; 60]));
    assert_eq!(decoded(&[no_ip]), "Err(Mpls)");
    let mut discovery = ethernet::pppoe(1, &query());
    discovery[15] = 9;
    assert_eq!(decoded(&[discovery]), "Err(Pppoe)");
}

/// Whatever length an IP header claims, no payload is longer than the frame.
#[test]
fn lengths_that_lie_give_no_more_than_there_is() {
    let packet = query();
    for at in [2, 3] {
        for value in 0..=255 {
            let mut lying = packet.clone();
            lying[at] = value;
            for (name, wrap) in LINKS {
                let bytes = wrap(&lying);
                let mut decoder = Decoder::default();
                if let Ok(packet) = ip(decoder.decode(&frame(&bytes, bytes.len()))) {
                    let Transport::Udp(datagram) = packet.transport else {
                        continue;
                    };
                    assert!(datagram.wire_len as usize <= bytes.len(), "{name}");
                    assert!(
                        datagram.payload.len() <= datagram.wire_len as usize,
                        "{name}"
                    );
                }
            }
        }
    }
}

#[test]
fn icmp_errors_tell_who_was_not_reached_and_give_no_names() {
    let sent = v4().packet(&Segment::new(50_000, 443).seq(1).payload(&[0; 40]));
    let router = Ip::between([10, 0, 0, 254].into(), [10, 0, 0, 1].into());
    let error = |kind: u8, code: u8, quoted: &[u8]| {
        plain(&router.carry(1, &[&[kind, code, 0, 0, 0, 0, 0, 0], quoted].concat()))
    };
    let mut decoder = Decoder::default();
    let mut transport = |bytes: &[u8]| match ip(decoder.decode(&frame(bytes, bytes.len()))) {
        Ok(Packet {
            transport: Transport::Unreachable(it),
            ..
        }) => Some(it),
        Ok(_) => None,
        Err(cause) => panic!("{cause:?}"),
    };
    let refusals = [
        (0, Refusal::Network),
        (1, Refusal::Host),
        (2, Refusal::Protocol),
        (3, Refusal::Port),
        (9, Refusal::Prohibited),
        (13, Refusal::Prohibited),
    ];
    for (code, refusal) in refusals {
        // Eight bytes of the segment are all that RFC 792 promises.
        let told = transport(&error(3, code, &sent[..28])).unwrap();
        assert_eq!((told.protocol, told.refusal), (Protocol::Tcp, refusal));
        assert_eq!(
            (told.src.to_string(), told.dst.to_string()),
            ("10.0.0.1:50000".to_owned(), "10.0.0.53:443".to_owned())
        );
    }
    assert_eq!(
        transport(&error(3, 3, &query())).unwrap().protocol,
        Protocol::Udp
    );
    assert_eq!(transport(&error(3, 4, &sent)), None, "too big");
    assert_eq!(transport(&error(11, 0, &sent)), None, "time exceeded");
    assert_eq!(transport(&error(3, 3, &sent[..22])), None, "no ports");
    let foreign = outer().packet(&Segment::new(50_000, 443));
    assert_eq!(
        transport(&error(3, 3, &foreign)),
        None,
        "sent by somebody else"
    );
    assert_eq!(
        transport(&error(3, 3, &cut(&sent, 8, 1)[1])),
        None,
        "no first fragment"
    );
    assert!(transport(&error(3, 3, &cut(&sent, 8, 1)[0])).is_some());

    let end = |last| std::net::IpAddr::from([0xfd00, 0, 0, 0, 0, 0, 0, last]);
    let sent = Ip::between(end(1), end(7)).packet(&Datagram::new(50_000, 443));
    for (code, refusal) in [
        (1, Refusal::Prohibited),
        (4, Refusal::Port),
        (3, Refusal::Host),
    ] {
        let content = [&[1, code, 0, 0, 0, 0, 0, 0], &sent[..]].concat();
        let bytes = plain(&Ip::between(end(9), end(1)).carry(58, &content));
        assert_eq!(transport(&bytes).unwrap().refusal, refusal);
    }
    let quoted = support::Frame::whole(support::seconds(1), error(3, 3, &query()));
    assert_eq!(names_of(&[quoted]), Vec::<String>::new());
}

/// Cut anywhere, no frame gives another packet than the one it holds: less of it, an outer one, or none.
#[test]
fn frames_cut_anywhere_give_nothing_else() {
    let query = query();
    let whole = plain(&query);
    let mut decoder = Decoder::default();
    let payload = match ip(decoder.decode(&frame(&whole, whole.len())))
        .unwrap()
        .transport
    {
        Transport::Udp(datagram) => datagram.payload.to_vec(),
        other => panic!("{other:?}"),
    };
    let wrapped = TUNNELS
        .iter()
        .map(|(name, wrap)| (name, plain(&wrap(&query))));
    let linked = LINKS.iter().map(|(name, wrap)| (name, wrap(&query)));
    for (name, bytes) in wrapped.chain(linked) {
        for len in 0..bytes.len() {
            for wire_len in [len, bytes.len()] {
                let Ok(packet) = ip(decoder.decode(&frame(&bytes[..len], wire_len))) else {
                    continue;
                };
                if let Transport::Udp(datagram) = packet.transport
                    && packet.src == std::net::IpAddr::from([10, 0, 0, 1])
                {
                    assert!(payload.starts_with(datagram.payload), "{name} at {len}");
                    assert_eq!(datagram.dst.port, 53, "{name} at {len}");
                } else {
                    let outer_ends = ["198.18.0.1", "2001:db8:18::1", "2001:0:18::1"];
                    let src = packet.src.to_string();
                    assert!(outer_ends.contains(&src.as_str()), "{name} at {len}: {src}");
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_bytes_and_every_prefix_never_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        link in prop::sample::select(vec![0, 1, 9, 12, 14, 50, 101, 108, 113, 228, 229, 276, 7]),
    ) {
        let mut decoder = Decoder::default();
        for len in 0..bytes.len() {
            let frame = Frame { link: LinkType(link), ..frame(&bytes[..len], bytes.len()) };
            let _ = decoder.decode(&frame);
        }
    }

    /// Real packets in two wrappings with some bytes changed: closer to what passes checks than noise is.
    #[test]
    fn damaged_packets_never_panic(
        first in 0..TUNNELS.len(),
        second in 0..TUNNELS.len(),
        link in 0..LINKS.len(),
        size in 8..200usize,
        changes in prop::collection::vec((0..400usize, any::<u8>()), 0..6),
    ) {
        let inside = TUNNELS[first].1(&query());
        let mut decoder = Decoder::default();
        for piece in cut(&TUNNELS[second].1(&inside), size, 3) {
            let mut bytes = LINKS[link].1(&piece);
            for &(at, byte) in &changes {
                let len = bytes.len();
                bytes[at % len] = byte;
            }
            for len in 0..=bytes.len() {
                if let Ok(Packet { transport: Transport::Udp(it), .. }) =
                    ip(decoder.decode(&frame(&bytes[..len], bytes.len())))
                {
                    prop_assert!(it.payload.len() <= it.wire_len as usize);
                }
            }
        }
    }
}
