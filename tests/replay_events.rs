//! What the daemon tells of a recording: every event as the schema says, and the same each time.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says what it expects; the panic is its report"
)]

mod served;
mod support;

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use served::Served;
use support::{
    ClientHello, Dhcp4, Link, Pcap, Talk, TimedPacket, application_data, fatal_alert, merge,
    server_hello,
};

const SECOND: u64 = 1_000_000_000;
const HOUR: u64 = 3_600 * SECOND;
/// An hour after 2024-09-29T00:00:00-04:00, in nanoseconds since 1970.
const START: u64 = (1_727_582_400 + 3_600) * SECOND;

/// The lines that a replay of these packets writes.
fn events(packets: &[TimedPacket]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let capture = folder.path().join("case.pcap");
    let link = Link::vlan(&[0x8100]);
    Pcap::new(link.link_type())
        .nanos()
        .write(&capture, &link.frames(packets))
        .unwrap();
    let output = folder.path().join("events.jsonl");
    let config = folder.path().join("straggler.toml");
    let text = format!(
        "sensor = \"gw-1\"\n[[events.file]]\npath = {:?}\n",
        output.to_str().unwrap()
    );
    std::fs::write(&config, text).unwrap();
    let args = ["--config", config.to_str().unwrap()];
    let served = Served::start(&[args[0], args[1], "--replay", capture.to_str().unwrap()]);
    served.wait_ready();
    let (status, page) = served.get("/metrics");
    assert_eq!(status, 200);
    assert!(page.contains(r#"straggler_events_total{output="file",result="dropped"} 0"#));
    let (status, said, _) = served.end("TERM");
    assert!(status.success(), "{said}");
    let text = std::fs::read_to_string(&output).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// What of stragglers is told, in order: action, host, reason.
fn straggling(lines: &[String]) -> Vec<[String; 3]> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let told = checked(lines).into_iter().map(|event| {
        let straggler = &event["straggler"];
        [
            &event["event"]["action"],
            &straggler["host"],
            &straggler["reason"],
        ]
        .map(text)
    });
    told.filter(|[action, ..]| action.starts_with("straggler_"))
        .collect()
}

fn fetches(host: &str, time: u64) -> Talk {
    Talk::tcp(format!("{host}:50000").as_str(), "198.51.100.7:443")
        .at(time)
        .open()
        .client(&ClientHello::to("s07.upd.kaspersky.com").stream())
        .server(&server_hello())
        .server(&application_data(60_000))
        .close()
}

/// Two stragglers that turn out to be one device: the key that goes ends.
#[test]
fn a_key_that_becomes_an_alias_ends() {
    let lease = |address: &str, time| {
        let ack = Dhcp4::ack([2, 0, 0, 0, 0, 7], address.parse().unwrap(), 86_400);
        Talk::udp("10.0.0.254:67", format!("{address}:68").as_str())
            .at(time)
            .client(&ack.bytes())
    };
    let lines = events(&merge([
        fetches("10.0.0.1", START),
        fetches("10.0.0.2", START + 60 * SECOND),
        lease("10.0.0.1", START + 120 * SECOND),
        lease("10.0.0.2", START + 180 * SECOND),
        fetches("10.0.0.2", START + 240 * SECOND),
    ]));
    let told = straggling(&lines);
    let told: Vec<_> = told
        .iter()
        .map(|it| it.each_ref().map(String::as_str))
        .collect();
    let expected = [
        ["straggler_new", "ip-10.0.0.1", ""],
        ["straggler_new", "ip-10.0.0.2", ""],
        ["straggler_ended", "ip-10.0.0.2", "renamed"],
    ];
    assert_eq!(told, expected);
}

/// The inventory gives another id while the daemon is stopped: the old key ends and the new one begins.
#[test]
fn another_id_ends_the_old_key_and_begins_the_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let link = Link::ethernet();
    let capture = |name: &str, start: u64| {
        let path = path(name);
        let talks = [0, 60, 120].map(|second| fetches("10.0.0.1", start + second * SECOND));
        let file = Pcap::new(link.link_type()).nanos();
        file.write(&path, &link.frames(&merge(talks))).unwrap();
        path
    };
    let first = capture("1.pcap", START);
    let second = capture("2.pcap", START + HOUR);
    let text = format!(
        "inventory = {:?}\n[[events.file]]\npath = {:?}\n",
        path("inventory.csv"),
        path("events.jsonl")
    );
    std::fs::write(path("c.toml"), text).unwrap();
    for (id, capture) in [("laptop-7", first), ("laptop-8", second)] {
        let row = format!("address,id\n10.0.0.1,{id}\n");
        std::fs::write(path("inventory.csv"), row).unwrap();
        let (config, state) = (path("c.toml"), path("state"));
        let served = Served::start(&[
            "--replay",
            capture.to_str().unwrap(),
            "--config",
            config.to_str().unwrap(),
            "--state-dir",
            state.to_str().unwrap(),
        ]);
        served.wait_ready();
        let (status, said, _) = served.end("TERM");
        assert!(status.success(), "{said}");
    }
    let text = std::fs::read_to_string(path("events.jsonl")).unwrap();
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let told = straggling(&lines);
    let mut told: Vec<_> = told
        .iter()
        .map(|it| it.each_ref().map(String::as_str))
        .collect();
    told.sort_unstable();
    let expected = [
        ["straggler_ended", "laptop-7", "renamed"],
        ["straggler_new", "laptop-7", ""],
        ["straggler_new", "laptop-8", ""],
    ];
    assert_eq!(told, expected);
}

fn checked(lines: &[String]) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/event.schema.json");
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let values = lines.iter().map(|line| {
        let value = serde_json::from_str(line).unwrap();
        assert!(validator.is_valid(&value), "{line}");
        value
    });
    values.collect()
}

