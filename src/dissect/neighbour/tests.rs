use proptest::prelude::*;

use super::*;

const MAC: [u8; 6] = [2, 4, 10, 0, 0, 7];

fn own() -> Ipv6Addr {
    "fe80::7".parse().unwrap()
}

fn from(src: &str, dst: &str) -> Header {
    Header {
        src: src.parse().unwrap(),
        dst: dst.parse().unwrap(),
        hop_limit: 255,
    }
}

fn to_all() -> Header {
    from("fe80::7", "ff02::1")
}

fn option(kind: u8, content: &[u8]) -> Vec<u8> {
    assert_eq!((content.len() + 2) % 8, 0);
    let eights = ((content.len() + 2) / 8) as u8;
    [&[kind, eights], content].concat()
}

/// The message with the right checksum.
fn message(kind: u8, body: &[u8], options: &[Vec<u8>], header: Header) -> Vec<u8> {
    let mut bytes = [&[kind, 0, 0, 0], body, &options.concat()].concat();
    mend(&mut bytes, header);
    bytes
}

fn mend(bytes: &mut [u8], header: Header) {
    bytes[2..4].fill(0);
    let right = !sum(bytes, header);
    bytes[2..4].copy_from_slice(&right.to_be_bytes());
}

fn about(target: Ipv6Addr, flags: u8) -> Vec<u8> {
    [&[flags, 0, 0, 0][..], &target.octets()].concat()
}

fn neighbour(fact: Option<IdentityFact>) -> Option<Neighbour> {
    match fact? {
        IdentityFact::Neighbour(neighbour) => Some(neighbour),
        other => panic!("{other:?}"),
    }
}

fn arp_bytes(operation: u8, mac: [u8; 6], sender: [u8; 4], target: [u8; 4]) -> Vec<u8> {
    let head = [0, 1, 8, 0, 6, 4, 0, operation];
    [&head[..], &mac, &sender, &[0; 6], &target].concat()
}

#[test]
fn arp_senders() {
    let [own, other] = [[10, 0, 0, 7], [10, 0, 0, 1]];
    for (operation, target, source) in [
        (1, other, NeighbourSource::ArpRequest),
        (2, other, NeighbourSource::ArpReply),
        (1, own, NeighbourSource::ArpAnnouncement),
        (2, own, NeighbourSource::ArpAnnouncement),
    ] {
        let bytes = arp_bytes(operation, MAC, own, target);
        let expected = Neighbour {
            address: own.into(),
            mac: Mac::new(MAC),
            source,
            router: false,
        };
        assert_eq!(arp(&bytes), Some(expected));
        assert_eq!(arp(&[&bytes[..], &[0; 18]].concat()), Some(expected));
        for end in 0..bytes.len() {
            assert_eq!(arp(&bytes[..end]), None, "{end}");
        }
    }
    for bytes in [
        arp_bytes(1, MAC, [0; 4], own), // a probe
        arp_bytes(1, MAC, [255; 4], own),
        arp_bytes(1, [0; 6], own, other),
        arp_bytes(1, [0xff; 6], own, other),
        arp_bytes(8, MAC, own, other), // InARP
    ] {
        assert_eq!(arp(&bytes), None, "{bytes:?}");
    }
    for at in 0..6 {
        let mut bytes = arp_bytes(1, MAC, own, other);
        bytes[at] ^= 1;
        assert_eq!(arp(&bytes), None, "other hardware or protocol: {at}");
    }
}

#[test]
fn solicitations_bind_their_sender() {
    let header = from("2001:db8::7", "ff02::1:ff00:1");
    let body = about("2001:db8::1".parse().unwrap(), 0);
    let solicits = message(135, &body, &[option(1, &MAC)], header);
    let expected = Neighbour {
        address: header.src.into(),
        mac: Mac::new(MAC),
        source: NeighbourSource::Solicitation,
        router: false,
    };
    assert_eq!(neighbour(discovery(&solicits, header)), Some(expected));
    let silent = message(135, &body, &[option(14, &[0; 6])], header);
    assert_eq!(discovery(&silent, header), None);
    let nobody = from("::", "ff02::1:ff00:1"); // a host tries an address out
    let tries = message(135, &body, &[option(1, &MAC)], nobody);
    assert_eq!(discovery(&tries, nobody), None);
    let group = message(135, &about(header.dst, 0), &[option(1, &MAC)], header);
    assert_eq!(discovery(&group, header), None);

    let header = from("fe80::7", "ff02::2");
    let asks = message(133, &[0; 4], &[option(1, &MAC)], header);
    let bound = neighbour(discovery(&asks, header)).unwrap();
    assert_eq!(bound.source, NeighbourSource::RouterSolicitation);
    assert_eq!(bound.address, IpAddr::from(own()));
}

#[test]
fn advertisements_bind_their_target() {
    let target: Ipv6Addr = "2001:db8::7".parse().unwrap();
    let header = to_all();
    let link = [option(2, &MAC)];
    for (flags, router) in [(0x20, false), (0xa0, true)] {
        let bytes = message(136, &about(target, flags), &link, header);
        let bound = neighbour(discovery(&bytes, header)).unwrap();
        assert_eq!((bound.address, bound.router), (target.into(), router));
        assert_eq!(bound.source, NeighbourSource::Advertisement);
    }
    let solicited = message(136, &about(target, SOLICITED), &link, header);
    assert_eq!(discovery(&solicited, header), None, "to a group");
    let wrong_option = message(136, &about(target, 0), &[option(1, &MAC)], header);
    assert_eq!(discovery(&wrong_option, header), None);
}

