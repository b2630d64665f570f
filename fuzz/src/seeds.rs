//! Inputs that mean something, for every target: what a fuzzer would need long to find, it begins with.

use straggler::model::LinkType;

use crate::checks::frame::LINKS;
use crate::checks::parts::joined;
use crate::checks::{identity, quic, tracker};
use crate::support::dhcp::{duid_of, relay_forward, relay_reply};
use crate::support::dns_messages::{A, AAAA, Message, TXT};
use crate::support::hello::change_cipher_spec;
use crate::support::initials::{self, crypto};
use crate::support::links::{ethernet, mac_of, tunnels};
use crate::support::packets::{ACK, FIN, PSH, RST, SYN, Transport, cut};
use crate::support::{
    ClientHello, Datagram, Dhcp4, Dhcp6, Discovery, Extension, Frame, Initial, Interface, Ip, Link,
    Order, PacketBlock, Packing, Pcap, Pcapng, Resolution, Segment, Talk, TimedPacket,
    application_data, fatal_alert, merge, seconds, server_hello, warning_alert,
};

const NAME: &str = "s07.upd.kaspersky.com";
const MORNING: u64 = seconds(1_727_700_000);

/// An input of a target.
#[derive(Clone, Debug)]
pub struct Seed {
    /// Name of the target.
    pub target: &'static str,
    /// What it is, in words fit for a file's name; no two of a target have the same.
    pub name: String,
    /// The input.
    pub bytes: Vec<u8>,
}

/// Every seed; the same on every call.
pub fn all() -> Vec<Seed> {
    let of = |target, inputs: Vec<(String, Vec<u8>)>| {
        inputs.into_iter().map(move |(name, bytes)| Seed {
            target,
            name: name.replace(|letter: char| !letter.is_ascii_alphanumeric(), "-"),
            bytes,
        })
    };
    of("frame", frames())
        .chain(of("tracker", flows()))
        .chain(of("dns", messages()))
        .chain(of("tls", tls_streams()))
        .chain(of("quic", datagrams()))
        .chain(of("http", http_streams()))
        .chain(of("pcapng", savefiles()))
        .chain(of("rule_pack", packs()))
        .chain(of("dhcp", dhcp_messages()))
        .chain(of("identity", link_messages()))
        .collect()
}

/// Savefiles of every form with a handful of frames.
pub fn savefiles() -> Vec<(String, Vec<u8>)> {
    let link = Link::ethernet();
    let frames = link.frames(&conversation());
    let mut files = Vec::new();
    for order in Order::BOTH {
        let pcap = Pcap::new(link.link_type()).order(order);
        files.push((format!("pcap {order:?}"), pcap.bytes(&frames)));
        files.push((format!("pcap nanos {order:?}"), pcap.nanos().bytes(&frames)));
        let pcapng = Pcapng::new(vec![Interface::new(1)]).order(order);
        for block in [
            PacketBlock::Enhanced,
            PacketBlock::Simple,
            PacketBlock::Obsolete,
        ] {
            let file = pcapng.clone().packets_as(block).bytes(&frames);
            files.push((format!("pcapng {block:?} {order:?}"), file));
        }
        let mixed = Pcapng::new(vec![
            Interface::new(1)
                .name("eth0")
                .resolution(Resolution::Decimal(9)),
            Interface::new(101)
                .snap(60)
                .resolution(Resolution::Binary(20))
                .offset(-3600),
        ]);
        let second = Link::Raw
            .frames(&conversation())
            .into_iter()
            .map(|frame| frame.on(1));
        let both: Vec<Frame> = frames.iter().cloned().chain(second).collect();
        let mixed = mixed
            .order(order)
            .described_late()
            .other_blocks()
            .bytes(&both);
        files.push((format!("pcapng mixed {order:?}"), mixed));
    }
    let plain = Pcapng::new(vec![Interface::new(1)]).bytes(&frames);
    let sections = [
        plain.clone(),
        Pcapng::new(vec![Interface::new(1)])
            .order(Order::Big)
            .bytes(&frames),
    ];
    files.push(("two sections".to_owned(), sections.concat()));
    for packing in Packing::EVERY {
        files.push((format!("pcapng packed {packing:?}"), packing.pack(&plain)));
    }
    let pcap = Pcap::new(1).bytes(&frames);
    let packed = Packing::Zstd.pack(&pcap);
    files.push(("pcap packed Zstd".to_owned(), packed.clone()));
    let wide = [packed, wide_window()].concat();
    files.push(("pcap packed wide window".to_owned(), wide));
    files
}

