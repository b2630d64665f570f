//! Flows without a name are told by the answers that their host got; aliases by what they lead to. In doubt, not.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says what it expects; the panic is its report"
)]

mod findings;
mod support;

use findings::{finding, findings, verdict};
use serde_json::Value;
use support::dns_messages::{A, Message};
use support::{
    ClientHello, Ip, Side, Talk, TimedPacket, application_data, fatal_alert, merge, server_hello,
};

/// An hour after the cutoff of the built-in pack.
const AFTER: u64 = (1_727_582_400 + 3_600) * SECOND;
const SECOND: u64 = 1_000_000_000;

const UPDATE: &str = "s07.upd.kaspersky.com";
const ADDRESS: &str = "198.51.100.7";

/// Seconds that the records of a built answer live.
const LIFE: u64 = 300;

/// A look-up of a name along its aliases.
fn look_up(host: &str, time: u64, names: &[&str], address: &str) -> Talk {
    let query = Message::query(1, names[0], A);
    let answer = query.response().chain(names, &[address.parse().unwrap()]);
    Talk::udp(format!("{host}:40000").as_str(), "10.0.0.53:53")
        .at(time)
        .asks(&query)
        .answers(&answer)
}

/// A connection to the address that says nothing readable.
fn nameless(host: &str, time: u64) -> Talk {
    Talk::tcp(
        format!("{host}:50000").as_str(),
        format!("{ADDRESS}:8443").as_str(),
    )
    .at(time)
    .open()
    .client(&[7; 60])
}

/// The one finding's verdict, evidence, and signals of its one name.
fn told(packets: &[TimedPacket]) -> String {
    let found = finding(packets);
    let names = found["proof"].as_array().unwrap();
    assert_eq!(names.len(), 1, "{names:?}");
    let signals: Vec<&str> = names[0]["signals"]
        .as_array()
        .unwrap()
        .iter()
        .map(|signal| signal.as_str().unwrap())
        .collect();
    format!(
        "{}: {} of {} by {}",
        verdict(&found),
        found["evidence"].as_str().unwrap(),
        names[0]["name"].as_str().unwrap(),
        signals.join(" ")
    )
}