#[test]
fn only_what_was_sent_on_the_link_is_believed() {
    let header = to_all();
    let good = message(136, &about(own(), 0), &[option(2, &MAC)], header);
    assert!(discovery(&good, header).is_some());
    for hop_limit in [0, 1, 64, 254] {
        let header = Header {
            hop_limit,
            ..header
        };
        assert_eq!(discovery(&good, header), None, "{hop_limit}");
    }
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut bytes = good.clone();
            bytes[at] ^= 1 << bit;
            assert_eq!(discovery(&bytes, header), None, "byte {at}, bit {bit}");
        }
        assert_eq!(discovery(&good[..at], header), None, "{at}");
    }
    let mut other_code = good.clone();
    other_code[1] = 1;
    mend(&mut other_code, header);
    assert_eq!(discovery(&other_code, header), None);
}

#[test]
fn an_option_of_no_length_refuses_the_message() {
    let header = to_all();
    for broken in [vec![2, 0, 0, 0, 0, 0, 0, 0], vec![2, 2, 0, 0, 0, 0, 0, 0]] {
        let options = [option(2, &MAC), broken];
        let bytes = message(136, &about(own(), 0), &options, header);
        assert_eq!(discovery(&bytes, header), None);
    }
}

fn prefix_option(len: u8, flags: u8, address: &str) -> Vec<u8> {
    let address: Ipv6Addr = address.parse().unwrap();
    let times = [&3600u32.to_be_bytes()[..], &[0; 8]].concat();
    option(3, &[&[len, flags][..], &times, &address.octets()].concat())
}

fn resolver_option(lifetime: u32, addresses: &[&str]) -> Vec<u8> {
    let mut content = vec![0, 0];
    content.extend(lifetime.to_be_bytes());
    for address in addresses {
        content.extend(address.parse::<Ipv6Addr>().unwrap().octets());
    }
    option(25, &content)
}

#[test]
fn routers_present_themselves_and_their_network() {
    let body = [64, 0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0];
    let options = [
        option(1, &MAC),
        prefix_option(64, 0xc0, "2001:db8:0:1::99"),
        prefix_option(64, 0xc0, "fe80::"),
        prefix_option(129, 0xc0, "2001:db8::"),
        resolver_option(600, &["2001:db8::53", "ff02::1"]),
        resolver_option(0, &["2001:db8::54"]),
    ];
    let bytes = message(134, &body, &options, to_all());
    let Some(IdentityFact::RouterAdvert(advert)) = discovery(&bytes, to_all()) else {
        panic!("no advertisement")
    };
    assert_eq!((advert.router, advert.mac), (own(), Some(Mac::new(MAC))));
    assert_eq!(advert.lifetime, 0x0708);
    let prefix = AdvertisedPrefix {
        network: "2001:db8:0:1::/64".parse().unwrap(),
        on_link: true,
        autonomous: true,
        valid: 3600,
    };
    assert_eq!(advert.prefixes, [prefix]);
    assert_eq!(
        advert.resolvers,
        ["2001:db8::53".parse::<IpAddr>().unwrap()]
    );

    let global = from("2001:db8::1", "ff02::1");
    let bytes = message(134, &body, &options, global);
    assert_eq!(discovery(&bytes, global), None, "no link-local sender");
}

#[test]
fn long_lists_end_at_their_caps() {
    let many = vec!["2001:db8::53"; 30];
    let mut options = vec![prefix_option(64, 0, "2001:db8::"); 40];
    options.extend([resolver_option(1, &many), resolver_option(1, &many)]);
    let bytes = message(134, &[0; 12], &options, to_all());
    let Some(IdentityFact::RouterAdvert(advert)) = discovery(&bytes, to_all()) else {
        panic!("no advertisement")
    };
    assert_eq!(advert.prefixes.len(), MAX_PREFIXES);
    assert_eq!(advert.resolvers.len(), MAX_RESOLVERS);
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(
        kind in 132..138u8,
        mut bytes in prop::collection::vec(prop_oneof![0..4u8, any::<u8>()], 4..120),
        src in any::<[u8; 16]>(),
    ) {
        let header = Header { src: src.into(), ..to_all() };
        (bytes[0], bytes[1]) = (kind, 0);
        mend(&mut bytes, header);
        for end in 0..=bytes.len() {
            let _ = discovery(&bytes[..end], header);
            let _ = arp(&bytes[..end]);
        }
    }
}

#[test]
fn what_is_tried_out_is_told_where_hosts_would_heed_it() {
    let target: Ipv6Addr = "2001:db8::abcd:ef".parse().unwrap();
    let group = "ff02::1:ffcd:ef";
    let own_mac = option(SOURCE_LINK_LAYER, &MAC);
    let nonce = option(14, &[7; 6]);
    for (what, header, options, expected) in [
        ("plain", from("::", group), vec![], Some(target)),
        (
            "with a nonce (RFC 7527)",
            from("::", group),
            vec![nonce],
            Some(target),
        ),
        (
            "with a hardware address",
            from("::", group),
            vec![own_mac],
            None,
        ),
        ("to everybody", from("::", "ff02::1"), vec![], None),
        ("with a sender", from("fe80::7", group), vec![], None),
        (
            "from elsewhere",
            Header {
                hop_limit: 64,
                ..from("::", group)
            },
            vec![],
            None,
        ),
    ] {
        let bytes = message(NEIGHBOUR_SOLICITATION, &about(target, 0), &options, header);
        assert_eq!(tentative(&bytes, header), expected, "{what}");
        assert_eq!(tentative(&bytes[..bytes.len() - 1], header), None, "{what}");
    }
}
