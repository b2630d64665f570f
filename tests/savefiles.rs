//! Savefiles of every kind through `straggler`, from a file and from standard input: the same names from each.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says what it expects; the panic is its report"
)]

mod support;

use std::io::Write;
use std::process::{Command, Output, Stdio};

use support::dns_messages::{A, Message};
use support::savefile::{Frame, Interface, Order, PacketBlock, Packing, Pcap, Pcapng, Resolution};
use support::{ClientHello, Link, Talk, TimedPacket, merge, seconds};

const NAME: &str = "s07.upd.kaspersky.com";
const START: u64 = 1_727_700_000;

const BOTH: [&str; 2] = [
    "2024-09-30T12:40:00.000000Z\tdns\t10.0.0.1\ts07.upd.kaspersky.com",
    "2024-09-30T12:40:01.001500Z\ttls\tfd00::1\ts07.upd.kaspersky.com",
];

/// A look-up over IPv4 and a hello over IPv6: two names.
fn packets() -> Vec<TimedPacket> {
    let ask = Talk::udp("10.0.0.1:40000", "10.0.0.53:53")
        .at(seconds(START))
        .asks(&Message::query(1, NAME, A));
    let hello = Talk::tcp("[fd00::1]:50000", "[2001:db8::7]:443")
        .at(seconds(START + 1))
        .open()
        .client(&ClientHello::to(NAME).stream());
    merge([ask, hello])
}

/// The same packets as frames of several links, in turn: interface `n` has the link `n`.
fn over_links(links: &[Link]) -> Vec<Frame> {
    let of_each: Vec<Vec<Frame>> = links.iter().map(|link| link.frames(&packets())).collect();
    (0..of_each[0].len())
        .map(|at| {
            let interface = at % links.len();
            of_each[interface][at].clone().on(interface as u32)
        })
        .collect()
}

fn names_in_file(capture: &[u8]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    // The name says nothing: what a file is, its bytes tell.
    let path = folder.path().join("case");
    std::fs::write(&path, capture).unwrap();
    straggler().arg(&path).output().unwrap()
}

fn names_in_pipe(capture: &[u8]) -> Output {
    let mut child = straggler()
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A reader that gives up early closes the pipe; what it says of that is judged by its output.
    let _ = stdin.write_all(capture);
    drop(stdin);
    child.wait_with_output().unwrap()
}

fn straggler() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_straggler"));
    command.arg("names");
    command
}

