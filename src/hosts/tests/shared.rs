//! An address of several devices: one after the other, or at the same time.

use super::*;

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
