//! The program by which the kernel picks a worker, over frames of every shape.

use std::net::IpAddr;

use straggler::capture::fanout::program;
use straggler::model::LinkType;

use crate::kernel::Skb;
use crate::support::links::ethernet::{arp_probe, arp_reply, pppoe};
use crate::support::{Datagram, Discovery, Extension, Ip, Link, Segment};

/// Classic BPF has room for so many (`BPF_MAXINSNS`).
const MAX_INSTRUCTIONS: usize = 4096;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// Where a packet goes, whether it is sent or received.
fn of_packet(link: &Link, packet: &[u8]) -> u32 {
    of_frame(link, &link.wrap(packet))
}

fn of_frame(link: &Link, frame: &[u8]) -> u32 {
    let link_type = LinkType(i32::from(link.link_type()));
    let [sent, received] = [Skb::sent, Skb::received].map(|view| view(link_type, frame));
    let program = program();
    assert_eq!(sent.run(&program), received.run(&program));
    sent.run(&program)
}

/// Two hosts and a server each, over both versions.
const PAIRS: [[&str; 3]; 2] = [
    ["10.20.0.5", "198.51.100.7", "198.51.100.8"],
    ["2001:db8:1::5", "2001:db8:2::7", "2001:db8:2::8"],
];

/// Links whose frames are told apart by address.
fn links() -> Vec<Link> {
    vec![
        Link::ethernet(),
        Link::vlan(&[0x8100]),
        Link::vlan(&[0x88a8, 0x8100]),
        Link::vlan(&[0x9100, 0x8100]),
        Link::Raw,
        Link::CookedV1,
        Link::CookedV2,
    ]
}

#[test]
fn it_is_short_and_every_way_ends() {
    let program = program();
    assert!(program.len() < MAX_INSTRUCTIONS);
    // Conditions and jumps stay inside, and the last instruction ends it, so every way does: there is no way back.
    for (at, instruction) in program.iter().enumerate() {
        let far = match instruction.code {
            0x05 => instruction.operand as usize,
            _ => usize::from(instruction.jump_true.max(instruction.jump_false)),
        };
        assert!(at + 1 + far < program.len() || instruction.code == 0x16 && far == 0);
    }
}

#[test]
fn both_directions_and_all_ports_of_two_machines_are_together() {
    for link in links() {
        for [client, server, other] in PAIRS.map(|pair| pair.map(ip)) {
            let there = Ip::between(client, server).packet(&Segment::new(50_000, 443));
            let back = Ip::between(server, client).packet(&Segment::new(443, 50_000));
            let dns = Ip::between(client, server).packet(&Datagram::new(50_001, 53));
            let expected = of_packet(&link, &there);
            assert_ne!(expected, 0, "{link:?}");
            assert_eq!(of_packet(&link, &back), expected);
            assert_eq!(of_packet(&link, &dns), expected);
            let elsewhere = Ip::between(client, other).packet(&Segment::new(50_000, 443));
            assert_ne!(of_packet(&link, &elsewhere), expected);
        }
    }
}

#[test]
fn a_link_changes_nothing() {
    for [client, server, _] in PAIRS.map(|pair| pair.map(ip)) {
        let packet = Ip::between(client, server).packet(&Segment::new(50_000, 443));
        let workers = links().into_iter().map(|link| of_packet(&link, &packet));
        let workers: Vec<u32> = workers.collect();
        assert!(
            workers.iter().all(|worker| *worker == workers[0]),
            "{workers:?}"
        );
    }
}

#[test]
fn a_session_over_ppp_is_told_apart_too() {
    for [client, server, _] in PAIRS.map(|pair| pair.map(ip)) {
        let packet = Ip::between(client, server).packet(&Segment::new(50_000, 443));
        let frame = pppoe(7, &packet);
        let link = Link::ethernet();
        let expected = of_packet(&link, &packet);
        assert_eq!(of_frame(&link, &frame), expected);
        // The protocol's number in one byte (RFC 1661, section 6.5).
        let short = [&frame[..20], &frame[21..]].concat();
        assert_eq!(of_frame(&link, &short), expected);
    }
}

