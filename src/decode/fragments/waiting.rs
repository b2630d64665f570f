//! The fragments of one packet, until it is whole.

use crate::model::Undecoded;

/// Fragments of one packet. 64 KiB on a path of 1280 bytes make 53, at 576 bytes 119; 256 leave room, and bound the work.
pub const MAX_PIECES: usize = 256;

/// Where a fragment belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::decode) struct Place {
    /// Bytes before it.
    pub offset: u32,
    /// Whether others come behind it.
    pub more: bool,
}

impl Place {
    /// Whether it is a part, not the whole.
    pub fn is_part(self) -> bool {
        self.offset > 0 || self.more
    }
}

/// A packet that is not whole.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) serial: u64,
    /// Why every further fragment is refused.
    pub(super) refused: Option<Undecoded>,
    /// Next protocol, from the first fragment.
    pub(super) protocol: u8,
    /// Length of the whole, from the last fragment.
    total: Option<u32>,
    /// Sorted by offset, disjoint.
    pieces: Vec<Piece>,
    /// Their bytes, in the order of arrival.
    pub(super) bytes: Vec<u8>,
    /// Fragments held, repeated ones included.
    pub(super) fragments: u64,
}

#[derive(Clone, Copy, Debug)]
struct Piece {
    offset: u32,
    len: u32,
    /// Where its bytes begin.
    at: u32,
}

impl Piece {
    fn end(self) -> u32 {
        self.offset + self.len
    }
}

impl Waiting {
    /// Nothing of it is there yet; `serial` tells it from others with its key.
    pub(super) fn new(serial: u64) -> Self {
        Self {
            serial,
            refused: None,
            protocol: 0,
            total: None,
            pieces: Vec::new(),
            bytes: Vec::new(),
            fragments: 0,
        }
    }

    /// Holds nothing and refuses what may still come.
    pub(super) fn refusing(serial: u64, cause: Undecoded) -> Self {
        Self {
            refused: Some(cause),
            ..Self::new(serial)
        }
    }

    /// Adds a fragment and says how many bytes it added; an error says why the whole packet is refused.
    pub(super) fn add(
        &mut self,
        place: Place,
        protocol: u8,
        bytes: &[u8],
    ) -> Result<u64, Undecoded> {
        let piece = Piece {
            offset: place.offset,
            len: bytes.len() as u32, // the caller has checked that it is small
            at: self.bytes.len() as u32,
        };
        let is_last = !place.more;
        let index = self
            .pieces
            .partition_point(|other| other.offset < piece.offset);
        let next = self.pieces.get(index);
        if let Some(&same) = next.filter(|it| it.offset == piece.offset && it.len == piece.len) {
            let is_same_place = is_last == (self.total == Some(piece.end()));
            if !is_same_place || self.part(same) != bytes {
                return Err(Undecoded::FragmentOverlap);
            }
            self.fragments += 1;
            return Ok(0);
        }
        let previous = index.checked_sub(1).and_then(|at| self.pieces.get(at));
        let overlaps = next.is_some_and(|next| next.offset < piece.end())
            || previous.is_some_and(|previous| previous.end() > piece.offset);
        let last_end = self.pieces.last().map_or(0, |last| last.end());
        let beyond = match self.total {
            Some(total) => is_last || piece.end() > total,
            None => is_last && piece.end() < last_end,
        };
        if overlaps || beyond {
            return Err(Undecoded::FragmentOverlap);
        }
        if self.pieces.len() >= MAX_PIECES {
            return Err(Undecoded::Fragment);
        }
        if is_last {
            self.total = Some(piece.end());
        }
        if piece.offset == 0 {
            self.protocol = protocol;
        }
        self.pieces.insert(index, piece);
        self.bytes.extend_from_slice(bytes);
        self.fragments += 1;
        Ok(u64::from(piece.len))
    }

    fn part(&self, piece: Piece) -> &[u8] {
        let (from, to) = (piece.at as usize, (piece.at + piece.len) as usize);
        self.bytes.get(from..to).unwrap_or_default()
    }

    /// The pieces are disjoint and end by the total, so their sum tells.
    pub(super) fn is_whole(&self) -> bool {
        self.total
            .is_some_and(|total| total as usize == self.bytes.len())
    }

    /// Its payload, once it is whole.
    pub(super) fn joined(self) -> Vec<u8> {
        if self.pieces.iter().all(|piece| piece.at == piece.offset) {
            return self.bytes;
        }
        let mut payload = Vec::with_capacity(self.bytes.len());
        for &piece in &self.pieces {
            payload.extend_from_slice(self.part(piece));
        }
        payload
    }
}
