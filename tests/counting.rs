//! The rules of counting, outcome, status and straggler, one case each: packets in, findings out.
//!
//! Times are relative to the cutoff of the built-in pack, so that a case reads as "an hour after it".

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says what it expects; the panic is its report"
)]

mod findings;
mod support;

use findings::{finding, findings, verdict};
use serde_json::Value;
use support::dns_messages::{A, AAAA, Message};
use support::initials::{Initial, crypto};
use support::packets::{ACK, FIN, RST, SYN};
use support::{ClientHello, Ip, Segment, Side, Talk, TimedPacket, application_data, fatal_alert};
use support::{merge, server_hello, warning_alert};

/// 2024-09-29T00:00:00-04:00 in nanoseconds since 1970.
const CUTOFF: u64 = 1_727_582_400 * SECOND;
const SECOND: u64 = 1_000_000_000;
const HOUR: u64 = 3_600 * SECOND;

const UPDATE: &str = "s07.upd.kaspersky.com";
const TELEMETRY: &str = "dc1.ksn.kaspersky-labs.com";
const WEAK: &str = "www.kaspersky.com";
const RESOLVER: &str = "10.0.0.53:53";
const SERVER: &str = "198.51.100.7:443";

fn nx_domain(query: &Message) -> Message {
    query.response().rcode(3).soa("kaspersky.com")
}

fn address(query: &Message, name: &str, address: &str) -> Message {
    query.response().address(name, address.parse().unwrap())
}

/// A look-up by a host, with the answer that `answer` makes of the question.
fn look_up(host: &str, time: u64, answer: impl FnOnce(&Message) -> Message) -> Talk {
    let query = Message::query(1, UPDATE, A);
    let answer = answer(&query);
    Talk::udp(format!("{host}:40000").as_str(), RESOLVER)
        .at(time)
        .asks(&query)
        .answers(&answer)
}

/// A connection up to the hello.
fn hello(host: &str, name: &str, time: u64) -> Talk {
    Talk::tcp(format!("{host}:50000").as_str(), SERVER)
        .at(time)
        .open()
        .client(&ClientHello::to(name).stream())
}

/// A connection in which the server sends about so many bytes.
fn download(host: &str, name: &str, time: u64, bytes: usize) -> Talk {
    hello(host, name, time)
        .server(&server_hello())
        .server(&application_data(bytes))
        .close()
}

/// Something else that a host does: proof that it is present.
fn present(host: &str, time: u64) -> Talk {
    Talk::udp(format!("{host}:1234").as_str(), "198.51.100.9:9999")
        .at(time)
        .client(b"hello")
}

/// A capture that covers a day: other hosts talk every half hour.
fn day_before(end: u64) -> Vec<Talk> {
    (0..=48)
        .map(|half_hour| present("10.0.0.200", end - half_hour * HOUR / 2))
        .collect()
}

/// One connection an hour after the cutoff: what is sent after the hello, and what must come out.
#[test]
fn outcomes_of_one_connection() {
    let after = CUTOFF + HOUR;
    let start = || hello("10.0.0.1", UPDATE, after);
    let telemetry = || hello("10.0.0.1", TELEMETRY, after);
    let cases: Vec<(&str, Talk, &str)> = vec![
        ("no answer was seen", start(), "asking"),
        (
            "reset by the server after the hello",
            start().reset_by_server(),
            "blocked",
        ),
        (
            "reset by the client itself",
            start().reset_by_client(),
            "asking",
        ),
        ("closed without a word", start().close(), "asking"),
        (
            "fatal alert before data",
            start().server(&fatal_alert(40)),
            "blocked",
        ),
        (
            "a warning alert settles nothing",
            start().server(&warning_alert(112)),
            "asking",
        ),
        (
            "warning alert, then the handshake",
            start().server(&warning_alert(112)).server(&server_hello()),
            "contacting, straggler",
        ),
        (
            "the server talks",
            start().server(&server_hello()),
            "contacting, straggler",
        ),
        (
            "reset after the server talked: they were in contact",
            start().server(&server_hello()).reset_by_server(),
            "contacting, straggler",
        ),
        (
            "less than the threshold",
            start()
                .server(&server_hello())
                .server(&application_data(30_000)),
            "contacting, straggler",
        ),
        (
            "at least the threshold",
            start()
                .server(&server_hello())
                .server(&application_data(33_000)),
            "fetching, straggler",
        ),
        (
            "much sent to an update server is no transfer",
            start()
                .server(&server_hello())
                .client(&application_data(40_000)),
            "contacting, straggler",
        ),
        (
            "much sent to telemetry is one",
            telemetry()
                .server(&server_hello())
                .client(&application_data(40_000)),
            "fetching, straggler",
        ),
    ];
    for (case, talk, expected) in cases {
        assert_eq!(verdict(&finding(talk.packets())), expected, "{case}");
    }
}

