//! Help, rules and configuration as a user meets them.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says what it expects; the panic is its report"
)]

use std::process::{Command, Output};

use serde_json::Value;

fn straggler(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_straggler"))
        .args(args)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn help_teaches_by_example() {
    for (name, args) in [
        ("help", vec!["--help"]),
        ("help_run", vec!["run", "--help"]),
        ("help_replay", vec!["replay", "--help"]),
        ("help_names", vec!["names", "--help"]),
        ("help_rules", vec!["rules", "--help"]),
        ("help_config", vec!["config", "--help"]),
    ] {
        let output = straggler(&args);
        assert_eq!(output.status.code(), Some(0));
        insta::assert_snapshot!(name, text(&output.stdout));
    }
    let version = text(&straggler(&["--version"]).stdout);
    assert_eq!(
        version,
        format!("straggler {}\n", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn a_wrong_command_line_exits_with_2() {
    for args in [
        vec!["repaly"],
        vec!["replay"],
        vec!["run", "--interface", "lo", "--replay", "x.pcap"],
        vec!["replay", "--at", "yesterday", "x.pcap"],
        vec!["replay", "--config", "/nonexistent.toml", "x.pcap"],
        vec!["rules", "show", "nobody"],
        vec!["rules", "explain", "a..b"],
    ] {
        let output = straggler(&args);
        assert_eq!(
            output.status.code(),
            Some(2),
            "{args:?}: {}",
            text(&output.stderr)
        );
        assert!(
            !output.stderr.is_empty() && output.stdout.is_empty(),
            "{args:?}"
        );
    }
}

#[test]
fn rules_explain_says_which_and_why() {
    let output = straggler(&[
        "rules",
        "explain",
        "--format",
        "json",
        "S07.upd.Kaspersky.com.",
    ]);
    let line: Value = serde_json::from_str(&text(&output.stdout)).unwrap();
    for (key, value) in [
        ("name", "s07.upd.kaspersky.com"),
        ("vendor", "kaspersky"),
        ("service", "databases"),
        ("category", "update"),
        ("strength", "strong"),
    ] {
        assert_eq!(line[key], value);
    }
    assert!(
        line["pattern"].is_string() && line["source"].as_str().unwrap().starts_with("https://")
    );
    let none = straggler(&["rules", "explain", "--format", "json", "notkaspersky.com"]);
    let line: Value = serde_json::from_str(&text(&none.stdout)).unwrap();
    for key in [
        "vendor", "service", "category", "strength", "pattern", "source",
    ] {
        assert!(
            line.as_object().unwrap().contains_key(key) && line[key].is_null(),
            "{key}"
        );
    }
}

#[test]
fn rules_list_show_check_and_test_the_built_in_packs() {
    let list = text(&straggler(&["rules", "list", "--format", "json"]).stdout);
    let vendors: Vec<Value> = list
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(
        vendors
            .iter()
            .any(|pack| pack["vendor"] == "kaspersky" && pack["in_force"] == true)
    );
    assert!(text(&straggler(&["rules", "list"]).stdout).contains("microsoft-defender"));
    let show = text(&straggler(&["rules", "show", "kaspersky"]).stdout);
    for words in [
        "cutoff us-2024 (default): 2024-09-29T04:00:00Z",
        "databases:",
        "source: https://",
    ] {
        assert!(show.contains(words), "{words}");
    }
    for command in ["check", "test"] {
        let output = straggler(&["rules", command]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        assert!(text(&output.stderr).contains("tests"));
    }
}

#[test]
fn a_bad_pack_is_refused_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bad.toml");
    std::fs::write(
        &path,
        "schema = 1\nkind = \"vendor\"\nservice = []\n[vendor]\nid = \"x y\"\n",
    )
    .unwrap();
    for args in [
        vec!["rules", "check", folder.path().to_str().unwrap()],
        vec!["rules", "list", "--rules", folder.path().to_str().unwrap()],
    ] {
        let output = straggler(&args);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("bad.toml:4:1: missing field"), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}

#[test]
fn the_configuration_is_checked_and_shown() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("straggler.toml");
    let config = path.to_str().unwrap();
    let example = text(&straggler(&["config", "example"]).stdout);
    std::fs::write(&path, &example).unwrap();
    assert_eq!(
        straggler(&["config", "check", "--config", config])
            .status
            .code(),
        Some(0)
    );

    std::fs::write(
        &path,
        "listen = \"127.0.0.1:1\"\n[vendor.kaspersky]\ncutoffs = [\"ca-2023\"]\n",
    )
    .unwrap();
    let shown = text(&straggler(&["config", "show", "--config", config]).stdout);
    assert!(
        shown.contains("listen = \"127.0.0.1:1\"") && shown.contains("flows = 131072"),
        "{shown}"
    );

    for (content, words) in [
        ("lisen = 1", "straggler.toml:1:1: unknown field `lisen`"),
        (
            "[vendor.nobody]\nenabled = true",
            "[vendor.nobody]: there is no pack of that vendor",
        ),
        (
            "[vendor.kaspersky]\ncutoffs = [\"us-1999\"]",
            "has no cutoff `us-1999`; it has: us-2024",
        ),
    ] {
        std::fs::write(&path, content).unwrap();
        let output = straggler(&["config", "check", "--config", config]);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(words), "{said}");
    }
}
