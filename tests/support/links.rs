//! Link layers: an IP packet in its frame, and frames that hold no IP packet.
//!
//! Layouts: <https://www.tcpdump.org/linktypes.html>; VLAN tags: IEEE 802.1Q; PPP: RFC 1661 and 1662.

pub mod ethernet;
pub mod tunnels;

use std::net::IpAddr;

use super::savefile::{Frame, Order};
use super::talk::TimedPacket;
use ethernet::{ETHERTYPE_IPV4, ETHERTYPE_IPV6, Ethernet};

const ARPHRD_ETHER: u16 = 1;
/// Direction of a cooked frame: to us.
const COOKED_HOST: u8 = 0;

const PPP_HDLC: [u8; 2] = [0xff, 0x03];
const PPP_IPV4: u8 = 0x21;
const PPP_IPV6: u8 = 0x57;

const FAMILY_IPV4: u32 = 2;
/// Each system has its own number for IPv6; these are those of macOS and of OpenBSD.
const FAMILY_IPV6_NULL: u32 = 30;
const FAMILY_IPV6_LOOP: u32 = 24;

/// A link layer around IP packets.
#[derive(Clone, Debug)]
pub enum Link {
    /// Ethernet, with or without VLAN tags.
    Ethernet(Ethernet),
    /// Linux "any" interface as libpcap has long written it (SLL).
    CookedV1,
    /// Linux "any" interface with the interface's number (SLL2).
    CookedV2,
    /// PPP.
    Ppp {
        /// Starts with the HDLC address and control bytes.
        hdlc: bool,
        /// The protocol field has one byte instead of two (RFC 1661, section 6.5).
        compressed: bool,
    },
    /// No link header at all.
    Raw,
    /// BSD loopback: the address family in the byte order of the machine that captured.
    Null(Order),
    /// OpenBSD loopback: the address family in network byte order.
    Loop,
}

impl Link {
    /// Plain Ethernet.
    pub fn ethernet() -> Self {
        Self::Ethernet(Ethernet::default())
    }

    /// Ethernet with a VLAN tag for each of these EtherTypes, outermost first.
    pub fn vlan(tag_types: &[u16]) -> Self {
        Self::Ethernet(Ethernet::default().tags(tag_types))
    }

    /// One of each kind, for tests that try them all.
    pub fn every() -> Vec<Self> {
        let mut links = vec![
            Self::ethernet(),
            Self::vlan(&[0x8100]),
            Self::vlan(&[0x88a8, 0x8100]),
            Self::vlan(&[0x9100, 0x8100, 0x8100]),
            Self::CookedV1,
            Self::CookedV2,
            Self::Raw,
            Self::Null(Order::Little),
            Self::Null(Order::Big),
            Self::Loop,
        ];
        for hdlc in [false, true] {
            for compressed in [false, true] {
                links.push(Self::Ppp { hdlc, compressed });
            }
        }
        links
    }

    /// Its `LINKTYPE_…` number, as savefiles have it.
    pub fn link_type(&self) -> u16 {
        match self {
            Self::Null(_) => 0,
            Self::Ethernet(_) => 1,
            Self::Ppp { .. } => 9,
            Self::Raw => 101,
            Self::Loop => 108,
            Self::CookedV1 => 113,
            Self::CookedV2 => 276,
        }
    }

    /// The frame around an IP packet.
    pub fn wrap(&self, packet: &[u8]) -> Vec<u8> {
        let is_v6 = packet.first().is_some_and(|byte| byte >> 4 == 6);
        let ethertype = if is_v6 {
            ETHERTYPE_IPV6
        } else {
            ETHERTYPE_IPV4
        };
        let family = |six| if is_v6 { six } else { FAMILY_IPV4 };
        let header = match self {
            Self::Ethernet(ethernet) => return ethernet.packet(packet),
            Self::CookedV1 => cooked_v1(ethertype),
            Self::CookedV2 => cooked_v2(ethertype),
            Self::Ppp { hdlc, compressed } => ppp(is_v6, *hdlc, *compressed),
            Self::Raw => Vec::new(),
            Self::Null(order) => order.u32(family(FAMILY_IPV6_NULL)).to_vec(),
            Self::Loop => Order::Big.u32(family(FAMILY_IPV6_LOOP)).to_vec(),
        };
        [&header, packet].concat()
    }