/// Tries without any answer: silence is proof only where the sensor saw what comes from outside to that host.
#[test]
fn silence_blocks_only_where_an_answer_would_have_been_seen() {
    let after = CUTOFF + HOUR;
    let syns = |seconds: &[u64]| {
        let packets = seconds.iter().map(|second| {
            let syn = Segment::new(50000, 443).seq(1).flags(SYN);
            let ends = ("10.0.0.1".parse().unwrap(), "198.51.100.7".parse().unwrap());
            TimedPacket {
                time: after + second * SECOND,
                from: Side::Client,
                bytes: Ip::between(ends.0, ends.1).packet(&syn),
            }
        });
        let known = look_up("10.0.0.1", after - SECOND, |query| {
            address(query, UPDATE, "198.51.100.7")
        });
        let mut all = known.into_packets();
        all.extend(packets);
        all
    };
    let unanswered = |side: Option<Side>| {
        let hello = ClientHello::to(UPDATE).stream();
        let talk = Talk::tcp("10.0.0.1:50000", SERVER).at(after).open();
        let talk = talk.unacknowledged().client(&hello);
        let again = talk
            .pause(std::time::Duration::from_secs(2))
            .client(b"again");
        match side {
            Some(side) => again.only(side),
            None => again.into_packets(),
        }
    };
    // Something from outside towards this host, which shows that such packets are captured.
    let reached = |host: &str| {
        Talk::udp(format!("{host}:1234").as_str(), "198.51.100.9:9999")
            .at(after + 5 * SECOND)
            .client(b"hello")
            .server(b"hello")
    };
    let cases = [
        ("SYNs", syns(&[0, 1, 3]), Some("10.0.0.1"), 60, "blocked"),
        (
            "one SYN may be lost",
            syns(&[0]),
            Some("10.0.0.1"),
            60,
            "asking",
        ),
        (
            "not for long",
            syns(&[0, 1, 3]),
            Some("10.0.0.1"),
            35,
            "asking",
        ),
        (
            "nothing from outside is seen",
            syns(&[0, 1, 3]),
            None,
            60,
            "asking",
        ),
        (
            "but to others",
            syns(&[0, 1, 3]),
            Some("10.0.0.9"),
            60,
            "asking",
        ),
        ("a hello", unanswered(None), None, 60, "blocked"),
        (
            "a hello whose connection was opened unseen",
            unanswered(Some(Side::Client)),
            Some("10.0.0.1"),
            60,
            "asking",
        ),
    ];
    for (case, mut packets, host, later, expected) in cases {
        packets.extend(
            host.into_iter()
                .flat_map(|host| reached(host).into_packets()),
        );
        packets.extend(present("10.0.0.200", after + later * SECOND).into_packets());
        packets.extend(present("10.0.0.201", after + later * SECOND).into_packets());
        packets.sort_by_key(|packet| packet.time);
        let finding = finding(&packets);
        assert_eq!(verdict(&finding), expected, "{case}");
        let by = if expected == "blocked" { "silence" } else { "" };
        let told = finding["last_blocked"]["by"].as_str().unwrap_or_default();
        assert_eq!(told, by, "{case}");
    }
}

