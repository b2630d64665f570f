//! PPP (RFC 1661, 1662) and PPP over Ethernet (RFC 2516).
//!
//! Not read: compressed or encrypted payloads, multilink, bridging. They count as [`Undecoded::EtherType`].

use super::cursor::{Cursor, Layer};
use crate::model::Undecoded;

const HDLC: [u8; 2] = [0xff, 0x03];
const IPV4: u16 = 0x0021;
const IPV6: u16 = 0x0057;
const MPLS: u16 = 0x0281;
const MPLS_MULTICAST: u16 = 0x0283;
/// Control protocols of the link itself begin here (RFC 1661, section 2).
const CONTROL_MIN: u16 = 0x8000;

const PPPOE_LEN: usize = 6;
/// Version 1, type 1, and code 0 for a session's data.
const PPPOE_SESSION_DATA: u16 = 0x1100;
const PPPOE_PAYLOAD_LEN: usize = 4;

/// PPP with or without the HDLC address and control bytes, the protocol field in one byte or two (RFC 1661, section 6.5).
pub(super) fn payload(mut at: Cursor<'_>) -> Result<Layer<'_>, Undecoded> {
    if at.bytes.starts_with(&HDLC) {
        at = at.skip(HDLC.len())?;
    }
    let first = at.u8(0)?;
    // The low bit of the first byte is set only where the field is compressed to one byte.
    let (protocol, at) = if first & 1 == 1 {
        (u16::from(first), at.skip(1)?)
    } else {
        (at.u16(0)?, at.skip(2)?)
    };
    match protocol {
        IPV4 | IPV6 => Ok(Layer::Ip(at)),
        MPLS | MPLS_MULTICAST => Ok(Layer::Mpls(at)),
        control if control >= CONTROL_MIN => Err(Undecoded::LinkControl),
        _ => Err(Undecoded::EtherType),
    }
}

/// The PPP frame in a PPPoE session. A length beyond the frame counts as the frame's.
pub(super) fn over_ethernet(at: Cursor<'_>) -> Result<Layer<'_>, Undecoded> {
    if at.u16(0)? != PPPOE_SESSION_DATA {
        return Err(Undecoded::Pppoe);
    }
    let len = at.u16(PPPOE_PAYLOAD_LEN)?;
    Ok(Layer::Ppp(at.skip(PPPOE_LEN)?.limit(u32::from(len))))
}
