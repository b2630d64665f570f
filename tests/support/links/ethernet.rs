//! Ethernet frames: around IP packets, and with everything else that is seen on a wire.

use std::net::{IpAddr, Ipv4Addr};

use super::mac_of;

/// EtherType of IPv4.
pub const ETHERTYPE_IPV4: u16 = 0x0800;
/// EtherType of IPv6.
pub const ETHERTYPE_IPV6: u16 = 0x86dd;
const ETHERTYPE_ARP: u16 = 0x0806;
const ETHERTYPE_MPLS: u16 = 0x8847;
const ETHERTYPE_BACKBONE: u16 = 0x88e7;
const ETHERTYPE_PPPOE_SESSION: u16 = 0x8864;
const ETHERTYPE_LLDP: u16 = 0x88cc;
const ETHERTYPE_MACSEC: u16 = 0x88e5;
/// Set aside for local experiments (IEEE 802), so nobody can know what follows.
const ETHERTYPE_EXPERIMENT: u16 = 0x88b5;

/// Shortest frame on the wire, without the checksum at its end.
const MIN_FRAME_LEN: usize = 60;
const BROADCAST: [u8; 6] = [0xff; 6];

/// Addresses and tags of an Ethernet frame. Default: no tags, padded to 60 bytes, MAC addresses that follow from the
/// packet's IP addresses ([`mac_of`]).
#[derive(Clone, Debug, Default)]
pub struct Ethernet {
    source: Option<[u8; 6]>,
    target: Option<[u8; 6]>,
    tags: Vec<u16>,
    unpadded: bool,
}

impl Ethernet {
    /// With this source address.
    #[must_use]
    pub fn source(mut self, mac: [u8; 6]) -> Self {
        self.source = Some(mac);
        self
    }

    /// With this target address.
    #[must_use]
    pub fn target(mut self, mac: [u8; 6]) -> Self {
        self.target = Some(mac);
        self
    }

    /// With a VLAN tag for each of these EtherTypes, outermost first; the VLANs are 100, 101, …
    #[must_use]
    pub fn tags(mut self, tag_types: &[u16]) -> Self {
        self.tags = tag_types.to_vec();
        self
    }

    /// Without padding, as the sender's own machine captures it.
    #[must_use]
    pub fn unpadded(mut self) -> Self {
        self.unpadded = true;
        self
    }

    /// A frame with an IP packet.
    pub fn packet(&self, packet: &[u8]) -> Vec<u8> {
        let (ethertype, ends) = match packet.first().map(|byte| byte >> 4) {
            Some(6) => (ETHERTYPE_IPV6, v6_ends(packet)),
            _ => (ETHERTYPE_IPV4, v4_ends(packet)),
        };
        let (source, target) = ends.unwrap_or(([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]));
        let from = self.source.unwrap_or(source);
        let to = self.target.unwrap_or(target);
        self.frame(from, to, ethertype, packet)
    }

    /// A frame with any content.
    pub fn other(&self, ethertype: u16, content: &[u8]) -> Vec<u8> {
        let from = self.source.unwrap_or([2, 0, 0, 0, 0, 1]);
        let to = self.target.unwrap_or(BROADCAST);
        self.frame(from, to, ethertype, content)
    }

    fn frame(&self, from: [u8; 6], to: [u8; 6], ethertype: u16, content: &[u8]) -> Vec<u8> {
        let mut frame = Vec::with_capacity(14 + 4 * self.tags.len() + content.len());
        frame.extend(to);
        frame.extend(from);
        for (vlan, tag) in (100_u16..).zip(&self.tags) {
            frame.extend(tag.to_be_bytes());
            frame.extend(vlan.to_be_bytes());
        }
        frame.extend(ethertype.to_be_bytes());
        frame.extend(content);
        if !self.unpadded && frame.len() < MIN_FRAME_LEN {
            frame.resize(MIN_FRAME_LEN, 0);
        }
        frame
    }
}

/// An ARP request: who has `target`? (RFC 826)
pub fn arp_request(sender: Ipv4Addr, target: Ipv4Addr) -> Vec<u8> {
    let mac = mac_of(sender.into());
    arp(1, mac, sender, (BROADCAST, [0; 6]), target)
}

/// The answer to [`arp_request`]: `sender` is here.
pub fn arp_reply(sender: Ipv4Addr, target: Ipv4Addr) -> Vec<u8> {
    let (mac, asker) = (mac_of(sender.into()), mac_of(target.into()));
    arp(2, mac, sender, (asker, asker), target)
}

/// Somebody tries out whether `target` is free (RFC 5227, section 1.1).
pub fn arp_probe(target: Ipv4Addr) -> Vec<u8> {
    let mac = mac_of(target.into());
    arp(1, mac, Ipv4Addr::UNSPECIFIED, (BROADCAST, [0; 6]), target)
}

/// `sender` has taken its address (RFC 5227, section 1.1).
pub fn arp_announcement(sender: Ipv4Addr) -> Vec<u8> {
    arp_request(sender, sender)
}

/// An ARP frame; `to` has the frame's target and the one in the message.
fn arp(
    operation: u8,
    mac: [u8; 6],
    sender: Ipv4Addr,
    to: ([u8; 6], [u8; 6]),
    target: Ipv4Addr,
) -> Vec<u8> {
    let mut content = vec![0, 1, 8, 0, 6, 4, 0, operation];
    content.extend(mac);
    content.extend(sender.octets());
    content.extend(to.1);
    content.extend(target.octets());
    Ethernet::default()
        .source(mac)
        .target(to.0)
        .other(ETHERTYPE_ARP, &content)
}

