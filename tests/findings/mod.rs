//! Packets in, findings out: a capture is written and replayed as a user would.

#![allow(dead_code, reason = "each test target uses a part")]

use serde_json::Value;

use crate::support::{Frame, Link, Pcap, TimedPacket};

/// What `replay --format json` finds in these packets, with more arguments.
pub fn findings(packets: &[TimedPacket], more: &[&str]) -> Vec<Value> {
    of_frames(&Link::ethernet().frames(packets), more)
}

/// What `replay --format json` finds in these Ethernet frames, with more arguments.
pub fn of_frames(frames: &[Frame], more: &[&str]) -> Vec<Value> {
    let Some(program) = option_env!("CARGO_BIN_EXE_straggler") else {
        panic!("only tests replay");
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("case.pcap");
    let link = Link::ethernet();
    Pcap::new(link.link_type())
        .nanos()
        .write(&path, frames)
        .expect("the capture can be written");
    let output = std::process::Command::new(program)
        .args(["replay", "--format", "json"])
        .arg(&path)
        .args(more)
        .output()
        .expect("the program runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).expect("JSON is UTF-8");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("a line is an object"))
        .collect()
}

/// The one finding of a case.
pub fn finding(packets: &[TimedPacket]) -> Value {
    let mut found = findings(packets, &[]);
    assert_eq!(found.len(), 1, "{found:#?}");
    found.remove(0)
}

/// Status and straggler in one word, as cases write it.
pub fn verdict(finding: &Value) -> String {
    let status = finding["status"].as_str().expect("a finding has a status");
    if finding["straggler"] == true {
        format!("{status}, straggler")
    } else {
        status.to_owned()
    }
}
