//! A live daemon under load that is killed, again and again, and one whose disk is full for a while.
//!
//! About two minutes, in a network of its own (`unshare`), so it needs root. Left to the second tier: `make test-long`.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says what it expects; the panic is its report"
)]

mod served;

use std::net::UdpSocket;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use served::{Served, wait_for};

/// Set in the process that runs inside the network.
const INSIDE: &str = "STRAGGLER_TEST_INSIDE";
/// Questions a second.
const RATE: u64 = 200;
const KILLS: u64 = 20;
const COUNT: &str = "straggler_host_after_cutoff_sightings_total{host=\"ip-10.99.0.2\",vendor=\"kaspersky\",category=\"update\"}";

/// Runs the test of this name again inside a network and a mount namespace. True inside.
fn is_inside(test: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        let prepared = Command::new("sh")
            .args([
                "-c",
                "PATH=$PATH:/usr/sbin:/sbin; ip link set lo up && ip address add 10.99.0.1/32 dev lo && ip address add 10.99.0.2/32 dev lo",
            ])
            .status();
        assert!(prepared.unwrap().success());
        return true;
    }
    let root = Command::new("id").arg("-u").output();
    if root.is_ok_and(|output| output.stdout != b"0\n") {
        eprintln!("SKIPPED {test}: it needs root");
        return false;
    }
    let status = Command::new("unshare")
        .args(["--net", "--mount"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--ignored", "--nocapture"])
        .env(INSIDE, "1")
        .status();
    assert!(status.unwrap().success(), "{test} failed inside");
    false
}

/// Asks for one new name after the other until it is dropped.
struct Load {
    asked: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Load {
    fn start() -> Self {
        let (asked, stop) = (
            Arc::new(AtomicU64::new(0)),
            Arc::new(AtomicBool::new(false)),
        );
        let socket = UdpSocket::bind("10.99.0.2:0").unwrap();
        let thread = std::thread::spawn({
            let (asked, stop) = (Arc::clone(&asked), Arc::clone(&stop));
            move || {
                while !stop.load(Ordering::Relaxed) {
                    let number = asked.load(Ordering::Relaxed) + 1;
                    // Nobody answers, and the refusal of the one before may come back as an error.
                    let _ = socket.send_to(&question(number), "10.99.0.1:53");
                    asked.store(number, Ordering::Relaxed);
                    std::thread::sleep(Duration::from_micros(1_000_000 / RATE));
                }
            }
        });
        Self {
            asked,
            stop,
            thread: Some(thread),
        }
    }

    fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A DNS question for a name that nobody asked for before.
fn question(number: u64) -> Vec<u8> {
    let mut message = vec![0; 12];
    message[..2].copy_from_slice(&u16::try_from(number % 65_536).unwrap().to_be_bytes());
    message[2] = 1;
    message[5] = 1;
    for label in [format!("s{number}").as_str(), "upd", "kaspersky", "com"] {
        message.push(u8::try_from(label.len()).unwrap());
        message.extend_from_slice(label.as_bytes());
    }
    message.extend_from_slice(&[0, 0, 1, 0, 1]);
    message
}

fn start(state: &Path) -> Served {
    let served = Served::start(&["--interface", "lo", "--state-dir", state.to_str().unwrap()]);
    served.wait_ready();
    served
}

fn metric(served: &Served, series: &str) -> u64 {
    let (_, scrape) = served.get("/metrics");
    let line = scrape.lines().find_map(|line| line.strip_prefix(series));
    line.map_or(0, |value| value.trim().parse::<f64>().unwrap() as u64)
}

#[test]
#[ignore = "second tier: make test-long"]
fn twenty_kills_lose_the_last_second_at_most() {
    if !is_inside("twenty_kills_lose_the_last_second_at_most") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let load = Load::start();
    let mut counted = 0;
    for round in 0..KILLS {
        let served = start(&state);
        let restored = metric(&served, COUNT);
        // What a scrape shows was handed to the store in the same second.
        assert!(
            restored + RATE + RATE / 5 >= counted,
            "round {round}: {counted} were counted, {restored} are restored"
        );
        assert!(
            restored <= load.asked(),
            "round {round}: {restored} of {} questions",
            load.asked()
        );
        wait_for("new counts", || metric(&served, COUNT) > restored);
        std::thread::sleep(Duration::from_millis(311 * (round % 7)));
        counted = metric(&served, COUNT);
        served.end("KILL");
        let check = Command::new(env!("CARGO_BIN_EXE_straggler"))
            .args([
                "report",
                "--format",
                "json",
                "--state-dir",
                state.to_str().unwrap(),
            ])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&check.stderr).into_owned();
        assert!(
            check.status.success() && !said.contains("not be understood"),
            "{said}"
        );
    }
    let entries = std::fs::read_dir(&state).unwrap();
    let names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
    let is_hurt = |name: &std::ffi::OsString| name.to_string_lossy().contains("corrupt");
    assert!(!names.iter().any(is_hurt), "{names:?}");
}

#[test]
#[ignore = "second tier: make test-long"]
fn a_full_disk_loses_nothing_once_there_is_room() {
    if !is_inside("a_full_disk_loses_nothing_once_there_is_room") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let disk = folder.path();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=24m", "tmpfs"])
        .arg(disk)
        .status();
    assert!(mounted.unwrap().success());
    let state = disk.join("state");
    let load = Load::start();
    let served = start(&state);
    wait_for("rows in the store", || metric(&served, COUNT) > RATE);
    let filler = disk.join("filler");
    let filled = Command::new("dd")
        .args([
            "if=/dev/zero",
            "bs=64k",
            &format!("of={}", filler.display()),
        ])
        .output()
        .unwrap();
    assert!(
        !filled.status.success(),
        "the disk is larger than it should be"
    );
    let failing = "straggler_store_errors_total{operation=\"write\"}";
    wait_for("a write that fails", || metric(&served, failing) > 2);
    assert!(served.get("/").1.contains("the disk is full"));
    assert!(metric(&served, "straggler_store_waiting_rows") > 0);
    std::thread::sleep(Duration::from_secs(3));
    std::fs::remove_file(&filler).unwrap();
    wait_for("room to be used", || {
        !served.get("/").1.contains("the disk is full")
    });
    drop(load);
    std::thread::sleep(Duration::from_secs(3));
    let counted = metric(&served, COUNT);
    assert_eq!(
        metric(&served, "straggler_store_lost_total{kind=\"sightings\"}"),
        0
    );
    served.end("KILL");
    let served = start(&state);
    assert_eq!(metric(&served, COUNT), counted);
    served.end("TERM");
}

#[test]
#[ignore = "second tier: make test-long"]
fn without_its_store_the_sensor_goes_on_and_says_so() {
    if !is_inside("without_its_store_the_sensor_goes_on_and_says_so") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let load = Load::start();

    let newer = folder.path().join("newer");
    start(&newer).end("TERM");
    let database = rusqlite::Connection::open(newer.join("straggler.db")).unwrap();
    database.pragma_update(None, "user_version", 999).unwrap();
    drop(database);

    let locked = folder.path().join("locked");
    let holder = start(&locked);

    let read_only = folder.path().join("read-only");
    std::fs::create_dir(&read_only).unwrap();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "ro,size=1m", "tmpfs"])
        .arg(&read_only)
        .status();
    assert!(mounted.unwrap().success());

    for (state, words) in [
        (&newer, "written by a newer version"),
        (&locked, "in use by"),
        (&read_only, "cannot be written"),
    ] {
        let served = start(state);
        wait_for("findings in memory", || metric(&served, COUNT) > 0);
        let (_, page) = served.get("/");
        assert!(page.contains(words), "{words}: {page}");
        let errors = metric(&served, "straggler_store_errors_total{operation=\"open\"}");
        assert!(errors > 0, "{words}");
        let (status, said, _) = served.end("TERM");
        let is_told = said.contains("what waited is lost");
        assert!(status.success() && is_told, "{words}: {said}");
    }
    holder.end("TERM");
    drop(load);
}
