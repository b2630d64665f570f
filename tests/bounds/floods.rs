//! The floods. Each makes its `number`th piece, so that whoever runs it decides where it begins and ends.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::support::dns_messages::A;
use crate::support::initials::crypto;
use crate::support::links::ethernet::arp_announcement;
use crate::support::packets::{ACK, PSH, SYN};
use crate::support::{
    ClientHello, Datagram, Dhcp4, Discovery, Initial, Ip, Message, Segment, Talk, application_data,
    server_hello,
};
use crate::wire::Wire;

/// One piece of a flood.
pub(crate) type Flood = fn(&mut Wire, u32);

const NAME: &str = "s07.upd.kaspersky.com";
const RESOLVER: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(10, 255, 0, 53)),
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0x20, 0, 0xff, 0, 0, 0, 0x53)),
];
const SERVER: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(203, 0, 113, 7)),
    IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0x51, 0, 0, 0, 0, 7)),
];
const MDNS: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(224, 0, 0, 251)),
    IpAddr::V6(Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0xfb)),
];
/// Hosts from which names without end come.
const FEW: u32 = 5;
/// Hosts that have some names each: nearly as many as there may be usages.
const MANY: u32 = 12_000;

fn family(address: IpAddr) -> usize {
    usize::from(address.is_ipv6())
}

/// A host that nobody heard of asks for a name of the vendor; nobody answers.
pub(crate) fn lookups(wire: &mut Wire, number: u32) {
    let (host, mac) = (wire.forged(number), wire.forged_mac());
    let port = 1_024 | wire.noise().u16();
    let query = Message::query(wire.noise().u16(), NAME, A).bytes();
    let datagram = Datagram::new(port, 53).payload(&query);
    let packet = Ip::between(host, RESOLVER[family(host)]).packet(&datagram);
    wire.packet_of(mac, &packet);
}

/// A host that nobody heard of says hello to a server of the vendor, and it answers: all of it forged, both directions.
pub(crate) fn contacts(wire: &mut Wire, number: u32) {
    let (host, mac) = (wire.forged(number), wire.forged_mac());
    let (port, seq) = (1_024 | wire.noise().u16(), wire.noise().u32());
    let server = SERVER[family(host)];
    let hello = ClientHello::to(NAME).stream();
    let answer = [server_hello(), application_data(64)].concat();
    let there = Segment::new(port, 443);
    let back = Segment::new(443, port);
    let behind = seq.wrapping_add(1);
    let (up, down) = (Ip::between(host, server), Ip::between(server, host));
    wire.packet_of(mac, &up.packet(&there.clone().seq(seq).flags(SYN)));
    let opened = back.clone().seq(7).ack(behind).flags(SYN | ACK);
    wire.packet(&down.packet(&opened));
    let said = there.seq(behind).ack(8).flags(PSH | ACK).payload(&hello);
    wire.packet_of(mac, &up.packet(&said));
    let acked = behind.wrapping_add(hello.len() as u32);
    let answered = back.seq(8).ack(acked).flags(PSH | ACK).payload(&answer);
    wire.packet(&down.packet(&answered));
}

/// A few hosts ask for a name that nobody asked for before, the vendor's and others in turn, and get an address.
pub(crate) fn names(wire: &mut Wire, number: u32) {
    let host = IpAddr::from([10, 1, 0, (number % FEW) as u8]);
    let label = wire.noise().bits();
    let name = if number.is_multiple_of(2) {
        format!("p{label:016x}.upd.kaspersky.com")
    } else {
        format!("w{label:016x}.example.net")
    };
    let [_, b, c, d] = wire.noise().u32().to_be_bytes();
    let query = Message::query(wire.noise().u16(), &name, A);
    let answer = query
        .response()
        .address(&name, IpAddr::from([198, 18 | (b & 1), c, d]));
    let port = 1_024 | wire.noise().u16();
    let talk = Talk::udp(
        SocketAddr::new(host, port),
        SocketAddr::new(RESOLVER[0], 53),
    );
    wire.talk(talk.asks(&query).answers(&answer));
}

/// A long name that nobody asked for before.
fn long_name(label: u64, domain: &str) -> String {
    let part = "b".repeat(60);
    format!("p{label:016x}.{part}.{part}.{part}.{domain}")
}

/// One of many hosts asks for a long name that nobody asked for before, three of four times one that only the vendor's product
/// asks for; nobody answers.
pub(crate) fn long_names(wire: &mut Wire, number: u32) {
    let [_, _, c, d] = (number % MANY).to_be_bytes();
    let host = IpAddr::from([10, 3, c, d]);
    let domain = match number / MANY % 4 {
        0 => "events.data.microsoft.com",
        _ => "upd.kaspersky.com",
    };
    let name = long_name(wire.noise().bits(), domain);
    let query = Message::query(wire.noise().u16(), &name, A).bytes();
    let datagram = Datagram::new(1_024 | wire.noise().u16(), 53).payload(&query);
    wire.packet(&Ip::between(host, RESOLVER[0]).packet(&datagram));
}