#[test]
fn fragments_are_where_their_flow_is() {
    let link = Link::ethernet();
    for [client, server, _] in PAIRS.map(|pair| pair.map(ip)) {
        let ip = Ip::between(server, client);
        let answer = Datagram::new(53, 50_000).payload(&[7; 3_000]);
        let whole = of_packet(&link, &ip.packet(&Datagram::new(53, 50_000)));
        let fragments = ip.fragments(&answer, 1_000, 9);
        assert!(fragments.len() > 2);
        for fragment in fragments {
            assert_eq!(of_packet(&link, &fragment), whole);
        }
        if client.is_ipv6() {
            let extended = ip.extension(Extension::hop_by_hop(8));
            let extended = extended.packet(&Datagram::new(53, 50_000));
            assert_eq!(of_packet(&link, &extended), whole);
        }
    }
}

#[test]
fn an_icmp_error_is_where_the_packet_is_that_it_quotes() {
    for link in links() {
        for ([client, server, router], protocol, errors, others) in [
            (PAIRS[0].map(ip), 1, [3, 4, 5, 11, 12].as_slice(), [0, 8]),
            (PAIRS[1].map(ip), 58, [1, 2, 3, 4].as_slice(), [128, 129]),
        ] {
            let quoted = Ip::between(client, server).packet(&Segment::new(50_000, 443));
            let flow = of_packet(&link, &quoted);
            let message = |kind: u8| [&[kind, 1, 0, 0, 0, 0, 0, 0], quoted.as_slice()].concat();
            let said = |kind: u8| {
                let carrier = Ip::between(router, client);
                of_packet(&link, &carrier.carry(protocol, &message(kind)))
            };
            for &kind in errors {
                assert_eq!(said(kind), flow, "{kind}");
            }
            // An echo quotes nothing: it is between the two that exchange it.
            for kind in others {
                let between = Ip::between(client, router).packet(&Segment::new(1, 2));
                assert_eq!(said(kind), of_packet(&link, &between), "{kind}");
            }
        }
    }
}

#[test]
fn what_tells_who_is_who_on_the_link_stays_in_order() {
    let link = Link::ethernet();
    let here = Ip::between(ip("fe80::1"), ip("fe80::2"));
    for message in [
        Discovery::router_solicitation(),
        Discovery::router_advertisement(1_800),
        Discovery::solicitation("fe80::2".parse().unwrap()),
        Discovery::advertisement("fe80::1".parse().unwrap(), 0x20),
    ] {
        assert_eq!(of_packet(&link, &here.packet(&message)), 0);
    }
    let [a, b] = ["10.20.0.5", "10.20.0.6"].map(|text| text.parse().unwrap());
    for frame in [arp_probe(a), arp_reply(a, b)] {
        assert_eq!(of_frame(&link, &frame), 0);
    }
}

#[test]
fn workers_get_like_shares() {
    let link = Link::ethernet();
    for workers in [2, 3, 4, 16] {
        for six in [false, true] {
            let mut shares = vec![0; workers];
            for host in 0..100 {
                for server in 0..40 {
                    let (client, server) = match six {
                        false => (format!("10.20.0.{host}"), format!("198.51.100.{server}")),
                        true => (format!("2001:db8::{host}"), format!("2001:db8:9::{server}")),
                    };
                    let packet = Ip::between(ip(&client), ip(&server)).packet(&Segment::new(1, 2));
                    shares[of_packet(&link, &packet) as usize % workers] += 1;
                }
            }
            let fair = 4_000 / workers;
            let is_fair = |share: &usize| (fair / 2..=fair * 2).contains(share);
            assert!(shares.iter().all(is_fair), "{workers} {six}: {shares:?}");
        }
    }
}

#[test]
fn every_prefix_of_a_frame_has_a_worker() {
    let packet = Ip::between(ip("10.20.0.5"), ip("10.20.0.6")).packet(&Segment::new(1, 2));
    let quoting = Ip::between(ip("10.20.0.1"), ip("10.20.0.5"));
    let quoting = quoting.carry(1, &[&[3, 1, 0, 0, 0, 0, 0, 0], packet.as_slice()].concat());
    for link in Link::every() {
        for packet in [&packet, &quoting] {
            let frame = link.wrap(packet);
            for len in 0..=frame.len() {
                let link_type = LinkType(i32::from(link.link_type()));
                Skb::sent(link_type, &frame[..len]).run(&program());
            }
        }
    }
}
