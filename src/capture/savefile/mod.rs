//! Savefiles: pcap and pcapng, plain or packed with gzip or zstd, from a file or a pipe.
//!
//! What a source is, its first bytes tell, never its name. pcap and pcapng are read as a stream by readers of our own:
//! libpcap stops at interfaces that differ, cannot be given bytes that were looked at or unpacked, and reads by 4 KiB.
//! Files that only libpcap knows are left to it. All hand out the same frames.
//!
//! Memory is bounded whatever a file claims: see [`ahead`], [`pcapng`] and [`unpack`]. Time is not: a small packed file
//! can hold very many frames.

#[cfg(test)]
mod agreement;
mod ahead;
mod beside;
mod interface;
mod libpcap;
mod magic;
mod open;
mod order;
mod pcap_stream;
mod pcapng;
mod unpack;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{CaptureError, FrameSource, Pumped};
use crate::model::{Frame, Timestamp};

pub(super) use open::looks_like_capture;

/// Bytes that a pcap file adds to each frame.
const FRAME_HEADER: u64 = 16;

/// An open savefile.
pub struct Savefile {
    name: String,
    reader: Box<dyn Frames + Send>,
    frames: u64,
    /// Bytes of the frames read, headers estimated.
    frame_bytes: u64,
    /// Bytes read of the file, where that can be told.
    file_bytes: Option<Arc<AtomicU64>>,
}

/// A reader of one of the formats.
trait Frames {
    /// The next frame; `None` at the end. Not to be asked again after a fault.
    fn next(&mut self) -> Result<Option<Frame<'_>>, Fault>;
}

/// Why a reader cannot go on.
#[derive(Debug, PartialEq, Eq)]
enum Fault {
    /// The file ends within something.
    CutOff,
    /// It is packed in a way that would need more memory than it may have.
    WideWindow,
    /// Anything else.
    Damaged(String),
}

impl Savefile {
    /// Frames read so far.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Bytes read so far of the file as it lies on the disk: the packed ones if it is packed.
    pub fn position(&self) -> u64 {
        match &self.file_bytes {
            Some(bytes) => bytes.load(Ordering::Relaxed),
            None => self.frame_bytes,
        }
    }

    /// Time of the first frame; for sorting files, so the savefile is used up.
    pub(super) fn first_time(path: &Path) -> Option<Timestamp> {
        let mut time = None;
        Self::open(path)
            .ok()?
            .pump(1, &mut |frame| time = Some(frame.time))
            .ok()?;
        time
    }

    fn error(&self, fault: Fault) -> CaptureError {
        let (source_name, frames) = (self.name.clone(), self.frames);
        match fault {
            Fault::CutOff => CaptureError::CutOff {
                source_name,
                frames,
            },
            Fault::WideWindow => open::wide_window(source_name),
            Fault::Damaged(why) => CaptureError::Damaged {
                source_name,
                frames,
                why,
            },
        }
    }
}

impl FrameSource for Savefile {
    fn pump(
        &mut self,
        limit: usize,
        sink: &mut dyn FnMut(Frame<'_>),
    ) -> Result<Pumped, CaptureError> {
        for done in 0..limit {
            match self.reader.next() {
                Ok(Some(frame)) => {
                    self.frames += 1;
                    self.frame_bytes += frame.bytes.len() as u64 + FRAME_HEADER;
                    sink(frame);
                }
                Ok(None) if done == 0 => return Ok(Pumped::End),
                Ok(None) => return Ok(Pumped::Frames(done)),
                Err(fault) => return Err(self.error(fault)),
            }
        }
        Ok(Pumped::Frames(limit))
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::CutOff,
            io::ErrorKind::Unsupported => Self::WideWindow,
            _ => Self::Damaged(open::plain(&error)),
        }
    }
}
