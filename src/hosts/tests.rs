//! Keys: what is said of devices in, whose an address is out.

use std::net::{IpAddr, Ipv6Addr};

use proptest::prelude::*;

use super::*;
use crate::model::{
    AddressBinding, AdvertisedPrefix, Claim, Client, ClientMac, DomainName, HostView, IdentityFact,
    Intent, KeyConfidence, Lease, LeasedAddress, MacSource, Neighbour, NeighbourSource,
    RouterAdvert,
};

const X: &str = "10.0.0.5";
const Y: &str = "10.0.0.6";
const A: Mac = Mac::new([2, 0, 0, 0, 0, 0xa]);
const B: Mac = Mac::new([2, 0, 0, 0, 0, 0xb]);
const C: Mac = Mac::new([2, 0, 0, 0, 0, 0xc]);

fn at(second: i64) -> Timestamp {
    Timestamp::from_unix(second, 0)
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn neighbour(text: &str, mac: Mac, source: NeighbourSource) -> IdentityFact {
    IdentityFact::Neighbour(Neighbour {
        address: address(text),
        mac,
        source,
        router: false,
    })
}

fn client(mac: Mac, source: MacSource) -> Client {
    Client {
        mac: Some(ClientMac { mac, source }),
        ..Client::default()
    }
}

fn lease(text: &str, mac: Mac, source: MacSource, seconds: u32) -> Lease {
    Lease {
        client: client(mac, source),
        addresses: vec![LeasedAddress {
            address: address(text),
            lifetime: Some(seconds),
        }],
        routers: Vec::new(),
        resolvers: Vec::new(),
    }
}

/// What happens, as tests write it.
impl Hosts {
    fn own_word(&mut self, text: &str, mac: Mac, second: i64) {
        let fact = neighbour(text, mac, NeighbourSource::ArpRequest);
        self.learn(&fact, at(second));
    }

    fn leased(&mut self, text: &str, mac: Mac, second: i64) {
        let fact = IdentityFact::Lease(lease(text, mac, MacSource::Header, 3_600));
        self.learn(&fact, at(second));
    }

    fn sends(&mut self, text: &str, way: Way, second: i64) {
        self.present(&Presence {
            host: address(text),
            time: at(second),
            way,
        });
    }

    /// The key to which a sighting is put down.
    fn key(&mut self, text: &str, second: i64) -> String {
        self.key_from(None, text, second)
    }

    /// The same, of packets in frames from a hardware address.
    fn key_from(&mut self, mac: impl Into<Option<Mac>>, text: &str, second: i64) -> String {
        let span = Span::at(at(second));
        self.sight(address(text), mac.into(), span, Strength::Strong)
            .to_string()
    }

    fn aliases(&self, key: &str) -> Vec<String> {
        let view = self.view(&HostKey::restored(key)).unwrap();
        view.aliases.iter().map(ToString::to_string).collect()
    }
}

#[test]
fn a_key_is_of_the_hardware_address_where_that_was_proven_before() {
    type Say = fn(&mut Hosts);
    let cases: [(&str, Say, &str); 9] = [
        ("nothing", |_| {}, "ip-10.0.0.5"),
        (
            "own word",
            |it| it.own_word(X, A, 1),
            "mac-02:00:00:00:00:0a",
        ),
        ("a server", |it| it.leased(X, A, 1), "mac-02:00:00:00:00:0a"),
        (
            "an answer may be a proxy's",
            |it| it.learn(&neighbour(X, A, NeighbourSource::ArpReply), at(1)),
            "ip-10.0.0.5",
        ),
        (
            "the identifier of some interface",
            |it| {
                let lease = lease(X, A, MacSource::Duid, 3_600);
                it.learn(&IdentityFact::Lease(lease), at(1));
            },
            "ip-10.0.0.5",
        ),
        (
            "what a client asks for",
            |it| {
                let claim = Claim {
                    client: client(A, MacSource::Header),
                    addresses: vec![address(X)],
                    intent: Intent::Use,
                };
                it.learn(&IdentityFact::Claim(claim), at(1));
            },
            "ip-10.0.0.5",
        ),
        (
            "a frame in a network of which nothing is known",
            |it| it.sends(X, Way::Direct(A), 1),
            "ip-10.0.0.5",
        ),
        (
            "a frame in a network that is on the link",
            |it| {
                it.own_word(Y, B, 1);
                it.sends(X, Way::Direct(A), 1);
            },
            "mac-02:00:00:00:00:0a",
        ),
        (
            "later than the sighting",
            |it| it.own_word(X, A, 9),
            "ip-10.0.0.5",
        ),
    ];
    for (what, say, expected) in cases {
        let mut hosts = Hosts::default();
        say(&mut hosts);
        assert_eq!(hosts.key(X, 5), expected, "{what}");
    }
}

#[test]
fn later_proof_adds_an_alias_whatever_the_batches() {
    let aliases = ["mac-02:00:00:00:00:0a"];
    let mut before = Hosts::default();
    before.own_word(X, A, 9);
    assert_eq!(before.key(X, 5), "ip-10.0.0.5");
    let mut after = Hosts::default();
    assert_eq!(after.key(X, 5), "ip-10.0.0.5");
    after.own_word(X, A, 9);
    for mut hosts in [before, after] {
        assert_eq!(hosts.aliases("ip-10.0.0.5"), aliases);
        assert_eq!(hosts.key(X, 10), "ip-10.0.0.5");
        // Another address of the device is the same host.
        hosts.own_word(Y, A, 11);
        assert_eq!(hosts.key(Y, 12), "ip-10.0.0.5");
        let view = hosts.view(&HostKey::restored("mac-02:00:00:00:00:0a"));
        let view = view.unwrap();
        assert_eq!(view.addresses, [address(X), address(Y)]);
        assert_eq!(
            (view.macs, view.confidence),
            (vec![A], KeyConfidence::Hardware)
        );
        for text in ["02-00-00-00-00-0A", X, Y, "ip-10.0.0.5"] {
            assert_eq!(hosts.find(text).unwrap().as_str(), "ip-10.0.0.5", "{text}");
        }
        assert_eq!(hosts.find("10.0.0.99"), None);
    }
}

#[test]
fn addresses_of_both_families_and_new_ones_are_one_host() {
    let mut hosts = Hosts::default();
    let all = [
        "10.0.0.5",
        "fe80::5",
        "2001:db8::5",
        "2001:db8::1:5",
        "2001:db8::2:5",
    ];
    for (second, text) in (1..).zip(all) {
        hosts.own_word(text, A, second);
    }
    for text in all {
        assert_eq!(hosts.key(text, 10), "mac-02:00:00:00:00:0a");
    }
    hosts.sends("10.0.0.99", Way::Unknown, 10);
    assert_eq!(hosts.present_after(at(5)), 2);
}

/// Each case: what is said, and the key of a sighting ten seconds after A tried the address out.
#[test]
fn who_tries_an_address_out_has_it_unless_somebody_objects() {
    type Say = fn(&mut Hosts);
    const V6: &str = "2001:db8::1:2";
    let mac = "mac-02:00:00:00:00:0a";
    let says = |it: &mut Hosts, mac, source, second| {
        it.learn(&neighbour(V6, mac, source), at(second));
    };
    let cases: [(&str, Say, &str); 5] = [
        ("nobody", |_| {}, mac),
        (
            "it asks again",
            |it| it.learn(&neighbour(V6, A, NeighbourSource::Tentative), at(1)),
            mac,
        ),
        (
            "another one has it",
            |it| it.learn(&neighbour(V6, B, NeighbourSource::Advertisement), at(1)),
            "ip-2001:db8::1:2",
        ),
        (
            "another one wants it too",
            |it| it.learn(&neighbour(V6, B, NeighbourSource::Tentative), at(1)),
            "ip-2001:db8::1:2",
        ),
        (
            "it says so when it has it",
            |it| it.learn(&neighbour(V6, A, NeighbourSource::Advertisement), at(1)),
            mac,
        ),
    ];
    for (what, say, expected) in cases {
        let mut hosts = Hosts::default();
        says(&mut hosts, A, NeighbourSource::Tentative, 0);
        say(&mut hosts);
        assert_eq!(hosts.key(V6, 10), expected, "{what}");
    }
    // Used at once: the key is the address's, and the device its alias.
    let mut hosts = Hosts::default();
    says(&mut hosts, A, NeighbourSource::Tentative, 0);
    assert_eq!(hosts.key(V6, 1), "ip-2001:db8::1:2");
    hosts.settle(at(3));
    assert_eq!(hosts.aliases("ip-2001:db8::1:2"), [mac]);
    // A flood is bounded.
    for n in 0..10_000_u32 {
        let [a, b, c, d] = n.to_be_bytes();
        let text = format!("2001:db8:9::{n:x}");
        let fact = neighbour(
            &text,
            Mac::new([2, 9, a, b, c, d]),
            NeighbourSource::Tentative,
        );
        hosts.learn(&fact, at(4));
    }
    let (waiting, refused) = hosts.tentative.stats();
    assert_eq!(waiting + refused, 10_000);
    assert!(waiting <= 4_096);
}

#[test]
fn a_host_was_there_before_and_after_its_first_sighting() {
    let mut hosts = Hosts::default();
    hosts.own_word(X, A, 1);
    hosts.own_word(Y, A, 1);
    hosts.sends(X, Way::Unknown, 1);
    hosts.sends(Y, Way::Unknown, 90);
    hosts.key(X, 30);
    let view = hosts.view(&HostKey::from_mac(A)).unwrap();
    assert_eq!((view.first_seen, view.last_seen), (at(1), at(90)));
    hosts.sends(Y, Way::Unknown, 120);
    assert_eq!(hosts.last_packet(&view.key), Some(at(120)));
}

#[test]
fn two_hosts_that_turn_out_to_be_one_are_joined_under_the_older_key() {
    let mut hosts = Hosts::default();
    assert_eq!(hosts.key(Y, 1), "ip-10.0.0.6");
    assert_eq!(hosts.key(X, 2), "ip-10.0.0.5");
    hosts.own_word(X, A, 3);
    assert!(hosts.take_joined().is_empty());
    hosts.own_word(Y, A, 4);
    let joined = hosts.take_joined();
    let joined: Vec<_> = joined
        .iter()
        .map(|(a, b)| (a.as_str(), b.as_str()))
        .collect();
    assert_eq!(joined, [("ip-10.0.0.6", "ip-10.0.0.5")]);
    assert_eq!(
        hosts.aliases("ip-10.0.0.6"),
        ["ip-10.0.0.5", "mac-02:00:00:00:00:0a"]
    );
    assert_eq!(hosts.key(X, 5), "ip-10.0.0.6");
    assert_eq!(hosts.find(X).unwrap().as_str(), "ip-10.0.0.6");
}

#[test]
fn an_address_that_went_to_another_device_is_another_host() {
    // Both known by their hardware addresses.
    let mut hosts = Hosts::default();
    hosts.leased(X, A, 0);
    assert_eq!(hosts.key(X, 1), "mac-02:00:00:00:00:0a");
    hosts.leased(X, B, 5_000);
    assert_eq!(hosts.key(X, 5_001), "mac-02:00:00:00:00:0b");
    assert_eq!(hosts.key(X, 4_999), "mac-02:00:00:00:00:0a", "told late");
    let former = hosts.view(&HostKey::from_mac(A)).unwrap();
    assert!(former.addresses.is_empty());
    assert_eq!(former.last_seen, at(4_999));

    // The first one known by the address.
    let mut hosts = Hosts::default();
    assert_eq!(hosts.key(X, 0), "ip-10.0.0.5");
    hosts.own_word(X, A, 1);
    hosts.own_word(X, B, 1_000);
    assert_eq!(hosts.key(X, 1_001), "ip-10.0.0.5#2");
    assert_eq!(hosts.aliases("ip-10.0.0.5#2"), ["mac-02:00:00:00:00:0b"]);
    hosts.own_word(X, Mac::new([2, 0, 0, 0, 0, 0xc]), 2_000);
    assert_eq!(hosts.key(X, 2_001), "ip-10.0.0.5#3");
    // Each keeps its key wherever it goes.
    hosts.own_word(Y, A, 2_000);
    assert_eq!(hosts.key(Y, 2_001), "ip-10.0.0.5");
    hosts.own_word("10.0.0.7", B, 2_000);
    assert_eq!(hosts.key("10.0.0.7", 2_001), "ip-10.0.0.5#2");
}

#[test]
fn two_that_claim_an_address_in_turn_are_in_conflict() {
    let mut hosts = Hosts::default();
    for round in 0..5 {
        hosts.own_word(X, A, round * 60);
        hosts.own_word(X, B, round * 60 + 30);
        let second = round * 60 + 40;
        assert_eq!(hosts.key_from(A, X, second), "mac-02:00:00:00:00:0a");
        assert_eq!(hosts.key_from(B, X, second), "mac-02:00:00:00:00:0b");
        // Of another one nothing but the address is known, nor where a frame does not tell.
        assert_eq!(hosts.key_from(C, X, second), "ip-10.0.0.5");
        assert_eq!(hosts.key(X, second), "ip-10.0.0.5#2");
    }
    assert_eq!(hosts.stats().conflicts, 5);
    for key in ["ip-10.0.0.5", "ip-10.0.0.5#2"] {
        let view = hosts.view(&HostKey::restored(key)).unwrap();
        assert_eq!(view.confidence, KeyConfidence::Address, "{key}");
    }
    // An hour later it is the first one's.
    assert_eq!(hosts.key(X, 4_000), "mac-02:00:00:00:00:0a");
}

/// Each case: what happens, then the keys of sightings in frames of A, of B, and that do not tell.
#[test]
fn a_sighting_belongs_to_the_device_whose_frames_it_was_in() {
    type Say = fn(&mut Hosts);
    let (a, b) = ("mac-02:00:00:00:00:0a", "mac-02:00:00:00:00:0b");
    let first = "ip-10.0.0.5";
    let second = "ip-10.0.0.5#2";
    let cases: [(&str, Say, [&str; 3]); 9] = [
        (
            "the other one is only seen in frames",
            |it| it.own_word(X, A, 1),
            [a, first, a],
        ),
        (
            "both say so",
            |it| {
                it.own_word(X, A, 1);
                it.own_word(X, B, 2);
            },
            [a, b, first],
        ),
        (
            "a server's word stands against the other's",
            |it| {
                it.own_word(Y, A, 1);
                it.leased(X, A, 1);
                it.own_word(X, B, 2);
            },
            [a, b, a],
        ),
        (
            "a frame in a network that is not known to be here",
            |it| it.leased(X, A, 1),
            [a, a, a],
        ),
        (
            "in front of others",
            |it| {
                it.own_word(X, A, 1);
                for last in 100..110 {
                    it.own_word(&format!("10.0.0.{last}"), B, 1);
                }
            },
            [a, a, a],
        ),
        (
            "seen before the first one said so",
            |it| {
                it.key_from(B, X, 1);
                it.own_word(X, A, 2);
            },
            [second, first, second],
        ),
        (
            "handed over, and the former one goes on",
            |it| {
                it.own_word(X, A, 1);
                it.leased(X, B, 2);
            },
            [a, b, b],
        ),
        (
            "the other one says so later",
            |it| {
                it.own_word(X, A, 1);
                it.key_from(B, X, 2);
                it.own_word(X, B, 3);
            },
            [a, first, second],
        ),
        (
            "the other one takes it over",
            |it| {
                it.own_word(X, A, -2_000);
                it.key_from(B, X, -1_500);
                it.own_word(X, B, -1_000);
            },
            [a, first, first],
        ),
    ];
    for (what, say, expected) in cases {
        let mut hosts = Hosts::default();
        say(&mut hosts);
        for _ in 0..2 {
            let found = [Some(A), Some(B), None].map(|mac| hosts.key_from(mac, X, 10));
            assert_eq!(found, expected, "{what}");
        }
    }
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

#[test]
fn the_inventory_says_who_it_is() {
    let text = "mac,address,name,owner,site,id\n\
        02:00:00:00:00:0a,,Desk 4,Ann,Berne,pc-4\n\
        02:00:00:00:00:0b,,,,,pc-4\n\
        ,10.0.0.9,Printer,,,\n";
    let mut hosts = Hosts::default();
    hosts.own_word(X, A, 1);
    assert_eq!(hosts.key(X, 2), "mac-02:00:00:00:00:0a");
    assert_eq!(hosts.key(Y, 2), "ip-10.0.0.6");
    hosts.set_inventory(Inventory::parse(text).unwrap());
    let joined = hosts.take_joined();
    assert_eq!(joined.len(), 1);
    assert_eq!(hosts.key(X, 3), "pc-4");
    assert_eq!(hosts.aliases("pc-4"), ["mac-02:00:00:00:00:0a"]);
    // Wired and wireless, once the other one's address is proven.
    hosts.own_word(Y, B, 4);
    assert_eq!(hosts.key(Y, 5), "pc-4");
    assert_eq!(hosts.take_joined().len(), 1);
    assert_eq!(hosts.key("10.0.0.9", 5), "inv-printer");
    let view = hosts.view(&HostKey::restored("ip-10.0.0.6")).unwrap();
    assert_eq!(view.key.as_str(), "pc-4");
    assert_eq!(view.macs, [A, B]);
    assert_eq!(
        (
            view.name.as_deref(),
            view.owner.as_deref(),
            view.site.as_deref()
        ),
        (Some("Desk 4"), Some("Ann"), Some("Berne"))
    );
    assert_eq!(view.confidence, KeyConfidence::Inventory);
    // Whoever is left out keeps the key, and loses what stood beside it.
    hosts.set_inventory(Inventory::default());
    assert_eq!(hosts.key(X, 6), "pc-4");
    assert_eq!(hosts.view(&HostKey::restored("pc-4")).unwrap().owner, None);
}

/// Each case: an inventory, what happens, and keys of sightings at 10.0.0.5 by A, then by B, with the owners told and the
/// lines in dispute.
#[test]
fn a_row_by_address_names_a_device_only_where_no_other_one_has_it() {
    type Say = fn(&mut Hosts);
    let (a, b) = ("mac-02:00:00:00:00:0a", "mac-02:00:00:00:00:0b");
    let row = "mac,address,name,owner,site,id\n,10.0.0.5,,Bob,,pc-1\n";
    let with_mac = "mac,address,name,owner,site,id\n02:00:00:00:00:0b,10.0.0.5,,Bob,,pc-1\n";
    let nothing: Say = |_| {};
    let handed_over: Say = |it| it.leased(X, B, 5_000);
    type Told = [(&'static str, Option<&'static str>); 2];
    let cases: [(&str, &str, Say, Told, &[u64]); 6] = [
        (
            "one device",
            row,
            nothing,
            [("pc-1", Some("Bob")), ("pc-1", Some("Bob"))],
            &[],
        ),
        (
            "it went to another one",
            row,
            handed_over,
            [(a, None), (b, None)],
            &[2],
        ),
        (
            "another one claims it too",
            row,
            |it| it.own_word(X, B, 2),
            [(a, None), (b, None)],
            &[2],
        ),
        (
            "the row says which one",
            with_mac,
            handed_over,
            [(a, None), ("pc-1", Some("Bob"))],
            &[],
        ),
        (
            "the row says another one",
            with_mac,
            nothing,
            [(a, None), (a, None)],
            &[2],
        ),
        (
            "the other one is only seen in frames",
            row,
            |it| it.own_word(Y, C, 1),
            [("pc-1", Some("Bob")), ("ip-10.0.0.5", None)],
            &[],
        ),
    ];
    for (what, text, say, expected, lines) in cases {
        for is_late in [false, true] {
            let mut hosts = Hosts::default();
            if !is_late {
                hosts.set_inventory(Inventory::parse(text).unwrap());
            }
            hosts.leased(X, A, 0);
            hosts.key_from(A, X, 1);
            say(&mut hosts);
            let second = if what == "it went to another one" || what == "the row says which one" {
                5_001
            } else {
                10
            };
            hosts.key_from(B, X, second);
            if is_late {
                hosts.set_inventory(Inventory::parse(text).unwrap());
            }
            let of = |at_second: i64, mac| {
                let key = hosts.key_of(address(X), Some(mac), at(at_second));
                (key.to_string(), hosts.view(&key).unwrap().owner)
            };
            let found = [of(1, A), of(second, B)];
            let found: Vec<_> = found
                .iter()
                .map(|(key, owner)| (key.as_str(), owner.as_deref()))
                .collect();
            assert_eq!(found, expected, "{what} {is_late}");
            let told: Vec<u64> = hosts.disputes().iter().map(|it| it.line).collect();
            assert_eq!(told, lines, "{what} {is_late}");
        }
    }
}

/// The id stays the older key of the device that had it; the right one has what stands in the row, by its hardware address.
#[test]
fn an_id_that_was_anothers_joins_nobody() {
    let row = |mac: &str| {
        let text = format!("mac,address,owner,id\n{mac},10.0.0.5,Bob,pc-1\n");
        Inventory::parse(&text).unwrap()
    };
    let mut hosts = Hosts::default();
    hosts.set_inventory(row(""));
    hosts.leased(X, A, 0);
    assert_eq!(hosts.key(X, 1), "pc-1");
    hosts.leased(X, B, 5_000);
    assert_eq!(hosts.key(X, 5_001), "mac-02:00:00:00:00:0b");
    hosts.set_inventory(row("02:00:00:00:00:0b"));
    assert_eq!(hosts.key(X, 5_002), "mac-02:00:00:00:00:0b");
    assert_eq!(hosts.disputes(), []);
    let owner = |mac| hosts.view(&HostKey::from_mac(mac)).unwrap().owner;
    assert_eq!((owner(A), owner(B).as_deref()), (None, Some("Bob")));
    assert_eq!(hosts.aliases("mac-02:00:00:00:00:0a"), ["pc-1"]);
}

#[test]
fn a_lease_file_is_a_servers_word() {
    let listings = |mac, from: Option<i64>| Listings {
        inventory: Inventory::default(),
        leases: vec![LeaseRecord {
            address: address(X),
            mac: Some(mac),
            name: Some(DomainName::parse("pc-17").unwrap()),
            from: from.map(at),
            until: at(100),
        }],
    };
    let mut hosts = Hosts::default();
    hosts.set_listings(listings(A, Some(50)), None);
    assert_eq!(hosts.present_after(Timestamp::MIN), 0, "nothing was seen");
    assert_eq!(hosts.seen(address(X)), None);
    assert_eq!(hosts.key(X, 5), "mac-02:00:00:00:00:0a");
    assert_eq!(hosts.known(address(X)).name.as_deref(), Some("pc-17"));
    // Read again, changed: from then on, or from when the file says.
    hosts.set_listings(listings(B, None), Some(at(60)));
    assert_eq!(hosts.key(X, 59), "mac-02:00:00:00:00:0a");
    assert_eq!(hosts.key(X, 61), "mac-02:00:00:00:00:0b");
    hosts.set_listings(listings(A, Some(70)), Some(at(80)));
    assert_eq!(hosts.key(X, 71), "mac-02:00:00:00:00:0a");
    // Read again, the same: what traffic proved since is later.
    hosts.leased(X, B, 90);
    hosts.set_listings(listings(A, None), Some(at(100)));
    assert_eq!(hosts.key(X, 101), "mac-02:00:00:00:00:0b");
}

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
    assert!(hosts.seen(address(X)).is_some());
    let view = |host: &str| hosts.view(&HostKey::from_address(address(host)));
    assert!(view(X).is_some() && view("10.64.0.0").is_none());
}

/// What happens.
#[derive(Clone, Copy, Debug)]
enum Event {
    OwnWord,
    Leased,
    Frame,
    Sighting,
}

/// What happens, to which of four addresses, so many seconds later.
fn events() -> impl Strategy<Value = Vec<(Event, u8, i64)>> {
    let event = prop_oneof![
        Just(Event::OwnWord),
        Just(Event::Leased),
        Just(Event::Frame),
        Just(Event::Sighting),
        Just(Event::Sighting),
    ];
    prop::collection::vec((event, 0..4_u8, 1..900_i64), 0..24)
}

proptest! {
    /// Sightings that are told behind what was said later come to the same keys, as long as no address changes hands.
    #[test]
    fn late_sightings_come_to_the_same_keys(events in events()) {
        let mut now = 0;
        let mut timed = Vec::new();
        for (event, host, step) in events {
            now += step;
            // Two devices with two addresses each.
            let mac = Mac::new([2, 0, 0, 0, 0, host / 2]);
            timed.push((event, format!("10.0.0.{host}"), mac, now));
        }
        let say = |hosts: &mut Hosts, (event, text, mac, time): &(Event, String, Mac, i64)| {
            match event {
                Event::OwnWord => hosts.own_word(text, *mac, *time),
                Event::Leased => hosts.leased(text, *mac, *time),
                Event::Frame => hosts.sends(text, Way::Direct(*mac), *time),
                Event::Sighting => {
                    hosts.key(text, *time);
                }
            }
        };
        let (mut live, mut late) = (Hosts::default(), Hosts::default());
        timed.iter().for_each(|it| say(&mut live, it));
        let is_sighting = |it: &&(Event, String, Mac, i64)| matches!(it.0, Event::Sighting);
        timed.iter().filter(|it| !is_sighting(it)).for_each(|it| say(&mut late, it));
        timed.iter().filter(is_sighting).for_each(|it| say(&mut late, it));
        for (_, text, mac, _) in &timed {
            prop_assert_eq!(live.find(text), late.find(text), "{:?}", timed);
            let by_mac = (live.find(&mac.to_string()), late.find(&mac.to_string()));
            prop_assert_eq!(by_mac.0, by_mac.1, "{:?}", timed);
        }
    }
}
