//! What forged packets can pin on another host, and what they cannot: docs/threat-model.md says so in words.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says what it expects; the panic is its report"
)]

mod findings;
mod support;

use std::net::{IpAddr, Ipv4Addr};
use std::process::Command;
use std::time::Duration;

use findings::{finding, findings, of_frames, verdict};
use serde_json::Value;
use support::dhcp::Dhcp4;
use support::dns_messages::A;
use support::initials::crypto;
use support::links::ethernet::Ethernet;
use support::packets::{ACK, Checksum, RST};
use support::{
    ClientHello, Datagram, Frame, Initial, Ip, Link, Message, Pcap, Segment, Side, Talk,
    TimedPacket, application_data, server_hello,
};

/// An hour after the cutoff of the built-in pack.
const AFTER: u64 = (1_727_582_400 + 3_600) * SECOND;
const SECOND: u64 = 1_000_000_000;
const NAME: &str = "s07.upd.kaspersky.com";
/// Whose address is forged.
const VICTIM: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 17);
const VICTIM_MAC: [u8; 6] = [2, 0, 0, 0, 0, 0x17];
const FORGER_MAC: [u8; 6] = [2, 0, 0, 0, 0, 0x66];

/// A download by the victim's address.
fn download() -> Talk {
    Talk::tcp("10.0.0.17:50000", "198.51.100.7:443")
        .at(AFTER)
        .open()
        .client(&ClientHello::to(NAME).stream())
        .server(&server_hello())
        .server(&application_data(40_000))
}

/// A packet of the server in the connection of [`download`], outside of what was sent there.
fn from_server(time: u64, seq: u32, flags: u8, payload: &[u8]) -> TimedPacket {
    let segment = Segment::new(443, 50_000)
        .seq(seq)
        .ack(1)
        .flags(flags)
        .payload(payload);
    let way = Ip::between("198.51.100.7".parse().unwrap(), VICTIM.into());
    TimedPacket {
        time,
        from: Side::Server,
        bytes: way.packet(&segment),
    }
}

/// Whoever forges what a host says makes it ask, and no more: nothing is a contact that no server answered. What remains: of a
/// capture of one direction the client's acknowledgements are believed, so whoever forges those too can accuse another host.
/// It shows: the flow counts as one-sided.
#[test]
fn one_side_alone_is_told_as_such() {
    let server: IpAddr = [198, 51, 100, 7].into();
    let hello = ClientHello::to(NAME);
    let alone = Talk::tcp("10.0.0.17:50000", "198.51.100.7:443").at(AFTER);
    let crypto = crypto(&hello.message(), 0..hello.message().len());
    let initial = Initial::client(b"forged!!").datagram(&crypto);
    let datagram = |port, payload: &[u8]| {
        let datagram = Datagram::new(50_000, port).payload(payload);
        let bytes = Ip::between(VICTIM.into(), server).packet(&datagram);
        // Twice, because a lone packet gives no time.
        let packet = TimedPacket {
            time: AFTER,
            from: Side::Client,
            bytes,
        };
        vec![packet.clone(), packet]
    };
    let of_client = |talk: &Talk| talk.only(Side::Client);
    let one_sided = Some("only the client's");
    for (what, packets, expected, told) in [
        (
            "hello",
            of_client(&alone.clone().client(&hello.stream())),
            "asking",
            one_sided,
        ),
        (
            "SYN and hello",
            of_client(&alone.clone().syn().client(&hello.stream())),
            "asking",
            one_sided,
        ),
        ("Initial", datagram(443, &initial), "asking", one_sided),
        (
            "question",
            datagram(53, &Message::query(7, NAME, A).bytes()),
            "asking",
            None,
        ),
        (
            "acknowledgements",
            of_client(&download()),
            "fetching, straggler",
            one_sided,
        ),
        (
            "answer",
            download().only(Side::Server),
            "",
            Some("only the server's"),
        ),
        (
            "both",
            download().into_packets(),
            "fetching, straggler",
            None,
        ),
    ] {
        let found = findings(&packets, &[]);
        let verdicts: Vec<String> = found.iter().map(verdict).collect();
        assert_eq!(verdicts.join(" and "), expected, "{what}");
        let said = said_of(&packets);
        for words in ["only the client's", "only the server's"] {
            let is_told = said.contains(words);
            assert_eq!(is_told, told == Some(words), "{what}: {said}");
        }
    }
}