fn lines(output: &Output) -> Vec<String> {
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// Both names, from the file and from the pipe, in every packing.
fn gives_both_names(capture: &[u8], what: &str) {
    for packing in Packing::EVERY {
        let packed = packing.pack(capture);
        for output in [names_in_file(&packed), names_in_pipe(&packed)] {
            assert_eq!(lines(&output), BOTH, "{what}, {packing:?}");
        }
    }
}

#[test]
fn pcap_in_every_form() {
    let link = Link::ethernet();
    let frames = link.frames(&packets());
    for order in Order::BOTH {
        let pcap = Pcap::new(link.link_type()).order(order);
        gives_both_names(&pcap.bytes(&frames), &format!("{order:?}"));
        gives_both_names(&pcap.nanos().bytes(&frames), &format!("{order:?}, nanos"));
    }
}

/// Interfaces that differ in link type, snap length and clock, described at the start or only when they are needed.
#[test]
fn pcapng_with_interfaces_that_differ() {
    let links = [Link::ethernet(), Link::Raw, Link::CookedV1];
    let frames = over_links(&links);
    let interfaces = vec![
        Interface::new(links[0].link_type()).snap(0),
        Interface::new(links[1].link_type())
            .snap(4_000_000_000)
            .resolution(Resolution::Decimal(9))
            .offset(START as i64 - 7),
        Interface::new(links[2].link_type())
            .snap(65_535)
            .resolution(Resolution::Decimal(12))
            .offset(START as i64),
    ];
    for order in Order::BOTH {
        let pcapng = Pcapng::new(interfaces.clone()).order(order);
        for pcapng in [pcapng.clone(), pcapng.described_late().other_blocks()] {
            gives_both_names(&pcapng.bytes(&frames), &format!("{pcapng:?}"));
        }
    }
}

#[test]
fn pcapng_with_a_clock_of_powers_of_two() {
    let link = Link::ethernet();
    // A tick is about a nanosecond, so the times are less than a microsecond early.
    let interface = Interface::new(link.link_type()).resolution(Resolution::Binary(30));
    let read = lines(&names_in_file(
        &Pcapng::new(vec![interface]).bytes(&link.frames(&packets())),
    ));
    let until_millis = |line: &str| line[..23].to_owned();
    assert_eq!(until_millis(&read[0]), until_millis(BOTH[0]));
    assert_eq!(read[1][26..], BOTH[1][26..]);
}

/// Each section has interfaces of its own, and its own byte order.
#[test]
fn pcapng_of_several_sections() {
    let (first, second) = (Link::CookedV1, Link::ethernet());
    let packets = packets();
    let (ask, hello) = packets.split_at(1);
    for orders in [[Order::Little, Order::Big], [Order::Big, Order::Little]] {
        let section = |link: &Link, order, packets: &[TimedPacket]| {
            let interface = Interface::new(link.link_type());
            Pcapng::new(vec![interface])
                .order(order)
                .bytes(&link.frames(packets))
        };
        let file = [
            section(&first, orders[0], ask),
            section(&second, orders[1], hello),
        ];
        gives_both_names(&file.concat(), &format!("{orders:?}"));
    }
}

#[test]
fn pcapng_with_rare_packet_blocks() {
    let link = Link::ethernet();
    let frames = link.frames(&packets());
    let interface = Interface::new(link.link_type());
    for order in Order::BOTH {
        let pcapng = Pcapng::new(vec![interface.clone()]).order(order);
        let obsolete = pcapng.clone().packets_as(PacketBlock::Obsolete);
        gives_both_names(&obsolete.bytes(&frames), "obsolete");
        // They have no time: the names are read all the same.
        let simple = pcapng.packets_as(PacketBlock::Simple).bytes(&frames);
        let read = lines(&names_in_file(&simple));
        let without_time = |line: &str| line.split_once('\t').unwrap().1.to_owned();
        let read: Vec<String> = read.iter().map(|line| without_time(line)).collect();
        assert_eq!(read, BOTH.map(without_time));
    }
}

/// A ring of packed captures is read in the order of recording, whatever the files are called.
#[test]
fn folders_of_packed_captures() {
    let folder = tempfile::tempdir().unwrap();
    let link = Link::ethernet();
    let frames = link.frames(&packets());
    let (ask, hello) = frames.split_at(1);
    let pcap = Pcap::new(link.link_type());
    let pcapng = Pcapng::new(vec![Interface::new(link.link_type())]);
    let files = [
        ("z", Packing::Zstd.pack(&pcap.bytes(ask))),
        ("a.gz", Packing::Gzip.pack(&pcapng.bytes(hello))),
        ("notes.gz", Packing::Gzip.pack(b"no capture")),
    ];
    for (name, bytes) in files {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    let output = straggler().arg(folder.path()).output().unwrap();
    assert_eq!(lines(&output), BOTH);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("1 files in folders are no captures"),
        "{said}"
    );
}

/// Every cut: what was whole is read, and the exit code is 0 or 3, with one line.
#[test]
fn every_cut_is_told() {
    let link = Link::ethernet();
    let one = &link.frames(&packets())[..1];
    let pcapng = Pcapng::new(vec![Interface::new(link.link_type())]).bytes(one);
    let pcap = Pcap::new(link.link_type()).bytes(one);
    for (what, whole) in [
        ("pcapng", pcapng.clone()),
        ("gzip", Packing::Gzip.pack(&pcapng)),
        ("zstd", Packing::Zstd.pack(&pcap)),
    ] {
        for len in 0..=whole.len() {
            let output = names_in_file(&whole[..len]);
            let said = String::from_utf8_lossy(&output.stderr);
            let expected = match output.status.code() {
                Some(0) => 0,
                Some(3) => 1,
                other => panic!("{what} cut at {len}: {other:?}: {said}"),
            };
            assert_eq!(said.lines().count(), expected, "{what} at {len}: {said}");
            assert!(!said.contains("panicked"), "{said}");
            assert!(len < whole.len() || output.status.success(), "{what}");
        }
    }
}

/// The number in the message is that of the frames which were read.
#[test]
fn the_count_of_frames_is_right() {
    let link = Link::ethernet();
    let frames = link.frames(&packets());
    let whole = frames.len();
    let pcap = Pcap::new(link.link_type()).bytes(&frames);
    let pcapng = Pcapng::new(vec![Interface::new(link.link_type())]).bytes(&frames);
    for capture in [&pcap[..pcap.len() - 1], &pcapng[..pcapng.len() - 1]] {
        for packing in Packing::EVERY {
            let packed = packing.pack(capture);
            for output in [names_in_file(&packed), names_in_pipe(&packed)] {
                let said = String::from_utf8_lossy(&output.stderr);
                let expected = format!("cut off after {} whole frames", whole - 1);
                assert!(said.contains(&expected), "{packing:?}: {said}");
                assert_eq!(output.status.code(), Some(3));
            }
        }
    }
}

#[test]
fn pipes_with_nothing_to_read() {
    for (bytes, words) in [
        (&b""[..], "standard input: the file is empty"),
        (
            b"this is no capture",
            "standard input: not a pcap or pcapng",
        ),
        (b"\xfd7zXZ\x00\x00\x04", "… | xz -dc | straggler replay -"),
    ] {
        let output = names_in_pipe(bytes);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{said}");
        assert!(said.contains(words) && said.lines().count() == 1, "{said}");
    }
}