/// A zstd frame of nothing that says that it looks back 128 MiB, the most that is read.
pub fn wide_window() -> Vec<u8> {
    let magic = [0x28, 0xb5, 0x2f, 0xfd];
    // No checksum, size or dictionary; 2^(10 + 17) bytes; a last block, raw and empty (RFC 8878, section 3.1.1).
    [&magic[..], &[0, 17 << 3, 1, 0, 0]].concat()
}

/// A look-up with its answer, and hellos over both families.
fn conversation() -> Vec<TimedPacket> {
    let query = Message::query(7, NAME, A);
    let hello = ClientHello::to(NAME).stream();
    merge([
        Talk::udp("10.0.0.1:40000", "10.0.0.53:53")
            .at(MORNING)
            .asks(&query)
            .answers(&query.response().address(NAME, [192, 0, 2, 7].into())),
        Talk::tcp("10.0.0.1:50000", "192.0.2.7:443")
            .at(MORNING + seconds(1))
            .open()
            .client(&hello)
            .server(&server_hello())
            .close(),
        Talk::tcp("[fd00::1]:50000", "[2001:db8::7]:443")
            .at(MORNING + seconds(2))
            .open()
            .client(&hello)
            .reset_by_server(),
    ])
}

fn frames() -> Vec<(String, Vec<u8>)> {
    let index = |link_type: u16| {
        let place = LINKS
            .iter()
            .position(|link| *link == LinkType(link_type.into()));
        place.expect("a link type that is read") as u8
    };
    let input = |link_type, frames: Vec<Vec<u8>>| {
        joined(index(link_type), frames.into_iter().map(|frame| (1, frame)))
    };
    let query = |six: bool| {
        let (from, to): (std::net::IpAddr, std::net::IpAddr) = if six {
            (
                [0xfd00, 0, 0, 0, 0, 0, 0, 1].into(),
                [0xfd00, 0, 0, 0, 0, 0, 0, 53].into(),
            )
        } else {
            ([10, 0, 0, 1].into(), [10, 0, 0, 53].into())
        };
        let message = Message::query(7, NAME, A).bytes();
        Ip::between(from, to).packet(&Datagram::new(40_000, 53).payload(&message))
    };
    let both = [query(false), query(true)];
    let mut seeds = Vec::new();
    for (number, link) in Link::every().iter().enumerate() {
        let frames = both.iter().map(|packet| link.wrap(packet)).collect();
        seeds.push((format!("link {number}"), input(link.link_type(), frames)));
    }
    for (name, wrap) in tunnels::LINKS {
        let frames = both.iter().map(|packet| wrap(packet)).collect();
        seeds.push(((*name).to_owned(), input(1, frames)));
    }
    for (name, wrap) in tunnels::TUNNELS {
        let packets = both.iter().map(|packet| wrap(packet)).collect();
        seeds.push(((*name).to_owned(), input(101, packets)));
        let mut pieces: Vec<Vec<u8>> = both
            .iter()
            .flat_map(|packet| cut(&wrap(packet), 64, 9))
            .collect();
        pieces.reverse();
        seeds.push((format!("{name} in fragments"), input(101, pieces)));
    }
    let pieces = both.iter().flat_map(|packet| cut(packet, 16, 9)).collect();
    seeds.push(("fragments".to_owned(), input(101, pieces)));
    let syn = Segment::new(50_000, 443)
        .flags(SYN)
        .options(&[2, 4, 5, 0xb4]);
    let ip = Ip::between(
        [0xfd00, 0, 0, 0, 0, 0, 0, 1].into(),
        [0xfd00, 0, 0, 0, 0, 0, 0, 2].into(),
    );
    let extended = ip
        .clone()
        .extension(Extension::hop_by_hop(8))
        .extension(Extension::routing(8))
        .extension(Extension::destination_options(8))
        .packet(&syn);
    seeds.push(("extensions".to_owned(), input(101, vec![extended])));
    // "Port unreachable" of both families, with the packet that it answers.
    let quoting = |head: [u8; 8], packet: &[u8]| [&head, packet].concat();
    let four = Ip::between([10, 0, 0, 53].into(), [10, 0, 0, 1].into());
    let unreachable = vec![
        four.carry(1, &quoting([3, 3, 0, 0, 0, 0, 0, 0], &both[0])),
        ip.carry(58, &quoting([1, 4, 0, 0, 0, 0, 0, 0], &both[1])),
    ];
    seeds.push(("unreachable".to_owned(), input(101, unreachable)));
    let no_ip = vec![
        ethernet::arp_request([10, 0, 0, 1].into(), [10, 0, 0, 2].into()),
        ethernet::lldp(),
        ethernet::llc(),
        ethernet::macsec(40),
        ethernet::unknown(40),
    ];
    seeds.push(("no IP".to_owned(), input(1, no_ip)));
    let neighbour = Ip::between(identity::SENDER_V6.into(), identity::ALL.into()).hop_limit(255);
    let ether = ethernet::Ethernet::default().tags(&[0x8100]);
    let link = discovery_messages()
        .into_iter()
        .map(|(_, message)| ether.packet(&neighbour.packet(&message)))
        .collect();
    seeds.push(("neighbours".to_owned(), input(1, link)));
    seeds
}

