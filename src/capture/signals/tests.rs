use super::*;

const CLIENT: [u8; 4] = [192, 0, 2, 7];
const SERVER: [u8; 4] = [198, 51, 100, 9];
const CLIENT_6: [u8; 16] = [0x20, 1, 0xd, 0xb8, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7];
const SERVER_6: [u8; 16] = [0x20, 1, 0xd, 0xb8, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9];
/// Application data of TLS.
const DATA: &[u8] = &[0x17; 90];

fn filter(networks: &[&str]) -> SignalFilter {
    let networks = networks.iter().map(|network| network.parse().unwrap());
    SignalFilter::new(&LocalNetworks::new(networks.collect()))
}

fn compiled(link: LinkType) -> Compiled {
    let filter = filter(&["192.0.2.0/24", "2001:db8:7::/48"]);
    filter.compile(link, "eth0").unwrap()
}

/// An IPv4 packet.
fn v4(from_client: bool, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let len = u16::try_from(20 + payload.len()).unwrap().to_be_bytes();
    let mut packet = vec![0x45, 0, len[0], len[1], 0, 1, 0x40, 0, 64, protocol, 0, 0];
    let ends = if from_client {
        [CLIENT, SERVER]
    } else {
        [SERVER, CLIENT]
    };
    packet.extend(ends.concat());
    packet.extend(payload);
    packet
}

/// An IPv6 packet.
fn v6(from_client: bool, protocol: u8, payload: &[u8]) -> Vec<u8> {
    let len = u16::try_from(payload.len()).unwrap().to_be_bytes();
    let mut packet = vec![0x60, 0, 0, 0, len[0], len[1], protocol, 64];
    let ends = if from_client {
        [CLIENT_6, SERVER_6]
    } else {
        [SERVER_6, CLIENT_6]
    };
    packet.extend(ends.concat());
    packet.extend(payload);
    packet
}

/// A TCP segment with twelve bytes of options, as all systems send.
fn tcp(ports: [u16; 2], flags: u8, payload: &[u8]) -> Vec<u8> {
    let mut segment: Vec<u8> = ports.iter().flat_map(|port| port.to_be_bytes()).collect();
    segment.extend([0, 0, 0, 1, 0, 0, 0, 1, 0x80, flags, 1, 0, 0, 0, 0, 0]);
    segment.extend([1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 1]);
    segment.extend(payload);
    segment
}

fn udp(ports: [u16; 2], payload: &[u8]) -> Vec<u8> {
    let mut datagram: Vec<u8> = ports.iter().flat_map(|port| port.to_be_bytes()).collect();
    let len = u16::try_from(8 + payload.len()).unwrap();
    datagram.extend(len.to_be_bytes());
    datagram.extend([0, 0]);
    datagram.extend(payload);
    datagram
}

/// Frames with this packet in every way that the filter knows.
fn frames(packet: &[u8]) -> Vec<(String, LinkType, Vec<u8>)> {
    let is_v6 = packet[0] >> 4 == 6;
    let ethertype: [u8; 2] = if is_v6 { [0x86, 0xdd] } else { [8, 0] };
    let len = u16::try_from(packet.len() + 2).unwrap().to_be_bytes();
    let session = [
        0x11,
        0,
        0,
        1,
        len[0],
        len[1],
        0,
        if is_v6 { 0x57 } else { 0x21 },
    ];
    let mut all = Vec::new();
    for (name, tags) in [
        ("untagged", &[][..]),
        ("tagged", &[0x81, 0, 0, 5]),
        ("QinQ", &[0x88, 0xa8, 0, 6, 0x81, 0, 0, 5]),
        ("old QinQ", &[0x91, 0, 0, 6, 0x81, 0, 0, 5]),
    ] {
        for pppoe in [false, true] {
            let mut rest = tags.to_vec();
            if pppoe {
                rest.extend([0x88, 0x64]);
                rest.extend(session);
            } else {
                rest.extend(ethertype);
            }
            rest.extend(packet);
            let name = format!("{name}, PPPoE {pppoe}");
            let ethernet = [&[2; 12][..], &rest].concat();
            all.push((name.clone(), LinkType::ETHERNET, ethernet));
            let cooked = [&[0; 14][..], &rest].concat();
            all.push((format!("{name}, cooked"), LinkType::LINUX_SLL, cooked));
            let cooked = [&rest[..2], &[0; 18], &rest[2..]].concat();
            all.push((format!("{name}, cooked 2"), LinkType::LINUX_SLL2, cooked));
        }
    }
    all.push(("raw".to_owned(), LinkType::RAW, packet.to_vec()));
    let loopback = [&[0, 0, 0, 2][..], packet].concat();
    all.push(("loopback".to_owned(), LinkType::NULL, loopback));
    all
}

/// The filter for every link type: made once, because that takes longer than all else.
struct Filters(Vec<(LinkType, Compiled)>);

impl Filters {
    fn new() -> Self {
        let mut links: Vec<LinkType> = frames(&[0x45]).iter().map(|(_, link, _)| *link).collect();
        links.sort_by_key(|link| link.0);
        links.dedup();
        Self(
            links
                .into_iter()
                .map(|link| (link, compiled(link)))
                .collect(),
        )
    }

