use dhcproto::v6::{DhcpOption, IAAddr, IANA, Message as Theirs, MessageType};
use dhcproto::v6::{DhcpOptions, Status, StatusCode};
use dhcproto::{Decodable, Encodable};
use proptest::prelude::*;

use super::*;

const MAC: [u8; 6] = [0x02, 0x04, 10, 0, 0, 7];
const RELAY: [u8; 6] = [0x02, 0x04, 10, 0, 0, 1];

fn option(code: u16, parts: &[&[u8]]) -> Vec<u8> {
    let data = parts.concat();
    let [head, len] = [code, data.len() as u16].map(u16::to_be_bytes);
    [&head[..], &len, &data].concat()
}

fn duid() -> Vec<u8> {
    [&[0, 3, 0, 1][..], &MAC].concat()
}

fn address(last: u8) -> [u8; 16] {
    let mut address = [0; 16];
    (address[0], address[1], address[15]) = (0xfd, 7, last);
    address
}

fn ia_address(last: u8, valid: u32, inside: &[u8]) -> Vec<u8> {
    let times = [[0; 4], valid.to_be_bytes()].concat();
    option(IA_ADDRESS, &[&address(last), &times, inside])
}

fn ia_na(inside: &[u8]) -> Vec<u8> {
    option(IA_NA, &[&[0; 12], inside])
}

fn message(kind: u8, options: &[Vec<u8>]) -> Vec<u8> {
    [&[kind, 1, 2, 3][..], &options.concat()].concat()
}

fn relayed(kind: u8, mac: Option<[u8; 6]>, inner: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind];
    bytes.extend([0; RELAY_HEADER_LEN]);
    if let Some(mac) = mac {
        bytes.extend(option(CLIENT_LINK_LAYER_ADDRESS, &[&[0, 1], &mac]));
    }
    bytes.extend(option(RELAY_MESSAGE, &[inner]));
    bytes
}

fn reply() -> Vec<u8> {
    message(
        REPLY,
        &[
            option(CLIENT_ID, &[&duid()]),
            option(2, &[&[0, 3, 0, 1], &RELAY]),
            ia_na(&[ia_address(8, 3600, &[]), ia_address(9, 0, &[])].concat()),
            option(IA_TA, &[&[0; 4], &ia_address(10, 60, &[])]),
            option(RESOLVERS, &[&address(53), &address(54)]),
        ],
    )
}

fn request() -> Vec<u8> {
    message(
        REQUEST,
        &[
            option(CLIENT_ID, &[&duid()]),
            ia_na(&ia_address(8, 0, &[])),
            option(CLIENT_FQDN, &[b"\x01\x05PC-17\x04corp\0"]),
            option(VENDOR_CLASS, &[&[0, 0, 1, 0x37, 0, 8], b"MSFT 5.0"]),
        ],
    )
}

fn lease(datagram: &[u8]) -> Option<Lease> {
    match v6(datagram)? {
        IdentityFact::Lease(lease) => Some(lease),
        other => panic!("{other:?}"),
    }
}

fn claim(datagram: &[u8]) -> Option<Claim> {
    match v6(datagram)? {
        IdentityFact::Claim(claim) => Some(claim),
        other => panic!("{other:?}"),
    }
}

fn leased(lease: &Lease) -> Vec<(u8, Option<u32>)> {
    let last = |it: IpAddr| match it {
        IpAddr::V6(it) => it.octets()[15],
        IpAddr::V4(_) => 0,
    };
    let all = lease.addresses.iter();
    all.map(|it| (last(it.address), it.lifetime)).collect()
}

fn mac(mac: [u8; 6], source: MacSource) -> Option<ClientMac> {
    let mac = Mac::new(mac);
    Some(ClientMac { mac, source })
}

#[test]
fn a_reply_is_a_lease() {
    let lease = lease(&reply()).unwrap();
    assert_eq!(lease.client.duid, Duid::new(&duid()));
    assert_eq!(lease.client.mac, mac(MAC, MacSource::Duid));
    let expected = [(8, Some(3600)), (9, Some(0)), (10, Some(60))];
    assert_eq!(leased(&lease), expected);
    assert_eq!(
        lease.resolvers,
        [address(53), address(54)].map(IpAddr::from)
    );
}

