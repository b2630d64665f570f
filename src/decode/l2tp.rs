//! L2TP: version 2 over UDP with PPP inside (RFC 2661), version 3 over IP or UDP with Ethernet inside (RFC 3931, 4719).
//! `None`: not L2TP, a control message, or nothing that is read.

use super::cursor::{Cursor, Layer};
use super::{ip, link};

const CONTROL: u16 = 0x8000;
const LENGTH: u16 = 0x4000;
const SEQUENCE: u16 = 0x0800;
const OFFSET: u16 = 0x0200;
/// Bits that version 2 leaves at zero.
const RESERVED: u16 = 0x34f0;
const VERSION: u16 = 0x000f;

const SESSION_LEN: usize = 4;
/// Before the session of version 3 over UDP: flags, version and two reserved bytes.
const V3_OVER_UDP_LEN: usize = 4;
/// Lengths of a cookie (0, 4, 8) and of a sublayer (0, 4) together, as the ends have agreed before.
const BEFORE_FRAME: [usize; 4] = [0, 4, 8, 12];

/// The content of a datagram.
pub(super) fn over_udp(at: Cursor<'_>) -> Option<Layer<'_>> {
    let flags = at.u16(0).ok()?;
    match flags & VERSION {
        _ if flags & CONTROL != 0 => None,
        2 if flags & RESERVED == 0 => v2(flags, at),
        3 => over_ip(at.skip(V3_OVER_UDP_LEN).ok()?),
        _ => None,
    }
}

/// Data of version 2: optional length, tunnel, session, optional sequence numbers, optional padding, PPP.
fn v2(flags: u16, mut at: Cursor<'_>) -> Option<Layer<'_>> {
    let mut header_len = 6;
    if flags & LENGTH != 0 {
        let len = u32::from(at.u16(2).ok()?);
        if len > at.wire_len {
            return None;
        }
        at = at.limit(len);
        header_len += 2;
    }
    if flags & SEQUENCE != 0 {
        header_len += 4;
    }
    if flags & OFFSET != 0 {
        let padding = usize::from(at.u16(header_len).ok()?);
        header_len += 2 + padding;
    }
    Some(Layer::Ppp(at.skip(header_len).ok()?))
}

/// Data of version 3: a session, then a cookie and a sublayer whose lengths nothing tells. The Ethernet frame is where
/// a sound IP header stands behind it.
pub(super) fn over_ip(at: Cursor<'_>) -> Option<Layer<'_>> {
    if at.u32(0).ok()? == 0 {
        return None; // a control message
    }
    BEFORE_FRAME.into_iter().find_map(|before| {
        let frame = at.skip(SESSION_LEN + before).ok()?;
        let inner = link::ip_in_ethernet(frame).ok()?;
        ip::is_sound(inner).then_some(Layer::Ip(inner))
    })
}
