//! The frames that nearly all are: Ethernet, one IP header without options, and TCP or UDP right behind it.
//!
//! The long way (links, tunnels, fragments, extension headers, `etherparse`) tells the same of them, and takes several times
//! as long: it was a fifth of a replay. Whatever is not plain is left to it, so here is nothing to be got wrong but lengths,
//! and the tests compare both ways.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::cursor::{Cursor, as_u32};
use super::link::{ETHERNET_LEN, ETHERTYPE_IPV4, ETHERTYPE_IPV6};
use super::{TCP, UDP, tunnel};
use crate::model::{
    Datagram, Decoded, Endpoint, Frame, LinkEnds, LinkType, Mac, Packet, Segment, TcpFlags,
    Transport,
};

/// IPv4 without options: version and header length in words (RFC 791, section 3.1).
const V4_PLAIN: u8 = 0x45;
const V4_LEN: usize = 20;
/// The bits of an IPv4 header's seventh and eighth byte that only a fragment has: more of them come, or where it belongs.
const V4_FRAGMENT: u16 = 0x3fff;
const V6_LEN: usize = 40;
const TCP_LEN: usize = 20;
const UDP_LEN: usize = 8;

/// Where a packet's transport header and payload stand, and from whom to whom it goes.
struct Ip<'a> {
    src: IpAddr,
    dst: IpAddr,
    hop_limit: u8,
    protocol: u8,
    payload: Cursor<'a>,
}

/// Decodes a plain frame. `None` for every other, a damaged one or one that is cut included.
#[inline]
pub(super) fn packet<'a>(frame: &Frame<'a>) -> Option<Decoded<'a>> {
    if frame.link != LinkType::ETHERNET {
        return None;
    }
    let (header, bytes) = frame.bytes.split_first_chunk::<ETHERNET_LEN>()?;
    let &[a, b, c, d, e, f, g, h, i, j, k, l, ref ethertype @ ..] = header;
    let at = Cursor {
        bytes,
        wire_len: frame.wire_len.saturating_sub(ETHERNET_LEN as u32),
    };
    let ip = match u16::from_be_bytes(*ethertype) {
        ETHERTYPE_IPV4 => v4(at)?,
        ETHERTYPE_IPV6 => v6(at)?,
        _ => return None,
    };
    let transport = match ip.protocol {
        TCP => Transport::Tcp(tcp(&ip)?),
        UDP => Transport::Udp(udp(&ip)?),
        _ => return None,
    };
    Some(Decoded::Packet(Packet {
        src: ip.src,
        dst: ip.dst,
        hop_limit: ip.hop_limit,
        link: Some(LinkEnds {
            src: Mac::new([g, h, i, j, k, l]),
            dst: Mac::new([a, b, c, d, e, f]),
            vlan: None,
        }),
        transport,
    }))
}

#[inline]
fn v4(at: Cursor<'_>) -> Option<Ip<'_>> {
    let header = at.bytes.first_chunk::<V4_LEN>()?;
    let &[
        V4_PLAIN,
        _,
        t0,
        t1,
        _,
        _,
        f0,
        f1,
        hop_limit,
        protocol,
        _,
        _,
        ref ends @ ..,
    ] = header
    else {
        return None;
    };
    let total = u16::from_be_bytes([t0, t1]);
    if u16::from_be_bytes([f0, f1]) & V4_FRAGMENT != 0 || usize::from(total) < V4_LEN {
        return None;
    }
    let &[s0, s1, s2, s3, d0, d1, d2, d3] = ends;
    Some(Ip {
        src: IpAddr::V4(Ipv4Addr::new(s0, s1, s2, s3)),
        dst: IpAddr::V4(Ipv4Addr::new(d0, d1, d2, d3)),
        hop_limit,
        protocol,
        payload: at.limit(u32::from(total)).skip(V4_LEN).ok()?,
    })
}

#[inline]
fn v6(at: Cursor<'_>) -> Option<Ip<'_>> {
    let header = at.bytes.first_chunk::<V6_LEN>()?;
    let (&[version, _, _, _, l0, l1, protocol, hop_limit], ends) = header.split_first_chunk()?;
    let (src, dst) = ends.split_first_chunk::<16>()?;
    let len = u16::from_be_bytes([l0, l1]);
    if version >> 4 != 6 || len == 0 {
        return None;
    }
    Some(Ip {
        src: IpAddr::V6(Ipv6Addr::from(*src)),
        dst: IpAddr::V6(Ipv6Addr::from(*dst.first_chunk::<16>()?)),
        hop_limit,
        protocol,
        payload: at.skip(V6_LEN).ok()?.limit(u32::from(len)),
    })
}

#[inline]
fn tcp<'a>(ip: &Ip<'a>) -> Option<Segment<'a>> {
    let at = ip.payload;
    let header = at.bytes.first_chunk::<TCP_LEN>()?;
    let &[
        p0,
        p1,
        q0,
        q1,
        s0,
        s1,
        s2,
        s3,
        a0,
        a1,
        a2,
        a3,
        words,
        flags,
        ..,
    ] = header;
    let header_len = usize::from(words >> 4) * 4;
    if header_len < TCP_LEN {
        return None;
    }
    let behind = at.skip(header_len).ok()?;
    Some(Segment {
        src: Endpoint {
            addr: ip.src,
            port: u16::from_be_bytes([p0, p1]),
        },
        dst: Endpoint {
            addr: ip.dst,
            port: u16::from_be_bytes([q0, q1]),
        },
        seq: u32::from_be_bytes([s0, s1, s2, s3]),
        ack: u32::from_be_bytes([a0, a1, a2, a3]),
        flags: TcpFlags {
            fin: flags & 1 != 0,
            syn: flags & 2 != 0,
            rst: flags & 4 != 0,
            ack: flags & 16 != 0,
        },
        payload: behind.bytes,
        wire_len: behind.wire_len.max(as_u32(behind.bytes.len())),
    })
}

