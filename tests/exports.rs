//! What `rules export` writes: taken by the tools that it is for, and met by the same names as here.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says what it expects; the panic is its report"
)]

#[path = "exports/resolvers.rs"]
mod resolvers;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output};

use straggler::rules::BUILT_IN;

/// A pack with every kind of pattern, and with names in a wider one that are weak.
const PACK: &str = r#"
schema = 1
kind = "vendor"
[vendor]
id = "acme"
name = "Acme; \"quoted\""
role = "restricted"
version = "1"
reviewed = 2026-11-28
enabled = true
[[cutoff]]
id = "c"
default = true
jurisdiction = "none"
binds = "nobody"
at = 2020-01-01T00:00:00Z
categories = ["update"]
authority = "this test"
source = "https://acme.example/"
[[service]]
id = "updates"
name = "Updates: all; of \"them\""
category = "update"
strength = "strong"
confidence = "vendor"
names = [".upd.acme.example", "s07.upd.acme.example", "one.acme.example", "dnl-*.geo.acme.example", ".both.acme.example", "back.page.upd.acme.example"]
source = "https://acme.example/a;b"
[[service]]
id = "agents"
name = "Agents"
category = "telemetry"
strength = "strong"
confidence = "vendor"
names = ["agents.acme.example"]
source = "https://acme.example/"
[[service]]
id = "people"
name = "What people open"
category = "web"
strength = "weak"
confidence = "vendor"
names = [".news.upd.acme.example", "page.upd.acme.example", "both.acme.example", ".acme.example"]
source = "https://acme.example/"
[[test]]
name = "a.upd.acme.example"
expect = "updates"
[[test]]
name = "agents.acme.example"
expect = "agents"
[[test]]
name = "www.acme.example"
expect = "people"
[[test]]
name = "acme.example.evil"
expect = "none"
"#;

/// Names, and whether a list of strong names must meet them.
const NAMES: [(&str, bool); 15] = [
    ("upd.acme.example", true),
    ("a.upd.acme.example", true),
    ("s07.upd.acme.example", true),
    ("x.s07.upd.acme.example", true),
    ("one.acme.example", true),
    ("agents.acme.example", true),
    ("x.both.acme.example", true),
    ("news.upd.acme.example", false),
    ("x.news.upd.acme.example", false),
    ("page.upd.acme.example", false),
    ("back.page.upd.acme.example", true),
    (BELOW_A_SPARED_NAME, true),
    ("x.one.acme.example", false),
    ("www.acme.example", false),
    ("notupd.acme.example", false),
];
/// Below a name that is spared alone: some formats spare it too, and say so.
const BELOW_A_SPARED_NAME: &str = "x.page.upd.acme.example";
/// Names of the pack that resolvers cannot part from others.
const WITHOUT_WORD: [&str; 1] = ["both.acme.example"];

fn export(rules: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_straggler"))
        .args(["rules", "export", "--rules"])
        .arg(rules)
        .args(args)
        .output()
        .unwrap()
}

/// What is exported of the pack of this test.
fn exported(format: &str, more: &[&str]) -> (String, String) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("acme.toml"), PACK).unwrap();
    let output = export(
        folder.path(),
        &[&["--vendor", "acme", "--format", format], more].concat(),
    );
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    (String::from_utf8(output.stdout).unwrap(), said)
}

#[test]
fn every_format_is_as_it_was() {
    for format in [
        "plain", "hosts", "rpz", "dnsmasq", "unbound", "adguard", "suricata", "zeek",
    ] {
        let (text, said) = exported(format, &[]);
        insta::assert_snapshot!(format!("export_{format}"), format!("{text}---\n{said}"));
    }
}

#[test]
fn what_is_chosen_is_what_is_written() {
    let (text, said) = exported("plain", &["--category", "telemetry"]);
    assert!(text.ends_with("\nagents.acme.example\n"), "{text}");
    assert_eq!(said, "");
    let (text, _) = exported("plain", &["--min-strength", "weak"]);
    assert!(text.contains("\n.acme.example\n"), "{text}");
    let folder = tempfile::tempdir().unwrap();
    for (args, part) in [
        (
            &["--format", "plain", "--vendor", "nobody"][..],
            "there is no pack of that vendor",
        ),
        (
            &[
                "--format",
                "hosts",
                "--vendor",
                "kaspersky",
                "--category",
                "web",
            ],
            "no name is left",
        ),
    ] {
        let output = export(folder.path(), args);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(part) && said.lines().count() == 1, "{said}");
    }
}

/// The numbers of rules differ, over all packs.
#[test]
fn rules_of_suricata_have_a_number_each() {
    let folder = tempfile::tempdir().unwrap();
    let ids = BUILT_IN
        .iter()
        .map(|(file, _)| file.trim_end_matches(".toml"));
    let ids: Vec<&str> = ids.filter(|id| *id != "encrypted-dns").collect();
    let vendors = ids.join(",");
    let args = [
        "--format",
        "suricata",
        "--min-strength",
        "weak",
        "--vendor",
        &vendors,
    ];
    let output = export(folder.path(), &args);
    let text = String::from_utf8(output.stdout).unwrap();
    let rules: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let number = |rule: &&str| rule.split("sid:").nth(1).unwrap().to_owned();
    let numbers: BTreeSet<String> = rules.iter().map(number).collect();
    assert_eq!(numbers.len(), rules.len());
    assert!(rules.len() > 1_000);
    for rule in rules {
        // Quotes and semicolons of a pack would end an option early.
        assert_eq!(rule.matches('"').count() % 2, 0, "{rule}");
        assert!(rule.ends_with(" rev:1;)") && rule.is_ascii(), "{rule}");
    }
}
