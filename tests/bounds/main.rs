//! What bounds the daemon: a million forged hosts, names or flows, and the real stragglers are still shown.
//!
//! Of the second tier, because the figures are those of a release build: `make test-long`. Each case prints its figures;
//! they stand in `docs/bounds.md`.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says what it expects; the panic is its report"
)]

mod floods;
mod outcome;
mod real;
#[path = "../served/mod.rs"]
mod served;
#[path = "../support/mod.rs"]
mod support;
mod wire;

use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use floods::Flood;
use outcome::Outcome;
use real::{Real, update};
use served::Served;
use wire::Wire;

/// Pieces of a flood.
const MILLION: u32 = 1_000_000;
/// 2024-10-01T00:00:00Z, two days after the cutoff.
const START: u64 = 1_727_740_800_000_000_000;
/// One flood at a time: two would disturb each other's time.
static ALONE: Mutex<()> = Mutex::new(());

/// Real stragglers: at the start, in the middle, at the end of a flood.
const REAL: [[&str; 2]; 3] = [
    ["10.200.0.1", "fd20:20:0:1::1"],
    ["10.200.0.2", "fd20:20:0:1::2"],
    ["10.200.0.3", "fd20:20:0:1::3"],
];

/// Runs a flood through the daemon, and checks what holds of all of them.
fn run(what: &str, flood: Flood, packets_per_second: u64) -> Outcome {
    let _alone = ALONE
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let start = Instant::now();
    let mut command = Command::new(env!("CARGO_BIN_EXE_straggler"));
    command.args(["run", "--listen", "127.0.0.1:0", "--replay", "-"]);
    command.stdin(Stdio::piped()).stdout(Stdio::null());
    let mut served = Served::spawn_as_it_is(command);
    let stdin = served.take_stdin();
    let mut wire = Wire::new(stdin, START, 1_000_000_000 / packets_per_second);
    let hosts = REAL.map(|pair| pair.map(|address| Real(address.parse().unwrap())));
    let mut number = 0..MILLION;
    // The updates of the middle take place while the flood goes on.
    let mut pieces = |wire: &mut Wire, count: usize| {
        for number in number.by_ref().take(count) {
            flood(wire, number);
        }
    };
    let half = MILLION as usize / 2;
    update(&hosts[0], &mut wire, |_| {});
    pieces(&mut wire, half);
    update(&hosts[1], &mut wire, |wire| pieces(wire, 1_000));
    pieces(&mut wire, half);
    update(&hosts[2], &mut wire, |_| {});
    let frames = wire.finish();
    served::wait_long_for("the end of the flood", Duration::from_secs(60), || {
        served.get("/-/ready").0 == 200
    });
    let outcome = Outcome::of(&served);
    eprintln!(
        "{what}: {frames} frames, {} MiB, {} series of {}, {:?}",
        outcome.resident,
        outcome.series(),
        outcome.budget(),
        start.elapsed()
    );
    for name in outcome.tables() {
        let (entries, evictions) = outcome.table(name);
        if entries + evictions > 0 {
            eprintln!("  {name}: {entries}, left out {evictions}");
        }
    }
    for host in hosts.as_flattened() {
        eprintln!("  {} {}", host.0, outcome.shows(&served, host.0));
    }
    outcome
}

#[test]
fn a_million_hosts_that_ask() {
    run("lookups", floods::lookups, 10_000);
}
#[test]
fn a_million_hosts_in_contact() {
    run("contacts", floods::contacts, 10_000);
}
#[test]
fn a_million_names() {
    run("names", floods::names, 10_000);
}
#[test]
fn a_million_flows() {
    run("flows", floods::flows, 10_000);
}
#[test]
fn a_million_claims() {
    run("claims", floods::claims, 10_000);
}
