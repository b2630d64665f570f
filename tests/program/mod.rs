//! The program as a user runs it: arguments in, what it says out.

#![allow(dead_code, reason = "each test target uses a part")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// Runs the program to its end.
pub fn straggler(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_straggler"))
        .args(args)
        .output()
        .unwrap()
}

/// What it said.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The capture that README.md shows.
pub fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/office.pcapng")
}

/// Findings of a command that prints them as JSON.
pub fn findings(args: &[&str]) -> Vec<Value> {
    let output = straggler(args);
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Findings of a store.
pub fn kept(state: &Path) -> Vec<Value> {
    let state = state.to_str().unwrap();
    findings(&["report", "--format", "json", "--state-dir", state])
}
