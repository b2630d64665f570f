//! Whole connections: what clients do with a hello, all of it read.

use proptest::prelude::*;

use super::building::{
    CLIENT_ID, SERVER_ID, Talker, V2, client, crypto, hello, name, negotiation, offer, server,
};
use crate::dissect::Dissection;
use crate::dissect::quic::versions::PacketKind;
use crate::dissect::quic::{Connection, FirstPacket, Scratch, first_flight};

const NAME: &str = "s07.upd.kaspersky.com";

#[test]
fn every_version_is_read() {
    let drafts = 0xff00_0016..=0xff00_0022;
    let numbers = [1, V2, 0x709a_50c4, 0xface_b001, 0xface_b002, 0xface_b00e]
        .into_iter()
        .chain(drafts);
    let message = hello(NAME, 100);
    for version in numbers {
        let client = Talker {
            version,
            ..client()
        };
        let datagram = client.datagram(0, &crypto(&message, 0..message.len()));
        assert_eq!(
            first_flight(&datagram, datagram.len()),
            Dissection::Found(FirstPacket::Known(PacketKind::Initial))
        );
        assert_eq!(name(&[datagram]).as_deref(), Some(NAME), "{version:#x}");
    }
}

#[test]
fn google_frames_are_read() {
    let message = hello(NAME, 100);
    for version in [0x5430_3530, 0x5430_3531] {
        let client = Talker {
            version,
            ..client()
        };
        let mut frames = vec![0x07]; // PING
        frames.extend([0x40, 1, 0, 0, 1, 0]); // ACK of one block
        frames.extend([0x65, 1, 1, 0, 0]); // ACK with all parts: numbers of two bytes, delay,
        frames.extend([2, 0, 9, 3, 0, 9, 2, 0, 1]); // three blocks,
        frames.extend([2, 1, 1, 1, 1, 1, 2, 2, 2]); // two arrival times
        let mut part = crypto(&message, 0..message.len());
        part[0] = 8;
        frames.extend(part);
        let datagram = client.datagram(1, &frames);
        assert_eq!(name(&[datagram]).as_deref(), Some(NAME), "{version:#x}");
    }
}

#[test]
fn a_name_cut_in_two_with_other_frames_between() {
    let message = hello(NAME, 1800);
    let cut = message.len() - 10; // within the name
    let mut first = vec![0, 0, 1]; // PADDING, PING
    first.extend(crypto(&message, cut..message.len()));
    first.extend([2, 9, 0, 1, 0, 3, 2]); // ACK with two ranges
    first.extend(crypto(&message, 700..900));
    first.extend([3, 9, 0, 0, 0, 1, 1, 1, 0]); // ACK with ECN counts
    first.extend(crypto(&message, 0..100));
    let mut second = crypto(&message, 60..750);
    second.extend([0x1c, 0, 0, 2, b'n', b'o']); // CONNECTION_CLOSE
    let third = crypto(&message, 850..cut);
    let datagrams = [first, second, third].map(|frames| client().datagram(3, &frames));
    assert_eq!(name(&datagrams[..2]), None);
    assert_eq!(name(&datagrams).as_deref(), Some(NAME));
}

#[test]
fn coalesced_packets_are_skipped_by_their_length() {
    let message = hello(NAME, 100);
    let whole = crypto(&message, 0..message.len());
    let mut datagram = client().opaque(PacketKind::ZeroRtt, 300);
    datagram.extend(client().opaque(PacketKind::Handshake, 40));
    datagram.extend(client().initial(0, &[1, 0, 0, 0]));
    datagram.extend(client().initial(1, &whole));
    datagram.extend([0x41; 200]); // a short header goes to the end
    assert_eq!(name(&[datagram]).as_deref(), Some(NAME));
}

#[test]
fn the_id_changes_after_the_first_reply_and_the_keys_stay() {
    let message = hello(NAME, 100);
    let first = client().datagram(0, &crypto(&message, 0..50));
    for id in [SERVER_ID, &[], &[9; 20]] {
        let later = Talker { to: id, ..client() };
        let second = later.datagram(1, &crypto(&message, 50..message.len()));
        assert_eq!(
            name(&[first.clone(), second.clone()]).as_deref(),
            Some(NAME)
        );
        // Without the first id nothing can be read.
        assert_eq!(name(&[second]), None);
    }
}

#[test]
fn after_a_retry_the_keys_come_from_its_id() {
    let message = hello(NAME, 1800);
    let retried = Talker {
        first_id: b"retried-id",
        to: b"retried-id",
        token: &[7; 90],
        ..client()
    };
    // The first half is lost on the wire; after the Retry the hello comes anew.
    let datagrams = [
        client().datagram(0, &crypto(&message, 900..message.len())),
        retried.datagram(1, &crypto(&message, 0..900)),
        retried.datagram(2, &crypto(&message, 900..message.len())),
    ];
    assert_eq!(name(&datagrams[..2]), None);
    assert_eq!(name(&datagrams).as_deref(), Some(NAME));
    assert_eq!(name(&datagrams[1..]).as_deref(), Some(NAME));
}

