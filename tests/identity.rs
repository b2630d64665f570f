//! Who a device is, from whole frames: decoder and dissectors agree about what a message needs.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says what it expects; the panic is its report"
)]

mod support;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use straggler::capture::{FrameSource, Pumped, Savefile};
use straggler::decode::Decoder;
use straggler::dissect::{dhcp, mdns, neighbour};
use straggler::model::{
    Decoded, Frame, IdentityFact, LinkEnds, LinkType, Mac, MacSource, Packet, Timestamp, Transport,
};
use support::dhcp::{duid_of, relay_forward, relay_reply};
use support::links::ethernet::{self, Ethernet};
use support::links::mac_of;
use support::links::tunnels::{LINKS, TUNNELS};
use support::packets::cut;
use support::{Datagram, Dhcp4, Dhcp6, Discovery, Ip, Message};

const OWN: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 7);
const OTHER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);

fn own_v6() -> Ipv6Addr {
    "fe80::a00:7".parse().unwrap()
}

fn own_mac() -> [u8; 6] {
    mac_of(OWN.into())
}

fn frame(link: LinkType, bytes: &[u8]) -> Frame<'_> {
    Frame {
        time: Timestamp::from_unix(1, 0),
        link,
        bytes,
        wire_len: bytes.len() as u32,
    }
}

/// What the last of some Ethernet frames says of a device, with the link's ends.
fn said(frames: &[Vec<u8>]) -> (Option<IdentityFact>, Option<LinkEnds>) {
    let mut decoder = Decoder::default();
    let mut last = (None, None);
    for bytes in frames {
        last = match decoder.decode(&frame(LinkType::ETHERNET, bytes)) {
            Ok(Decoded::Arp(arp)) => {
                let fact = neighbour::arp(arp.message).map(IdentityFact::Neighbour);
                (fact, arp.link)
            }
            Ok(Decoded::Packet(packet)) => (fact(&packet), packet.link),
            Err(_) => (None, None),
        };
    }
    last
}

fn fact(packet: &Packet<'_>) -> Option<IdentityFact> {
    match (packet.transport, packet.src, packet.dst) {
        (Transport::Neighbour(message), IpAddr::V6(src), IpAddr::V6(dst)) => {
            let hop_limit = packet.hop_limit;
            let header = neighbour::Header {
                src,
                dst,
                hop_limit,
            };
            neighbour::discovery(message, header)
        }
        (Transport::Udp(datagram), ..) => match datagram.dst.port {
            67 | 68 => dhcp::v4(datagram.payload),
            546 | 547 => dhcp::v6(datagram.payload),
            _ => mdns::announcement(datagram.payload, datagram.src).map(IdentityFact::Announcement),
        },
        _ => None,
    }
}

fn ends(src: [u8; 6], dst: [u8; 6], vlan: Option<u16>) -> LinkEnds {
    let [src, dst] = [src, dst].map(Mac::new);
    LinkEnds { src, dst, vlan }
}

fn udp(src: IpAddr, dst: IpAddr, ports: (u16, u16), payload: &[u8]) -> Vec<u8> {
    Ip::between(src, dst).packet(&Datagram::new(ports.0, ports.1).payload(payload))
}

/// A neighbour advertisement of our own address to all, with this hop limit.
fn advertisement(hop_limit: u8) -> Vec<u8> {
    let all = "ff02::1".parse().unwrap();
    let message = Discovery::advertisement(own_v6(), 0x20).target_mac(own_mac());
    Ip::between(own_v6().into(), all)
        .hop_limit(hop_limit)
        .packet(&message)
}