/// What a server sends that is no answer: none of it may make its client a straggler.
#[test]
fn segments_without_an_answer_prove_nothing() {
    const FIRST: u32 = 2_000_001; // the server's first byte
    let server = |seq: u32, flags: u8, payload: &[u8]| {
        let segment = Segment::new(443, 50000)
            .seq(seq)
            .ack(1_000_500)
            .flags(flags)
            .payload(payload);
        Ip::between("198.51.100.7".parse().unwrap(), "10.0.0.1".parse().unwrap()).packet(&segment)
    };
    let cases: Vec<(&str, Vec<Vec<u8>>, &str)> = vec![
        (
            "FIN, then the last ACK",
            vec![server(FIRST, FIN | ACK, &[]), server(FIRST + 1, ACK, &[])],
            "asking",
        ),
        (
            "FIN, then RST",
            vec![server(FIRST, FIN | ACK, &[]), server(FIRST + 1, RST, &[])],
            "blocked",
        ),
        (
            "ACK, then a reset a segment further",
            vec![server(FIRST, ACK, &[]), server(FIRST + 1460, RST, &[])],
            "blocked",
        ),
        (
            "the SYN's answer again, then a reset",
            vec![
                server(FIRST - 1, SYN | ACK, &[]),
                server(FIRST, RST | ACK, &[]),
            ],
            "blocked",
        ),
        (
            "a keep-alive with a byte",
            vec![server(FIRST - 1, ACK, &[0])],
            "asking",
        ),
        (
            "a keep-alive before an alert",
            vec![
                server(FIRST - 1, ACK, &[0]),
                server(FIRST, ACK, &fatal_alert(40)),
            ],
            "blocked",
        ),
        (
            "a reset with text in it",
            vec![server(FIRST, RST | ACK, b"go away")],
            "blocked",
        ),
        (
            "a stale reset",
            vec![server(FIRST - 100_000, RST, &[])],
            "asking",
        ),
        (
            "a stale reset, then an answer",
            vec![
                server(FIRST - 100_000, RST, &[]),
                server(FIRST, ACK, &server_hello()),
            ],
            "contacting, straggler",
        ),
        (
            "an alert that was lost, then FIN",
            vec![
                server(FIRST + 7, FIN | ACK, &[]),
                server(FIRST + 8, ACK, &[]),
            ],
            "asking",
        ),
        (
            "an alert in two parts, swapped",
            vec![
                server(FIRST + 5, ACK, &fatal_alert(40)[5..]),
                server(FIRST, ACK, &fatal_alert(40)[..5]),
            ],
            "blocked",
        ),
    ];
    for (case, answers, expected) in cases {
        let talk = hello("10.0.0.1", UPDATE, CUTOFF + HOUR);
        let mut time = talk.now();
        let mut packets = talk.into_packets();
        for bytes in answers {
            time += 500_000;
            packets.push(TimedPacket {
                time,
                from: Side::Server,
                bytes,
            });
        }
        assert_eq!(verdict(&finding(&packets)), expected, "{case}");
    }
}

/// A request over HTTP, or through a proxy: the status decides.
#[test]
fn outcomes_of_a_request() {
    let get = format!("GET /a HTTP/1.1\r\nHost: {UPDATE}\r\n\r\n");
    let absolute = format!("GET http://{UPDATE}:80/a HTTP/1.1\r\nHost: proxy.example\r\n\r\n");
    let connect = format!("CONNECT {UPDATE}:443 HTTP/1.1\r\n\r\n");
    let cases = [
        (&get, "HTTP/1.1 200 OK\r\n", "contacting, straggler"),
        (&get, "HTTP/1.1 404 Not Found\r\n", "contacting, straggler"),
        (&get, "HTTP/1.1 403 Forbidden\r\n", "blocked"),
        (&get, "HTTP/1.0 451 \r\n", "blocked"),
        (&get, "HTTP/1.1 511 Network Authentication\r\n", "blocked"),
        (&absolute, "HTTP/1.1 407 Who are you\r\n", "blocked"),
        (&get, "HTTP/1.", "asking"),
        (&get, "SSH-2.0-x\r\n", "contacting, straggler"),
        (&absolute, "HTTP/1.1 200 OK\r\n", "contacting, straggler"),
        (
            &connect,
            "HTTP/1.1 200 Connection established\r\n",
            "contacting, straggler",
        ),
        (
            &connect,
            "HTTP/1.1 407 Proxy Authentication Required\r\n",
            "blocked",
        ),
    ];
    for (request, answer, expected) in cases {
        let talk = Talk::tcp("10.0.0.1:50000", SERVER)
            .at(CUTOFF + HOUR)
            .open()
            .client(request.as_bytes())
            .server(answer.as_bytes());
        assert_eq!(
            verdict(&finding(talk.packets())),
            expected,
            "{request}{answer}"
        );
    }
}

