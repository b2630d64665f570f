//! Pseudonyms: packets in, every output out; nothing of a device is left, and one device has one token everywhere.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says what it expects; the panic is its report"
)]
#![cfg(unix)]

mod served;
mod support;

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output};

use served::Served;
use straggler::model::{BlindKind, EventHost, Happening, HostKey, Mac, Span, Stamp, Timestamp};
use straggler::privacy::Pseudonyms;
use support::dhcp::Dhcp4;
use support::dns_messages::{A, Message};
use support::{
    ClientHello, Link, Pcap, Talk, TimedPacket, application_data, fatal_alert, merge, server_hello,
};

/// An hour after the cutoff of the built-in pack.
const AFTER: u64 = (1_727_582_400 + 3_600) * SECOND;
const SECOND: u64 = 1_000_000_000;
const NAME: &str = "s07.upd.kaspersky.com";
const MAC: [u8; 6] = [0, 0x11, 0x22, 0x33, 0x44, 0x55];
const KEY: [u8; 32] = [7; 32];

fn hello(host: &str, name: &str, time: u64) -> Talk {
    Talk::tcp(format!("{host}:50000").as_str(), "198.51.100.7:443")
        .at(time)
        .open()
        .client(&ClientHello::to(name).stream())
}

fn question(host: &str, resolver: &str, name: &str, time: u64) -> Talk {
    let query = Message::query(7, name, A);
    Talk::udp(
        format!("{host}:40000").as_str(),
        format!("{resolver}:53").as_str(),
    )
    .at(time)
    .client(&query.bytes())
}

/// A straggler with a lease and a name; one that is blocked, one that only asks, one that goes past the network's
/// resolver, one that is excepted, and a weak name.
fn packets() -> Vec<TimedPacket> {
    let address = "10.0.0.17".parse().unwrap();
    let request = Dhcp4::request(MAC, address).host_name("PC-17");
    let ack = Dhcp4::ack(MAC, address, 3_600);
    let after = |seconds: u64| AFTER + seconds * SECOND;
    merge([
        Talk::udp("0.0.0.0:68", "255.255.255.255:67")
            .at(AFTER)
            .client(&request.bytes()),
        Talk::udp("10.0.0.1:67", "10.0.0.17:68")
            .at(AFTER + 1)
            .client(&ack.bytes()),
        hello("10.0.0.17", NAME, after(1))
            .server(&server_hello())
            .server(&application_data(40_000))
            .close(),
        hello("10.0.0.17", "www.kaspersky.com", after(2)).server(&server_hello()),
        hello("10.0.0.18", NAME, after(3)).server(&fatal_alert(40)),
        question("10.0.0.19", "10.0.0.53", NAME, after(4)),
        question("10.0.0.20", "203.0.113.53", NAME, after(5)),
        hello("10.0.0.21", NAME, after(6)).server(&server_hello()),
        question("10.0.0.17", "10.0.0.53", "new.kaspersky.com", after(7)),
    ])
}

struct Case {
    _folder: tempfile::TempDir,
    capture: PathBuf,
    config: PathBuf,
}

impl Case {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let (capture, config, key) = (path("case.pcap"), path("c.toml"), path("key"));
        let link = Link::ethernet();
        Pcap::new(link.link_type())
            .nanos()
            .write(&capture, &link.frames(&packets()))
            .unwrap();
        std::fs::write(&key, KEY).unwrap();
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
        let exception = "[[exception]]\nhosts = [\"10.0.0.21\"]\nuntil = 2024-12-01T00:00:00Z\nreason = \"r\"\nby = \"b\"\n";
        let text = format!("{exception}[privacy]\nkey_file = \"{}\"\n", key.display());
        std::fs::write(&config, text).unwrap();
        Self {
            _folder: folder,
            capture,
            config,
        }
    }

    fn run(&self, args: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_straggler"))
            .args(args)
            .arg("--config")
            .arg(&self.config)
            .output()
            .unwrap()
    }

    fn replay(&self, format: &str, more: &[&str]) -> String {
        let capture = self.capture.to_str().unwrap();
        let args = [&["replay", "--format", format, capture], more].concat();
        let output = self.run(&args);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        String::from_utf8(output.stdout).unwrap() + &said
    }
}

fn is_clean(what: &str, text: &str) {
    let lower = text.to_lowercase();
    for tell in ["10.0.0.", "pc-17", "00:11:22", "00-11-22", "ip-1", "mac-00"] {
        assert!(!lower.contains(tell), "{what}: {tell} in {text}");
    }
}

