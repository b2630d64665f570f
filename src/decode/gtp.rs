//! GTP-U version 1: packets of mobile subscribers (3GPP TS 29.281). `None`: not GTP-U, or no subscriber's packet.
//!
//! Only IP is taken for a subscriber's packet; sessions of Ethernet frames do not announce themselves.

use super::cursor::{Cursor, Layer};

/// Extension headers read in one packet. Four kinds are defined; eight leave room, and bound the work.
pub const MAX_EXTENSIONS: usize = 8;

const BASE_LEN: usize = 8;
/// Sequence number, N-PDU number and type of the first extension: all there if one of their flags is set.
const OPTIONAL_LEN: usize = 4;
const HAS_OPTIONAL: u8 = 0x07;
const HAS_EXTENSION: u8 = 0x04;
/// Version, protocol type (GTP, not GTP') and one reserved bit.
const FIXED: u8 = 0xf8;
const VERSION_1: u8 = 0x30;
/// The message is a subscriber's packet.
const G_PDU: u8 = 255;

/// The subscriber's packet.
pub(super) fn packet(at: Cursor<'_>) -> Option<Layer<'_>> {
    let flags = at.u8(0).ok()?;
    let len = u32::from(at.u16(2).ok()?);
    let mut inner = at.skip(BASE_LEN).ok()?;
    if flags & FIXED != VERSION_1 || at.u8(1).ok()? != G_PDU || len > inner.wire_len {
        return None;
    }
    inner = inner.limit(len);
    if flags & HAS_OPTIONAL != 0 {
        let mut next = match flags & HAS_EXTENSION {
            0 => 0,
            _ => inner.u8(OPTIONAL_LEN - 1).ok()?,
        };
        inner = inner.skip(OPTIONAL_LEN).ok()?;
        for _ in 0..MAX_EXTENSIONS {
            if next == 0 {
                break;
            }
            // Its length in words of four bytes stands first, the type of the next one last.
            let len = usize::from(inner.u8(0).ok()?) * 4;
            next = inner.u8(len.checked_sub(1)?).ok()?;
            inner = inner.skip(len).ok()?;
        }
        if next != 0 {
            return None;
        }
    }
    Some(Layer::Ip(inner))
}
