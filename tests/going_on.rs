//! Connections that go on behind a cutoff, or for long: what the server still sends decides, and its farewell does not.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says what it expects; the panic is its report"
)]

mod findings;
mod support;

use std::sync::{Arc, LazyLock};

use findings::{finding, verdict};
use proptest::prelude::*;
use straggler::ledger::{self, Ledger};
use straggler::model::{Frame, LinkType, Timestamp};
use straggler::rules::{Library, RuleSet};
use straggler::tracker::{Settings, Tracker};
use support::initials::{Initial, crypto};
use support::{ClientHello, Link, Side, Talk, TimedPacket, application_data, merge, server_hello};

const SECOND: u64 = 1_000_000_000;
const HOUR: u64 = 3_600 * SECOND;
/// 2024-09-29T00:00:00-04:00 in nanoseconds since 1970.
const CUTOFF: u64 = 1_727_582_400 * SECOND;
const UPDATE: &str = "s07.upd.kaspersky.com";
const SERVER: &str = "198.51.100.7:443";

/// A TLS connection on which the server has sent so many bytes of data.
fn tls(time: u64, bytes: usize) -> Talk {
    Talk::tcp("10.0.0.1:50000", SERVER)
        .at(time)
        .open()
        .client(&ClientHello::to(UPDATE).stream())
        .server(&server_hello())
        .server(&application_data(bytes))
}

fn quic(time: u64) -> Talk {
    let hello = ClientHello::to(UPDATE).message();
    let answer = server_hello()[5..].to_vec();
    Talk::udp("10.0.0.1:40000", SERVER)
        .at(time)
        .client(&Initial::client(&[1; 8]).datagram(&crypto(&hello, 0..hello.len())))
        .server(&Initial::server(&[1; 8]).datagram(&crypto(&answer, 0..answer.len())))
        .server(&quic_data(1_000, 0))
}

/// A short-header packet of QUIC, different for each number.
fn quic_data(len: usize, number: u8) -> Vec<u8> {
    [&[0x45, number][..], &vec![9; len - 2]].concat()
}

fn get() -> Vec<u8> {
    format!("GET /a HTTP/1.1\r\nHost: {UPDATE}\r\n\r\n").into_bytes()
}

fn answer(status: &str, len: usize) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {len}\r\n\r\n").into_bytes();
    [head, vec![b'x'; len]].concat()
}

fn http(time: u64) -> Talk {
    Talk::tcp("10.0.0.1:50000", "198.51.100.7:80")
        .at(time)
        .open()
        .client(&get())
        .server(&answer("200 OK", 40_000))
}

/// An alert in a TLS 1.2 connection that is encrypted: a record of type 21.
fn encrypted_alert() -> Vec<u8> {
    let mut record = application_data(26);
    record[0] = 21;
    record
}

/// Connections before the cutoff, and what comes a minute behind it.
#[test]
fn a_farewell_behind_the_cutoff_is_no_contact() {
    let before = CUTOFF - HOUR;
    let behind = CUTOFF + 60 * SECOND;
    let cases: Vec<(&str, Talk, &str)> = vec![
        ("nothing", tls(before, 40_000), "fetching"),
        (
            "an alert and FIN",
            tls(before, 40_000)
                .at(behind)
                .server(&encrypted_alert())
                .close(),
            "fetching",
        ),
        (
            "an alert of TLS 1.3, which looks like data",
            tls(before, 40_000)
                .at(behind)
                .server(&application_data(19))
                .close(),
            "fetching",
        ),
        (
            "GOAWAY of HTTP/2 and an alert",
            tls(before, 40_000)
                .at(behind)
                .server(&application_data(41))
                .server(&encrypted_alert())
                .close(),
            "fetching",
        ),
        (
            "a close of QUIC, sent twice",
            quic(CUTOFF - 30 * SECOND)
                .at(behind)
                .server(&quic_data(60, 1))
                .server(&quic_data(60, 2)),
            "contacting",
        ),
        (
            "a connection of HTTP that is closed",
            http(before).at(behind).close(),
            "fetching",
        ),
        (
            "an error that nobody asked for closes it",
            http(before)
                .at(behind)
                .server(&answer("408 Request Time-out", 500))
                .close(),
            "fetching",
        ),
        (
            "what the client still sends",
            tls(before, 40_000)
                .at(behind)
                .client(&application_data(5_000)),
            "fetching",
        ),
        (
            "a request that is refused",
            http(before)
                .at(behind)
                .client(&get())
                .server(&answer("403 Forbidden", 5_000)),
            "fetching",
        ),
        (
            "a request that is answered, however shortly",
            http(before)
                .at(behind)
                .client(&get())
                .server(b"HTTP/1.1 204 OK\r\n\r\n"),
            "fetching, straggler",
        ),
        (
            "data",
            tls(before, 40_000)
                .at(behind)
                .server(&application_data(500)),
            "fetching, straggler",
        ),
        (
            "data of QUIC",
            quic(CUTOFF - 30 * SECOND)
                .at(behind)
                .server(&quic_data(200, 1)),
            "contacting, straggler",
        ),
        (
            "the rest of a download",
            tls(before, 20_000)
                .at(behind)
                .server(&application_data(20_000)),
            "fetching, straggler",
        ),
        (
            "a little every ten minutes",
            (0..6).fold(tls(before, 40_000), |talk, turn| {
                talk.at(behind + turn * 600 * SECOND)
                    .server(&application_data(30))
            }),
            "fetching, straggler",
        ),
        (
            "a client's side on which a page is acknowledged",
            http(before)
                .at(behind)
                .client(&get())
                .server(&answer("403 Forbidden", 5_000)),
            "fetching",
        ),
    ];
    for (case, talk, expected) in cases {
        let packets = if case.starts_with("a client's side") {
            talk.only(Side::Client)
        } else {
            talk.into_packets()
        };
        let found = finding(&packets);
        assert_eq!(verdict(&found), expected, "{case}");
        let sightings = found["after_cutoff"]["sightings"].as_u64().unwrap();
        let straggler = expected.ends_with("straggler");
        assert!(!straggler || sightings > 0, "{case}: {found:#?}");
    }
}