/// A datagram that holds no tunnel, by its ports.
#[inline]
fn udp<'a>(ip: &Ip<'a>) -> Option<Datagram<'a>> {
    let at = ip.payload;
    let &[p0, p1, q0, q1, l0, l1, _, _] = at.bytes.first_chunk::<UDP_LEN>()?;
    let (src, dst) = (u16::from_be_bytes([p0, p1]), u16::from_be_bytes([q0, q1]));
    let behind = at.skip(UDP_LEN).ok()?;
    // Its own length as well as IP's: where they differ, the long way knows what counts.
    let len = usize::from(u16::from_be_bytes([l0, l1]));
    if len != at.wire_len as usize || tunnel::may_be_on(src) || tunnel::may_be_on(dst) {
        return None;
    }
    Some(Datagram {
        src: Endpoint {
            addr: ip.src,
            port: src,
        },
        dst: Endpoint {
            addr: ip.dst,
            port: dst,
        },
        payload: behind.bytes,
        wire_len: behind.wire_len.max(as_u32(behind.bytes.len())),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Decoder;
    use super::*;
    use crate::model::Timestamp;

    /// A frame with sound headers, and whether it is one of those that are read here.
    fn sound() -> impl Strategy<Value = (Vec<u8>, bool)> {
        let ports = prop_oneof![Just(53), Just(443), Just(4789), Just(2152), any::<u16>()];
        let parts = (
            any::<bool>(),
            any::<bool>(),
            any::<[u8; 32]>(),
            [ports.clone(), ports],
            5..=15_u8,
            any::<[u8; 16]>(),
            prop::collection::vec(any::<u8>(), 0..60),
        );
        parts.prop_map(|(is_v4, is_tcp, ends, ports, words, noise, payload)| {
            let mut transport = [ports[0].to_be_bytes(), ports[1].to_be_bytes()].concat();
            if is_tcp {
                transport.extend_from_slice(&noise[..8]);
                transport.extend_from_slice(&[words << 4, noise[8], 0, 0, 0, 0, 0, 0]);
                transport.resize(usize::from(words) * 4, 0);
            } else {
                let len = u16::try_from(UDP_LEN + payload.len()).unwrap();
                transport.extend_from_slice(&len.to_be_bytes());
                transport.extend_from_slice(&[0, 0]);
            }
            transport.extend_from_slice(&payload);
            let protocol = if is_tcp { TCP } else { UDP };
            let mut frame = noise[..12].to_vec();
            if is_v4 {
                let total = u16::try_from(V4_LEN + transport.len()).unwrap();
                frame.extend_from_slice(&ETHERTYPE_IPV4.to_be_bytes());
                frame.extend_from_slice(&[V4_PLAIN, 0]);
                frame.extend_from_slice(&total.to_be_bytes());
                frame
                    .extend_from_slice(&[noise[12], noise[13], 0x40, 0, noise[14], protocol, 0, 0]);
                frame.extend_from_slice(&ends[..8]);
            } else {
                let len = u16::try_from(transport.len()).unwrap();
                frame.extend_from_slice(&ETHERTYPE_IPV6.to_be_bytes());
                frame.extend_from_slice(&[0x60, noise[12], 0, 0]);
                frame.extend_from_slice(&len.to_be_bytes());
                frame.extend_from_slice(&[protocol, noise[14]]);
                frame.extend_from_slice(&ends);
            }
            frame.extend_from_slice(&transport);
            let is_plain = is_tcp || !ports.into_iter().any(tunnel::may_be_on);
            (frame, is_plain)
        })
    }

    fn frame(bytes: &[u8], more: u32) -> Frame<'_> {
        Frame {
            time: Timestamp::from_unix(1_730_000_000, 0),
            link: LinkType::ETHERNET,
            bytes,
            wire_len: as_u32(bytes.len()) + more,
        }
    }

    fn both_ways_agree(frame: &Frame<'_>) -> bool {
        let plain = packet(frame).map(|decoded| format!("{decoded:?}"));
        let any = Decoder::default()
            .decode_any(frame)
            .map(|decoded| format!("{decoded:?}"));
        match plain {
            Some(plain) => any.as_ref() == Ok(&plain),
            None => true,
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn sound_frames_are_read_here((bytes, is_plain) in sound(), padding in 0..20_usize) {
            let mut padded = bytes;
            padded.resize(padded.len() + padding, 0);
            let frame = frame(&padded, 0);
            prop_assert_eq!(packet(&frame).is_some(), is_plain);
            prop_assert!(both_ways_agree(&frame));
        }

        /// Whatever byte lies and wherever the capture ends.
        #[test]
        fn what_is_read_here_is_what_the_long_way_reads(
            (mut bytes, _) in sound(),
            lies in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
            kept in any::<prop::sample::Index>(),
            is_cut in any::<bool>(),
            more in prop_oneof![Just(0_u32), 1..100_u32],
        ) {
            for (at, byte) in lies {
                let at = at.index(bytes.len().min(90));
                bytes[at] = byte;
            }
            if is_cut {
                bytes.truncate(kept.index(bytes.len()));
            }
            prop_assert!(both_ways_agree(&frame(&bytes, more)));
        }
    }
}