/// A connection that stays open: what matters is what the server still sends.
#[test]
fn a_flow_that_goes_on_for_days() {
    let mut talk = hello("10.0.0.1", UPDATE, CUTOFF - HOUR).server(&server_hello());
    for quarter in 1..120 {
        talk = talk
            .at(CUTOFF - HOUR + quarter * HOUR / 4)
            .server(&application_data(5_000));
    }
    assert_eq!(verdict(&finding(talk.packets())), "fetching, straggler");
}

/// An address from another resolver gets round a refusal.
#[test]
fn a_refusal_that_was_got_round_does_not_block() {
    let after = CUTOFF + HOUR;
    let second = Talk::udp("10.0.0.1:40001", "10.0.0.54:53").at(after + SECOND);
    let query = Message::query(2, UPDATE, A);
    let packets = merge([
        look_up("10.0.0.1", after, |query| query.response().rcode(5)),
        second
            .asks(&query)
            .answers(&address(&query, UPDATE, "198.51.100.7")),
    ]);
    assert_eq!(verdict(&finding(&packets)), "asking");
}

#[test]
fn a_stray_segment_is_no_download() {
    let talk = hello("10.0.0.1", UPDATE, CUTOFF + HOUR).server(&server_hello());
    let stray = Segment::new(443, 50000)
        .seq(2_000_001 + (512 << 20))
        .ack(1)
        .flags(ACK)
        .payload(&[0]);
    let bytes =
        Ip::between("198.51.100.7".parse().unwrap(), "10.0.0.1".parse().unwrap()).packet(&stray);
    let time = talk.now();
    let mut packets = talk.into_packets();
    packets.push(TimedPacket {
        time,
        from: Side::Server,
        bytes,
    });
    assert_eq!(verdict(&finding(&packets)), "contacting, straggler");
}

/// What an answer means for one host that only asks.
#[test]
fn outcomes_of_a_look_up() {
    let after = CUTOFF + HOUR;
    type Answer = fn(&Message) -> Message;
    let cases: [(&str, Answer, &str); 7] = [
        (
            "an address",
            |query| address(query, UPDATE, "198.51.100.7"),
            "asking",
        ),
        ("refused", |query| query.response().rcode(5), "blocked"),
        (
            "0.0.0.0",
            |query| address(query, UPDATE, "0.0.0.0"),
            "blocked",
        ),
        (
            "loopback",
            |query| address(query, UPDATE, "127.0.0.1"),
            "blocked",
        ),
        (
            "a failing resolver",
            |query| query.response().rcode(2),
            "asking",
        ),
        ("no such name, for anybody", nx_domain, "asking"),
        (
            "no address of this type",
            |query| query.response().soa("kaspersky.com"),
            "asking",
        ),
    ];
    for (case, answer, expected) in cases {
        let packets = look_up("10.0.0.1", after, answer).into_packets();
        assert_eq!(verdict(&finding(&packets)), expected, "{case}");
    }
    // A name that exists for others is withheld from this host; one that exists for nobody was retired by the vendor.
    let packets = merge([
        look_up("10.0.0.1", after, nx_domain),
        look_up("10.0.0.2", after + SECOND, |query| {
            address(query, UPDATE, "198.51.100.7")
        }),
    ]);
    let found = findings(&packets, &[]);
    let of = |host: &str| {
        verdict(
            found
                .iter()
                .find(|finding| finding["host"] == host)
                .unwrap(),
        )
    };
    assert_eq!(of("ip-10.0.0.1"), "blocked");
    assert_eq!(of("ip-10.0.0.2"), "asking");
}

#[test]
fn the_cutoff_is_the_first_instant_after_it() {
    for (offset, expected) in [(-1, "contacting"), (0, "contacting, straggler")] {
        // The contact is the server's packet: the fifth of the connection, half a millisecond each.
        let contact = CUTOFF.checked_add_signed(offset).unwrap();
        let packets: Vec<TimedPacket> = hello("10.0.0.1", UPDATE, contact - 5 * 500_000)
            .server(&server_hello())
            .into_packets();
        let server_spoke = packets
            .iter()
            .rfind(|packet| packet.from == Side::Server)
            .unwrap();
        assert_eq!(server_spoke.time, contact);
        assert_eq!(verdict(&finding(&packets)), expected, "{offset} ns");
    }
}