#[test]
fn nothing_of_a_device_is_left_in_any_output() {
    let case = Case::new();
    let pseudonyms = Pseudonyms::new(&KEY);
    let json = case.replay("json", &[]);
    let rows: Vec<serde_json::Value> = json
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    let straggler = rows.iter().find(|row| row["straggler"] == true).unwrap();
    let token = straggler["host"].as_str().unwrap();
    let address = pseudonyms.address("10.0.0.17".parse().unwrap()).to_string();
    assert_eq!(straggler["addresses"][0], address);
    assert_eq!(straggler["host_name"], pseudonyms.name("pc-17"));
    assert!(
        rows.iter().any(|row| row["status"] == "excepted"),
        "{rows:#?}"
    );
    let served = Served::start(&[
        "--replay",
        case.capture.to_str().unwrap(),
        "--config",
        case.config.to_str().unwrap(),
    ]);
    served.wait_ready();
    let outputs = [
        ("json", json.clone()),
        ("table", case.replay("table", &[])),
        ("csv", case.replay("csv", &[])),
        ("markdown", case.replay("markdown", &[])),
        ("html", case.replay("html", &[])),
        ("metrics", served.get("/metrics").1),
        ("page", served.get("/").1),
    ];
    for (what, text) in &outputs {
        is_clean(what, text);
        // The table and the page may show the address alone.
        assert!(
            text.contains(token) || text.contains(&address),
            "{what}: {text}"
        );
    }
    let vendors = served.get("/api/v1/vendors").1;
    is_clean("vendors", &vendors);
    assert!(
        vendors.contains(&format!("\"hosts\":[\"{token}\"]")),
        "{vendors}"
    );
    for (what, text) in &outputs[3..6] {
        assert!(text.contains(token), "{what}: {token} not in {text}");
    }
}

/// The store knows who devices are, so that one can be erased; what is read from it does not tell.
#[test]
fn what_comes_from_the_store_holds_tokens_too() {
    let case = Case::new();
    let state = case.config.with_file_name("state");
    let events = case.config.with_file_name("events.jsonl");
    let mut config = std::fs::read_to_string(&case.config).unwrap();
    config.push_str(&format!(
        "[[events.file]]\npath = \"{}\"\n",
        events.display()
    ));
    std::fs::write(&case.config, config).unwrap();
    let state = state.to_str().unwrap();
    let served = Served::start(&[
        "--replay",
        case.capture.to_str().unwrap(),
        "--config",
        case.config.to_str().unwrap(),
        "--state-dir",
        state,
    ]);
    served.wait_ready();
    let pseudonyms = Pseudonyms::new(&KEY);
    let address: std::net::IpAddr = "10.0.0.17".parse().unwrap();
    let token = pseudonyms.address(address).to_string();
    let sightings = served.get("/api/v1/sightings").1;
    is_clean("sightings", &sightings);
    assert!(sightings.contains(&token), "{token} not in {sightings}");
    let rows: serde_json::Value = serde_json::from_str(&sightings).unwrap();
    let row = &rows["sightings"][0];
    let key = row["host"].as_str().unwrap();
    let of_one = served.get(&format!("/api/v1/sightings?host={key}"));
    let of_one: serde_json::Value = serde_json::from_str(&of_one.1).unwrap();
    let of_one = of_one["sightings"].as_array().unwrap();
    assert!(!of_one.is_empty());
    assert!(of_one.iter().all(|one| one["host"] == row["host"]));
    let address = row["address"].as_str().unwrap();
    let of_one = served.get(&format!("/api/v1/sightings?host={address}")).1;
    assert!(of_one.contains(key), "{of_one}");
    for device in ["ip-10.0.0.17", "10.0.0.17"] {
        let (status, unknown) = served.get(&format!("/api/v1/sightings?host={device}"));
        assert_eq!(status, 404, "{unknown}");
    }
    is_clean("hosts", &served.get("/api/v1/hosts").1);
    let (status, page) = served.get(&format!("/hosts/{key}"));
    assert_eq!(status, 200, "{page}");
    is_clean("the page of a host", &page);
    assert!(
        page.contains("Addresses over time") && page.contains("Day by day"),
        "{page}"
    );
    let (status, page) = served.get("/hosts/mac-00%3A11%3A22%3A33%3A44%3A55");
    // It says no more than what was asked for.
    assert!(status == 404 && !page.contains("kaspersky"), "{page}");
    served.end("TERM");
    let events = std::fs::read_to_string(&events).unwrap();
    is_clean("events", &events);
    assert!(events.contains(&token), "{token} not in {events}");
    for format in ["json", "table", "csv", "markdown", "html"] {
        let output = case.run(&["report", "--format", format, "--state-dir", state]);
        let text = String::from_utf8(output.stdout).unwrap();
        is_clean(format, &text);
        assert!(
            text.contains(&token) || text.contains(key),
            "{format}: {text}"
        );
    }
    let asked = ["report", "--host", "10.0.0.17", "--state-dir", state];
    let by_address = case.run(&[&asked[..], &["--format", "json"]].concat());
    let text = String::from_utf8(by_address.stdout).unwrap();
    assert!(text.lines().count() > 0 && text.contains(&token), "{text}");
    // Without the key nobody learns from the store who it is; erasing says no more than was typed.
    let without_key = |args: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_straggler"))
            .args(args)
            .args(["--state-dir", state])
            .output()
            .unwrap();
        let said =
            String::from_utf8(output.stdout).unwrap() + &String::from_utf8_lossy(&output.stderr);
        (output.status.code(), said)
    };
    let (exit, said) = without_key(&["report"]);
    assert_eq!(exit, Some(2), "{said}");
    is_clean("report", &said);
    assert!(
        said.contains("key_file") && said.lines().count() == 1,
        "{said}"
    );
    let (exit, said) = without_key(&["erase", "10.0.0.18"]);
    assert!(
        exit == Some(0) && said.contains("erased 10.0.0.18:"),
        "{said}"
    );
    let erased = case.run(&["erase", "10.0.0.17", "--state-dir", state]);
    let said = String::from_utf8(erased.stdout).unwrap() + &String::from_utf8_lossy(&erased.stderr);
    assert!(
        erased.status.success() && said.contains("erased p-"),
        "{said}"
    );
    is_clean("erase", &said);
}

