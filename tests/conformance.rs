//! Names read in real captures against the truth that stands beside each.
//!
//! A folder of captures with `NAME.tsv` beside each (signal, client, name) and `NAME.optional.tsv` (true as well, but
//! not required): `STRAGGLER_CAPTURES`, or `../shared/captures`. They are not part of the project; without them the
//! test says so and is skipped. What cannot be read yet stands in `conformance/pending.tsv` with its cause, and a line
//! there that is not pending any more is a fault too.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says what it expects; the panic is its report"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Signal, client, name.
type Line = (String, String, String);

fn captures() -> Option<PathBuf> {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/captures");
    let folder = std::env::var_os("STRAGGLER_CAPTURES").map_or(default, PathBuf::from);
    folder.is_dir().then_some(folder)
}

#[test]
fn every_name_is_found_and_none_is_false() {
    let Some(folder) = captures() else {
        eprintln!("SKIPPED: no folder of captures (STRAGGLER_CAPTURES names one)");
        return;
    };
    let pending = pending();
    let mut waited_for = BTreeSet::new();
    let mut faults = Vec::new();
    let (mut expected_lines, mut found_lines) = (0, 0);
    for truth in truths(&folder) {
        let name = truth.strip_prefix(&folder).unwrap().with_extension("");
        let name = name.to_str().unwrap().to_owned();
        let capture = folder.join(&name);
        let expected = lines(&truth);
        let optional = lines(&folder.join(format!("{name}.optional.tsv")));
        let read = names(&capture);
        expected_lines += expected.len();
        for line in &expected {
            let cause = pending.get(&(name.clone(), line.0.clone()));
            match (read.contains(line), cause) {
                (true, None) => found_lines += 1,
                (false, Some(_)) => {
                    waited_for.insert((name.clone(), line.0.clone()));
                }
                (true, Some(cause)) => {
                    faults.push(format!("{name}: found, but pending ({cause}): {line:?}"));
                }
                (false, None) => faults.push(format!("{name}: missed: {line:?}")),
            }
        }
        let known =
            |line: &&Line| expected.contains(*line) || optional.contains(*line) || is_odd(line);
        faults.extend(
            read.iter()
                .filter(|line| !known(line))
                .map(|line| format!("{name}: false: {line:?}")),
        );
    }
    let stale = pending.keys().filter(|key| !waited_for.contains(*key));
    faults.extend(stale.map(|(name, signal)| format!("{name}: nothing of {signal} is pending")));
    assert!(expected_lines > 0, "the folder holds no truth");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    eprintln!("{found_lines} of {expected_lines} names found, none false; the rest is pending");
}

/// Captures are read to an end by `replay` too: no crash, and an exit code that says how it went.
#[test]
fn every_capture_is_replayed_without_a_crash() {
    let Some(folder) = captures() else {
        eprintln!("SKIPPED: no folder of captures (STRAGGLER_CAPTURES names one)");
        return;
    };
    for truth in truths(&folder) {
        let capture = truth.with_extension("");
        let output = Command::new(env!("CARGO_BIN_EXE_straggler"))
            .args(["replay", "--format", "json"])
            .arg(&capture)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            matches!(output.status.code(), Some(0 | 3)),
            "{}: {said}",
            capture.display()
        );
    }
}

/// A label that holds a dot or unprintable bytes is written `\DDD` here and otherwise elsewhere: no truth to compare.
fn is_odd(line: &Line) -> bool {
    line.2.contains('\\')
}

fn pending() -> BTreeMap<(String, String), String> {
    include_str!("conformance/pending.tsv")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let columns: Vec<&str> = line.split('\t').collect();
            let [capture, signal, cause] = columns[..] else {
                panic!("three columns: {line}")
            };
            ((capture.to_owned(), signal.to_owned()), cause.to_owned())
        })
        .collect()
}

fn truths(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(truths(&path));
        } else {
            let name = path.to_str().unwrap();
            if name.ends_with(".tsv") && !name.ends_with(".optional.tsv") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn lines(path: &Path) -> BTreeSet<Line> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().map(|line| columns(line, 0)).collect()
}

fn columns(line: &str, first: usize) -> Line {
    let columns: Vec<&str> = line.split('\t').skip(first).collect();
    (
        columns[0].to_owned(),
        columns[1].to_owned(),
        columns[2].to_owned(),
    )
}

fn names(capture: &Path) -> BTreeSet<Line> {
    let output = Command::new(env!("CARGO_BIN_EXE_straggler"))
        .arg("names")
        .arg(capture)
        .output()
        .unwrap();
    assert!(
        matches!(output.status.code(), Some(0 | 3)),
        "{}",
        capture.display()
    );
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| columns(line, 1)).collect()
}
