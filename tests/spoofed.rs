//! Packets that somebody else sends in a host's name: what one side says alone makes no straggler, and shows as one-sided.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says what it expects; the panic is its report"
)]

mod support;

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use support::dns_messages::A;
use support::initials::crypto;
use support::links::ethernet::{Ethernet, arp_announcement};
use support::{
    ClientHello, Datagram, Frame, Initial, Ip, Link, Message, Pcap, Side, Talk, application_data,
    seconds, server_hello,
};

/// A day after the cutoff.
const AFTER: u64 = 1_727_700_000;
const NAME: &str = "s07.upd.kaspersky.com";
const VICTIM: &str = "10.0.0.5";
const SERVER: &str = "203.0.113.7:443";

fn download() -> Talk {
    Talk::tcp(format!("{VICTIM}:50000").as_str(), SERVER)
        .at(seconds(AFTER))
        .open()
        .client(&ClientHello::to(NAME).stream())
        .server(&server_hello())
        .server(&application_data(40_000))
        .close()
}

fn frames(packets: impl IntoIterator<Item = Vec<u8>>, mac: [u8; 6], from: u64) -> Vec<Frame> {
    let link = Ethernet::default().source(mac);
    let packets = packets.into_iter().zip(0..);
    packets
        .map(|(packet, at)| Frame::whole((from + at) * 1_000_000_000, link.packet(&packet)))
        .collect()
}

fn packets(talk: &Talk, side: Side) -> Vec<Vec<u8>> {
    talk.only(side)
        .into_iter()
        .map(|packet| packet.bytes)
        .collect()
}

/// The findings of frames, and what is said of what could not be seen.
fn findings(folder: &Path, frames: &[Frame]) -> (Vec<Value>, String) {
    let path = folder.join("capture.pcap");
    let bytes = Pcap::new(Link::ethernet().link_type())
        .nanos()
        .bytes(frames);
    std::fs::write(&path, bytes).unwrap();
    let replay = |format: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_straggler"))
            .args(["replay", "--format", format, path.to_str().unwrap()])
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let found = replay("json");
    let found = found
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    (found.collect(), replay("table"))
}

#[test]
fn one_side_alone_is_told_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let ip = Ip::between(VICTIM.parse().unwrap(), "203.0.113.7".parse().unwrap());
    let hello = ClientHello::to(NAME).message();
    let initial = Initial::client(b"forged!!").datagram(&crypto(&hello, 0..hello.len()));
    let initial = ip.packet(&Datagram::new(50_000, 443).payload(&initial));
    let query = Message::query(7, NAME, A).bytes();
    let query = ip.packet(&Datagram::new(50_000, 53).payload(&query));
    let client = packets(&download(), Side::Client);
    // SYN, acknowledgement, hello: what can be sent without knowing anything of an answer.
    let opening = client[..3].to_vec();
    for (what, packets, evidence, is_straggler) in [
        ("hello", opening, "attempt", false),
        ("Initial", vec![initial], "attempt", false),
        ("question", vec![query], "lookup", false),
        // Who acknowledges 40,000 bytes has got them, as far as a sensor on one of two ways can know.
        ("acknowledgements", client, "transfer", true),
        // Nobody said a name.
        ("answer", packets(&download(), Side::Server), "", false),
    ] {
        // Twice the last packet, because a lone one gives no time.
        let last = packets.last().unwrap().clone();
        let frames = frames(packets.into_iter().chain([last]), [2, 0, 0, 0, 0, 9], AFTER);
        let (found, said) = findings(folder.path(), &frames);
        if evidence.is_empty() {
            assert!(found.is_empty(), "{what}: {found:?}");
        } else {
            assert_eq!(found.len(), 1, "{what}: {found:?}");
            assert_eq!(found[0]["straggler"], is_straggler, "{what}: {found:?}");
            assert_eq!(found[0]["evidence"], evidence, "{what}: {found:?}");
        }
        let is_told = said.contains("flows with packets of one side");
        assert_eq!(is_told, what != "question", "{what}: {said}");
    }
}

/// Who forges both sides on the link of a host is another sender there: the finding is not put down to the host's own key.
#[test]
fn both_sides_forged_are_of_another_sender() {
    let folder = tempfile::tempdir().unwrap();
    let (own, other) = ([2, 0, 0, 0, 0, 5], [2, 0, 0, 0, 0, 9]);
    let announced = Frame::whole(
        AFTER * 1_000_000_000,
        arp_announcement("10.0.0.5".parse().unwrap()),
    );
    let honest = Talk::tcp("10.0.0.5:40000", "198.51.100.80:443")
        .open()
        .client(&ClientHello::to("www.example.net").stream())
        .server(&application_data(100));
    let honest = honest.into_packets().into_iter().map(|packet| packet.bytes);
    let honest = frames(honest, own, AFTER + 1);
    let forged = download()
        .into_packets()
        .into_iter()
        .map(|packet| packet.bytes);
    let forged = frames(forged, other, AFTER + 60);
    let all = [vec![announced], honest, forged].concat();
    let (found, said) = findings(folder.path(), &all);
    let [finding] = found.as_slice() else {
        panic!("{found:?}")
    };
    assert_eq!(finding["host"], "ip-10.0.0.5", "{said}");
    assert_eq!(finding["host_confidence"], "address");
    assert_eq!(finding["host_macs"], serde_json::json!([]));
}