#[test]
fn a_flow_without_a_name_is_told_by_the_answer() {
    let asked = || look_up("10.0.0.1", AFTER, &[UPDATE], ADDRESS);
    let at = AFTER + SECOND;
    let cases: Vec<(&str, Vec<Talk>, &str)> = vec![
        (
            "the server talks",
            vec![asked(), nameless("10.0.0.1", at).server(&[8; 500])],
            "contacting, straggler: contact of s07.upd.kaspersky.com by dns ip",
        ),
        (
            "it sends much",
            vec![asked(), nameless("10.0.0.1", at).server(&vec![8; 40_000])],
            "fetching, straggler: transfer of s07.upd.kaspersky.com by dns ip",
        ),
        (
            "it sends nothing",
            vec![asked(), nameless("10.0.0.1", at)],
            "asking: attempt of s07.upd.kaspersky.com by dns ip",
        ),
        (
            "a SYN alone",
            vec![
                asked(),
                Talk::tcp("10.0.0.1:50000", "198.51.100.7:443").at(at).syn(),
            ],
            "asking: attempt of s07.upd.kaspersky.com by dns ip",
        ),
        (
            "a SYN and a reset",
            vec![
                asked(),
                Talk::tcp("10.0.0.1:50000", "198.51.100.7:443")
                    .at(at)
                    .syn()
                    .reset_by_server(),
            ],
            "blocked: attempt of s07.upd.kaspersky.com by dns ip",
        ),
        (
            "a hello without a name",
            vec![
                asked(),
                Talk::tcp("10.0.0.1:50000", "198.51.100.7:443")
                    .at(at)
                    .open()
                    .client(&ClientHello::unnamed().stream())
                    .server(&server_hello())
                    .server(&application_data(500)),
            ],
            "contacting, straggler: contact of s07.upd.kaspersky.com by dns ip",
        ),
        (
            "nine minutes after the answer's life",
            vec![
                asked(),
                nameless("10.0.0.1", AFTER + (LIFE + 540) * SECOND).server(&[8; 500]),
            ],
            "contacting, straggler: contact of s07.upd.kaspersky.com by dns ip",
        ),
        (
            "eleven minutes after it",
            vec![
                asked(),
                nameless("10.0.0.1", AFTER + (LIFE + 660) * SECOND).server(&[8; 500]),
            ],
            "asking: lookup of s07.upd.kaspersky.com by dns",
        ),
        (
            "before the answer",
            vec![
                nameless("10.0.0.1", AFTER - SECOND).server(&[8; 500]),
                asked(),
            ],
            "asking: lookup of s07.upd.kaspersky.com by dns",
        ),
        (
            "another host",
            vec![asked(), nameless("10.0.0.2", at).server(&[8; 500])],
            "asking: lookup of s07.upd.kaspersky.com by dns",
        ),
        (
            "another host resolves another name to the address",
            vec![
                asked(),
                look_up("10.0.0.2", at, &["www.other.example"], ADDRESS),
                nameless("10.0.0.1", at + SECOND).server(&[8; 500]),
            ],
            "asking: lookup of s07.upd.kaspersky.com by dns",
        ),
        (
            "another host says another name to the address",
            vec![
                asked(),
                Talk::tcp("10.0.0.2:50000", "198.51.100.7:443")
                    .at(at)
                    .open()
                    .client(&ClientHello::to("www.other.example").stream()),
                nameless("10.0.0.1", at + SECOND).server(&[8; 500]),
            ],
            "asking: lookup of s07.upd.kaspersky.com by dns",
        ),
        (
            "another name was resolved to the address before",
            vec![
                look_up(
                    "10.0.0.2",
                    AFTER - 600 * SECOND,
                    &["www.other.example"],
                    ADDRESS,
                ),
                asked(),
                nameless("10.0.0.1", at).server(&[8; 500]),
            ],
            "asking: lookup of s07.upd.kaspersky.com by dns",
        ),
        (
            "another name was said to the address before",
            vec![
                Talk::tcp("10.0.0.2:50000", "198.51.100.7:443")
                    .at(AFTER - 600 * SECOND)
                    .open()
                    .client(&ClientHello::to("www.other.example").stream()),
                asked(),
                nameless("10.0.0.1", at).server(&[8; 500]),
            ],
            "asking: lookup of s07.upd.kaspersky.com by dns",
        ),
        (
            "a hello without a name is refused",
            vec![
                asked(),
                Talk::tcp("10.0.0.1:50000", "198.51.100.7:443")
                    .at(at)
                    .open()
                    .client(&ClientHello::unnamed().stream())
                    .server(&fatal_alert(40)),
            ],
            "blocked: attempt of s07.upd.kaspersky.com by dns ip",
        ),
        (
            "a request without a name is refused",
            vec![
                asked(),
                Talk::tcp("10.0.0.1:50000", "198.51.100.7:80")
                    .at(at)
                    .open()
                    .client(b"GET / HTTP/1.0\r\n\r\n")
                    .server(b"HTTP/1.1 403 Forbidden\r\n\r\n"),
            ],
            "blocked: attempt of s07.upd.kaspersky.com by dns ip",
        ),
        (
            "a flow that was under way",
            vec![
                asked(),
                Talk::tcp("10.0.0.1:50000", "198.51.100.7:443")
                    .at(at)
                    .client(&application_data(500))
                    .server(&application_data(50_000)),
            ],
            "asking: lookup of s07.upd.kaspersky.com by dns",
        ),
        (
            "a flow with another name",
            vec![
                asked(),
                Talk::tcp("10.0.0.1:50000", "198.51.100.7:443")
                    .at(at)
                    .open()
                    .client(&ClientHello::to("www.other.example").stream())
                    .server(&server_hello()),
            ],
            "asking: lookup of s07.upd.kaspersky.com by dns",
        ),
        (
            "an address inside: a block page",
            vec![
                look_up("10.0.0.1", AFTER, &[UPDATE], "10.9.9.9"),
                Talk::tcp("10.0.0.1:50000", "10.9.9.9:8443")
                    .at(at)
                    .open()
                    .client(&[7; 9])
                    .server(&[8; 500]),
            ],
            "asking: lookup of s07.upd.kaspersky.com by dns",
        ),
        (
            "an answer to a server",
            vec![
                asked(),
                Talk::tcp("198.51.100.7:50000", "10.0.0.1:8443")
                    .at(at)
                    .open()
                    .client(&[7; 9])
                    .server(&[8; 500]),
            ],
            "asking: lookup of s07.upd.kaspersky.com by dns",
        ),
    ];
    for (case, talks, expected) in cases {
        assert_eq!(told(&merge(talks)), expected, "{case}");
    }
}