#[test]
fn a_status_takes_back_what_it_is_about() {
    let failed = option(13, &[&[0, 2], b"no address"]);
    let fine = option(13, &[&[0, 0]]);
    let with = |options: &[Vec<u8>]| {
        let client = option(CLIENT_ID, &[&duid()]);
        lease(&message(REPLY, &[vec![client], options.to_vec()].concat()))
    };
    let good = ia_na(&ia_address(8, 60, &fine));
    let bad = [
        ia_na(&ia_address(9, 60, &failed)),
        ia_na(&[ia_address(9, 60, &[]), failed.clone()].concat()),
    ];
    for bad in bad {
        let lease = with(&[bad, good.clone(), fine.clone()]).unwrap();
        assert_eq!(leased(&lease), [(8, Some(60))]);
    }
    assert_eq!(with(&[good, failed]), None);
}

#[test]
fn a_reply_may_tell_of_the_network_only() {
    let resolvers = option(RESOLVERS, &[&address(53)]);
    let nobody = message(REPLY, &[ia_na(&ia_address(8, 60, &[])), resolvers]);
    let lease = lease(&nobody).unwrap();
    assert!(lease.addresses.is_empty() && lease.resolvers.len() == 1);
    assert_eq!(v6(&message(REPLY, &[option(CLIENT_ID, &[&duid()])])), None);
}

#[test]
fn a_client_speaks_of_itself() {
    for (kind, intent) in [
        (SOLICIT, Intent::Use),
        (REQUEST, Intent::Use),
        (RENEW, Intent::Use),
        (RELEASE, Intent::Release),
        (DECLINE, Intent::Decline),
    ] {
        let mut bytes = request();
        bytes[0] = kind;
        let claim = claim(&bytes).unwrap();
        assert_eq!(claim.intent, intent);
        assert_eq!(claim.addresses, [IpAddr::from(address(8))]);
        assert_eq!(claim.client.fqdn, DomainName::parse("pc-17.corp").ok());
        assert_eq!(claim.client.vendor_class.unwrap().as_str(), "MSFT 5.0");
    }
    for kind in [0, 2, 10, 14, 255] {
        let mut bytes = request();
        bytes[0] = kind;
        assert_eq!(v6(&bytes), None, "{kind}");
    }
    assert_eq!(v6(&message(INFORMATION_REQUEST, &[])), None, "of nobody");
    let uuid = option(CLIENT_ID, &[&[0, 4], &[1; 16]]);
    let claim = claim(&message(SOLICIT, &[uuid])).unwrap();
    assert!(claim.client.duid.is_some() && claim.client.mac.is_none());
}

#[test]
fn relays_are_unwrapped_up_to_the_cap() {
    let nearest = relayed(RELAY_FORWARD, Some(MAC), &request());
    let claimed = claim(&relayed(RELAY_FORWARD, Some(RELAY), &nearest)).unwrap();
    assert_eq!(claimed.client.mac, mac(MAC, MacSource::Relay));
    // The nearest relay says nothing of hardware; the next one speaks of the nearest.
    let silent = relayed(RELAY_FORWARD, None, &request());
    let claimed = claim(&relayed(RELAY_FORWARD, Some(RELAY), &silent)).unwrap();
    assert_eq!(claimed.client.mac, mac(MAC, MacSource::Duid));
    assert!(lease(&relayed(RELAY_REPLY, None, &reply())).is_some());

    let mut deep = reply();
    for depth in 1..=MAX_RELAYS + 1 {
        deep = relayed(RELAY_REPLY, None, &deep);
        assert_eq!(v6(&deep).is_some(), depth <= MAX_RELAYS, "{depth}");
    }
}

/// What ends `dhcproto`: thousands of options, each in the other.
#[test]
fn depth_takes_neither_time_nor_stack() {
    let mut inner = Vec::new();
    for _ in 0..8000 {
        let len = (inner.len() + 4) as u16;
        let head = [IA_TA.to_be_bytes(), len.to_be_bytes()].concat();
        inner.splice(..0, [head, vec![0; 4]].concat());
    }
    assert_eq!(v6(&message(REPLY, &[inner])), None);
}

