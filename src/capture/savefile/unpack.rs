//! gzip and zstd as streams, with bounded memory: gzip looks back 32 KiB, zstd as far as [`MAX_WINDOW`].
//!
//! Both formats allow several members or frames behind one another; all are read. A stream that is cut off gives
//! everything up to the cut, then an error of kind `UnexpectedEof`. Not handled: zstd dictionaries.

use std::error::Error;
use std::io::{self, BufRead, Read};

use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::ahead::{Ahead, Source};
use super::magic::Packing;

/// How far a zstd frame may look back: what zstd itself takes without being told to (`--long=27`, all its levels).
/// The decoder's memory is at most twice this.
pub(super) const MAX_WINDOW: u64 = 128 * 1024 * 1024;

/// The unpacked bytes of a packed source.
pub(super) fn unpack(source: Ahead, packing: Packing) -> Source {
    match packing {
        Packing::Gzip => Box::new(MultiGzDecoder::new(source)),
        Packing::Zstd => Box::new(Zstd::new(source)),
    }
}

/// All frames of a zstd stream.
struct Zstd {
    source: Ahead,
    decoder: FrameDecoder,
    place: Place,
}

enum Place {
    BetweenFrames,
    InFrame,
    /// The fault is told once what was decoded before it has been read.
    Broken(io::Error),
    Ended,
}

impl Zstd {
    fn new(source: Ahead) -> Self {
        Self {
            source,
            decoder: FrameDecoder::new(),
            place: Place::BetweenFrames,
        }
    }

    /// Begins the next frame; false at the end of the stream.
    fn begin_frame(&mut self) -> io::Result<bool> {
        loop {
            if self.source.fill_buf()?.is_empty() {
                return Ok(false);
            }
            // A decoder that is used again takes a frame's whole window on the word of its header; a new one grows.
            self.decoder = FrameDecoder::new();
            self.decoder.set_max_window_size(MAX_WINDOW);
            match self.decoder.reset(&mut self.source) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => self.skip(u64::from(length))?,
                Err(error) => return Err(fault(error)),
            }
        }
    }

    fn skip(&mut self, length: u64) -> io::Result<()> {
        let skipped = io::copy(&mut self.source.by_ref().take(length), &mut io::sink())?;
        if skipped < length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }

    fn decode_block(&mut self) -> io::Result<()> {
        let one = BlockDecodingStrategy::UptoBlocks(1);
        self.decoder
            .decode_blocks(&mut self.source, one)
            .map_err(fault)?;
        Ok(())
    }

    fn check_sum(&self) -> io::Result<()> {
        let (told, is) = (
            self.decoder.get_checksum_from_data(),
            self.decoder.get_calculated_checksum(),
        );
        if told.is_some() && told != is {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "zstd: the checksum does not fit what was unpacked",
            ));
        }
        Ok(())
    }

    /// The decoder holds the last window of bytes back until the frame ends, and after a fault it never does. An empty
    /// last block and a checksum end it, so that these bytes can be read.
    fn release(&mut self) {
        const EMPTY_LAST_BLOCK: [u8; 7] = [1, 0, 0, 0, 0, 0, 0];
        let one = BlockDecodingStrategy::UptoBlocks(1);
        // Where even this fails, the bytes of the window are lost; the fault is told in either case.
        let _ = self.decoder.decode_blocks(&EMPTY_LAST_BLOCK[..], one);
    }

    /// One step ahead, of which a fault is kept for later.
    fn step(&mut self) {
        let next = match &self.place {
            Place::InFrame if self.decoder.is_finished() => {
                self.check_sum().map(|()| Place::BetweenFrames)
            }
            Place::InFrame => self.decode_block().map(|()| Place::InFrame),
            _ => self.begin_frame().map(|begun| match begun {
                true => Place::InFrame,
                false => Place::Ended,
            }),
        };
        self.place = next.unwrap_or_else(|error| {
            if matches!(self.place, Place::InFrame) {
                self.release();
            }
            Place::Broken(error)
        });
    }
}

impl Read for Zstd {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if to.is_empty() {
            return Ok(0);
        }
        loop {
            if self.decoder.can_collect() > 0 {
                return self.decoder.read(to);
            }
            match std::mem::replace(&mut self.place, Place::Ended) {
                Place::Ended => return Ok(0),
                Place::Broken(error) => return Err(error),
                going => self.place = going,
            }
            self.step();
        }
    }
}

/// The decoder's error as one of input: a cut, a window beyond the limit, or damage.
fn fault(error: FrameDecoderError) -> io::Error {
    if matches!(error, FrameDecoderError::WindowSizeTooBig { .. }) {
        return io::Error::new(io::ErrorKind::Unsupported, error);
    }
    let mut cause: Option<&dyn Error> = Some(&error);
    while let Some(one) = cause {
        if let Some(io) = one.downcast_ref::<io::Error>() {
            return io::Error::new(io.kind(), format!("zstd: {io}"));
        }
        cause = one.source();
    }
    io::Error::new(io::ErrorKind::InvalidData, format!("zstd: {error}"))
}

#[cfg(test)]
mod tests;
