//! What the documents say is what the program does.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says what it expects; the panic is its report"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use straggler::metrics::{FAMILIES, Kind};
use straggler::report::COLUMNS;

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// Every document for readers, by its path from the top.
fn documents() -> Vec<String> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut documents = Vec::new();
    for folder in ["", "docs/", "examples/", "grafana/"] {
        for entry in std::fs::read_dir(top.join(folder)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if name.ends_with(".md") {
                documents.push(format!("{folder}{name}"));
            }
        }
    }
    assert!(documents.len() > 15, "{documents:?}");
    documents
}

/// The table of docs/metrics.md is the list of families, no more and no less, in the same order.
#[test]
fn every_metric_is_documented() {
    let rows: Vec<String> = FAMILIES
        .iter()
        .map(|family| {
            let kind = match family.kind {
                Kind::Gauge => "gauge",
                Kind::Counter => "counter",
            };
            format!(
                "| `{}` | {kind} | {} | {} |",
                family.name,
                family.labels.join(", "),
                family.help
            )
        })
        .collect();
    let text = read("docs/metrics.md");
    let documented: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("| `straggler_"))
        .collect();
    assert_eq!(documented, rows);
}

/// Text of all tests and of the unit tests.
fn tests_of(folder: &Path, text: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            tests_of(&path, text);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&std::fs::read_to_string(&path).unwrap());
        }
    }
}

/// Every test that docs/reliability.md names is there.
#[test]
fn what_is_promised_is_tested() {
    let mut tests = String::new();
    for folder in ["tests", "src"] {
        tests_of(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join(folder),
            &mut tests,
        );
    }
    let text = read("docs/reliability.md");
    let quoted = text.split('`').skip(1).step_by(2);
    let is_test = |word: &&str| {
        let is_name = word
            .chars()
            .all(|letter| letter.is_ascii_lowercase() || letter == '_' || letter.is_ascii_digit());
        is_name && word.contains('_') && !word.starts_with("straggler_") && *word != "capture_down"
    };
    let named: Vec<&str> = quoted.filter(is_test).collect();
    assert!(named.len() > 40, "{named:?}");
    for name in named {
        assert!(tests.contains(&format!("fn {name}(")), "{name}");
    }
}

/// The table of docs/report.md has the columns of the CSV form, no more and no less, in the same order.
#[test]
fn every_column_is_documented() {
    let text = read("docs/report.md");
    let table = text.split("| column | meaning |").nth(1).unwrap();
    let documented: Vec<&str> = table
        .lines()
        .skip(2)
        .map_while(|line| line.split('|').nth(1))
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .collect();
    assert_eq!(documented, COLUMNS);
}

