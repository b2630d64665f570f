//! MPLS label stacks (RFC 3032) with IP or an Ethernet pseudowire (RFC 4448) behind them.
//!
//! Nothing in a stack says what follows it. The first nibble tells IPv4 and IPv6 (RFC 4928), and an Ethernet
//! pseudowire with a control word begins with a nibble of 0 (RFC 4385); but a pseudowire without one begins with a MAC
//! address, which may have any nibble. So whatever has a sound IP header at its place is taken, IP first.

use super::cursor::Cursor;
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
    let version = at.u8(0)? >> 4;
    let looks_like_ip = matches!(version, 4 | 6);
    if looks_like_ip && ip::is_sound(at) {
        return Ok(at);
    }
    let worded = if version == 0 { CONTROL_WORD_LEN } else { 0 };
    for control_word in [worded, 0] {
        let frame = at.skip(control_word)?;
        if let Ok(inner) = link::ip_in_ethernet(frame)
            && ip::is_sound(inner)
        {
            return Ok(inner);
        }
    }
    // What begins like IP and is nothing else is a damaged or cut packet, and the IP header says in what way.
    if looks_like_ip {
        Ok(at)
    } else {
        Err(Undecoded::Mpls)
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
