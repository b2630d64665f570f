//! A frame to a borrowed [`Packet`] or ARP message: links and tunnels by ourselves, IP, TCP and UDP headers by `etherparse`.
//!
//! Links and tunnels are ours because `etherparse` gives no error for a frame whose network layer it did not reach, and
//! such a frame is a blind spot that has to be counted by cause. A [`Decoder`] keeps fragments until their datagram is
//! whole. For other packets nothing is allocated; nothing panics, whatever the bytes.
//!
//! ```text
//! frame → link (VLAN, PPPoE → PPP, MPLS) → IP → fragments → TCP, ICMP, UDP → tunnel → link or IP again
//!                                        ↘ ARP
//! ```

mod cursor;
mod fragments;
mod gre;
mod gtp;
mod icmp;
mod ip;
mod l2tp;
mod link;
mod mpls;
mod overlay;
mod plain;
mod ppp;
mod teredo;
mod transport;
mod tunnel;

use crate::model::{Arp, Decoded, Frame, LinkEnds, Packet, Timestamp, Transport, Undecoded};

use cursor::Cursor;
use fragments::{Fragments, Offered};
use ip::Ip;
use link::Content;

pub use fragments::{
    FragmentStats, MAX_BYTES as MAX_FRAGMENT_BYTES, MAX_DATAGRAMS as MAX_FRAGMENTED, MAX_PIECES,
};
pub use gtp::MAX_EXTENSIONS as MAX_GTP_EXTENSIONS;
pub use ip::MAX_EXTENSIONS;
pub use link::MAX_VLAN_TAGS;
pub use mpls::MAX_LABELS;

/// Tunnels in each other. Real networks nest two or three; eight leave room, and bound the work.
pub const MAX_TUNNELS: usize = 8;

/// Times that one frame may complete fragments, each inside the last: a tunnel's packet in fragments that completes an
/// inner packet in fragments. Two are seen in practice. More count as [`Undecoded::TunnelDepth`].
pub const MAX_REASSEMBLIES: usize = 4;

const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMP: u8 = 1;
const ICMPV6: u8 = 58;

/// Decodes frames, and keeps fragments between them.
#[derive(Debug, Default)]
pub struct Decoder {
    fragments: Fragments,
    /// The payloads that the last frame completed; packets borrow from here.
    joined: [Vec<u8>; MAX_REASSEMBLIES],
}

impl Decoder {
    /// Decodes one frame to its innermost packet or its ARP message, or says why not.
    ///
    /// The time of frames decides when fragments are given up. Those that were count in [`Decoder::stats`] alone.
    pub fn decode<'a>(&'a mut self, frame: &Frame<'a>) -> Result<Decoded<'a>, Undecoded> {
        match plain::packet(frame) {
            Some(decoded) => Ok(decoded),
            None => self.decode_any(frame),
        }
    }

    /// The same for frames of any kind.
    fn decode_any<'a>(&'a mut self, frame: &Frame<'a>) -> Result<Decoded<'a>, Undecoded> {
        let first = link::behind(link::of_frame(frame)?)?;
        let place = Place {
            ends: first.ends,
            on_link: !first.carried,
        };
        match first.content {
            Content::Ip(at) => {
                let (fragments, joined) = (&mut self.fragments, &mut self.joined);
                innermost(at, place, frame.time, fragments, joined)
            }
            Content::Arp(message) if place.on_link => Ok(Decoded::Arp(Arp {
                link: first.ends,
                message,
            })),
            Content::Arp(_) => Err(Undecoded::Arp),
        }
    }

    /// Nothing more will come: fragments that wait are given up.
    pub fn end(&mut self) {
        self.fragments.end();
    }

    /// Counters of reassembly.
    pub fn stats(&self) -> FragmentStats {
        self.fragments.stats()
    }
}

/// Where an IP packet was found; by default, in a tunnel.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    /// The ends of its link.
    ends: Option<LinkEnds>,
    /// Whether it is a packet of the link that is captured.
    on_link: bool,
}

impl Place {
    /// What was decoded, made in one piece: a packet that is copied from one type into another costs time.
    fn packet<'a>(self, ip: &Ip<'_>, transport: Transport<'a>) -> Decoded<'a> {
        Decoded::Packet(Packet {
            src: ip.src,
            dst: ip.dst,
            hop_limit: ip.hop_limit,
            link: self.ends,
            transport,
        })
    }
}

/// Follows tunnels from a frame's first IP header to the innermost packet.
fn innermost<'a>(
    first: Cursor<'a>,
    mut place: Place,
    time: Timestamp,
    fragments: &mut Fragments,
    mut joined: &'a mut [Vec<u8>],
) -> Result<Decoded<'a>, Undecoded> {
    let mut found = Ok(first);
    // A packet that may hold a tunnel by its port, but proves nothing until there is a sound IP packet in it.
    let mut outer: Option<Decoded<'a>> = None;
    for _ in 0..=MAX_TUNNELS {
        let inner = found.and_then(|at| Ok((at, Ip::read(at)?)));
        let (at, mut ip) = match inner {
            Ok((at, _)) if outer.is_some() && !ip::is_sound(at) => {
                return outer.ok_or(Undecoded::IpHeader);
            }
            Ok(inner) => inner,
            Err(cause) => return outer.ok_or(cause),
        };
        outer = None;
        let was_whole = ip.fragment.is_none();
        if let Some((key, part)) = ip.fragment {
            if ip.payload.bytes.len() < ip.payload.wire_len as usize {
                return Err(Undecoded::Cut);
            }
            if !ip::is_sound(at) {
                return Err(Undecoded::Fragment);
            }
            match fragments.offer(time, key, part, ip.protocol, ip.payload.bytes)? {
                Offered::Held => return Ok(place.packet(&ip, Transport::Fragment)),
                Offered::Whole { protocol, payload } => {
                    let (slot, rest) = std::mem::take(&mut joined)
                        .split_first_mut()
                        .ok_or(Undecoded::TunnelDepth)?;
                    *slot = payload;
                    joined = rest;
                    ip = ip.joined(protocol, slot)?;
                }
            }
        }
        let layer = match ip.protocol {
            TCP => return Ok(place.packet(&ip, Transport::Tcp(transport::tcp(&ip)?))),
            UDP => {
                let (datagram, inside) = transport::udp(&ip)?;
                let plain = place.packet(&ip, Transport::Udp(datagram));
                match tunnel::over_udp(&datagram, inside) {
                    Some(layer) => {
                        outer = Some(plain);
                        layer
                    }
                    None => return Ok(plain),
                }
            }
            // Each of them in its own family; in the other it is nobody's.
            ICMP | ICMPV6 if (ip.protocol == ICMPV6) == ip.src.is_ipv6() => {
                let discovery = icmp::discovery(&ip).filter(|_| place.on_link && was_whole);
                let transport = match discovery {
                    Some(message) => Transport::Neighbour(message),
                    None => icmp::unreachable(&ip)
                        .map_or(Transport::Other(ip.protocol), Transport::Unreachable),
                };
                return Ok(place.packet(&ip, transport));
            }
            other => match tunnel::over_ip(&ip)? {
                Some(layer) => layer,
                None => return Ok(place.packet(&ip, Transport::Other(other))),
            },
        };
        found = link::ip_header(layer);
        place = Place::default();
    }
    Err(Undecoded::TunnelDepth)
}
