//! What is said over TCP is read however it is cut, repeated, swapped and overlapped: the same names, each time.
//!
//! Conversations are made here; where the folder of real captures is there, theirs are cut anew in the same ways.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says what it expects; the panic is its report"
)]

mod support;

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use straggler::capture::{FrameSource, Pumped, Savefile, find_inputs};
use straggler::decode::Decoder;
use straggler::model::{Carrier, Decoded, Frame, LinkType, Timestamp, Transport};
use straggler::rules::{Library, RuleSet};
use straggler::tracker::{NameRead, Settings, Tracker, Witness};
use support::dns_messages::{A, Message};
use support::packets::{ACK, FIN, RST, SYN};
use support::{ClientHello, Ip, Link, Segment, Side, Talk, TimedPacket, server_hello};

const NAME: &str = "s07.upd.kaspersky.com";
const SECOND: u64 = 1_000_000_000;

/// Names read over TCP: signal, carrier, client, name.
#[derive(Default)]
struct Names(Vec<String>);

impl Witness for Names {
    fn name_read(&mut self, read: &NameRead<'_>) {
        let carrier = match read.carrier {
            Carrier::Direct => String::new(),
            carrier => format!(" {carrier}"),
        };
        self.0.push(format!(
            "{}{carrier} {} {}",
            read.signal, read.client.addr, read.name
        ));
    }
}

fn tracker() -> Tracker {
    static RULES: LazyLock<Arc<RuleSet>> =
        LazyLock::new(|| Arc::new(Library::load(None).unwrap().compile(|_| true)));
    Tracker::new(Settings::default(), Arc::clone(&RULES))
}

fn names(packets: &[TimedPacket]) -> Vec<String> {
    let link = Link::ethernet();
    let (mut tracker, mut names) = (tracker(), Names::default());
    for packet in packets {
        let bytes = link.wrap(&packet.bytes);
        tracker.ingest(&frame(packet.time, &bytes), &mut names);
    }
    tracker.settle();
    names.0
}

fn frame(time: u64, bytes: &[u8]) -> Frame<'_> {
    Frame {
        time: Timestamp::from_nanos(i64::try_from(time).unwrap()),
        link: LinkType::ETHERNET,
        wire_len: u32::try_from(bytes.len()).unwrap(),
        bytes,
    }
}

/// A TCP segment as it can be built again.
#[derive(Clone)]
struct Part {
    time: u64,
    src: straggler::model::Endpoint,
    dst: straggler::model::Endpoint,
    seq: u32,
    ack: u32,
    flags: u8,
    payload: Vec<u8>,
}

impl Part {
    fn packet(&self) -> TimedPacket {
        let segment = Segment::new(self.src.port, self.dst.port)
            .seq(self.seq)
            .ack(self.ack)
            .flags(self.flags)
            .payload(&self.payload);
        TimedPacket {
            time: self.time,
            from: Side::Client,
            bytes: Ip::between(self.src.addr, self.dst.addr).packet(&segment),
        }
    }

    /// The same bytes in segments of at most `size`, each at its place.
    fn cut(&self, size: usize) -> Vec<Self> {
        if self.payload.is_empty() || self.flags & SYN != 0 {
            return vec![self.clone()];
        }
        let pieces = self.payload.chunks(size).enumerate();
        pieces
            .map(|(number, piece)| Self {
                seq: self.seq.wrapping_add(u32::try_from(number * size).unwrap()),
                payload: piece.to_vec(),
                ..self.clone()
            })
            .collect()
    }
}

/// The TCP segments of frames, the whole ones.
fn parts<'f>(decoder: &mut Decoder, frame: &Frame<'f>) -> Option<Part> {
    let Decoded::Packet(packet) = decoder.decode(frame).ok()? else {
        return None;
    };
    let Transport::Tcp(segment) = packet.transport else {
        return None;
    };
    let flag = |on: bool, bit: u8| if on { bit } else { 0 };
    let flags = segment.flags;
    let whole = segment.payload.len() == segment.wire_len as usize;
    whole.then(|| Part {
        time: u64::try_from(frame.time.as_nanos()).unwrap_or(0),
        src: segment.src,
        dst: segment.dst,
        seq: segment.seq,
        ack: segment.ack,
        flags: flag(flags.syn, SYN)
            | flag(flags.ack, ACK)
            | flag(flags.fin, FIN)
            | flag(flags.rst, RST),
        payload: segment.payload.to_vec(),
    })
}

