//! pcap as a stream: from a file, a pipe, or unpacked.
//!
//! Format: <https://www.tcpdump.org/manpages/pcap-savefile.5.txt>. Both byte orders, micro- and nanoseconds, and the
//! "modified" format in little-endian; the two lengths of a frame in the order that old versions had.

use pcap_parser::parse_pcap_header;

use super::ahead::Ahead;
use super::interface::link_type;
use super::order::Order;
use super::{Fault, Frames};
use crate::model::{Frame, LinkType, Timestamp};

/// Longest frame that is believed, as in libpcap; a greater length is damage.
const MAX_FRAME: u32 = 256 * 1024;

const FILE_HEADER: usize = 24;
const FRAME_HEADER: usize = 16;
/// Interface index, protocol and packet type, which follow the usual frame header.
const MODIFIED_EXTRA: usize = 8;
/// Where the fields of a frame header stand.
const SECONDS: usize = 0;
const FRACTION: usize = 4;
const LENGTHS: [usize; 2] = [8, 12];
/// The link type's field also tells the length of a checksum behind each frame, in its upper bits.
const LINK_TYPE_BITS: i32 = 0x03ff_ffff;
const NANOS_PER_MICRO: i64 = 1_000;

/// A pcap stream.
pub(super) struct PcapStream {
    ahead: Ahead,
    order: Order,
    frame_header: usize,
    lengths: Lengths,
    nanos_per_tick: i64,
    snap: usize,
    link: LinkType,
    /// Bytes of the frame that was given out last.
    pending: usize,
}

/// Which of a frame's two lengths is which; it changed with version 2.3, in which tools did not agree.
#[derive(Clone, Copy, Debug)]
enum Lengths {
    CapturedFirst,
    WireFirst,
    GreaterOnWire,
}

/// The header of a frame.
#[derive(Clone, Copy, Debug)]
struct Header {
    seconds: u32,
    fraction: u32,
    captured: u32,
    wire: u32,
}

impl PcapStream {
    pub(super) fn open(mut ahead: Ahead) -> Result<Self, Fault> {
        let head = ahead.fill(FILE_HEADER)?;
        if head.len() < FILE_HEADER {
            return Err(Fault::CutOff);
        }
        let (_, header) = parse_pcap_header(head)
            .map_err(|_| Fault::Damaged("unknown variant of pcap".to_owned()))?;
        let lengths = match (header.version_major, header.version_minor) {
            (2, 0..=2) | (543, _) => Lengths::WireFirst,
            (2, 3) => Lengths::GreaterOnWire,
            (2, _) => Lengths::CapturedFirst,
            (major, minor) => {
                return Err(Fault::Damaged(format!("pcap of version {major}.{minor}")));
            }
        };
        let snap = match header.snaplen {
            0 => MAX_FRAME,
            told => told.min(MAX_FRAME),
        };
        ahead.pass(FILE_HEADER);
        Ok(Self {
            ahead,
            order: if header.is_bigendian() {
                Order::Big
            } else {
                Order::Little
            },
            frame_header: if header.is_modified_format() {
                FRAME_HEADER + MODIFIED_EXTRA
            } else {
                FRAME_HEADER
            },
            lengths,
            nanos_per_tick: if header.is_nanosecond_precision() {
                1
            } else {
                NANOS_PER_MICRO
            },
            snap: snap as usize,
            link: link_type(header.network.0 & LINK_TYPE_BITS),
            pending: 0,
        })
    }

    /// Makes the next frame lie ahead in whole; `None` at the end.
    fn advance(&mut self) -> Result<Option<Header>, Fault> {
        self.ahead.pass(std::mem::take(&mut self.pending));
        let head = self.ahead.fill(self.frame_header)?;
        if head.is_empty() {
            return Ok(None);
        }
        if head.len() < self.frame_header {
            return Err(Fault::CutOff);
        }
        let header = Header::read(head, self.order, self.lengths).ok_or(Fault::CutOff)?;
        if header.captured > MAX_FRAME {
            return Err(Fault::Damaged(format!(
                "a frame of {} bytes, where {MAX_FRAME} are the most",
                header.captured
            )));
        }
        let len = self.frame_header + header.captured as usize;
        if self.ahead.fill(len)?.len() < len {
            return Err(Fault::CutOff);
        }
        self.pending = len;
        Ok(Some(header))
    }
}

