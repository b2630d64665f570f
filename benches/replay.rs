//! How fast a capture is replayed, measured against tcpdump reading the same file.
//!
//! ```text
//! cargo bench --bench replay -- [--packets N] [--rounds N] [--seed N] [--keep FILE]
//! ```
//!
//! Writes an office's traffic as pcap (by default 1,000,000 packets) and beside it the truth: one line of signal, client
//! and name for each name that is in it. First `straggler names` must read exactly these. Then tcpdump, with a filter
//! that lets nothing through, and `straggler replay` take turns; the medians of their CPU seconds are compared. CPU time
//! and not the clock, because it hardly depends on what else the machine does.
//!
//! The file is deleted at the end unless `--keep` says where it stays. As a test (`cargo test --benches`) only a short
//! capture is checked.

#![allow(clippy::print_stdout, reason = "the table is what this is for")]

use std::collections::BTreeSet;
use std::env;
use std::error::Error;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

#[path = "replay/contest.rs"]
mod contest;
#[path = "../tests/support/mod.rs"]
mod support;

use contest::{Contestant, grouped, print_table, take_turns};
use support::office::Office;
use support::{Link, Pcap};

const STRAGGLER: &str = env!("CARGO_BIN_EXE_straggler");
const HOSTS: u16 = 300;
/// An EtherType that no frame has, so that tcpdump reads everything and prints nothing.
const NOTHING: &str = "ether proto 0x1234";
/// Wrong names that are shown.
const SHOWN: usize = 5;

fn main() -> ExitCode {
    let outcome = Options::parse(env::args().skip(1)).and_then(|options| run(&options));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("replay: {error}");
            ExitCode::FAILURE
        }
    }
}

type Outcome<T> = Result<T, Box<dyn Error>>;

struct Options {
    packets: usize,
    rounds: usize,
    seed: u64,
    keep: Option<PathBuf>,
    /// Not run by `cargo bench`: check the names and measure nothing.
    check_only: bool,
}

impl Options {
    fn parse(mut args: impl Iterator<Item = String>) -> Outcome<Self> {
        let mut packets = None;
        let mut options = Self {
            packets: 0,
            rounds: 9,
            seed: 1,
            keep: None,
            check_only: true,
        };
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or(format!("{arg} needs a value"));
            match arg.as_str() {
                "--bench" => options.check_only = false,
                "--packets" => packets = Some(value()?.replace(['_', ','], "").parse()?),
                "--rounds" => options.rounds = value()?.parse()?,
                "--seed" => options.seed = value()?.parse()?,
                "--keep" => options.keep = Some(value()?.into()),
                _ => return Err(format!("unknown option {arg}").into()),
            }
        }
        let usual = if options.check_only {
            20_000
        } else {
            1_000_000
        };
        options.packets = packets.unwrap_or(usual);
        if options.packets == 0 || options.rounds == 0 {
            return Err("packets and rounds must be at least 1".into());
        }
        Ok(options)
    }
}

fn run(options: &Options) -> Outcome<()> {
    let capture = options.keep.clone().unwrap_or_else(|| {
        let name = format!("office-{}-{}.pcap", options.packets, options.seed);
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
    });
    let truth = capture.with_extension("truth.tsv");
    let outcome = check_and_measure(options, &capture, &truth);
    if options.keep.is_none() {
        // Whether they were written or not, nothing is to stay behind.
        let _ = fs::remove_file(&capture);
        let _ = fs::remove_file(&truth);
    }
    outcome
}

fn check_and_measure(options: &Options, capture: &Path, truth: &Path) -> Outcome<()> {
    let (told, expected) = write_office(options, capture, truth)
        .map_err(|error| format!("{}: {error}", capture.display()))?;
    let bytes = fs::metadata(capture)?.len();
    println!(
        "{} packets, {} bytes, {} names told, {} lines of truth",
        grouped(options.packets as u64),
        grouped(bytes),
        grouped(told),
        grouped(expected.len() as u64),
    );

    compare(&expected, &names_read(capture)?)?;
    println!("names: all of the truth and none beside");
    if options.check_only {
        return Ok(());
    }

    let mut contestants = Vec::new();
    match tcpdump(capture) {
        Some(tcpdump) => contestants.push(tcpdump),
        None => println!("tcpdump is not installed: there is nothing to compare with"),
    }
    contestants.push(straggler(capture));
    take_turns(&mut contestants, options.rounds)?;
    print_table(&contestants, options.packets);
    Ok(())
}

/// Streams the capture to disk, then writes the truth, which is small. Gives how often names were told, and the truth.
fn write_office(
    options: &Options,
    capture: &Path,
    truth: &Path,
) -> io::Result<(u64, BTreeSet<String>)> {
    let mut stream = Pcap::new(Link::ethernet().link_type()).create(capture)?;
    let mut times_told = 0;
    let mut expected = BTreeSet::new();
    for (frame, told) in Office::new(HOSTS, options.seed).take(options.packets) {
        stream.frame(&frame)?;
        if let Some(told) = told {
            times_told += 1;
            expected.insert(told.to_string());
        }
    }
    stream.finish()?;
    let mut file = File::create(truth)?;
    for line in &expected {
        writeln!(file, "{line}")?;
    }
    Ok((times_told, expected))
}

/// What `straggler names` reads, without the times.
fn names_read(capture: &Path) -> Outcome<BTreeSet<String>> {
    let mut child = Command::new(STRAGGLER)
        .arg("names")
        .arg(capture)
        .args(["--format", "tsv"])
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{STRAGGLER}: {error}"))?;
    let output = child.stdout.take().ok_or("no output to read")?;
    let mut names = BTreeSet::new();
    for line in BufReader::new(output).lines() {
        let line = line?;
        let (_time, rest) = line.split_once('\t').ok_or(format!("no columns: {line}"))?;
        names.insert(rest.to_owned());
    }
    match child.wait()? {
        status if status.success() => Ok(names),
        status => Err(format!("straggler names: {status}").into()),
    }
}

fn compare(expected: &BTreeSet<String>, read: &BTreeSet<String>) -> Outcome<()> {
    let missing: Vec<&String> = expected.difference(read).collect();
    let beside: Vec<&String> = read.difference(expected).collect();
    if missing.is_empty() && beside.is_empty() {
        return Ok(());
    }
    for (word, lines) in [("missing", &missing), ("beside the truth", &beside)] {
        println!("{word}: {}", lines.len());
        for line in lines.iter().take(SHOWN) {
            println!("  {line}");
        }
    }
    Err("the names read are not those in the capture".into())
}

fn tcpdump(capture: &Path) -> Option<Contestant> {
    let version = Command::new("tcpdump").arg("--version").output();
    version.ok().map(|_| {
        let file = capture.display().to_string();
        Contestant::new("tcpdump", &["tcpdump", "-nr", &file, NOTHING])
    })
}

fn straggler(capture: &Path) -> Contestant {
    let file = capture.display().to_string();
    Contestant::new("straggler replay", &[STRAGGLER, "replay", &file])
}
