//! What protects a host, whom it asks past the network's resolver, and who is excepted: packets in, report out.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says what it expects; the panic is its report"
)]

mod findings;
mod support;

use findings::{finding, findings, verdict};
use support::dns_messages::{A, Message};
use support::{
    ClientHello, Link, Pcap, Talk, TimedPacket, application_data, fatal_alert, merge, server_hello,
};

/// 2024-09-29T00:00:00-04:00 in nanoseconds since 1970.
const CUTOFF: u64 = 1_727_582_400 * SECOND;
const SECOND: u64 = 1_000_000_000;
const HOUR: u64 = 3_600 * SECOND;
const DAY: u64 = 24 * HOUR;

const OLD: &str = "s07.upd.kaspersky.com";
const NEW: &str = "wdcp.microsoft.com";
/// Of the replacement too, in a category that proves no protection.
const NO_PROOF: &str = "definitionupdates.microsoft.com";

fn talk(name: &str, port: u16, time: u64) -> Talk {
    Talk::tcp(format!("10.0.0.1:{port}").as_str(), "198.51.100.7:443")
        .at(time)
        .open()
        .client(&ClientHello::to(name).stream())
        .server(&server_hello())
        .server(&application_data(40_000))
        .close()
}

fn refused(name: &str, port: u16, time: u64) -> Talk {
    Talk::tcp(format!("10.0.0.1:{port}").as_str(), "198.51.100.7:443")
        .at(time)
        .open()
        .client(&ClientHello::to(name).stream())
        .server(&fatal_alert(40))
}

/// Somebody talks all day long, and the host too at its end.
fn day_before(end: u64) -> Vec<Talk> {
    let others = (0..=48).map(|half| {
        let address = if half == 0 {
            "10.0.0.1:9"
        } else {
            "10.0.0.200:9"
        };
        Talk::udp(address, "198.51.100.9:9")
            .at(end - half * HOUR / 2)
            .client(b"x")
    });
    others.collect()
}

/// The lines of the report as Markdown that have this word.
fn told(packets: &[TimedPacket], word: &str, config: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let (capture, file) = (
        folder.path().join("case.pcap"),
        folder.path().join("c.toml"),
    );
    let link = Link::ethernet();
    Pcap::new(link.link_type())
        .nanos()
        .write(&capture, &link.frames(packets))
        .unwrap();
    std::fs::write(&file, config).unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_straggler"))
        .args(["replay", "--format", "markdown", "--config"])
        .args([&file, &capture])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .filter(|line| line.contains(word))
        .map(str::to_owned)
        .collect()
}

#[test]
fn what_protects_a_host() {
    let end = CUTOFF + 9 * DAY;
    let before = talk(OLD, 1, CUTOFF - DAY);
    let cases: Vec<(&str, Vec<Talk>, Option<&str>)> = vec![
        (
            "the new one only",
            vec![before.clone(), talk(NEW, 2, end - HOUR)],
            Some("moved"),
        ),
        (
            "the old one refused, the new one used",
            vec![
                before.clone(),
                refused(OLD, 2, end - HOUR),
                talk(NEW, 3, end - DAY),
            ],
            Some("moved"),
        ),
        (
            "the new one in a category that proves nothing",
            vec![before.clone(), talk(NO_PROOF, 2, end - HOUR)],
            Some("no replacement seen"),
        ),
        ("neither", vec![before.clone()], Some("no replacement seen")),
        (
            "the new one eight days ago",
            vec![before.clone(), talk(NEW, 2, end - 8 * DAY)],
            Some("no replacement seen"),
        ),
        (
            "both, the old one after its cutoff",
            vec![talk(OLD, 1, end - HOUR), talk(NEW, 2, end - HOUR)],
            Some("straggling"),
        ),
        (
            "never more than a try",
            vec![refused(OLD, 2, end - HOUR)],
            None,
        ),
    ];
    for (case, talks, expected) in cases {
        let packets = merge(talks.into_iter().chain(day_before(end)));
        let words = ["moved", "both", "no replacement seen", "straggling"];
        let rows = told(&packets, "| ip-10.0.0.1 |", "");
        let coverage = rows.iter().find_map(|row| {
            let cells: Vec<&str> = row.split('|').map(str::trim).collect();
            words
                .iter()
                .find(|word| cells.get(3).is_some_and(|cell| cell.starts_with(**word)))
        });
        assert_eq!(coverage.copied(), expected, "{case}: {rows:#?}");
    }
}

#[test]
fn an_excepted_host_stays_visible_and_returns() {
    let packets = merge([talk(OLD, 1, CUTOFF + HOUR)]);
    assert_eq!(verdict(&finding(&packets)), "fetching, straggler");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("c.toml");
    let config = |until: &str| {
        format!(
            "[[exception]]\nhosts = [\"10.0.0.1\"]\nuntil = {until}\nreason = \"last in line\"\nby = \"it\"\n"
        )
    };
    for (until, expected) in [
        ("2024-10-01T00:00:00Z", "excepted"),
        ("2024-09-29T05:00:00Z", "fetching, straggler"),
    ] {
        std::fs::write(&file, config(until)).unwrap();
        let found = findings(&packets, &["--config", file.to_str().unwrap()]);
        assert_eq!(verdict(&found[0]), expected, "{until}");
    }
    let rows = told(&packets, "last in line", &config("2024-10-01T00:00:00Z"));
    assert_eq!(rows.len(), 1, "{rows:#?}");
}

#[test]
fn who_asks_a_foreign_resolver() {
    let ask = |resolver: &str, time: u64, rcode: u8| {
        let query = Message::query(1, OLD, A);
        Talk::udp("10.0.0.1:40000", format!("{resolver}:53").as_str())
            .at(time)
            .asks(&query)
            .answers(&query.response().rcode(rcode))
    };
    let at = CUTOFF + HOUR;
    let bypasses = |talks: Vec<Talk>, config: &str| told(&merge(talks), "198.51.100.53", config);
    assert_eq!(
        bypasses(vec![ask("10.0.0.53", at, 5)], ""),
        Vec::<String>::new()
    );
    let foreign = bypasses(vec![ask("198.51.100.53", at, 5)], "");
    assert!(foreign.iter().any(|row| row.contains(OLD)), "{foreign:#?}");
    let after = bypasses(
        vec![
            ask("10.0.0.53", at, 5),
            ask("198.51.100.53", at + SECOND, 0),
        ],
        "",
    );
    assert_ne!(foreign, after, "that the own resolver had refused is said");
    let ours = bypasses(
        vec![ask("198.51.100.53", at, 5)],
        "resolvers = [\"198.51.100.53\"]\n",
    );
    assert_eq!(
        ours.iter().filter(|row| row.contains(OLD)).count(),
        0,
        "{ours:#?}"
    );
}
