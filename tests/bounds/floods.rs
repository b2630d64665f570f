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
