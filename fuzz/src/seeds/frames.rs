//! Frames of every link and tunnel, whole and in fragments.

use straggler::model::LinkType;

use super::NAME;
use super::devices::discovery_messages;
use crate::checks::frame::LINKS;
use crate::checks::identity;
use crate::checks::parts::joined;
use crate::support::dns_messages::{A, Message};
use crate::support::links::{ethernet, tunnels};
use crate::support::packets::{SYN, cut};
use crate::support::{Datagram, Extension, Ip, Link, Segment};

pub(super) fn frames() -> Vec<(String, Vec<u8>)> {
    let index = |link_type: u16| {
        let place = LINKS
            .iter()
            .position(|link| *link == LinkType(link_type.into()));
        place.expect("a link type that is read") as u8
    };
    let input = |link_type, frames: Vec<Vec<u8>>| {
        joined(index(link_type), frames.into_iter().map(|frame| (1, frame)))
    };
    let query = |six: bool| {
        let (from, to): (std::net::IpAddr, std::net::IpAddr) = if six {
            (
                [0xfd00, 0, 0, 0, 0, 0, 0, 1].into(),
                [0xfd00, 0, 0, 0, 0, 0, 0, 53].into(),
            )
        } else {
            ([10, 0, 0, 1].into(), [10, 0, 0, 53].into())
        };
        let message = Message::query(7, NAME, A).bytes();
        Ip::between(from, to).packet(&Datagram::new(40_000, 53).payload(&message))
    };
    let both = [query(false), query(true)];
    let mut seeds = Vec::new();
    for (number, link) in Link::every().iter().enumerate() {
        let frames = both.iter().map(|packet| link.wrap(packet)).collect();
        seeds.push((format!("link {number}"), input(link.link_type(), frames)));
    }
    for (name, wrap) in tunnels::LINKS {
        let frames = both.iter().map(|packet| wrap(packet)).collect();
        seeds.push(((*name).to_owned(), input(1, frames)));
    }
    for (name, wrap) in tunnels::TUNNELS {
        let packets = both.iter().map(|packet| wrap(packet)).collect();
        seeds.push(((*name).to_owned(), input(101, packets)));
        let mut pieces: Vec<Vec<u8>> = both
            .iter()
            .flat_map(|packet| cut(&wrap(packet), 64, 9))
            .collect();
        pieces.reverse();
        seeds.push((format!("{name} in fragments"), input(101, pieces)));
    }
    let pieces = both.iter().flat_map(|packet| cut(packet, 16, 9)).collect();
    seeds.push(("fragments".to_owned(), input(101, pieces)));
    let syn = Segment::new(50_000, 443)
        .flags(SYN)
        .options(&[2, 4, 5, 0xb4]);
    let ip = Ip::between(
        [0xfd00, 0, 0, 0, 0, 0, 0, 1].into(),
        [0xfd00, 0, 0, 0, 0, 0, 0, 2].into(),
    );
    let extended = ip
        .clone()
        .extension(Extension::hop_by_hop(8))
        .extension(Extension::routing(8))
        .extension(Extension::destination_options(8))
        .packet(&syn);
    seeds.push(("extensions".to_owned(), input(101, vec![extended])));
    // "Port unreachable" of both families, with the packet that it answers.
    let quoting = |head: [u8; 8], packet: &[u8]| [&head, packet].concat();
    let four = Ip::between([10, 0, 0, 53].into(), [10, 0, 0, 1].into());
    let unreachable = vec![
        four.carry(1, &quoting([3, 3, 0, 0, 0, 0, 0, 0], &both[0])),
        ip.carry(58, &quoting([1, 4, 0, 0, 0, 0, 0, 0], &both[1])),
    ];
    seeds.push(("unreachable".to_owned(), input(101, unreachable)));
    // Each in the other's family, on a link where discovery is believed.
    let (solicits, refuses) = ([135, 0, 0, 0, 0, 0, 0, 0], [3, 3, 0, 0, 0, 0, 0, 0]);
    let foreign = [
        four.carry(58, &quoting(solicits, &both[1])),
        ip.carry(1, &quoting(refuses, &both[1])),
    ];
    let foreign = foreign.iter().map(|packet| Link::ethernet().wrap(packet));
    seeds.push((
        "of the other family".to_owned(),
        input(1, foreign.collect()),
    ));
    let no_ip = vec![
        ethernet::arp_request([10, 0, 0, 1].into(), [10, 0, 0, 2].into()),
        ethernet::lldp(),
        ethernet::llc(),
        ethernet::macsec(40),
        ethernet::unknown(40),
    ];
    seeds.push(("no IP".to_owned(), input(1, no_ip)));
    let neighbour = Ip::between(identity::SENDER_V6.into(), identity::ALL.into()).hop_limit(255);
    let ether = ethernet::Ethernet::default().tags(&[0x8100]);
    let link = discovery_messages()
        .into_iter()
        .map(|(_, message)| ether.packet(&neighbour.packet(&message)))
        .collect();
    seeds.push(("neighbours".to_owned(), input(1, link)));
    seeds
}
