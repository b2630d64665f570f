//! Unpacking beside reading: a source that is read by a thread of its own, a few blocks ahead of whoever takes them.
//!
//! Unpacking takes as long as all that is done with the frames, so a packed file is read in half the time where there is a
//! second core. The bytes and their order are the same, so whatever is concluded from them is too.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

/// Bytes handed over at once, at most.
const BLOCK: usize = 256 * 1024;
/// Blocks that may wait; with the two at either end 1.5 MiB.
const WAITING: usize = 4;

/// A source that is read ahead of its reader.
pub(super) struct Beside {
    /// An empty block is the end.
    blocks: Receiver<io::Result<Vec<u8>>>,
    block: Vec<u8>,
    /// Bytes of the block that were taken.
    taken: usize,
    ended: bool,
}

impl Beside {
    /// Begins to read a source. Its thread ends with it, or when it finds that nobody takes its blocks any more.
    pub(super) fn new(source: impl Read + Send + 'static) -> io::Result<Self> {
        let (sender, blocks) = sync_channel(WAITING);
        thread::Builder::new()
            .name("unpack".to_owned())
            .spawn(move || read_all(source, &sender))?;
        Ok(Self {
            blocks,
            block: Vec::new(),
            taken: 0,
            ended: false,
        })
    }
}

fn read_all(mut source: impl Read, blocks: &SyncSender<io::Result<Vec<u8>>>) {
    let mut room = vec![0; BLOCK];
    loop {
        // What there is, before the source has to wait or fails: a pipe may be slow, and what stands before a fault is good.
        let block = match source.read(&mut room) {
            Ok(count) => Ok(room[..count].to_vec()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => Err(error),
        };
        let is_last = block.as_ref().map_or(true, Vec::is_empty);
        if blocks.send(block).is_err() || is_last {
            return;
        }
    }
}

impl Read for Beside {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.block.len() && !self.ended {
            // A thread that is gone without a word has panicked, and what is missing must not look like the end.
            let block = self
                .blocks
                .recv()
                .unwrap_or_else(|_| Err(io::Error::other("unpacking has failed")));
            self.ended = block.as_ref().map_or(true, Vec::is_empty);
            self.block = block?;
            self.taken = 0;
        }
        let rest = &self.block[self.taken..];
        let count = rest.len().min(to.len());
        to[..count].copy_from_slice(&rest[..count]);
        self.taken += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives its bytes in pieces of this length, and then fails or ends.
    struct Pieces {
        bytes: Vec<u8>,
        at: usize,
        len: usize,
        fault: Option<io::ErrorKind>,
    }

    impl Read for Pieces {
        fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
            let rest = &self.bytes[self.at..];
            let count = rest.len().min(self.len).min(to.len());
            if count == 0
                && let Some(fault) = self.fault
            {
                return Err(fault.into());
            }
            to[..count].copy_from_slice(&rest[..count]);
            self.at += count;
            Ok(count)
        }
    }

    #[test]
    fn all_bytes_come_in_order_and_then_the_end_or_the_fault() {
        let bytes: Vec<u8> = (0..3_000_000_u32).map(|at| (at % 251) as u8).collect();
        for len in [7_919, BLOCK, usize::MAX] {
            for fault in [None, Some(io::ErrorKind::UnexpectedEof)] {
                let source = Pieces {
                    bytes: bytes.clone(),
                    at: 0,
                    len,
                    fault,
                };
                let mut read = Vec::new();
                let end = Beside::new(source).unwrap().read_to_end(&mut read);
                assert!(read == bytes, "{len} {fault:?}");
                assert_eq!(end.err().map(|error| error.kind()), fault);
            }
        }
    }

    #[test]
    fn a_reader_that_stops_early_holds_nobody_up() {
        let mut beside = Beside::new(io::repeat(7)).unwrap();
        let mut some = [0; 10];
        beside.read_exact(&mut some).unwrap();
        assert_eq!(some, [7; 10]);
    }

    #[test]
    fn a_panic_is_not_the_end() {
        struct Panics;
        impl Read for Panics {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                panic!("a fault in a library")
            }
        }
        let end = Beside::new(Panics).unwrap().read(&mut [0]);
        assert!(end.is_err());
    }
}
