//! Flows without a name are counted once, by the first cause that holds; flows with one are not.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says what it expects; the panic is its report"
)]

mod support;

use std::sync::{Arc, LazyLock};

use straggler::model::{BlindKind, Frame, LinkType, Seen, SeenSide, Timestamp};
use straggler::rules::{Library, RuleSet};
use straggler::tracker::{Settings, Tracker};
use support::dns_messages::Message;
use support::{ClientHello, Ip, Link, Side, Talk, TimedPacket, application_data, server_hello};

const SERVER: &str = "198.51.100.7:443";
const HTTPS: u16 = 65;

fn tracker() -> Tracker {
    static RULES: LazyLock<Arc<RuleSet>> =
        LazyLock::new(|| Arc::new(Library::load(None).unwrap().compile(|_| true)));
    Tracker::new(Settings::default(), Arc::clone(&RULES))
}

fn ingest(tracker: &mut Tracker, packets: &[TimedPacket], snap_length: usize) {
    let link = Link::ethernet();
    for packet in packets {
        let bytes = link.wrap(&packet.bytes);
        let frame = Frame {
            time: Timestamp::from_nanos(i64::try_from(packet.time).unwrap()),
            link: LinkType::ETHERNET,
            wire_len: u32::try_from(bytes.len()).unwrap(),
            bytes: &bytes[..bytes.len().min(snap_length)],
        };
        tracker.ingest(&frame, &mut ());
    }
}

fn seen(packets: &[TimedPacket], snap_length: usize) -> Seen {
    let mut tracker = tracker();
    ingest(&mut tracker, packets, snap_length);
    tracker.settle();
    tracker.stats().seen
}

/// The causes that were counted, each as often as it was.
fn causes(seen: &Seen) -> Vec<BlindKind> {
    let kinds = BlindKind::ALL.iter();
    kinds
        .flat_map(|&kind| vec![kind; usize::try_from(seen.blind_flows[kind.index()]).unwrap()])
        .collect()
}

