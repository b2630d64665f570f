//! Savefiles: classic pcap and pcapng, in both byte orders, plain or packed.
//!
//! Formats: <https://www.tcpdump.org/manpages/pcap-savefile.5.txt> and
//! <https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-02.html>.

mod packed;
mod pcap;
mod pcapng;

pub use packed::Packing;
pub use pcap::{Pcap, PcapStream};
pub use pcapng::{Interface, PacketBlock, Pcapng, Resolution};

/// Snap length that cuts nothing; what tcpdump uses.
pub const WHOLE: u32 = 262_144;

/// Byte order of a savefile or of a link header in host order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Least significant byte first.
    Little,
    /// Most significant byte first.
    Big,
}

impl Order {
    /// Both, for tests that try each.
    pub const BOTH: [Self; 2] = [Self::Little, Self::Big];

    /// A 16-bit number in this order.
    pub fn u16(self, number: u16) -> [u8; 2] {
        match self {
            Self::Little => number.to_le_bytes(),
            Self::Big => number.to_be_bytes(),
        }
    }

    /// A 32-bit number in this order.
    pub fn u32(self, number: u32) -> [u8; 4] {
        match self {
            Self::Little => number.to_le_bytes(),
            Self::Big => number.to_be_bytes(),
        }
    }
}

/// A frame as a capture holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Nanoseconds since 1970-01-01T00:00:00Z.
    pub time: u64,
    /// The bytes that were captured.
    pub bytes: Vec<u8>,
    /// Length on the wire, at least that of `bytes`.
    pub wire_len: u32,
    /// Index of the interface it came from; only pcapng tells.
    pub interface: u32,
}

impl Frame {
    /// A frame of which every byte was captured, from interface 0.
    pub fn whole(time: u64, bytes: Vec<u8>) -> Self {
        let wire_len = u32::try_from(bytes.len()).expect("a frame is shorter than 4 GiB");
        Self {
            time,
            bytes,
            wire_len,
            interface: 0,
        }
    }

    /// The same frame with only its first `len` bytes captured.
    #[must_use]
    pub fn cut(mut self, len: usize) -> Self {
        self.bytes.truncate(len);
        self
    }

    /// The same frame from another interface.
    #[must_use]
    pub fn on(mut self, interface: u32) -> Self {
        self.interface = interface;
        self
    }

    /// What a capture with this snap length keeps; 0 stands for no limit.
    fn snapped(&self, snap: u32) -> &[u8] {
        match snap as usize {
            0 => &self.bytes,
            snap => &self.bytes[..self.bytes.len().min(snap)],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_frame_keeps_its_wire_length() {
        let frame = Frame::whole(5, vec![1, 2, 3, 4]).cut(2).on(3);
        assert_eq!(frame.bytes, [1, 2]);
        assert_eq!((frame.wire_len, frame.interface), (4, 3));
    }
}
