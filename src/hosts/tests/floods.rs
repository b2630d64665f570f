//! Forged devices and addresses: tables stay bounded and keep who matters.

use super::*;

#[test]
fn a_flood_of_senders_of_one_address_is_bounded() {
    let mut hosts = Hosts::default();
    hosts.own_word(X, A, 0);
    for n in 0..100 {
        hosts.key_from(Mac::new([2, 1, 0, 0, 0, n]), X, i64::from(n) + 1);
    }
    let entry = hosts.addresses.get(address(X)).unwrap();
    assert_eq!(entry.claimants.len(), 4);
    assert_eq!(hosts.key_from(A, X, 200), "mac-02:00:00:00:00:0a");
}

#[test]
fn a_flood_of_claims_is_bounded_and_spares_hosts() {
    let mut hosts = Hosts::default();
    hosts.own_word(X, A, 0);
    assert_eq!(hosts.key(X, 1), "mac-02:00:00:00:00:0a");
    for n in 0..300_000_u32 {
        let [a, b, c, d] = n.to_be_bytes();
        let mac = Mac::new([6, 0, a, b, c, d]);
        let forged = std::net::Ipv4Addr::from(0x0a40_0000 + n).to_string();
        hosts.own_word(&forged, mac, i64::from(n) + 2);
    }
    let stats = hosts.stats();
    assert!(stats.entries <= MAX_ADDRESSES as u64 && stats.evictions > 100_000);
    assert!(stats.identities.0 < 200_000);
    assert_eq!(hosts.key(X, 400_000), "mac-02:00:00:00:00:0a");
}

#[test]
fn a_flood_of_weak_sightings_spares_findings() {
    let mut hosts = Hosts::default();
    hosts.key(X, 0);
    for n in 0..40_000_u32 {
        let forged = std::net::Ipv4Addr::from(0x0a40_0000 + n).into();
        hosts.sight(forged, None, Span::at(at(i64::from(n))), Strength::Weak);
    }
    assert!(hosts.view(&HostKey::from_address(address(X))).is_some());
    assert!(
        hosts
            .view(&HostKey::from_address(address("10.64.0.0")))
            .is_none()
    );
}

#[test]
fn a_flood_of_contacts_spares_who_is_in_contact_for_long() {
    let mut hosts = Hosts::default();
    let contact = |hosts: &mut Hosts, host, second| {
        let span = Span::at(at(second));
        let key = hosts.sight(host, None, span, Strength::Strong);
        hosts.contacted(host, &key, span);
    };
    contact(&mut hosts, address(X), 0);
    contact(&mut hosts, address(X), 60);
    for n in 0..200_000_u32 {
        let forged = std::net::Ipv4Addr::from(0x0a40_0000 + n).into();
        contact(&mut hosts, forged, i64::from(n) + 61);
    }
    assert!(hosts.stats().entries <= MAX_ADDRESSES as u64);
    assert!(hosts.addresses.get(address(X)).is_some());
    let view = |host: &str| hosts.view(&HostKey::from_address(address(host)));
    assert!(view(X).is_some() && view("10.64.0.0").is_none());
}
