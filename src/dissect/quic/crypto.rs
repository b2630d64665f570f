//! The crypto stream: CRYPTO frames in any order, put together (RFC 9000, section 7.5).
//!
//! Of bytes that come twice the first are kept, as a server does. Memory follows what was received, never what an
//! offset claims.

use crate::dissect::Dissection;
use crate::dissect::tls::{self, ClientHello};

/// Bytes of stream that can matter: the longest hello with its header.
const MAX_LEN: usize = tls::MAX_HELLO_LEN + tls::HANDSHAKE_HEADER_LEN;
/// Pieces held apart. Chrome cuts and shuffles a hello into some ten; with 64 the list stays short enough to walk.
const MAX_PIECES: usize = 64;

/// The start of one connection's crypto stream.
#[derive(Debug, Default)]
pub(super) struct CryptoStream {
    /// In order, without overlap; neighbours may touch.
    pieces: Vec<Piece>,
}

#[derive(Debug)]
struct Piece {
    start: usize,
    bytes: Vec<u8>,
}

impl Piece {
    fn end(&self) -> usize {
        self.start + self.bytes.len()
    }
}

impl CryptoStream {
    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Memory held in bytes.
    pub(super) fn held(&self) -> usize {
        let bytes: usize = self.pieces.iter().map(|piece| piece.bytes.capacity()).sum();
        bytes + self.pieces.capacity() * size_of::<Piece>()
    }

    /// Keeps the bytes that are new. Those beyond the longest hello are dropped, and so is what would be one piece too
    /// many: it may come again.
    pub(super) fn insert(&mut self, offset: u64, bytes: &[u8]) {
        let Ok(mut at) = usize::try_from(offset) else {
            return;
        };
        let Some(end) = at.checked_add(bytes.len()).filter(|&end| end <= MAX_LEN) else {
            return;
        };
        let mut rest = bytes;
        // The last piece that starts at or before the bytes may cover or touch them.
        let mut next = self.pieces.partition_point(|piece| piece.start <= at);
        while at < end {
            if let Some(before) = next.checked_sub(1).map(|index| &self.pieces[index])
                && before.end() > at
            {
                let known = (before.end() - at).min(rest.len());
                (at, rest) = (at + known, &rest[known..]);
                continue;
            }
            let gap_end = self
                .pieces
                .get(next)
                .map_or(end, |piece| piece.start.min(end));
            let (fresh, later) = rest.split_at(gap_end - at);
            if !self.keep(next, at, fresh) {
                return;
            }
            (at, rest) = (gap_end, later);
            next = self.pieces.partition_point(|piece| piece.start <= at);
        }
    }

    /// Reads the hello once the stream has it from its start to its end.
    pub(super) fn hello(&self) -> Dissection<ClientHello> {
        match self.pieces.as_slice() {
            [first] if first.start == 0 => tls::client_hello_message(&first.bytes),
            [first, ..] if first.start == 0 => self.hello_of_pieces(),
            _ => Dissection::NeedMore,
        }
    }

    /// Joins the pieces only when they reach to the end that the message claims.
    fn hello_of_pieces(&self) -> Dissection<ClientHello> {
        let mut end = 0;
        let touching = self
            .pieces
            .iter()
            .take_while(|piece| {
                let touches = piece.start == end;
                end = piece.end();
                touches
            })
            .count();
        let pieces = &self.pieces[..touching];
        let bytes = || pieces.iter().flat_map(|piece| piece.bytes.iter().copied());
        let mut header = [0; tls::HANDSHAKE_HEADER_LEN];
        let len = bytes()
            .zip(&mut header)
            .map(|(byte, slot)| *slot = byte)
            .count();
        match tls::client_hello_message(&header[..len]) {
            Dissection::NeedMore => {}
            settled => return settled,
        }
        let [_, body_len @ ..] = header;
        let body_len = body_len
            .iter()
            .fold(0, |len, &byte| len << 8 | usize::from(byte));
        let held: usize = pieces.iter().map(|piece| piece.bytes.len()).sum();
        if held < header.len() + body_len {
            return Dissection::NeedMore;
        }
        let pieces = pieces.iter().map(|piece| piece.bytes.as_slice());
        tls::client_hello_message(&pieces.collect::<Vec<_>>().concat())
    }

    /// Keeps bytes before the piece `next`: at the end of the one before it, or as a new piece. False over the cap.
    fn keep(&mut self, next: usize, at: usize, fresh: &[u8]) -> bool {
        if let Some(before) = next.checked_sub(1).map(|index| &mut self.pieces[index])
            && before.end() == at
        {
            before.bytes.extend_from_slice(fresh);
            return true;
        }
        if self.pieces.len() == MAX_PIECES {
            return false;
        }
        self.pieces.insert(
            next,
            Piece {
                start: at,
                bytes: fresh.to_vec(),
            },
        );
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever the order and the overlaps, the stream holds each byte that came, once.
        #[test]
        fn pieces_stay_ordered_and_apart(
            frames in prop::collection::vec((0..300usize, 0..60usize), 0..80)
        ) {
            let content: Vec<u8> = (0..360u16).map(|byte| (byte % 251) as u8).collect();
            let mut stream = CryptoStream::default();
            let mut came = vec![false; content.len()];
            for (offset, len) in frames {
                if stream.pieces.len() == MAX_PIECES {
                    break;
                }
                stream.insert(offset as u64, &content[offset..offset + len]);
                came[offset..offset + len].fill(true);
            }
            let mut end = 0;
            for piece in &stream.pieces {
                prop_assert!(piece.start >= end && !piece.bytes.is_empty());
                end = piece.end();
                prop_assert_eq!(&content[piece.start..end], &piece.bytes[..]);
                prop_assert!(came[piece.start..end].iter().all(|&came| came));
            }
            let held: usize = stream.pieces.iter().map(|piece| piece.bytes.len()).sum();
            prop_assert_eq!(held, came.iter().filter(|&&came| came).count());
        }
    }

    #[test]
    fn the_first_of_two_bytes_stays() {
        let mut stream = CryptoStream::default();
        stream.insert(2, b"cd");
        stream.insert(0, b"abXXe");
        let bytes: Vec<u8> = stream
            .pieces
            .iter()
            .flat_map(|piece| piece.bytes.clone())
            .collect();
        assert_eq!(bytes, b"abcde");
    }

    #[test]
    fn far_offsets_and_many_pieces_hold_no_memory() {
        let mut stream = CryptoStream::default();
        stream.insert(u64::MAX, b"x");
        stream.insert(MAX_LEN as u64, b"x");
        assert_eq!(stream.held(), 0);
        for at in 0..5000 {
            stream.insert(2 * at, b"x");
        }
        assert_eq!(stream.pieces.len(), MAX_PIECES);
        assert!(stream.held() < 8 * 1024);
    }
}
