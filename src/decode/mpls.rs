//! MPLS label stacks (RFC 3032) with IP or an Ethernet pseudowire (RFC 4448) behind them.
//!
//! Nothing in a stack says what follows it. The first nibble tells IPv4 and IPv6 (RFC 4928), and an Ethernet
//! pseudowire with a control word begins with a nibble of 0 (RFC 4385); but a pseudowire without one begins with a MAC
//! address, which may have any nibble. So a right IPv4 header is IPv4, then whatever has a sound IP header at the place
//! where an Ethernet frame has it is Ethernet, and then the first nibble counts.

use super::cursor::Cursor;
use super::ip::Ip;
use super::{ip, link};
use crate::model::Undecoded;

/// Labels read in one stack. Routers push up to a dozen (segment routing); sixteen leave room, and bound the work.
pub const MAX_LABELS: usize = 16;

const LABEL_LEN: usize = 4;
const BOTTOM_OF_STACK: u32 = 1 << 8;
const CONTROL_WORD_LEN: usize = 4;

/// Finds the IP header behind a label stack.
pub(super) fn ip_header(at: Cursor<'_>) -> Result<Cursor<'_>, Undecoded> {
    let at = below_labels(at)?;
    if ip::is_right_v4(at) {
        return Ok(at);
    }
    let version = at.u8(0)? >> 4;
    let worded = if version == 0 { CONTROL_WORD_LEN } else { 0 };
    for control_word in [worded, 0] {
        let Ok(inner) = at.skip(control_word).and_then(link::ip_in_ethernet) else {
            continue;
        };
        if ip::is_sound(inner) || ip::is_right_v4(inner) {
            return Ok(inner);
        }
        if matches!(Ip::read(inner), Err(Undecoded::Cut)) {
            return Err(Undecoded::Cut); // what follows could only be guessed at
        }
    }
    match version {
        4 | 6 => Ok(at),
        _ => Err(Undecoded::Mpls),
    }
}

fn below_labels(mut at: Cursor<'_>) -> Result<Cursor<'_>, Undecoded> {
    for _ in 0..MAX_LABELS {
        let label = at.u32(0)?;
        at = at.skip(LABEL_LEN)?;
        if label & BOTTOM_OF_STACK != 0 {
            return Ok(at);
        }
    }
    Err(Undecoded::MplsDepth)
}
