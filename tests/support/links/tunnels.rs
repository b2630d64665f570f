//! IP packets in tunnels and in links that gateways see: each takes an IP packet and gives the outer packet or frame.
//!
//! The outer ends are always the same, those of [`outer`]; so two tunnels nest by calling one with the other's result.

use super::super::packets::{Datagram, Ip};
use super::ethernet::{ETHERTYPE_IPV4, ETHERTYPE_IPV6, Ethernet};

/// Wraps an IP packet: in another IP packet ([`TUNNELS`]), or in an Ethernet frame ([`LINKS`]).
pub type Wrap = fn(&[u8]) -> Vec<u8>;

/// Every tunnel by its name.
pub const TUNNELS: &[(&str, Wrap)] = &[
    ("IP in IPv4", |it| {
        outer().carry(if is_v6(it) { 41 } else { 4 }, it)
    }),
    ("IP in IPv6", |it| {
        outer_v6().carry(if is_v6(it) { 41 } else { 4 }, it)
    }),
    ("Ethernet in IP", |it| {
        outer().carry(97, &[&[0x30, 0], &ethernet(it)[..]].concat())
    }),
    ("MPLS in IP", |it| outer().carry(137, &labelled(&[17], it))),
    ("authentication header", authenticated),
    ("GRE", |it| gre(0, &[], ethertype(it), it)),
    ("GRE over IPv6", |it| {
        outer_v6().carry(
            47,
            &[&[0, 0], &ethertype(it).to_be_bytes()[..], it].concat(),
        )
    }),
    ("GRE with checksum, key and sequence", |it| {
        gre(0xb000, &[9; 12], ethertype(it), it)
    }),
    ("GRE with key", |it| {
        gre(0x2000, &[0, 0, 0, 7], ethertype(it), it)
    }),
    ("GRE with Ethernet", |it| {
        gre(0x2000, &[0, 0, 7, 0], 0x6558, &ethernet(it))
    }),
    ("GRE with MPLS", |it| {
        gre(0, &[], 0x8847, &labelled(&[16, 17], it))
    }),
    ("GRE with PPP", |it| gre(0, &[], 0x880b, &ppp(it))),
    ("PPTP", |it| pptp(0x3001, &[0, 0, 0, 1], it)),
    ("PPTP with acknowledgement", |it| {
        pptp(0x3081, &[0, 0, 0, 1, 0, 0, 0, 9], it)
    }),
    ("WCCP", |it| {
        gre(0, &[], 0x883e, &[&[0, 0, 1, 2], it].concat())
    }),
    ("ERSPAN I", |it| gre(0, &[], 0x88be, &ethernet(it))),
    ("ERSPAN II", |it| {
        let header = [0x10, 100, 0, 1, 0, 0, 0, 2];
        gre(
            0x1000,
            &[0, 0, 0, 1],
            0x88be,
            &[&header, &ethernet(it)[..]].concat(),
        )
    }),
    ("ERSPAN III", |it| {
        let header = [0x20, 100, 0, 1, 1, 2, 3, 4, 0, 0, 0, 0];
        gre(
            0x1000,
            &[0, 0, 0, 1],
            0x22eb,
            &[&header, &ethernet(it)[..]].concat(),
        )
    }),
    ("ERSPAN III with platform", |it| {
        let header = [
            [0x20, 100, 0, 1, 1, 2, 3, 4, 0, 0].to_vec(),
            vec![0, 1],
            vec![5; 8],
        ];
        gre(
            0x1000,
            &[0, 0, 0, 1],
            0x22eb,
            &[&header.concat(), &ethernet(it)[..]].concat(),
        )
    }),
    ("ERSPAN III with IP", |it| {
        let header = [0x20, 100, 0, 1, 1, 2, 3, 4, 0, 0, 2 << 2, 0];
        gre(0x1000, &[0, 0, 0, 1], 0x22eb, &[&header, it].concat())
    }),
    ("VXLAN", |it| {
        udp(
            4789,
            &[&[8, 0, 0, 0, 0, 1, 2, 0], &ethernet(it)[..]].concat(),
        )
    }),
    ("VXLAN on its older port, tagged", |it| {
        let frame = Ethernet::default().tags(&[0x8100]).packet(it);
        udp(8472, &[&[8, 0, 0, 0, 0, 1, 2, 0], &frame[..]].concat())
    }),
    ("VXLAN with a group policy", |it| {
        udp(
            4789,
            &[&[0x88, 0, 3, 4, 0, 1, 2, 0], &ethernet(it)[..]].concat(),
        )
    }),
    ("VXLAN-GPE with IP", |it| {
        let next = if is_v6(it) { 2 } else { 1 };
        udp(4790, &[&[0x0c, 0, 0, next, 0, 1, 2, 0], it].concat())
    }),
    ("VXLAN-GPE with Ethernet", |it| {
        udp(
            4790,
            &[&[0x0c, 0, 0, 3, 0, 1, 2, 0], &ethernet(it)[..]].concat(),
        )
    }),
    ("Geneve", |it| {
        let header = [0, 0, 0x65, 0x58, 0, 1, 2, 0];
        udp(6081, &[&header, &ethernet(it)[..]].concat())
    }),
    ("Geneve with options and IP", |it| {
        let [high, low] = ethertype(it).to_be_bytes();
        let header = [2, 0x40, high, low, 0, 1, 2, 0, 1, 2, 3, 1, 9, 9, 9, 9];
        udp(6081, &[&header, it].concat())
    }),
    ("GTP-U", |it| gtp(0x30, &[], it)),
    ("GTP-U with sequence", |it| gtp(0x32, &[0, 1, 0, 0], it)),
    ("GTP-U with extensions", |it| {
        // A PDU session container, then a PDCP number, the second one the last.
        gtp(0x34, &[0, 0, 0, 0x85, 1, 0, 9, 0xc0, 1, 0, 5, 0], it)
    }),
    ("Teredo", |it| udp(3544, &teredo(it))),
    ("Teredo with authentication and origin", |it| {
        let mut content = vec![0, 1, 2, 3, 7, 7, 8, 8, 8];
        content.extend([9; 8]);
        content.extend([0, 0, 0, 0x1f, 0x90, 198, 51, 100, 9]);
        content.extend(teredo(it));
        udp(3544, &content)
    }),
    ("L2TP", |it| {
        udp(1701, &[&[0, 2, 0, 5, 0, 6], &ppp(it)[..]].concat())
    }),
    ("L2TP with length, sequence and offset", |it| {
        let content = ppp(it);
        let [high, low] = (16 + content.len() as u16).to_be_bytes();
        let header = [0x4a, 2, high, low, 0, 5, 0, 6, 0, 1, 0, 2, 0, 2, 0, 0];
        udp(1701, &[&header, &content[..]].concat())
    }),
    ("L2TPv3 over UDP", |it| {
        udp(
            1701,
            &[&[0, 3, 0, 0, 0, 0, 0, 9], &ethernet(it)[..]].concat(),
        )
    }),
    ("L2TPv3", |it| l2tp_v3(&[], it)),
    ("L2TPv3 with a sublayer", |it| l2tp_v3(&[0x40, 0, 0, 1], it)),
    ("L2TPv3 with a cookie", |it| l2tp_v3(&[0xc0; 8], it)),
    ("L2TPv3 with cookie and sublayer", |it| {
        l2tp_v3(&[0xc0, 1, 2, 3, 4, 5, 6, 7, 0x40, 0, 0, 1], it)
    }),
    ("MPLS over UDP", |it| udp(6635, &labelled(&[16, 17], it))),
];