#[test]
fn before_the_cutoff_nobody_is_a_straggler() {
    let packets = download("10.0.0.1", UPDATE, CUTOFF - HOUR, 40_000).into_packets();
    assert_eq!(verdict(&finding(&packets)), "fetching");
}

/// A download, then a day in which the host does something else, or nothing, or the sensor sees too little.
#[test]
fn after_a_day_without_it() {
    let then = CUTOFF + HOUR;
    let end = then + 26 * HOUR;
    let old = || download("10.0.0.1", UPDATE, then, 40_000);
    let with = |more: Vec<Talk>| merge([old()].into_iter().chain(more));
    let mut present_too = day_before(end);
    present_too.push(present("10.0.0.1", end - HOUR));
    assert_eq!(verdict(&finding(&with(day_before(end)))), "absent");
    assert_eq!(verdict(&finding(&with(present_too))), "silent");
    // Judged a day later still, the capture does not reach into the window.
    let later = findings(&with(day_before(end)), &["--at", "2024-10-03T00:00:00Z"]);
    assert_eq!(verdict(&later[0]), "unknown");
}

#[test]
fn the_window_ends_a_straggler_after_24_hours() {
    let then = CUTOFF + HOUR;
    for (later, expected) in [(23 * HOUR, "fetching, straggler"), (25 * HOUR, "absent")] {
        let end = then + later;
        let talks = [download("10.0.0.1", UPDATE, then, 40_000)];
        let packets = merge(talks.into_iter().chain(day_before(end)));
        assert_eq!(verdict(&finding(&packets)), expected);
    }
}

#[test]
fn weak_names_never_accuse() {
    let packets = download("10.0.0.1", WEAK, CUTOFF + HOUR, 100_000).into_packets();
    assert_eq!(findings(&packets, &[]), Vec::<Value>::new());
}

#[test]
fn a_flow_counts_once_for_each_level_and_bytes_once() {
    let talk = hello("10.0.0.1", UPDATE, CUTOFF + HOUR)
        .server(&server_hello())
        .server(&application_data(40_000))
        .client(&application_data(500))
        .close();
    let (mut sent, mut received) = (0, 0);
    let mut packets = Vec::new();
    for packet in talk.packets() {
        // Behind the IP header of 20 bytes stands that of TCP, its length in words in the upper half of byte 12.
        let tcp_header = usize::from(packet.bytes[20 + 12] >> 4) * 4;
        let payload = (packet.bytes.len() - 20 - tcp_header) as u64;
        *(if packet.from == Side::Client {
            &mut sent
        } else {
            &mut received
        }) += payload;
        // Everything is retransmitted once.
        packets.extend([packet.clone(), packet.clone()]);
    }
    let found = finding(&packets);
    assert_eq!(
        found["proof"][0]["sightings"], 3,
        "attempt, contact and transfer"
    );
    assert_eq!(found["bytes_received"], received);
    assert_eq!(found["bytes_sent"], sent);
    assert_eq!(found["proof"][0]["flows"].as_array().unwrap().len(), 1);
}

#[test]
fn a_transaction_is_host_name_and_resolver_within_five_seconds() {
    let asks = |time: u64, kind: u16, resolver: &str| {
        Talk::udp("10.0.0.1:40000", resolver)
            .at(CUTOFF + HOUR + time * SECOND)
            .asks(&Message::query(1, UPDATE, kind))
    };
    let packets = merge([
        asks(0, A, RESOLVER),
        asks(0, AAAA, RESOLVER),
        asks(4, A, RESOLVER),
        asks(6, A, RESOLVER),
        asks(6, A, "10.0.0.54:53"),
    ]);
    assert_eq!(finding(&packets)["proof"][0]["sightings"], 3);
}

#[test]
fn an_answer_alone_shows_the_question() {
    let talk = look_up("10.0.0.1", CUTOFF + HOUR, |query| {
        address(query, UPDATE, "198.51.100.7")
    });
    assert_eq!(verdict(&finding(&talk.only(Side::Server))), "asking");
}

