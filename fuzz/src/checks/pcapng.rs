//! A savefile of any form, read by its path as a file and as a pipe: both tell the same, in bounded memory.
//!
//! Only pcapng and packed captures are read by the same code in both cases; plain pcap is read by libpcap from a file and
//! by ourselves from a pipe, so there the frames that both read are compared.

use std::io::Write;
use std::os::fd::AsRawFd;
use std::path::Path;

use straggler::capture::{CaptureError, FrameSource, Pumped, Savefile};
use straggler::model::{LinkType, Timestamp};

/// What a pipe holds before somebody reads.
const PIPE: usize = 64 * 1024;
/// Frames looked at: a small packed file can hold very many.
const FRAMES: usize = 4096;
/// Longest block that is believed, so no frame is longer.
const MAX_FRAME: usize = 16 * 1024 * 1024;

type Read = (Vec<(Timestamp, LinkType, u32, u64)>, Option<CaptureError>);

/// Input: the savefile.
pub fn check(input: &[u8]) {
    let file = tempfile::NamedTempFile::new().expect("a file in the temporary folder");
    file.as_file().write_all(input).expect("room for the input");
    let (by_file, fault) = read(file.path(), input);
    if input.len() > PIPE {
        return;
    }
    let (reader, mut writer) = std::io::pipe().expect("a pipe");
    writer.write_all(input).expect("room in the pipe");
    drop(writer);
    let path = format!("/dev/fd/{}", reader.as_raw_fd());
    let (by_pipe, pipe_fault) = read(Path::new(&path), input);
    for (by_file, by_pipe) in by_file.iter().zip(&by_pipe) {
        assert_eq!(
            (by_file.1, by_file.2, by_file.3),
            (by_pipe.1, by_pipe.2, by_pipe.3)
        );
        // Where a damaged header has more microseconds than a second, libpcap reckons them in 32 bits.
        let apart = by_file.0.as_nanos().wrapping_sub(by_pipe.0.as_nanos());
        assert_eq!(apart % (1 << 32), 0, "{by_file:?}, {by_pipe:?}");
    }
    if is_read_alike(input) {
        assert_eq!(by_file.len(), by_pipe.len());
        assert_eq!(
            fault.is_some(),
            pipe_fault.is_some(),
            "{fault:?}, {pipe_fault:?}"
        );
    }
}

fn read(path: &Path, input: &[u8]) -> Read {
    let mut frames = Vec::new();
    let mut source = match Savefile::open(path) {
        Ok(source) => source,
        Err(fault) => return (frames, Some(told(fault))),
    };
    loop {
        let before = frames.len();
        let pumped = source.pump(64, &mut |frame| {
            assert!(frame.bytes.len() <= frame.wire_len as usize);
            assert!(frame.bytes.len() <= MAX_FRAME);
            let sum = frame.bytes.iter().fold(0_u64, |sum, &byte| {
                sum.wrapping_mul(31).wrapping_add(u64::from(byte))
            });
            frames.push((frame.time, frame.link, frame.wire_len, sum));
        });
        assert_eq!(source.frames(), frames.len() as u64);
        match pumped {
            Ok(Pumped::Frames(count)) => assert_eq!(before + count, frames.len()),
            Ok(Pumped::Idle) => panic!("a savefile has nothing to wait for"),
            Ok(Pumped::End) => {
                assert_eq!(before, frames.len());
                assert!(source.position() <= input.len() as u64);
                return (frames, None);
            }
            Err(fault) => return (frames, Some(told(fault))),
        }
        if frames.len() >= FRAMES {
            return (frames, None);
        }
    }
}

/// A fault says in one line what is wrong.
fn told(fault: CaptureError) -> CaptureError {
    let line = fault.to_string();
    assert!(!line.contains(char::is_control), "{line:?}");
    fault
}

/// Whether a file and a pipe are read by the same code: pcapng, gzip, zstd, and zstd behind frames to be skipped.
fn is_read_alike(input: &[u8]) -> bool {
    let heads: [&[u8]; 3] = [
        &[0x0a, 0x0d, 0x0d, 0x0a],
        &[0x1f, 0x8b],
        &[0x28, 0xb5, 0x2f, 0xfd],
    ];
    heads.iter().any(|head| input.starts_with(head))
        || input.get(1..4) == Some(&[0x2a, 0x4d, 0x18]) && input[0] >> 4 == 5
}