/// A daemon's refusal to start goes to the log, so a bad file about devices is told by line and fault, not by its text.
#[test]
fn a_bad_file_about_devices_is_told_without_its_text() {
    let case = Case::new();
    let inventory = case.config.with_file_name("inventory.csv");
    let config = std::fs::read_to_string(&case.config).unwrap();
    std::fs::write(&case.config, format!("inventory = {inventory:?}\n{config}")).unwrap();
    for (text, words) in [
        (
            "mac,id\n00:11:22:33:44:55,pc-17\n00:11:22:33:44:55,x\n",
            "csv:3: this mac is also that of another device",
        ),
        (
            "mac,id\n00:11:22:33:44,pc-17\n",
            "csv:2: what stands under `mac` is no MAC address",
        ),
        (
            "00:11:22:33:44:55,pc-17\n",
            "csv:1: there is no column of such a name",
        ),
    ] {
        std::fs::write(&inventory, text).unwrap();
        for args in [&["run"][..], &["config", "check"]] {
            let output = case.run(args);
            let said = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(2), "{said}");
            assert!(said.contains(words), "{said}");
            is_clean("refusal", &said);
        }
    }
}

#[test]
fn hosts_are_asked_for_by_token_or_as_they_are() {
    let case = Case::new();
    let token = Pseudonyms::new(&KEY)
        .address("10.0.0.17".parse().unwrap())
        .to_string();
    let by_token = case.replay("html", &["--host", &token]);
    assert_eq!(by_token, case.replay("html", &["--host", "10.0.0.17"]));
    is_clean("html", &by_token);
    let output = case.run(&["privacy", "token", "10.0.0.17"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.starts_with(&format!("address\t{token}\nkey\tp-")),
        "{text}"
    );
}

#[test]
fn events_have_the_tokens_of_the_other_outputs() {
    let pseudonyms = Pseudonyms::new(&KEY);
    let address = "10.0.0.17".parse().unwrap();
    let key = HostKey::from_address(address);
    let host = EventHost {
        mac: Some(Mac::new(MAC)),
        name: Some("pc-17".to_owned()),
        ..EventHost::new(&key, Some(address))
    };
    let at = Timestamp::from_nanos(i64::try_from(AFTER).unwrap());
    let span = Span {
        first: at,
        last: at,
    };
    let happening = Happening::blind_spot(host, BlindKind::ALL[0], span, 1);
    let mut stamp = Stamp::new("gw-1", 0);
    let shown = stamp.event(happening.clone(), None);
    let hidden = stamp.event(pseudonyms.hide_happening(happening), None);
    let line = hidden.line();
    is_clean("event", &line);
    assert_ne!(shown.id, hidden.id);
    for token in [
        pseudonyms.host_key(&key).to_string(),
        pseudonyms.address(address).to_string(),
        pseudonyms.name("pc-17"),
    ] {
        assert!(line.contains(&token), "{token} not in {line}");
    }
}

#[test]
fn a_key_that_others_may_read_is_refused_in_one_line() {
    let case = Case::new();
    let key = case.config.with_file_name("key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let output = case.run(&["config", "check"]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(
        said.contains("mode 0644") && said.contains("chmod 600"),
        "{said}"
    );
}