impl Header {
    fn read(bytes: &[u8], order: Order, lengths: Lengths) -> Option<Self> {
        let field = |at| order.u32_at(bytes, at);
        let [first, second] = [field(LENGTHS[0])?, field(LENGTHS[1])?];
        let (captured, wire) = match lengths {
            Lengths::CapturedFirst => (first, second),
            Lengths::WireFirst => (second, first),
            Lengths::GreaterOnWire => (first.min(second), first.max(second)),
        };
        Some(Self {
            seconds: field(SECONDS)?,
            fraction: field(FRACTION)?,
            captured,
            wire,
        })
    }
}

impl Frames for PcapStream {
    fn next(&mut self) -> Result<Option<Frame<'_>>, Fault> {
        let Some(header) = self.advance()? else {
            return Ok(None);
        };
        let data = &self.ahead.ahead()[self.frame_header..self.pending];
        let bytes = &data[..data.len().min(self.snap)];
        Ok(Some(Frame {
            time: Timestamp::from_unix(
                i64::from(header.seconds),
                i64::from(header.fraction) * self.nanos_per_tick,
            ),
            link: self.link,
            bytes,
            wire_len: header.wire.max(bytes.len() as u32),
        }))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A file in little-endian with these words for each frame's header, then three bytes.
    fn file(magic: u32, version: [u16; 2], header: &[u32]) -> Vec<u8> {
        let mut file = magic.to_le_bytes().to_vec();
        file.extend(version.iter().flat_map(|number| number.to_le_bytes()));
        for number in [0, 0, 65_535, 101].iter().chain(header) {
            file.extend(u32::to_le_bytes(*number));
        }
        file.extend([1, 2, 3]);
        file
    }

    /// Captured bytes and length on the wire of each frame.
    fn read(bytes: Vec<u8>) -> Result<Vec<(Vec<u8>, u32)>, Fault> {
        let mut stream = PcapStream::open(Ahead::new(Box::new(std::io::Cursor::new(bytes))))?;
        let mut frames = Vec::new();
        while let Some(frame) = stream.next()? {
            assert_eq!(frame.link, LinkType::RAW);
            frames.push((frame.bytes.to_vec(), frame.wire_len));
        }
        Ok(frames)
    }

    #[test]
    fn variants_agree() {
        let expected = Ok(vec![(vec![1, 2, 3], 9)]);
        for (magic, version, header) in [
            (0xa1b2_c3d4, [2, 4], &[1, 2, 3, 9][..]),
            (0xa1b2_c3d4, [2, 2], &[1, 2, 9, 3]),
            (0xa1b2_c3d4, [543, 0], &[1, 2, 9, 3]),
            (0xa1b2_c3d4, [2, 3], &[1, 2, 3, 9]),
            (0xa1b2_c3d4, [2, 3], &[1, 2, 9, 3]),
            (0xa1b2_cd34, [2, 4], &[1, 2, 3, 9, 0, 0]),
        ] {
            assert_eq!(read(file(magic, version, header)), expected, "{version:?}");
        }
        let later = read(file(0xa1b2_c3d4, [3, 0], &[1, 2, 3, 9]));
        assert!(matches!(later, Err(Fault::Damaged(_))));
    }

    /// As libpcap has it: the snap length cuts first, then a wire length that is less than what is left is raised to it.
    #[test]
    fn a_snap_length_cuts_what_is_longer() {
        let snapped = |header: &[u32]| {
            let mut file = file(0xa1b2_c3d4, [2, 4], header);
            file[16..20].copy_from_slice(&2_u32.to_le_bytes());
            read(file)
        };
        assert_eq!(snapped(&[1, 2, 3, 9]), Ok(vec![(vec![1, 2], 9)]));
        assert_eq!(snapped(&[1, 2, 3, 0]), Ok(vec![(vec![1, 2], 2)]));
    }

    #[test]
    fn a_length_beyond_belief_is_damage() {
        let lie = read(file(0xa1b2_c3d4, [2, 4], &[1, 2, MAX_FRAME + 1, 9]));
        assert!(matches!(lie, Err(Fault::Damaged(_))));
        let cut = read(file(0xa1b2_c3d4, [2, 4], &[1, 2, 4, 9]));
        assert_eq!(cut, Err(Fault::CutOff));
    }

    proptest! {
        #[test]
        fn strange_bytes_end(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read([file(0xa1b2_c3d4, [2, 4], &[1, 2, 3, 9]), bytes].concat());
        }
    }
}
