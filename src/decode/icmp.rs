//! ICMP "destination unreachable" (RFC 792, RFC 4443): who could not be reached, from the quoted packet; and which messages
//! are neighbour discovery.
//!
//! The quoted packet is not traffic: nothing in it is ever read but addresses and ports. It must have been sent by
//! whom the error is sent to; otherwise nobody asked for this error, and it says nothing. Other errors ("too big",
//! "time exceeded") tell of a path, not of a refusal.

use super::cursor::Cursor;
use super::ip::Ip;
use crate::model::{Endpoint, Protocol, Refusal, Unreachable};

const ICMP: u8 = 1;
const ICMPV6: u8 = 58;
/// Router solicitation, the first of four (RFC 4861, section 4): router advertisement, neighbour solicitation, neighbour
/// advertisement.
const DISCOVERY: std::ops::RangeInclusive<u8> = 133..=136;
const TCP: u8 = 6;
const UDP: u8 = 17;
/// Type, code, checksum, four unused bytes; then the quoted packet.
const HEADER_LEN: usize = 8;

/// The message, if it is one of neighbour discovery.
pub(super) fn discovery<'a>(ip: &Ip<'a>) -> Option<&'a [u8]> {
    let kind = ip.payload.u8(0).ok()?;
    (ip.protocol == ICMPV6 && DISCOVERY.contains(&kind)).then_some(ip.payload.bytes)
}

/// What an ICMP message says could not be reached, if it says so.
pub(super) fn unreachable(ip: &Ip<'_>) -> Option<Unreachable> {
    let at = ip.payload;
    let refusal = refusal(ip.protocol, at.u8(0).ok()?, at.u8(1).ok()?)?;
    let quoted = Ip::read(at.skip(HEADER_LEN).ok()?).ok()?;
    let protocol = match quoted.protocol {
        TCP => Protocol::Tcp,
        UDP => Protocol::Udp,
        _ => return None,
    };
    let has_ports = quoted.fragment.is_none_or(|(_, place)| place.offset == 0);
    if quoted.src != ip.dst || !has_ports {
        return None;
    }
    let ports: Cursor<'_> = quoted.payload;
    Some(Unreachable {
        protocol,
        src: Endpoint {
            addr: quoted.src,
            port: ports.u16(0).ok()?,
        },
        dst: Endpoint {
            addr: quoted.dst,
            port: ports.u16(2).ok()?,
        },
        refusal,
    })
}

/// Codes: <https://www.iana.org/assignments/icmp-parameters> and <https://www.iana.org/assignments/icmpv6-parameters>.
fn refusal(protocol: u8, kind: u8, code: u8) -> Option<Refusal> {
    match (protocol, kind, code) {
        (ICMP, 3, 0 | 6 | 11) | (ICMPV6, 1, 0) => Some(Refusal::Network),
        (ICMP, 3, 1 | 7 | 8 | 12) | (ICMPV6, 1, 2 | 3) => Some(Refusal::Host),
        (ICMP, 3, 2) => Some(Refusal::Protocol),
        (ICMP, 3, 3) | (ICMPV6, 1, 4) => Some(Refusal::Port),
        (ICMP, 3, 9 | 10 | 13) | (ICMPV6, 1, 1 | 5 | 6) => Some(Refusal::Prohibited),
        _ => None,
    }
}
