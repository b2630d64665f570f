//! A rule pack as a file in a folder of its own.

use std::fs;

use straggler::model::DomainName;
use straggler::rules::{Library, PackError};

/// Input: the file.
pub fn check(input: &[u8]) {
    let folder = tempfile::tempdir().expect("a folder in the temporary one");
    let file = folder.path().join("pack.toml");
    fs::write(&file, input).expect("room for the input");
    match Library::load_folder(folder.path()) {
        Ok(library) => loaded(&library),
        Err(faults) => {
            assert!(!faults.is_empty(), "refused without a reason");
            for fault in &faults {
                fault_holds(fault, &file.display().to_string(), input);
            }
        }
    }
}

/// It says where in one line that a terminal can show.
fn fault_holds(fault: &PackError, file: &str, input: &[u8]) {
    assert_eq!(fault.file, file);
    assert!(!fault.what.is_empty());
    let line = fault.to_string();
    assert!(!line.contains(char::is_control), "{line:?}");
    let Ok(text) = str::from_utf8(input) else {
        return; // such a file is refused as a whole
    };
    let (line, column) = fault.place.unwrap_or_else(|| panic!("no place: {fault:?}"));
    let last = text.matches('\n').count() + 1;
    assert!((1..=last).contains(&line) && column >= 1, "{fault:?}");
    let width = text
        .split('\n')
        .nth(line - 1)
        .map_or(0, |line| line.chars().count());
    assert!(column <= width + 1, "{fault:?}");
}

/// A pack that was taken can be compiled and asked.
fn loaded(library: &Library) {
    let (ran, failures) = library.test();
    assert!(
        failures.is_empty(),
        "taken, though its own tests fail: {failures:?}"
    );
    let of_vendors: usize = library.packs().map(|pack| pack.tests.len()).sum();
    let of_resolvers: usize = library.resolver_packs().map(|pack| pack.tests.len()).sum();
    assert_eq!(ran, of_vendors + of_resolvers);
    let rules = library.compile(|_| true);
    for pack in library.resolver_packs() {
        plain(&[&pack.name, &pack.version, &pack.reviewed]);
        for known in pack.resolvers.iter().chain(&pack.ech) {
            plain(&[&known.name, &known.source]);
            plain(known.note.as_deref().as_slice());
        }
    }
    for pack in library.packs() {
        plain(&[&pack.name, &pack.version, &pack.reviewed]);
        for cutoff in &pack.cutoffs {
            plain(&[&cutoff.id, &cutoff.jurisdiction, &cutoff.binds]);
            plain(&[&cutoff.authority, &cutoff.source]);
        }
        for service in &pack.services {
            plain(&[&service.name, &service.source]);
            plain(service.note.as_deref().as_slice());
        }
        for (name, service) in &pack.tests {
            let name = DomainName::parse(name).expect("a test's name was read");
            let found = rules.lookup(name.as_name());
            assert_eq!(found.map(|found| &found.service.id), service.as_ref());
        }
    }
}

/// What is shown to people does nothing to their terminal.
fn plain(texts: &[&str]) {
    for text in texts {
        assert!(!text.contains(char::is_control), "{text:?}");
    }
}
