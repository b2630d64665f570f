//! Frames of any link type through one decoder, so that fragments wait for each other and tunnels nest.
//!
//! Input: a byte that picks the link type, then a part for each frame. Of its `how`, bits 0 to 3 say how much later it
//! comes (2ⁿ milliseconds, up to half a minute) and bits 4 to 7 by how much the snap length cut it.

use std::time::Duration;

use straggler::decode::{Decoder, MAX_FRAGMENTED};
use straggler::model::{Decoded, Endpoint, Frame, LinkType, Packet, Timestamp, Transport};

use super::parts::parts;

/// Every link type that is read, and one that is not.
pub const LINKS: [LinkType; 13] = [
    LinkType::ETHERNET,
    LinkType::NULL,
    LinkType::PPP,
    LinkType::RAW,
    LinkType::RAW_OPENBSD,
    LinkType::PPP_SERIAL,
    LinkType::RAW_FILE,
    LinkType::LOOP,
    LinkType::LINUX_SLL,
    LinkType::IPV4,
    LinkType::IPV6,
    LinkType::LINUX_SLL2,
    LinkType(147),
];

/// Longest payload of an IP packet; jumbograms are not read.
const MAX_PAYLOAD: usize = 65_535;

/// Decodes the frames of an input.
pub fn check(input: &[u8]) {
    let Some((&link, rest)) = input.split_first() else {
        return;
    };
    let mut decoder = Decoder::default();
    let mut time = Timestamp::from_unix(1_727_700_000, 0);
    for part in parts(rest) {
        time = time.after(Duration::from_millis((1 << (part.how & 0x0f)) - 1));
        let cut = u32::from(part.how >> 4) * 40;
        let frame = Frame {
            time,
            link: LINKS[usize::from(link) % LINKS.len()],
            bytes: part.bytes,
            wire_len: part.bytes.len() as u32 + cut,
        };
        match decoder.decode(&frame) {
            Ok(Decoded::Packet(packet)) => {
                packet_holds(&packet);
                let is_ethernet = frame.link == LinkType::ETHERNET;
                assert!(packet.link.is_none() || is_ethernet);
            }
            Ok(Decoded::Arp(arp)) => assert!(arp.message.len() >= 28, "{arp:?}"),
            Err(_) => {}
        }
        let stats = decoder.stats();
        assert!(stats.entries <= MAX_FRAGMENTED as u64, "{stats:?}");
    }
    decoder.end();
    assert_eq!(decoder.stats().entries, 0, "fragments wait behind the end");
}

fn packet_holds(packet: &Packet<'_>) {
    let between = |src: Endpoint, dst: Endpoint| {
        assert_eq!((src.addr, dst.addr), (packet.src, packet.dst));
    };
    let (payload, wire_len) = match packet.transport {
        Transport::Tcp(segment) => {
            between(segment.src, segment.dst);
            (segment.payload, segment.wire_len)
        }
        Transport::Udp(datagram) => {
            between(datagram.src, datagram.dst);
            (datagram.payload, datagram.wire_len)
        }
        Transport::Neighbour(message) => {
            assert!(packet.src.is_ipv6() && (133..=136).contains(&message[0]));
            return;
        }
        Transport::Unreachable(_) | Transport::Fragment | Transport::Other(_) => return,
    };
    assert!(payload.len() <= wire_len as usize, "more than was sent");
    assert!(wire_len as usize <= MAX_PAYLOAD, "{wire_len} bytes sent");
}
