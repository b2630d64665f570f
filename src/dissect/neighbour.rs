//! Who is reached at which hardware address: ARP, and neighbour discovery of IPv6.
//!
//! ARP: RFC 826 and 5227. Neighbour discovery: RFC 4861; resolvers in router advertisements: RFC 8106. Of ARP only IPv4 over
//! Ethernet is read. Not read: redirects, options of search domains, routes, and keys (SEND, RFC 3971).
//!
//! A message of neighbour discovery is believed where a host would believe it (RFC 4861, sections 6.1 and 7.1): hop limit
//! 255, so it was sent on this link; code 0; a right checksum; whole options. What SLAAC tries out (sender "::") and what
//! ARP probes (sender 0.0.0.0) binds nothing yet. An answer to one host may leave its hardware address out (RFC 4861,
//! section 4.4), as Linux does; then it binds nothing here. Whoever wants to follow what is tried out asks [`tentative`].
//!
//! ARP has no such checks: whoever is on the link can say anything. A caller that has the frame may ask whether its sender
//! is the one that the message names.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::Ipv6Net;

use super::{Reader, Short, is_host};
use crate::model::{AdvertisedPrefix, IdentityFact, Mac, Neighbour, NeighbourSource, RouterAdvert};

/// Prefixes kept of one router advertisement. Networks have a handful.
pub const MAX_PREFIXES: usize = 16;
/// Resolvers kept of one router advertisement. Hosts use the first three (RFC 8106, section 5.3.1).
pub const MAX_RESOLVERS: usize = 8;

/// Ethernet, IPv4, addresses of six and of four bytes.
const ETHERNET_AND_IPV4: [u8; 6] = [0, 1, 0x08, 0x00, 6, 4];
const ARP_REQUEST: u16 = 1;
const ARP_REPLY: u16 = 2;

const ROUTER_SOLICITATION: u8 = 133;
const ROUTER_ADVERTISEMENT: u8 = 134;
const NEIGHBOUR_SOLICITATION: u8 = 135;
const NEIGHBOUR_ADVERTISEMENT: u8 = 136;

/// The hop limit of a packet that no router has forwarded.
const ON_LINK_HOPS: u8 = 255;
/// How the groups begin that are asked for an address (RFC 4291, section 2.7.1).
const SOLICITED_NODES: [u8; 13] = [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff];
const ICMPV6: u64 = 58;
const RIGHT_SUM: u16 = 0xffff;

/// Flags of a neighbour advertisement (RFC 4861, section 4.4).
const FROM_ROUTER: u8 = 0x80;
const SOLICITED: u8 = 0x40;

const SOURCE_LINK_LAYER: u8 = 1;
const TARGET_LINK_LAYER: u8 = 2;
const PREFIX: u8 = 3;
const RESOLVERS: u8 = 25;
/// Flags of a prefix (RFC 4861, section 4.6.2).
const ON_LINK: u8 = 0x80;
const AUTONOMOUS: u8 = 0x40;

/// An IPv6 packet's header, as far as it decides whether its message is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The sender.
    pub src: Ipv6Addr,
    /// To whom it is sent, often a group.
    pub dst: Ipv6Addr,
    /// Hops that are left.
    pub hop_limit: u8,
}

/// The sender of an ARP message, from what stands behind the link header. Padding behind the message is passed over.
pub fn arp(message: &[u8]) -> Option<Neighbour> {
    let mut reader = Reader::new(message);
    if reader.array().ok()? != ETHERNET_AND_IPV4 {
        return None;
    }
    let operation = reader.u16().ok()?;
    let mac = Mac::of_device(reader.take(6).ok()?)?;
    let sender = Ipv4Addr::from(reader.array::<4>().ok()?);
    let _target_mac: [u8; 6] = reader.array().ok()?;
    let target = Ipv4Addr::from(reader.array::<4>().ok()?);
    let source = match operation {
        ARP_REQUEST | ARP_REPLY if sender == target => NeighbourSource::ArpAnnouncement,
        ARP_REQUEST => NeighbourSource::ArpRequest,
        ARP_REPLY => NeighbourSource::ArpReply,
        _ => return None,
    };
    is_host(sender.into()).then_some(Neighbour {
        address: sender.into(),
        mac,
        source,
        router: false,
    })
}

