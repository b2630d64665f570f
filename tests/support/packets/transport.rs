//! TCP segments (RFC 9293) and UDP datagrams (RFC 768).

use std::net::IpAddr;

use super::Checksum;

/// TCP flag: no more data from this side.
pub const FIN: u8 = 0x01;
/// TCP flag: opens a connection.
pub const SYN: u8 = 0x02;
/// TCP flag: ends a connection at once.
pub const RST: u8 = 0x04;
/// TCP flag: give the data to the application.
pub const PSH: u8 = 0x08;
/// TCP flag: the acknowledgement number counts.
pub const ACK: u8 = 0x10;

/// What an IP packet carries.
pub trait Transport {
    /// Number of the protocol in the IP header.
    const PROTOCOL: u8;

    /// Header and payload; the addresses are part of the checksum.
    fn bytes(&self, source: IpAddr, target: IpAddr) -> Vec<u8>;
}

/// A TCP segment. Default: no flags, sequence numbers 0, window 64,240, no options, no payload.
#[derive(Clone, Debug)]
pub struct Segment {
    source_port: u16,
    target_port: u16,
    seq: u32,
    ack: u32,
    flags: u8,
    window: u16,
    options: Vec<u8>,
    payload: Vec<u8>,
}

impl Segment {
    /// A segment from one port to another.
    pub fn new(source_port: u16, target_port: u16) -> Self {
        Self {
            source_port,
            target_port,
            seq: 0,
            ack: 0,
            flags: 0,
            window: 64_240,
            options: Vec::new(),
            payload: Vec::new(),
        }
    }

    /// Sequence number of the first byte.
    #[must_use]
    pub fn seq(mut self, number: u32) -> Self {
        self.seq = number;
        self
    }

    /// Acknowledgement number; counts only with the flag [`ACK`].
    #[must_use]
    pub fn ack(mut self, number: u32) -> Self {
        self.ack = number;
        self
    }

    /// Flags, joined with `|`.
    #[must_use]
    pub fn flags(mut self, flags: u8) -> Self {
        self.flags = flags;
        self
    }

    /// Window as it stands in the header.
    #[must_use]
    pub fn window(mut self, window: u16) -> Self {
        self.window = window;
        self
    }

    /// Options, padded here to whole words; at most 40 bytes.
    #[must_use]
    pub fn options(mut self, options: &[u8]) -> Self {
        self.options = options.to_vec();
        self.options.resize(options.len().next_multiple_of(4), 0);
        assert!(self.options.len() <= 40, "a TCP header ends at 60 bytes");
        self
    }

    /// Payload.
    #[must_use]
    pub fn payload(mut self, bytes: &[u8]) -> Self {
        self.payload = bytes.to_vec();
        self
    }
}

impl Transport for Segment {
    const PROTOCOL: u8 = 6;

    fn bytes(&self, source: IpAddr, target: IpAddr) -> Vec<u8> {
        let header_len = 20 + self.options.len();
        let mut bytes = Vec::with_capacity(header_len + self.payload.len());
        bytes.extend(self.source_port.to_be_bytes());
        bytes.extend(self.target_port.to_be_bytes());
        bytes.extend(self.seq.to_be_bytes());
        bytes.extend(self.ack.to_be_bytes());
        bytes.extend([((header_len / 4) << 4) as u8, self.flags]);
        bytes.extend(self.window.to_be_bytes());
        bytes.extend([0; 4]); // checksum, then urgent pointer
        bytes.extend(&self.options);
        bytes.extend(&self.payload);
        let sum = Checksum::of_transport(source, target, Self::PROTOCOL, &bytes);
        bytes[16..18].copy_from_slice(&sum.to_be_bytes());
        bytes
    }
}

/// A UDP datagram. Default: no payload.
#[derive(Clone, Debug)]
pub struct Datagram {
    source_port: u16,
    target_port: u16,
    payload: Vec<u8>,
}

impl Datagram {
    /// A datagram from one port to another.
    pub fn new(source_port: u16, target_port: u16) -> Self {
        Self {
            source_port,
            target_port,
            payload: Vec::new(),
        }
    }

    /// Payload.
    #[must_use]
    pub fn payload(mut self, bytes: &[u8]) -> Self {
        self.payload = bytes.to_vec();
        self
    }
}

impl Transport for Datagram {
    const PROTOCOL: u8 = 17;

    fn bytes(&self, source: IpAddr, target: IpAddr) -> Vec<u8> {
        let len = u16::try_from(8 + self.payload.len()).expect("a datagram ends at 64 KiB");
        let mut bytes = Vec::with_capacity(usize::from(len));
        bytes.extend(self.source_port.to_be_bytes());
        bytes.extend(self.target_port.to_be_bytes());
        bytes.extend(len.to_be_bytes());
        bytes.extend([0; 2]);
        bytes.extend(&self.payload);
        // 0 would mean that there is no checksum; its other form means the same sum.
        let sum = match Checksum::of_transport(source, target, Self::PROTOCOL, &bytes) {
            0 => 0xffff,
            sum => sum,
        };
        bytes[6..8].copy_from_slice(&sum.to_be_bytes());
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 5));
    const TARGET: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));

    #[test]
    fn segment_has_its_fields_in_place() {
        let segment = Segment::new(50_000, 443)
            .seq(0x0102_0304)
            .ack(0x0506_0708)
            .flags(PSH | ACK)
            .window(512)
            .options(&[2, 4, 5, 0xb4, 1])
            .payload(b"abc");
        let bytes = segment.bytes(SOURCE, TARGET);
        assert_eq!(bytes[..4], [0xc3, 0x50, 0x01, 0xbb]);
        assert_eq!(bytes[4..12], [1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(bytes[12..16], [0x70, 0x18, 2, 0]);
        assert_eq!(bytes[20..28], [2, 4, 5, 0xb4, 1, 0, 0, 0]);
        assert_eq!(bytes[28..], *b"abc");
    }

    #[test]
    fn checksums_hold() {
        let segment = Segment::new(1, 2).flags(SYN).payload(b"odd");
        let bytes = segment.bytes(SOURCE, TARGET);
        assert_eq!(Checksum::of_transport(SOURCE, TARGET, 6, &bytes), 0);
        let bytes = Datagram::new(1, 2).payload(b"odd").bytes(SOURCE, TARGET);
        assert_eq!(Checksum::of_transport(SOURCE, TARGET, 17, &bytes), 0);
        assert_eq!(bytes[4..6], [0, 11]);
    }
}
