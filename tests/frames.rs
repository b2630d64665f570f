//! Frames of every link layer, and frames that cannot be decoded, through `straggler` from a savefile of every kind.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says what it expects; the panic is its report"
)]

mod support;

use std::process::Command;

use support::dns_messages::{A, Message};
use support::links::ethernet::{self, Ethernet};
use support::links::tunnels::gre;
use support::savefile::{Frame, Interface, Order, Pcapng, Resolution};
use support::{ClientHello, Extension, Ip, Link, Pcap, Segment, Talk, TimedPacket, merge};

const NAME: &str = "s07.upd.kaspersky.com";

/// A look-up over IPv4 and a hello over IPv6: two names.
fn packets() -> Vec<TimedPacket> {
    let query = Message::query(1, NAME, A);
    let ask = Talk::udp("10.0.0.1:40000", "10.0.0.53:53")
        .at(support::seconds(1_727_700_000))
        .asks(&query);
    let hello = Talk::tcp("[fd00::1]:50000", "[2001:db8::7]:443")
        .at(support::seconds(1_727_700_001))
        .open()
        .client(&ClientHello::to(NAME).stream());
    merge([ask, hello])
}

const BOTH: [&str; 2] = [
    "2024-09-30T12:40:00.000000Z\tdns\t10.0.0.1\ts07.upd.kaspersky.com",
    "2024-09-30T12:40:01.001500Z\ttls\tfd00::1\ts07.upd.kaspersky.com",
];

/// Names read in a savefile.
fn names(capture: &[u8]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("case.pcap");
    std::fs::write(&path, capture).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_straggler"))
        .arg("names")
        .arg(&path)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect()
}

/// What `replay` says of frames that were not decoded.
fn undecoded(capture: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("case.pcap");
    std::fs::write(&path, capture).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_straggler"))
        .arg("replay")
        .arg(&path)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let line = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("frames not decoded: "));
    line.unwrap_or_default().to_owned()
}

#[test]
fn every_link_layer_gives_the_same_names() {
    for link in Link::every() {
        let capture = Pcap::new(link.link_type()).bytes(&link.frames(&packets()));
        assert_eq!(names(&capture), BOTH, "{link:?}");
    }
}

#[test]
fn every_form_of_savefile_gives_the_same_names() {
    let link = Link::ethernet();
    let frames = link.frames(&packets());
    for order in [Order::Little, Order::Big] {
        assert_eq!(
            names(&Pcap::new(link.link_type()).order(order).bytes(&frames)),
            BOTH
        );
        assert_eq!(
            names(
                &Pcap::new(link.link_type())
                    .order(order)
                    .nanos()
                    .bytes(&frames)
            ),
            BOTH
        );
        for resolution in [
            Resolution::Decimal(6),
            Resolution::Decimal(9),
            Resolution::Binary(20),
        ] {
            let interface = Interface::new(link.link_type()).resolution(resolution);
            let read = names(&Pcapng::new(vec![interface]).order(order).bytes(&frames));
            let without_time = |lines: &[String]| -> Vec<String> {
                lines
                    .iter()
                    .map(|line| line.split_once('\t').unwrap().1.to_owned())
                    .collect()
            };
            let both: Vec<String> = BOTH.iter().map(ToString::to_string).collect();
            assert_eq!(without_time(&read), without_time(&both), "{resolution:?}");
        }
    }
}

#[test]
fn vlan_tags_are_read_up_to_the_cap() {
    let tags = |count: usize| Link::vlan(&vec![0x8100; count]);
    for (count, expected) in [(1, 2), (3, 2), (8, 2), (9, 0)] {
        let link = tags(count);
        let capture = Pcap::new(link.link_type()).bytes(&link.frames(&packets()));
        assert_eq!(names(&capture).len(), expected, "{count} tags");
    }
    let link = tags(9);
    let capture = Pcap::new(link.link_type()).bytes(&link.frames(&packets()));
    assert_eq!(
        undecoded(&capture),
        format!("{} vlan_depth", packets().len())
    );
}