/// One forged packet must not accuse anybody.
#[test]
fn an_answer_that_nobody_asked_for_proves_nothing() {
    let query = Message::query(1, UPDATE, A);
    let forged = query.response().address(UPDATE, ADDRESS.parse().unwrap());
    let packets = merge([
        look_up(
            "10.0.0.2",
            AFTER - SECOND,
            &["www.other.example"],
            "198.51.100.99",
        ),
        Talk::udp("10.0.0.1:40000", "10.0.0.53:53")
            .at(AFTER)
            .answers(&forged),
        nameless("10.0.0.1", AFTER + SECOND).server(&[8; 500]),
    ]);
    assert_eq!(findings(&packets, &[]), Vec::<Value>::new());
}

#[test]
fn bytes_of_a_flow_without_a_name_count_once() {
    let talk = nameless("10.0.0.1", AFTER + SECOND)
        .server(&vec![8; 20_000])
        .pause(std::time::Duration::from_secs(60))
        .server(&vec![8; 20_000]);
    let found = finding(&merge([
        look_up("10.0.0.1", AFTER, &[UPDATE], ADDRESS),
        talk,
    ]));
    assert_eq!(verdict(&found), "fetching, straggler");
    assert_eq!(
        (&found["bytes_received"], &found["bytes_sent"]),
        (&Value::from(40_000), &Value::from(60))
    );
}

#[test]
fn a_rule_on_any_name_of_a_chain_matches_what_was_asked() {
    let asked = "updates.corp.example";
    let after = AFTER + SECOND;
    let hello = || {
        Talk::tcp("10.0.0.1:50000", "198.51.100.7:443")
            .at(after)
            .open()
            .client(&ClientHello::to(asked).stream())
            .server(&server_hello())
    };
    let middle = [asked, UPDATE, "edge.cdn.example"];
    let last = [asked, "edge.cdn.example", UPDATE];
    for chain in [&middle[..], &last] {
        let look_up = || look_up("10.0.0.1", AFTER, chain, ADDRESS);
        assert_eq!(
            told(look_up().packets()),
            "asking: lookup of updates.corp.example by dns"
        );
        assert_eq!(
            told(&merge([look_up(), hello()])),
            "contacting, straggler: contact of updates.corp.example by dns tls"
        );
    }
    // Somebody else's alias in the same answer says nothing about the name.
    let query = Message::query(1, asked, A);
    let answer = query
        .response()
        .cname("other.example", UPDATE)
        .address(asked, ADDRESS.parse().unwrap());
    let talk = Talk::udp("10.0.0.1:40000", "10.0.0.53:53")
        .at(AFTER)
        .asks(&query)
        .answers(&answer);
    assert_eq!(findings(talk.packets(), &[]), Vec::<Value>::new());
}

#[test]
fn an_icmp_error_shows_that_a_try_was_blocked() {
    let at = AFTER + SECOND;
    let asked = look_up("10.0.0.1", AFTER, &[UPDATE], ADDRESS);
    let error = |talk: &Talk, to: &str| {
        let tried = talk
            .packets()
            .iter()
            .rfind(|packet| packet.from == Side::Client)
            .unwrap();
        let quoted = &tried.bytes[..28];
        let router = Ip::between("10.0.0.254".parse().unwrap(), to.parse().unwrap());
        TimedPacket {
            time: talk.now(),
            from: Side::Server,
            bytes: router.carry(1, &[&[3, 13, 0, 0, 0, 0, 0, 0], quoted].concat()),
        }
    };
    let syn = Talk::tcp("10.0.0.1:50000", "198.51.100.7:443").at(at).syn();
    let hello = Talk::tcp("10.0.0.1:50000", "198.51.100.7:443")
        .at(at)
        .open()
        .client(&ClientHello::to(UPDATE).stream());
    let refused = error(&syn, "10.0.0.1");
    let packets = [merge([asked.clone(), syn.clone()]), vec![refused]].concat();
    assert_eq!(
        told(&packets),
        "blocked: attempt of s07.upd.kaspersky.com by dns ip"
    );
    let refused = error(&hello, "10.0.0.1");
    let packets = [hello.packets().to_vec(), vec![refused.clone()]].concat();
    assert_eq!(
        told(&packets),
        "blocked: attempt of s07.upd.kaspersky.com by tls"
    );
    // What follows all the same shows that it got there.
    let mut talked = hello.clone().server(&server_hello()).into_packets();
    talked.insert(talked.len() - 2, refused);
    assert_eq!(
        told(&talked),
        "contacting, straggler: contact of s07.upd.kaspersky.com by tls"
    );
    // An error to somebody else is none of the host's.
    let packets = [hello.packets().to_vec(), vec![error(&hello, "10.0.0.77")]].concat();
    assert_eq!(
        told(&packets),
        "asking: attempt of s07.upd.kaspersky.com by tls"
    );
}
