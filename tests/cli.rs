//! Help, rules and configuration as a user meets them.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says what it expects; the panic is its report"
)]

mod program;

use program::{straggler, text};
use serde_json::Value;

#[test]
fn help_teaches_by_example() {
    for (name, args) in [
        ("help", vec!["--help"]),
        ("help_run", vec!["run", "--help"]),
        ("help_replay", vec!["replay", "--help"]),
        ("help_report", vec!["report", "--help"]),
        ("help_erase", vec!["erase", "--help"]),
        ("help_names", vec!["names", "--help"]),
        ("help_rules", vec!["rules", "--help"]),
        ("help_config", vec!["config", "--help"]),
        ("help_privacy", vec!["privacy", "--help"]),
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
fn known_encrypted_dns_services_are_told() {
    for (name, args) in [
        ("rules_list", vec!["rules", "list"]),
        (
            "rules_explain_resolver",
            vec!["rules", "explain", "mozilla.cloudflare-dns.com"],
        ),
        (
            "rules_explain_address",
            vec!["rules", "explain", "2620:fe::fe"],
        ),
        (
            "rules_explain_ech",
            vec!["rules", "explain", "cloudflare-ech.com"],
        ),
    ] {
        let output = straggler(&args);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        insta::assert_snapshot!(name, text(&output.stdout));
    }
    let json = |args: &[&str]| -> Vec<Value> {
        let lines = text(&straggler(args).stdout);
        let values = lines.lines().map(serde_json::from_str);
        values.collect::<Result<_, _>>().unwrap()
    };
    let packs = json(&["rules", "list", "--format", "json"]);
    let keys =
        |pack: &Value| -> Vec<String> { pack.as_object().unwrap().keys().cloned().collect() };
    for pack in &packs {
        assert_eq!(keys(pack), keys(&packs[0]));
    }
    let (pack, vendors) = packs.split_last().unwrap();
    assert!(vendors.iter().all(|pack| pack["kind"] == "vendor"));
    assert_eq!(pack["id"], "encrypted-dns");
    assert_eq!(pack["kind"], "resolvers");
    assert!(pack["vendor"].is_null() && pack["role"].is_null());
    assert!(pack["resolvers"].as_u64() > Some(20) && pack["addresses"].as_u64() > Some(100));

    let explain = |name| json(&["rules", "explain", "--format", "json", name]).remove(0);
    let line = explain("dns.google");
    assert_eq!(line["resolver"]["id"], "google");
    assert_eq!(line["resolver"]["pattern"], ".dns.google");
    assert!(line["vendor"].is_null() && line["ech_public_name"].is_null());
    let line = explain("s07.upd.kaspersky.com");
    assert!(line["resolver"].is_null() && line["ech_public_name"].is_null());

    let show = text(&straggler(&["rules", "show", "encrypted-dns"]).stdout);
    for words in [
        "Known encrypted-DNS services (encrypted-dns), resolvers, version ",
        "quad9: Quad9 (resolver, by vendor)\n  dns.quad9.net\n",
        "\n  76.76.2.0/24\n",
        "cloudflare: Cloudflare (Encrypted Client Hello, by vendor)\n  cloudflare-ech.com\n",
    ] {
        assert!(show.contains(words), "{words}\n{show}");
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
        shown.contains("listen = \"127.0.0.1:1\"") && shown.contains("flows = 65536"),
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
