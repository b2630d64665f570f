//! One TCP direction as ordered bytes, as far as a reader wants them.
//!
//! A reader is given the bytes at the stream's position and says how many it is done with; bytes that it skips beyond
//! what has arrived are never kept. Segments out of order wait in place. Most hellos and requests come in one segment
//! in order: nothing is copied for those.
//!
//! **Overlaps**: the byte that came first stands, whatever a later segment says. (Stacks differ in what they keep; a
//! sender that sends both versions is hostile, and the first is the one that the other end may have acknowledged.)

use std::ops::Range;

/// Pieces that may wait behind holes in one stream. Reordering on real paths makes a few.
const MAX_PIECES: usize = 256;

/// How far one step may lead beyond what has arrived: the largest body that is skipped.
const MAX_SKIP: u64 = 1 << 30;

/// Bytes held by all streams together, and by what else is kept with flows, against one cap.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    used: usize,
    cap: usize,
    refused: u64,
}

impl Budget {
    /// A budget of `cap` bytes.
    pub fn new(cap: usize) -> Self {
        Self {
            used: 0,
            cap,
            refused: 0,
        }
    }

    /// Bytes held now.
    pub fn used(&self) -> usize {
        self.used
    }

    /// Takes so many bytes for something that is kept with a flow, if less than half is used: streams need the rest.
    pub fn take(&mut self, bytes: usize) -> bool {
        let is_left = self.used + bytes <= self.cap / 2;
        if is_left {
            self.used += bytes;
        } else {
            self.refused += 1;
        }
        is_left
    }

    /// Gives back what was taken.
    pub fn give_back(&mut self, bytes: usize) {
        self.used = self.used.saturating_sub(bytes);
    }

    /// What was given up because the budget was spent.
    pub fn refused(&self) -> u64 {
        self.refused
    }
}

/// What a reader makes of the bytes at the stream's position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It is done with so many bytes, which may be more than it was given, and reads on behind them.
    Take(u64),
    /// It needs more bytes than it was given.
    More,
    /// It wants nothing of this stream any more.
    Stop,
}

/// One direction.
#[derive(Clone, Debug, Default)]
pub struct Stream {
    /// Sequence number of the stream's position.
    position: Option<u32>,
    /// Bytes from the position on; those outside `pieces` have not arrived.
    bytes: Vec<u8>,
    /// Parts of `bytes` that have arrived, sorted, none touching another.
    pieces: Vec<Range<usize>>,
    /// How many of the bytes the reader has seen and asked for more.
    offered: usize,
    /// What the budget was charged.
    charged: usize,
    stopped: bool,
}

impl Stream {
    /// Says that the stream starts at `seq`. Without it the first payload seen is the start.
    pub fn start_at(&mut self, seq: u32) {
        self.position.get_or_insert(seq);
    }

    /// Whether nobody reads it any more.
    pub fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// Sequence number of the first byte that the reader is not done with, once the start is known. It may lie beyond what
    /// has arrived.
    pub fn position(&self) -> Option<u32> {
        self.position
    }

    /// Sequence number behind what has arrived without a hole, once the start is known.
    pub fn next(&self) -> Option<u32> {
        let held = u32::try_from(self.held().len()).unwrap_or(u32::MAX);
        Some(self.position?.wrapping_add(held))
    }

    /// The bytes that the reader has seen and is not done with.
    pub fn held(&self) -> &[u8] {
        match self.pieces.first() {
            Some(first) if first.start == 0 => &self.bytes[first.clone()],
            _ => &[],
        }
    }

    /// Forgets what is held and reads on wherever the next segment starts: the hole before it will not be filled.
    pub fn restart(&mut self, budget: &mut Budget) {
        self.stop(budget);
        self.stopped = false;
        self.position = None;
    }