fn of(events: &[Value], action: &str) -> Vec<Value> {
    let those = events.iter().filter(|e| e["event"]["action"] == action);
    those.cloned().collect()
}

/// A download, a request, a refusal, two hellos without a name, and somebody who goes on for a day.
fn day() -> Vec<TimedPacket> {
    let hello = ClientHello::to("s07.upd.kaspersky.com").stream();
    let download = Talk::tcp("10.0.0.1:50000", "198.51.100.7:443")
        .at(START)
        .open()
        .client(&hello)
        .server(&server_hello())
        .server(&application_data(60_000))
        .close();
    let request = b"GET / HTTP/1.1\r\nHost: www.kaspersky.com\r\nUser-Agent: =Up<b>\\,1\r\n\r\n";
    let weak = Talk::tcp("10.0.0.1:50001", "198.51.100.8:80")
        .at(START + SECOND)
        .open()
        .client(request)
        .server(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        .close();
    let refused = Talk::tcp("10.0.0.2:50002", "198.51.100.7:443")
        .at(START + 2 * SECOND)
        .open()
        .client(&hello)
        .server(&fatal_alert(40))
        .close();
    let nameless = (0..2u16).map(|nth| {
        Talk::tcp(
            format!("10.0.0.3:{}", 50_003 + nth).as_str(),
            "198.51.100.9:443",
        )
        .at(START + (3 + u64::from(nth)) * SECOND)
        .open()
        .client(&ClientHello::unnamed().stream())
        .server(&server_hello())
        .close()
    });
    let others = (0..60).map(|half| {
        Talk::udp("10.0.0.200:9", "198.51.100.9:9")
            .at(START + half * HOUR / 2)
            .client(b"x")
    });
    merge(
        [download, weak, refused]
            .into_iter()
            .chain(nameless)
            .chain(others),
    )
}

#[test]
fn a_replay_tells_every_kind_and_the_same_each_time() {
    let lines = events(&day());
    let all = checked(&lines);
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for (at, event) in all.iter().enumerate() {
        *kinds
            .entry(event["event"]["action"].as_str().unwrap().to_owned())
            .or_default() += 1;
        assert_eq!(event["event"]["sequence"], at + 1);
        assert!(event["event"]["created"].is_null(), "{event}");
    }
    for (kind, count) in [
        ("sighting", 2),
        ("flow_end", 3),
        ("straggler_new", 1),
        ("straggler_ended", 1),
        ("blind_spot", 1),
    ] {
        assert_eq!(kinds.get(kind), Some(&count), "{kind}: {kinds:?}");
    }
    let ends = of(&all, "flow_end");
    let own = |at: usize, field: &str| ends[at]["straggler"][field].as_str().unwrap_or("");
    let outcomes: Vec<_> = (0..3)
        .map(|at| {
            (
                own(at, "strength"),
                own(at, "evidence"),
                own(at, "outcome"),
                own(at, "blocked_by"),
            )
        })
        .collect();
    let mut sorted = outcomes.clone();
    sorted.sort_unstable();
    assert_eq!(
        sorted,
        [
            ("strong", "attempt", "blocked", "tls_alert"),
            ("strong", "transfer", "answered", ""),
            ("weak", "contact", "answered", ""),
        ]
    );
    let download = ends
        .iter()
        .find(|e| e["straggler"]["evidence"] == "transfer")
        .unwrap();
    assert!(download["destination"]["bytes"].as_u64().unwrap() > 60_000);
    assert!(download["observer"]["ingress"]["vlan"]["id"].is_string());
    let weak = ends
        .iter()
        .find(|e| e["straggler"]["strength"] == "weak")
        .unwrap();
    assert_eq!(weak["user_agent"]["original"], "=Up<b>\\092,1");
    let blind = &of(&all, "blind_spot")[0];
    assert_eq!(blind["straggler"]["kind"], "no_sni");
    assert_eq!(blind["straggler"]["count"], 2);
    assert_eq!(
        blind["event"]["duration"]
            .as_u64()
            .map(|span| span / SECOND),
        Some(1)
    );
    assert_eq!(events(&day()), lines);
}

/// The server's address is looked up in the pack's networks, for sightings and ends of flows alike.
#[test]
fn events_say_that_a_server_stands_in_the_vendors_network() {
    for (server, number) in [
        ("77.74.181.7:443", Some(200_107)),
        ("198.51.100.7:443", None),
    ] {
        let talk = Talk::tcp("10.0.0.1:40000", server)
            .at(START + HOUR)
            .open()
            .client(&ClientHello::to("s07.upd.kaspersky.com").stream())
            .server(&server_hello())
            .server(&application_data(40_000))
            .close();
        let all = checked(&events(&talk.into_packets()));
        for kind in ["sighting", "flow_end"] {
            let told = of(&all, kind);
            let system = &told.first().unwrap()["destination"]["as"];
            assert_eq!(system["number"].as_u64(), number, "{kind} {server}");
            let name = system["organization"]["name"].as_str();
            assert_eq!(name, number.map(|_| "Kaspersky"), "{kind} {server}");
        }
    }
}

/// The time of a first frame alone must end no window, whether somebody takes events or not.
#[test]
fn a_wild_first_time_takes_nothing_away() {
    let wild = Talk::udp("10.0.0.9:40000", "198.51.100.9:9999")
        .at(START + 48 * HOUR)
        .client(b"hello");
    let mut packets = wild.into_packets();
    for minute in 0..60 {
        let talk =
            Talk::udp("10.0.0.8:40000", "198.51.100.9:9999").at(START + minute * 60 * SECOND);
        packets.extend(talk.client(b"hello").into_packets());
    }
    let fetch = Talk::tcp("10.0.0.1:50000", "198.51.100.7:443")
        .at(START + HOUR)
        .open()
        .client(&ClientHello::to("s07.upd.kaspersky.com").stream())
        .server(&server_hello())
        .server(&application_data(40_000));
    packets.extend(fetch.into_packets());
    let told = checked(&events(&packets));
    let actions: Vec<&Value> = told.iter().map(|event| &event["event"]["action"]).collect();
    assert!(
        actions.contains(&&Value::from("straggler_new")),
        "{actions:?}"
    );
    assert!(
        !actions.contains(&&Value::from("straggler_ended")),
        "{actions:?}"
    );
}
