//! How fast a capture is replayed, measured against tcpdump reading the same file.
//!
//! ```text
//! cargo bench --bench replay -- [--workload mix|handshakes] [--packets N] [--rounds N] [--seed N] [--keep DIR]
//! ```
//!
//! Writes the traffic of an office as pcap, once as the usual mix and once as handshakes and look-ups alone, and beside each
//! the truth: one line of signal, client and name for each name that is told. First `straggler names` must read exactly
//! these. Then three take turns: a program that reads the file in large blocks and does nothing with them, which is what
//! nobody can be below; tcpdump with a filter that lets nothing through, which is the floor of whoever uses libpcap; and
//! `straggler replay`. CPU time and not the clock, because it hardly depends on what else the machine does; each on one
//! core, from a file that the system holds in memory.
//!
//! The files are deleted at the end unless `--keep` says where they stay. As a test (`cargo test --benches`) only short
//! captures are checked.

#![allow(clippy::print_stdout, reason = "the table is what this is for")]

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[path = "replay/contest.rs"]
mod contest;
#[path = "common/markdown.rs"]
mod markdown;
#[path = "replay/measure.rs"]
mod measure;
#[path = "replay/options.rs"]
mod options;
#[path = "replay/table.rs"]
mod table;
#[path = "replay/truth.rs"]
mod truth;

#[path = "../tests/support/mod.rs"]
mod support;

use contest::{Contestant, take_turns};
use options::Options;
use support::office::{Office, Workload};
use support::{Link, Pcap};
use table::{Table, grouped};
use truth::Truth;

const STRAGGLER: &str = env!("CARGO_BIN_EXE_straggler");

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let outcome = match args.split_first() {
        Some((first, command)) if first == measure::ASKED => measure::child(command),
        _ => Options::parse(args.into_iter()).and_then(|options| run(&options)),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("replay: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Outcome<()> {
    let mut table = Table::new();
    for &workload in &options.workloads {
        match &options.keep {
            Some(folder) => {
                fs::create_dir_all(folder)
                    .map_err(|error| format!("{}: {error}", folder.display()))?;
                check_and_measure(options, workload, folder, &mut table)?;
            }
            None => {
                let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
                check_and_measure(options, workload, folder.path(), &mut table)?;
            }
        }
    }
    if !options.check_only {
        table.print();
    }
    Ok(())
}

fn check_and_measure(
    options: &Options,
    workload: Workload,
    folder: &Path,
    table: &mut Table,
) -> Outcome<()> {
    let packets = options.packets(workload);
    let capture = folder.join(format!("{}.pcap", workload.name()));
    let truth = write(workload, packets, options.seed, &capture)
        .map_err(|error| format!("{}: {error}", capture.display()))?;
    let told = truth.told();
    println!(
        "{}: {} packets, {} bytes, {} names told",
        workload.name(),
        grouped(packets as u64),
        grouped(fs::metadata(&capture)?.len()),
        grouped(told),
    );
    truth.compare(STRAGGLER, &capture)?;
    println!("{}: all of the names and none beside", workload.name());
    if options.check_only {
        return Ok(());
    }
    let mut contestants = contestants(&capture, told);
    take_turns(&mut contestants, options.rounds)?;
    table.add(workload.name(), packets, &contestants);
    Ok(())
}

/// Streams the capture and the truth beside it to disk.
fn write(workload: Workload, packets: usize, seed: u64, capture: &Path) -> Outcome<Truth> {
    let mut stream = Pcap::new(Link::ethernet().link_type()).create(capture)?;
    let mut truth = Truth::create(&capture.with_extension("truth.tsv"))?;
    for (frame, told) in Office::of(workload, workload.hosts(), seed).take(packets) {
        stream.frame(&frame)?;
        if let Some(told) = told {
            truth.tell(told.to_string())?;
        }
    }
    stream.finish()?;
    truth.finish()?;
    Ok(truth)
}

/// Who reads the capture; `straggler names` found all that was told.
fn contestants(capture: &Path, told: u64) -> Vec<Contestant> {
    let file = capture.display().to_string();
    let reads = Contestant::new("reads of 256 KiB", &["dd", "bs=256k", "of=/dev/null"])
        .arg(format!("if={file}"));
    let tcpdump = Contestant::new("tcpdump", &["tcpdump", "-nr", &file, "ether proto 0x1234"]);
    let straggler = Contestant::new("straggler replay", &[STRAGGLER, "replay", &file]).names(told);
    [reads, tcpdump.yardstick(), straggler]
        .into_iter()
        .filter(|contestant| {
            let installed = contestant.is_installed();
            if !installed {
                println!("{} is not installed, and left out", contestant.name());
            }
            installed
        })
        .collect()
}
