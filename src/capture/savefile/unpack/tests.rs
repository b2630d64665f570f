use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

use super::*;

/// An empty frame to be skipped, with four bytes of content.
const SKIPPED: [u8; 12] = [0x5a, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 9, 9, 9, 9];

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    compress_to_vec(bytes, CompressionLevel::Fastest)
}

/// What comes out, and the error that ends it.
fn unpacked(packed: Vec<u8>, packing: Packing) -> (Vec<u8>, Option<io::Error>) {
    let mut out = Vec::new();
    let source = Ahead::new(Box::new(io::Cursor::new(packed)));
    let error = unpack(source, packing).read_to_end(&mut out).err();
    (out, error)
}

/// Bytes that are coded in few bits but do not repeat, so that many blocks are needed.
fn bytes(len: u32) -> Vec<u8> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 27) as u8
    };
    (0..len).map(|_| next()).collect()
}

#[test]
fn members_behind_one_another_are_all_read() {
    let (first, second) = (bytes(300_000), bytes(70_000));
    let whole = [first.clone(), second.clone()].concat();
    let (out, error) = unpacked([gzip(&first), gzip(&second)].concat(), Packing::Gzip);
    assert!(out == whole && error.is_none());
    let frames = [
        SKIPPED.to_vec(),
        zstd(&first),
        SKIPPED.to_vec(),
        zstd(&second),
        SKIPPED.to_vec(),
    ];
    let (out, error) = unpacked(frames.concat(), Packing::Zstd);
    assert!(out == whole && error.is_none(), "{error:?}");
}

#[test]
fn a_cut_stream_gives_what_came_before() {
    let whole = bytes(400_000);
    for (packed, packing) in [(gzip(&whole), Packing::Gzip), (zstd(&whole), Packing::Zstd)] {
        let half = packed[..packed.len() / 2].to_vec();
        let (out, error) = unpacked(half, packing);
        assert_eq!(error.unwrap().kind(), io::ErrorKind::UnexpectedEof);
        assert!(whole.starts_with(&out), "{packing:?}");
        assert!(out.len() > 50_000, "{packing:?}: only {} bytes", out.len());
    }
}

#[test]
fn a_wrong_checksum_is_told() {
    let whole = bytes(1_000);
    for (mut packed, packing, last) in [
        (gzip(&whole), Packing::Gzip, 8),
        (zstd(&whole), Packing::Zstd, 1),
    ] {
        let at = packed.len() - last;
        packed[at] ^= 1;
        let (out, error) = unpacked(packed, packing);
        assert!(out == whole, "{packing:?}");
        let error = error.unwrap().to_string();
        assert!(error.contains("checksum"), "{error}");
    }
}

#[test]
fn a_window_beyond_the_limit_is_refused() {
    // No content size, a window of 2^(10+21) bytes, and an empty last block.
    let frame = [0x28, 0xb5, 0x2f, 0xfd, 0, 21 << 3, 1, 0, 0];
    let (_, error) = unpacked(frame.to_vec(), Packing::Zstd);
    assert_eq!(error.unwrap().kind(), io::ErrorKind::Unsupported);
    let mut least = frame;
    least[5] = 17 << 3;
    assert!(unpacked(least.to_vec(), Packing::Zstd).1.is_none());
}

proptest! {
    #[test]
    fn damaged_streams_end(
        seed in proptest::collection::vec(any::<u8>(), 0..2_000),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        repeat in 1_usize..40,
    ) {
        let whole = seed.repeat(repeat);
        for (mut packed, packing) in [(gzip(&whole), Packing::Gzip), (zstd(&whole), Packing::Zstd)] {
            for (at, byte) in &damage {
                let at = at.index(packed.len());
                packed[at] = *byte;
            }
            let (out, error) = unpacked(packed, packing);
            prop_assert!(!damage.is_empty() || (out == whole && error.is_none()));
        }
    }

    #[test]
    fn strange_bytes_end(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let head: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
        unpacked([&head[..], &bytes].concat(), Packing::Zstd);
        unpacked([&[0x1f, 0x8b, 8], &bytes[..]].concat(), Packing::Gzip);
    }
}
