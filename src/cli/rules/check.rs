//! `straggler rules check` and `straggler rules test`: whether packs are sound.

use std::path::Path;

use crate::cli::args::Common;
use crate::cli::output::say;
use crate::cli::replay::load;
use crate::cli::{Exit, Failure};
use crate::rules::Library;

pub(super) fn check(dir: Option<&Path>) -> Result<Exit, Failure> {
    let library = match dir {
        Some(dir) => Library::load_folder(dir),
        None => Library::load(None),
    };
    match library {
        Ok(library) => {
            let packs = library.packs().count() + library.resolver_packs().count();
            let tests = library.test().0;
            if packs == 0 {
                return Err(Failure::usage(
                    "the folder has no pack; packs are files that end in .toml",
                ));
            }
            say(&format!("{packs} packs, {tests} tests: fine"));
            Ok(Exit::Fine)
        }
        Err(faults) => {
            for fault in faults {
                say(&fault.to_string());
            }
            Ok(Exit::Usage)
        }
    }
}

pub(super) fn test(common: &Common) -> Result<Exit, Failure> {
    let config = load(common)?;
    let (ran, failures) = config.library.test();
    for failure in &failures {
        say(&format!("{}: {}", failure.pack, failure.what));
    }
    say(&format!("{ran} tests, {} failed", failures.len()));
    Ok(if failures.is_empty() {
        Exit::Fine
    } else {
        Exit::Found
    })
}
