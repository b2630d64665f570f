//! What the store is told, and what a restart keeps.

use super::*;

/// What the store keeps and gives back.
fn restarted(mut before: Hosts) -> Hosts {
    let Changes { hosts, bindings } = before.changes();
    let mut after = Hosts::default();
    after.keep_changes();
    for host in &hosts {
        // Addresses and hardware addresses stand in the bindings.
        let host = HostView {
            addresses: Vec::new(),
            macs: Vec::new(),
            ..host.clone()
        };
        let own = bindings.iter().filter(|binding| binding.host == host.key);
        let own: Vec<AddressBinding> = own.cloned().collect();
        after.restore(&host, &own);
    }
    after
}

#[test]
fn keys_survive_a_restart() {
    let mut hosts = Hosts::default();
    hosts.keep_changes();
    hosts.key(X, 0);
    hosts.own_word(X, A, 1);
    hosts.own_word(X, B, 1_000);
    hosts.key(X, 1_001);
    hosts.own_word(Y, A, 1_002);
    hosts.key(Y, 1_003);
    hosts.key("10.0.0.7", 1_003);
    hosts.own_word("10.0.0.8", Mac::new([2, 0, 0, 0, 0, 0xd]), 1_003);
    hosts.sends("10.0.0.8", Way::Unknown, 1_003);
    let mut hosts = restarted(hosts);
    assert_eq!(hosts.key(X, 2_000), "ip-10.0.0.5#2");
    assert_eq!(hosts.key(Y, 2_000), "ip-10.0.0.5");
    assert_eq!(hosts.key("10.0.0.7", 2_000), "ip-10.0.0.7");
    assert_eq!(hosts.find(&A.to_string()).unwrap().as_str(), "ip-10.0.0.5");
    let view = hosts.view(&HostKey::restored("ip-10.0.0.5")).unwrap();
    assert_eq!((view.first_seen, view.last_seen), (at(0), at(2_000)));
    // A third device at the address, proven after the restart.
    hosts.leased(X, Mac::new([2, 0, 0, 0, 0, 0xc]), 5_000);
    assert_eq!(hosts.key(X, 5_001), "ip-10.0.0.5#3");
}

#[test]
fn devices_at_one_address_keep_their_keys_over_a_restart() {
    let mut hosts = Hosts::default();
    hosts.keep_changes();
    hosts.own_word(X, A, 1);
    hosts.own_word(X, B, 2);
    let keys = |hosts: &mut Hosts, second| [A, B].map(|mac| hosts.key_from(mac, X, second));
    let before = keys(&mut hosts, 10);
    let mut hosts = restarted(hosts);
    hosts.own_word(Y, C, 2_000);
    assert_eq!(keys(&mut hosts, 2_000), before);
}

#[test]
fn who_gave_its_address_up_is_known_by_the_rest_over_a_restart() {
    let mut hosts = Hosts::default();
    hosts.keep_changes();
    let mut named = lease(X, A, MacSource::Header, 3_600);
    named.client.host_name = DomainName::parse("alice-pc").ok();
    hosts.learn(&IdentityFact::Lease(named), at(0));
    hosts.key(X, 1);
    hosts.leased(X, B, 5_000);
    for _ in 0..2 {
        let view = hosts.view(&HostKey::from_mac(A)).unwrap();
        assert_eq!(
            (view.name.as_deref(), &*view.macs),
            (Some("alice-pc"), &[A][..])
        );
        assert_eq!(view.confidence, KeyConfidence::Hardware);
        assert!(view.addresses.is_empty());
        hosts = restarted(hosts);
        hosts.leased(X, B, 6_000);
    }
}

#[test]
fn changes_tell_bindings_once_each() {
    let mut hosts = Hosts::default();
    hosts.keep_changes();
    hosts.sends(X, Way::Unknown, 0);
    hosts.own_word(X, A, 1);
    assert!(
        hosts.changes().bindings.is_empty(),
        "nothing is put down to it"
    );
    hosts.key(X, 2);
    let changes = hosts.changes();
    let binding = AddressBinding {
        host: HostKey::from_mac(A),
        address: address(X),
        from: at(0),
        until: None,
        mac: Some(A),
    };
    assert_eq!(changes.bindings, std::slice::from_ref(&binding));
    assert_eq!(changes.hosts.len(), 1);
    hosts.key(X, 3);
    let changes = hosts.changes();
    assert!(changes.bindings.is_empty() && changes.hosts.is_empty());
    hosts.leased(X, B, 50);
    hosts.key(X, 51);
    let changes = hosts.changes();
    let ended = AddressBinding {
        until: Some(at(50)),
        ..binding
    };
    let begun = AddressBinding {
        host: HostKey::from_mac(B),
        address: address(X),
        from: at(50),
        until: None,
        mac: Some(B),
    };
    assert_eq!(changes.bindings, [ended, begun]);
}
