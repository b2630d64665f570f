//! The captures that the project knows and does not have, each with what is true of it beside.

#![allow(dead_code, reason = "each test target uses a part")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Where they are (`STRAGGLER_CAPTURES`, or `../shared/captures`). `None`, with a word, where they are not.
pub fn folder() -> Option<PathBuf> {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/captures");
    let folder = std::env::var_os("STRAGGLER_CAPTURES").map_or(default, PathBuf::from);
    if !folder.is_dir() {
        eprintln!("SKIPPED: no folder of captures (STRAGGLER_CAPTURES names one)");
        return None;
    }
    Some(folder)
}

/// The clients and the names that are true of a capture.
pub fn clients_and_names(truth: &Path) -> (BTreeSet<String>, BTreeSet<String>) {
    let lines = std::fs::read_to_string(truth).unwrap();
    let columns = |line: &str, at: usize| line.split('\t').nth(at).unwrap().to_owned();
    let column = |at| lines.lines().map(|line| columns(line, at)).collect();
    (column(1), column(2))
}

/// The files with what is true.
pub fn truths(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.to_str().unwrap();
        if path.is_dir() {
            found.extend(truths(&path));
        } else if name.ends_with(".tsv") && !name.ends_with(".optional.tsv") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The network of one client.
pub fn network(client: &str) -> String {
    let len = if client.contains(':') { 128 } else { 32 };
    format!("{client}/{len}")
}

/// A folder with a pack in which these names are a vendor's.
pub fn pack_of(names: BTreeSet<String>, folder: &Path) -> PathBuf {
    let rules = folder.join("rules");
    std::fs::create_dir_all(&rules).unwrap();
    let is_plain = |name: &String| {
        let label =
            |label: &str| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-');
        let byte =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
        name.bytes().all(byte) && name.contains('.') && name.split('.').all(label)
    };
    let mut names: Vec<String> = names.into_iter().filter(is_plain).collect();
    names.push("nobody.example".to_owned());
    let text = format!(
        r#"schema = 1
kind = "vendor"
[vendor]
id = "anybody"
name = "Anybody"
role = "restricted"
version = "1"
reviewed = 2026-11-24
enabled = true
[[cutoff]]
id = "long-ago"
default = true
jurisdiction = "none"
binds = "nobody"
at = 1990-01-01T00:00:00Z
categories = ["update"]
authority = "this test"
source = "https://anybody.example/"
[[service]]
id = "all"
name = "All names"
category = "update"
strength = "strong"
confidence = "vendor"
names = {names:?}
source = "https://anybody.example/"
"#
    );
    std::fs::write(rules.join("anybody.toml"), text).unwrap();
    rules
}
