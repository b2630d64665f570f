//! A network and a mount namespace of one's own, load in it, and the daemon.

#![allow(dead_code, reason = "each test target uses a part")]

use std::net::UdpSocket;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::needs;
use crate::served::Served;

/// Set in the process that runs inside the network.
const INSIDE: &str = "STRAGGLER_TEST_INSIDE";
/// Questions a second.
pub(crate) const RATE: u64 = 200;
pub(crate) const COUNT: &str = "straggler_host_after_cutoff_sightings_total{host=\"ip-10.99.0.2\",vendor=\"kaspersky\",category=\"update\"}";

/// Runs the test of this name again inside a network and a mount namespace, where root and these tools are there. True inside.
pub(crate) fn is_inside(test: &str, tools: &[&str]) -> bool {
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
    if !needs::are_here(tools) {
        return false;
    }
    let status = Command::new("unshare")
        .args(["--net", "--mount"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(INSIDE, "1")
        .status();
    assert!(status.unwrap().success(), "{test} failed inside");
    false
}

/// Asks for one new name after the other until it is dropped.
pub(crate) struct Load {
    asked: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Load {
    pub(crate) fn start() -> Self {
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

    pub(crate) fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }
}

impl Load {
    /// Asks for nothing more: how many questions there were.
    pub(crate) fn end(mut self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap();
        self.asked()
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

pub(crate) fn start(state: &Path) -> Served {
    start_with(state, &[])
}

/// The daemon on the loopback interface, with a store and more.
pub(crate) fn start_with(state: &Path, more: &[&str]) -> Served {
    let state = state.to_str().unwrap();
    let served = Served::start(&[&["--interface", "lo", "--state-dir", state], more].concat());
    served.wait_ready();
    served
}

/// Numbers of its open descriptors.
pub(crate) fn descriptors(served: &Served) -> Vec<u64> {
    let entries = std::fs::read_dir(format!("/proc/{}/fd", served.pid())).unwrap();
    let numbers = entries.map(|entry| entry.unwrap().file_name().to_str().unwrap().parse());
    numbers.map(Result::unwrap).collect()
}

/// Its resident memory, in MiB.
pub(crate) fn resident(served: &Served) -> u64 {
    status(served, "VmRSS:")
}

/// A line of its status that is a size, in MiB.
pub(crate) fn status(served: &Served, name: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", served.pid())).unwrap();
    let line = status.lines().find(|line| line.starts_with(name));
    let kib = line.and_then(|line| line.split_whitespace().nth(1));
    kib.unwrap().parse::<u64>().unwrap().div_ceil(1024)
}

pub(crate) fn metric(served: &Served, series: &str) -> u64 {
    let (_, scrape) = served.get("/metrics");
    let line = scrape.lines().find_map(|line| line.strip_prefix(series));
    line.map_or(0, |value| value.trim().parse::<f64>().unwrap() as u64)
}