/// A request on a connection that has eight of them, each for another name, with its answer.
pub(crate) fn requests(wire: &mut Wire, number: u32) {
    let (connection, request) = (number / 8, number % 8);
    let host = IpAddr::from([10, 4, 0, (connection % 50) as u8]);
    let [_, b, c, d] = connection.to_be_bytes();
    let server = IpAddr::from([100 + (b & 15), c, d, 80]);
    let name = long_name(request.into(), "upd.kaspersky.com");
    let asked = format!("GET / HTTP/1.1\r\nHost: {name}\r\n\r\n");
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na";
    let (there, back) = (Segment::new(50_000, 80), Segment::new(80, 50_000));
    let (up, down) = (Ip::between(host, server), Ip::between(server, host));
    if request == 0 {
        wire.packet(&up.packet(&there.clone().seq(0).flags(SYN)));
        let opened = back.clone().seq(0).ack(1).flags(SYN | ACK);
        wire.packet(&down.packet(&opened));
    }
    let (sent, heard) = (asked.len() as u32, answer.len() as u32);
    let (seq, ack) = (1 + request * sent, 1 + request * heard);
    let asks = there.seq(seq).ack(ack).flags(PSH | ACK);
    wire.packet(&up.packet(&asks.payload(asked.as_bytes())));
    let answers = back.seq(ack).ack(seq + sent).flags(PSH | ACK);
    wire.packet(&down.packet(&answers.payload(answer.as_bytes())));
}

/// A connection that is not opened, a hello of which the rest never comes, a QUIC Initial with half of a hello.
pub(crate) fn flows(wire: &mut Wire, number: u32) {
    let host = IpAddr::from([10, 2, (number % 8) as u8, wire.noise().u16() as u8]);
    let [a, b, c, d] = wire.noise().u32().to_be_bytes();
    let server = SocketAddr::from(([100 + (a & 15), b, c, d], 443));
    let port = 1_024 | wire.noise().u16();
    let ip = Ip::between(host, server.ip());
    let syn = Segment::new(port, 443).seq(1).flags(SYN);
    match number % 3 {
        0 => wire.packet(&ip.packet(&syn)),
        1 => {
            wire.packet(&ip.packet(&syn.clone()));
            let hello = ClientHello::to(NAME).stream();
            let half = Segment::new(port, 443).seq(2).ack(1).flags(PSH | ACK);
            let half = half.payload(&hello[..hello.len() / 2]);
            wire.packet(&ip.packet(&half));
        }
        _ => {
            let hello = ClientHello::to(NAME).message();
            let id = wire.noise().bits().to_le_bytes();
            let half = crypto(&hello, 0..hello.len() / 2);
            let datagram = Datagram::new(port, 443).payload(&Initial::client(&id).datagram(&half));
            wire.packet(&ip.packet(&datagram));
        }
    }
}

/// A device that nobody heard of gets a lease, has an address, or has a name.
pub(crate) fn claims(wire: &mut Wire, number: u32) {
    let mac = wire.forged_mac();
    let IpAddr::V4(address) = wire.forged_v4() else {
        unreachable!("it is one of IPv4")
    };
    let v6 = wire.forged_v6();
    let name = format!("device-{number}");
    match number % 4 {
        0 => {
            let server = Ipv4Addr::new(10, 255, 0, 1);
            let wish = Dhcp4::request(mac, address).host_name(&name);
            let wish = Datagram::new(68, 67).payload(&wish.bytes());
            let all = Ipv4Addr::BROADCAST;
            let from = Ipv4Addr::UNSPECIFIED;
            wire.packet_of(mac, &Ip::between(from.into(), all.into()).packet(&wish));
            let lease = Dhcp4::ack(mac, address, 86_400).host_name(&name);
            let lease = Datagram::new(67, 68).payload(&lease.bytes());
            wire.packet(&Ip::between(server.into(), address.into()).packet(&lease));
        }
        1 => wire.frame(arp_announcement(address)),
        2 => {
            let IpAddr::V6(target) = v6 else {
                unreachable!("it is one of IPv6")
            };
            let all = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
            let said = Discovery::advertisement(target, 0x20).target_mac(mac);
            let ip = Ip::between(target.into(), all.into()).hop_limit(255);
            wire.packet_of(mac, &ip.packet(&said));
        }
        _ => {
            let host = if number % 8 < 4 { address.into() } else { v6 };
            let name = format!("{name}.local");
            let said = Message::announcement().address(&name, host).bytes();
            let said = Datagram::new(5_353, 5_353).payload(&said);
            let ip = Ip::between(host, MDNS[family(host)]).hop_limit(255);
            wire.packet_of(mac, &ip.packet(&said));
        }
    }
}
