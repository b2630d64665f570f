//! Devices in front of others: routers and repeaters.

use std::net::Ipv6Addr;

use super::*;

#[test]
fn who_fronts_others_is_nobodys_key() {
    let router = |hosts: &mut Hosts| {
        hosts.learn(
            &IdentityFact::RouterAdvert(RouterAdvert {
                router: Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1),
                mac: Some(A),
                lifetime: 1_800,
                prefixes: Vec::new(),
                resolvers: Vec::new(),
            }),
            at(1),
        );
    };
    let handed_out = |hosts: &mut Hosts| {
        let mut lease = lease(Y, B, MacSource::Header, 60);
        lease.routers = vec![address(X)];
        hosts.learn(&IdentityFact::Lease(lease), at(1));
    };
    let many = |hosts: &mut Hosts| {
        for last in 100..110 {
            hosts.own_word(&format!("10.0.0.{last}"), A, 1);
        }
    };
    let says: [&dyn Fn(&mut Hosts); 3] = [&router, &handed_out, &many];
    for say in says {
        for before in [true, false] {
            let mut hosts = Hosts::default();
            if before {
                say(&mut hosts);
            }
            hosts.own_word(X, A, 1);
            if !before {
                say(&mut hosts);
            }
            assert_eq!(hosts.key(X, 2), "ip-10.0.0.5", "{before}");
            assert_eq!(hosts.known(address(X)).mac, None);
        }
    }
}

#[test]
fn what_a_repeater_made_one_is_parted_when_it_shows() {
    let mut hosts = Hosts::default();
    let all: Vec<String> = (1..=5).map(|last| format!("10.0.0.{last}")).collect();
    for (second, text) in (0..).zip(&all) {
        hosts.key(text, second);
    }
    for text in &all[..4] {
        hosts.own_word(text, A, 10);
    }
    assert_eq!(hosts.key(&all[3], 11), "ip-10.0.0.1");
    hosts.own_word(&all[4], A, 12);
    for text in &all {
        assert_eq!(hosts.key(text, 13), format!("ip-{text}"));
    }
}

#[test]
fn what_is_behind_a_router_is_one_host_a_network() {
    let mut hosts = Hosts::default();
    let group = "ip-2001:db8:1:2::/64";
    for text in ["2001:db8:1:2::5", "2001:db8:1:2:a:b:c:d"] {
        hosts.sends(text, Way::Forwarded, 1);
        assert_eq!(hosts.key(text, 2), group);
    }
    // Unless it is known who it is, or nothing shows that it is behind one.
    hosts.leased("2001:db8:1:2::7", A, 1);
    assert_eq!(hosts.key("2001:db8:1:2::7", 2), "mac-02:00:00:00:00:0a");
    assert_eq!(hosts.key("2001:db8:9::5", 2), "ip-2001:db8:9::5");
    let prefix = AdvertisedPrefix {
        network: "2001:db8:3::/64".parse().unwrap(),
        on_link: true,
        autonomous: true,
        valid: 3_600,
    };
    let advert = RouterAdvert {
        router: Ipv6Addr::LOCALHOST,
        mac: None,
        lifetime: 0,
        prefixes: vec![prefix],
        resolvers: Vec::new(),
    };
    hosts.learn(&IdentityFact::RouterAdvert(advert), at(1));
    hosts.sends("2001:db8:3::5", Way::Forwarded, 1);
    assert_eq!(hosts.key("2001:db8:3::5", 2), "ip-2001:db8:3::5");
}