fn flows() -> Vec<(String, Vec<u8>)> {
    const SERVER: u8 = tracker::FROM_SERVER;
    let segment = |how: u8, flags: u8, seq: u16, payload: &[u8]| {
        let [low, high] = seq.to_le_bytes();
        (how, [&[flags, low, high], payload].concat())
    };
    let opened = |how: u8| {
        vec![
            segment(how, SYN, 0, b""),
            segment(how | SERVER, SYN | ACK, 0, b""),
            segment(how, ACK, 1, b""),
        ]
    };
    let with = |mut first: Vec<(u8, Vec<u8>)>, more: Vec<(u8, Vec<u8>)>| {
        first.extend(more);
        first
    };
    let hello = ClientHello::to(NAME).record_size(90).stream();
    let (start, rest) = hello.split_at(100);
    let (middle, end) = rest.split_at(40);
    let at = |bytes: &[u8]| 1 + bytes.len() as u16;
    let whole = segment(0, ACK | PSH, 1, &hello);
    let talk = [server_hello(), application_data(300)].concat();
    let request = format!("GET /a HTTP/1.1\r\nHost: {NAME}\r\n\r\n");
    let connect = format!("CONNECT {NAME}:443 HTTP/1.1\r\n\r\n");
    let query = Message::query(7, NAME, A);
    let answer = query.response().address(NAME, [192, 0, 2, 7].into());
    let message = ClientHello::to(NAME).message();
    let half = message.len() / 2;
    let udp = tracker::UDP;
    let quic_client = Initial::client(b"first-id");
    let talks = crypto(&[2, 0, 0, 0], 0..4);
    let closes = [0x1c, 0, 0, 0];
    let packets: Vec<(u8, Vec<u8>)> = conversation()
        .into_iter()
        .map(|packet| (tracker::RAW, packet.bytes))
        .collect();
    let scripts = [
        (
            "hello whole",
            with(
                opened(0),
                vec![whole.clone(), segment(SERVER, ACK, 1, &talk)],
            ),
        ),
        (
            "hello in order",
            with(
                opened(0),
                vec![
                    segment(0, ACK, 1, start),
                    segment(0, ACK, at(start), middle),
                    segment(0, ACK | PSH, at(&[start, middle].concat()), end),
                    segment(SERVER | 3 << 3, ACK, 1, &talk),
                ],
            ),
        ),
        (
            "hello out of order and again",
            with(
                opened(1),
                vec![
                    segment(1, ACK | PSH, at(&[start, middle].concat()), end),
                    segment(1, ACK, at(start), middle),
                    segment(1, ACK, 1, start),
                    segment(1, ACK, 1, &hello),
                    segment(1, ACK, 40, &hello[39..]),
                    segment(1 | SERVER, ACK, 1, &talk),
                ],
            ),
        ),
        (
            "reset, then data",
            with(
                opened(0),
                vec![
                    whole.clone(),
                    segment(SERVER, RST | ACK, 1, b""),
                    segment(SERVER | tracker::DRAIN, ACK, 1, &talk),
                    segment(0, FIN | ACK, at(&hello), b""),
                    segment(SERVER | tracker::LATER, FIN | ACK, at(&talk), b""),
                    segment(0, SYN, 60_000, b""),
                ],
            ),
        ),
        (
            "alerts",
            with(
                opened(0),
                vec![
                    whole,
                    segment(SERVER, ACK, 1, &warning_alert(112)),
                    segment(SERVER, ACK, at(&warning_alert(112)), &fatal_alert(40)),
                ],
            ),
        ),
        (
            "requests",
            with(
                opened(2),
                vec![
                    segment(2, ACK, 1, &request.as_bytes()[..20]),
                    segment(2, ACK, 21, &request.as_bytes()[20..]),
                    segment(2 | SERVER, ACK, 1, b"HTTP/1.1 403 Forbidden\r\n\r\n"),
                    segment(2 | tracker::DRAIN, SYN, 50_000, b""),
                    segment(2, ACK, 50_001, connect.as_bytes()),
                    segment(2 | SERVER, ACK, 50_001, b"HTTP/1.1 200 OK\r\n\r\n"),
                    segment(2, ACK, 50_001 + connect.len() as u16, &hello),
                ],
            ),
        ),
        (
            "look-ups",
            vec![
                (udp | 2, query.bytes()),
                (udp | 2 | SERVER, answer.bytes()),
                (udp | 2 | tracker::LATER, query.bytes()),
                (udp | 2 | SERVER, query.response().rcode(3).bytes()),
                (
                    udp | 2 | tracker::DRAIN,
                    Message::query(8, NAME, AAAA).bytes(),
                ),
                segment(3, SYN, 0, b""),
                segment(3, ACK, 1, &query.tcp_bytes()),
                segment(3 | SERVER, ACK, 1, &answer.tcp_bytes()),
            ],
        ),
        (
            "quic",
            vec![
                (
                    udp,
                    quic_client.packet(&crypto(&message, half..message.len())),
                ),
                (
                    udp,
                    quic_client
                        .clone()
                        .number(1)
                        .packet(&crypto(&message, 0..half)),
                ),
                (udp | SERVER, Initial::server(b"first-id").packet(&talks)),
                (
                    udp | 1,
                    quic_client.packet(&crypto(&message, 0..message.len())),
                ),
                (
                    udp | 1 | SERVER,
                    Initial::server(b"first-id").packet(&closes),
                ),
            ],
        ),
        ("packets", packets),
    ];
    let mut seeds = Vec::new();
    for (name, script) in scripts {
        for small in [0, 1] {
            seeds.push((format!("{name} {small}"), joined(small, script.clone())));
        }
    }
    seeds
}