#[test]
fn arp_senders_are_read_behind_tags_too() {
    let request = ethernet::arp_request(OWN, OTHER);
    for (tags, vlan) in [
        (&[][..], None),
        (&[0x8100], Some(100)),
        (&[0x88a8, 0x8100], Some(100)),
    ] {
        let bytes = Ethernet::default()
            .source(own_mac())
            .tags(tags)
            .other(0x0806, &request[14..]);
        let (fact, link) = said(&[bytes]);
        let Some(IdentityFact::Neighbour(sender)) = fact else {
            panic!("no neighbour")
        };
        assert_eq!(
            (sender.address, sender.mac),
            (OWN.into(), Mac::new(own_mac()))
        );
        assert_eq!(link, Some(ends(own_mac(), [0xff; 6], vlan)));
    }
    assert!(said(&[ethernet::arp_reply(OWN, OTHER)]).0.is_some());
    assert!(said(&[ethernet::arp_announcement(OWN)]).0.is_some());
    assert!(said(&[ethernet::arp_probe(OWN)]).0.is_none());
    assert!(said(&[ethernet::behind_backbone(&request)]).0.is_none());
    // A cooked frame names no receiver, but its message is there.
    let cooked = [
        &[0, 0, 0, 1, 0, 6, 2, 4, 10, 0, 0, 7, 0, 0, 8, 6],
        &request[14..],
    ]
    .concat();
    let mut decoder = Decoder::default();
    let Ok(Decoded::Arp(arp)) = decoder.decode(&frame(LinkType::LINUX_SLL, &cooked)) else {
        panic!("no ARP")
    };
    assert!(arp.link.is_none() && neighbour::arp(arp.message).is_some());
}

#[test]
fn discovery_is_believed_from_the_link_only() {
    let plain = |packet: &[u8]| vec![Ethernet::default().packet(packet)];
    let (fact, link) = said(&plain(&advertisement(255)));
    assert!(matches!(fact, Some(IdentityFact::Neighbour(it)) if it.address == own_v6()));
    assert_eq!(link.unwrap().src, Mac::new(mac_of(own_v6().into())));
    assert_eq!(said(&plain(&advertisement(254))).0, None);
    for (name, wrap) in TUNNELS {
        let (fact, link) = said(&plain(&wrap(&advertisement(255))));
        assert_eq!((fact, link), (None, None), "{name}");
    }
    for (name, wrap) in LINKS {
        let believed = said(&[wrap(&advertisement(255))]).0.is_some();
        assert_eq!(believed, *name == "SNAP", "{name}");
    }
    let fragments: Vec<Vec<u8>> = cut(&advertisement(255), 16, 7)
        .iter()
        .map(|piece| Ethernet::default().packet(piece))
        .collect();
    assert_eq!(said(&fragments).0, None, "nobody sends it in fragments");

    let router: Ipv6Addr = "fe80::1".parse().unwrap();
    let advert = Discovery::router_advertisement(1800)
        .source_mac(mac_of(router.into()))
        .prefix("fd00:7::".parse().unwrap(), 64)
        .resolvers(&["fd00:7::53".parse().unwrap()]);
    let packet = Ip::between(router.into(), "ff02::1".parse().unwrap()).hop_limit(255);
    let Some(IdentityFact::RouterAdvert(advert)) = said(&plain(&packet.packet(&advert))).0 else {
        panic!("no advertisement")
    };
    assert_eq!((advert.prefixes.len(), advert.resolvers.len()), (1, 1));
    for message in [
        Discovery::router_solicitation().source_mac(own_mac()),
        Discovery::solicitation(router).source_mac(own_mac()),
    ] {
        let packet = Ip::between(own_v6().into(), "ff02::2".parse().unwrap()).hop_limit(255);
        assert!(said(&plain(&packet.packet(&message))).0.is_some());
    }
}

/// Which frames have ends, and which packets are somebody else's.
#[test]
fn a_link_has_the_ends_of_its_own_packets() {
    let packet = udp(OWN.into(), OTHER.into(), (40_000, 9), b"text");
    for (name, wrap) in LINKS {
        let bytes = wrap(&packet);
        let mut decoder = Decoder::default();
        let Ok(Decoded::Packet(decoded)) = decoder.decode(&frame(LinkType::ETHERNET, &bytes))
        else {
            panic!("{name}")
        };
        let far = *name != "SNAP";
        assert_eq!(decoded.link.is_none(), far, "{name}: {:?}", decoded.link);
        assert_eq!(decoded.hop_limit, 64, "{name}");
    }
    let tagged = Ethernet::default().tags(&[0x8100]).packet(&packet);
    let (_, link) = said(std::slice::from_ref(&tagged));
    assert_eq!(link, Some(ends(own_mac(), mac_of(OTHER.into()), Some(100))));
    let mut priority = tagged;
    priority[14..16].copy_from_slice(&[0xe0, 0]);
    assert_eq!(said(&[priority]).1.unwrap().vlan, None);
    for (name, wrap) in TUNNELS {
        let bytes = Ethernet::default().packet(&wrap(&packet));
        assert_eq!(said(&[bytes]).1, None, "{name}");
    }
    // What comes to a tunnel's port and is none stays on the link.
    let bytes = Ethernet::default().packet(&udp(OWN.into(), OTHER.into(), (40_000, 4789), b"text"));
    assert!(said(&[bytes]).1.is_some());
}