/// A whole frame behind a provider's backbone tag (IEEE 802.1ah).
pub fn behind_backbone(frame: &[u8]) -> Vec<u8> {
    let content = [&[0, 0, 0, 9], frame].concat();
    Ethernet::default().other(ETHERTYPE_BACKBONE, &content)
}

/// A switch that tells who it is (IEEE 802.1AB): chassis, port, time to live.
pub fn lldp() -> Vec<u8> {
    let mut content = vec![0x02, 7, 4, 2, 0, 0, 0, 0, 1];
    content.extend([0x04, 3, 7, b'p', b'1']);
    content.extend([0x06, 2, 0, 120]);
    content.extend([0, 0]);
    Ethernet::default()
        .target([0x01, 0x80, 0xc2, 0, 0, 0x0e])
        .other(ETHERTYPE_LLDP, &content)
}

/// An IEEE 802.3 frame with a length instead of an EtherType: LLC, a spanning tree's hello.
pub fn llc() -> Vec<u8> {
    let mut content = vec![0x42, 0x42, 0x03];
    content.resize(38, 0);
    Ethernet::default()
        .target([0x01, 0x80, 0xc2, 0, 0, 0])
        .other(content.len() as u16, &content)
}

/// An IP packet behind MPLS labels (RFC 3032), outermost first.
pub fn mpls(labels: &[u32], packet: &[u8]) -> Vec<u8> {
    let mut content = Vec::new();
    for (index, label) in labels.iter().enumerate() {
        let bottom = u32::from(index + 1 == labels.len());
        content.extend((label << 12 | bottom << 8 | 64).to_be_bytes());
    }
    content.extend(packet);
    Ethernet::default().other(ETHERTYPE_MPLS, &content)
}

/// An IP packet in a PPPoE session (RFC 2516).
pub fn pppoe(session: u16, packet: &[u8]) -> Vec<u8> {
    let protocol = match packet.first().map(|byte| byte >> 4) {
        Some(6) => [0, super::PPP_IPV6],
        _ => [0, super::PPP_IPV4],
    };
    let mut content = vec![0x11, 0];
    content.extend(session.to_be_bytes());
    content.extend((packet.len() as u16 + 2).to_be_bytes());
    content.extend(protocol);
    content.extend(packet);
    Ethernet::default().other(ETHERTYPE_PPPOE_SESSION, &content)
}

/// A frame encrypted by MACsec (IEEE 802.1AE), with `len` bytes of cipher text.
pub fn macsec(len: usize) -> Vec<u8> {
    let mut content = vec![0x0c, 0, 0, 0, 0, 1];
    content.resize(content.len() + len, 0xa5);
    Ethernet::default().other(ETHERTYPE_MACSEC, &content)
}

/// A frame of an EtherType that nobody knows.
pub fn unknown(len: usize) -> Vec<u8> {
    Ethernet::default().other(ETHERTYPE_EXPERIMENT, &vec![0x5a; len])
}

fn v4_ends(packet: &[u8]) -> Option<([u8; 6], [u8; 6])> {
    let mac_at = |start: usize| {
        let octets = packet.get(start..)?.first_chunk::<4>()?;
        Some(mac_of(IpAddr::from(*octets)))
    };
    Some((mac_at(12)?, mac_at(16)?))
}

fn v6_ends(packet: &[u8]) -> Option<([u8; 6], [u8; 6])> {
    let mac_at = |start: usize| {
        let octets = packet.get(start..)?.first_chunk::<16>()?;
        Some(mac_of(IpAddr::from(*octets)))
    };
    Some((mac_at(8)?, mac_at(24)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_frames_are_padded_unless_asked_not_to() {
        assert_eq!(Ethernet::default().packet(&[0x45; 20]).len(), 60);
        assert_eq!(Ethernet::default().unpadded().packet(&[0x45; 20]).len(), 34);
        assert_eq!(Ethernet::default().packet(&[0x45; 100]).len(), 114);
    }

    #[test]
    fn addresses_follow_from_the_packet() {
        let mut packet = vec![0x45; 20];
        packet[12..20].copy_from_slice(&[10, 0, 0, 5, 192, 0, 2, 7]);
        let frame = Ethernet::default().packet(&packet);
        assert_eq!(frame[..6], [2, 4, 192, 0, 2, 7]);
        assert_eq!(frame[6..12], [2, 4, 10, 0, 0, 5]);
        let frame = Ethernet::default().source([9; 6]).packet(&packet);
        assert_eq!(frame[6..12], [9; 6]);
    }

    #[test]
    fn tags_stand_before_the_ethertype() {
        let ethernet = Ethernet::default().tags(&[0x88a8, 0x8100]);
        let frame = ethernet.packet(&[0x60; 40]);
        let expected = [0x88, 0xa8, 0, 100, 0x81, 0x00, 0, 101, 0x86, 0xdd];
        assert_eq!(frame[12..22], expected);
    }

    #[test]
    fn mpls_marks_the_last_label() {
        let frame = mpls(&[16, 17], &[0x45; 20]);
        assert_eq!(frame[14..22], [0, 1, 0, 64, 0, 1, 0x11, 64]);
    }
}
