//! Link layers: from the first byte of a frame to its IP header.
//!
//! Header layouts: <https://www.tcpdump.org/linktypes.html>; VLAN tags: IEEE 802.1Q and 802.1ad; PPP: RFC 1661, 1662.

use super::Network;
use crate::model::{Frame, LinkType, Undecoded};

/// VLAN tags read in one frame. Providers stack two, three are seen in practice; eight leave room, and bound the work.
pub const MAX_VLAN_TAGS: usize = 8;

const ETHERTYPE_IPV4: u16 = 0x0800;
const ETHERTYPE_ARP: u16 = 0x0806;
const ETHERTYPE_RARP: u16 = 0x8035;
const ETHERTYPE_IPV6: u16 = 0x86dd;
const ETHERTYPE_MPLS: u16 = 0x8847;
const ETHERTYPE_MPLS_MULTICAST: u16 = 0x8848;
const ETHERTYPE_PPPOE_DISCOVERY: u16 = 0x8863;
const ETHERTYPE_PPPOE_SESSION: u16 = 0x8864;
const ETHERTYPE_EAPOL: u16 = 0x888e;
const ETHERTYPE_LLDP: u16 = 0x88cc;
const ETHERTYPE_SLOW_PROTOCOLS: u16 = 0x8809;
const ETHERTYPE_MACSEC: u16 = 0x88e5;
/// Below this the field is the length of an IEEE 802.3 frame (IEEE 802.3, clause 3.2.6).
const ETHERTYPE_MIN: u16 = 0x0600;

/// Customer, service, and the two older values that switches use for outer tags.
const VLAN_TAGS: [u16; 4] = [0x8100, 0x88a8, 0x9100, 0x9200];
const VLAN_TAG_LEN: usize = 4;

const MAC_PAIR_LEN: usize = 12;
const SLL_LEN: usize = 16;
const SLL_PROTOCOL: usize = 14;
const SLL2_LEN: usize = 20;
/// ARPHRD values whose protocol field is no EtherType.
const ARPHRD_NETLINK: u16 = 824;
const NULL_LEN: usize = 4;

const PPP_IPV4: u16 = 0x0021;
const PPP_IPV6: u16 = 0x0057;
const PPP_MPLS: u16 = 0x0281;
/// Control protocols of the link itself begin here (RFC 1661, section 2).
const PPP_CONTROL_MIN: u16 = 0x8000;

/// Finds the IP header of a frame.
pub(super) fn network_layer<'a>(frame: &Frame<'a>) -> Result<Network<'a>, Undecoded> {
    let at = Cursor {
        bytes: frame.bytes,
        wire_len: frame.wire_len,
    };
    match frame.link {
        LinkType::ETHERNET => ether_payload(at.skip(MAC_PAIR_LEN)?, 0),
        LinkType::LINUX_SLL => {
            refuse_netlink(at.u16(2)?)?;
            let protocol = at.u16(SLL_PROTOCOL)?;
            by_ethertype(protocol, at.skip(SLL_LEN)?, 0)
        }
        LinkType::LINUX_SLL2 => {
            refuse_netlink(at.u16(8)?)?;
            let protocol = at.u16(0)?;
            by_ethertype(protocol, at.skip(SLL2_LEN)?, 0)
        }
        LinkType::PPP | LinkType::PPP_SERIAL => ppp(at),
        LinkType::RAW
        | LinkType::RAW_OPENBSD
        | LinkType::RAW_FILE
        | LinkType::IPV4
        | LinkType::IPV6 => Ok(at.network()),
        // The address family's number differs between systems and its byte order between machines, but every family
        // that is not IP has no IP version in the next nibble: the IP header tells more reliably than the field.
        LinkType::NULL | LinkType::LOOP => Ok(at.skip(NULL_LEN)?.network()),
        _ => Err(Undecoded::LinkType),
    }
}

