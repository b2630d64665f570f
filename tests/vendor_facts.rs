//! What packs say beside names: networks add to a proof and accuse nobody, fallback resolvers explain a bypass, and an
//! advice is told as one.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says what it expects; the panic is its report"
)]

mod findings;
mod support;

use findings::findings;
use serde_json::{Value, json};
use support::dns_messages::{A, Message};
use support::{ClientHello, Talk, TimedPacket, application_data, merge, server_hello};

const SECOND: u64 = 1_000_000_000;
/// An hour behind the American cutoff, in nanoseconds since 1970.
const AFTER: u64 = (1_727_582_400 + 3_600) * SECOND;

const STRONG: &str = "s07.upd.kaspersky.com";
const WEAK: &str = "www.kaspersky.com";
/// In AS200107, by the built-in pack.
const INSIDE: &str = "77.74.181.7:443";
const OUTSIDE: &str = "198.51.100.7:443";

fn talk(name: &str, server: &str) -> Talk {
    Talk::tcp("10.0.0.1:40000", server)
        .at(AFTER)
        .open()
        .client(&ClientHello::to(name).stream())
        .server(&server_hello())
        .server(&application_data(40_000))
        .close()
}

fn told(packets: &[TimedPacket]) -> Vec<Value> {
    findings(packets, &[])
}

/// All that a finding says but for where the server is.
fn without_server(mut finding: Value) -> Value {
    for proof in finding["proof"].as_array_mut().unwrap() {
        for flow in proof["flows"].as_array_mut().unwrap() {
            let flow = flow.as_object_mut().unwrap();
            flow.remove("server");
            flow.remove("vendor_network");
        }
    }
    finding
}

#[test]
fn a_network_adds_to_a_proof_and_changes_nothing_else() {
    let inside = told(&talk(STRONG, INSIDE).into_packets());
    let outside = told(&talk(STRONG, OUTSIDE).into_packets());
    let network = |found: &[Value]| found[0]["proof"][0]["flows"][0]["vendor_network"].clone();
    assert_eq!(
        network(&inside),
        json!({"network": "77.74.176.0/21", "asn": 200_107})
    );
    assert_eq!(network(&outside), Value::Null);
    let plain = |found: Vec<Value>| found.into_iter().map(without_server).collect::<Vec<_>>();
    assert_eq!(plain(inside), plain(outside));
}

#[test]
fn a_network_accuses_nobody() {
    let stranger = told(&talk("www.stranger.example", INSIDE).into_packets());
    assert!(stranger.is_empty(), "{stranger:#?}");
    let weak = told(&talk(WEAK, INSIDE).into_packets());
    assert!(weak.is_empty(), "{weak:#?}");
    let nameless = Talk::tcp("10.0.0.1:40000", INSIDE)
        .at(AFTER)
        .open()
        .client(b"no hello")
        .server(&application_data(40_000))
        .close();
    let nameless = told(&nameless.into_packets());
    assert!(nameless.is_empty(), "{nameless:#?}");
}

#[test]
fn a_fallback_explains_a_bypass() {
    let ask = |resolver: &str| {
        let query = Message::query(1, STRONG, A);
        Talk::udp("10.0.0.1:40000", format!("{resolver}:53").as_str())
            .at(AFTER)
            .asks(&query)
            .answers(&query.response())
    };
    let bypass = |resolver: &str| {
        let found = told(&merge(vec![ask(resolver)]));
        let bypass = &found[0]["resolver_bypass"][0];
        assert_eq!(bypass["resolver"], resolver);
        bypass["product_fallback"].as_bool().unwrap()
    };
    for resolver in ["8.8.8.8", "223.6.6.6", "185.228.168.168"] {
        assert!(bypass(resolver), "{resolver}");
    }
    for resolver in ["8.8.4.4", "198.51.100.53"] {
        assert!(!bypass(resolver), "{resolver}");
    }
}

#[test]
fn an_advice_is_told_as_one() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("straggler.toml");
    let capture = folder.path().join("case.pcap");
    let link = support::Link::ethernet();
    support::Pcap::new(link.link_type())
        .nanos()
        .write(
            &capture,
            &link.frames(&talk(STRONG, OUTSIDE).into_packets()),
        )
        .unwrap();
    let told = |cutoff: &str, format: &str| {
        std::fs::write(
            &config,
            format!("[vendor.kaspersky]\ncutoffs = [\"{cutoff}\"]\n"),
        )
        .unwrap();
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_straggler"))
            .args(["replay", "--format", format, "--config"])
            .args([&config, &capture])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        String::from_utf8(output.stdout).unwrap()
    };
    for format in ["table", "markdown", "html"] {
        assert!(
            told("de-2022", format).contains("an advice, no ban: "),
            "{format}"
        );
        assert!(!told("lt-2017", format).contains("an advice"), "{format}");
    }
}
