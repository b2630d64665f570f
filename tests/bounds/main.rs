//! What bounds the daemon: a million forged hosts, names or flows, and the real stragglers are still shown.
//!
//! Of the second tier, because the figures are those of a release build: `make test-long`. Each case prints its figures;
//! they stand in `docs/bounds.md`.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says what it expects; the panic is its report"
)]

mod flooded;
mod floods;
mod hostile;
#[path = "../live/namespace.rs"]
mod namespace;
mod outcome;
mod real;
mod scraped;
#[path = "../served/mod.rs"]
mod served;
#[path = "../support/mod.rs"]
mod support;
mod wire;

use std::net::IpAddr;
use std::process::ChildStdin;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use flooded::Flooded;
use floods::Flood;
use outcome::Outcome;
use real::{Real, update};
use served::wait_long_for;
use wire::Wire;

/// Pieces of a flood.
const MILLION: u32 = 1_000_000;
/// Pieces of one on a link, where nobody waits for the daemon: many times what its tables take.
const ON_A_LINK: u32 = 250_000;
/// Frames that follow each other on a link before this pause.
const PAUSE: Duration = Duration::from_millis(2);
/// Pieces that come while a product waits between two files.
const MEANWHILE: u32 = 1_000;
const MEANWHILE_ON_A_LINK: u32 = 4_000;
/// 2024-10-01T00:00:00Z, two days after the cutoff.
const START: u64 = 1_727_740_800_000_000_000;
/// Nanoseconds between two frames: a million take a few minutes.
const STEP: u64 = 100_000;
/// How long the daemon may take for what it was given.
const PATIENCE: Duration = Duration::from_secs(90);
/// Hosts that come while it is scraped, and how they are spread: some ten thousand frames a second.
const SCRAPED_HOSTS: u32 = 60_000;
const SCRAPED_AT_ONCE: u32 = 50;
const SCRAPED_PAUSE: Duration = Duration::from_millis(15);
/// One flood at a time: two would disturb each other's time.
static ALONE: Mutex<()> = Mutex::new(());

/// Real stragglers: at the start, in the middle, at the end of a flood.
const REAL: [[&str; 2]; 3] = [
    ["10.200.0.1", "fd20:20:0:1::1"],
    ["10.200.0.2", "fd20:20:0:1::2"],
    ["10.200.0.3", "fd20:20:0:1::3"],
];

/// Entries that the tables of one worker and of the ledger take: the Bounds of ARCHITECTURE.md.
const CAPS: [(&str, u64); 25] = [
    ("flows", 65_536),
    ("first_bytes", 16_777_216),
    ("dns_transactions", 16_384),
    ("presence", 57_344),
    ("rollup", 14_336),
    ("fragments", 4_096),
    ("quic_connections", 4_096),
    ("watched_answers", 17_408),
    ("identities_told", 8_192),
    ("role_signs", 57_344),
    ("flow_ends", 8_192),
    ("addresses", 57_344),
    ("identities", 71_680),
    ("usages", 12_288),
    ("names", 24_576),
    ("weak_names", 8_192),
    ("watch_list", 16_384),
    ("blind_hosts", 65_536),
    ("bypasses", 16_384),
    ("happenings", 16_384),
    ("flows_told", 32_768),
    ("roles", 16_384),
    ("uncovered_told", 4_096),
    ("uncovered_names", 2_048),
    ("connections", 64),
];

fn real() -> [[Real; 2]; 3] {
    REAL.map(|pair| pair.map(|address| Real(address.parse::<IpAddr>().unwrap())))
}

/// Sends a flood with real stragglers in it: frames.
fn send(to: ChildStdin, flood: Flood, count: u32, meanwhile: u32) -> u64 {
    let mut wire = Wire::new(to, START, STEP);
    let [first, second, third] = real();
    let mut numbers = 0..count;
    let mut pieces = |wire: &mut Wire, count: u32| {
        for number in numbers.by_ref().take(count as usize) {
            flood(wire, number);
        }
    };
    let between = (count - 3 * real::FILES * meanwhile) / 2;
    update(&first, &mut wire, |wire| pieces(wire, meanwhile));
    pieces(&mut wire, between);
    update(&second, &mut wire, |wire| pieces(wire, meanwhile));
    pieces(&mut wire, between);
    update(&third, &mut wire, |wire| pieces(wire, meanwhile));
    wire.finish()
}

/// Runs a flood through the daemon, and checks what holds of all of them.
fn run(what: &str, flood: Flood) -> Outcome {
    let alone = ALONE.lock();
    let _alone = alone.unwrap_or_else(std::sync::PoisonError::into_inner);
    let start = Instant::now();
    let (daemon, pipe) = Flooded::by_pipe();
    let frames = send(pipe, flood, MILLION, MEANWHILE);
    wait_long_for("the end of the flood", PATIENCE, || {
        daemon.get("/-/ready").0 == 200
    });
    let outcome = Outcome::of(&daemon);
    outcome.tell(what, frames, start.elapsed());
    outcome.check_bounds(&CAPS);
    for host in real().as_flattened() {
        assert_eq!(outcome.hides(&daemon, host.0), None, "{what}");
    }
    outcome
}

/// That something was left out of these tables, and that it is counted.
fn left_out(outcome: &Outcome, tables: &[&str]) {
    for name in tables {
        assert!(outcome.table(name).1 > 0, "{name}");
    }
}

#[test]
fn a_million_hosts_that_ask() {
    let outcome = run("lookups", floods::lookups);
    left_out(&outcome, &["addresses", "identities", "usages", "presence"]);
    assert!(outcome.value("straggler_host_series_rejected_total") > 0);
}

