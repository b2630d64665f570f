//! Overlay networks over UDP: VXLAN (RFC 7348), VXLAN-GPE (draft-ietf-nvo3-vxlan-gpe-13), Geneve (RFC 8926), and MPLS
//! over UDP (RFC 7510). `None`: not this protocol.

use super::cursor::{Cursor, Layer};
use super::link::{
    ETHERTYPE_BRIDGED, ETHERTYPE_IPV4, ETHERTYPE_IPV6, ETHERTYPE_MPLS, ETHERTYPE_MPLS_MULTICAST,
};

const VXLAN_LEN: usize = 8;
/// The network identifier is valid.
const VXLAN_IDENTIFIER: u8 = 0x08;
/// A group policy stands in the reserved bytes (draft-smith-vxlan-group-policy-05); switches set it.
const VXLAN_GROUP_POLICY: u8 = 0x80;
/// The last byte tells the protocol inside.
const VXLAN_NEXT_PROTOCOL: u8 = 0x04;
/// Last byte of the header: reserved.
const VXLAN_END: usize = 7;

const GENEVE_LEN: usize = 8;
const GENEVE_VERSION: u8 = 0xc0;
const GENEVE_OPTION_WORDS: u8 = 0x3f;
/// A message of the tunnel's ends to each other, no packet.
const GENEVE_CONTROL: u8 = 0x80;

/// VXLAN: an Ethernet frame behind eight bytes.
pub(super) fn vxlan(at: Cursor<'_>) -> Option<Layer<'_>> {
    let flags = at.u8(0).ok()? & !VXLAN_GROUP_POLICY;
    let reserved = at.u8(VXLAN_END).ok()?;
    let inner = at.skip(VXLAN_LEN).ok()?;
    (flags == VXLAN_IDENTIFIER && reserved == 0).then_some(Layer::Ethernet(inner))
}

/// VXLAN with the protocol inside told.
pub(super) fn vxlan_gpe(at: Cursor<'_>) -> Option<Layer<'_>> {
    if at.u8(0).ok()? & VXLAN_NEXT_PROTOCOL == 0 {
        return vxlan(at);
    }
    let inner = at.skip(VXLAN_LEN).ok()?;
    match at.u8(3).ok()? {
        1 | 2 => Some(Layer::Ip(inner)),
        3 => Some(Layer::Ethernet(inner)),
        5 => Some(Layer::Mpls(inner)),
        _ => None,
    }
}

/// Geneve: what its EtherType says behind a header with options.
pub(super) fn geneve(at: Cursor<'_>) -> Option<Layer<'_>> {
    let first = at.u8(0).ok()?;
    let flags = at.u8(1).ok()?;
    let reserved = at.u8(7).ok()?;
    if first & GENEVE_VERSION != 0 || flags & GENEVE_CONTROL != 0 || reserved != 0 {
        return None;
    }
    let options = usize::from(first & GENEVE_OPTION_WORDS) * 4;
    let inner = at.skip(GENEVE_LEN + options).ok()?;
    match at.u16(2).ok()? {
        ETHERTYPE_BRIDGED => Some(Layer::Ethernet(inner)),
        ETHERTYPE_IPV4 | ETHERTYPE_IPV6 => Some(Layer::Ip(inner)),
        ETHERTYPE_MPLS | ETHERTYPE_MPLS_MULTICAST => Some(Layer::Mpls(inner)),
        _ => None,
    }
}