#[test]
fn leases_and_claims_from_the_builders_bytes() {
    let duid = duid_of(own_mac());
    let request = Dhcp4::request(own_mac(), OWN)
        .host_name("PC-17")
        .fqdn("pc-17.corp.example")
        .vendor_class("MSFT 5.0")
        .duid(&duid);
    let broadcast = Ipv4Addr::BROADCAST.into();
    let asks = |bytes: &[u8]| udp(Ipv4Addr::UNSPECIFIED.into(), broadcast, (68, 67), bytes);
    let frames = |packet: &[u8]| vec![Ethernet::default().packet(packet)];
    let Some(IdentityFact::Claim(by_v4)) = said(&frames(&asks(&request.bytes()))).0 else {
        panic!("no claim")
    };
    let overloaded = dhcp::v4(&request.overloaded_bytes());
    assert_eq!(overloaded, Some(IdentityFact::Claim(by_v4.clone())));
    assert_eq!(by_v4.client.mac.unwrap().source, MacSource::Header);
    assert_eq!(by_v4.addresses, [IpAddr::from(OWN)]);

    let request = Dhcp6::request(&duid).fqdn("pc-17.corp.example");
    let relayed = relay_forward(own_mac(), &request.bytes());
    let Some(IdentityFact::Claim(by_v6)) = dhcp::v6(&relayed) else {
        panic!("no claim")
    };
    assert_eq!(by_v6.client.mac.unwrap().source, MacSource::Relay);
    assert_eq!(by_v6.client.duid, by_v4.client.duid, "one device");
    assert_eq!(by_v6.client.fqdn, by_v4.client.fqdn);

    let given: Ipv6Addr = "fd00:7::8".parse().unwrap();
    let reply = Dhcp6::reply(&duid).address(given, 3600).bytes();
    let ack = Dhcp4::ack(own_mac(), OWN, 3600).routers(&[OTHER]);
    for lease in [dhcp::v4(&ack.bytes()), dhcp::v6(&relay_reply(&reply))] {
        assert!(
            matches!(&lease, Some(IdentityFact::Lease(it)) if it.addresses[0].lifetime == Some(3600)),
            "{lease:?}"
        );
    }
    assert_eq!(dhcp::v4(&Dhcp4::offer(own_mac(), OWN).bytes()), None);
}

#[test]
fn names_that_devices_announce() {
    let group = Ipv4Addr::new(224, 0, 0, 251).into();
    let message = Message::announcement().address("desk-7.local", OWN.into());
    let bytes = udp(OWN.into(), group, (5353, 5353), &message.bytes());
    let Some(IdentityFact::Announcement(it)) = said(&[Ethernet::default().packet(&bytes)]).0 else {
        panic!("no announcement")
    };
    assert_eq!((it.name.as_str(), it.address), ("desk-7.local", OWN.into()));
}

/// Real kernels in the example: each of their messages is believed, checksum included. How many there are says `tshark`
/// (`-Y "arp || icmpv6.nd"`).
#[test]
fn every_neighbour_of_the_example_is_read() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/office.pcapng");
    let mut source = Savefile::open(path.as_ref()).unwrap();
    let mut decoder = Decoder::default();
    let (mut arp, mut discovery) = (0, 0);
    let mut take = |frame: Frame<'_>| match decoder.decode(&frame) {
        Ok(Decoded::Arp(message)) => {
            let sender = neighbour::arp(message.message).unwrap();
            assert_eq!(message.link.map(|link| link.src), Some(sender.mac));
            arp += 1;
        }
        Ok(Decoded::Packet(packet)) if matches!(packet.transport, Transport::Neighbour(_)) => {
            assert!(fact(&packet).is_some());
            discovery += 1;
        }
        _ => {}
    };
    while let Ok(Pumped::Frames(_) | Pumped::Idle) = source.pump(1_000, &mut take) {}
    assert_eq!((arp, discovery), (54, 10));
}