    /// The frames around the packets of a talk, with their times.
    pub fn frames<'a>(&self, packets: impl IntoIterator<Item = &'a TimedPacket>) -> Vec<Frame> {
        packets
            .into_iter()
            .map(|packet| Frame::whole(packet.time, self.wrap(&packet.bytes)))
            .collect()
    }
}

fn cooked_v1(ethertype: u16) -> Vec<u8> {
    let mut header = vec![0, COOKED_HOST];
    header.extend(ARPHRD_ETHER.to_be_bytes());
    header.extend([0, 6]); // length of the address
    header.extend([2, 0, 0, 0, 0, 1, 0, 0]);
    header.extend(ethertype.to_be_bytes());
    header
}

fn cooked_v2(ethertype: u16) -> Vec<u8> {
    let mut header = ethertype.to_be_bytes().to_vec();
    header.extend([0; 2]);
    header.extend([0, 0, 0, 2]); // number of the interface
    header.extend(ARPHRD_ETHER.to_be_bytes());
    header.extend([COOKED_HOST, 6]);
    header.extend([2, 0, 0, 0, 0, 1, 0, 0]);
    header
}

fn ppp(is_v6: bool, hdlc: bool, compressed: bool) -> Vec<u8> {
    let mut header = Vec::new();
    if hdlc {
        header.extend(PPP_HDLC);
    }
    if !compressed {
        header.push(0);
    }
    header.push(if is_v6 { PPP_IPV6 } else { PPP_IPV4 });
    header
}

/// A MAC address that follows from an IP address: locally administered, unicast, and the same in every run.
pub fn mac_of(address: IpAddr) -> [u8; 6] {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, d] = v4.octets();
            [0x02, 0x04, a, b, c, d]
        }
        IpAddr::V6(v6) => {
            let [.., a, b, c, d] = v6.octets();
            [0x02, 0x06, a, b, c, d]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_link_ends_with_the_packet() {
        for version in [0x45, 0x60] {
            let mut packet = vec![0; 80];
            packet[0] = version;
            for link in Link::every() {
                assert!(link.wrap(&packet).ends_with(&packet), "{link:?}");
            }
        }
    }

    #[test]
    fn headers_say_which_ip_follows() {
        let headers = |packet: [u8; 1]| -> Vec<Vec<u8>> {
            let links = [
                Link::CookedV1,
                Link::CookedV2,
                Link::Ppp {
                    hdlc: true,
                    compressed: false,
                },
                Link::Ppp {
                    hdlc: false,
                    compressed: true,
                },
                Link::Null(Order::Little),
                Link::Loop,
            ];
            let frames = links.iter().map(|link| link.wrap(&packet));
            frames
                .map(|mut frame| {
                    frame.pop();
                    frame
                })
                .collect()
        };
        let four = headers([0x45]);
        assert_eq!(four[0].len(), 16);
        assert_eq!(four[0][14..], [0x08, 0x00]);
        assert_eq!(four[1].len(), 20);
        assert_eq!(four[1][..2], [0x08, 0x00]);
        assert_eq!(four[2], [0xff, 0x03, 0x00, 0x21]);
        assert_eq!(four[3], [0x21]);
        assert_eq!(four[4], [2, 0, 0, 0]);
        assert_eq!(four[5], [0, 0, 0, 2]);

        let six = headers([0x60]);
        assert_eq!(six[0][14..], [0x86, 0xdd]);
        assert_eq!(six[2], [0xff, 0x03, 0x00, 0x57]);
        assert_eq!(six[5], [0, 0, 0, 24]);
    }
}
