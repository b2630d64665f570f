//! IP packets and what they carry, with the right lengths and checksums.
//!
//! IPv4: RFC 791. IPv6 and its extension headers: RFC 8200.

mod checksum;
mod transport;

use std::net::IpAddr;

pub use checksum::Checksum;
pub use transport::{ACK, Datagram, FIN, PSH, RST, SYN, Segment, Transport};

const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const DESTINATION_OPTIONS: u8 = 60;

const IPV4_DONT_FRAGMENT: u16 = 0x4000;
const IPV4_MORE_FRAGMENTS: u16 = 0x2000;
/// The place of the checksum in an IPv4 header.
const IPV4_CHECKSUM: std::ops::Range<usize> = 10..12;

/// The IP header of a packet: who sends it to whom. IPv4 or IPv6 by the addresses.
#[derive(Clone, Debug)]
pub struct Ip {
    source: IpAddr,
    target: IpAddr,
    hop_limit: u8,
    options: Vec<u8>,
    extensions: Vec<Extension>,
}

impl Ip {
    /// A header without options, hop limit 64.
    pub fn between(source: IpAddr, target: IpAddr) -> Self {
        assert_eq!(
            source.is_ipv4(),
            target.is_ipv4(),
            "both ends need addresses of one family"
        );
        Self {
            source,
            target,
            hop_limit: 64,
            options: Vec::new(),
            extensions: Vec::new(),
        }
    }

    /// Another time to live or hop limit.
    #[must_use]
    pub fn hop_limit(mut self, hops: u8) -> Self {
        self.hop_limit = hops;
        self
    }

    /// IPv4 options, padded here to whole words; at most 40 bytes.
    #[must_use]
    pub fn options(mut self, options: &[u8]) -> Self {
        assert!(self.source.is_ipv4(), "IPv6 has extension headers instead");
        self.options = options.to_vec();
        self.options.resize(options.len().next_multiple_of(4), 0);
        assert!(self.options.len() <= 40, "an IPv4 header ends at 60 bytes");
        self
    }

    /// One more IPv6 extension header, behind those already there.
    #[must_use]
    pub fn extension(mut self, extension: Extension) -> Self {
        assert!(self.source.is_ipv6(), "IPv4 has options instead");
        self.extensions.push(extension);
        self
    }

    /// The packet with this segment or datagram.
    pub fn packet<T: Transport>(&self, transport: &T) -> Vec<u8> {
        self.carry(T::PROTOCOL, &transport.bytes(self.source, self.target))
    }

    /// The packet with any payload: another IP packet, a GRE header, nonsense.
    pub fn carry(&self, protocol: u8, payload: &[u8]) -> Vec<u8> {
        self.header_and(protocol, payload, None)
    }

    /// The same as [`packet`](Self::packet) in fragments of at most `size` payload bytes, rounded down to eights.
    pub fn fragments<T: Transport>(&self, transport: &T, size: usize, id: u32) -> Vec<Vec<u8>> {
        let payload = transport.bytes(self.source, self.target);
        self.pieces(T::PROTOCOL, &payload, size, id)
    }

    fn pieces(&self, protocol: u8, payload: &[u8], size: usize, id: u32) -> Vec<Vec<u8>> {
        let size = size / 8 * 8;
        let last = payload.chunks(size).len() - 1;
        let pieces = payload.chunks(size).enumerate();
        pieces
            .map(|(number, piece)| {
                let fragment = Fragment {
                    offset: u16::try_from(number * size).expect("an IP payload ends at 64 KiB"),
                    more: number < last,
                    id,
                };
                self.header_and(protocol, piece, Some(fragment))
            })
            .collect()
    }

    fn header_and(&self, protocol: u8, payload: &[u8], fragment: Option<Fragment>) -> Vec<u8> {
        match (self.source, self.target) {
            (IpAddr::V4(_), _) => self.v4(protocol, payload, fragment),
            (IpAddr::V6(_), _) => self.v6(protocol, payload, fragment),
        }
    }

    fn v4(&self, protocol: u8, payload: &[u8], fragment: Option<Fragment>) -> Vec<u8> {
        let header_len = 20 + self.options.len();
        let (id, place) = match fragment {
            None => (0, IPV4_DONT_FRAGMENT),
            Some(piece) => {
                let more = if piece.more { IPV4_MORE_FRAGMENTS } else { 0 };
                (piece.id as u16, more | (piece.offset / 8))
            }
        };
        let mut packet = Vec::with_capacity(header_len + payload.len());
        packet.extend([0x40 | (header_len / 4) as u8, 0]);
        packet.extend(length(header_len + payload.len()));
        packet.extend(id.to_be_bytes());
        packet.extend(place.to_be_bytes());
        packet.extend([self.hop_limit, protocol, 0, 0]);
        packet.extend(octets(self.source));
        packet.extend(octets(self.target));
        packet.extend(&self.options);
        let sum = Checksum::of(&packet);
        packet[IPV4_CHECKSUM].copy_from_slice(&sum.to_be_bytes());
        packet.extend(payload);
        packet
    }