/// Links around an IP packet, by their names; all are Ethernet outside.
pub const LINKS: &[(&str, Wrap)] = &[
    ("MPLS", |it| super::ethernet::mpls(&[100], it)),
    ("MPLS, three labels", |it| {
        super::ethernet::mpls(&[100, 101, 102], it)
    }),
    ("MPLS in a VLAN", |it| {
        Ethernet::default()
            .tags(&[0x8100])
            .other(0x8847, &labelled(&[100], it))
    }),
    ("pseudowire", |it| {
        Ethernet::default().other(0x8847, &labelled(&[100], &ethernet(it)))
    }),
    ("pseudowire with a control word", |it| {
        let frame = [&[0; 4], &ethernet(it)[..]].concat();
        Ethernet::default().other(0x8847, &labelled(&[100], &frame))
    }),
    ("pseudowire, an address like IPv4", |it| {
        let frame = Ethernet::default()
            .target([0x45, 0, 0, 40, 1, 2])
            .packet(it);
        Ethernet::default().other(0x8847, &labelled(&[100], &frame))
    }),
    ("PPPoE", |it| super::ethernet::pppoe(7, it)),
    ("PPPoE in two VLANs", |it| {
        let frame = super::ethernet::pppoe(7, it);
        Ethernet::default()
            .tags(&[0x88a8, 0x8100])
            .other(0x8864, &frame[14..])
    }),
    ("backbone tag", |it| {
        let content = [&[0, 0, 1, 2], &ethernet(it)[..]].concat();
        Ethernet::default().tags(&[0x88a8]).other(0x88e7, &content)
    }),
    ("SNAP", |it| {
        let content = [
            &[0xaa, 0xaa, 3, 0, 0, 0],
            &ethertype(it).to_be_bytes()[..],
            it,
        ]
        .concat();
        Ethernet::default().other(content.len() as u16, &content)
    }),
];