fn messages() -> Vec<(String, Vec<u8>)> {
    let query = Message::query(7, NAME, A);
    let chain = ["a.vendor.example", "b.cdn.example"];
    let seeds = [
        ("query", query.bytes()),
        ("query edns", query.clone().edns(1232).bytes()),
        (
            "two questions",
            query.clone().question("vendor.example", AAAA).bytes(),
        ),
        ("root", Message::query(7, ".", 2).bytes()),
        (
            "answer",
            query
                .response()
                .address(NAME, [192, 0, 2, 7].into())
                .bytes(),
        ),
        (
            "chain",
            query
                .response()
                .chain(
                    &[NAME, chain[0], chain[1]],
                    &[[192, 0, 2, 7].into(), [192, 0, 2, 8].into()],
                )
                .bytes(),
        ),
        (
            "loop",
            query
                .response()
                .cname(NAME, chain[0])
                .cname(chain[0], NAME)
                .bytes(),
        ),
        (
            "no such name",
            query.response().rcode(3).soa("kaspersky.com").bytes(),
        ),
        (
            "odd record",
            query
                .response()
                .record(NAME, 65, &[0, 1, 0])
                .truncated()
                .bytes(),
        ),
    ];
    seeds.map(|(name, bytes)| (name.to_owned(), bytes)).to_vec()
}

