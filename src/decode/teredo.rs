//! Teredo: IPv6 over UDP through NATs (RFC 4380). `None`: not Teredo.

use super::cursor::{Cursor, Layer};

const AUTHENTICATION: u16 = 0x0001;
/// Behind the client identifier and the authentication value: eight bytes of nonce and one of confirmation.
const AUTHENTICATION_END: usize = 9;
const ORIGIN: u16 = 0x0000;
const ORIGIN_LEN: usize = 8;

const IPV6_LEN: u32 = 40;
const IPV6_SOURCE: usize = 8;
const IPV6_TARGET: usize = 24;
/// First half of Teredo's prefix 2001:0::/32.
const PREFIX: u32 = 0x2001_0000;
/// TCP, UDP, ICMPv6, a fragment, options for the target, nothing; and tunnels.
const USUAL: [u8; 11] = [6, 17, 58, 44, 60, 59, 4, 41, 47, 50, 51];

/// The IPv6 packet, behind an authentication and an origin header where those are.
///
/// Nothing marks such a datagram. It is believed where one of the addresses is Teredo's, or where the packet fills
/// the datagram exactly and carries what packets usually carry.
pub(super) fn packet(at: Cursor<'_>) -> Option<Layer<'_>> {
    let mut at = at;
    if at.u16(0).ok()? == AUTHENTICATION {
        let variable = usize::from(at.u8(2).ok()?) + usize::from(at.u8(3).ok()?);
        at = at.skip(4 + variable + AUTHENTICATION_END).ok()?;
    }
    if at.u16(0).ok()? == ORIGIN {
        at = at.skip(ORIGIN_LEN).ok()?;
    }
    let is_v6 = at.u8(0).ok()? >> 4 == 6;
    let is_teredo = at.u32(IPV6_SOURCE).ok()? == PREFIX || at.u32(IPV6_TARGET).ok()? == PREFIX;
    let fills = IPV6_LEN + u32::from(at.u16(4).ok()?) == at.wire_len;
    let is_usual = USUAL.contains(&at.u8(6).ok()?);
    (is_v6 && (is_teredo || fills && is_usual)).then_some(Layer::Ip(at))
}