fn parts_of(packets: &[TimedPacket]) -> Vec<Part> {
    let (link, mut decoder) = (Link::ethernet(), Decoder::default());
    let frames = packets
        .iter()
        .map(|packet| (packet.time, link.wrap(&packet.bytes)));
    frames
        .filter_map(|(time, bytes)| parts(&mut decoder, &frame(time, &bytes)))
        .collect()
}

/// Every way in which a stream may be cut and sent without losing a byte.
fn variants(parts: &[Part]) -> Vec<(String, Vec<TimedPacket>)> {
    let mut variants = Vec::new();
    for size in [1, 7, 100, 65_000] {
        let cut: Vec<Vec<Part>> = parts.iter().map(|part| part.cut(size)).collect();
        let mut add = |how: &str, change: &dyn Fn(Vec<Part>) -> Vec<Part>| {
            let parts = cut.iter().flat_map(|pieces| change(pieces.clone()));
            variants.push((
                format!("{how}, {size} bytes"),
                parts.map(|part| part.packet()).collect(),
            ));
        };
        add("in order", &|pieces| pieces);
        add("swapped", &|mut pieces| {
            for pair in pieces.chunks_mut(2) {
                pair.reverse();
            }
            pieces
        });
        add("repeated", &|pieces| {
            pieces
                .iter()
                .flat_map(|piece| [piece.clone(), piece.clone()])
                .collect()
        });
        if size >= 7 {
            add("backwards", &|mut pieces| {
                // No stack waits for more than it has room for, and nor does this.
                for run in pieces.chunks_mut(100) {
                    run.reverse();
                }
                pieces
            });
        }
        add("overlapping", &|pieces| {
            // Each piece again together with the one before it.
            let mut all: Vec<Part> = Vec::new();
            for piece in pieces {
                let joined = all
                    .last()
                    .filter(|last| last.payload.len() < 2_000)
                    .map(|last| Part {
                        payload: [&last.payload[..], &piece.payload].concat(),
                        ..last.clone()
                    });
                let follows = all.last().is_some_and(|last| {
                    last.seq
                        .wrapping_add(u32::try_from(last.payload.len()).unwrap())
                        == piece.seq
                });
                all.extend(joined.filter(|_| follows));
                all.push(piece);
            }
            all
        });
    }
    variants
}

fn hello(name: &str) -> Vec<u8> {
    ClientHello::to(name).key_share(1216).name_last().stream()
}

fn request(method: &str, target: &str, host: &str, more: &str) -> Vec<u8> {
    format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\n{more}\r\n").into_bytes()
}

fn open() -> Talk {
    Talk::tcp("10.0.0.1:50000", "198.51.100.7:443").open()
}