/// What `replay` says in words.
fn said_of(packets: &[TimedPacket]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("case.pcap");
    let link = Link::ethernet();
    let frames = link.frames(packets);
    Pcap::new(link.link_type())
        .nanos()
        .write(&path, &frames)
        .unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_straggler"))
        .arg("replay")
        .arg(&path)
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// Whoever guesses ends and ports of a connection, but not its numbers, adds nothing to it by one packet. Two that go on from each
/// other are believed, because a capture that lost much goes on so: what remains.
#[test]
fn a_forged_packet_of_a_server_beside_its_numbers_counts_nothing() {
    let hello = Talk::tcp("10.0.0.17:50000", "198.51.100.7:443")
        .at(AFTER)
        .open()
        .client(&ClientHello::to(NAME).stream());
    let time = hello.now();
    let far = 0x7000_0000;
    for (flags, payload) in [
        (ACK, server_hello()),
        (ACK, application_data(1_400)),
        (RST | ACK, vec![]),
    ] {
        let mut packets = hello.clone().into_packets();
        packets.push(from_server(time, far, flags, &payload));
        let found = finding(&packets);
        assert_eq!(verdict(&found), "asking", "{flags:#x}");
        assert_eq!(found["bytes_received"], 0, "{flags:#x}");
        if !payload.is_empty() {
            let next = far + u32::try_from(payload.len()).unwrap();
            packets.push(from_server(time + 1, next, flags, &payload));
            assert_eq!(verdict(&finding(&packets)), "contacting, straggler");
        }
    }
}

/// Nor does it end the connection for the sensor: what the server sends later is still put down to the name.
#[test]
fn a_forged_reset_beside_its_numbers_hides_no_answer() {
    for pause in [1, 60] {
        let start = Talk::tcp("10.0.0.17:50000", "198.51.100.7:443")
            .at(AFTER)
            .open()
            .client(&ClientHello::to(NAME).stream());
        let reset = from_server(start.now(), 0x7000_0000, RST | ACK, &[]);
        let whole = start
            .pause(Duration::from_secs(pause))
            .server(&server_hello())
            .server(&application_data(40_000));
        let mut packets = whole.into_packets();
        packets.push(reset);
        packets.sort_by_key(|packet| packet.time);
        assert_eq!(
            verdict(&finding(&packets)),
            "fetching, straggler",
            "{pause}"
        );
    }
}

/// Nobody hides a host that fetches: a reset with the right number, or an ICMP error about its packets, takes no contact back.
#[test]
fn forged_refusals_hide_no_contact() {
    let real = download();
    let next = u32::try_from(server_hello().len() + application_data(40_000).len()).unwrap();
    let first = real
        .packets()
        .iter()
        .find(|packet| packet.from == Side::Server)
        .map(|packet| u32::from_be_bytes(packet.bytes[24..28].try_into().unwrap()))
        .unwrap();
    let reset = from_server(real.now(), first + 1 + next, RST | ACK, &[]);
    let quoted = &real.packets()[0].bytes[..28];
    // Destination unreachable, administratively prohibited (RFC 792, RFC 1812).
    let error = [&[3, 13, 0, 0, 0, 0, 0, 0], quoted].concat();
    let mut error = error;
    let sum = Checksum::of(&error);
    error[2..4].copy_from_slice(&sum.to_be_bytes());
    let refused = TimedPacket {
        time: real.now(),
        from: Side::Server,
        bytes: Ip::between("192.0.2.1".parse().unwrap(), VICTIM.into()).carry(1, &error),
    };
    for forged in [reset, refused] {
        let mut packets = real.packets().to_vec();
        packets.push(forged);
        assert_eq!(verdict(&finding(&packets)), "fetching, straggler");
    }
}

fn framed(source: [u8; 6], packets: &[TimedPacket]) -> Vec<Frame> {
    let own = Ethernet::default().source(source);
    let frame = |packet: &TimedPacket| {
        let bytes = match packet.from {
            Side::Client => own.packet(&packet.bytes),
            Side::Server => Link::ethernet().wrap(&packet.bytes),
        };
        Frame::whole(packet.time, bytes)
    };
    packets.iter().map(frame).collect()
}

/// An ARP request of this device for 10.0.0.1 (RFC 826).
fn says_itself(mac: [u8; 6], time: u64) -> Frame {
    let message = [
        &[0, 1, 8, 0, 6, 4, 0, 1],
        &mac[..],
        &VICTIM.octets(),
        &[0; 6],
        &[10, 0, 0, 1],
    ]
    .concat();
    Frame::whole(
        time,
        Ethernet::default().source(mac).other(0x0806, &message),
    )
}

/// Keys and confidence of the hosts found.
fn hosts(frames: &[Frame]) -> Vec<(String, String)> {
    let text = |found: &Value, key: &str| found[key].as_str().unwrap().to_owned();
    let found = of_frames(frames, &[]);
    let mut hosts: Vec<_> = found
        .iter()
        .map(|found| (text(found, "host"), text(found, "host_confidence")))
        .collect();
    hosts.sort();
    hosts
}

/// On the link a forged address is not put down to the device that has it, as long as the frames are the forger's: it is a
/// host of its own by the address, whose confidence says so.
#[test]
fn a_forged_address_on_the_link_is_another_host() {
    let mut frames = vec![says_itself(VICTIM_MAC, AFTER - 10 * SECOND)];
    frames.extend(framed(FORGER_MAC, download().packets()));
    let by_forger = hosts(&frames);
    assert_eq!(
        by_forger,
        [("ip-10.0.0.17".to_owned(), "address".to_owned())]
    );
    // With the victim's hardware address too nothing tells them apart.
    let mut frames = vec![says_itself(VICTIM_MAC, AFTER - 10 * SECOND)];
    frames.extend(framed(VICTIM_MAC, download().packets()));
    assert_eq!(
        hosts(&frames),
        [("mac-02:00:00:00:00:17".to_owned(), "hardware".to_owned())]
    );
}

/// A forged acknowledgement of DHCP does not pin one device's traffic on another where frames tell whose it is.
#[test]
fn a_forged_lease_does_not_pin_frames_of_one_device_on_another() {
    let ack = Dhcp4::ack(VICTIM_MAC, VICTIM, 3_600);
    let lease = Talk::udp("10.0.0.1:67", "10.0.0.17:68")
        .at(AFTER - 5 * SECOND)
        .client(&ack.bytes());
    let mut frames = vec![says_itself(FORGER_MAC, AFTER - 10 * SECOND)];
    frames.extend(Link::ethernet().frames(lease.packets()));
    frames.extend(framed(FORGER_MAC, download().packets()));
    let own = ("mac-02:00:00:00:00:66".to_owned(), "hardware".to_owned());
    assert_eq!(hosts(&frames), [own]);
}
