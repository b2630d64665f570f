//! A datagram of DHCPv4 or DHCPv6: whatever is read of it is small, printable, and about hosts.

use std::net::IpAddr;

use straggler::dissect::dhcp::{MAX_ADDRESSES, MAX_SERVERS, v4, v6};
use straggler::model::{
    Client, IdentityFact, MAX_CLIENT_ID_LEN, MAX_DUID_LEN, MAX_TEXT_LEN, Mac, WireText,
};

use super::dns::name_holds;

/// Input: the datagram.
pub fn check(input: &[u8]) {
    for prefix in super::prefixes(input) {
        for fact in [v4(prefix), v6(prefix)].into_iter().flatten() {
            fact_holds(&fact);
        }
    }
}

/// Whether the whole datagram says something.
pub fn says_something(input: &[u8]) -> bool {
    v4(input).is_some() || v6(input).is_some()
}

fn fact_holds(fact: &IdentityFact) {
    match fact {
        IdentityFact::Claim(claim) => {
            client_holds(&claim.client);
            let client = &claim.client;
            assert!(client.mac.is_some() || client.duid.is_some() || client.id.is_some());
            assert!(claim.addresses.len() <= MAX_ADDRESSES);
            claim.addresses.iter().for_each(|&it| address_holds(it));
        }
        IdentityFact::Lease(lease) => {
            client_holds(&lease.client);
            assert!(lease.addresses.len() <= MAX_ADDRESSES);
            assert!(lease.routers.len() <= MAX_SERVERS && lease.resolvers.len() <= MAX_SERVERS);
            let addresses = lease.addresses.iter().map(|it| it.address);
            let servers = lease.routers.iter().chain(&lease.resolvers).copied();
            addresses.chain(servers).for_each(address_holds);
        }
        other => panic!("{other:?} of DHCP"),
    }
}

fn client_holds(client: &Client) {
    if let Some(mac) = client.mac {
        mac_holds(mac.mac);
    }
    for name in [&client.host_name, &client.fqdn].into_iter().flatten() {
        name_holds(name);
    }
    client.vendor_class.iter().for_each(text_holds);
    let duid_len = client.duid.as_ref().map_or(0, |it| it.as_bytes().len());
    let id_len = client.id.as_ref().map_or(0, |it| it.as_bytes().len());
    assert!(duid_len <= MAX_DUID_LEN && id_len <= MAX_CLIENT_ID_LEN);
}

/// One device's.
pub fn mac_holds(mac: Mac) {
    assert!(Mac::of_device(&mac.octets()).is_some(), "{mac}");
    assert_eq!(mac.to_string().parse(), Ok(mac));
}

/// One host's.
pub fn address_holds(address: IpAddr) {
    assert!(
        !address.is_unspecified() && !address.is_multicast() && !address.is_loopback(),
        "{address}"
    );
}

/// Printable and short.
pub fn text_holds(text: &WireText) {
    let text = text.as_str();
    assert!(!text.is_empty() && text.len() <= 4 * MAX_TEXT_LEN);
    let printable = |byte: u8| byte == b' ' || byte.is_ascii_graphic();
    assert!(text.bytes().all(printable), "{text:?}");
}