#[test]
fn extension_headers_and_options_are_passed() {
    let hello = ClientHello::to(NAME).stream();
    let segment = Segment::new(50000, 443).seq(1).payload(&hello);
    let ip =
        |source: &str, target: &str| Ip::between(source.parse().unwrap(), target.parse().unwrap());
    let v6 = ip("fd00::1", "2001:db8::7")
        .extension(Extension::hop_by_hop(8))
        .extension(Extension::routing(8))
        .extension(Extension::destination_options(16));
    let v4 = ip("10.0.0.1", "198.51.100.7").options(&[1; 8]);
    for packet in [v6.packet(&segment), v4.packet(&segment)] {
        let link = Link::ethernet();
        let capture = Pcap::new(link.link_type()).bytes(&[Frame::whole(0, link.wrap(&packet))]);
        assert_eq!(names(&capture).len(), 1);
    }
}

#[test]
fn what_is_not_decoded_is_counted_by_cause() {
    let ether = Ethernet::default();
    let packet = &packets()[0].bytes;
    let fragments = Ip::between("10.0.0.1".parse().unwrap(), "10.0.0.53".parse().unwrap())
        .fragments(&support::Datagram::new(1, 53).payload(&[0; 400]), 200, 7);
    let aruba = Ip::between("10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap())
        .carry(47, &[0x82; 60]);
    let arp = ethernet::arp_request([10, 0, 0, 1].into(), [10, 0, 0, 2].into());
    let mut short_header = packet.clone();
    short_header[0] = 0x44; // a header of four words, where five are the least
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (arp.clone(), ""),                          // read
        (ether.other(0x8035, &arp[14..]), "1 arp"), // reverse ARP
        (ether.packet(&gre(0, &[], 0x6558, &arp)), "1 arp"),
        (ethernet::behind_backbone(&arp), "1 arp"),
        (ethernet::lldp(), "1 link_control"),
        (ethernet::llc(), "1 link_control"),
        (ethernet::mpls(&[100], &[0; 60]), "1 mpls"),
        (ethernet::mpls(&[100; 17], packet), "1 mpls_depth"),
        (ether.other(0x8864, &[0x22; 60]), "1 pppoe"),
        (ethernet::macsec(60), "1 macsec"),
        (ethernet::unknown(60), "1 ethertype"),
        (ether.packet(&fragments[0]), "1 fragment"),
        (ether.packet(&fragments[1]), "1 fragment"),
        (ether.packet(&aruba), "1 tunnel"),
        (ether.packet(&short_header), "1 ip_header"),
    ];
    for (frame, expected) in cases {
        let capture = Pcap::new(1).bytes(&[Frame::whole(support::seconds(1), frame)]);
        assert_eq!(undecoded(&capture), expected);
    }
    let overlapping = Ip::between("10.0.0.1".parse().unwrap(), "10.0.0.53".parse().unwrap())
        .fragments(&support::Datagram::new(1, 53).payload(&[0; 400]), 120, 7);
    let frames = [&fragments[0], &overlapping[1], &fragments[1]]
        .map(|piece| Frame::whole(support::seconds(1), ether.packet(piece)));
    assert_eq!(
        undecoded(&Pcap::new(1).bytes(&frames)),
        "3 fragment_overlap"
    );
    let cut = Frame::whole(support::seconds(1), ether.packet(packet)).cut(20);
    assert_eq!(undecoded(&Pcap::new(1).bytes(&[cut])), "1 cut");
    let cut_arp = Frame::whole(support::seconds(1), arp).cut(41);
    assert_eq!(undecoded(&Pcap::new(1).bytes(&[cut_arp])), "1 cut");
    let unknown_link = Frame::whole(support::seconds(1), vec![0; 60]);
    assert_eq!(
        undecoded(&Pcap::new(147).bytes(&[unknown_link])),
        "1 link_type"
    );
}

/// Every cut and many changed bytes: a line and exit 3 at the worst, never a crash.
#[test]
fn damaged_captures_never_crash() {
    let link = Link::ethernet();
    let whole = Pcap::new(link.link_type()).bytes(&link.frames(&packets()));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("case.pcap");
    let mut noise = support::Noise::new(7);
    for round in 0..120 {
        let mut bytes = whole.clone();
        if round % 2 == 0 {
            bytes.truncate(noise.below(whole.len() as u64) as usize);
        } else {
            for _ in 0..8 {
                let at = noise.below(whole.len() as u64) as usize;
                bytes[at] = noise.u16() as u8;
            }
        }
        std::fs::write(&path, &bytes).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_straggler"))
            .arg("names")
            .arg(&path)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            matches!(output.status.code(), Some(0 | 3)),
            "round {round}: {said}"
        );
        assert!(!said.contains("panicked"), "{said}");
    }
}