    /// Takes a segment and lets `read` go on as far as it can. Keeps at most `cap` bytes; a reader that would need more
    /// than that, or more than the budget has, gets nothing further, and false is returned.
    pub fn feed(
        &mut self,
        seq: u32,
        payload: &[u8],
        cap: usize,
        budget: &mut Budget,
        mut read: impl FnMut(&[u8]) -> Step,
    ) -> bool {
        if self.stopped || payload.is_empty() {
            return true;
        }
        let position = *self.position.get_or_insert(seq);
        let ahead = seq.wrapping_sub(position);
        if ahead > u32::MAX / 2 {
            // It starts before the position: what was read already falls away.
            let old = position.wrapping_sub(seq) as usize;
            return match payload.get(old..) {
                Some(fresh) if !fresh.is_empty() => self.feed(position, fresh, cap, budget, read),
                _ => true,
            };
        }
        if ahead == 0 && self.pieces.is_empty() {
            return self.read_in_place(payload, cap, budget, &mut read);
        }
        // Of what does not fit the first part is read all the same: it may be all that is wanted.
        let room = cap.saturating_sub(ahead as usize).min(payload.len());
        let whole = room == payload.len();
        if !self.keep(ahead as usize, &payload[..room], cap, budget) {
            self.stop(budget);
            return false;
        }
        self.read_kept(budget, &mut read);
        if !whole && !self.stopped {
            self.stop(budget);
            return false;
        }
        true
    }

    /// Gives the memory back and reads no further. Every stream must end here, or the budget leaks.
    pub fn stop(&mut self, budget: &mut Budget) {
        self.bytes = Vec::new();
        self.pieces = Vec::new();
        self.offered = 0;
        self.charge(budget);
        self.stopped = true;
    }

    /// The usual case: nothing is kept, and the segment stands at the position.
    fn read_in_place(
        &mut self,
        mut payload: &[u8],
        cap: usize,
        budget: &mut Budget,
        read: &mut impl FnMut(&[u8]) -> Step,
    ) -> bool {
        while !payload.is_empty() {
            match read(payload) {
                Step::Take(count) if count <= MAX_SKIP => {
                    self.advance(count);
                    let count = usize::try_from(count).unwrap_or(usize::MAX);
                    payload = payload.get(count..).unwrap_or_default();
                }
                Step::More => {
                    let kept = self.keep(0, payload, cap, budget);
                    self.offered = payload.len();
                    if !kept {
                        self.stop(budget);
                    }
                    return kept;
                }
                Step::Take(_) | Step::Stop => {
                    self.stop(budget);
                    return true;
                }
            }
        }
        true
    }

    fn read_kept(&mut self, budget: &mut Budget, read: &mut impl FnMut(&[u8]) -> Step) {
        while let Some(first) = self.pieces.first().filter(|piece| piece.start == 0) {
            if first.end <= self.offered {
                return; // it has seen all of this, and nothing came to it
            }
            match read(&self.bytes[first.clone()]) {
                Step::Take(count) if count <= MAX_SKIP => self.drop_front(count, budget),
                Step::More => {
                    self.offered = first.end;
                    return;
                }
                Step::Take(_) | Step::Stop => return self.stop(budget),
            }
        }
    }

    fn advance(&mut self, count: u64) {
        // Sequence numbers count modulo 2^32, which is what the cut keeps.
        let count = (count & u64::from(u32::MAX)) as u32;
        self.position = self.position.map(|position| position.wrapping_add(count));
    }

    /// Moves the position forward over kept bytes, and beyond them where the reader skips.
    fn drop_front(&mut self, count: u64, budget: &mut Budget) {
        self.advance(count);
        let gone = usize::try_from(count)
            .unwrap_or(usize::MAX)
            .min(self.bytes.len());
        self.bytes.drain(..gone);
        self.offered = 0;
        // Memory that was held once is given back, or many quiet streams would keep much of it.
        if self.bytes.capacity() / 2 > self.bytes.len() {
            self.bytes.shrink_to_fit();
        }
        self.pieces.retain_mut(|piece| {
            *piece = piece.start.saturating_sub(gone)..piece.end.saturating_sub(gone);
            piece.start < piece.end
        });
        if self.pieces.is_empty() {
            self.pieces = Vec::new();
        }
        self.charge(budget);
    }