#[test]
fn many_addresses_are_read_up_to_the_cap() {
    let all: Vec<u8> = (1..=200).flat_map(|it| ia_address(it, 60, &[])).collect();
    let bytes = message(REPLY, &[option(CLIENT_ID, &[&duid()]), ia_na(&all)]);
    assert_eq!(lease(&bytes).unwrap().addresses.len(), MAX_ADDRESSES);
}

#[test]
fn options_that_do_not_fill_the_message_refuse_it() {
    for whole in [
        reply(),
        request(),
        relayed(RELAY_FORWARD, Some(MAC), &request()),
    ] {
        assert!(v6(&whole).is_some());
        let cut = (0..whole.len()).filter(|&end| v6(&whole[..end]).is_some());
        // Where the cut falls between two options, nothing shows it.
        assert!(cut.count() <= 4);
        assert_eq!(v6(&[&whole[..], &[0]].concat()), None);
    }
}

proptest! {
    /// `dhcproto` as oracle: what it writes we read alike.
    #[test]
    fn agrees_with_the_oracle(
        given in prop::collection::vec((any::<[u8; 16]>(), any::<u32>(), prop::option::of(0..3u16)), 0..20),
        resolvers in prop::collection::vec(any::<[u8; 16]>(), 0..12),
        client in prop::collection::vec(any::<u8>(), 3..131),
    ) {
        let mut theirs = Theirs::new(MessageType::Reply);
        theirs.opts_mut().insert(DhcpOption::ClientId(client.clone()));
        for (number, &(address, valid_life, status)) in given.iter().enumerate() {
            let mut opts = DhcpOptions::new();
            if let Some(status) = status {
                let status = Status::from(status);
                opts.insert(DhcpOption::StatusCode(StatusCode { status, msg: "text".to_owned() }));
            }
            let address = IAAddr { addr: address.into(), preferred_life: 1, valid_life, opts };
            let mut opts = DhcpOptions::new();
            opts.insert(DhcpOption::IAAddr(address));
            theirs.opts_mut().insert(DhcpOption::IANA(IANA { id: number as u32, t1: 1, t2: 2, opts }));
        }
        theirs.opts_mut().insert(DhcpOption::DomainNameServers(resolvers.iter().map(|&it| it.into()).collect()));
        let bytes = theirs.to_vec().unwrap();
        prop_assert!(Theirs::from_bytes(&bytes).is_ok());
        let hosts = |it: &[u8; 16]| Some(IpAddr::from(*it)).filter(|&it| is_host(it));
        let good = |it: &([u8; 16], u32, Option<u16>)| {
            let (address, valid, status) = *it;
            let is_good = status.is_none_or(|code| code == 0);
            hosts(&address).filter(|_| is_good).map(|it| (it, Some(valid)))
        };
        let mut addresses: Vec<_> = given.iter().filter_map(good).collect();
        let mut servers: Vec<_> = resolvers.iter().filter_map(hosts).collect();
        addresses.truncate(MAX_ADDRESSES);
        servers.truncate(MAX_SERVERS);
        match lease(&bytes) {
            Some(lease) => {
                // It sorts its options, so their order is not ours.
                let mut ours: Vec<_> = lease.addresses.iter().map(|it| (it.address, it.lifetime)).collect();
                if given.len() <= MAX_ADDRESSES {
                    ours.sort();
                    addresses.sort();
                    prop_assert_eq!(ours, addresses);
                }
                prop_assert_eq!(lease.resolvers, servers);
                prop_assert_eq!(lease.client.duid, Duid::new(&client));
            }
            None => prop_assert!(addresses.is_empty() && servers.is_empty()),
        }
    }

    #[test]
    fn changed_bytes_are_read_without_panic(
        which in 0..3usize,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
    ) {
        let [reply, request] = [reply(), request()];
        let relayed = relayed(RELAY_FORWARD, Some(MAC), &request);
        let mut bytes = vec![reply, request, relayed].swap_remove(which);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        for end in 0..=bytes.len() {
            let _ = v6(&bytes[..end]);
        }
    }

    #[test]
    fn any_bytes_are_read_without_panic(kind in 0..15u8, bytes in prop::collection::vec(prop_oneof![Just(0), 0..20u8, any::<u8>()], 0..200)) {
        let _ = v6(&[&[kind, 0, 0, 0][..], &bytes].concat());
    }
}
