//! Which of a server's bytes are not the vendor's: those of answers that refuse, by where they stand in its direction.

/// The server's answer that is not the vendor's, if one is on its way.
#[derive(Debug, Default)]
pub(super) struct Foreign {
    stretch: Option<Stretch>,
    /// Bytes of earlier ones that were not told.
    waiting: u64,
}

#[derive(Clone, Copy, Debug)]
struct Stretch {
    /// Sequence number of the first byte that was not told.
    from: u32,
    /// Sequence number behind the last, once it is known.
    to: Option<u32>,
}

impl Foreign {
    /// One begins at this sequence number.
    pub(super) fn begin(&mut self, at: u32) {
        if let Some(Stretch { from, to: Some(to) }) = self.stretch {
            self.waiting += distance(from, to);
        }
        self.stretch = Some(Stretch { from: at, to: None });
    }

    /// The one that began ends at this sequence number, which may lie beyond what has arrived.
    pub(super) fn end(&mut self, at: u32) {
        if let Some(stretch) = &mut self.stretch {
            stretch.to.get_or_insert(at);
        }
    }

    /// What comes from now on is asked for anew.
    pub(super) fn stop(&mut self) {
        self.stretch = None;
    }

    /// How many bytes, of those before `next`, belong to such answers and were not told before.
    pub(super) fn take(&mut self, next: u32) -> u64 {
        let mut bytes = std::mem::take(&mut self.waiting);
        if let Some(stretch) = &mut self.stretch {
            let end = match stretch.to {
                Some(to) if distance(to, next) > 0 => to,
                _ => next,
            };
            bytes += distance(stretch.from, end);
            stretch.from = end;
            if stretch.to == Some(end) {
                self.stretch = None;
            }
        }
        bytes
    }
}

/// From one sequence number to a later one; 0 where it is earlier. Half of the sequence space is behind.
fn distance(from: u32, to: u32) -> u64 {
    let ahead = to.wrapping_sub(from);
    if ahead > u32::MAX / 2 {
        0
    } else {
        u64::from(ahead)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_byte_is_told_once() {
        let mut foreign = Foreign::default();
        assert_eq!(foreign.take(100), 0);
        foreign.begin(u32::MAX - 9);
        assert_eq!([foreign.take(0), foreign.take(0)], [10, 0]);
        foreign.end(50);
        assert_eq!(foreign.take(20), 20);
        assert_eq!([foreign.take(90), foreign.take(95)], [30, 0]);
        // Two in one segment, and a third of which the end does not come.
        foreign.begin(100);
        foreign.end(110);
        foreign.begin(110);
        foreign.end(130);
        foreign.begin(140);
        assert_eq!(foreign.take(145), 35);
        foreign.stop();
        assert_eq!(foreign.take(900), 0);
    }
}