    /// Charges the budget what is held now: the bytes, and the list of pieces.
    fn charge(&mut self, budget: &mut Budget) {
        let held = self.bytes.len() + self.pieces.len() * size_of::<Range<usize>>();
        budget.used = budget.used + held - self.charged;
        self.charged = held;
    }

    /// Puts a part at an offset from the position. False over a cap; what was there first stays.
    fn keep(&mut self, offset: usize, part: &[u8], cap: usize, budget: &mut Budget) -> bool {
        let Some(end) = offset.checked_add(part.len()).filter(|&end| end <= cap) else {
            return false;
        };
        if part.is_empty() {
            return true;
        }
        let growth = end.saturating_sub(self.bytes.len());
        if budget.used + growth + size_of::<Range<usize>>() > budget.cap {
            budget.refused += 1;
            return false;
        }
        self.bytes.resize(self.bytes.len() + growth, 0);
        // Only the holes are filled.
        let mut at = offset;
        for piece in &self.pieces {
            if piece.end <= at || at >= end {
                continue;
            }
            if piece.start > at {
                let hole = at..piece.start.min(end);
                self.bytes[hole.clone()]
                    .copy_from_slice(&part[hole.start - offset..hole.end - offset]);
            }
            at = at.max(piece.end);
        }
        if at < end {
            self.bytes[at..end].copy_from_slice(&part[at - offset..]);
        }
        self.note(offset..end);
        self.charge(budget);
        self.pieces.len() <= MAX_PIECES
    }