    /// Asserts it for both versions of IP and every link.
    fn assert(&self, passes: bool, what: &str, from_client: bool, protocol: u8, payload: &[u8]) {
        for packet in [
            v4(from_client, protocol, payload),
            v6(from_client, protocol, payload),
        ] {
            for (name, link, frame) in frames(&packet) {
                let version = packet[0] >> 4;
                let mut filters = self.0.iter();
                let (_, filter) = filters.find(|(known, _)| *known == link).unwrap();
                assert_eq!(
                    filter.passes(&frame),
                    passes,
                    "{what}, IPv{version}, {name}"
                );
            }
        }
    }
}

#[test]
fn what_a_server_sends_passes_where_it_tells_something() {
    let ports = [443, 40_000];
    let filters = Filters::new();
    let server = |passes, what, segment: Vec<u8>| filters.assert(passes, what, false, 6, &segment);
    server(false, "data", tcp(ports, 0x18, DATA));
    server(true, "SYN", tcp(ports, 0x12, &[]));
    server(true, "FIN with data", tcp(ports, 0x19, DATA));
    server(true, "RST", tcp(ports, 0x14, &[]));
    server(true, "acknowledgement", tcp(ports, 0x10, &[]));
    server(
        true,
        "hello",
        tcp(ports, 0x18, &[0x16, 3, 3, 0, 90, 2, 0, 0, 86]),
    );
    server(true, "alert", tcp(ports, 0x18, &[0x15, 3, 3, 0, 2, 2, 40]));
    server(
        true,
        "status line",
        tcp([80, 40_000], 0x18, b"HTTP/1.1 403 Forbidden"),
    );
    server(false, "page", tcp([80, 40_000], 0x18, &[b'x'; 64]));
    server(true, "short", tcp([80, 40_000], 0x18, &[b'x'; 63]));
    server(true, "DNS", tcp([53, 40_000], 0x18, DATA));
    filters.assert(
        true,
        "the client's",
        true,
        6,
        &tcp([40_000, 443], 0x18, DATA),
    );
}

#[test]
fn datagrams_pass_by_their_first_byte_or_port() {
    let filters = Filters::new();
    for from_client in [false, true] {
        let datagram = |passes, what, ports, payload: &[u8]| {
            filters.assert(passes, what, from_client, 17, &udp(ports, payload));
        };
        datagram(false, "short header", [443, 40_000], &[0x47; 30]);
        datagram(true, "long header", [443, 40_000], &[0xc3; 30]);
        datagram(true, "long header elsewhere", [9_999, 40_000], &[0xc3; 30]);
        for port in [53, 67, 68, 547, 5353, 4789, 6081, 2152, 3544, 500] {
            datagram(true, "port", [port, 40_000], &[0x47; 30]);
            datagram(true, "port", [40_000, port], &[0x47; 30]);
        }
        datagram(true, "keep-alive", [40_000, 4_500], &[0xff]);
        let mut handshake = [7; 148];
        handshake[..4].copy_from_slice(&[1, 0, 0, 0]);
        datagram(true, "WireGuard's handshake", [40_000, 51_820], &handshake);
        handshake[0] = 4;
        datagram(false, "WireGuard's data", [40_000, 51_820], &handshake);
    }
}

#[test]
fn what_is_not_understood_passes() {
    let filters = Filters::new();
    filters.assert(true, "ICMP", false, 1, DATA);
    filters.assert(true, "GRE", false, 47, DATA);
    filters.assert(
        true,
        "IP in IP",
        false,
        4,
        &v4(false, 6, &tcp([443, 9], 0x18, DATA)),
    );
    filters.assert(true, "extension headers", false, 43, DATA);
    filters.assert(
        true,
        "the first of ESP",
        false,
        50,
        &[1, 1, 1, 1, 0, 0, 0, 1],
    );
    filters.assert(
        false,
        "the second of ESP",
        false,
        50,
        &[1, 1, 1, 1, 0, 0, 0, 2],
    );
    let ethernet = compiled(LinkType::ETHERNET);
    let segment = tcp([443, 40_000], 0x18, DATA);
    let mut fragment = v4(false, 6, &segment);
    fragment[6] = 0x20;
    let mut options = v4(false, 6, &[&[1; 4][..], &segment].concat());
    options[0] = 0x46;
    for (ethertype, content) in [
        ([8, 0], fragment),
        ([8, 0], options),
        ([8, 6], vec![0; 28]),
        ([0x88, 0x47], vec![0; 60]),
        // Three tags.
        (
            [0x81, 0],
            [
                &[0, 1, 0x81, 0, 0, 2, 0x81, 0, 0, 3, 8, 0][..],
                &v4(false, 6, &segment),
            ]
            .concat(),
        ),
    ] {
        let frame = [&[2; 12][..], &ethertype, &content].concat();
        assert!(ethernet.passes(&frame), "{ethertype:?}");
    }
}

#[test]
fn too_many_networks_and_foreign_links_are_refused() {
    let many: Vec<String> = (0..400)
        .map(|at| format!("198.{}.{}.0/24", 20 + at / 128, at % 128 * 2))
        .collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let refused = filter(&many)
        .compile(LinkType::ETHERNET, "eth0")
        .err()
        .unwrap();
    let said = refused.to_string();
    assert!(said.starts_with("eth0: "), "{said}");
    assert!(
        said.contains("407 local networks") && said.contains("4096"),
        "{said}"
    );
    assert!(said.contains("join networks"), "{said}");
    let refused = filter(&[]).compile(LinkType::PPP, "ppp0").err().unwrap();
    assert!(refused.to_string().contains("link type 9"), "{refused}");
    // Half of it is room enough for large sites.
    filter(&many[..150])
        .compile(LinkType::ETHERNET, "eth0")
        .unwrap();
}
