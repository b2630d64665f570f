//! Which tunnel an IP packet may hold.
//!
//! IP protocols are tunnels by their number. A UDP port is only a hint: the protocol's own structure has to hold, and
//! then there has to be a sound IP packet inside; otherwise the datagram is what it is.
//!
//! Not read: ESP, WireGuard, OpenVPN (encrypted), 802.11 in GRE, AYIYA.

use super::cursor::{Cursor, Layer};
use super::ip::Ip;
use super::{gre, gtp, l2tp, overlay, teredo};
use crate::model::{Datagram, Undecoded};

const IP_IN_IP: u8 = 4;
const IPV6_IN_IP: u8 = 41;
const GRE: u8 = 47;
const ETHERNET_IN_IP: u8 = 97;
const L2TP_V3: u8 = 115;
const MPLS_IN_IP: u8 = 137;

/// Version 3 and reserved bits before the frame (RFC 3378).
const ETHERNET_IN_IP_HEADER: u16 = 0x3000;

/// Who reads what comes to or from a port.
type Reader = for<'a> fn(Cursor<'a>) -> Option<Layer<'a>>;

fn reader(port: u16) -> Option<Reader> {
    match port {
        // Linux's default is 8472, older than the standard.
        4789 | 8472 => Some(overlay::vxlan),
        4790 => Some(overlay::vxlan_gpe),
        6081 => Some(overlay::geneve),
        6635 => Some(|at| Some(Layer::Mpls(at))),
        2152 => Some(gtp::packet),
        3544 => Some(teredo::packet),
        1701 => Some(l2tp::over_udp),
        _ => None,
    }
}

/// Whether what comes to or from a port may be a tunnel.
#[inline]
pub(super) fn may_be_on(port: u16) -> bool {
    reader(port).is_some()
}

/// What the payload of an IP packet holds, where its protocol number says that it is a tunnel.
pub(super) fn over_ip<'a>(ip: &Ip<'a>) -> Result<Option<Layer<'a>>, Undecoded> {
    let at = ip.payload;
    match ip.protocol {
        IP_IN_IP | IPV6_IN_IP => Ok(Some(Layer::Ip(at))),
        GRE => gre::payload(at),
        ETHERNET_IN_IP if at.u16(0)? == ETHERNET_IN_IP_HEADER => {
            Ok(Some(Layer::Ethernet(at.skip(2)?)))
        }
        MPLS_IN_IP => Ok(Some(Layer::Mpls(at))),
        L2TP_V3 => Ok(l2tp::over_ip(at)),
        _ => Ok(None),
    }
}

/// What a datagram may hold, by its ports. `inside` is its payload.
pub(super) fn over_udp<'a>(datagram: &Datagram<'_>, inside: Cursor<'a>) -> Option<Layer<'a>> {
    [datagram.dst.port, datagram.src.port]
        .into_iter()
        .find_map(|port| reader(port)?(inside))
}
