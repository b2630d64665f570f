//! Input made to mislead, to cost, or by chance.

use proptest::prelude::*;

use super::building::{Talker, client, crypto, hello, name, negotiation, offer};
use crate::dissect::Dissection;
use crate::dissect::quic::versions::PacketKind;
use crate::dissect::quic::{Connection, Scratch, first_flight};

const NAME: &str = "s07.upd.kaspersky.com";

fn one_datagram() -> Vec<u8> {
    let message = hello(NAME, 100);
    client().datagram(0, &crypto(&message, 0..message.len()))
}

/// An Initial that nothing opens, for an id of its own.
fn forged(id: u8) -> Vec<u8> {
    let id = [id; 8];
    let mut datagram = Talker {
        to: &id,
        ..client()
    }
    .datagram(0, &[1]);
    datagram[600] ^= 1;
    datagram
}

#[test]
fn forged_initials_before_the_hello_do_not_hide_it() {
    let datagrams = [forged(1), forged(2), forged(2), forged(3), one_datagram()];
    assert_eq!(name(&datagrams).as_deref(), Some(NAME));
}

#[test]
fn a_flow_of_forged_initials_is_given_up_and_holds_nothing() {
    let mut connection = Connection::default();
    let many: Vec<Vec<u8>> = (0..4).map(forged).collect();
    assert_eq!(offer(&mut connection, &many[..3]), Dissection::NeedMore);
    assert!(connection.held() < 8 * 1024, "{}", connection.held());
    assert_eq!(offer(&mut connection, &many[3..]), Dissection::NotThis);
    assert_eq!(connection.held(), 0);

    // The same for one id, and for ids too short to be a first one.
    for to in [&[1; 8][..], &[1; 7]] {
        let talker = Talker { to, ..client() };
        let mut datagram = talker.datagram(0, &[1]);
        datagram[600] ^= 1;
        let mut connection = Connection::default();
        let many = vec![datagram; 16];
        assert_eq!(offer(&mut connection, &many[..15]), Dissection::NeedMore);
        assert_eq!(offer(&mut connection, &many[15..]), Dissection::NotThis);
    }
}

#[test]
fn forged_initials_after_the_first_do_not_end_a_hello_on_its_way() {
    let message = hello(NAME, 1800);
    let mut datagrams = vec![client().datagram(0, &crypto(&message, 0..900))];
    datagrams.extend((0..9).map(forged));
    datagrams.push(client().datagram(1, &crypto(&message, 900..message.len())));
    assert_eq!(name(&datagrams).as_deref(), Some(NAME));
}

#[test]
fn a_client_that_never_finishes_is_given_up() {
    let ping = client().datagram(0, &[1]);
    let mut connection = Connection::default();
    let many = vec![ping; 64];
    assert_eq!(offer(&mut connection, &many[..63]), Dissection::NeedMore);
    assert_eq!(offer(&mut connection, &many[63..]), Dissection::NotThis);
}

#[test]
fn memory_follows_what_was_received() {
    let mut connection = Connection::default();
    let message = hello(NAME, 16_000);
    for at in (0..message.len() - 2000).step_by(1000) {
        let datagram = client().datagram(0, &crypto(&message, at + 1..at + 900));
        offer(&mut connection, &[datagram]);
        assert!(connection.held() < 4 * 1024 + 2 * (at + 1000));
    }
}

#[test]
fn a_message_that_is_no_client_hello_names_nothing() {
    let mut message = hello(NAME, 100);
    message[0] = 2;
    let datagram = client().datagram(0, &crypto(&message, 0..message.len()));
    assert_eq!(name(&[datagram, one_datagram()]), None);
}

