//! Payload bytes of one TCP direction by the advance of its sequence space (RFC 9293, section 3.4).
//!
//! A retransmission advances nothing and so counts once; bytes that the sensor did not see but that the sequence
//! numbers span count too, because the host got them.

/// Largest hole that is taken for bytes which the sensor missed: the windows that hosts use in practice. TCP allows
/// 1 GiB (RFC 7323, section 2.3), but one stray segment would then count as a download.
const MAX_LEAP: u32 = 4 << 20;

/// Sequence space of one direction.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sequence {
    /// Sequence number behind the furthest byte seen, once any was.
    next: Option<u32>,
    beyond: Beyond,
}

/// What was seen beyond that byte. One of them suffices, and a flow has to stay small.
#[derive(Clone, Copy, Debug, Default)]
enum Beyond {
    /// Nothing.
    #[default]
    Nothing,
    /// End of a segment beyond the largest hole; the next one that continues it proves that it was no stray.
    Stray(u32),
    /// Sequence number of the FIN, where it has to be known. No data goes on behind it.
    Fin(u32),
}

impl Sequence {
    /// Sequence number behind the furthest byte seen, once any was.
    pub(super) fn next(&self) -> Option<u32> {
        self.next
    }

    /// A FIN stands here. It takes a number that is no payload, and an acknowledgement of it is none of a byte.
    pub(super) fn ends(&mut self, at: u32) {
        self.beyond = Beyond::Fin(at);
    }

    /// The other end says that it has everything up to `end`: returns by how many bytes that goes further than anything
    /// known. The first word only tells where the direction stands.
    pub(super) fn acknowledged(&mut self, end: u32) -> u64 {
        let end = match self.beyond {
            Beyond::Fin(fin) if fin.wrapping_add(1) == end => fin,
            _ => end,
        };
        let ahead = end.wrapping_sub(self.next.unwrap_or(end));
        if self.next.is_none() || (1..=MAX_LEAP).contains(&ahead) {
            self.next = Some(end);
        }
        if ahead <= MAX_LEAP {
            u64::from(ahead)
        } else {
            0
        }
    }

    /// Takes a segment and returns by how many payload bytes the direction advanced.
    pub(super) fn advance(&mut self, seq: u32, syn: bool, len: u32) -> u64 {
        // The SYN takes one number before the payload.
        let start = if syn { seq.wrapping_add(1) } else { seq };
        let end = start.wrapping_add(len);
        let Some(next) = self.next else {
            self.next = Some(end);
            return u64::from(len);
        };
        let ahead = end.wrapping_sub(next);
        // A FIN takes a number too, and a segment of nothing may stand behind it: neither is payload. Half of the
        // sequence space is behind.
        if len == 0 || ahead == 0 || ahead > u32::MAX / 2 {
            return 0;
        }
        if ahead - len.min(ahead) > MAX_LEAP {
            let continues = match self.beyond {
                Beyond::Stray(stray) => start.wrapping_sub(stray) <= MAX_LEAP,
                Beyond::Nothing | Beyond::Fin(_) => false,
            };
            self.beyond = Beyond::Stray(end);
            if continues {
                self.next = Some(end);
            }
            return if continues { u64::from(len) } else { 0 };
        }
        self.next = Some(end);
        u64::from(ahead)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retransmissions_count_once() {
        let mut direction = Sequence::default();
        assert_eq!(direction.advance(99, true, 0), 0);
        assert_eq!(direction.advance(100, false, 10), 10);
        assert_eq!(direction.advance(100, false, 10), 0);
        assert_eq!(direction.advance(105, false, 10), 5);
        assert_eq!(
            direction.advance(130, false, 5),
            20,
            "a hole was delivered all the same"
        );
        assert_eq!(
            direction.advance(115, false, 15),
            0,
            "and fills later for nothing"
        );
    }

    #[test]
    fn acknowledgements_advance_too() {
        let mut direction = Sequence::default();
        let acks = [u32::MAX - 9, u32::MAX - 9, 90, 50, 90, 90 + (8 << 20), 91];
        let advanced: Vec<u64> = acks.map(|ack| direction.acknowledged(ack)).to_vec();
        assert_eq!(
            advanced,
            [0, 0, 100, 0, 0, 0, 1],
            "a wild one counts nothing"
        );
        assert_eq!(
            direction.advance(41, false, 60),
            10,
            "what was acknowledged counts once"
        );
    }

    #[test]
    fn an_acknowledged_fin_is_no_byte() {
        let mut direction = Sequence::default();
        direction.advance(99, true, 0);
        assert_eq!(direction.acknowledged(200), 100);
        direction.ends(250);
        assert_eq!(direction.acknowledged(251), 50);
        assert_eq!(direction.acknowledged(251), 0);
    }

    #[test]
    fn wraps() {
        let mut direction = Sequence::default();
        assert_eq!(direction.advance(u32::MAX - 4, false, 10), 10);
        assert_eq!(direction.advance(5, false, 10), 10);
    }

    #[test]
    fn a_wild_leap_counts_nothing() {
        let mut direction = Sequence::default();
        direction.advance(0, true, 0);
        assert_eq!(direction.advance(0x2000_0000, false, 100), 0);
        assert_eq!(direction.advance(1, false, 100), 100);
        // One that goes on there is the connection after a long loss; what was lost is not guessed.
        assert_eq!(direction.advance(0x2000_0064, false, 100), 100);
        assert_eq!(direction.advance(0x2000_00c8, false, 100), 100);
    }
}