fn tls_streams() -> Vec<(String, Vec<u8>)> {
    let hello = || ClientHello::to(NAME);
    let seeds = [
        ("hello", hello().stream()),
        ("message", hello().message()),
        (
            "alpn",
            hello().alpn(&["h2", "http/1.1"]).name_last().stream(),
        ),
        ("ech", hello().ech().stream()),
        (
            "post-quantum",
            hello().key_share(1216).record_size(700).stream(),
        ),
        ("small records", hello().record_size(50).stream()),
        ("unnamed", ClientHello::unnamed().stream()),
        ("odd name", ClientHello::to_bytes(b"\0..x\xff").stream()),
        (
            "server hello",
            [server_hello(), change_cipher_spec()].concat(),
        ),
        ("alerts", [warning_alert(112), fatal_alert(40)].concat()),
    ];
    seeds.map(|(name, bytes)| (name.to_owned(), bytes)).to_vec()
}

fn http_streams() -> Vec<(String, Vec<u8>)> {
    let seeds = [
        (
            "get",
            format!("GET /a HTTP/1.1\r\nHost: {NAME}:80\r\nUser-Agent: updater\r\n\r\n"),
        ),
        (
            "absolute",
            format!("GET http://user@{NAME}:80/a?b#c HTTP/1.1\r\nHost: other\r\n\r\n"),
        ),
        ("connect", format!("CONNECT {NAME}:443 HTTP/1.1\r\n\r\n")),
        (
            "address",
            "HEAD / HTTP/1.0\r\nHost: [2001:db8::1]:80\r\n\r\n".to_owned(),
        ),
        (
            "broken header",
            format!("POST / HTTP/1.1\r\na b: c\r\nhOST:\t{NAME} \r\n\r\n"),
        ),
        (
            "status",
            "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n".to_owned(),
        ),
    ];
    seeds
        .map(|(name, text)| (name.to_owned(), text.into_bytes()))
        .to_vec()
}