    /// Adds a range to the pieces, joining those that it touches.
    fn note(&mut self, range: Range<usize>) {
        let from = self.pieces.partition_point(|piece| piece.end < range.start);
        let to = self
            .pieces
            .partition_point(|piece| piece.start <= range.end);
        let joined = self.pieces[from..to].iter().fold(range, |joined, piece| {
            joined.start.min(piece.start)..joined.end.max(piece.end)
        });
        self.pieces.splice(from..to, [joined]);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Feeds segments and gives what a reader saw that takes lines of `width` bytes.
    fn lines(
        segments: &[(u32, &[u8])],
        start: Option<u32>,
        width: usize,
        cap: usize,
    ) -> (Vec<Vec<u8>>, bool) {
        let (mut stream, mut budget) = (Stream::default(), Budget::new(1 << 20));
        if let Some(start) = start {
            stream.start_at(start);
        }
        let mut seen = Vec::new();
        let mut fine = true;
        for (seq, payload) in segments {
            fine &= stream.feed(*seq, payload, cap, &mut budget, |bytes| {
                if bytes.len() < width {
                    return Step::More;
                }
                seen.push(bytes[..width].to_vec());
                Step::Take(width as u64)
            });
        }
        stream.stop(&mut budget);
        assert_eq!(budget.used(), 0);
        (seen, fine)
    }

    #[test]
    fn joins_in_any_order_and_across_the_wrap() {
        let base = u32::MAX - 1;
        let at = |offset: u32| base.wrapping_add(offset);
        let parts: [(u32, &[u8]); 5] = [
            (at(4), b"ef"),
            (at(0), b"ab"),
            (at(0), b"ab"),
            (at(6), b"gh"),
            (at(1), b"bcde"),
        ];
        let (seen, fine) = lines(&parts, Some(base), 8, 100);
        assert!(fine);
        assert_eq!(seen, [b"abcdefgh"]);
    }

    #[test]
    fn the_byte_that_came_first_stands() {
        let parts: [(u32, &[u8]); 3] = [(2, b"CD"), (1, b"xxxx"), (0, b"A")];
        let (seen, _) = lines(&parts, Some(0), 5, 100);
        assert_eq!(seen, [b"AxCDx"]);
    }

    #[test]
    fn skips_beyond_what_has_arrived_without_keeping_it() {
        let (mut stream, mut budget) = (Stream::default(), Budget::new(26));
        let mut seen = Vec::new();
        for (seq, part) in [(0, &b"head"[..]), (4, b"body"), (8, b"body"), (12, b"next")] {
            let fine = stream.feed(seq, part, 8, &mut budget, |bytes| {
                seen.push(bytes.to_vec());
                Step::Take(if bytes.starts_with(b"head") { 12 } else { 4 })
            });
            assert!(fine);
        }
        assert_eq!(seen, [b"head", b"next"]);
    }

    #[test]
    fn caps_hold_and_are_counted() {
        let (mut stream, mut budget) = (Stream::default(), Budget::new(64));
        stream.start_at(0);
        assert!(stream.feed(0, b"abc", 6, &mut budget, |_| Step::More));
        assert!(
            !stream.feed(3, b"defg", 6, &mut budget, |_| Step::More),
            "over the stream's cap"
        );
        assert_eq!((budget.used(), budget.refused()), (0, 0));
        let mut other = Stream::default();
        assert!(!other.feed(0, &[1; 60], 100, &mut budget, |_| Step::More));
        assert_eq!((budget.used(), budget.refused()), (0, 1));
        assert!(
            other.is_stopped() && other.feed(60, b"h", 100, &mut budget, |_| panic!("stopped"))
        );
    }

    #[test]
    fn what_does_not_fit_is_read_as_far_as_it_does() {
        let (mut stream, mut budget) = (Stream::default(), Budget::new(100));
        let mut read = |bytes: &[u8]| match bytes.len() {
            8.. => Step::Stop,
            _ => Step::More,
        };
        assert!(stream.feed(0, b"abcd", 10, &mut budget, &mut read));
        assert!(stream.feed(4, b"efghijklmnop", 10, &mut budget, &mut read));
        assert!(stream.is_stopped());
    }

    /// What was held once is no longer there when it is done with.
    #[test]
    fn memory_is_given_back() {
        let (mut stream, mut budget) = (Stream::default(), Budget::new(1 << 20));
        stream.start_at(0);
        assert!(stream.feed(0, &[1; 10_000], 20_000, &mut budget, |_| Step::More));
        assert!(stream.bytes.capacity() >= 10_000 && budget.used() >= 10_000);
        let mut first = true;
        stream.feed(10_000, &[1; 100], 20_000, &mut budget, |_| {
            if std::mem::take(&mut first) {
                Step::Take(10_050)
            } else {
                Step::More
            }
        });
        assert!(stream.bytes.capacity() < 200 && budget.used() == 50 + 16);
    }

    proptest! {
        /// However a text is cut, repeated and shuffled, the reader sees it whole.
        #[test]
        fn any_order_gives_the_same(
            text in prop::collection::vec(any::<u8>(), 1..200),
            cuts in prop::collection::vec((any::<prop::sample::Index>(), 1..60usize), 0..20),
            base in any::<u32>(),
            seed in any::<prop::sample::Index>(),
        ) {
            let mut parts: Vec<(u32, &[u8])> = cuts
                .iter()
                .map(|(index, len)| {
                    let from = index.index(text.len());
                    let to = (from + len).min(text.len());
                    (base.wrapping_add(from as u32), &text[from..to])
                })
                .collect();
            parts.extend(text.chunks(7).enumerate().map(|(n, part)| (base.wrapping_add(7 * n as u32), part)));
            let turn = seed.index(parts.len());
            parts.rotate_left(turn);
            let (seen, fine) = lines(&parts, Some(base), text.len(), 4096);
            prop_assert!(fine);
            prop_assert_eq!(seen, [text.clone()]);
        }
    }
}
