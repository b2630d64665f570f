//! Savefiles through libpcap: pcap in both byte orders with micro- or nanoseconds, and pcapng.
//!
//! libpcap stops at a pcapng whose interfaces differ in link type or snap length; that is reported, what was read
//! before is kept. Times are read as nanoseconds whatever the file has.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use pcap::{Capture, Offline, Precision};

use super::error::words;
use super::{CaptureError, FrameSource, Pumped, STDIN};
use crate::model::{Frame, LinkType, Timestamp};

/// An open savefile.
pub struct Savefile {
    name: String,
    capture: Capture<Offline>,
    link: LinkType,
    frames: u64,
}

/// Compressed formats by their first bytes, with the tool that unpacks each.
const COMPRESSED: [(&[u8], &str, &str); 5] = [
    (&[0x1f, 0x8b], "gzip", "gzip -dc"),
    (&[0x28, 0xb5, 0x2f, 0xfd], "zstd", "zstd -dc"),
    (&[0xfd, b'7', b'z', b'X', b'Z'], "xz", "xz -dc"),
    (b"BZh", "bzip2", "bzip2 -dc"),
    (&[0x04, 0x22, 0x4d, 0x18], "lz4", "lz4 -dc"),
];

/// First bytes of the savefile formats: pcap in micro- and nanoseconds and both byte orders, and pcapng.
const CAPTURE_MAGIC: [[u8; 4]; 5] = [
    [0xd4, 0xc3, 0xb2, 0xa1],
    [0xa1, 0xb2, 0xc3, 0xd4],
    [0x4d, 0x3c, 0xb2, 0xa1],
    [0xa1, 0xb2, 0x3c, 0x4d],
    [0x0a, 0x0d, 0x0d, 0x0a],
];

impl Savefile {
    /// Opens a file, or standard input for `-`.
    pub fn open(path: &Path) -> Result<Self, CaptureError> {
        let is_stdin = path.as_os_str() == STDIN;
        let name = if is_stdin {
            "standard input".to_owned()
        } else {
            path.display().to_string()
        };
        if !is_stdin {
            refuse_early(path, &name)?;
        }
        let capture =
            Capture::from_file_with_precision(path, Precision::Nano).map_err(|error| {
                let why = words(&error);
                // libpcap reads interface blocks of a pcapng until its first frame, so mixed ones may show on opening.
                if is_mixed(&why) {
                    CaptureError::MixedInterfaces {
                        source_name: name.clone(),
                        frames: 0,
                    }
                } else {
                    CaptureError::NotACapture {
                        source_name: name.clone(),
                        why,
                    }
                }
            })?;
        let link = LinkType(capture.get_datalink().0);
        Ok(Self {
            name,
            capture,
            link,
            frames: 0,
        })
    }

    /// Frames read so far.
    pub fn frames(&self) -> u64 {
        self.frames
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
}

impl FrameSource for Savefile {
    fn pump(
        &mut self,
        limit: usize,
        sink: &mut dyn FnMut(Frame<'_>),
    ) -> Result<Pumped, CaptureError> {
        for done in 0..limit {
            match self.capture.next_packet() {
                Ok(packet) => {
                    self.frames += 1;
                    sink(frame(&packet, self.link));
                }
                Err(pcap::Error::NoMorePackets) if done == 0 => return Ok(Pumped::End),
                Err(pcap::Error::NoMorePackets) => return Ok(Pumped::Frames(done)),
                Err(error) => {
                    let why = words(&error);
                    let (source_name, frames) = (self.name.clone(), self.frames);
                    return Err(if why.contains("truncated") {
                        CaptureError::CutOff {
                            source_name,
                            frames,
                        }
                    } else if is_mixed(&why) {
                        CaptureError::MixedInterfaces {
                            source_name,
                            frames,
                        }
                    } else {
                        CaptureError::Damaged {
                            source_name,
                            frames,
                            why,
                        }
                    });
                }
            }
        }
        Ok(Pumped::Frames(limit))
    }
}

/// A frame of a handle that was opened with nanosecond precision: `tv_usec` then holds nanoseconds.
fn frame<'a>(packet: &pcap::Packet<'a>, link: LinkType) -> Frame<'a> {
    let captured = u32::try_from(packet.data.len()).unwrap_or(u32::MAX);
    Frame {
        time: Timestamp::from_unix(packet.header.ts.tv_sec, packet.header.ts.tv_usec),
        link,
        bytes: packet.data,
        wire_len: packet.header.len.max(captured),
    }
}

/// libpcap's words for interfaces that differ ("an interface has a type 1 different from the type of the first …").
fn is_mixed(why: &str) -> bool {
    why.contains("different from the type of the first")
        || why.contains("different from the snapshot length of the first")
}

/// Says what libpcap would say less clearly. Only regular files: peeking at a pipe would eat its first bytes.
fn refuse_early(path: &Path, name: &str) -> Result<(), CaptureError> {
    let unreadable = |error: std::io::Error| CaptureError::Unreadable {
        source_name: name.to_owned(),
        why: plain(&error),
    };
    let meta = std::fs::metadata(path).map_err(unreadable)?;
    if !meta.is_file() {
        return Ok(());
    }
    if meta.len() == 0 {
        return Err(CaptureError::Empty {
            source_name: name.to_owned(),
        });
    }
    let head = head(path).map_err(unreadable)?;
    for (magic, method, tool) in COMPRESSED {
        if head.starts_with(magic) {
            return Err(CaptureError::Compressed {
                source_name: name.to_owned(),
                method,
                tool,
            });
        }
    }
    Ok(())
}

/// The system's words without "(os error 2)".
fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(end) => text[..end].to_lowercase(),
        None => text,
    }
}

fn head(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(8);
    File::open(path)?.take(8).read_to_end(&mut head)?;
    Ok(head)
}

/// Whether a file in a folder is meant: a capture, or a compressed one (which is then refused with a clear line).
pub(super) fn looks_like_capture(path: &Path) -> bool {
    let Ok(head) = head(path) else { return false };
    CAPTURE_MAGIC.iter().any(|magic| head.starts_with(magic))
        || COMPRESSED
            .iter()
            .any(|(magic, ..)| head.starts_with(magic) && name_says_capture(path))
}

fn name_says_capture(path: &Path) -> bool {
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .to_lowercase();
    name.contains(".pcap") || name.contains(".cap")
}