#[test]
fn other_protocols_are_not_quic() {
    let stun = b"\0\x01\0\0\x21\x12\xa4\x42abcdefghijkl";
    let rtp = b"\x80\0\0\0\0\0\0\xa0\x12\x34\x56\x78payload-of-silence-and-more-of-it";
    let dns = b"\x80\0\x01\0\0\x01\0\0\0\0\0\0\x01a\0\0\x01\0\x01";
    let dtls = b"\x16\xfe\xfd\0\0\0\0\0\0\0\0\0\x10abcdefghijklmnop";
    let wireguard = b"\x01\0\0\0abcdefgh";
    let mut ones = vec![0xff; 1200];
    let mut zeros = vec![0; 1200];
    zeros[0] = 0xc0;
    ones[5] = 8;
    for other in [
        &stun[..],
        rtp,
        dns,
        dtls,
        wireguard,
        &zeros,
        &ones,
        b"",
        b"\xc0",
    ] {
        assert_eq!(
            first_flight(other, other.len()),
            Dissection::NotThis,
            "{other:?}"
        );
        assert_eq!(
            offer(&mut Connection::default(), &[other.to_vec()]),
            Dissection::NotThis
        );
    }
    // A list without any version that makes sense, and one that is not whole.
    for list in [
        negotiation(&[5]),
        negotiation(&[]),
        negotiation(&[1])[..21].to_vec(),
    ] {
        let cut = &list[..list.len()];
        assert_eq!(first_flight(cut, cut.len()), Dissection::NotThis);
    }
}

proptest! {
    #[test]
    fn any_bytes_settle_without_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        more in 0..2000usize,
    ) {
        check_bytes(&bytes, more);
    }

    #[test]
    fn any_bytes_behind_a_header_settle_without_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        first in 0xc0..=0xffu8,
        version in prop::sample::select(vec![0u32, 1, 0x6b33_43cf, 0x5430_3530, 0xff00_001d]),
        more in 0..2000usize,
    ) {
        let mut datagram = vec![first];
        datagram.extend(version.to_be_bytes());
        datagram.extend(bytes);
        check_bytes(&datagram, more);
    }

    /// Frames are inside an authenticated packet, which anybody can make.
    #[test]
    fn any_frames_settle_without_panic(
        frames in prop::collection::vec(
            prop_oneof![Just(0u8), Just(2), Just(6), Just(8), Just(0x40), any::<u8>()],
            0..200,
        ),
        version in prop::sample::select(vec![1u32, 0x5430_3530]),
    ) {
        let datagram = Talker { version, ..client() }.datagram(0, &frames);
        let mut connection = Connection::default();
        offer(&mut connection, &[datagram]);
        prop_assert!(connection.held() < 16 * 1024);
    }

    #[test]
    fn a_flipped_byte_never_gives_another_name(at in 0..1200usize, flip in 1..=255u8) {
        let mut datagram = one_datagram();
        let at = at % datagram.len();
        datagram[at] ^= flip;
        let read = name(&[datagram]);
        prop_assert!(read.is_none() || read.as_deref() == Some(NAME), "{:?}", read);
    }

    #[test]
    fn a_flipped_byte_changes_nothing_for_the_packets_after(at in 0..1100usize, flip in 1..=255u8) {
        let message = hello(NAME, 1800);
        let first = client().datagram(0, &crypto(&message, 0..1000));
        let second = client().datagram(1, &crypto(&message, 1000..message.len()));
        let mut bad = second.clone();
        bad[at] ^= flip;
        prop_assert_eq!(name(&[first, bad, second]), Some(NAME.to_owned()));
    }
}

/// Over all prefixes the kind settles once, and a connection takes any of them.
fn check_bytes(bytes: &[u8], more: usize) {
    let wire_len = bytes.len() + more;
    let mut settled = Dissection::NeedMore;
    for end in 0..=bytes.len() {
        let now = first_flight(&bytes[..end], wire_len);
        if settled != Dissection::NeedMore {
            assert_eq!(now, settled, "changed at {end}");
        }
        settled = now;
    }
    let mut scratch = Scratch::default();
    let mut connection = Connection::default();
    connection.datagram(&one_datagram()[..1000], 1200, &mut scratch);
    connection.datagram(bytes, wire_len, &mut scratch);
    let mut coalesced = client().opaque(PacketKind::Handshake, 30);
    coalesced.extend(bytes);
    connection.datagram(&coalesced, coalesced.len(), &mut scratch);
}
