//! What a device says on its link: ARP, neighbour discovery, mDNS, LLMNR.
//!
//! Input: a byte that picks the protocol, then its message. Neighbour discovery gets the right checksum first, which no
//! fuzzer would find.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use straggler::dissect::mdns::{LLMNR_PORT, MAX_OTHERS, MDNS_PORT, announcement};
use straggler::dissect::neighbour::{
    Header, MAX_PREFIXES, MAX_RESOLVERS, arp, discovery, tentative,
};
use straggler::model::{Announcement, Endpoint, IdentityFact};

use super::dhcp::{address_holds, mac_holds, text_holds};
use super::dns::name_holds;
use crate::support::packets::Checksum;

/// First byte: ARP.
pub const ARP: u8 = 0;
/// First byte: neighbour discovery.
pub const DISCOVERY: u8 = 1;
/// First byte: Multicast DNS.
pub const MDNS: u8 = 2;
/// First byte: LLMNR.
pub const LLMNR: u8 = 3;

/// Who sends every message of ARP, mDNS and LLMNR.
pub const SENDER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 7);
/// Who sends neighbour discovery.
pub const SENDER_V6: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 7);
/// To whom.
pub const ALL: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

/// Reads the message at each of its prefixes.
pub fn check(input: &[u8]) {
    let Some((&how, message)) = input.split_first() else {
        return;
    };
    for prefix in super::prefixes(message) {
        if let Some(fact) = fact(how, prefix) {
            fact_holds(&fact);
        }
    }
}

/// Whether the whole message says something.
pub fn says_something(input: &[u8]) -> bool {
    let (&how, message) = input.split_first().expect("a seed has a first byte");
    fact(how, message).is_some()
}

fn fact(how: u8, message: &[u8]) -> Option<IdentityFact> {
    let announced = |port| {
        let addr = SENDER.into();
        announcement(message, Endpoint { addr, port }).map(IdentityFact::Announcement)
    };
    match how % 4 {
        ARP => arp(message).map(IdentityFact::Neighbour),
        DISCOVERY => {
            let header = Header {
                src: SENDER_V6,
                dst: ALL,
                hop_limit: 255,
            };
            let message = with_checksum(message);
            // Who has an address tries none out.
            assert!(tentative(&message, header).is_none());
            discovery(&message, header)
        }
        MDNS => announced(MDNS_PORT),
        _ => announced(LLMNR_PORT),
    }
}

fn with_checksum(message: &[u8]) -> Vec<u8> {
    let mut message = message.to_vec();
    if let Some(place) = message.get_mut(2..4) {
        place.fill(0);
        let sum = Checksum::of_transport(SENDER_V6.into(), ALL.into(), 58, &message);
        message[2..4].copy_from_slice(&sum.to_be_bytes());
    }
    message
}

fn fact_holds(fact: &IdentityFact) {
    match fact {
        IdentityFact::Neighbour(it) => {
            address_holds(it.address);
            mac_holds(it.mac);
        }
        IdentityFact::RouterAdvert(it) => {
            assert_eq!(it.router, SENDER_V6);
            it.mac.iter().for_each(|&mac| mac_holds(mac));
            assert!(it.prefixes.len() <= MAX_PREFIXES && it.resolvers.len() <= MAX_RESOLVERS);
            it.resolvers.iter().for_each(|&it| address_holds(it));
            for prefix in &it.prefixes {
                assert_eq!(prefix.network, prefix.network.trunc());
            }
        }
        IdentityFact::Announcement(it) => announcement_holds(it),
        other => panic!("{other:?}"),
    }
}

fn announcement_holds(it: &Announcement) {
    assert_eq!(it.address, IpAddr::from(SENDER), "nobody speaks for others");
    assert!(it.ttl > 0 && it.others.len() <= MAX_OTHERS && !it.others.contains(&it.address));
    it.others.iter().for_each(|&it| address_holds(it));
    name_holds(&it.name);
    it.model.iter().for_each(text_holds);
}
