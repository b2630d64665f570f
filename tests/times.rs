//! Times: what happened between two instants and as of one; and times that cannot be: captures and stores from the future,
//! and clocks that nobody could confirm. None of them may take findings away or hide a straggler.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says what it expects; the panic is its report"
)]

mod program;
mod served;
mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use program::{example, findings, kept, straggler, text};
use serde_json::Value;
use served::{Served, wait_for};
use straggler::config::{Config, Overrides};
use straggler::ledger::Ledger;
use straggler::model::{Frame, LinkType, Snapshot, Span, Timestamp};
use straggler::store::{Batch, LookedRecord, Settings, Store};
use straggler::tracker::Tracker;
use support::hello::{ClientHello, application_data, server_hello};
use support::links::Link;
use support::savefile::Pcap;
use support::talk::{Talk, TimedPacket, seconds};

const HOUR: u64 = 3600;
const YEAR: u64 = 365 * 24 * HOUR;

fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap().as_secs()
}

/// A download from the vendor.
fn download(host: u8, time: u64) -> Talk {
    Talk::tcp(format!("10.0.0.{host}:50000").as_str(), "192.0.2.7:443")
        .at(seconds(time))
        .open()
        .client(&ClientHello::to("s07.upd.kaspersky.com").stream())
        .server(&server_hello())
        .server(&application_data(40_000))
}

fn capture(folder: &Path, name: &str, packets: &[TimedPacket]) -> PathBuf {
    let link = Link::ethernet();
    let bytes = Pcap::new(link.link_type()).bytes(&link.frames(packets));
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

fn keep(state: &Path, captures: &[&Path]) {
    Served::keeping(state, captures).end("TERM");
}

/// Says of a store that it looked at an instant to come.
fn reach_into_the_future(state: &Path) {
    let (mut store, _) = Store::open(state, Settings::default()).unwrap();
    let future = Timestamp::from_unix((now() + 4 * YEAR) as i64, 0);
    let mut batch = Batch::default();
    batch.looked(LookedRecord {
        sensor: Arc::from("eth0"),
        span: Span::at(future),
        frames: 1,
        kernel_drops: 0,
        interface_drops: 0,
    });
    let remembered = store.remembered("seen").unwrap().unwrap();
    let mut seen: Value = serde_json::from_str(&remembered).unwrap();
    seen["at"] = future.as_nanos().into();
    batch.remember("seen", seen.to_string());
    store.write(&batch).unwrap();
}

#[test]
fn a_capture_from_the_future_takes_nothing_away() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    keep(&state, &[&example()]);
    let before = kept(&state);
    let later = now() + 4 * YEAR;
    let future = capture(folder.path(), "future.pcap", download(5, later).packets());
    let refused = straggler(&[
        "run",
        "--listen",
        "127.0.0.1:0",
        "--replay",
        future.to_str().unwrap(),
        "--state-dir",
        state.to_str().unwrap(),
    ]);
    let said = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(3), "{said}");
    assert!(said.contains("future.pcap: dated up to"), "{said}");
    assert!(said.contains("later than this machine's clock"), "{said}");
    assert_eq!(kept(&state), before);
    // Beside others it is told, and they are taken.
    let good = capture(
        folder.path(),
        "good.pcap",
        download(6, now() - HOUR).packets(),
    );
    let both = folder.path().join("both");
    let served = Served::keeping(&both, &[&future, &good]);
    let (_, page) = served.get("/");
    assert!(page.contains("later than this machine"), "{page}");
    let (_, said, _) = served.end("TERM");
    assert!(said.contains("future.pcap: dated up to"), "{said}");
    let hosts: Vec<_> = kept(&both);
    assert_eq!(hosts.len(), 1, "{hosts:?}");
    assert_eq!(hosts[0]["straggler"], true);
}

#[test]
fn a_pipe_from_the_future_is_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let good = capture(
        folder.path(),
        "good.pcap",
        download(6, now() - HOUR).packets(),
    );
    let later = now() + 4 * YEAR;
    let future = capture(folder.path(), "future.pcap", download(5, later).packets());
    let program = env!("CARGO_BIN_EXE_straggler");
    let line = format!(
        "cat {} | {program} run --listen 127.0.0.1:0 --state-dir {} --replay {} --replay -",
        future.display(),
        state.display(),
        good.display()
    );
    let output = Command::new("sh").args(["-c", &line]).output().unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("dated up to"), "{said}");
    let hosts = kept(&state);
    assert_eq!(hosts.len(), 1, "{hosts:?}");
    assert_eq!(hosts[0]["straggler"], true);
}