/// What a message of neighbour discovery binds, from a whole payload of ICMPv6: a [`Neighbour`] or a [`RouterAdvert`].
pub fn discovery(message: &[u8], header: Header) -> Option<IdentityFact> {
    let &[kind, code, ..] = message else {
        return None;
    };
    if header.hop_limit != ON_LINK_HOPS || code != 0 || sum(message, header) != RIGHT_SUM {
        return None;
    }
    let mut reader = Reader::new(message);
    reader.take(4).ok()?; // type, code, checksum
    let neighbour = match kind {
        ROUTER_ADVERTISEMENT => {
            return router_advert(reader, header).map(IdentityFact::RouterAdvert);
        }
        ROUTER_SOLICITATION => router_solicitation(reader, header),
        NEIGHBOUR_SOLICITATION => solicitation(reader, header),
        NEIGHBOUR_ADVERTISEMENT => advertisement(reader, header),
        _ => None,
    };
    neighbour.map(IdentityFact::Neighbour)
}

/// The address that the sender of a neighbour solicitation tries out (RFC 4862, section 5.4.2): it has none yet, asks the
/// group of those who may have the address, and gives no hardware address (RFC 4861, section 7.1.1).
pub fn tentative(message: &[u8], header: Header) -> Option<Ipv6Addr> {
    let &[NEIGHBOUR_SOLICITATION, 0, ..] = message else {
        return None;
    };
    let asks_the_group = header.dst.octets().starts_with(&SOLICITED_NODES);
    if !header.src.is_unspecified()
        || !asks_the_group
        || header.hop_limit != ON_LINK_HOPS
        || sum(message, header) != RIGHT_SUM
    {
        return None;
    }
    let mut reader = Reader::new(message);
    reader.take(8).ok()?; // type, code, checksum, reserved
    let target = Ipv6Addr::from(reader.array::<16>().ok()?);
    let options = Options::new(reader.rest()).ok()?;
    let says_whose = options.iter().any(|(kind, _)| kind == SOURCE_LINK_LAYER);
    (is_host(target.into()) && !says_whose).then_some(target)
}

/// RFC 4861, sections 4.1 and 6.1.1.
fn router_solicitation(mut reader: Reader<'_>, header: Header) -> Option<Neighbour> {
    reader.take(4).ok()?;
    let options = Options::new(reader.rest()).ok()?;
    sender(header, options, NeighbourSource::RouterSolicitation)
}

/// RFC 4861, sections 4.3 and 7.1.1.
fn solicitation(mut reader: Reader<'_>, header: Header) -> Option<Neighbour> {
    reader.take(4).ok()?;
    let target = Ipv6Addr::from(reader.array::<16>().ok()?);
    let options = Options::new(reader.rest()).ok()?;
    if target.is_multicast() {
        return None;
    }
    sender(header, options, NeighbourSource::Solicitation)
}

/// Binds the sender of a solicitation to what it says of itself. The unspecified address is nobody's.
fn sender(header: Header, options: Options<'_>, source: NeighbourSource) -> Option<Neighbour> {
    let mac = options.mac(SOURCE_LINK_LAYER)?;
    is_host(header.src.into()).then_some(Neighbour {
        address: header.src.into(),
        mac,
        source,
        router: false,
    })
}

/// RFC 4861, sections 4.4 and 7.1.2.
fn advertisement(mut reader: Reader<'_>, header: Header) -> Option<Neighbour> {
    let [flags, _, _, _] = reader.array().ok()?;
    let target = IpAddr::from(reader.array::<16>().ok()?);
    let options = Options::new(reader.rest()).ok()?;
    let answers_a_group = header.dst.is_multicast() && flags & SOLICITED != 0;
    if !is_host(target) || answers_a_group {
        return None;
    }
    Some(Neighbour {
        address: target,
        mac: options.mac(TARGET_LINK_LAYER)?,
        source: NeighbourSource::Advertisement,
        router: flags & FROM_ROUTER != 0,
    })
}

