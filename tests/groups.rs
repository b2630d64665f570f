//! Groups of hosts that other cutoffs bind: packets and a configuration in, findings out.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says what it expects; the panic is its report"
)]

mod findings;
mod support;

use findings::{findings, verdict};
use support::{ClientHello, Talk, TimedPacket, application_data, merge, server_hello};

const SECOND: u64 = 1_000_000_000;
const HOUR: u64 = 3_600 * SECOND;
/// 2024-01-01T00:00:00Z: behind the cutoff of 2023, before that of 2024.
const BETWEEN: u64 = 1_704_067_200 * SECOND;
/// 2024-12-01T00:00:00Z: behind both.
const AFTER_BOTH: u64 = 1_733_011_200 * SECOND;
const NAME: &str = "a.upd.vendor.example";

const PACK: &str = r#"
schema = 1
kind = "vendor"
[vendor]
id = "vendor"
name = "Vendor"
role = "restricted"
version = "1"
reviewed = 2026-01-02
enabled = true
[[cutoff]]
id = "us-2024"
default = true
jurisdiction = "US"
binds = "persons there"
at = 2024-09-29T00:00:00-04:00
categories = ["update"]
authority = "an act"
source = "https://law.example/us"
[[cutoff]]
id = "ca-2023"
default = false
jurisdiction = "CA"
binds = "devices there"
at = 2023-10-30T00:00:00-04:00
categories = ["update"]
authority = "an order"
source = "https://law.example/ca"
[[service]]
id = "databases"
name = "Databases"
category = "update"
strength = "strong"
confidence = "vendor"
names = [".upd.vendor.example"]
source = "https://vendor.example/"
[[test]]
name = "a.upd.vendor.example"
expect = "databases"
[[test]]
name = "upd.vendor.example.evil.example"
expect = "none"
"#;

const GROUPS: &str = r#"
[[group]]
name = "canada"
networks = ["10.2.0.0/16"]
cutoffs = ["ca-2023"]
[[group]]
name = "laboratory"
networks = ["10.2.9.0/24", "10.3.0.0/16"]
cutoffs = []
[[group]]
name = "overseas"
sites = ["Lisbon"]
cutoffs = ["vendor/ca-2023"]
"#;

fn download(host: &str, time: u64) -> Talk {
    Talk::tcp(format!("{host}:50000").as_str(), "198.51.100.7:443")
        .at(time)
        .open()
        .client(&ClientHello::to(NAME).stream())
        .server(&server_hello())
        .server(&application_data(40_000))
        .close()
}

struct Files {
    folder: tempfile::TempDir,
}

impl Files {
    fn new(configuration: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("rules")).unwrap();
        std::fs::write(folder.path().join("rules/vendor.toml"), PACK).unwrap();
        let inventory = "address,id,site\n10.1.0.9,pc-9,Lisbon\n";
        std::fs::write(folder.path().join("inventory.csv"), inventory).unwrap();
        let listed = folder.path().join("inventory.csv");
        let configuration = format!("inventory = {listed:?}\n{configuration}");
        std::fs::write(folder.path().join("c.toml"), configuration).unwrap();
        Self { folder }
    }

    fn arguments(&self) -> [String; 4] {
        let path = |name: &str| self.folder.path().join(name).display().to_string();
        let [config, rules] = [path("c.toml"), path("rules")];
        ["--config".to_owned(), config, "--rules".to_owned(), rules]
    }
}

/// Host, group, cutoff and verdict of each finding, sorted by host.
fn judged(packets: &[TimedPacket], configuration: &str) -> Vec<String> {
    let files = Files::new(configuration);
    let arguments = files.arguments();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut lines: Vec<String> = findings(packets, &arguments)
        .iter()
        .map(|finding| {
            let group = finding["group"].as_str().unwrap_or("-");
            let cutoff = finding["cutoff"].as_str().map_or("never", |at| &at[..10]);
            let host = finding["addresses"][0].as_str().unwrap();
            let after = &finding["after_cutoff"]["sightings"];
            format!("{host} {group} {cutoff} {after}: {}", verdict(finding))
        })
        .collect();
    lines.sort();
    lines
}

#[test]
fn each_host_by_the_cutoff_of_its_group() {
    let hosts = ["10.1.0.1", "10.1.0.9", "10.2.0.1", "10.2.9.1", "10.3.0.1"];
    let at = |time: u64| {
        let talks = hosts.iter().enumerate();
        merge(talks.map(|(n, host)| download(host, time + n as u64 * SECOND)))
    };
    assert_eq!(
        judged(&at(BETWEEN), GROUPS),
        [
            "10.1.0.1 - 2024-09-29 0: fetching",
            "10.1.0.9 overseas 2023-10-30 3: fetching, straggler",
            "10.2.0.1 canada 2023-10-30 3: fetching, straggler",
            // In two groups: the first in the file counts.
            "10.2.9.1 canada 2023-10-30 3: fetching, straggler",
            "10.3.0.1 laboratory never 0: fetching",
        ]
    );
    assert_eq!(
        judged(&at(AFTER_BOTH), GROUPS),
        [
            "10.1.0.1 - 2024-09-29 3: fetching, straggler",
            "10.1.0.9 overseas 2023-10-30 3: fetching, straggler",
            "10.2.0.1 canada 2023-10-30 3: fetching, straggler",
            "10.2.9.1 canada 2023-10-30 3: fetching, straggler",
            "10.3.0.1 laboratory never 0: fetching",
        ]
    );
    let without = judged(&at(BETWEEN), "");
    assert!(
        without
            .iter()
            .all(|line| line.ends_with(" - 2024-09-29 0: fetching")),
        "{without:?}"
    );
}

/// The report names the group beside its cutoff, and a host's group beside the host.
#[test]
fn reports_show_which_cutoff_binds_whom() {
    let files = Files::new(GROUPS);
    let capture = files.folder.path().join("case.pcap");
    let link = support::Link::ethernet();
    let packets = merge([
        download("10.1.0.1", BETWEEN),
        download("10.2.0.1", BETWEEN + HOUR),
    ]);
    support::Pcap::new(link.link_type())
        .nanos()
        .write(&capture, &link.frames(&packets))
        .unwrap();
    for format in ["markdown", "html", "table", "csv"] {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_straggler"))
            .args(["replay", "--format", format])
            .args(files.arguments())
            .arg(&capture)
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains("canada"), "{format}: {text}");
    }
}

#[test]
fn a_cutoff_that_no_pack_has_is_refused() {
    for (id, words) in [
        ("ca-2024", "no vendor in force has a cutoff `ca-2024`"),
        ("other/ca-2023", "`other/ca-2023`"),
    ] {
        let files = Files::new(&GROUPS.replace("[\"ca-2023\"]", &format!("[\"{id}\"]")));
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_straggler"))
            .args(["config", "check"])
            .args(files.arguments())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2));
        let said = String::from_utf8(output.stderr).unwrap();
        for word in [words, "c.toml", "[[group]] `canada`", "vendor/us-2024"] {
            assert!(said.contains(word), "{said}");
        }
    }
}