/// A cutoff inside a flow: every byte counts in the phase of its own packet.
#[test]
fn bytes_count_in_the_phase_of_their_own_packet() {
    let talk = hello("10.0.0.1", UPDATE, CUTOFF - HOUR)
        .server(&server_hello())
        .server(&application_data(40_000))
        .at(CUTOFF + HOUR)
        .server(&application_data(1_000));
    let found = finding(talk.packets());
    assert_eq!(
        found["after_cutoff"]["bytes_received"], 1_005,
        "a record of 1,000 bytes and its header"
    );
    assert_eq!(
        found["after_cutoff"]["sightings"], 1,
        "a contact, reached anew; no hello and no transfer"
    );
    assert_eq!(
        verdict(&found),
        "fetching, straggler",
        "the server still answers after the cutoff"
    );
}

#[test]
fn many_small_contacts_of_one_service_add_up() {
    let talks =
        (0..8).map(|n| download("10.0.0.1", UPDATE, CUTOFF + HOUR + n * 60 * SECOND, 5_000));
    let found = finding(&merge(talks));
    assert_eq!(verdict(&found), "fetching, straggler");
    assert_eq!(found["evidence"], "contact");
}

#[test]
fn a_hello_over_two_segments_and_without_the_opening_is_read() {
    let long = ClientHello::to(UPDATE)
        .key_share(1_900)
        .name_last()
        .stream();
    let talk = Talk::tcp("10.0.0.1:50000", SERVER)
        .at(CUTOFF + HOUR)
        .open()
        .client(&long)
        .server(&server_hello());
    assert_eq!(verdict(&finding(talk.packets())), "contacting, straggler");
    // The capture began after the handshake of TCP.
    assert_eq!(
        verdict(&finding(&talk.packets()[3..])),
        "contacting, straggler"
    );
}

#[test]
fn a_request_from_outside_concerns_no_host() {
    let talk = Talk::tcp("203.0.113.9:50000", "10.0.0.1:443")
        .at(CUTOFF + HOUR)
        .open()
        .client(&ClientHello::to(UPDATE).stream())
        .server(&server_hello());
    assert_eq!(findings(talk.packets(), &[]), Vec::<Value>::new());
}

/// One frame with a wild time must not end everybody's window; two that agree do move it, at the end of a recording.
#[test]
fn a_lone_wild_frame_moves_nothing() {
    let then = CUTOFF + HOUR;
    let far = then + 40 * 24 * HOUR;
    let download = || download("10.0.0.1", UPDATE, then, 40_000);
    let wild = merge([download(), present("10.0.0.9", far)]);
    assert_eq!(verdict(&finding(&wild)), "fetching, straggler");
    // A level whose time cannot be believed is not counted; what came before it stands.
    let mut contact = hello("10.0.0.1", UPDATE, then)
        .server(&server_hello())
        .into_packets();
    let spoke = contact
        .iter()
        .rposition(|packet| packet.from == Side::Server);
    contact[spoke.unwrap()].time = far;
    contact.push(present("10.0.0.1", then + SECOND).into_packets().remove(0));
    assert_eq!(verdict(&finding(&contact)), "asking");
    let agreed = merge([
        download(),
        present("10.0.0.9", far),
        present("10.0.0.9", far + SECOND),
    ]);
    assert_eq!(verdict(&finding(&agreed)), "absent");
}

