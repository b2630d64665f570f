//! `capture.mode = "signals"` against `"full"`: of every capture the frames that the kernel's filter passes, and all of
//! them, give the same findings.
//!
//! The example, and the captures that `tests/conformance.rs` reads (`STRAGGLER_CAPTURES`, or `../shared/captures`); they are
//! not part of the project, and without them the test says so. Their names are made a vendor's, so that every client has
//! findings. What differs for a reason stands in `signals/exceptions.tsv`, and a line there that is not needed is a fault.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says what it expects; the panic is its report"
)]

mod captures;
mod program;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use captures::{network, pack_of, truths};
use program::{example, straggler, text};
use serde_json::Value;

/// Host, category and field, with what each mode says.
type Differences = BTreeMap<String, [Value; 2]>;

#[test]
fn the_example_tells_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let case = Case {
        capture: example(),
        local: vec!["10.0.0.0/8".to_owned(), "fd20:20::/64".to_owned()],
        rules: None,
    };
    let (differences, findings) = case.compare(folder.path());
    assert_eq!(differences, Differences::new());
    assert!(findings > 0);
}

#[test]
fn every_capture_tells_the_same() {
    let Some(root) = captures::folder() else {
        return;
    };
    let exceptions = exceptions();
    let mut used = BTreeSet::new();
    let folder = tempfile::tempdir().unwrap();
    let (mut faults, mut compared) = (String::new(), 0);
    for truth in truths(&root) {
        let capture = truth.with_extension("");
        let name = capture.strip_prefix(&root).unwrap().to_str().unwrap();
        let (clients, names) = captures::clients_and_names(&truth);
        let case = Case {
            capture: capture.clone(),
            local: clients.iter().map(|client| network(client)).collect(),
            rules: Some(pack_of(names, folder.path())),
        };
        if case.local.is_empty() {
            continue;
        }
        let (differences, findings) = case.compare(folder.path());
        compared += findings;
        for (field, [full, signals]) in &differences {
            let key = (
                name.to_owned(),
                field.rsplit(' ').next().unwrap().to_owned(),
            );
            if exceptions.contains_key(&key) {
                used.insert(key);
            } else {
                writeln!(faults, "{name}\t{field}: full {full}, signals {signals}").unwrap();
            }
        }
    }
    for (key, reason) in exceptions.iter().filter(|(key, _)| !used.contains(*key)) {
        writeln!(faults, "{key:?} does not differ ({reason})").unwrap();
    }
    assert!(compared > 0, "the folder holds no truth");
    assert!(faults.is_empty(), "\n{faults}");
    eprintln!(
        "{compared} findings are the same, but for {} exceptions",
        used.len()
    );
}

/// A capture, who is local in it, and what to look for.
struct Case {
    capture: PathBuf,
    local: Vec<String>,
    rules: Option<PathBuf>,
}

impl Case {
    /// What differs, and of how many findings.
    fn compare(&self, folder: &Path) -> (Differences, usize) {
        let full = self.findings(folder, "full");
        let signals = self.findings(folder, "signals");
        let keys = full.keys().chain(signals.keys());
        let mut differences = Differences::new();
        for key in keys.collect::<BTreeSet<_>>() {
            let values = [&full, &signals].map(|one| one.get(key).cloned().unwrap_or(Value::Null));
            differ(key, &values, &mut differences);
        }
        (differences, full.len())
    }

    fn findings(&self, folder: &Path, mode: &str) -> BTreeMap<String, Value> {
        let config = folder.join("straggler.toml");
        let said = format!(
            "local_networks = {:?}\n[capture]\nmode = \"{mode}\"\n",
            self.local
        );
        std::fs::write(&config, said).unwrap();
        let mut args = vec![
            "replay",
            "--format",
            "json",
            "--config",
            config.to_str().unwrap(),
        ];
        if let Some(rules) = &self.rules {
            args.extend(["--rules", rules.to_str().unwrap()]);
        }
        args.push(self.capture.to_str().unwrap());
        let output = straggler(&args);
        // Some captures are cut off.
        assert!(
            matches!(output.status.code(), Some(0 | 3)),
            "{}",
            text(&output.stderr)
        );
        let lines = text(&output.stdout);
        let findings = lines
            .lines()
            .map(|line| serde_json::from_str(line).unwrap());
        let key = |finding: &Value| format!("{} {}", finding["host"], finding["category"]);
        findings
            .map(|finding: Value| (key(&finding), finding))
            .collect()
    }
}

/// Goes through two values and notes where they differ. Times do by the way of a packet: what the server sent shows when the
/// client acknowledges it.
fn differ(at: &str, values: &[Value; 2], differences: &mut Differences) {
    const TIMES: [&str; 5] = [
        "first_seen",
        "last_seen",
        "last_contact",
        "last_blocked",
        "time",
    ];
    match values {
        [Value::Object(full), Value::Object(signals)] => {
            let keys: BTreeSet<&String> = full.keys().chain(signals.keys()).collect();
            for key in keys
                .into_iter()
                .filter(|key| !TIMES.contains(&key.as_str()))
            {
                let values =
                    [full, signals].map(|one| one.get(key).cloned().unwrap_or(Value::Null));
                differ(&format!("{at} {key}"), &values, differences);
            }
        }
        [Value::Array(full), Value::Array(signals)] if full.len() == signals.len() => {
            for (full, signals) in full.iter().zip(signals) {
                differ(at, &[full.clone(), signals.clone()], differences);
            }
        }
        [full, signals] if full != signals => {
            differences.insert(at.to_owned(), values.clone());
        }
        _ => {}
    }
}

/// Capture and field that differ for a reason.
fn exceptions() -> BTreeMap<(String, String), String> {
    let lines = include_str!("signals/exceptions.tsv").lines();
    let lines = lines.filter(|line| !line.starts_with('#'));
    let exceptions = lines.map(|line| {
        let columns: Vec<&str> = line.split('\t').collect();
        let [capture, field, reason] = columns[..] else {
            panic!("three columns: {line}")
        };
        ((capture.to_owned(), field.to_owned()), reason.to_owned())
    });
    exceptions.collect()
}
