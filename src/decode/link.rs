//! Link layers: from the first byte of a frame, or of a frame inside a tunnel, to its IP header or ARP message.
//!
//! Header layouts: <https://www.tcpdump.org/linktypes.html>; VLAN tags: IEEE 802.1Q and 802.1ad; backbone tags: IEEE
//! 802.1ah; SNAP: RFC 1042.

use super::cursor::{Cursor, Layer};
use super::{mpls, ppp};
use crate::model::{Frame, LinkEnds, LinkType, Mac, Undecoded};

/// Tags read in one frame. Providers stack two, three are seen in practice; eight leave room, and bound the work.
pub const MAX_VLAN_TAGS: usize = 8;

/// EtherType of IPv4.
pub(super) const ETHERTYPE_IPV4: u16 = 0x0800;
const ETHERTYPE_ARP: u16 = 0x0806;
const ETHERTYPE_RARP: u16 = 0x8035;
/// EtherType of IPv6.
pub(super) const ETHERTYPE_IPV6: u16 = 0x86dd;
/// EtherType of an Ethernet frame inside something else (RFC 1701, "transparent Ethernet bridging").
pub(super) const ETHERTYPE_BRIDGED: u16 = 0x6558;
/// EtherType of an MPLS label stack.
pub(super) const ETHERTYPE_MPLS: u16 = 0x8847;
/// The same for multicast, and for labels that the receiver of the frame has given out (RFC 5332).
pub(super) const ETHERTYPE_MPLS_MULTICAST: u16 = 0x8848;
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
/// Tag of a provider's backbone: four bytes of tag, then the customer's own frame.
const BACKBONE_TAG: u16 = 0x88e7;
const BACKBONE_TAG_LEN: usize = 4;
/// An LLC header that says: an EtherType follows.
const SNAP: [u8; 6] = [0xaa, 0xaa, 0x03, 0, 0, 0];

const MAC_LEN: usize = 6;
const MAC_PAIR_LEN: usize = 2 * MAC_LEN;
/// Addresses and EtherType.
pub(super) const ETHERNET_LEN: usize = MAC_PAIR_LEN + 2;
/// A VLAN's number in the two bytes of its tag.
const VLAN_NUMBER: u16 = 0x0fff;
/// An ARP message of Ethernet and IPv4. Others are longer, but for those of links that nobody has seen for long.
const ARP_LEN: usize = 28;
const SLL_LEN: usize = 16;
const SLL_PROTOCOL: usize = 14;
const SLL2_LEN: usize = 20;
/// ARPHRD values whose protocol field is no EtherType.
const ARPHRD_NETLINK: u16 = 824;
const NULL_LEN: usize = 4;

/// What a frame begins with.
pub(super) fn of_frame<'a>(frame: &Frame<'a>) -> Result<Layer<'a>, Undecoded> {
    let at = Cursor {
        bytes: frame.bytes,
        wire_len: frame.wire_len,
    };
    match frame.link {
        LinkType::ETHERNET => Ok(Layer::Ethernet(at)),
        LinkType::LINUX_SLL => {
            refuse_netlink(at.u16(2)?)?;
            Ok(Layer::EtherType(at.u16(SLL_PROTOCOL)?, at.skip(SLL_LEN)?))
        }
        LinkType::LINUX_SLL2 => {
            refuse_netlink(at.u16(8)?)?;
            Ok(Layer::EtherType(at.u16(0)?, at.skip(SLL2_LEN)?))
        }
        LinkType::PPP | LinkType::PPP_SERIAL => Ok(Layer::Ppp(at)),
        LinkType::RAW
        | LinkType::RAW_OPENBSD
        | LinkType::RAW_FILE
        | LinkType::IPV4
        | LinkType::IPV6 => Ok(Layer::Ip(at)),
        // The address family's number differs between systems and its byte order between machines, but every family
        // that is not IP has no IP version in the next nibble: the IP header tells more reliably than the field.
        LinkType::NULL | LinkType::LOOP => Ok(Layer::Ip(at.skip(NULL_LEN)?)),
        _ => Err(Undecoded::LinkType),
    }
}

/// What stands behind all links.
#[derive(Clone, Copy, Debug)]
pub(super) struct Behind<'a> {
    /// The ends of the link, where nothing but VLAN tags stands before this.
    pub ends: Option<LinkEnds>,
    /// Whether this is from another link, brought by PPPoE, MPLS or a provider's backbone.
    pub carried: bool,
    /// What stands here.
    pub content: Content<'a>,
}

