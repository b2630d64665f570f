//! pcap as a stream, for what libpcap cannot be given: pipes whose first bytes were looked at, and unpacked bytes.
//!
//! Format: <https://www.tcpdump.org/manpages/pcap-savefile.5.txt>. Both byte orders, micro- and nanoseconds, and the
//! "modified" format in little-endian. Not handled: files of version 2.2 and older, which no tool has written since 1995.

use pcap_parser::{LegacyPcapBlock, parse_pcap_frame, parse_pcap_frame_be, parse_pcap_header};

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
/// Where the captured length stands in a frame header.
const CAPTURED_LEN: usize = 8;
/// The link type's field also tells the length of a checksum behind each frame, in its upper bits.
const LINK_TYPE_BITS: i32 = 0x03ff_ffff;
const NANOS_PER_MICRO: i64 = 1_000;

/// A pcap stream.
pub(super) struct PcapStream {
    ahead: Ahead,
    order: Order,
    frame_header: usize,
    nanos_per_tick: i64,
    snap: usize,
    link: LinkType,
    /// Bytes of the frame that was given out last.
    pending: usize,
}

impl PcapStream {
    pub(super) fn open(mut ahead: Ahead) -> Result<Self, Fault> {
        let head = ahead.fill(FILE_HEADER)?;
        if head.len() < FILE_HEADER {
            return Err(Fault::CutOff);
        }
        let (_, header) = parse_pcap_header(head)
            .map_err(|_| Fault::Damaged("unknown variant of pcap".to_owned()))?;
        if (header.version_major, header.version_minor) < (2, 3) || header.version_major > 2 {
            let (major, minor) = (header.version_major, header.version_minor);
            return Err(Fault::Damaged(format!("pcap of version {major}.{minor}")));
        }
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

    /// Makes the next frame lie ahead in whole and gives the length of its data; `None` at the end.
    fn advance(&mut self) -> Result<Option<usize>, Fault> {
        self.ahead.pass(std::mem::take(&mut self.pending));
        let head = self.ahead.fill(self.frame_header)?;
        if head.is_empty() {
            return Ok(None);
        }
        let captured = match self.order.u32_at(head, CAPTURED_LEN) {
            Some(captured) if head.len() >= self.frame_header => captured,
            _ => return Err(Fault::CutOff),
        };
        if captured > MAX_FRAME {
            return Err(Fault::Damaged(format!(
                "a frame of {captured} bytes, where {MAX_FRAME} are the most"
            )));
        }
        let len = self.frame_header + captured as usize;
        if self.ahead.fill(len)?.len() < len {
            return Err(Fault::CutOff);
        }
        self.pending = len;
        Ok(Some(captured as usize))
    }
}

impl Frames for PcapStream {
    fn next(&mut self) -> Result<Option<Frame<'_>>, Fault> {
        let Some(captured) = self.advance()? else {
            return Ok(None);
        };
        let record = &self.ahead.ahead()[..self.pending];
        // The header of the modified format is longer: its data are taken by their place, not by the parser.
        let bytes = &record[self.frame_header..];
        let bytes = &bytes[..captured.min(self.snap)];
        let parsed = match self.order {
            Order::Little => parse_pcap_frame(record),
            Order::Big => parse_pcap_frame_be(record),
        };
        let Ok((
            _,
            LegacyPcapBlock {
                ts_sec,
                ts_usec,
                origlen,
                ..
            },
        )) = parsed
        else {
            return Err(Fault::Damaged("a frame's header cannot be read".to_owned()));
        };
        Ok(Some(Frame {
            time: Timestamp::from_unix(i64::from(ts_sec), i64::from(ts_usec) * self.nanos_per_tick),
            link: self.link,
            bytes,
            wire_len: origlen.max(captured as u32),
        }))
    }
}
