//! What hosts do for others, and what that changes: packets in, findings out.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says what it expects; the panic is its report"
)]

mod findings;
mod support;

use findings::{findings, verdict};
use serde_json::Value;
use support::dns_messages::{A, Message};
use support::packets::SYN;
use support::{ClientHello, Ip, Segment, Side, Talk, TimedPacket, application_data, merge};
use support::{fatal_alert, server_hello};

/// An hour after 2024-09-29T00:00:00-04:00, in nanoseconds since 1970.
const AFTER: u64 = (1_727_582_400 + 3_600) * SECOND;
const SECOND: u64 = 1_000_000_000;
const UPDATE: &str = "s07.upd.kaspersky.com";
const RESOLVER: &str = "10.0.0.53";
const OUTSIDE: &str = "198.51.100.53";

/// A look-up from one address at another.
fn look_up(client: &str, resolver: &str, name: &str, time: u64, id: u16) -> Talk {
    let query = Message::query(id, name, A);
    let answer = query
        .response()
        .address(name, "198.51.100.7".parse().unwrap());
    Talk::udp(
        format!("{client}:{}", 40_000 + id).as_str(),
        format!("{resolver}:53").as_str(),
    )
    .at(time)
    .asks(&query)
    .answers(&answer)
}

fn hello(host: &str, port: u16, time: u64) -> Talk {
    Talk::tcp(format!("{host}:{port}").as_str(), "198.51.100.7:443")
        .at(time)
        .open()
        .client(&ClientHello::to(UPDATE).stream())
}

fn download(host: &str, port: u16, time: u64) -> Talk {
    hello(host, port, time)
        .server(&server_hello())
        .server(&application_data(40_000))
        .close()
}

/// What an agent says to the relay of its site.
fn to_relay(host: &str, relay: &str, port: u16, time: u64) -> Talk {
    Talk::tcp(
        format!("{host}:50100").as_str(),
        format!("{relay}:{port}").as_str(),
    )
    .at(time)
    .open()
    .client(b"agent")
}

/// Roles, number of resolvers gone past, and verdict of the one finding at an address.
fn told(packets: &[TimedPacket], address: &str, config: &str) -> String {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), config).unwrap();
    let found = findings(packets, &["--config", file.path().to_str().unwrap()]);
    let of_host = |finding: &&Value| finding["addresses"][0] == address;
    let finding = found
        .iter()
        .find(of_host)
        .unwrap_or_else(|| panic!("{found:#?}"));
    let roles: Vec<&str> = finding["host_roles"]
        .as_array()
        .unwrap()
        .iter()
        .map(|role| role.as_str().unwrap())
        .collect();
    let past = finding["resolver_bypass"].as_array().unwrap().len();
    format!("{} {past}: {}", roles.join("+"), verdict(finding))
}

/// A resolver that so many clients ask, and that asks a resolver outside.
fn resolver_of(clients: u16) -> Vec<TimedPacket> {
    let asks = (1..=clients).map(|n| {
        let client = format!("10.0.0.{n}");
        look_up(
            &client,
            RESOLVER,
            "www.example.com",
            AFTER + u64::from(n) * SECOND,
            n,
        )
    });
    let forward = look_up(RESOLVER, OUTSIDE, UPDATE, AFTER + 60 * SECOND, 99);
    merge(asks.chain([forward]))
}

#[test]
fn who_answers_for_others_is_a_resolver_and_goes_past_nobody() {
    for (clients, expected) in [
        (3, "resolver 0: asking"),
        (2, " 0: asking"),
        (0, " 1: asking"),
    ] {
        assert_eq!(
            told(&resolver_of(clients), RESOLVER, ""),
            expected,
            "{clients}"
        );
    }
    // What it fetches itself is its own.
    let mut packets = resolver_of(3);
    packets.extend(download(RESOLVER, 50_000, AFTER + 70 * SECOND).into_packets());
    assert_eq!(
        told(&packets, RESOLVER, ""),
        "resolver 0: fetching, straggler"
    );
}

