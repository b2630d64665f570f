//! Datagrams of QUIC.

use super::NAME;
use crate::checks::parts::joined;
use crate::checks::quic;
use crate::support::initials::{self, crypto};
use crate::support::{ClientHello, Initial};

pub(super) fn datagrams() -> Vec<(String, Vec<u8>)> {
    const SERVER: u8 = quic::FROM_SERVER;
    let message = ClientHello::to(NAME).message();
    let half = message.len() / 2;
    let whole = crypto(&message, 0..message.len());
    let parts = [
        crypto(&message, half..message.len()),
        crypto(&message, 0..half),
    ];
    let talks = crypto(&[2, 0, 0, 0], 0..4);
    let long = |version: u32, first: u8, rest: &[u8]| {
        let mut packet = vec![first];
        packet.extend(version.to_be_bytes());
        packet.extend(b"\x06client\x06server");
        packet.extend(rest);
        packet
    };
    let raw = quic::RAW;
    let scripts = [
        ("hello", vec![(0, whole.clone()), (SERVER, talks.clone())]),
        ("version 2", vec![(quic::SECOND_VERSION, whole.clone())]),
        (
            "two packets",
            vec![
                (0, parts[0].clone()),
                (0, parts[1].clone()),
                (SERVER, vec![0x1c, 0, 0, 0]),
            ],
        ),
        (
            "coalesced",
            vec![
                (0, parts[0].clone()),
                (quic::COALESCED | quic::TO_SERVER_ID, parts[1].clone()),
            ],
        ),
        (
            "other frames",
            vec![
                (0, [&[1, 0, 0, 2, 0, 0, 0, 0][..], &whole].concat()),
                (SERVER, vec![2, 0, 0, 0, 0]),
            ],
        ),
        (
            "retry",
            vec![
                (0, vec![1]),
                (raw | SERVER, long(initials::V1, 0xf0, &[7; 24])),
                (0, whole.clone()),
                (raw | SERVER, long(initials::V1, 0xf0, &[7; 24])),
                (raw | SERVER, long(initials::V1, 0xe0, b"\x0512345")),
            ],
        ),
        (
            "negotiation",
            vec![
                (raw, long(0x1a2a_3a4a, 0xc0, &[0; 1180])),
                (raw | SERVER, long(0, 0x80, &[0, 0, 0, 1])),
            ],
        ),
        (
            "as it is",
            vec![(
                raw,
                Initial::client(b"first-id")
                    .token(b"token")
                    .datagram(&whole),
            )],
        ),
    ];
    scripts
        .map(|(name, script)| (name.to_owned(), joined(0, script)))
        .to_vec()
}
