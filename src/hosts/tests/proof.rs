//! Which key a host gets: what proves a hardware address, and what becomes known later.

use proptest::prelude::*;

use super::*;

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