/// What a link may carry.
#[derive(Clone, Copy, Debug)]
pub(super) enum Content<'a> {
    /// An IP header.
    Ip(Cursor<'a>),
    /// An ARP message, and padding.
    Arp(&'a [u8]),
}

/// Goes behind all links. Every step leads further in, from Ethernet by PPP and MPLS to IP, so it ends.
pub(super) fn behind(mut layer: Layer<'_>) -> Result<Behind<'_>, Undecoded> {
    let mut macs: Option<(Mac, Mac)> = None;
    let (mut ends, mut carried) = (None, false);
    loop {
        layer = match layer {
            Layer::Ethernet(at) => {
                macs = Some((at.mac(MAC_LEN)?, at.mac(0)?));
                let at = at.skip(MAC_PAIR_LEN)?;
                Layer::EtherType(at.u16(0)?, at.skip(2)?)
            }
            Layer::EtherType(ethertype, at) => {
                let behind = untagged(ethertype, at)?;
                carried = behind.backbone || is_carrier(behind.ethertype);
                ends = macs.filter(|_| !carried).map(|(src, dst)| LinkEnds {
                    src,
                    dst,
                    vlan: behind.vlan,
                });
                let at = behind.at;
                match behind.ethertype {
                    ETHERTYPE_IPV4 | ETHERTYPE_IPV6 => Layer::Ip(at),
                    ETHERTYPE_ARP if at.bytes.len() < ARP_LEN => return Err(Undecoded::Cut),
                    ETHERTYPE_ARP => {
                        return Ok(Behind {
                            ends,
                            carried,
                            content: Content::Arp(at.bytes),
                        });
                    }
                    other => other_than_ip(other, at)?,
                }
            }
            Layer::Ppp(at) => ppp::payload(at)?,
            Layer::Mpls(at) => Layer::Ip(mpls::ip_header(at)?),
            Layer::Ip(at) => {
                return Ok(Behind {
                    ends,
                    carried,
                    content: Content::Ip(at),
                });
            }
        };
    }
}

/// The IP header behind the links in a tunnel.
pub(super) fn ip_header(layer: Layer<'_>) -> Result<Cursor<'_>, Undecoded> {
    match behind(layer)?.content {
        Content::Ip(at) => Ok(at),
        Content::Arp(_) => Err(Undecoded::Arp),
    }
}

/// Whether what an EtherType announces brings packets of other links.
fn is_carrier(ethertype: u16) -> bool {
    matches!(
        ethertype,
        ETHERTYPE_MPLS | ETHERTYPE_MPLS_MULTICAST | ETHERTYPE_PPPOE_SESSION
    )
}

/// What other EtherTypes announce: never Ethernet again.
fn other_than_ip(ethertype: u16, at: Cursor<'_>) -> Result<Layer<'_>, Undecoded> {
    match ethertype {
        ETHERTYPE_RARP => Err(Undecoded::Arp),
        ETHERTYPE_MPLS | ETHERTYPE_MPLS_MULTICAST => Ok(Layer::Mpls(at)),
        ETHERTYPE_PPPOE_SESSION => ppp::over_ethernet(at),
        ETHERTYPE_MACSEC => Err(Undecoded::Macsec),
        ETHERTYPE_LLDP | ETHERTYPE_EAPOL | ETHERTYPE_SLOW_PROTOCOLS | ETHERTYPE_PPPOE_DISCOVERY => {
            Err(Undecoded::LinkControl)
        }
        length if length < ETHERTYPE_MIN => Err(Undecoded::LinkControl),
        _ => Err(Undecoded::EtherType),
    }
}

/// What stands behind tags.
struct Untagged<'a> {
    ethertype: u16,
    at: Cursor<'a>,
    /// Number of the first tag that has one.
    vlan: Option<u16>,
    /// Whether a backbone's tag, and with it another frame, was among them.
    backbone: bool,
}

/// Steps over tags. Behind a VLAN tag's EtherType stand its two bytes of tag and the next EtherType.
fn untagged(ethertype: u16, at: Cursor<'_>) -> Result<Untagged<'_>, Undecoded> {
    let mut behind = Untagged {
        ethertype,
        at,
        vlan: None,
        backbone: false,
    };
    for _ in 0..=MAX_VLAN_TAGS {
        let (ethertype, at) = (behind.ethertype, behind.at);
        (behind.ethertype, behind.at) = if VLAN_TAGS.contains(&ethertype) {
            let number = at.u16(0)? & VLAN_NUMBER;
            behind.vlan = behind.vlan.or((number != 0).then_some(number));
            (at.u16(2)?, at.skip(VLAN_TAG_LEN)?)
        } else if ethertype == BACKBONE_TAG {
            behind.backbone = true;
            let inner = at.skip(BACKBONE_TAG_LEN + MAC_PAIR_LEN)?;
            (inner.u16(0)?, inner.skip(2)?)
        } else if ethertype < ETHERTYPE_MIN && at.bytes.starts_with(&SNAP) {
            let inner = at.limit(u32::from(ethertype)).skip(SNAP.len())?;
            (inner.u16(0)?, inner.skip(2)?)
        } else {
            return Ok(behind);
        };
    }
    Err(Undecoded::VlanDepth)
}

/// The IP header of an Ethernet frame with nothing but tags before it.
pub(super) fn ip_in_ethernet(at: Cursor<'_>) -> Result<Cursor<'_>, Undecoded> {
    let at = at.skip(MAC_PAIR_LEN)?;
    let behind = untagged(at.u16(0)?, at.skip(2)?)?;
    match behind.ethertype {
        ETHERTYPE_IPV4 | ETHERTYPE_IPV6 => Ok(behind.at),
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
