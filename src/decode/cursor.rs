//! The rest of a frame, captured and on the wire, and the headers that it may begin with.

use crate::model::{Mac, Undecoded};

/// The rest of a frame. A read past the captured end is [`Undecoded::Cut`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    /// Captured bytes, padding and trailers of outer layers included.
    pub bytes: &'a [u8],
    /// Their length on the wire, at least the captured length.
    pub wire_len: u32,
}

/// What begins at a cursor.
#[derive(Clone, Copy, Debug)]
pub(super) enum Layer<'a> {
    /// An Ethernet frame.
    Ethernet(Cursor<'a>),
    /// What this EtherType announced.
    EtherType(u16, Cursor<'a>),
    /// A PPP frame.
    Ppp(Cursor<'a>),
    /// An MPLS label stack.
    Mpls(Cursor<'a>),
    /// An IP header, the version in its first nibble.
    Ip(Cursor<'a>),
}

impl<'a> Cursor<'a> {
    /// Bytes that are whole on the wire.
    pub fn whole(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            wire_len: as_u32(bytes.len()),
        }
    }

    /// What stands behind the next `count` bytes.
    pub fn skip(self, count: usize) -> Result<Self, Undecoded> {
        let bytes = self.bytes.get(count..).ok_or(Undecoded::Cut)?;
        Ok(Self {
            bytes,
            wire_len: self.wire_len.saturating_sub(as_u32(count)),
        })
    }

    /// No more than the next `len` bytes on the wire.
    pub fn limit(self, len: u32) -> Self {
        let captured = self.bytes.len().min(len as usize);
        Self {
            bytes: self.bytes.get(..captured).unwrap_or_default(),
            wire_len: self.wire_len.min(len),
        }
    }

    /// The byte at an offset.
    pub fn u8(self, at: usize) -> Result<u8, Undecoded> {
        self.bytes.get(at).copied().ok_or(Undecoded::Cut)
    }

    /// The number at an offset, in network byte order.
    pub fn u16(self, at: usize) -> Result<u16, Undecoded> {
        self.array(at).map(u16::from_be_bytes)
    }

    /// The number at an offset, in network byte order.
    pub fn u32(self, at: usize) -> Result<u32, Undecoded> {
        self.array(at).map(u32::from_be_bytes)
    }

    /// The hardware address at an offset.
    pub fn mac(self, at: usize) -> Result<Mac, Undecoded> {
        self.array(at).map(Mac::new)
    }

    fn array<const N: usize>(self, at: usize) -> Result<[u8; N], Undecoded> {
        let rest = self.bytes.get(at..).ok_or(Undecoded::Cut)?;
        rest.first_chunk().copied().ok_or(Undecoded::Cut)
    }
}

/// A length that saturates; frames are far shorter.
pub(super) fn as_u32(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}
