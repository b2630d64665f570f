//! Who may import whom: reads the `use crate::…` and `crate::…` paths of every module and fails on an edge that is not
//! in the table of ARCHITECTURE.md.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says what it expects; the panic is its report"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A module may import modules of lower levels that its row names. `config` and above may import all below.
const ALLOWED: &[(&str, u8, &[&str])] = &[
    ("model", 0, &[]),
    ("capture", 1, &["model"]),
    ("decode", 1, &["model"]),
    ("flows", 1, &["model"]),
    ("dissect", 1, &["model"]),
    ("rules", 1, &["model"]),
    ("hosts", 1, &["model"]),
    ("evidence", 1, &["model"]),
    ("store", 1, &["model"]),
    ("report", 1, &["model"]),
    ("events", 1, &["model"]),
    ("privacy", 1, &["model"]),
    ("sandbox", 1, &["model"]),
    (
        "tracker",
        2,
        &["model", "decode", "flows", "dissect", "rules"],
    ),
    ("ledger", 2, &["model", "hosts", "evidence"]),
    ("history", 3, &["model", "store", "rules", "ledger"]),
    (
        "metrics",
        3,
        &[
            "model", "capture", "decode", "flows", "dissect", "rules", "hosts", "evidence",
            "store", "events", "tracker", "ledger",
        ],
    ),
    (
        "replay",
        3,
        &["model", "capture", "evidence", "rules", "tracker", "ledger"],
    ),
    (
        "web",
        3,
        &["model", "metrics", "report", "store", "privacy"],
    ),
    ("config", 4, &["*"]),
    ("daemon", 5, &["*"]),
    ("cli", 6, &["*"]),
];

#[test]
fn no_module_looks_up() {
    let levels: BTreeMap<&str, u8> = ALLOWED
        .iter()
        .map(|(name, level, _)| (*name, *level))
        .collect();
    let mut faults = Vec::new();
    let mut edges = 0;
    for (name, level, allowed) in ALLOWED {
        for (file, imported) in imports(name) {
            edges += 1;
            let fine = match levels.get(imported.as_str()) {
                None => false,
                Some(_) if imported == *name => true,
                Some(other) if allowed.contains(&"*") => other < level,
                Some(_) => allowed.contains(&imported.as_str()),
            };
            if !fine {
                faults.push(format!("{file}: `{name}` may not import `{imported}`"));
            }
        }
    }
    assert!(
        edges > 50,
        "only {edges} imports were found: the reader of imports is broken"
    );
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_module_is_in_the_table() {
    let source = std::fs::read_to_string(root().join("lib.rs")).unwrap();
    let declared: BTreeSet<&str> = source
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'))
        .collect();
    let known: BTreeSet<&str> = ALLOWED.iter().map(|(name, ..)| *name).collect();
    assert_eq!(declared, known);
}

fn root() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Every top-level module that a module's files name, with the file.
fn imports(module: &str) -> BTreeSet<(String, String)> {
    let mut files = Vec::new();
    collect(&root().join(module), &mut files);
    let single = root().join(format!("{module}.rs"));
    if single.exists() {
        files.push(single);
    }
    assert!(!files.is_empty(), "module {module} has no file");
    let mut found = BTreeSet::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let name = file.strip_prefix(root()).unwrap().display().to_string();
        for imported in crate_paths(&text) {
            found.insert((name.clone(), imported));
        }
    }
    found
}

fn collect(folder: &Path, files: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// The first segments behind each `crate::` of a file, those of `crate::{a, b::c}` included.
fn crate_paths(text: &str) -> BTreeSet<String> {
    let code: String = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n");
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(group) => {
                let mut depth = 1;
                let mut item = String::new();
                for character in group.chars() {
                    match character {
                        '{' => depth += 1,
                        '}' => depth -= 1,
                        ',' if depth == 1 => {
                            found.insert(first_segment(&item));
                            item.clear();
                            continue;
                        }
                        _ => {}
                    }
                    if depth == 0 {
                        break;
                    }
                    item.push(character);
                }
                found.insert(first_segment(&item));
            }
            None => {
                found.insert(first_segment(rest));
            }
        }
    }
    found.remove("");
    found
}

fn first_segment(path: &str) -> String {
    path.trim_start()
        .chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect()
}

#[test]
fn the_reader_of_imports_sees_groups() {
    let found =
        crate_paths("use crate::{a, b::{c, d}, e};\nuse crate::f::G; // crate::h\n// crate::i");
    assert_eq!(
        found.into_iter().collect::<Vec<_>>(),
        ["a", "b", "e", "f", "h"]
    );
}
