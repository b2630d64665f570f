//! Several workers on one interface: what is found does not depend on how many there are.
//!
//! Frames of the example, and of the captures that `tests/conformance.rs` reads, are given to 1, 2, 4 and 16 trackers by the
//! program with which the kernel does it, and for comparison by the ports too, as another program might. What differs for a
//! reason stands in `fanout/exceptions.tsv`, and a line there that is not needed is a fault.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says what it expects; the panic is its report"
)]

mod captures;
#[path = "fanout/kernel.rs"]
mod kernel;
#[path = "fanout/program.rs"]
mod program;
#[path = "fanout/sensor.rs"]
mod sensor;
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use captures::{clients_and_names, network, pack_of, truths};
use sensor::{By, Case, Told};

/// Numbers of workers that are compared with one.
const WORKERS: [usize; 3] = [2, 4, 16];

#[test]
fn the_example_tells_the_same() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/office.pcapng");
    let case = Case::new(&example, &["10.0.0.0/8", "fd20:20::/64"], None);
    let one = case.told(By::Addresses, 1);
    assert!(one.findings() > 0);
    for by in [By::Addresses, By::Ports] {
        for workers in WORKERS {
            let several = case.told(by, workers);
            assert!(several.busy > 1, "{by:?}: one worker had all of it");
            assert_eq!(
                one.differences(&several, by),
                Vec::<String>::new(),
                "{by:?}"
            );
        }
    }
}

#[test]
fn every_capture_tells_the_same() {
    let Some(root) = captures::folder() else {
        return;
    };
    let exceptions = exceptions();
    let mut used = BTreeSet::new();
    let folder = tempfile::tempdir().unwrap();
    let (mut faults, mut compared, mut split) = (String::new(), 0, 0);
    for truth in truths(&root) {
        let capture = truth.with_extension("");
        let name = capture.strip_prefix(&root).unwrap().to_str().unwrap();
        let (clients, names) = clients_and_names(&truth);
        let local: Vec<String> = clients.iter().map(|client| network(client)).collect();
        let local: Vec<&str> = local.iter().map(String::as_str).collect();
        if local.is_empty() {
            continue;
        }
        let case = Case::new(&capture, &local, Some(&pack_of(names, folder.path())));
        let one: Told = case.told(By::Addresses, 1);
        compared += one.findings();
        for by in [By::Addresses, By::Ports] {
            for workers in WORKERS {
                let several = case.told(by, workers);
                split += usize::from(by == By::Addresses && several.busy > 1);
                for difference in one.differences(&several, by) {
                    let what = difference.split([' ', ':']).next().unwrap();
                    let key = (name.to_owned(), format!("{by:?}"), what.to_owned());
                    if exceptions.contains_key(&key) {
                        used.insert(key);
                    } else {
                        writeln!(faults, "{name}\t{by:?}\t{workers}: {difference}").unwrap();
                    }
                }
            }
        }
    }
    for (key, reason) in exceptions.iter().filter(|(key, _)| !used.contains(*key)) {
        writeln!(faults, "{key:?} does not differ ({reason})").unwrap();
    }
    assert!(compared > 0 && split > 0, "the folder holds no truth");
    assert!(faults.is_empty(), "\n{faults}");
    eprintln!(
        "{compared} findings are the same, but for {} exceptions; {split} times several workers had frames",
        used.len()
    );
}

/// Capture, how it is shared, and what differs, with the reason.
fn exceptions() -> BTreeMap<(String, String, String), String> {
    let lines = include_str!("fanout/exceptions.tsv").lines();
    let lines = lines.filter(|line| !line.starts_with('#'));
    let exceptions = lines.map(|line| {
        let columns: Vec<&str> = line.split('\t').collect();
        let [capture, by, what, reason] = columns[..] else {
            panic!("four columns: {line}")
        };
        let key = (capture.to_owned(), by.to_owned(), what.to_owned());
        (key, reason.to_owned())
    });
    exceptions.collect()
}
