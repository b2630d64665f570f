//! A captured frame, as it comes from an interface or a savefile.

use super::Timestamp;

/// Link-layer type of a capture as libpcap numbers it (DLT values; see <https://www.tcpdump.org/linktypes.html>).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LinkType(pub i32);

impl LinkType {
    /// BSD loopback: address family in the byte order of the capturing machine.
    pub const NULL: Self = Self(0);
    /// Ethernet.
    pub const ETHERNET: Self = Self(1);
    /// PPP with or without HDLC framing.
    pub const PPP: Self = Self(9);
    /// Raw IP, the value that Linux and most systems use.
    pub const RAW: Self = Self(12);
    /// Raw IP, the value of OpenBSD.
    pub const RAW_OPENBSD: Self = Self(14);
    /// PPP in HDLC-like framing.
    pub const PPP_SERIAL: Self = Self(50);
    /// Raw IP, the value that stands in savefiles.
    pub const RAW_FILE: Self = Self(101);
    /// OpenBSD loopback: address family in network byte order.
    pub const LOOP: Self = Self(108);
    /// Linux cooked capture, version 1.
    pub const LINUX_SLL: Self = Self(113);
    /// Raw IPv4.
    pub const IPV4: Self = Self(228);
    /// Raw IPv6.
    pub const IPV6: Self = Self(229);
    /// Linux cooked capture, version 2.
    pub const LINUX_SLL2: Self = Self(276);
}

/// One captured frame. `bytes` may be shorter than `wire_len` where the snap length cut it.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// Capture time.
    pub time: Timestamp,
    /// How `bytes` begin.
    pub link: LinkType,
    /// The captured bytes.
    pub bytes: &'a [u8],
    /// Length on the wire in bytes, at least the captured length.
    pub wire_len: u32,
}

impl Frame<'_> {
    /// Whether the snap length cut the frame.
    pub fn is_cut(&self) -> bool {
        self.bytes.len() < self.wire_len as usize
    }
}
