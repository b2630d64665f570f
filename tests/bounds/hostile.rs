//! Floods of what no machine would send: pieces of packets, words that never end, lengths and pointers that lie.

use std::net::{IpAddr, SocketAddr};

use crate::support::dns_messages::A;
use crate::support::initials::crypto;
use crate::support::packets::{ACK, PSH, SYN, cut};
use crate::support::{ClientHello, Datagram, Dhcp4, Initial, Ip, Message, Segment, Talk};
use crate::wire::Wire;

const NAME: &str = "s07.upd.kaspersky.com";
const RESOLVER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 255, 0, 53));
/// Payload of a segment that fills an Ethernet frame.
const FULL: usize = 1_400;
/// Bytes that a hello says it has, and never gets.
const ENDLESS: usize = 65_000;

fn server(wire: &mut Wire) -> IpAddr {
    let [a, b, c, d] = wire.noise().u32().to_be_bytes();
    IpAddr::from([100 + (a & 15), b, c, d])
}

/// A SYN of a host that nobody heard of.
pub(crate) fn syns(wire: &mut Wire, number: u32) {
    let (host, server) = (wire.forged_v4(), server(wire));
    let syn = Segment::new(1_024 | wire.noise().u16(), 443)
        .seq(number)
        .flags(SYN);
    wire.packet(&Ip::between(host, server).packet(&syn));
}

/// One of the first fragments of a packet of which the rest never comes, or fragments that overlap.
pub(crate) fn fragments(wire: &mut Wire, number: u32) {
    let host = wire.forged(number);
    let server = match host {
        IpAddr::V4(_) => server(wire),
        IpAddr::V6(_) => IpAddr::from([0x2001, 0xdb8, 0x51, 0, 0, 0, 0, 7]),
    };
    let hello = ClientHello::to(NAME).stream();
    let said = Segment::new(1_024 | wire.noise().u16(), 443)
        .seq(1)
        .ack(1)
        .flags(PSH | ACK);
    let packet = Ip::between(host, server).packet(&said.payload(&hello));
    let pieces = cut(&packet, 128, number);
    wire.packet(&pieces[0]);
    if number.is_multiple_of(4) {
        // The same place again, with other bytes.
        let mut other = pieces[0].clone();
        *other.last_mut().unwrap() ^= 1;
        wire.packet(&other);
    }
}

/// A connection whose hello is about to be 65,000 bytes: of each a piece behind the other, and never the last.
pub(crate) fn endless(wire: &mut Wire, number: u32) {
    // A few thousand connections take turns.
    let connection = number % 4_096;
    let [_, _, b, c] = connection.to_be_bytes();
    let host = IpAddr::from([10, 3, b, c]);
    let ip = Ip::between(host, IpAddr::from([203, 0, 113, 8]));
    let turn = number / 4_096;
    let segment = Segment::new(50_000, 443).ack(1).flags(PSH | ACK);
    if turn == 0 {
        wire.packet(&ip.packet(&Segment::new(50_000, 443).seq(0).flags(SYN)));
        let whole = ClientHello::to(NAME).padding(ENDLESS - 600).stream();
        wire.packet(&ip.packet(&segment.seq(1).payload(&whole[..FULL])));
    } else {
        let sequence = 1 + turn.wrapping_mul(FULL as u32);
        let zeros = [0; FULL];
        wire.packet(&ip.packet(&segment.seq(sequence).payload(&zeros)));
    }
}

/// An Initial of a connection that nobody opened, with a whole hello for the vendor, from a host that nobody heard of.
pub(crate) fn initials(wire: &mut Wire, number: u32) {
    let host = wire.forged_v4();
    let hello = ClientHello::to(NAME).message();
    let id = u64::from(number).to_le_bytes();
    let all = crypto(&hello, 0..hello.len());
    let datagram = Datagram::new(1_024 | wire.noise().u16(), 443);
    let datagram = datagram.payload(&Initial::client(&id).datagram(&all));
    let server = server(wire);
    wire.packet(&Ip::between(host, server).packet(&datagram));
}

/// Names that point at themselves and at each other, and lengths that say more, or less, than there is: DNS, TLS, QUIC, DHCP, IP.
pub(crate) fn lies(wire: &mut Wire, number: u32) {
    let host = IpAddr::from([10, 4, (number >> 8) as u8, number as u8]);
    let port = 1_024 | wire.noise().u16();
    let noise = wire.noise().u32();
    let outside = server(wire);
    match number % 6 {
        0 | 1 => {
            // An answer whose records point back, into the middle of a label, or round in a circle.
            let query = Message::query(noise as u16, NAME, A);
            let answer = query.response();
            let mut bytes = answer
                .address(NAME, IpAddr::from([198, 51, 100, 7]))
                .bytes();
            let behind = 12 + (noise as usize >> 8) % (bytes.len() - 13);
            bytes[behind] = 0xc0 | (noise as u8 & 0x3f);
            if number % 6 == 1 {
                let end = bytes.len() - 14;
                bytes[end..end + 2].copy_from_slice(&[0xc0, end as u8]);
            }
            let asked = Datagram::new(port, 53).payload(&query.bytes());
            wire.packet(&Ip::between(host, RESOLVER).packet(&asked));
            let answered = Datagram::new(53, port).payload(&bytes);
            wire.packet(&Ip::between(RESOLVER, host).packet(&answered));
        }
        2 => {
            let mut hello = ClientHello::to(NAME).stream();
            // Somewhere in the first lengths: of record, hello, session, suites.
            let at = [3, 4, 6, 7, 8, 43, 76, 77][noise as usize % 8];
            hello[at] = (noise >> 8) as u8;
            let end = SocketAddr::new(outside, 443);
            wire.talk(
                Talk::tcp(SocketAddr::new(host, port), end)
                    .open()
                    .client(&hello),
            );
        }
        3 => {
            let hello = ClientHello::to(NAME).message();
            let mut datagram =
                Initial::client(&noise.to_le_bytes()).datagram(&crypto(&hello, 0..hello.len()));
            let at = noise as usize % 32;
            datagram[at] = (noise >> 8) as u8;
            let datagram = Datagram::new(port, 443).payload(&datagram);
            wire.packet(&Ip::between(host, outside).packet(&datagram));
        }
        4 => {
            let mac = wire.forged_mac();
            let IpAddr::V4(address) = host else {
                unreachable!("it is one of IPv4")
            };
            let mut ack = Dhcp4::ack(mac, address, 86_400)
                .host_name("printer")
                .bytes();
            // Behind the magic number: codes and lengths of options.
            let at = 240 + noise as usize % (ack.len() - 240);
            ack[at] = (noise >> 8) as u8;
            let said = Datagram::new(67, 68).payload(&ack);
            let dhcp = IpAddr::from([10, 255, 0, 1]);
            wire.packet_of(mac, &Ip::between(dhcp, host).packet(&said));
        }
        _ => {
            let query = Message::query(noise as u16, NAME, A).bytes();
            let mut packet =
                Ip::between(host, RESOLVER).packet(&Datagram::new(port, 53).payload(&query));
            // Header length, total length, fragment, protocol; length of the datagram.
            let at = [0, 2, 3, 6, 7, 9, 24, 25][noise as usize % 8];
            packet[at] = (noise >> 8) as u8;
            wire.packet(&packet);
        }
    }
}