#[test]
fn a_store_that_reaches_into_the_future_hides_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let good = capture(
        folder.path(),
        "good.pcap",
        download(6, now() - HOUR).packets(),
    );
    keep(&state, &[&good]);
    reach_into_the_future(&state);
    let failed = straggler(&[
        "report",
        "--fail-on",
        "straggler",
        "--state-dir",
        state.to_str().unwrap(),
    ]);
    let said = text(&failed.stderr);
    assert_eq!(failed.status.code(), Some(1), "{said}");
    assert!(said.contains("later than this machine's clock"), "{said}");
    // More captures prune nothing and are judged by their own time.
    let more = capture(
        folder.path(),
        "more.pcap",
        download(7, now() - 2 * HOUR).packets(),
    );
    keep(&state, &[&more]);
    let straggling = kept(&state);
    assert_eq!(straggling.len(), 2);
    assert!(
        straggling
            .iter()
            .all(|finding| finding["straggler"] == true)
    );

    let Some(served) = live(&state) else { return };
    wait_for("the stragglers", || {
        let (_, status) = served.get("/api/v1/status");
        let status: Value = serde_json::from_str(&status).unwrap();
        status["stragglers"] == 2
            && status["faults"]
                .to_string()
                .contains("the store has findings dated up to")
    });
    let (_, page) = served.get("/");
    assert!(
        page.contains("the store has findings dated up to"),
        "{page}"
    );
    let (_, metrics) = served.get("/metrics");
    assert!(
        metrics.contains("straggler_store_errors_total{operation=\"read\"} 1"),
        "{metrics}"
    );
    served.end("TERM");
}

/// A daemon that captures the loopback interface; `None` where this user may not.
fn live(state: &Path) -> Option<Served> {
    let root = Command::new("id").arg("-u").output().unwrap();
    if text(&root.stdout).trim() != "0" {
        eprintln!("SKIPPED: needs root to capture");
        return None;
    }
    let state = state.to_str().unwrap();
    let served = Served::start(&["--interface", "lo", "--state-dir", state]);
    served.wait_ready();
    Some(served)
}

#[test]
fn a_time_that_only_the_end_confirms_is_the_stores_too() {
    let folder = tempfile::tempdir().unwrap();
    let long_ago = now() - 10 * HOUR;
    let sparse = [
        download(5, long_ago).into_packets(),
        download(6, long_ago + 5 * HOUR).into_packets(),
    ]
    .concat();
    let short = download(5, long_ago).into_packets();
    let lone = short[..1].to_vec();
    for (name, packets) in [("sparse", sparse), ("short", short), ("lone", lone)] {
        let path = capture(folder.path(), name, &packets);
        let state = folder.path().join(format!("{name}-state"));
        keep(&state, &[&path]);
        let read = findings(&["replay", "--format", "json", path.to_str().unwrap()]);
        assert_eq!(kept(&state), read, "{name}");
        if name != "lone" {
            assert!(
                read.iter().all(|finding| finding["straggler"] == true),
                "{name}"
            );
        }
    }
}

/// A live sensor without its threads.
struct Sensor {
    tracker: Tracker,
    ledger: Ledger,
}

impl Sensor {
    fn new() -> Self {
        let config = Config::load(None, Overrides::default()).unwrap();
        let rules = Arc::new(config.rule_set());
        let mut tracker = Tracker::new(config.tracker(&[]), Arc::clone(&rules));
        tracker.begin();
        Self {
            tracker,
            ledger: Ledger::new(config.ledger(&[]), &rules.packs).unwrap(),
        }
    }

    fn capture(&mut self, talk: &Talk) {
        for frame in Link::ethernet().frames(talk.packets()) {
            let frame = Frame {
                time: Timestamp::from_nanos(frame.time as i64),
                link: LinkType::ETHERNET,
                bytes: &frame.bytes,
                wire_len: frame.wire_len,
            };
            self.tracker.ingest(&frame, &mut ());
        }
    }

    /// A second is over, by the wall clock.
    fn look_up(&mut self, wall: u64) -> Snapshot {
        let wall = Timestamp::from_unix(wall as i64, 0);
        self.tracker.tick(wall);
        self.ledger.bound_time(wall.after(Duration::from_secs(60)));
        self.ledger.absorb(&self.tracker.drain());
        self.ledger.snapshot()
    }
}

