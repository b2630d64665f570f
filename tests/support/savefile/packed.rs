//! Packed savefiles.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

/// How a savefile is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// Not at all.
    Plain,
    /// gzip in one member.
    Gzip,
    /// gzip in several members behind one another, cut anywhere in the capture.
    GzipMembers,
    /// zstd in one frame.
    Zstd,
    /// zstd in several frames, with one to be skipped between them.
    ZstdFrames,
}

impl Packing {
    /// All of them.
    pub const EVERY: [Self; 5] = [
        Self::Plain,
        Self::Gzip,
        Self::GzipMembers,
        Self::Zstd,
        Self::ZstdFrames,
    ];

    /// A capture packed in this way.
    pub fn pack(self, capture: &[u8]) -> Vec<u8> {
        // Uneven thirds, so that the cuts fall into frames.
        let parts = capture.chunks(capture.len() / 3 + 1);
        match self {
            Self::Plain => capture.to_vec(),
            Self::Gzip => gzip(capture),
            Self::GzipMembers => parts.flat_map(gzip).collect(),
            Self::Zstd => zstd(capture),
            Self::ZstdFrames => parts
                .flat_map(|part| [&SKIPPED_FRAME, zstd(part).as_slice()].concat())
                .collect(),
        }
    }
}

/// Magic, length, content.
const SKIPPED_FRAME: [u8; 11] = [0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3];

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("memory takes every write");
    encoder.finish().expect("memory takes every write")
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    compress_to_vec(bytes, CompressionLevel::Fastest)
}