#[test]
fn a_million_hosts_in_contact() {
    let outcome = run("contacts", floods::contacts);
    left_out(&outcome, &["addresses", "identities", "usages", "flows"]);
    assert!(outcome.value("straggler_host_series_rejected_total") > 0);
}

#[test]
fn a_million_names() {
    let outcome = run("names", floods::names);
    left_out(&outcome, &["watch_list"]);
}

#[test]
fn a_million_long_names_of_many_hosts() {
    let outcome = run("long names", floods::long_names);
    left_out(&outcome, &["names", "weak_names"]);
}

#[test]
fn a_million_requests_on_connections_of_eight() {
    let outcome = run("requests", floods::requests);
    left_out(&outcome, &["flows", "first_bytes"]);
}

#[test]
fn a_million_flows() {
    let outcome = run("flows", floods::flows);
    left_out(&outcome, &["flows", "quic_connections"]);
}

#[test]
fn a_million_claims() {
    let outcome = run("claims", floods::claims);
    left_out(&outcome, &["addresses", "identities", "flows"]);
}

#[test]
fn a_million_syns() {
    left_out(&run("SYNs", hostile::syns), &["flows"]);
}

#[test]
fn a_million_fragments() {
    let outcome = run("fragments", hostile::fragments);
    left_out(&outcome, &["fragments"]);
    for cause in ["fragment", "fragment_overlap"] {
        let sample = format!("straggler_undecoded_packets_total{{reason=\"{cause}\"}}");
        assert!(outcome.value(&sample) > 0, "{cause}");
    }
}

#[test]
fn hellos_that_never_end() {
    let outcome = run("endless hellos", hostile::endless);
    let incomplete = "straggler_blind_flows_total{kind=\"hello_incomplete\"}";
    assert!(outcome.value(incomplete) > 0);
}

#[test]
fn a_million_initials() {
    let outcome = run("Initials", hostile::initials);
    left_out(&outcome, &["flows", "addresses", "usages"]);
}

#[test]
fn a_million_lies() {
    let outcome = run("lies", hostile::lies);
    assert!(
        outcome
            .beginning("straggler_undecoded_packets_total")
            .any(|(_, value)| value != "0")
    );
}

/// Live, with a store: the scene is published every second, batches wait for the disk.
#[test]
fn contacts_on_a_link_with_a_store() {
    let alone = ALONE.lock();
    let _alone = alone.unwrap_or_else(std::sync::PoisonError::into_inner);
    let state = tempfile::tempdir().unwrap();
    let start = Instant::now();
    let Some((mut daemon, pipe)) = Flooded::on_a_link(state.path()) else {
        return;
    };
    let frames = send(pipe, floods::contacts, ON_A_LINK, MEANWHILE_ON_A_LINK);
    daemon.sent();
    let hosts = real();
    let mut outcome = Outcome::of(&daemon);
    wait_long_for("the last straggler", PATIENCE, || {
        outcome = Outcome::of(&daemon);
        outcome.hides(&daemon, hosts[2][1].0).is_none()
    });
    outcome.tell("contacts, live, with a store", frames, start.elapsed());
    outcome.check_bounds(&CAPS);
    for host in hosts.as_flattened() {
        assert_eq!(outcome.hides(&daemon, host.0), None);
    }
    left_out(&outcome, &["identities", "usages"]);
}

/// Many scrapers while the metrics are as large as they may be and traffic goes on: they cost no frame.
#[test]
fn scrapers_cost_no_frame() {
    let alone = ALONE.lock();
    let _alone = alone.unwrap_or_else(std::sync::PoisonError::into_inner);
    let state = tempfile::tempdir().unwrap();
    let Some((mut daemon, pipe)) = Flooded::on_a_link(state.path()) else {
        return;
    };
    // Twenty seconds of what fills the metrics within the first one.
    let sender = std::thread::spawn(move || {
        let mut wire = Wire::new(pipe, START, STEP);
        for number in 0..SCRAPED_HOSTS {
            floods::contacts(&mut wire, number);
            if number > MEANWHILE_ON_A_LINK * 2 && number % SCRAPED_AT_ONCE == 0 {
                std::thread::sleep(SCRAPED_PAUSE);
            }
        }
        wire.finish()
    });
    wait_long_for("as many series as there may be", PATIENCE, || {
        Outcome::of(&daemon).value("straggler_host_series") == 5_000
    });
    let before = Outcome::of(&daemon);
    let scraped = scraped::scrape(&daemon);
    let after = Outcome::of(&daemon);
    let frames = |outcome: &Outcome| {
        outcome.value(&format!(
            "straggler_capture_packets_total{{interface=\"{}\"}}",
            flooded::INTERFACE
        ))
    };
    let meanwhile = frames(&after) - frames(&before);
    sender.join().unwrap();
    daemon.sent();
    let outcome = Outcome::of(&daemon);
    outcome.tell("scrapers", frames(&outcome), Duration::ZERO);
    eprintln!(
        "{} scrapes, {} a second, of {} bytes each (packed): median {:?}, slowest {:?}; {meanwhile} frames meanwhile",
        scraped.count,
        scraped::A_SECOND,
        scraped.bytes,
        scraped.median,
        scraped.slowest
    );
    assert!(meanwhile > 50_000, "the capture went on: {meanwhile}");
    for reason in ["kernel", "interface"] {
        let dropped = format!(
            "straggler_capture_dropped_packets_total{{interface=\"{}\",reason=\"{reason}\"}}",
            flooded::INTERFACE
        );
        assert_eq!(outcome.value(&dropped), 0, "{reason}");
    }
    outcome.check_bounds(&CAPS);
}
