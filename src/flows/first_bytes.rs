//! The first bytes of one TCP direction, in order.
//!
//! Most hellos come in one segment, so nothing is copied until a dissector asks for more: [`FirstBytes::fresh`] tells
//! which part of a segment continues the stream, [`FirstBytes::append`] keeps it. A segment behind a hole is not kept.

/// Bytes held by all streams together, against one cap.
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

    /// Appends refused because the budget was spent.
    pub fn refused(&self) -> u64 {
        self.refused
    }
}

/// The start of one direction.
#[derive(Clone, Debug, Default)]
pub struct FirstBytes {
    start: Option<u32>,
    kept: Vec<u8>,
}

impl FirstBytes {
    /// Says that the stream starts at `seq`, the number behind the SYN. Without it the first payload seen is the start.
    pub fn start_at(&mut self, seq: u32) {
        self.start.get_or_insert(seq);
    }

    /// The part of a segment that continues the stream: empty for a retransmission, `None` behind a hole.
    pub fn fresh<'p>(&mut self, seq: u32, payload: &'p [u8]) -> Option<&'p [u8]> {
        let start = *self.start.get_or_insert(seq);
        let held = u32::try_from(self.kept.len()).ok()?;
        let behind = start.wrapping_add(held).wrapping_sub(seq);
        if behind > u32::MAX / 2 {
            return None; // the segment starts after what is held
        }
        Some(payload.get(behind as usize..).unwrap_or_default())
    }

    /// Keeps a part that [`FirstBytes::fresh`] gave. False, with nothing kept, over `cap` or over the budget.
    pub fn append(&mut self, fresh: &[u8], cap: usize, budget: &mut Budget) -> bool {
        if self.kept.len() + fresh.len() > cap {
            return false;
        }
        if budget.used + fresh.len() > budget.cap {
            budget.refused += 1;
            return false;
        }
        budget.used += fresh.len();
        self.kept.extend_from_slice(fresh);
        true
    }

    /// Sequence number behind what is kept, once the start is known.
    pub fn next(&self) -> Option<u32> {
        let held = u32::try_from(self.kept.len()).ok()?;
        Some(self.start?.wrapping_add(held))
    }

    /// What is kept.
    pub fn bytes(&self) -> &[u8] {
        &self.kept
    }

    /// Gives the memory back. Every stream that kept something must end here, or the budget leaks.
    pub fn release(&mut self, budget: &mut Budget) {
        budget.used -= self.kept.len();
        self.kept = Vec::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins_segments_and_skips_retransmissions() {
        let (mut stream, mut budget) = (FirstBytes::default(), Budget::new(100));
        stream.start_at(u32::MAX); // the next byte wraps to 0
        assert_eq!(stream.fresh(u32::MAX, b"ab"), Some(&b"ab"[..]));
        assert!(stream.append(b"ab", 10, &mut budget));
        assert_eq!(stream.fresh(u32::MAX, b"ab"), Some(&b""[..]));
        assert_eq!(stream.fresh(0, b"bcd"), Some(&b"cd"[..]));
        assert_eq!(stream.fresh(2, b"x"), None);
        assert!(stream.append(b"cd", 10, &mut budget));
        assert_eq!(stream.bytes(), b"abcd");
        stream.release(&mut budget);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn caps_hold() {
        let (mut stream, mut budget) = (FirstBytes::default(), Budget::new(4));
        assert!(!stream.append(b"12345", 4, &mut budget));
        assert_eq!(
            budget.refused(),
            0,
            "the stream's own cap is not the budget's"
        );
        assert!(!stream.append(b"12345", 5, &mut budget));
        assert_eq!(budget.refused(), 1);
        assert_eq!(budget.used(), 0);
    }
}