    fn v6(&self, protocol: u8, payload: &[u8], fragment: Option<Fragment>) -> Vec<u8> {
        let mut chain: Vec<(u8, Vec<u8>)> = self
            .extensions
            .iter()
            .map(|extension| (extension.kind, extension.body.clone()))
            .collect();
        if let Some(piece) = fragment {
            chain.push((FRAGMENT, piece.v6_body()));
        }
        let mut behind = Vec::new();
        for (index, (_, body)) in chain.iter().enumerate() {
            let next = chain.get(index + 1).map_or(protocol, |&(kind, _)| kind);
            behind.push(next);
            behind.extend(body);
        }
        let first = chain.first().map_or(protocol, |&(kind, _)| kind);
        let mut packet = Vec::with_capacity(40 + behind.len() + payload.len());
        packet.extend([0x60, 0, 0, 0]);
        packet.extend(length(behind.len() + payload.len()));
        packet.extend([first, self.hop_limit]);
        packet.extend(octets(self.source));
        packet.extend(octets(self.target));
        packet.extend(behind);
        packet.extend(payload);
        packet
    }
}

/// Any packet without options or extension headers, cut into fragments of at most `size` payload bytes.
pub fn cut(packet: &[u8], size: usize, id: u32) -> Vec<Vec<u8>> {
    let at = |start: usize, len: usize| &packet[start..start + len];
    let (ip, protocol, header_len) = if packet[0] >> 4 == 6 {
        let end = |start| IpAddr::from(*at(start, 16).first_chunk::<16>().expect("16 bytes"));
        (Ip::between(end(8), end(24)), packet[6], 40)
    } else {
        let end = |start| IpAddr::from(*at(start, 4).first_chunk::<4>().expect("4 bytes"));
        (Ip::between(end(12), end(16)), packet[9], 20)
    };
    ip.pieces(protocol, &packet[header_len..], size, id)
}

/// An IPv6 extension header that means nothing and has to be stepped over.
#[derive(Clone, Debug)]
pub struct Extension {
    kind: u8,
    /// Everything behind the next-header byte.
    body: Vec<u8>,
}

impl Extension {
    /// Hop-by-hop options of `len` bytes of padding, header included; a multiple of 8.
    pub fn hop_by_hop(len: usize) -> Self {
        Self::new(HOP_BY_HOP, len, &padding(len - 2))
    }

    /// Destination options of `len` bytes of padding, header included; a multiple of 8.
    pub fn destination_options(len: usize) -> Self {
        Self::new(DESTINATION_OPTIONS, len, &padding(len - 2))
    }

    /// A routing header of `len` bytes, header included; a multiple of 8. No segments are left, so the target address
    /// is the final one. The type is one reserved for experiments (RFC 4727).
    pub fn routing(len: usize) -> Self {
        let mut content = vec![0; len - 2];
        content[0] = 253;
        Self::new(ROUTING, len, &content)
    }

    fn new(kind: u8, len: usize, content: &[u8]) -> Self {
        assert!(len.is_multiple_of(8), "extension headers come in eights");
        let eights = u8::try_from(len / 8 - 1).expect("an extension header ends at 2048 bytes");
        Self {
            kind,
            body: [&[eights], content].concat(),
        }
    }
}

/// Options Pad1 and PadN that fill `len` bytes (RFC 8200, section 4.2).
fn padding(len: usize) -> Vec<u8> {
    let mut options = Vec::with_capacity(len);
    while options.len() < len {
        let room = len - options.len();
        if room == 1 {
            options.push(0);
        } else {
            let zeros = (room - 2).min(255);
            options.extend([1, zeros as u8]);
            options.resize(options.len() + zeros, 0);
        }
    }
    options
}

/// Which piece of a payload a fragment holds; the offset is in bytes.
#[derive(Clone, Copy, Debug)]
struct Fragment {
    offset: u16,
    more: bool,
    id: u32,
}

impl Fragment {
    fn v6_body(self) -> Vec<u8> {
        let mut body = vec![0];
        body.extend((self.offset | u16::from(self.more)).to_be_bytes());
        body.extend(self.id.to_be_bytes());
        body
    }
}

fn length(bytes: usize) -> [u8; 2] {
    u16::try_from(bytes)
        .expect("an IP packet ends at 64 KiB")
        .to_be_bytes()
}

/// An address as it stands in a header.
pub fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    }
}

#[cfg(test)]
mod tests;