#[test]
fn a_relay_fetches_and_is_asked_on_its_ports() {
    let relay = "10.0.0.5";
    let case = |clients: u16, port: u16, fetches: bool| {
        let first = if fetches {
            download(relay, 50_000, AFTER)
        } else {
            hello(relay, 50_000, AFTER).server(&fatal_alert(40))
        };
        let agents = (10..10 + clients).map(|n| {
            let time = AFTER + u64::from(n) * SECOND;
            to_relay(&format!("10.0.0.{n}"), relay, port, time)
        });
        told(&merge(agents.chain([first])), relay, "")
    };
    assert_eq!(case(3, 13_000, true), "relay 0: fetching, straggler");
    assert_eq!(case(2, 13_000, true), " 0: fetching, straggler");
    assert_eq!(case(3, 8_443, true), " 0: fetching, straggler");
    assert_eq!(case(3, 13_000, false), " 0: blocked");
}

#[test]
fn who_asks_for_name_after_name_and_uses_none_is_a_scanner() {
    let case = |names: u16, more: Option<Talk>| {
        let asks = (1..=names).map(|n| {
            let name = format!("s{n}.upd.kaspersky.com");
            look_up(
                "10.0.0.9",
                RESOLVER,
                &name,
                AFTER + u64::from(n) * SECOND,
                n,
            )
        });
        told(&merge(asks.chain(more)), "10.0.0.9", "")
    };
    assert_eq!(case(50, None), "scanner 0: asking");
    assert_eq!(case(100, None), "scanner 0: asking");
    assert_eq!(case(49, None), " 0: asking");
    let used = download("10.0.0.9", 50_000, AFTER + 200 * SECOND);
    assert_eq!(case(60, Some(used)), " 0: fetching, straggler");
}

#[test]
fn the_sensor_itself_is_shown_and_no_straggler_unless_asked() {
    let packets = download("10.0.0.1", 50_000, AFTER).into_packets();
    for (config, expected) in [
        ("", " 0: fetching, straggler"),
        ("sensor_addresses = [\"10.0.0.1\"]", "gateway 0: fetching"),
        (
            "sensor_addresses = [\"10.0.0.2\"]",
            " 0: fetching, straggler",
        ),
        (
            "sensor_addresses = [\"10.0.0.1\"]\nwatch_sensor = true",
            "gateway 0: fetching, straggler",
        ),
    ] {
        assert_eq!(told(&packets, "10.0.0.1", config), expected, "{config}");
    }
}

/// A SYN as another kind of system sends it.
fn syn(host: &str, hops: u8, time: u64) -> TimedPacket {
    let segment = Segment::new(50_999, 443).seq(1).flags(SYN);
    let ends = (host.parse().unwrap(), "198.51.100.9".parse().unwrap());
    TimedPacket {
        time,
        from: Side::Client,
        bytes: Ip::between(ends.0, ends.1).hop_limit(hops).packet(&segment),
    }
}

#[test]
fn only_mixed_systems_behind_one_address_are_told_as_nat() {
    let case = |sightings: u16, hops: u8, others: u16| {
        let own =
            (1..=sightings).map(|n| hello("10.0.0.1", 50_000 + n, AFTER + u64::from(n) * SECOND));
        let others =
            (1..=others).map(|n| hello("10.0.0.2", 50_000 + n, AFTER + u64::from(n) * SECOND));
        let mut packets = merge(own.chain(others));
        packets.push(syn("10.0.0.1", hops, AFTER + 100 * SECOND));
        told(&packets, "10.0.0.1", "")
    };
    assert_eq!(case(20, 127, 0), "nat 0: asking");
    assert_eq!(case(20, 127, 2), "nat 0: asking");
    assert_eq!(case(20, 127, 3), " 0: asking");
    assert_eq!(case(19, 127, 0), " 0: asking");
    // One who alone uses the vendor, over paths of different lengths.
    assert_eq!(case(40, 61, 0), " 0: asking");
}