/// Requests to several hosts on one connection to a proxy: what comes back, and every byte, belongs to the one asked for.
#[test]
fn several_names_on_one_connection() {
    let get =
        |name: &str| format!("GET http://{name}/x HTTP/1.1\r\nHost: {name}\r\n\r\n").into_bytes();
    let page = |len: usize| {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {len}\r\n\r\n").into_bytes();
        [head, vec![b'x'; len]].concat()
    };
    let forbidden = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n";
    let other = "www.other.example";
    let start = || {
        Talk::tcp("10.0.0.1:50000", "10.0.0.9:3128")
            .at(CUTOFF + HOUR)
            .open()
    };
    let cases: Vec<(&str, Talk, &str, Option<u64>)> = vec![
        (
            "another first, much of it",
            start()
                .client(&get(other))
                .server(&page(50_000))
                .client(&get(UPDATE))
                .server(&page(100)),
            "contacting, straggler",
            Some(140),
        ),
        (
            "another behind, much of it",
            start()
                .client(&get(UPDATE))
                .server(&page(100))
                .client(&get(other))
                .server(&page(50_000)),
            "contacting, straggler",
            Some(140),
        ),
        (
            "twice, with another between",
            start()
                .client(&get(UPDATE))
                .server(&page(20_000))
                .client(&get(other))
                .server(&page(50_000))
                .client(&get(UPDATE))
                .server(&page(20_000)),
            "fetching, straggler",
            Some(40_084),
        ),
        (
            "refused, another is not",
            start()
                .client(&get(UPDATE))
                .server(forbidden)
                .client(&get(other))
                .server(&page(50_000)),
            "blocked",
            Some(0),
        ),
        (
            "another is refused",
            start()
                .client(&get(other))
                .server(forbidden)
                .client(&get(UPDATE))
                .server(&page(100)),
            "contacting, straggler",
            Some(140),
        ),
        (
            "refused, then not",
            start()
                .client(&get(UPDATE))
                .server(forbidden)
                .client(&get(UPDATE))
                .server(&page(100)),
            "contacting, straggler",
            Some(140),
        ),
        (
            "another behind it before the answer",
            start()
                .client(&[get(UPDATE), get(other)].concat())
                .server(&page(100))
                .server(forbidden),
            "contacting, straggler",
            None,
        ),
        (
            "behind another, of which the answer was not for it",
            start()
                .client(&[get(other), get(UPDATE)].concat())
                .server(&page(100)),
            "asking",
            Some(140),
        ),
        (
            "behind another, each with its answer",
            start()
                .client(&[get(other), get(UPDATE)].concat())
                .server(&[page(100), forbidden.to_vec()].concat()),
            "blocked",
            Some(140),
        ),
        (
            "refused, then not, both asked for at once",
            start()
                .client(&[get(UPDATE), get(UPDATE)].concat())
                .server(&[forbidden.to_vec(), page(40_000)].concat()),
            "fetching, straggler",
            Some(40_042),
        ),
        (
            "behind another's answer in chunks",
            start()
                .client(&[get(other), get(UPDATE)].concat())
                .server(
                    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
                )
                .server(&page(100)),
            "contacting, straggler",
            Some(202),
        ),
        (
            "while another's answer is on its way, of which the end is not known",
            start()
                .client(&get(other))
                .server(&page(5_000)[..2_000])
                .client(&get(UPDATE))
                .server(&[&page(5_000)[2_000..], &forbidden[..]].concat()),
            "asking",
            Some(3_086),
        ),
        (
            "a hello sent before the proxy agreed",
            start()
                .client(
                    &[
                        format!("CONNECT {UPDATE}:443 HTTP/1.1\r\n\r\n").into_bytes(),
                        ClientHello::to(UPDATE).stream(),
                    ]
                    .concat(),
                )
                .server(b"HTTP/1.1 200 OK\r\n\r\n")
                .server(&server_hello())
                .server(&application_data(40_000)),
            "fetching, straggler",
            None,
        ),
    ];
    for (case, talk, expected, received) in cases {
        let found = finding(talk.packets());
        assert_eq!(verdict(&found), expected, "{case}");
        if let Some(received) = received {
            assert_eq!(found["bytes_received"], received, "{case}");
        }
    }
}

