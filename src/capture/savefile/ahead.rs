//! A buffered reader that can look ahead: a whole record lies in one piece, and first bytes stay to be read.

use std::io::{self, BufRead, Read};

/// Bytes asked of the source at once. Large reads are most of the speed of a savefile.
const READ: usize = 256 * 1024;

/// A source of bytes.
pub(super) type Source = Box<dyn Read + Send>;

/// A source with a window of bytes that were read ahead. It grows only as bytes arrive, never on the word of a length
/// field, and to no more than twice what [`Ahead::fill`] was asked for.
pub(super) struct Ahead {
    source: Source,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    ended: bool,
}

impl Ahead {
    pub(super) fn new(source: Source) -> Self {
        Self {
            source,
            buffer: Vec::new(),
            start: 0,
            end: 0,
            ended: false,
        }
    }

    /// What lies ahead: at least `want` bytes, or all that are left.
    pub(super) fn fill(&mut self, want: usize) -> io::Result<&[u8]> {
        while self.end - self.start < want && !self.ended {
            self.read_more()?;
        }
        Ok(self.ahead())
    }

    /// What lies ahead and was read already.
    pub(super) fn ahead(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Goes on by `count` bytes, which must lie ahead.
    pub(super) fn pass(&mut self, count: usize) {
        debug_assert!(count <= self.end - self.start);
        self.start = (self.start + count).min(self.end);
    }

    fn read_more(&mut self) -> io::Result<()> {
        if self.end == self.buffer.len() {
            self.make_room();
        }
        match self.source.read(&mut self.buffer[self.end..]) {
            Ok(0) => self.ended = true,
            Ok(count) => self.end += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn make_room(&mut self) {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        // Doubling keeps the cost of moving in proportion to what was read.
        if self.end > self.buffer.len() / 2 || self.buffer.is_empty() {
            let len = (self.buffer.len() * 2).max(READ);
            self.buffer.resize(len, 0);
        }
    }
}

impl Read for Ahead {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let ahead = self.fill(1)?;
        let count = ahead.len().min(to.len());
        to[..count].copy_from_slice(&ahead[..count]);
        self.pass(count);
        Ok(count)
    }
}

impl BufRead for Ahead {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.fill(1)
    }

    fn consume(&mut self, count: usize) {
        self.pass(count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives one byte at a time.
    struct Drip(Vec<u8>);

    impl Read for Drip {
        fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() || to.is_empty() {
                return Ok(0);
            }
            to[0] = self.0.remove(0);
            Ok(1)
        }
    }

    #[test]
    fn what_was_looked_at_is_still_read() {
        let mut ahead = Ahead::new(Box::new(Drip(vec![1, 2, 3, 4, 5])));
        assert_eq!(ahead.fill(3).unwrap(), [1, 2, 3]);
        ahead.pass(1);
        let mut rest = Vec::new();
        ahead.read_to_end(&mut rest).unwrap();
        assert_eq!(rest, [2, 3, 4, 5]);
        assert_eq!(ahead.fill(1).unwrap(), [0_u8; 0]);
    }

    #[test]
    fn a_wish_beyond_the_end_costs_no_memory() {
        let mut ahead = Ahead::new(Box::new(Drip(vec![7; 10])));
        assert_eq!(ahead.fill(1 << 40).unwrap(), [7; 10]);
        assert_eq!(ahead.buffer.len(), READ);
    }

    #[test]
    fn records_longer_than_a_read_lie_in_one_piece() {
        let bytes: Vec<u8> = (0..3 * READ).map(|at| at as u8).collect();
        let mut ahead = Ahead::new(Box::new(io::Cursor::new(bytes.clone())));
        ahead.fill(10).unwrap();
        ahead.pass(10);
        assert_eq!(
            ahead.fill(2 * READ).unwrap()[..2 * READ],
            bytes[10..][..2 * READ]
        );
    }
}