/// What follows the two addresses of an Ethernet frame: an EtherType or a VLAN tag.
fn ether_payload(at: Cursor<'_>, tags: usize) -> Result<Network<'_>, Undecoded> {
    let ethertype = at.u16(0)?;
    by_ethertype(ethertype, at.skip(2)?, tags)
}

/// Goes on behind an EtherType. Behind a VLAN tag's EtherType stand its two bytes of tag and the next EtherType.
fn by_ethertype(
    mut ethertype: u16,
    mut at: Cursor<'_>,
    mut tags: usize,
) -> Result<Network<'_>, Undecoded> {
    while VLAN_TAGS.contains(&ethertype) {
        tags += 1;
        if tags > MAX_VLAN_TAGS {
            return Err(Undecoded::VlanDepth);
        }
        ethertype = at.u16(2)?;
        at = at.skip(VLAN_TAG_LEN)?;
    }
    match ethertype {
        ETHERTYPE_IPV4 | ETHERTYPE_IPV6 => Ok(at.network()),
        ETHERTYPE_ARP | ETHERTYPE_RARP => Err(Undecoded::Arp),
        ETHERTYPE_MPLS | ETHERTYPE_MPLS_MULTICAST => Err(Undecoded::Mpls),
        ETHERTYPE_PPPOE_SESSION => Err(Undecoded::Pppoe),
        ETHERTYPE_MACSEC => Err(Undecoded::Macsec),
        ETHERTYPE_LLDP | ETHERTYPE_EAPOL | ETHERTYPE_SLOW_PROTOCOLS | ETHERTYPE_PPPOE_DISCOVERY => {
            Err(Undecoded::LinkControl)
        }
        length if length < ETHERTYPE_MIN => Err(Undecoded::LinkControl),
        _ => Err(Undecoded::EtherType),
    }
}

/// PPP with or without the HDLC address and control bytes, the protocol field in one byte or two (RFC 1661, section 6.5).
fn ppp(mut at: Cursor<'_>) -> Result<Network<'_>, Undecoded> {
    if at.bytes.starts_with(&[0xff, 0x03]) {
        at = at.skip(2)?;
    }
    let first = *at.bytes.first().ok_or(Undecoded::Cut)?;
    // The low bit of the first byte is set only where the field is compressed to one byte.
    let (protocol, at) = if first & 1 == 1 {
        (u16::from(first), at.skip(1)?)
    } else {
        (at.u16(0)?, at.skip(2)?)
    };
    match protocol {
        PPP_IPV4 | PPP_IPV6 => Ok(at.network()),
        PPP_MPLS => Err(Undecoded::Mpls),
        control if control >= PPP_CONTROL_MIN => Err(Undecoded::LinkControl),
        _ => Err(Undecoded::EtherType),
    }
}

fn refuse_netlink(arphrd: u16) -> Result<(), Undecoded> {
    if arphrd == ARPHRD_NETLINK {
        Err(Undecoded::LinkControl)
    } else {
        Ok(())
    }
}

/// The rest of a frame, captured and on the wire.
#[derive(Clone, Copy)]
struct Cursor<'a> {
    bytes: &'a [u8],
    wire_len: u32,
}

impl<'a> Cursor<'a> {
    fn skip(self, count: usize) -> Result<Self, Undecoded> {
        let bytes = self.bytes.get(count..).ok_or(Undecoded::Cut)?;
        let skipped = u32::try_from(count).map_err(|_| Undecoded::Cut)?;
        Ok(Self {
            bytes,
            wire_len: self.wire_len.saturating_sub(skipped),
        })
    }

    fn u16(self, at: usize) -> Result<u16, Undecoded> {
        match self.bytes.get(at..at + 2) {
            Some(&[high, low]) => Ok(u16::from_be_bytes([high, low])),
            _ => Err(Undecoded::Cut),
        }
    }

    fn network(self) -> Network<'a> {
        Network {
            bytes: self.bytes,
            wire_len: self.wire_len,
        }
    }
}
