//! Frames of Google's T050 and T051: packets as in a draft of QUIC, but frames of Google's own kind.
//!
//! No RFC; the layout is that of the frames of Chromium's QUIC versions 46 to 50, checked on captures.

use super::frames::Frame;
use crate::dissect::{Reader, Short};

const CONNECTION_CLOSE: u8 = 0x02;
const PING: u8 = 0x07;
const CRYPTO: u8 = 0x08;
/// An acknowledgement has `01nullmm`: whether there are several blocks, and how long its numbers are.
const ACK: u8 = 0x40;
const ACK_MASK: u8 = 0xc0;
const ACK_BLOCKS: u8 = 0x20;

/// Reads a frame that is no padding.
pub(super) fn next<'a>(reader: &mut Reader<'a>) -> Result<Frame<'a>, Short> {
    match reader.u8()? {
        PING => Ok(Frame::Other),
        CRYPTO => Frame::crypto(reader),
        CONNECTION_CLOSE => {
            reader.take(4)?; // error code
            reader.vec16()?; // reason
            Ok(Frame::Close)
        }
        kind if kind & ACK_MASK == ACK => {
            acknowledgement(reader, kind)?;
            Ok(Frame::Other)
        }
        _ => Err(Short),
    }
}

fn acknowledgement(reader: &mut Reader<'_>, kind: u8) -> Result<(), Short> {
    let len = |code: u8| [1, 2, 4, 6][usize::from(code & 3)];
    let block_len = len(kind);
    reader.take(len(kind >> 2))?; // largest
    reader.take(2)?; // delay
    let blocks = if kind & ACK_BLOCKS == 0 {
        0
    } else {
        usize::from(reader.u8()?)
    };
    reader.take(block_len + blocks * (1 + block_len))?; // blocks with the gaps before them
    match usize::from(reader.u8()?) {
        0 => {}
        times => {
            reader.take(5 + (times - 1) * 3)?; // arrival times: the first in 4 bytes, others in 2
        }
    }
    Ok(())
}
