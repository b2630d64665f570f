//! GRE (RFC 2784, 2890), its variant for PPTP (RFC 2637), and mirrored frames in it (ERSPAN I, II, III).
//!
//! Not read: source routes (RFC 1701), 802.11 frames. ERSPAN: draft-foschiano-erspan-03; redirected packets:
//! draft-wilson-wrec-wccp-v2-01.

use super::cursor::{Cursor, Layer};
use super::link::{
    ETHERTYPE_BRIDGED, ETHERTYPE_IPV4, ETHERTYPE_IPV6, ETHERTYPE_MPLS, ETHERTYPE_MPLS_MULTICAST,
};
use crate::model::Undecoded;

const CHECKSUM: u16 = 0x8000;
const ROUTING: u16 = 0x4000;
const KEY: u16 = 0x2000;
const SEQUENCE: u16 = 0x1000;
const ACKNOWLEDGEMENT: u16 = 0x0080;
const VERSION: u16 = 0x0007;
const BASE_LEN: usize = 4;
/// Each optional field, the checksum with the two bytes beside it.
const FIELD_LEN: usize = 4;

const PPP: u16 = 0x880b;
const ERSPAN: u16 = 0x88be;
const ERSPAN_III: u16 = 0x22eb;
const REDIRECTED: u16 = 0x883e;
const REDIRECT_LEN: usize = 4;

const ERSPAN_II_LEN: usize = 8;
const ERSPAN_III_LEN: usize = 12;
/// The byte with the frame type in its bits 2 to 6, and the one with the platform flag in its lowest bit.
const ERSPAN_III_TYPE: usize = 10;
const ERSPAN_III_FLAGS: usize = 11;
const ERSPAN_III_PLATFORM_LEN: usize = 8;
const ERSPAN_III_ETHERNET: u8 = 0;
const ERSPAN_III_IP: u8 = 2;

/// What a GRE packet carries. `None` for one that only acknowledges others.
pub(super) fn payload(at: Cursor<'_>) -> Result<Option<Layer<'_>>, Undecoded> {
    let flags = at.u16(0)?;
    let protocol = at.u16(2)?;
    match flags & VERSION {
        0 if flags & ROUTING == 0 => {
            let at = at.skip(BASE_LEN + fields(flags, CHECKSUM | KEY | SEQUENCE))?;
            plain(protocol, flags, at).map(Some)
        }
        1 if protocol == PPP && flags & KEY != 0 => {
            let len = at.u16(BASE_LEN)?;
            if flags & SEQUENCE == 0 {
                return Ok(None);
            }
            let at = at.skip(BASE_LEN + fields(flags, KEY | SEQUENCE | ACKNOWLEDGEMENT))?;
            Ok(Some(Layer::Ppp(at.limit(u32::from(len)))))
        }
        _ => Err(Undecoded::Tunnel),
    }
}

/// Bytes that the optional fields take.
fn fields(flags: u16, possible: u16) -> usize {
    FIELD_LEN * (flags & possible).count_ones() as usize
}

fn plain(protocol: u16, flags: u16, at: Cursor<'_>) -> Result<Layer<'_>, Undecoded> {
    match protocol {
        ETHERTYPE_IPV4 | ETHERTYPE_IPV6 => Ok(Layer::Ip(at)),
        ETHERTYPE_BRIDGED => Ok(Layer::Ethernet(at)),
        ETHERTYPE_MPLS | ETHERTYPE_MPLS_MULTICAST => Ok(Layer::Mpls(at)),
        PPP => Ok(Layer::Ppp(at)),
        // Type I has no header of its own, and no sequence number either, which type II always has.
        ERSPAN if flags & SEQUENCE == 0 => Ok(Layer::Ethernet(at)),
        ERSPAN if at.u8(0)? >> 4 == 1 => Ok(Layer::Ethernet(at.skip(ERSPAN_II_LEN)?)),
        ERSPAN_III if at.u8(0)? >> 4 == 2 => mirrored(at),
        // A redirect header before the packet is the newer form.
        REDIRECTED if at.u8(0)? >> 4 == 4 => Ok(Layer::Ip(at)),
        REDIRECTED => Ok(Layer::Ip(at.skip(REDIRECT_LEN)?)),
        _ => Err(Undecoded::Tunnel),
    }
}

fn mirrored(at: Cursor<'_>) -> Result<Layer<'_>, Undecoded> {
    let platform = match at.u8(ERSPAN_III_FLAGS)? & 1 {
        1 => ERSPAN_III_PLATFORM_LEN,
        _ => 0,
    };
    let inner = at.skip(ERSPAN_III_LEN + platform)?;
    match (at.u8(ERSPAN_III_TYPE)? >> 2) & 0x1f {
        ERSPAN_III_ETHERNET => Ok(Layer::Ethernet(inner)),
        ERSPAN_III_IP => Ok(Layer::Ip(inner)),
        _ => Err(Undecoded::Tunnel),
    }
}