/// RFC 4861, sections 4.2 and 6.1.2.
fn router_advert(mut reader: Reader<'_>, header: Header) -> Option<RouterAdvert> {
    let [_hops, _flags] = reader.array().ok()?;
    let lifetime = reader.u16().ok()?;
    let _reachable_and_retransmission: [u8; 8] = reader.array().ok()?;
    let options = Options::new(reader.rest()).ok()?;
    if !header.src.is_unicast_link_local() {
        return None;
    }
    let mut advert = RouterAdvert {
        router: header.src,
        mac: options.mac(SOURCE_LINK_LAYER),
        lifetime,
        prefixes: Vec::new(),
        resolvers: Vec::new(),
    };
    for (kind, content) in options.iter() {
        match kind {
            PREFIX if advert.prefixes.len() < MAX_PREFIXES => {
                advert.prefixes.extend(prefix(content));
            }
            RESOLVERS => {
                let room = MAX_RESOLVERS - advert.resolvers.len();
                advert.resolvers.extend(resolvers(content).take(room));
            }
            _ => {}
        }
    }
    Some(advert)
}

/// A prefix. Hosts ignore that of link-local addresses (RFC 4861, section 6.3.4), and an option of another length.
fn prefix(content: &[u8]) -> Option<AdvertisedPrefix> {
    let mut reader = Reader::new(content);
    let [len, flags] = reader.array().ok()?;
    let valid = u32::from_be_bytes(reader.array().ok()?);
    let _preferred_and_reserved: [u8; 8] = reader.array().ok()?;
    let address = Ipv6Addr::from(reader.array::<16>().ok()?);
    let network = Ipv6Net::new(address, len).ok()?.trunc();
    let is_usual = reader.is_empty() && !address.is_unicast_link_local() && !address.is_multicast();
    is_usual.then_some(AdvertisedPrefix {
        network,
        on_link: flags & ON_LINK != 0,
        autonomous: flags & AUTONOMOUS != 0,
        valid,
    })
}

/// Resolvers: two reserved bytes, a lifetime, addresses. A lifetime of zero takes them back (RFC 8106, section 5.1).
fn resolvers(content: &[u8]) -> impl Iterator<Item = IpAddr> {
    let (head, addresses) = content.split_at_checked(6).unwrap_or_default();
    let (addresses, rest) = addresses.as_chunks::<16>();
    let holds = rest.is_empty() && head.iter().skip(2).any(|&byte| byte != 0);
    let addresses = if holds { addresses } else { &[] };
    let addresses = addresses.iter().map(|&octets| IpAddr::from(octets));
    addresses.filter(|&address| is_host(address))
}

/// Options that fill their place (RFC 4861, section 4.6): a type, a length in eights that is not zero, a content.
#[derive(Clone, Copy, Debug)]
struct Options<'a>(&'a [u8]);

impl<'a> Options<'a> {
    fn new(bytes: &'a [u8]) -> Result<Self, Short> {
        let mut reader = Reader::new(bytes);
        while !reader.is_empty() {
            option(&mut reader)?;
        }
        Ok(Self(bytes))
    }

    fn iter(self) -> impl Iterator<Item = (u8, &'a [u8])> {
        let mut reader = Reader::new(self.0);
        std::iter::from_fn(move || option(&mut reader).ok())
    }

    /// The Ethernet address in the first option of this type.
    fn mac(self, kind: u8) -> Option<Mac> {
        let (_, content) = self.iter().find(|&(it, _)| it == kind)?;
        Mac::of_device(content)
    }
}

fn option<'a>(reader: &mut Reader<'a>) -> Result<(u8, &'a [u8]), Short> {
    let [kind, eights] = reader.array()?;
    let len = usize::from(eights) * 8;
    Ok((kind, reader.take(len.checked_sub(2).ok_or(Short)?)?))
}

/// The sum over a message and its pseudo-header (RFC 4443, section 2.3; RFC 8200, section 8.1): all ones where the
/// checksum in it is right.
fn sum(message: &[u8], header: Header) -> u16 {
    let words = |bytes: &[u8]| -> u64 {
        let (pairs, odd) = bytes.as_chunks::<2>();
        let whole: u64 = pairs
            .iter()
            .map(|&it| u64::from(u16::from_be_bytes(it)))
            .sum();
        whole + odd.first().map_or(0, |&byte| u64::from(byte) << 8)
    };
    let addresses = words(&header.src.octets()) + words(&header.dst.octets());
    let len = message.len() as u64; // 32 bits in the pseudo-header, and packets are far shorter
    let mut sum = addresses + len + ICMPV6 + words(message);
    while sum > 0xffff {
        sum = (sum >> 16) + (sum & 0xffff);
    }
    sum as u16 // what is left of it
}

#[cfg(test)]
mod tests;
