//! What a large site takes: a day of many hosts in the store, and every answer about it.
//!
//! ```text
//! cargo bench --bench scale -- [--hosts N] [--stragglers N] [--rounds N] [--keep DIR]
//! ```
//!
//! Makes a day of 10,000 hosts of which 5,000 still fetch a restricted vendor's updates ([`day`] has what each host does),
//! as a ring of recordings, and lets a daemon read it into a store. Then every page and query is asked of that daemon, every
//! form of report is made from the store, and the same store is looked at when the day is three days old, by when its hours
//! are rolled up to days. It fails unless the daemon finds exactly the stragglers that were made; nothing fails for time.
//!
//! The recordings (about 2 GB) and the store are deleted at the end unless `--keep` says where they stay. As a test
//! (`cargo test --benches`) a small site is checked.

#![allow(clippy::print_stdout, reason = "the tables are what this is for")]
#![allow(
    clippy::unwrap_used,
    reason = "what cannot be measured ends with its cause"
)]

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[path = "scale/day.rs"]
mod day;
#[path = "common/markdown.rs"]
mod markdown;
#[path = "replay/measure.rs"]
mod measure;
#[path = "common/process.rs"]
mod process;
#[path = "scale/reports.rs"]
mod reports;
#[path = "scale/requests.rs"]
mod requests;
#[path = "../tests/served/mod.rs"]
mod served;
#[path = "scale/site.rs"]
mod site;
#[path = "../tests/support/mod.rs"]
mod support;

use day::Day;
use site::Site;

const STRAGGLER: &str = env!("CARGO_BIN_EXE_straggler");

type Outcome<T> = Result<T, Box<dyn Error>>;

/// What the command line asks for.
pub struct Options {
    hosts: u32,
    stragglers: u32,
    rounds: usize,
    keep: Option<PathBuf>,
    /// Not run by `cargo bench`: a small site, and nothing is measured.
    check_only: bool,
}

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let outcome = match args.split_first() {
        Some((first, command)) if first == measure::ASKED => measure::child(command),
        _ => options(args.into_iter()).and_then(|options| run(&options)),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("scale: {error}");
            ExitCode::FAILURE
        }
    }
}

fn options(mut args: impl Iterator<Item = String>) -> Outcome<Options> {
    let mut options = Options {
        hosts: 10_000,
        stragglers: 5_000,
        rounds: 5,
        keep: None,
        check_only: true,
    };
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or(format!("{arg} needs a value"));
        match arg.as_str() {
            "--bench" => options.check_only = false,
            "--hosts" => options.hosts = value()?.parse()?,
            "--stragglers" => options.stragglers = value()?.parse()?,
            "--rounds" => options.rounds = value()?.parse()?,
            "--keep" => options.keep = Some(value()?.into()),
            _ => return Err(format!("unknown option {arg}").into()),
        }
    }
    if options.check_only {
        (options.hosts, options.stragglers) = (60, 30);
    }
    if options.rounds == 0 || options.stragglers > options.hosts {
        return Err("at least one round, and no more stragglers than hosts".into());
    }
    Ok(options)
}

fn run(options: &Options) -> Outcome<()> {
    match &options.keep {
        Some(folder) => {
            fs::create_dir_all(folder)?;
            run_in(options, folder)
        }
        None => {
            let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
            run_in(options, folder.path())
        }
    }
}

fn run_in(options: &Options, folder: &Path) -> Outcome<()> {
    let day = Day {
        hosts: options.hosts,
        stragglers: options.stragglers,
    };
    if folder.join("state").exists() {
        return Err(format!(
            "{}: has a store already, and it is to be a new one",
            folder.display()
        )
        .into());
    }
    let ring = folder.join("ring");
    let written = day.write(&ring)?;
    let site = Site::read(&day, &ring, &folder.join("state"))?;
    if options.keep.is_none() {
        // What follows reads the store.
        fs::remove_dir_all(&ring)?;
    }
    if options.check_only {
        println!("scale: every straggler of the day and none beside");
        return Ok(());
    }
    site.print(&written);
    requests::measure(&site, options.rounds)?;
    let state = site.close();
    reports::measure(&day, &state, options.rounds)?;
    site::age(&day, &state, folder)
}
