//! Opening a savefile: what it is, who reads it, and a clear line where nobody can.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::ahead::{Ahead, Source};
use super::beside::Beside;
use super::libpcap::Libpcap;
use super::magic::{self, Kind};
use super::pcap_stream::PcapStream;
use super::pcapng::Pcapng;
use super::unpack::unpack;
use super::{Fault, Frames, Savefile};
use crate::capture::{CaptureError, STDIN};

/// How standard input is called in messages.
const STDIN_NAME: &str = "standard input";

impl Savefile {
    /// Opens a file, or standard input for `-`.
    pub fn open(path: &Path) -> Result<Self, CaptureError> {
        let is_stdin = path.as_os_str() == STDIN;
        let name = if is_stdin {
            STDIN_NAME.to_owned()
        } else {
            path.display().to_string()
        };
        let unreadable = |error: io::Error| CaptureError::Unreadable {
            source_name: name.clone(),
            why: plain(&error),
        };
        let source: Source = if is_stdin {
            Box::new(io::stdin())
        } else {
            Box::new(File::open(path).map_err(unreadable)?)
        };
        let read = Arc::new(AtomicU64::new(0));
        let mut ahead = Ahead::new(Box::new(Counted {
            source,
            read: Arc::clone(&read),
        }));
        let kind = Kind::of(ahead.fill(magic::LEN).map_err(unreadable)?);
        // libpcap knows a few variants more than are told by first bytes, and words for what is no capture.
        let by_libpcap = kind == Kind::Unknown && !is_stdin && path.is_file();
        let reader = if by_libpcap {
            Libpcap::open(path)
                .map(|reader| -> Box<dyn Frames + Send> { Box::new(reader) })
                .map_err(|fault| at_opening(fault, &name))
        } else {
            stream(ahead, kind, &name)
        };
        Ok(Self {
            reader: reader?,
            frames: 0,
            frame_bytes: 0,
            file_bytes: (!by_libpcap).then_some(read),
            name,
        })
    }
}

/// The reader of a stream of this kind.
fn stream(ahead: Ahead, kind: Kind, name: &str) -> Result<Box<dyn Frames + Send>, CaptureError> {
    let not_a_capture = |why: String| CaptureError::NotACapture {
        source_name: name.to_owned(),
        why,
    };
    match kind {
        Kind::Pcap | Kind::Pcapng => capture(ahead, kind).map_err(|fault| at_opening(fault, name)),
        Kind::Packed(packing) => {
            let beside = Beside::new(unpack(ahead, packing));
            let beside = beside.map_err(|error| at_opening(error.into(), name))?;
            let mut unpacked = Ahead::new(Box::new(beside));
            let head = unpacked.fill(magic::LEN);
            let kind = Kind::of(head.map_err(|error| at_opening(error.into(), name))?);
            if !kind.is_capture() {
                let packing = packing.name();
                return Err(not_a_capture(match kind {
                    Kind::Empty => format!("{packing} that unpacks to nothing"),
                    _ => format!("{packing} that unpacks to something else"),
                }));
            }
            capture(unpacked, kind).map_err(|fault| at_opening(fault, name))
        }
        Kind::Foreign(method, tool) => Err(compressed(name.to_owned(), method, tool)),
        Kind::Empty => Err(CaptureError::Empty {
            source_name: name.to_owned(),
        }),
        Kind::Unknown => Err(not_a_capture("unknown file format".to_owned())),
    }
}

fn capture(ahead: Ahead, kind: Kind) -> Result<Box<dyn Frames + Send>, Fault> {
    Ok(match kind {
        Kind::Pcapng => Box::new(Pcapng::open(ahead)?),
        _ => Box::new(PcapStream::open(ahead)?),
    })
}

/// A fault before the first frame can be looked for.
fn at_opening(fault: Fault, name: &str) -> CaptureError {
    let source_name = name.to_owned();
    let why = match fault {
        Fault::WideWindow => return wide_window(source_name),
        Fault::CutOff => "it ends within its header".to_owned(),
        Fault::Damaged(why) => why,
    };
    CaptureError::NotACapture { source_name, why }
}

/// What to do about a zstd stream that looks back farther than is allowed.
pub(super) fn wide_window(source_name: String) -> CaptureError {
    compressed(
        source_name,
        "zstd and a window above 128 MiB",
        "zstd -dc --long=31",
    )
}

fn compressed(source_name: String, method: &'static str, tool: &str) -> CaptureError {
    let pipe = if source_name == STDIN_NAME {
        format!("… | {tool} | straggler replay -")
    } else {
        format!("{tool} {source_name} | straggler replay -")
    };
    CaptureError::Compressed {
        source_name,
        method,
        pipe,
    }
}

/// The system's words without "(os error 2)".
pub(super) fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(end) => text[..end].to_lowercase(),
        None => text,
    }
}

/// Whether a file in a folder is meant: a capture, also a packed one, or one that is packed in a way that is not read
/// and called a capture by its name (which is then refused with a clear line).
pub(in crate::capture) fn looks_like_capture(path: &Path) -> bool {
    let Ok(file) = File::open(path) else {
        return false;
    };
    let mut ahead = Ahead::new(Box::new(file));
    let Ok(head) = ahead.fill(magic::LEN) else {
        return false;
    };
    match Kind::of(head) {
        Kind::Pcap | Kind::Pcapng => true,
        Kind::Packed(packing) => {
            let mut unpacked = Ahead::new(unpack(ahead, packing));
            let head = unpacked.fill(magic::LEN);
            head.is_ok_and(|head| Kind::of(head).is_capture()) || name_says_capture(path)
        }
        Kind::Foreign(..) => name_says_capture(path),
        Kind::Empty | Kind::Unknown => false,
    }
}

fn name_says_capture(path: &Path) -> bool {
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .to_lowercase();
    name.contains(".pcap") || name.contains(".cap")
}

/// Counts what is read.
struct Counted {
    source: Source,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(to)?;
        self.read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}
