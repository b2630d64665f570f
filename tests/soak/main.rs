//! Hours of traffic, reloads, scrapes and restarts: memory and descriptors stay, and every count is that of the generator.
//!
//! Two daemons capture one link: one lives all the time and is measured; one is ended and started again, and its store must
//! know all of it. `make soak HOURS=2`, as root. Figures are printed every minute.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says what it expects; the panic is its report"
)]

#[path = "../faults/inside.rs"]
mod inside;
mod load;
#[path = "../live/needs.rs"]
mod needs;
#[path = "../served/mod.rs"]
mod served;
#[path = "../support/mod.rs"]
mod support;

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use inside::{descriptors, is_inside, status};
use load::{Load, Truth};
use served::{Served, wait_long_for};

/// How long, in hours.
const HOURS: &str = "STRAGGLER_SOAK_HOURS";
/// How often what is done: every so many seconds.
const SCRAPE: u64 = 5;
const RELOAD: u64 = 30;
const TELL: u64 = 60;
const RESTART: u64 = 600;
/// Until then tables fill: growth is measured from there, and judged where an hour is left.
const WARM_UP: Duration = Duration::from_secs(900);
/// MiB an hour.
const GROWTH: f64 = 1.0;
/// The ledger publishes about once a second.
const PATIENCE: Duration = Duration::from_secs(60);

fn start(folder: &Path, name: &str) -> Served {
    // Nobody reads what it says until it has ended.
    let config = folder.join("config.toml");
    std::fs::write(&config, "log = \"error\"\n").unwrap();
    let (state, rules) = (folder.join(name), folder.join("rules"));
    let [state, config, rules] = [&state, &config, &rules].map(|path| path.to_str().unwrap());
    let served = Served::start(&[
        "--interface",
        load::CAPTURED,
        "--state-dir",
        state,
        "--config",
        config,
        "--rules",
        rules,
    ]);
    served.wait_ready();
    served
}

fn sum(served: &Served, prefix: &str) -> u64 {
    let (code, scrape) = served.get("/metrics");
    assert_eq!(code, 200);
    let lines = scrape.lines().filter(|line| line.starts_with(prefix));
    let values = lines.map(|line| line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap());
    values.sum::<f64>() as u64
}

/// What a daemon has counted, of hosts, in all its runs.
fn counted(served: &Served) -> Truth {
    Truth {
        hosts: sum(served, "straggler_host_straggling{"),
        received: sum(served, "straggler_host_after_cutoff_received_bytes_total{"),
        dropped: sum(served, "straggler_capture_dropped_packets_total{"),
    }
}

/// Waits until both know what was sent so far.
fn agree(daemons: [&Served; 2], truth: Truth) {
    for served in daemons {
        let mut known = counted(served);
        wait_long_for("the generator's counts", PATIENCE, || {
            known = counted(served);
            known == truth || known.received > truth.received
        });
        assert_eq!(known, truth);
    }
}

fn reload(folder: &Path, daemons: [&Served; 2], number: u64) {
    // Another file each time, so that reading is more than comparing.
    let note = folder.join("rules").join("note.txt");
    std::fs::write(note, number.to_string()).unwrap();
    for served in daemons {
        let told = Command::new("kill")
            .args(["-s", "HUP", &served.pid().to_string()])
            .status();
        assert!(told.unwrap().success());
    }
}

/// KiB, because growth is in parts of a MiB.
fn resident(served: &Served) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", served.pid())).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn hours_change_nothing() {
    if !is_inside("hours_change_nothing", &["ip", "unshare"]) {
        return;
    }
    let hours: f64 = std::env::var(HOURS).map_or(2.0, |text| text.parse().unwrap());
    let length = Duration::from_secs_f64(hours * 3_600.0);
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("rules")).unwrap();
    load::link();
    let measured = start(folder.path(), "measured");
    let mut restarted = start(folder.path(), "restarted");
    let load = Load::start();
    let (begun, mut first, mut restarts) = (Instant::now(), None, 0);
    let open = descriptors(&measured).len();
    for second in 1.. {
        std::thread::sleep(Duration::from_secs(second).saturating_sub(begun.elapsed()));
        if second % SCRAPE == 0 {
            for path in ["/metrics", "/", "/api/v1/hosts", "/api/v1/sightings"] {
                assert_eq!(measured.get(path).0, 200, "{path}");
            }
        }
        if second % RELOAD == 0 {
            reload(folder.path(), [&measured, &restarted], second);
        }
        if begun.elapsed() >= WARM_UP.min(length / 2) {
            first.get_or_insert_with(|| (Instant::now(), resident(&measured)));
        }
        if second % TELL == 0 {
            let (rss, fds) = (resident(&measured), descriptors(&measured).len());
            eprintln!(
                "{second} s: {rss} KiB, {fds} descriptors, {:?}",
                counted(&measured)
            );
        }
        let is_over = begun.elapsed() >= length;
        if second % RESTART == 0 || is_over {
            let truth = load.pause();
            agree([&measured, &restarted], truth);
            let (ended, said, _) = restarted.end(if restarts % 2 == 0 { "TERM" } else { "INT" });
            assert!(ended.success(), "{said}");
            restarted = start(folder.path(), "restarted");
            agree([&measured, &restarted], truth);
            restarts += 1;
            load.go_on();
        }
        if is_over {
            break;
        }
    }
    let truth = load.pause();
    agree([&measured, &restarted], truth);
    let (since, before) = first.unwrap();
    let hours = since.elapsed().as_secs_f64() / 3_600.0;
    let grown = (resident(&measured) as f64 - before as f64) / 1_024.0 / hours;
    let (now, peak) = (descriptors(&measured).len(), status(&measured, "VmHWM:"));
    eprintln!(
        "{:.2} h: {truth:?}, {restarts} restarts, {peak} MiB at the peak, {grown:.2} MiB an hour more in the last {hours:.2} h, \
         {open} descriptors at first and {now} at last",
        begun.elapsed().as_secs_f64() / 3_600.0
    );
    assert!(now <= open + 2, "{open} descriptors became {now}");
    // A part of an hour says little: one page more at its end is much, by the hour.
    assert!(hours < 1.0 || grown < GROWTH, "{grown} MiB an hour");
    for served in [measured, restarted] {
        assert!(served.end("TERM").0.success());
    }
}
