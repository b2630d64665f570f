//! The filter in libpcap's language.
//!
//! Every place is counted from the start of the frame (`link[…]`), for each way in which IP may stand in it: no tag, one
//! or two, and behind each a PPPoE session. libpcap's own words do not serve: `vlan` and `pppoes` shift all that stands
//! behind them, in other alternatives too; `tcp[…]` reads IPv4 only. On Linux the kernel takes the outermost tag out of a
//! live frame before the filter sees it; places that are counted for each number of tags fit with it and without.
//!
//! The text says what is dropped, within `not (…)`. What it does not understand passes: IPv4 options, IPv6 extension
//! headers, fragments, MPLS, more tags, and every protocol but TCP, UDP and ESP. The order of tests matters: a load behind
//! the end of a frame drops it, so lengths are tested before payload is read.

use ipnet::IpNet;

use crate::model::LinkType;

/// Tags behind which the filter looks.
const MAX_TAGS: usize = 2;

const ETHERNET_TYPE: usize = 12;
const SLL_TYPE: usize = 14;
const SLL_LEN: usize = 16;
const SLL2_LEN: usize = 20;
const NULL_LEN: usize = 4;

/// UDP ports that pass: names and who devices are (DNS, DHCP, DHCPv6, mDNS, LLMNR), tunnels that the decoder opens (VXLAN
/// and its older port, VXLAN-GPE, Geneve, MPLS, GTP-U, Teredo, L2TP), and IKE, by which IPsec is known.
const PORTS: [u16; 16] = [
    53, 67, 68, 546, 547, 5353, 5355, 4789, 8472, 4790, 6081, 6635, 2152, 3544, 1701, 500,
];

/// Payload of TCP below which a segment passes: no download, and of an answer in any protocol either the words are seen, or
/// more than an alert is acknowledged.
const SHORT: usize = 64;

/// The filter for frames of a link type; `None` where there is none.
pub(super) fn of_link(link: LinkType, local: &[IpNet]) -> Option<String> {
    let text = Text { local };
    let dropped = match link {
        LinkType::ETHERNET => text.link(ETHERNET_TYPE, ETHERNET_TYPE + 2, MAX_TAGS),
        LinkType::LINUX_SLL => text.link(SLL_TYPE, SLL_LEN, MAX_TAGS),
        LinkType::LINUX_SLL2 => text.link(0, SLL2_LEN, MAX_TAGS),
        LinkType::RAW
        | LinkType::RAW_OPENBSD
        | LinkType::RAW_FILE
        | LinkType::IPV4
        | LinkType::IPV6 => text.ip(0),
        LinkType::NULL | LinkType::LOOP => text.ip(NULL_LEN),
        _ => return None,
    };
    Some(format!("not {dropped}"))
}

/// Writes what is dropped. Each function takes the places where things stand in the frame.
struct Text<'n> {
    local: &'n [IpNet],
}

impl Text<'_> {
    /// A link whose EtherType and content stand there.
    fn link(&self, ethertype: usize, content: usize, tags: usize) -> String {
        let session = content + 8;
        let mut ways = vec![
            format!("(link[{ethertype}:2]=0x0800 and {})", self.v4(content)),
            format!("(link[{ethertype}:2]=0x86dd and {})", self.v6(content)),
            format!(
                "(link[{ethertype}:2]=0x8864 and link[{content}:2]=0x1100 and \
                 ((link[{ppp}:2]=0x0021 and {}) or (link[{ppp}:2]=0x0057 and {})))",
                self.v4(session),
                self.v6(session),
                ppp = content + 6,
            ),
        ];
        if tags > 0 {
            let kinds = ["0x8100", "0x88a8", "0x9100", "0x9200"];
            let tagged = kinds.map(|kind| format!("link[{ethertype}:2]={kind}"));
            // Behind the two bytes of a tag stands the next EtherType.
            let inner = self.link(content + 2, content + 4, tags - 1);
            ways.push(format!("(({}) and {inner})", tagged.join(" or ")));
        }
        any(&ways)
    }

    /// IP of either version.
    fn ip(&self, at: usize) -> String {
        any(&[self.v4(at), self.v6(at)])
    }

    /// IPv4 without options, and no fragment.
    fn v4(&self, at: usize) -> String {
        let sender = self.is_local(at + 12, false);
        let behind = Behind {
            protocol: at + 9,
            header: at + 20,
            length: at + 2,
            before: 20,
        };
        format!(
            "(link[{at}]=0x45 and link[{}:2]&0x3fff=0 and {})",
            at + 6,
            transport(&behind, &sender)
        )
    }

    /// IPv6 without extension headers.
    fn v6(&self, at: usize) -> String {
        let sender = self.is_local(at + 8, true);
        let behind = Behind {
            protocol: at + 6,
            header: at + 40,
            length: at + 4,
            before: 0,
        };
        format!("(link[{at}]&0xf0=0x60 and {})", transport(&behind, &sender))
    }

    /// Whether the address there is local.
    fn is_local(&self, at: usize, v6: bool) -> String {
        let networks = self.local.iter();
        let networks = networks.filter(|network| matches!(network, IpNet::V6(_)) == v6);
        let tests: Vec<String> = networks.map(|network| is_in(at, network)).collect();
        if tests.is_empty() {
            // No word of libpcap's language says "never" about every link.
            return format!("(link[{at}]>255)");
        }
        any(&tests)
    }
}