/// Every field of the JSON form is in the table of docs/json.md.
#[test]
fn every_field_of_a_finding_is_documented() {
    let output = Command::new(env!("CARGO_BIN_EXE_straggler"))
        .args(["replay", "--format", "json", "examples/office.pcapng"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let first: serde_json::Value = serde_json::from_str(printed.lines().next().unwrap()).unwrap();
    let text = read("docs/json.md");
    let section = text.split("\n## ").nth(1).unwrap();
    let documented: Vec<&str> = section
        .lines()
        .filter(|line| line.starts_with("| `"))
        .filter_map(|line| line.split('|').nth(1))
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .collect();
    let mut fields: Vec<&str> = first
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    let mut sorted = documented.clone();
    sorted.sort_unstable();
    fields.sort_unstable();
    assert_eq!(sorted, fields);
}

/// The result that the README shows is what the command prints.
#[test]
fn the_readme_shows_what_replay_prints() {
    let readme = read("README.md");
    let shown = readme
        .split("$ straggler replay examples/office.pcapng\n")
        .nth(1)
        .unwrap();
    let shown = shown.split("```").next().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_straggler"))
        .args(["replay", "examples/office.pcapng"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(printed.starts_with(shown.trim_end()), "{printed}");
}

/// Each pack that docs/rule-packs.md shows is one that loads, its own tests included.
#[test]
fn the_packs_of_the_format_are_packs() {
    let folder = tempfile::tempdir().unwrap();
    let text = read("docs/rule-packs.md");
    let packs: Vec<&str> = text
        .split("```toml\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect();
    assert_eq!(packs.len(), 2, "one of each kind");
    for (number, pack) in packs.iter().enumerate() {
        std::fs::write(folder.path().join(format!("{number}.toml")), pack).unwrap();
    }
    let output = Command::new(env!("CARGO_BIN_EXE_straggler"))
        .args(["rules", "check", folder.path().to_str().unwrap()])
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("2 packs, 7 tests: fine"), "{said}");
}

/// Links between documents lead to files.
#[test]
fn links_lead_somewhere() {
    for document in documents() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(&document);
        for target in read(&document)
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            if !target.contains("://") && !target.starts_with('#') {
                let path = folder
                    .parent()
                    .unwrap()
                    .join(target.split('#').next().unwrap());
                assert!(path.exists(), "{document}: {target}");
            }
        }
    }
}

/// A crate by name and version.
type Crate = (String, String);

/// What the program is built of on Linux, by `cargo tree`: crates that each one needs, and licences.
struct Tree {
    needs: BTreeMap<Crate, BTreeSet<Crate>>,
    licences: BTreeMap<Crate, String>,
    root: Crate,
}

impl Tree {
    /// `edges`: which kinds of dependencies.
    fn of(edges: &str) -> Self {
        let output = Command::new(env!("CARGO"))
            .args(["tree", "--locked", "--offline", "--edges", edges])
            .args(["--target", "x86_64-unknown-linux-gnu", "--prefix", "depth"])
            .args(["--format", "|{p}|{l}|"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        let (mut needs, mut licences) = (BTreeMap::new(), BTreeMap::new());
        // The crates above a line.
        let mut path: Vec<Crate> = Vec::new();
        for line in str::from_utf8(&output.stdout).unwrap().lines() {
            let mut fields = line.split('|');
            let Some(Ok(depth)) = fields.next().map(str::parse::<usize>) else {
                continue; // an empty line, or the heading of a kind
            };
            let mut words = fields.next().unwrap().split(' ');
            let it = (words.next().unwrap().into(), words.next().unwrap().into());
            licences.insert(Crate::clone(&it), fields.next().unwrap().to_owned());
            path.truncate(depth);
            if let Some(above) = path.last() {
                let needed: &mut BTreeSet<Crate> = needs.entry(above.clone()).or_default();
                needed.insert(it.clone());
            }
            path.push(it);
        }
        let root = path.swap_remove(0);
        Self {
            needs,
            licences,
            root,
        }
    }

    /// Everything that a crate needs.
    fn below<'a>(&'a self, from: &'a Crate) -> BTreeSet<&'a Crate> {
        let (mut found, mut left) = (BTreeSet::new(), vec![from]);
        while let Some(next) = left.pop() {
            let fresh = self.needs.get(next).into_iter().flatten();
            left.extend(fresh.filter(|it| found.insert(*it)));
        }
        found
    }

    /// Licence, and how many others it brings, of a crate that the manifest names.
    fn row(&self, name: &str) -> (String, usize) {
        let found = self.needs[&self.root].iter().find(|it| it.0 == name);
        let it = found.unwrap_or_else(|| panic!("{name} is not built on Linux"));
        (self.licences[it].clone(), self.below(it).len())
    }
}

/// docs/dependencies.md has each crate that the manifest names, no more and no less, with its licence and what it brings.
#[test]
fn every_dependency_is_documented() {
    let manifest: toml::Table = toml::from_str(&read("Cargo.toml")).unwrap();
    let text = read("docs/dependencies.md");
    let mut sections = text.split("\n## ");
    let mut wrong = String::new();
    for (key, edges, heading) in [
        ("dependencies", "normal,build", "In the program"),
        ("dev-dependencies", "normal,build,dev", "For tests"),
    ] {
        let tree = Tree::of(edges);
        let section = sections.find(|section| section.starts_with(heading));
        let rows: Vec<Vec<&str>> = section
            .unwrap()
            .lines()
            .filter(|line| line.starts_with("| `"))
            .map(|line| line.split('|').map(str::trim).collect())
            .collect();
        let told: Vec<&str> = rows.iter().map(|row| row[1].trim_matches('`')).collect();
        let named: Vec<&str> = manifest[key]
            .as_table()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        assert_eq!(told, named, "{key}, in alphabetical order");
        for (row, name) in rows.iter().zip(told) {
            let (licence, brings) = tree.row(name);
            if (row[4], row[5]) != (brings.to_string().as_str(), licence.as_str()) {
                writeln!(wrong, "{name}: brings {brings}, licence {licence}").unwrap();
            }
            assert!(
                row[2..4].iter().all(|cell| cell.len() > 3),
                "{name}: for what, and why"
            );
        }
        let all = tree.below(&tree.root).len().to_string();
        if !text.contains(&format!(" {all} crates")) && !text.contains(&format!("it is {all}.")) {
            writeln!(wrong, "{key}: {all} in all").unwrap();
        }
    }
    assert!(wrong.is_empty(), "write in docs/dependencies.md:\n{wrong}");
}