fn datagrams() -> Vec<(String, Vec<u8>)> {
    const SERVER: u8 = quic::FROM_SERVER;
    let message = ClientHello::to(NAME).message();
    let half = message.len() / 2;
    let whole = crypto(&message, 0..message.len());
    let parts = [
        crypto(&message, half..message.len()),
        crypto(&message, 0..half),
    ];
    let talks = crypto(&[2, 0, 0, 0], 0..4);
    let long = |version: u32, first: u8, rest: &[u8]| {
        let mut packet = vec![first];
        packet.extend(version.to_be_bytes());
        packet.extend(b"\x06client\x06server");
        packet.extend(rest);
        packet
    };
    let raw = quic::RAW;
    let scripts = [
        ("hello", vec![(0, whole.clone()), (SERVER, talks.clone())]),
        ("version 2", vec![(quic::SECOND_VERSION, whole.clone())]),
        (
            "two packets",
            vec![
                (0, parts[0].clone()),
                (0, parts[1].clone()),
                (SERVER, vec![0x1c, 0, 0, 0]),
            ],
        ),
        (
            "coalesced",
            vec![
                (0, parts[0].clone()),
                (quic::COALESCED | quic::TO_SERVER_ID, parts[1].clone()),
            ],
        ),
        (
            "other frames",
            vec![
                (0, [&[1, 0, 0, 2, 0, 0, 0, 0][..], &whole].concat()),
                (SERVER, vec![2, 0, 0, 0, 0]),
            ],
        ),
        (
            "retry",
            vec![
                (0, vec![1]),
                (raw | SERVER, long(initials::V1, 0xf0, &[7; 24])),
                (0, whole.clone()),
                (raw | SERVER, long(initials::V1, 0xf0, &[7; 24])),
                (raw | SERVER, long(initials::V1, 0xe0, b"\x0512345")),
            ],
        ),
        (
            "negotiation",
            vec![
                (raw, long(0x1a2a_3a4a, 0xc0, &[0; 1180])),
                (raw | SERVER, long(0, 0x80, &[0, 0, 0, 1])),
            ],
        ),
        (
            "as it is",
            vec![(
                raw,
                Initial::client(b"first-id")
                    .token(b"token")
                    .datagram(&whole),
            )],
        ),
    ];
    scripts
        .map(|(name, script)| (name.to_owned(), joined(0, script)))
        .to_vec()
}

fn packs() -> Vec<(String, Vec<u8>)> {
    let built_in = straggler::rules::BUILT_IN.iter();
    let mut seeds: Vec<(String, Vec<u8>)> = built_in
        .map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()))
        .collect();
    seeds.push(("short".to_owned(), SHORT_PACK.as_bytes().to_vec()));
    let replacement =
        SHORT_PACK.replace("\"restricted\"", "\"replacement\"\ncoverage = [\"update\"]");
    let control = SHORT_PACK.replace("\"update\"", r#""\u001b[2J""#);
    seeds.push(("control characters".to_owned(), control.into_bytes()));
    seeds.push(("replacement".to_owned(), replacement.into_bytes()));
    seeds
}

const SHORT_PACK: &str = r#"schema = 1
kind = "vendor"

[vendor]
id = "vendor"
name = "Vendor"
role = "restricted"
version = "1"
reviewed = 2026-01-02
enabled = true
relay_ports = [13000]

[[cutoff]]
id = "us"
default = true
jurisdiction = "US"
binds = "everybody"
at = 2024-09-29T00:00:00-04:00
categories = ["update"]
authority = "An office"
source = "https://office.example/"

[[service]]
id = "update"
name = "Updates"
category = "update"
strength = "strong"
confidence = "community"
names = [".upd.vendor.example", "s*.vendor.example", "one.vendor.example"]
source = "https://vendor.example/"
note = "A note"

[[test]]
name = "s07.upd.vendor.example"
expect = "update"

[[test]]
name = "vendor.example"
expect = "none"
"#;