/// Where things stand in a packet.
struct Behind {
    /// The protocol's number.
    protocol: usize,
    /// The header of TCP or UDP.
    header: usize,
    /// The length that the IP header tells.
    length: usize,
    /// How much of that stands before the header of TCP or UDP.
    before: usize,
}

fn transport(at: &Behind, from_local: &str) -> String {
    let protocol = at.protocol;
    any(&[
        format!("(link[{protocol}]=6 and {})", tcp(at, from_local)),
        format!("(link[{protocol}]=17 and {})", udp(at.header)),
        format!("(link[{protocol}]=50 and {})", esp(at.header)),
    ])
}

/// Segments from outside that open and close nothing, are no DNS, and whose payload begins with no TLS record of a
/// handshake or an alert, and no answer of HTTP. Short payloads pass, and segments without any: what was acknowledged without
/// an answer is no silence.
fn tcp(at: &Behind, from_local: &str) -> String {
    let (source, target) = (at.header, at.header + 2);
    let (offset, flags) = (at.header + 12, at.header + 13);
    // In bytes: the upper half of the byte counts words of four.
    let header_len = format!("((link[{offset}]&0xf0)>>2)");
    let payload = format!("{header_len}+{}", at.header);
    [
        format!("link[{flags}]&7=0"),
        format!("not {from_local}"),
        format!("link[{source}:2]!=53 and link[{target}:2]!=53"),
        format!("link[{}:2]>={header_len}+{}", at.length, at.before + SHORT),
        format!("link[{payload}:2]!=0x1603 and link[{payload}:2]!=0x1503"),
        format!("link[{payload}:4]!=0x48545450"),
    ]
    .join(" and ")
}

/// Datagrams of none of the ports that begin like no QUIC packet with a long header, like none of Google's older QUIC that
/// tells its version, and like no handshake of WireGuard, OpenVPN or IKE behind a NAT. Short ones pass.
fn udp(header: usize) -> String {
    let (length, payload) = (header + 4, header + 8);
    let mut tests = vec![
        format!("link[{length}:2]>=20"),
        format!("link[{payload}]&0x80=0"),
    ];
    for end in [header, header + 2] {
        tests.extend(PORTS.map(|port| format!("link[{end}:2]!={port}")));
    }
    tests.push(format!("link[{payload}:4]&0xfcffffff!=0"));
    tests.push(format!("link[{payload}]!=0x38"));
    tests.push(format!(
        "not (link[{payload}]&9=9 and link[{}]=0x51)",
        payload + 9
    ));
    tests.join(" and ")
}

/// All but one packet in 1,024, by its number, the first one among those that pass: enough to know that there is a tunnel.
fn esp(header: usize) -> String {
    format!("link[{}:4]&1023!=1", header + 4)
}

/// Whether the address there lies in a network, four bytes at a time.
fn is_in(at: usize, network: &IpNet) -> String {
    let (address, mask) = match network {
        IpNet::V4(network) => (
            network.network().octets().to_vec(),
            network.netmask().octets().to_vec(),
        ),
        IpNet::V6(network) => (
            network.network().octets().to_vec(),
            network.netmask().octets().to_vec(),
        ),
    };
    let tests: Vec<String> = (0..address.len())
        .step_by(4)
        .map(|word| (at + word, number(&address[word..]), number(&mask[word..])))
        .filter(|&(place, _, mask)| mask != 0 || place == at)
        .map(|(place, address, mask)| match mask {
            u32::MAX => format!("link[{place}:4]={address}"),
            _ => format!("link[{place}:4]&{mask}={address}"),
        })
        .collect();
    format!("({})", tests.join(" and "))
}

fn number(bytes: &[u8]) -> u32 {
    let first = bytes.first_chunk().copied();
    u32::from_be_bytes(first.unwrap_or_default())
}

fn any(ways: &[String]) -> String {
    format!("({})", ways.join(" or "))
}