#[test]
fn a_clock_that_was_set_back_takes_no_straggler_with_it() {
    let (wrong, right) = (now() + 70 * YEAR, now());
    let mut sensor = Sensor::new();
    sensor.capture(&download(5, wrong));
    assert_eq!(sensor.look_up(wrong + 1).stragglers().count(), 1);
    sensor.capture(&download(6, right));
    let snapshot = sensor.look_up(right + 1);
    let at = snapshot.at.unwrap();
    assert!(at <= Timestamp::from_unix(right as i64 + 61, 0), "{at}");
    assert_eq!(snapshot.stragglers().count(), 2);
    assert!(snapshot.looked < 0.01, "{}", snapshot.looked);
    for finding in &snapshot.findings {
        assert!(finding.last_seen <= at, "{finding:?}");
    }
    // They are no stragglers for ever.
    let snapshot = sensor.look_up(right + 25 * HOUR);
    assert_eq!(snapshot.stragglers().count(), 0);
    assert!(snapshot.looked < 0.01, "{}", snapshot.looked);
}

#[test]
fn a_clock_that_was_set_forward_did_not_look_meanwhile() {
    let right = now();
    let mut sensor = Sensor::new();
    sensor.capture(&download(5, 2 * HOUR));
    assert_eq!(sensor.look_up(2 * HOUR + 1).stragglers().count(), 0);
    let snapshot = sensor.look_up(right);
    assert!(snapshot.looked < 0.01, "{}", snapshot.looked);
    sensor.capture(&download(6, right));
    let snapshot = sensor.look_up(right + 1);
    assert_eq!(snapshot.stragglers().count(), 1);
    assert!(snapshot.looked < 0.01, "{}", snapshot.looked);
}

fn instant(time: u64) -> String {
    Timestamp::from_unix(time as i64, 0).to_string()
}

#[test]
fn what_happened_between_is_told_whatever_came_later() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let (long_ago, lately) = (now() - 72 * HOUR, now() - HOUR);
    let packets = [
        download(5, long_ago).into_packets(),
        download(6, long_ago).into_packets(),
        download(5, lately).into_packets(),
    ]
    .concat();
    let path = capture(folder.path(), "three.pcap", &packets);
    keep(&state, &[&path]);
    let (path, state) = (path.to_str().unwrap(), state.to_str().unwrap());
    let hosts = |command: &[&str], more: &[&str]| -> Vec<String> {
        let found = findings(&[command, &["--format", "json"], more].concat());
        let mut hosts: Vec<_> = found
            .iter()
            .map(|finding| finding["host"].as_str().unwrap().to_owned())
            .collect();
        hosts.sort();
        hosts
    };
    let report = ["report", "--state-dir", state];
    let replay = ["replay", path];
    let between = |since: u64, until: u64| [instant(since), instant(until)];
    let both = ["ip-10.0.0.5", "ip-10.0.0.6"];
    for (range, from_store, from_capture) in [
        (
            between(long_ago - HOUR, long_ago + HOUR),
            &both[..],
            &both[..],
        ),
        (
            between(lately - HOUR, lately + HOUR),
            &both[..1],
            &both[..1],
        ),
        // A capture's names have a first and a last time only.
        (between(long_ago + 9 * HOUR, lately - HOUR), &[], &both[..1]),
        (between(long_ago - 9 * HOUR, long_ago), &[], &[]),
    ] {
        let range = ["--since", &range[0], "--until", &range[1]];
        assert_eq!(hosts(&report, &range), from_store, "{range:?}");
        assert_eq!(hosts(&replay, &range), from_capture, "{range:?}");
    }
    let until = instant(long_ago + HOUR);
    for command in [&report[..], &replay] {
        let args = [command, &["--until", &until, "--fail-on", "straggler"]].concat();
        assert_eq!(straggler(&args).status.code(), Some(1), "{args:?}");
    }
}

