//! Files through libpcap: the variants of pcap that nothing else here knows, and what tests compare the readers with.

use std::path::Path;

use pcap::{Capture, Offline, Precision};

use super::{Fault, Frames};
use crate::capture::error::words;
use crate::model::{Frame, LinkType, Timestamp};

/// A file that libpcap reads. Times are read as nanoseconds whatever the file has.
pub(super) struct Libpcap {
    capture: Capture<Offline>,
    link: LinkType,
}

impl Libpcap {
    pub(super) fn open(path: &Path) -> Result<Self, Fault> {
        let capture = Capture::from_file_with_precision(path, Precision::Nano)
            .map_err(|error| Fault::Damaged(words(&error)))?;
        Ok(Self {
            link: LinkType(capture.get_datalink().0),
            capture,
        })
    }
}

impl Frames for Libpcap {
    fn next(&mut self) -> Result<Option<Frame<'_>>, Fault> {
        match self.capture.next_packet() {
            Ok(packet) => Ok(Some(frame(&packet, self.link))),
            Err(pcap::Error::NoMorePackets) => Ok(None),
            Err(error) => Err(match words(&error) {
                why if why.contains("truncated") => Fault::CutOff,
                why => Fault::Damaged(why),
            }),
        }
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