/// The header of every outer packet.
pub fn outer() -> Ip {
    Ip::between([198, 18, 0, 1].into(), [198, 18, 0, 2].into())
}

fn outer_v6() -> Ip {
    let end = |last| std::net::IpAddr::from([0x2001, 0xdb8, 0x18, 0, 0, 0, 0, last]);
    Ip::between(end(1), end(2))
}

/// A datagram to this port with any content.
pub fn udp(port: u16, content: &[u8]) -> Vec<u8> {
    outer().packet(&Datagram::new(50_000, port).payload(content))
}

/// GRE with these flags and the fields that they announce.
pub fn gre(flags: u16, fields: &[u8], protocol: u16, content: &[u8]) -> Vec<u8> {
    let header = [flags.to_be_bytes(), protocol.to_be_bytes()].concat();
    outer().carry(47, &[&header, fields, content].concat())
}

/// A label stack before any content.
pub fn labelled(labels: &[u32], content: &[u8]) -> Vec<u8> {
    let frame = super::ethernet::mpls(labels, content);
    frame[14..14 + 4 * labels.len() + content.len()].to_vec()
}

fn ethernet(packet: &[u8]) -> Vec<u8> {
    Ethernet::default().unpadded().packet(packet)
}

fn ppp(packet: &[u8]) -> Vec<u8> {
    let protocol = if is_v6(packet) { 0x57 } else { 0x21 };
    [&[0xff, 0x03, 0, protocol], packet].concat()
}

fn pptp(flags: u16, numbers: &[u8], packet: &[u8]) -> Vec<u8> {
    let content = ppp(packet);
    let mut fields = (content.len() as u16).to_be_bytes().to_vec();
    fields.extend([0, 5]);
    fields.extend(numbers);
    gre(flags, &fields, 0x880b, &content)
}

fn gtp(flags: u8, optional: &[u8], packet: &[u8]) -> Vec<u8> {
    let mut content = vec![flags, 255];
    content.extend(((optional.len() + packet.len()) as u16).to_be_bytes());
    content.extend([0, 0, 0, 9]);
    content.extend(optional);
    content.extend(packet);
    udp(2152, &content)
}

/// Teredo carries IPv6 alone; IPv4 goes into IPv6 first.
fn teredo(packet: &[u8]) -> Vec<u8> {
    if is_v6(packet) {
        return packet.to_vec();
    }
    let end = |last| std::net::IpAddr::from([0x2001, 0, 0x18, 0, 0, 0, 0, last]);
    Ip::between(end(1), end(2)).carry(4, packet)
}

fn l2tp_v3(before_frame: &[u8], packet: &[u8]) -> Vec<u8> {
    outer().carry(
        115,
        &[&[0, 0, 0, 9], before_frame, &ethernet(packet)].concat(),
    )
}

/// Tunnel mode: the packet behind an authentication header (RFC 4302) of 24 bytes.
fn authenticated(packet: &[u8]) -> Vec<u8> {
    let next = if is_v6(packet) { 41 } else { 4 };
    let mut content = vec![next, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1];
    content.extend([0xa7; 12]);
    content.extend(packet);
    outer().carry(51, &content)
}

fn ethertype(packet: &[u8]) -> u16 {
    if is_v6(packet) {
        ETHERTYPE_IPV6
    } else {
        ETHERTYPE_IPV4
    }
}

fn is_v6(packet: &[u8]) -> bool {
    packet.first().is_some_and(|byte| byte >> 4 == 6)
}