/// A capture of the client's side alone: what it acknowledges was sent to it.
#[test]
fn acknowledgements_prove_what_a_capture_of_one_side_does_not_show() {
    let tls = |bytes: usize| {
        hello("10.0.0.1", UPDATE, CUTOFF + HOUR)
            .server(&server_hello())
            .server(&application_data(bytes))
    };
    let http = |answer: &[u8]| {
        Talk::tcp("10.0.0.1:50000", "198.51.100.7:80")
            .at(CUTOFF + HOUR)
            .open()
            .client(format!("GET / HTTP/1.1\r\nHost: {UPDATE}\r\n\r\n").as_bytes())
            .server(answer)
    };
    let cases: Vec<(&str, Talk, &str)> = vec![
        ("an answer", tls(500), "contacting, straggler"),
        ("a download", tls(40_000), "fetching, straggler"),
        (
            "no more than an alert",
            hello("10.0.0.1", UPDATE, CUTOFF + HOUR)
                .server(&fatal_alert(40))
                .close(),
            "asking",
        ),
        (
            "nothing",
            hello("10.0.0.1", UPDATE, CUTOFF + HOUR).close(),
            "asking",
        ),
        (
            "a page: it may say \"forbidden\"",
            http(&vec![b'x'; 5_000]),
            "asking",
        ),
        (
            "more than a page",
            http(&vec![b'x'; 40_000]),
            "fetching, straggler",
        ),
    ];
    for (case, talk, expected) in cases {
        let both = finding(talk.packets());
        let client = finding(&talk.only(Side::Client));
        assert_eq!(verdict(&client), expected, "{case}");
        let received = |finding: &Value| finding["bytes_received"].as_u64().unwrap();
        // A FIN takes a number like a byte, and an acknowledgement does not tell which it was; nor what was an alert, which
        // is no answer of the vendor.
        let unknown = if verdict(&both) == "blocked" { 8 } else { 1 };
        let more = received(&client) - received(&both);
        assert!(more <= unknown, "{case}: {more} more");
        // Up to the middle of the answer by acknowledgements, then by packets: nothing counts twice.
        let mut seen = 0;
        let middle: Vec<TimedPacket> = talk
            .packets()
            .iter()
            .filter(|packet| {
                seen += usize::from(packet.from == Side::Server);
                packet.from == Side::Client || seen > 8
            })
            .cloned()
            .collect();
        let more = received(&finding(&middle)) - received(&both);
        assert!(more <= unknown, "{case}: {more} more");
    }
}

/// Several connections of QUIC on one socket, and a server's answer that was captured before the hello.
#[test]
fn quic_connections_are_told_apart() {
    let initial = |id: u8, name: &str| {
        let message = ClientHello::to(name).message();
        Initial::client(&[id; 8]).datagram(&crypto(&message, 0..message.len()))
    };
    let answer = |id: u8| {
        let hello = server_hello()[5..].to_vec();
        Initial::server(&[id; 8]).datagram(&crypto(&hello, 0..hello.len()))
    };
    // No two packets of QUIC are alike.
    let data = |id: u8| [&[0x45, id][..], &[9; 998]].concat();
    let socket = || Talk::udp("10.0.0.1:40000", SERVER).at(CUTOFF + HOUR);
    let other = "www.other.example";
    let cases: Vec<(&str, Talk, &str, u64)> = vec![
        (
            "ours, then another",
            socket()
                .client(&initial(1, UPDATE))
                .server(&answer(1))
                .server(&data(1))
                .client(&initial(2, other))
                .server(&answer(2))
                .server(&data(2)),
            "contacting, straggler",
            2_200,
        ),
        (
            "another, then ours",
            socket()
                .client(&initial(1, other))
                .server(&answer(1))
                .server(&data(1))
                .client(&initial(2, UPDATE))
                .server(&answer(2))
                .server(&data(2)),
            "contacting, straggler",
            2_200,
        ),
        (
            "the hello sent again",
            socket()
                .client(&initial(1, UPDATE))
                .client(&initial(1, UPDATE))
                .server(&answer(1)),
            "contacting, straggler",
            1_200,
        ),
        (
            "a stray datagram first",
            socket()
                .client(b"x")
                .client(&initial(1, UPDATE))
                .server(&answer(1)),
            "contacting, straggler",
            1_200,
        ),
    ];
    for (case, talk, expected, received) in cases {
        let found = finding(talk.packets());
        assert_eq!(verdict(&found), expected, "{case}");
        assert_eq!(found["bytes_received"], received, "{case}");
        let hellos = found["proof"][0]["sightings"].as_u64();
        assert_eq!(hellos, Some(2), "{case}: one attempt, one contact");
    }
    let swapped = socket()
        .server(&answer(1))
        .client(&initial(1, UPDATE))
        .server(&answer(1));
    assert_eq!(
        verdict(&finding(swapped.packets())),
        "contacting, straggler"
    );
    // The port of DNS hides nothing.
    let hidden = Talk::udp("10.0.0.1:40000", "198.51.100.7:53")
        .at(CUTOFF + HOUR)
        .client(&initial(1, UPDATE))
        .server(&answer(1));
    assert_eq!(verdict(&finding(hidden.packets())), "contacting, straggler");
}