/// Of both families, from clients, servers and relays.
fn dhcp_messages() -> Vec<(String, Vec<u8>)> {
    let (own, mac) = (identity::SENDER, mac_of(identity::SENDER.into()));
    let duid = duid_of(mac);
    let leased = [0xfd00, 7, 0, 0, 0, 0, 0, 8].into();
    let resolver = [0xfd00, 7, 0, 0, 0, 0, 0, 0x53].into();
    let discover = Dhcp4::discover(mac).host_name("PC-17");
    let request = Dhcp4::request(mac, own)
        .host_name("PC-17")
        .fqdn("pc-17.corp.example")
        .vendor_class("MSFT 5.0")
        .duid(&duid);
    let ack = Dhcp4::ack(mac, own, 3600)
        .routers(&[[10, 0, 0, 1].into()])
        .resolvers(&[[10, 0, 0, 53].into(), [10, 0, 0, 54].into()]);
    let in_pieces = discover
        .clone()
        .option(60, b"android-")
        .option(60, b"dhcp-14");
    let asks = Dhcp6::request(&duid)
        .address(leased, 0)
        .fqdn("pc-17.corp.example")
        .vendor_class("MSFT 5.0");
    let reply = Dhcp6::reply(&duid)
        .address(leased, 3600)
        .resolvers(&[resolver]);
    let seeds = [
        ("v4 discover", discover.bytes()),
        ("v4 request", request.bytes()),
        ("v4 request overloaded", request.overloaded_bytes()),
        ("v4 in pieces", in_pieces.bytes()),
        ("v4 ack", ack.bytes()),
        ("v4 release", Dhcp4::release(mac, own).bytes()),
        ("v4 decline", Dhcp4::decline(mac, own).bytes()),
        ("v6 solicit", Dhcp6::solicit(&duid).bytes()),
        ("v6 request", asks.bytes()),
        ("v6 relayed", relay_forward(mac, &asks.bytes())),
        ("v6 reply", reply.bytes()),
        (
            "v6 reply relayed",
            relay_reply(&relay_reply(&reply.bytes())),
        ),
        (
            "v6 release",
            Dhcp6::release(&duid).address(leased, 0).bytes(),
        ),
    ];
    seeds.map(|(name, bytes)| (name.to_owned(), bytes)).into()
}

/// Messages of neighbour discovery, one of each kind.
fn discovery_messages() -> [(&'static str, Discovery); 4] {
    let (own, mac) = (identity::SENDER_V6, mac_of(identity::SENDER_V6.into()));
    let network = [0xfd00, 7, 0, 0, 0, 0, 0, 0].into();
    let solicits = Discovery::router_solicitation().source_mac(mac);
    let router = Discovery::router_advertisement(1800)
        .source_mac(mac)
        .prefix(network, 64)
        .resolvers(&[[0xfd00, 7, 0, 0, 0, 0, 0, 0x53].into()]);
    [
        ("router solicitation", solicits),
        ("router advertisement", router),
        ("solicitation", Discovery::solicitation(own).source_mac(mac)),
        (
            "advertisement",
            Discovery::advertisement(own, 0x20).target_mac(mac),
        ),
    ]
}

/// What a device says on its link.
fn link_messages() -> Vec<(String, Vec<u8>)> {
    let own = identity::SENDER;
    let behind_link = |frame: Vec<u8>| frame[14..].to_vec();
    let model = b"\x0dmodel=Mac14,2";
    let described = Message::announcement()
        .address("desk-7.local", own.into())
        .address("desk-7.local", identity::SENDER_V6.into())
        .record("desk._device-info._tcp.local", TXT, model);
    let asked = Message::query(7, "pc-17", A).response();
    let llmnr = asked.without_recursion().address("pc-17", own.into());
    let mut seeds = vec![
        (
            "arp request",
            identity::ARP,
            behind_link(ethernet::arp_request(own, [10, 0, 0, 1].into())),
        ),
        (
            "arp reply",
            identity::ARP,
            behind_link(ethernet::arp_reply(own, [10, 0, 0, 1].into())),
        ),
        (
            "arp announcement",
            identity::ARP,
            behind_link(ethernet::arp_announcement(own)),
        ),
        ("mdns", identity::MDNS, described.bytes()),
        ("llmnr", identity::LLMNR, llmnr.bytes()),
    ];
    let (src, dst) = (identity::SENDER_V6.into(), identity::ALL.into());
    for (name, message) in discovery_messages() {
        seeds.push((name, identity::DISCOVERY, message.bytes(src, dst)));
    }
    seeds
        .into_iter()
        .map(|(name, how, bytes)| (name.to_owned(), [&[how], &bytes[..]].concat()))
        .collect()
}
