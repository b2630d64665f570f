//! What a live capture takes, and how fast packets may come until some are lost.
//!
//! ```text
//! cargo bench --bench live -- [--capture FILE] [--rounds N]
//! ```
//!
//! Needs root (network namespaces) and tcpreplay. The workload `mix` of the bench `replay`, or any other capture, is sent by
//! tcpreplay over a link between two interfaces to nobody, to `tcpdump -w /dev/null`, and to the daemon in both capture
//! modes, in turn. CPU seconds and not the clock, because they hardly depend on what else the machine does. The kernel
//! takes a packet in, filters it and puts it into the receiver's buffer in the sender's time, because a veth pair has no
//! hardware between its ends; so what that costs is how much more the sender spends than with nobody there.
//!
//! Then it is tried how fast packets may come without a loss, and, by a small buffer and by a daemon that is stopped for a
//! second, what is told of losses: received and dropped must make up what was sent, to the packet, or this fails. It fails
//! for nothing that has to do with time.
//!
//! As a test (`cargo test --benches`) only this last point is checked, on a short capture.

#![allow(clippy::print_stdout, reason = "the tables are what this is for")]
#![allow(
    clippy::unwrap_used,
    reason = "what cannot be measured ends with its cause"
)]

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

#[path = "live/costs.rs"]
mod costs;
#[path = "live/link.rs"]
mod link;
#[path = "live/losses.rs"]
mod losses;
#[path = "common/markdown.rs"]
mod markdown;
#[path = "../tests/live/namespace.rs"]
mod namespace;
#[path = "common/process.rs"]
mod process;
#[path = "live/rates.rs"]
mod rates;
#[path = "live/receiver.rs"]
mod receiver;
#[path = "../tests/served/mod.rs"]
mod served;
#[path = "../tests/support/mod.rs"]
mod support;

use markdown::grouped;
use support::office::{Office, Workload};
use support::{Link as Layer, Pcap};

const STRAGGLER: &str = env!("CARGO_BIN_EXE_straggler");
const TOOLS: [&str; 6] = ["ip", "unshare", "nsenter", "curl", "tcpdump", "tcpreplay"];
/// The workload of the bench `replay`.
const PACKETS: usize = 1_430_000;
/// More than the daemon's buffer holds while it is stopped.
const FEW_PACKETS: usize = 40_000;
const SEED: u64 = 1;

struct Options {
    capture: Option<PathBuf>,
    rounds: usize,
    /// Not run by `cargo bench`.
    check_only: bool,
}

fn main() {
    let options = options();
    if let Some(missing) = missing() {
        println!(
            "SKIPPED: it needs root and {}; missing: {missing}",
            TOOLS.join(", ")
        );
        // Whoever asked for figures is not to take this for some.
        std::process::exit(i32::from(!options.check_only));
    }
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let capture = options.capture.clone().unwrap_or_else(|| {
        let few = if options.check_only {
            FEW_PACKETS
        } else {
            PACKETS
        };
        write(folder.path(), few)
    });
    let traffic = Traffic::of(&capture, folder.path());
    if options.check_only {
        losses::while_stopped(&traffic, receiver::Kind::Full);
        println!("live: what was lost is told to the packet");
        return;
    }
    println!(
        "{}: {} packets, of which {} pass in mode signals",
        capture.display(),
        grouped(traffic.packets),
        grouped(traffic.passing)
    );
    costs::measure(&traffic, options.rounds);
    rates::measure(&traffic);
    losses::measure(&traffic);
}

fn options() -> Options {
    let mut options = Options {
        capture: None,
        rounds: 5,
        check_only: true,
    };
    let mut args = env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut value = || args.next().unwrap_or_else(|| panic!("{arg} needs a value"));
        match arg.as_str() {
            "--bench" => options.check_only = false,
            "--capture" => options.capture = Some(value().into()),
            "--rounds" => options.rounds = value().parse().unwrap(),
            _ => panic!("unknown option {arg}"),
        }
    }
    assert!(options.rounds > 0, "at least one round");
    options
}

/// What a machine lacks for this.
fn missing() -> Option<String> {
    let has = |tool: &&str| {
        let line = format!("PATH=$PATH:/usr/sbin:/sbin command -v {tool}");
        let found = Command::new("sh").args(["-c", &line]).output().unwrap();
        found.status.success()
    };
    let mut missing: Vec<&str> = TOOLS.into_iter().filter(|tool| !has(tool)).collect();
    if Command::new("id").arg("-u").output().unwrap().stdout != b"0\n" {
        missing.push("root");
    }
    (!missing.is_empty()).then(|| missing.join(", "))
}

/// The beginning of the workload `mix`.
fn write(folder: &Path, packets: usize) -> PathBuf {
    let path = folder.join("mix.pcap");
    let mut file = Pcap::new(Layer::ethernet().link_type())
        .create(&path)
        .unwrap();
    let mix = Workload::Mix;
    for (frame, _) in Office::of(mix, mix.hosts(), SEED).take(packets) {
        file.frame(&frame).unwrap();
    }
    file.finish().unwrap();
    path
}

/// What is sent, and what a daemon that misses none of it makes of it.
pub struct Traffic {
    /// The file that is sent.
    pub capture: PathBuf,
    /// Where files may be written.
    pub folder: PathBuf,
    /// Packets in it.
    pub packets: u64,
    /// Of them, those that pass in mode `signals`.
    pub passing: u64,
    /// Hosts that are called stragglers where nothing was lost.
    pub stragglers: u64,
}

impl Traffic {
    fn of(capture: &Path, folder: &Path) -> Self {
        let mut traffic = Self {
            capture: capture.to_owned(),
            folder: folder.to_owned(),
            packets: 0,
            passing: 0,
            stragglers: 0,
        };
        (traffic.packets, traffic.stragglers) = receiver::replayed(&traffic, receiver::Kind::Full);
        (traffic.passing, _) = receiver::replayed(&traffic, receiver::Kind::Signals);
        traffic
    }
}