#[test]
fn a_report_as_of_an_instant_is_that_of_the_captures() {
    // Not the status: the store knows that it looked on, and a capture that is read up to an instant does not.
    let told = |found: Vec<Value>| -> Vec<[Value; 4]> {
        let fields = ["host", "straggler", "last_contact", "bytes_received"];
        let found = found.iter();
        found
            .map(|one| fields.map(|field| one[field].clone()))
            .collect()
    };
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let long_ago = now() - 72 * HOUR;
    let packets = [
        download(5, long_ago).into_packets(),
        download(6, long_ago + 30 * HOUR).into_packets(),
    ]
    .concat();
    let path = capture(folder.path(), "two.pcap", &packets);
    keep(&state, &[&path]);
    for (after, stragglers) in [(1, 1), (25, 0), (31, 1), (60, 0)] {
        let at = instant(long_ago + after * HOUR);
        let more = ["--format", "json", "--at", &at];
        let report = ["report", "--state-dir", state.to_str().unwrap()];
        let kept = findings(&[&report[..], &more].concat());
        let read = findings(&[&["replay", path.to_str().unwrap()][..], &more].concat());
        assert_eq!(told(kept.clone()), told(read), "{after}");
        let straggling = kept.iter().filter(|finding| finding["straggler"] == true);
        assert_eq!(straggling.count(), stragglers, "{after}");
    }
}

#[test]
fn a_host_that_the_store_does_not_know_is_no_clean_one() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    keep(&state, &[&example()]);
    let output = straggler(&[
        "report",
        "--host",
        "nosuch",
        "--fail-on",
        "straggler",
        "--state-dir",
        state.to_str().unwrap(),
    ]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    let lines = said.lines().filter(|line| line.contains("--host nosuch"));
    assert_eq!((lines.count(), said.lines().count()), (1, 1), "{said}");
}

#[test]
fn sightings_that_are_left_aside_are_no_all_clear() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let path = capture(
        folder.path(),
        "good.pcap",
        download(6, now() - HOUR).packets(),
    );
    keep(&state, &[&path]);
    let years = 4 * YEAR * 1_000_000_000;
    let file = rusqlite::Connection::open(state.join("straggler.db")).unwrap();
    let moved = format!(
        "UPDATE sightings SET hour = hour + {}, first = first + {years}, last = last + {years}",
        4 * YEAR / HOUR
    );
    file.execute_batch(&moved).unwrap();
    drop(file);
    let state = state.to_str().unwrap();
    let output = straggler(&["report", "--fail-on", "straggler", "--state-dir", state]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("later than this machine's clock"), "{said}");
}

/// As a recording of one host or port is: hours lie between its few flows, so that each is a leap.
#[test]
fn a_sparse_recording_hides_no_straggler() {
    let cutoff = 1_727_582_400_i64;
    for hours in [
        &[1, 25, 49][..],
        &[-240, -216, 1],
        &[-240, -216, -192, 1, 25, 49],
        &[-24, 1],
        &[-5, -3, 3, 5, 7, 9],
    ] {
        let folder = tempfile::tempdir().unwrap();
        let packets: Vec<TimedPacket> = hours
            .iter()
            .flat_map(|hours| download(5, (cutoff + hours * 3600) as u64).into_packets())
            .collect();
        let file = capture(folder.path(), "sparse.pcap", &packets);
        let found = findings(&["replay", "--format", "json", file.to_str().unwrap()]);
        assert_eq!(found.len(), 1, "{hours:?}");
        assert_eq!(found[0]["straggler"], true, "{hours:?}: {}", found[0]);
        assert_eq!(found[0]["last_contact"], found[0]["last_seen"], "{hours:?}");
    }
}

/// Three frames of times to come, in order, in the middle of a recording: what comes behind them says that they are wild.
#[test]
fn wild_times_in_order_hide_no_straggler() {
    let cutoff = 1_727_582_400;
    let lone = |time: u64| {
        let packets = download(9, time).into_packets();
        packets[..1].to_vec()
    };
    let folder = tempfile::tempdir().unwrap();
    let mut packets = Vec::new();
    for minute in 0..6 {
        packets.extend(download(5 + minute as u8, cutoff + minute * 60).into_packets());
        if minute == 3 {
            let wild = [YEAR, YEAR + 2 * HOUR, YEAR + 4 * HOUR];
            packets.extend(wild.into_iter().flat_map(|ahead| lone(cutoff + ahead)));
        }
    }
    let file = capture(folder.path(), "wild.pcap", &packets);
    let found = findings(&["replay", "--format", "json", file.to_str().unwrap()]);
    let stragglers = found.iter().filter(|finding| finding["straggler"] == true);
    assert_eq!(stragglers.count(), 6, "{found:#?}");
}
