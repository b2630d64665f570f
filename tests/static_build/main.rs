//! The program as one file that needs nothing of the system (`make static`): in a folder that has nothing else it finds what
//! the ordinary one finds, from a recording and live, in its sandbox.
//!
//! Needs root, and the file, which `make test-long LONG_TESTS=static_build` builds.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says what it expects; the panic is its report"
)]

mod empty;
#[path = "../live/namespace.rs"]
mod namespace;
#[path = "../live/needs.rs"]
mod needs;
#[path = "../served/mod.rs"]
mod served;

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use empty::{Daemon, Empty, good};
use served::wait_for;

const CAPTURE: &str = "office.pcapng";

fn example() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")
}

#[test]
fn a_recording_tells_the_same_as_to_the_ordinary_program() {
    let Some(empty) = Empty::new() else {
        return;
    };
    fs::copy(example().join(CAPTURE), empty.path(CAPTURE)).unwrap();
    for format in ["table", "json", "csv", "markdown", "html"] {
        let args = ["replay", "--format", format, CAPTURE];
        let found = good(empty.command().args(args));
        let mut ordinary = Command::new(env!("CARGO_BIN_EXE_straggler"));
        let expected = good(ordinary.args(args).current_dir(example()));
        assert!(found.len() > 1000);
        assert_eq!(found, expected, "{format}");
    }
    let version = good(empty.command().arg("--version"));
    let mut ordinary = Command::new(env!("CARGO_BIN_EXE_straggler"));
    assert_eq!(version, good(ordinary.arg("--version")));
}

/// Two workers that share an interface, a store, and events to a receiver that has to be looked up: what asks most of the
/// system's calls, by another C library than the ordinary program's, which captures beside it.
#[test]
fn a_live_capture_finds_the_same_in_its_sandbox() {
    let Some(empty) = Empty::new() else {
        return;
    };
    for folder in ["etc", "state", "state-of-the-other"] {
        fs::create_dir(empty.path(folder)).unwrap();
    }
    fs::write(empty.path("etc/hosts"), "127.0.0.1 receiver\n").unwrap();
    let receiver = empty.receiver();
    let port = receiver.local_addr().unwrap().port();
    let configuration = format!(
        "state_dir = \"/state\"\n\
         [capture]\nworkers = 2\n\
         [[events.syslog]]\nto = \"udp://receiver:{port}\"\nactions = [\"straggler_new\"]\n"
    );
    fs::write(empty.path("etc/straggler.toml"), configuration).unwrap();

    let args = ["--config", "/etc/straggler.toml", "--sandbox", "require"];
    let daemon = Daemon::start(empty.command(), "127.0.0.1:9842", &args);
    let other_state = empty.path("state-of-the-other");
    let other_state = other_state.to_str().unwrap();
    let ordinary = empty.ordinary();
    let ordinary = Daemon::start(ordinary, "127.0.0.1:9843", &["--state-dir", other_state]);
    let metrics = daemon.metrics(&empty);
    for layer in ["landlock", "seccomp", "capabilities"] {
        let line = format!("straggler_sandbox_enabled{{layer=\"{layer}\"}} 1\n");
        assert!(metrics.contains(&line), "{metrics}");
    }
    empty.send(&example().join(CAPTURE));
    for daemon in [&daemon, &ordinary] {
        // What was found live includes what the recording dates before the cutoff.
        wait_for("the stragglers in the metrics", || {
            let metrics = daemon.metrics(&empty);
            let lines = metrics.lines().filter(|line| line.ends_with(" 1"));
            let found = lines.filter(|line| line.starts_with("straggler_host_straggling{"));
            found.count() == 7
        });
        let lost =
            "straggler_capture_dropped_packets_total{interface=\"s1\",reason=\"kernel\"} 0\n";
        assert!(daemon.metrics(&empty).contains(lost));
    }
    let mut bytes = [0; 65536];
    let length = receiver.recv(&mut bytes).unwrap();
    let event = String::from_utf8_lossy(&bytes[..length]);
    assert!(event.contains("straggler_new"), "{event}");
    daemon.stop();
    ordinary.stop();

    let report = ["report", "--format", "json", "--state-dir"];
    let kept = stragglers(&good(empty.command().args(report).arg("/state")));
    let by_the_other = good(empty.ordinary().args(report).arg(other_state));
    assert_eq!(kept.len(), 7, "{kept:?}");
    assert_eq!(kept, stragglers(&by_the_other));
}

/// Host, vendor and category of each.
fn stragglers(findings: &str) -> Vec<String> {
    let findings = findings.lines().map(serde_json::from_str::<Value>);
    let mut found: Vec<String> = findings
        .map(Result::unwrap)
        .filter(|finding| finding["straggler"] == true)
        .map(|finding| {
            let fields = ["host", "vendor", "category"].map(|field| finding[field].to_string());
            fields.join(" ")
        })
        .collect();
    found.sort();
    found
}