/// Bytes that look random, as keys do.
fn random(len: usize) -> Vec<u8> {
    (1..=len)
        .map(|number| (number.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect()
}

fn open(server: &str) -> Talk {
    Talk::tcp("10.0.0.1:50000", server).open()
}

fn says(server: &str, hello: &ClientHello) -> Talk {
    open(server).client(&hello.stream()).server(&server_hello())
}

/// An HTTPS record whose `ech` parameter names this public name (RFC 9460, section 2.2, and RFC 9849, section 4).
fn https_with_ech(public_name: &str) -> Vec<u8> {
    let mut contents = vec![7, 0, 32, 0, 32];
    contents.extend([5; 32]);
    contents.extend([0, 4, 0, 1, 0, 1, 0]);
    contents.push(u8::try_from(public_name.len()).unwrap());
    contents.extend(public_name.bytes());
    contents.extend([0, 0]);
    let sized = |bytes: &[u8]| {
        let len = u16::try_from(bytes.len()).unwrap().to_be_bytes();
        [&len[..], bytes].concat()
    };
    let config = [&[0xfe, 0x0d][..], &sized(&contents)].concat();
    let parameter = [&[0, 5][..], &sized(&sized(&config))].concat();
    [&[0, 1, 0][..], &parameter].concat()
}

#[test]
fn each_flow_without_a_name_has_one_cause() {
    let named = ClientHello::to("a.example");
    let no_name = ClientHello::unnamed();
    let long = named.clone().padding(3_000).name_last().stream();
    let midstream = |port: u16, bytes: &[u8]| {
        let talk = Talk::tcp("10.0.0.1:50000", format!("198.51.100.7:{port}").as_str());
        talk.client(bytes).server(bytes)
    };
    let outer = ClientHello::to("cloudflare-ech.com").ech();
    let learnt = ClientHello::to("outer.example").ech();
    let cases: Vec<(&str, Talk, Option<BlindKind>)> = vec![
        ("a name", says(SERVER, &named), None),
        ("no name", says(SERVER, &no_name), Some(BlindKind::NoSni)),
        (
            "a request that names an address",
            open("198.51.100.7:80").client(b"GET / HTTP/1.1\r\nHost: 198.51.100.7\r\n\r\n"),
            Some(BlindKind::NoSni),
        ),
        (
            "a known outer name",
            says(SERVER, &outer),
            Some(BlindKind::Ech),
        ),
        (
            "the extension with another name: a decoy",
            says(SERVER, &learnt),
            None,
        ),
        (
            "DNS over TLS",
            says("198.51.100.7:853", &named),
            Some(BlindKind::EncryptedDns),
        ),
        (
            "DNS over TLS without a name: the first cause counts",
            says("198.51.100.7:853", &no_name),
            Some(BlindKind::NoSni),
        ),
        (
            "DNS over HTTPS by the name of the service",
            says(SERVER, &ClientHello::to("dns.google").alpn(&["h2"])),
            Some(BlindKind::EncryptedDns),
        ),
        (
            "DNS over HTTPS by its address",
            says("9.9.9.9:443", &named),
            Some(BlindKind::EncryptedDns),
        ),
        (
            "half a hello",
            open(SERVER).client(&long[..1_000]),
            Some(BlindKind::HelloIncomplete),
        ),
        (
            "half a request",
            open(SERVER).client(b"GET / HTTP/1.1\r\nHo"),
            Some(BlindKind::HelloIncomplete),
        ),
        (
            "a hello that was lost",
            open(SERVER)
                .server(&server_hello())
                .server(&application_data(500)),
            Some(BlindKind::HelloIncomplete),
        ),
        (
            "TLS that goes on",
            midstream(4_433, &application_data(500)),
            Some(BlindKind::Midstream),
        ),
        (
            "something that goes on towards the port of HTTPS",
            midstream(443, &[7; 500]),
            Some(BlindKind::Midstream),
        ),
        (
            "something else that goes on",
            midstream(9_999, &[7; 500]),
            None,
        ),
        (
            "SSH",
            open("198.51.100.7:22")
                .client(b"SSH-2.0-x\r\n")
                .server(b"SSH-2.0-y\r\n"),
            None,
        ),
        ("a connection without a word", open(SERVER).close(), None),
        (
            "a name behind a proxy's tunnel",
            open("10.0.0.9:3128")
                .client(b"CONNECT a.example:443 HTTP/1.1\r\n\r\n")
                .server(b"HTTP/1.1 200 OK\r\n\r\n")
                .client(&no_name.stream()),
            None,
        ),
        (
            "WireGuard",
            Talk::udp("10.0.0.1:40000", "198.51.100.7:51820")
                .client(&[&[1, 0, 0, 0][..], &random(144)].concat()),
            Some(BlindKind::Tunnel),
        ),
        (
            "OpenVPN over TCP",
            open("198.51.100.7:1194").client(&{
                // P_CONTROL_HARD_RESET_CLIENT_V2 with a session id, no acknowledgements, packet id 0.
                [&[0, 14, 0x38][..], &random(8), &[0, 0, 0, 0, 0]].concat()
            }),
            Some(BlindKind::Tunnel),
        ),
        (
            "QUIC that goes on",
            Talk::udp("10.0.0.1:40000", SERVER)
                .client(&[0x41; 60])
                .server(&[0x42; 60]),
            Some(BlindKind::Midstream),
        ),
        (
            "QUIC of an unknown version",
            Talk::udp("10.0.0.1:40000", SERVER).client(&{
                let mut initial = vec![0xc0, 0x7a, 0x7a, 0x7a, 0x7a, 8];
                initial.extend([1; 8]);
                initial.extend([8, 2, 2, 2, 2, 2, 2, 2, 2]);
                initial.resize(1_200, 3);
                initial
            }),
            Some(BlindKind::QuicUnknownVersion),
        ),
        (
            "a datagram of something",
            Talk::udp("10.0.0.1:40000", "198.51.100.7:9").client(b"x"),
            None,
        ),
    ];
    for (case, talk, expected) in cases {
        let seen = seen(talk.packets(), 65_535);
        assert_eq!(causes(&seen), Vec::from_iter(expected), "{case}");
        let named: u64 = seen.named_flows.iter().sum();
        assert!(named == 0 || expected.is_none(), "{case}: named and blind");
    }
}

/// Where the snap length leaves headers only, nothing was readable, and that is said.
#[test]
fn headers_alone_are_no_readable_flows() {
    let talk = says(SERVER, &ClientHello::to("a.example"));
    assert_eq!(
        causes(&seen(talk.packets(), 54)),
        [BlindKind::HelloIncomplete]
    );
    let ssh = open("198.51.100.7:22")
        .client(b"SSH-2.0-x\r\n")
        .server(b"SSH-2.0-y\r\n");
    assert_eq!(causes(&seen(ssh.packets(), 54)), []);
}

#[test]
fn an_outer_name_that_the_host_learnt_from_dns_is_told() {
    let query = Message::query(1, "hidden.example", HTTPS);
    let answer = query
        .response()
        .record("hidden.example", HTTPS, &https_with_ech("outer.example"));
    let learn = |host: &str| {
        Talk::udp(format!("{host}:40000").as_str(), "10.0.0.53:53")
            .asks(&query)
            .answers(&answer)
    };
    let hello = says(SERVER, &ClientHello::to("outer.example").ech()).into_packets();
    for (host, expected) in [("10.0.0.1", vec![BlindKind::Ech]), ("10.0.0.2", vec![])] {
        let packets = [learn(host).into_packets(), hello.clone()].concat();
        assert_eq!(
            causes(&seen(&packets, 65_535)),
            expected,
            "learnt by {host}"
        );
    }
}

#[test]
fn packets_of_one_side_are_counted_by_the_side() {
    let talk = says(SERVER, &ClientHello::to("a.example")).server(&application_data(500));
    for (side, expected) in [
        (Side::Client, SeenSide::Client),
        (Side::Server, SeenSide::Server),
    ] {
        let seen = seen(&talk.only(side), 65_535);
        let mut counts = [0; 2];
        counts[expected.index()] = 1;
        assert_eq!(seen.one_sided_flows, counts);
        assert_eq!(causes(&seen), vec![], "{expected}");
    }
    assert_eq!(seen(talk.packets(), 65_535).one_sided_flows, [0, 0]);
    // Of a server whose SYN was not seen either, the port tells.
    let midway: Vec<TimedPacket> = talk.only(Side::Server).split_off(1);
    assert_eq!(seen(&midway, 65_535).one_sided_flows, [0, 1]);
}

#[test]
fn ipsec_is_a_tunnel() {
    let packet = |from: &str, to: &str| {
        let ip = Ip::between(from.parse().unwrap(), to.parse().unwrap());
        TimedPacket {
            time: 1,
            from: Side::Client,
            bytes: ip.carry(50, &[1; 100]),
        }
    };
    let packets = [
        packet("10.0.0.1", "198.51.100.7"),
        packet("198.51.100.7", "10.0.0.1"),
        packet("10.0.0.1", "198.51.100.7"),
    ];
    assert_eq!(causes(&seen(&packets, 65_535)), [BlindKind::Tunnel]);
}

#[test]
fn flows_are_counted_ten_seconds_after_their_start_and_once() {
    let mut tracker = tracker();
    let second = 1_000_000_000;
    let hello = says(SERVER, &ClientHello::unnamed()).at(0);
    let tick = |at: u64| {
        Talk::udp("10.0.0.2:1", "198.51.100.9:9")
            .at(at)
            .client(b"x")
            .into_packets()
    };
    let blind = |tracker: &Tracker| causes(&tracker.stats().seen).len();
    ingest(&mut tracker, hello.packets(), 65_535);
    ingest(&mut tracker, &tick(9 * second), 65_535);
    assert_eq!(blind(&tracker), 0);
    ingest(&mut tracker, &tick(11 * second), 65_535);
    assert_eq!(blind(&tracker), 1);
    let batch = tracker.drain();
    let hosts: Vec<String> = batch
        .blind_hosts
        .iter()
        .map(|blind| format!("{} {}", blind.host, blind.kind))
        .collect();
    assert_eq!(hosts, ["10.0.0.1 no_sni"]);
    tracker.settle();
    assert_eq!(blind(&tracker), 1);
    assert!(tracker.drain().blind_hosts.is_empty());
}