/// A day after the last contact a farewell does not keep a straggler for another day; what little is said again and again
/// does.
#[test]
fn a_farewell_does_not_renew_a_contact() {
    let then = CUTOFF + HOUR;
    let end = then + 30 * HOUR;
    let others = (0..=60).map(|turn| {
        Talk::udp("10.0.0.200:1234", "198.51.100.9:9999")
            .at(end - turn * HOUR / 2)
            .client(b"hello")
    });
    let others: Vec<Talk> = others.collect();
    let farewell = tls(then, 40_000)
        .at(then + 20 * HOUR)
        .server(&encrypted_alert())
        .close();
    let hourly = (1..30).fold(tls(then, 40_000), |talk, hour| {
        talk.at(then + hour * HOUR).server(&application_data(40))
    });
    for (case, talk, expected) in [
        ("a farewell", farewell, "silent"),
        ("a little every hour", hourly, "contacting, straggler"),
    ] {
        let found = finding(&merge([talk].into_iter().chain(others.clone())));
        assert_eq!(verdict(&found), expected, "{case}");
    }
}

static RULES: LazyLock<Arc<RuleSet>> =
    LazyLock::new(|| Arc::new(Library::load(None).unwrap().compile(|_| true)));

/// What one worker and the ledger make of packets, with a report every few of them: each straggler's sightings and bytes
/// behind the cutoff.
fn stragglers(packets: &[TimedPacket], report_every: usize) -> Vec<(u64, u64)> {
    let mut tracker = Tracker::new(Settings::default(), Arc::clone(&RULES));
    let mut ledger = Ledger::new(ledger::Settings::default(), &RULES.packs).unwrap();
    tracker.begin();
    let link = Link::ethernet();
    for (number, packet) in packets.iter().enumerate() {
        let bytes = link.wrap(&packet.bytes);
        let frame = Frame {
            time: Timestamp::from_nanos(i64::try_from(packet.time).unwrap()),
            link: LinkType::ETHERNET,
            wire_len: u32::try_from(bytes.len()).unwrap(),
            bytes: &bytes,
        };
        tracker.ingest(&frame, &mut ());
        if number % report_every == 0 {
            ledger.absorb(&tracker.drain());
        }
    }
    tracker.settle();
    ledger.absorb(&tracker.drain());
    let snapshot = ledger.snapshot();
    let stragglers = snapshot.stragglers();
    stragglers
        .map(|finding| {
            (
                finding.after_cutoff_sightings,
                finding.after_cutoff_received,
            )
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever goes on over a cutoff: a straggler has a sighting behind it, and got more than a farewell.
    #[test]
    fn no_straggler_without_a_sighting_behind_the_cutoff(
        begin in -3_000i64..600,
        kind in 0..3u8,
        turns in prop::collection::vec((0..1_500u64, any::<bool>(), 1..300usize), 0..8),
        report_every in 1..9usize,
    ) {
        let start = CUTOFF.checked_add_signed(begin * SECOND as i64).unwrap();
        let mut talk = match kind {
            0 => tls(start, 500),
            1 => quic(start),
            _ => http(start),
        };
        for (number, (pause, server, len)) in (1..).zip(turns) {
            let data = match kind {
                0 => application_data(len),
                1 => quic_data(len + 30, number),
                _ if server => answer("200 OK", len),
                _ => get(),
            };
            talk = talk.pause(std::time::Duration::from_secs(pause));
            talk = if server { talk.server(&data) } else { talk.client(&data) };
        }
        let behind: bool = talk.packets().iter().any(|packet| packet.time >= CUTOFF);
        let stragglers = stragglers(talk.packets(), report_every);
        for (sightings, received) in &stragglers {
            prop_assert!(*sightings > 0 && *received > 0, "{stragglers:?}");
        }
        prop_assert!(behind || stragglers.is_empty());
    }
}
