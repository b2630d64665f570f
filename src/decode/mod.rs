//! A frame to a borrowed [`Packet`]: links and tunnels by ourselves, IP, TCP and UDP headers by `etherparse`.
//!
//! Links and tunnels are ours because `etherparse` gives no error for a frame whose network layer it did not reach, and
//! such a frame is a blind spot that has to be counted by cause. A [`Decoder`] keeps fragments until their datagram is
//! whole. For other packets nothing is allocated; nothing panics, whatever the bytes.
//!
//! ```text
//! frame → link (VLAN, PPPoE → PPP, MPLS) → IP → fragments → TCP, ICMP, UDP → tunnel → link or IP again
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
mod ppp;
mod teredo;
mod transport;
mod tunnel;

use crate::model::{Frame, Packet, Timestamp, Transport, Undecoded};

use cursor::Layer;
use fragments::{Fragments, Offered};
use ip::Ip;

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
    /// Decodes one frame to its innermost packet, or says why not.
    ///
    /// The time of frames decides when fragments are given up. Those that were count in [`Decoder::stats`] alone.
    pub fn decode<'a>(&'a mut self, frame: &Frame<'a>) -> Result<Packet<'a>, Undecoded> {
        let first = link::of_frame(frame)?;
        innermost(first, frame.time, &mut self.fragments, &mut self.joined)
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

/// Follows tunnels from what a frame begins with to the innermost packet.
fn innermost<'a>(
    first: Layer<'a>,
    time: Timestamp,
    fragments: &mut Fragments,
    mut joined: &'a mut [Vec<u8>],
) -> Result<Packet<'a>, Undecoded> {
    let mut layer = first;
    // A packet that may hold a tunnel by its port, but proves nothing until there is a sound IP packet in it.
    let mut outer: Option<Packet<'a>> = None;
    for _ in 0..=MAX_TUNNELS {
        let inner = link::ip_header(layer).and_then(|at| Ok((at, Ip::read(at)?)));
        let (at, mut ip) = match (inner, outer.take()) {
            (Ok((at, _)), Some(outer)) if !ip::is_sound(at) => return Ok(outer),
            (Ok(inner), _) => inner,
            (Err(_), Some(outer)) => return Ok(outer),
            (Err(cause), None) => return Err(cause),
        };
        if let Some((key, place)) = ip.fragment {
            if ip.payload.bytes.len() < ip.payload.wire_len as usize {
                return Err(Undecoded::Cut);
            }
            if !ip::is_sound(at) {
                return Err(Undecoded::Fragment);
            }
            match fragments.offer(time, key, place, ip.protocol, ip.payload.bytes)? {
                Offered::Held => return Ok(packet(&ip, Transport::Fragment)),
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
        layer = match ip.protocol {
            TCP => return Ok(packet(&ip, Transport::Tcp(transport::tcp(&ip)?))),
            UDP => {
                let (datagram, inside) = transport::udp(&ip)?;
                let plain = packet(&ip, Transport::Udp(datagram));
                match tunnel::over_udp(&datagram, inside) {
                    Some(layer) => {
                        outer = Some(plain);
                        layer
                    }
                    None => return Ok(plain),
                }
            }
            ICMP | ICMPV6 => {
                let transport = icmp::unreachable(&ip)
                    .map_or(Transport::Other(ip.protocol), Transport::Unreachable);
                return Ok(packet(&ip, transport));
            }
            other => match tunnel::over_ip(&ip)? {
                Some(layer) => layer,
                None => return Ok(packet(&ip, Transport::Other(other))),
            },
        };
    }
    Err(Undecoded::TunnelDepth)
}

fn packet<'a>(ip: &Ip<'_>, transport: Transport<'a>) -> Packet<'a> {
    Packet {
        src: ip.src,
        dst: ip.dst,
        transport,
    }
}
