//! Packets of connections and conversations, for the tracker.

use super::{NAME, conversation};
use crate::checks::parts::joined;
use crate::checks::tracker;
use crate::support::dns_messages::{A, AAAA, Message};
use crate::support::initials::crypto;
use crate::support::packets::{ACK, FIN, PSH, RST, SYN};
use crate::support::{
    ClientHello, Initial, application_data, fatal_alert, server_hello, warning_alert,
};

pub(super) fn flows() -> Vec<(String, Vec<u8>)> {
    const SERVER: u8 = tracker::FROM_SERVER;
    let segment = |how: u8, flags: u8, seq: u16, payload: &[u8]| {
        let [low, high] = seq.to_le_bytes();
        (how, [&[flags, low, high], payload].concat())
    };
    let opened = |how: u8| {
        vec![
            segment(how, SYN, 0, b""),
            segment(how | SERVER, SYN | ACK, 0, b""),
            segment(how, ACK, 1, b""),
        ]
    };
    let with = |mut first: Vec<(u8, Vec<u8>)>, more: Vec<(u8, Vec<u8>)>| {
        first.extend(more);
        first
    };
    let hello = ClientHello::to(NAME).record_size(90).stream();
    let (start, rest) = hello.split_at(100);
    let (middle, end) = rest.split_at(40);
    let at = |bytes: &[u8]| 1 + bytes.len() as u16;
    let whole = segment(0, ACK | PSH, 1, &hello);
    let talk = [server_hello(), application_data(300)].concat();
    let request = format!("GET /a HTTP/1.1\r\nHost: {NAME}\r\n\r\n");
    let connect = format!("CONNECT {NAME}:443 HTTP/1.1\r\n\r\n");
    let query = Message::query(7, NAME, A);
    let answer = query.response().address(NAME, [192, 0, 2, 7].into());
    let message = ClientHello::to(NAME).message();
    let half = message.len() / 2;
    let udp = tracker::UDP;
    let quic_client = Initial::client(b"first-id");
    let talks = crypto(&[2, 0, 0, 0], 0..4);
    let closes = [0x1c, 0, 0, 0];
    let packets: Vec<(u8, Vec<u8>)> = conversation()
        .into_iter()
        .map(|packet| (tracker::RAW, packet.bytes))
        .collect();
    let scripts = [
        (
            "hello whole",
            with(
                opened(0),
                vec![whole.clone(), segment(SERVER, ACK, 1, &talk)],
            ),
        ),
        (
            "hello in order",
            with(
                opened(0),
                vec![
                    segment(0, ACK, 1, start),
                    segment(0, ACK, at(start), middle),
                    segment(0, ACK | PSH, at(&[start, middle].concat()), end),
                    segment(SERVER | 3 << 3, ACK, 1, &talk),
                ],
            ),
        ),
        (
            "hello out of order and again",
            with(
                opened(1),
                vec![
                    segment(1, ACK | PSH, at(&[start, middle].concat()), end),
                    segment(1, ACK, at(start), middle),
                    segment(1, ACK, 1, start),
                    segment(1, ACK, 1, &hello),
                    segment(1, ACK, 40, &hello[39..]),
                    segment(1 | SERVER, ACK, 1, &talk),
                ],
            ),
        ),
        (
            "reset, then data",
            with(
                opened(0),
                vec![
                    whole.clone(),
                    segment(SERVER, RST | ACK, 1, b""),
                    segment(SERVER | tracker::DRAIN, ACK, 1, &talk),
                    segment(0, FIN | ACK, at(&hello), b""),
                    segment(SERVER | tracker::LATER, FIN | ACK, at(&talk), b""),
                    segment(0, SYN, 60_000, b""),
                ],
            ),
        ),
        (
            "alerts",
            with(
                opened(0),
                vec![
                    whole,
                    segment(SERVER, ACK, 1, &warning_alert(112)),
                    segment(SERVER, ACK, at(&warning_alert(112)), &fatal_alert(40)),
                ],
            ),
        ),
        (
            "requests",
            with(
                opened(2),
                vec![
                    segment(2, ACK, 1, &request.as_bytes()[..20]),
                    segment(2, ACK, 21, &request.as_bytes()[20..]),
                    segment(2 | SERVER, ACK, 1, b"HTTP/1.1 403 Forbidden\r\n\r\n"),
                    segment(2 | tracker::DRAIN, SYN, 50_000, b""),
                    segment(2, ACK, 50_001, connect.as_bytes()),
                    segment(2 | SERVER, ACK, 50_001, b"HTTP/1.1 200 OK\r\n\r\n"),
                    segment(2, ACK, 50_001 + connect.len() as u16, &hello),
                ],
            ),
        ),
        (
            "look-ups",
            vec![
                (udp | 2, query.bytes()),
                (udp | 2 | SERVER, answer.bytes()),
                (udp | 2 | tracker::LATER, query.bytes()),
                (udp | 2 | SERVER, query.response().rcode(3).bytes()),
                (
                    udp | 2 | tracker::DRAIN,
                    Message::query(8, NAME, AAAA).bytes(),
                ),
                segment(3, SYN, 0, b""),
                segment(3, ACK, 1, &query.tcp_bytes()),
                segment(3 | SERVER, ACK, 1, &answer.tcp_bytes()),
            ],
        ),
        (
            "quic",
            vec![
                (
                    udp,
                    quic_client.packet(&crypto(&message, half..message.len())),
                ),
                (
                    udp,
                    quic_client
                        .clone()
                        .number(1)
                        .packet(&crypto(&message, 0..half)),
                ),
                (udp | SERVER, Initial::server(b"first-id").packet(&talks)),
                (
                    udp | 1,
                    quic_client.packet(&crypto(&message, 0..message.len())),
                ),
                (
                    udp | 1 | SERVER,
                    Initial::server(b"first-id").packet(&closes),
                ),
            ],
        ),
        ("packets", packets),
    ];
    let mut seeds = Vec::new();
    for (name, script) in scripts {
        for small in [0, 1] {
            seeds.push((format!("{name} {small}"), joined(small, script.clone())));
        }
    }
    seeds
}