/// Conversations and the names in them.
fn conversations() -> Vec<(&'static str, Talk, Vec<String>)> {
    let tls = |carrier: &str| format!("tls{carrier} 10.0.0.1 {NAME}");
    let http = |signal: &str, name: &str| format!("{signal} 10.0.0.1 {name}");
    let post = |body: &str, more: &str| {
        [
            request("POST", "/a", "a.example", more),
            body.as_bytes().to_vec(),
        ]
        .concat()
    };
    vec![
        (
            "a hello of two segments, then data",
            open().client(&hello(NAME)).server(&server_hello()).client(&[23; 3_000]),
            vec![tls("")],
        ),
        (
            "a hello in records of 100 bytes",
            open().client(&ClientHello::to(NAME).key_share(1216).record_size(100).stream()),
            vec![tls("")],
        ),
        (
            "sequence numbers that wrap in the hello",
            Talk::tcp_from("10.0.0.1:50000", "198.51.100.7:443", u32::MAX - 700, u32::MAX - 3)
                .open()
                .client(&hello(NAME))
                .server(&server_hello()),
            vec![tls("")],
        ),
        (
            "requests in a row",
            open()
                .client(&[request("GET", "/", "a.example", ""), request("GET", "/", "b.example", "")].concat())
                .server(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                .client(&request("GET", "http://c.example/x", "d.example", "")),
            vec![http("http", "a.example"), http("http", "b.example"), http("http", "c.example")],
        ),
        (
            "a body that looks like a request",
            open()
                .client(&post("GET / HTTP/1.1\r\nHost: false.example\r\n\r\n", "Content-Length: 39\r\n"))
                .client(&request("GET", "/", "b.example", "")),
            vec![http("http", "a.example"), http("http", "b.example")],
        ),
        (
            "a body in chunks",
            open()
                .client(&post(
                    "5\r\nGET /\r\n1a\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\n\r\n",
                    "Transfer-Encoding: chunked\r\n",
                ))
                .client(&request("GET", "/", "b.example", "")),
            vec![http("http", "a.example"), http("http", "b.example")],
        ),
        (
            "TLS behind CONNECT",
            open()
                .client(&request("CONNECT", "proxied.example:443", "x.example", ""))
                .server(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
                .client(&request("CONNECT", "proxied.example:443", "x.example", "Proxy-Authorization: x\r\n"))
                .server(b"HTTP/1.1 200 Connection established\r\n\r\n")
                .client(&hello(NAME)),
            vec![
                http("connect", "proxied.example"),
                http("connect connect", "proxied.example"),
                tls(" connect"),
            ],
        ),
        (
            "STARTTLS in SMTP",
            Talk::tcp("10.0.0.1:50000", "198.51.100.7:25")
                .open()
                .server(b"220 mail.example ESMTP\r\n")
                .client(b"EHLO client.example\r\n")
                .server(b"250-mail.example\r\n250 STARTTLS\r\n")
                .client(b"STARTTLS\r\n")
                .server(b"220 go ahead\r\n")
                .client(&hello(NAME))
                .server(&server_hello()),
            vec![tls(" starttls")],
        ),
        (
            "a database's request for TLS",
            Talk::tcp("10.0.0.1:50000", "198.51.100.7:5432")
                .open()
                .client(&[0, 0, 0, 8, 4, 210, 22, 47])
                .server(b"S")
                .client(&hello(NAME)),
            vec![tls(" starttls")],
        ),
        (
            "SOCKS 5",
            Talk::tcp("10.0.0.1:50000", "10.0.0.9:1080")
                .open()
                .client(&[5, 1, 0])
                .server(&[5, 0])
                .client(&[&[5, 1, 0, 3, 9][..], b"a.example", &[1, 187]].concat())
                .server(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0])
                .client(&hello(NAME)),
            vec![tls(" starttls")],
        ),
        (
            "DNS",
            Talk::tcp("10.0.0.1:50000", "10.0.0.53:53")
                .open()
                .client(
                    &[
                        Message::query(1, "a.example", A).tcp_bytes(),
                        Message::query(2, "b.example", A).edns(1232).tcp_bytes(),
                    ]
                    .concat(),
                )
                .server(&Message::query(1, "a.example", A).response().tcp_bytes())
                .client(&Message::query(3, "c.example", A).tcp_bytes()),
            vec![http("dns", "a.example"), http("dns", "b.example"), http("dns", "c.example")],
        ),
        (
            "TLS on the port of DNS",
            Talk::tcp("10.0.0.1:50000", "10.0.0.53:53").open().client(&hello(NAME)),
            vec![tls("")],
        ),
        (
            "other protocols",
            open()
                .server(b"SSH-2.0-x\r\n")
                .client(b"SSH-2.0-y\r\n")
                .client(&[22, 3, 1, 0, 5, 2, 0, 0, 1, 0, 22, 22, 3])
                .client(&[0x16; 3_000]),
            vec![],
        ),
    ]
}

#[test]
fn conversations_are_read_however_they_are_cut() {
    for (case, talk, expected) in conversations() {
        assert_eq!(names(talk.packets()), expected, "{case}");
        for (how, packets) in variants(&parts_of(talk.packets())) {
            assert_eq!(names(&packets), expected, "{case}, {how}");
        }
    }
}

/// The byte that came first stands: what a later segment says of the same place is not read.
#[test]
fn the_first_byte_of_an_overlap_stands() {
    let talk = open().client(&ClientHello::to(NAME).stream());
    let parts = parts_of(talk.packets());
    let at = parts
        .iter()
        .position(|part| !part.payload.is_empty())
        .unwrap();
    let true_hello = &parts[at];
    let false_hello = Part {
        payload: ClientHello::to("s08.upd.kaspersky.com").stream(),
        ..true_hello.clone()
    };
    // Most of the true hello without its start, then all of the false one: its start fills the hole, no more.
    let later = true_hello.cut(3).split_off(1);
    let mut packets: Vec<TimedPacket> = parts[..at].iter().map(Part::packet).collect();
    packets.extend(later.iter().map(Part::packet));
    packets.push(false_hello.packet());
    assert_eq!(names(&packets), [format!("tls 10.0.0.1 {NAME}")]);
}

#[test]
fn a_flow_is_read_from_where_the_capture_begins() {
    let talk = open().client(&hello(NAME)).server(&server_hello());
    let parts = parts_of(talk.packets());
    for skipped in 1..=3 {
        let packets: Vec<TimedPacket> = parts[skipped..].iter().map(Part::packet).collect();
        assert_eq!(
            names(&packets),
            [format!("tls 10.0.0.1 {NAME}")],
            "{skipped} left out"
        );
    }
    // Of the client's side alone, too.
    let client: Vec<TimedPacket> = talk.only(Side::Client);
    assert_eq!(names(&client), [format!("tls 10.0.0.1 {NAME}")]);
}

/// A request behind a part that was lost is found again.
#[test]
fn requests_behind_a_loss_are_read() {
    let talk = open()
        .client(&request("GET", "/", "a.example", ""))
        .client(&request("GET", "/", "lost.example", ""))
        .client(&request(
            "GET",
            "/",
            "b.example",
            &format!("X: {}\r\n", "x".repeat(17_000)),
        ))
        .client(&request("GET", "/", "c.example", ""));
    let mut parts = parts_of(talk.packets());
    parts.retain(|part| !part.payload.windows(4).any(|four| four == b"lost"));
    let packets: Vec<TimedPacket> = parts.iter().map(Part::packet).collect();
    let read = names(&packets);
    assert!(
        read.contains(&"http 10.0.0.1 a.example".to_owned()),
        "{read:?}"
    );
    assert!(
        read.contains(&"http 10.0.0.1 c.example".to_owned()),
        "{read:?}"
    );
}

/// What the snap length left of a hello or a request is read.
#[test]
fn names_in_cut_packets_are_read() {
    let http = request(
        "GET",
        "/",
        "a.example",
        &format!("Cookie: {}\r\n", "x".repeat(900)),
    );
    for (first_words, expected) in [
        (
            ClientHello::to(NAME).padding(900).stream(),
            Some(format!("tls 10.0.0.1 {NAME}")),
        ),
        (
            ClientHello::to(NAME).padding(900).name_last().stream(),
            None,
        ),
        (http, Some("http 10.0.0.1 a.example".to_owned())),
    ] {
        let (mut tracker, mut names) = (tracker(), Names::default());
        let link = Link::ethernet();
        for packet in open()
            .client(&first_words)
            .server(&server_hello())
            .packets()
        {
            let bytes = link.wrap(&packet.bytes);
            let mut frame = frame(packet.time, &bytes);
            frame.bytes = &bytes[..bytes.len().min(400)];
            tracker.ingest(&frame, &mut names);
        }
        tracker.settle();
        assert_eq!(names.0, Vec::from_iter(expected.clone()));
        let incomplete = straggler::model::BlindKind::HelloIncomplete.index();
        let blind = tracker.stats().seen.blind_flows[incomplete];
        assert_eq!(blind, u64::from(expected.is_none()));
    }
}

/// Memory for streams is given back, and what a stream may take is bounded.
#[test]
fn streams_that_never_become_whole_are_bounded() {
    let mut tracker = tracker();
    let link = Link::ethernet();
    for port in 1..2_000u16 {
        let client = format!("10.0.0.1:{port}");
        let talk = Talk::tcp(client.as_str(), "198.51.100.7:443")
            .open()
            .client(&hello(NAME)[..1_000]);
        for packet in talk.packets() {
            tracker.ingest(&frame(SECOND, &link.wrap(&packet.bytes)), &mut ());
        }
    }
    let table = |tracker: &Tracker| {
        tracker
            .stats()
            .tables
            .into_iter()
            .find(|table| table.name == "first_bytes")
            .unwrap()
    };
    // The bytes, and for each stream one piece.
    assert_eq!(table(&tracker).entries, 1_999 * (1_000 + 16));
    // A new connection on the same ports ends the old one.
    for port in 1..2_000u16 {
        let client = format!("10.0.0.1:{port}");
        let talk = Talk::tcp_from(client.as_str(), "198.51.100.7:443", 77, 77)
            .open()
            .client(b"SSH-2.0-x\r\n");
        for packet in talk.packets() {
            tracker.ingest(&frame(2 * SECOND, &link.wrap(&packet.bytes)), &mut ());
        }
    }
    assert_eq!(table(&tracker).entries, 0);
}

/// Real captures, cut anew: what is read over TCP does not change.
#[test]
fn real_captures_are_read_however_they_are_cut() {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/captures");
    let folder = std::env::var_os("STRAGGLER_CAPTURES").map_or(default, PathBuf::from);
    if !folder.is_dir() {
        eprintln!("SKIPPED: no folder of captures (STRAGGLER_CAPTURES names one)");
        return;
    }
    let mut streams = 0;
    for file in find_inputs(&[folder]).unwrap().files {
        let mut all = Vec::new();
        let (mut decoder, mut source) = (Decoder::default(), Savefile::open(&file).unwrap());
        while let Ok(Pumped::Frames(_) | Pumped::Idle) =
            source.pump(1_000, &mut |frame| all.extend(parts(&mut decoder, &frame)))
        {}
        // Where the start was not seen, a swap may put the second part first, and it is taken for the start.
        let opened: Vec<_> = all
            .iter()
            .filter(|part| part.flags & SYN != 0 && part.flags & ACK == 0)
            .map(|part| (part.src, part.dst))
            .collect();
        all.retain(|part| {
            opened.contains(&(part.src, part.dst)) || opened.contains(&(part.dst, part.src))
        });
        // Enough for every hello; a download cut to single bytes would take minutes.
        let mut room = 200_000;
        all.retain(|part| {
            let fits = part.payload.len() <= room;
            room -= if fits { part.payload.len() } else { 0 };
            fits
        });
        let sorted = |mut names: Vec<String>| {
            names.sort();
            names
        };
        let whole: Vec<TimedPacket> = all.iter().map(Part::packet).collect();
        let expected = sorted(names(&whole));
        streams += usize::from(!expected.is_empty());
        let chosen = [
            "in order, 1 ",
            "swapped, 7 ",
            "backwards, 100 ",
            "overlapping, 100 ",
            "repeated, 65000 ",
        ];
        let chosen = |how: &str| chosen.iter().any(|start| how.starts_with(start));
        for (how, packets) in variants(&all).into_iter().filter(|(how, _)| chosen(how)) {
            assert_eq!(
                sorted(names(&packets)),
                expected,
                "{}, {how}",
                file.display()
            );
        }
    }
    assert!(streams > 10, "{streams} captures with names over TCP");
}
