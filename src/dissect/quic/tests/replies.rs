//! What comes back after the hello.

use super::building::{Talker, V2, client, crypto, hello, negotiation, offer, server};
use crate::dissect::Dissection;
use crate::dissect::quic::versions::PacketKind;
use crate::dissect::quic::{Connection, Scratch, Server, ServerReply};

const CLOSE: [u8; 5] = [0x1c, 0x41, 0x28, 0, 0]; // a TLS alert as error code

/// The server as it is known after the client's hello.
fn after_hello() -> Server {
    let message = hello("a.example", 100);
    let mut connection = Connection::default();
    assert!(connection.server().is_none());
    let datagram = client().datagram(0, &crypto(&message, 0..message.len()));
    offer(&mut connection, &[datagram]);
    connection.server().unwrap()
}

fn reply(server: &mut Server, datagram: &[u8]) -> Dissection<ServerReply> {
    server.reply(datagram, datagram.len(), &mut Scratch::default())
}

#[test]
fn a_handshake_is_talk_and_a_close_is_a_refusal() {
    let shake = crypto(&[2, 0, 0, 0], 0..4);
    let talk = Dissection::Found(ServerReply::Talk);
    let refused = Dissection::Found(ServerReply::Refused);
    let mut known = after_hello();
    let ack = server().initial(0, &[2, 0, 0, 0, 0, 0]);
    assert_eq!(reply(&mut known, &ack), Dissection::NeedMore);
    assert_eq!(reply(&mut known, &server().initial(1, &CLOSE)), refused);
    assert_eq!(reply(&mut known, &server().initial(2, &shake)), talk);
    let mut later = server().opaque(PacketKind::Handshake, 50);
    assert_eq!(reply(&mut after_hello(), &later), talk);
    later[0] &= !0x40; // the fixed bit, greased (RFC 9287)
    assert_eq!(reply(&mut after_hello(), &later), talk);
    // It answers in another version (RFC 9368).
    let other = Talker {
        version: V2,
        ..server()
    };
    assert_eq!(reply(&mut after_hello(), &other.initial(0, &shake)), talk);
}

#[test]
fn what_anybody_can_send_proves_nothing() {
    let shake = crypto(&[2, 0, 0, 0], 0..4);
    let mut known = after_hello();
    let stranger = Talker {
        first_id: b"not-this-id",
        ..server()
    };
    for datagram in [
        stranger.initial(0, &shake),
        client().initial(0, &shake),
        negotiation(&[V2]),
        vec![0x41; 100],
        Vec::new(),
    ] {
        assert_eq!(reply(&mut known, &datagram), Dissection::NeedMore);
    }
}

#[test]
fn a_retry_is_no_reply_and_changes_the_keys_once() {
    let shake = crypto(&[2, 0, 0, 0], 0..4);
    let mut known = after_hello();
    for from in [&b"retried-id"[..], b"again-an-id"] {
        let retry = Talker { from, ..server() }.opaque(PacketKind::Retry, 40);
        assert_eq!(reply(&mut known, &retry), Dissection::NeedMore);
    }
    let retried = Talker {
        first_id: b"retried-id",
        ..server()
    };
    assert_eq!(
        reply(&mut known, &retried.initial(0, &shake)),
        Dissection::Found(ServerReply::Talk)
    );
}