#[test]
fn two_hellos_of_one_flow_never_mix() {
    let old = hello("old.example.com", 1800);
    let new = hello("new.example.com", 1800);
    let again = Talker {
        first_id: b"another-id",
        to: b"another-id",
        version: V2,
        ..client()
    };
    let cut = old.len() - 10; // within the name
    let datagrams = [
        client().datagram(0, &crypto(&old, 0..cut)),
        again.datagram(0, &crypto(&new, cut..new.len())),
        again.datagram(1, &crypto(&new, 0..cut)),
    ];
    assert_eq!(name(&datagrams[..2]), None);
    assert_eq!(name(&datagrams).as_deref(), Some("new.example.com"));
}

#[test]
fn a_version_that_is_refused_is_told_and_the_next_is_read() {
    let message = hello(NAME, 100);
    let whole = crypto(&message, 0..message.len());
    let mut greased = client().datagram(0, &whole);
    greased[1..5].copy_from_slice(&[0xba; 4]);
    assert_eq!(
        first_flight(&greased, greased.len()),
        Dissection::Found(FirstPacket::UnknownVersion(0xbaba_baba))
    );
    let refusal = negotiation(&[1, 0x1a2a_3a4a]);
    assert_eq!(
        first_flight(&refusal, refusal.len()),
        Dissection::Found(FirstPacket::VersionNegotiation)
    );
    let mut connection = Connection::default();
    let greased = [greased];
    assert_eq!(offer(&mut connection, &greased), Dissection::NeedMore);
    assert!(connection.is_unknown_version());
    let next = [client().datagram(0, &whole)];
    assert!(matches!(
        offer(&mut connection, &next),
        Dissection::Found(_)
    ));
    assert!(!connection.is_unknown_version());
}

#[test]
fn what_a_server_sends_is_no_hello() {
    let message = hello(NAME, 100);
    let datagram = server().datagram(0, &crypto(&message, 0..message.len()));
    assert_eq!(name(&[datagram]), None);
}

#[test]
fn a_datagram_cut_by_the_capture_is_quic_but_unread() {
    let message = hello(NAME, 100);
    let datagram = client().datagram(0, &crypto(&message, 0..message.len()));
    let mut scratch = Scratch::default();
    for end in 0..datagram.len() {
        let kind = first_flight(&datagram[..end], datagram.len());
        let header_len = 1 + 4 + 9 + 1 + CLIENT_ID.len() + 1 + 2;
        if end < header_len {
            assert_eq!(kind, Dissection::NeedMore, "{end}");
        } else {
            let initial = FirstPacket::Known(PacketKind::Initial);
            assert_eq!(kind, Dissection::Found(initial), "{end}");
        }
        let mut connection = Connection::default();
        let verdict = connection.datagram(&datagram[..end], datagram.len(), &mut scratch);
        if end < datagram.len() - 64 {
            assert_eq!(verdict, Dissection::NeedMore, "{end}");
        }
        // A datagram that ends there is none.
        if end < 1100 {
            assert_eq!(first_flight(&datagram[..end], end), Dissection::NotThis);
        }
    }
}

#[test]
fn a_hello_of_one_frame_holds_nothing() {
    let message = hello(NAME, 1000);
    let datagram = client().datagram(0, &crypto(&message, 0..message.len()));
    let mut connection = Connection::default();
    assert!(matches!(
        offer(&mut connection, std::slice::from_ref(&datagram)),
        Dissection::Found(_)
    ));
    assert_eq!(connection.held(), 0);
    assert_eq!(offer(&mut connection, &[datagram]), Dissection::NotThis);
}

proptest! {
    /// Cut anywhere, in any order, some parts twice: the same name, and none before the last byte came.
    #[test]
    fn every_permutation_of_initials_gives_the_same_hello(
        cuts in prop::collection::btree_set(1..1950usize, 0..12),
        overlap in 0..40usize,
        seed in any::<u64>(),
        per_packet in 1..5usize,
        share in prop::sample::select(vec![60usize, 1200, 1800]),
    ) {
        let message = hello(NAME, share);
        let mut edges: Vec<usize> = cuts.into_iter().filter(|&cut| cut < message.len()).collect();
        edges.push(message.len());
        let mut start = 0;
        let mut parts = Vec::new();
        for end in edges {
            parts.push(crypto(&message, start..(end + overlap).min(message.len())));
            start = end;
        }
        // A shuffle by a linear congruence: enough to reach every order.
        let mut state = seed;
        for at in (1..parts.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            parts.swap(at, (state >> 33) as usize % (at + 1));
        }
        parts.push(parts[0].clone());
        let datagrams: Vec<Vec<u8>> = parts
            .chunks(per_packet)
            .enumerate()
            .map(|(number, parts)| client().datagram(number as u32, &parts.concat()))
            .collect();
        prop_assert_eq!(name(&datagrams), Some(NAME.to_owned()));
    }
}
