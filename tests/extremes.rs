//! Captures from the first and the last day of their format and in no order; a pack and a configuration of 500 MB.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says what it expects; the panic is its report"
)]

mod support;

use std::fs::File;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use support::{
    ClientHello, Frame, Link, Pcap, Talk, TimedPacket, application_data, seconds, server_hello,
};

/// Two days after the cutoff.
const AFTER: u64 = 1_727_800_000;
/// 2106-02-07, minutes before the seconds of a pcap end.
const END: u64 = u32::MAX as u64 - 600;
const LARGE: u64 = 500_000_000;
/// MiB of address space that a process has which refuses a file.
const REFUSING: u64 = 256;

fn download(host: u8, time: u64) -> Vec<TimedPacket> {
    let talk = Talk::tcp(format!("10.0.0.{host}:50000").as_str(), "198.51.100.7:443")
        .at(seconds(time))
        .open()
        .client(&ClientHello::to("s07.upd.kaspersky.com").stream())
        .server(&server_hello())
        .server(&application_data(40_000))
        .close();
    talk.into_packets()
}

fn straggler(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_straggler"))
        .args(args)
        .output()
        .unwrap()
}

/// Hosts with whether they are stragglers and the time of their last contact, of frames in the order in which they are given.
fn findings(frames: &[Frame]) -> Vec<(String, bool, String)> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("capture.pcap");
    std::fs::write(&path, Pcap::new(Link::ethernet().link_type()).bytes(frames)).unwrap();
    let output = straggler(&["replay", "--format", "json", path.to_str().unwrap()]);
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let found = text.lines().map(|line| {
        let finding: Value = serde_json::from_str(line).unwrap();
        let word = |key: &str| finding[key].as_str().unwrap_or_default().to_owned();
        let is_straggler = finding["straggler"].as_bool().unwrap();
        (
            finding["addresses"][0].as_str().unwrap().to_owned(),
            is_straggler,
            word("last_contact"),
        )
    });
    let mut found: Vec<_> = found.collect();
    found.sort();
    found
}

fn frames(packets: &[TimedPacket]) -> Vec<Frame> {
    Link::ethernet().frames(packets)
}

#[test]
fn the_first_and_the_last_day_of_the_format_are_days_as_others() {
    let first = findings(&frames(&[download(5, 0), download(6, 300)].concat()));
    let hosts: Vec<_> = first
        .iter()
        .map(|(host, is_straggler, _)| (host.as_str(), *is_straggler))
        .collect();
    assert_eq!(
        hosts,
        [("10.0.0.5", false), ("10.0.0.6", false)],
        "before every cutoff"
    );
    assert!(
        first
            .iter()
            .all(|(_, _, last)| last.starts_with("1970-01-01T00:")),
        "{first:?}"
    );
    let last = findings(&frames(
        &[download(5, END), download(6, END + 300)].concat(),
    ));
    let hosts: Vec<_> = last
        .iter()
        .map(|(host, is_straggler, _)| (host.as_str(), *is_straggler))
        .collect();
    assert_eq!(hosts, [("10.0.0.5", true), ("10.0.0.6", true)]);
    assert!(
        last.iter()
            .all(|(_, _, last)| last.starts_with("2106-02-07T06:")),
        "{last:?}"
    );
}

#[test]
fn conversations_in_no_order_are_found_as_in_order() {
    let all: Vec<Vec<TimedPacket>> = (0..40)
        .map(|number| download(number + 5, AFTER + u64::from(number) * 60))
        .collect();
    let in_order = findings(&frames(&all.concat()));
    assert_eq!(in_order.len(), 40);
    assert!(in_order.iter().all(|(_, is_straggler, _)| *is_straggler));
    let backwards: Vec<TimedPacket> = all.iter().rev().flatten().cloned().collect();
    assert_eq!(findings(&frames(&backwards)), in_order, "backwards");
    // A step of 7 is prime to 40: each comes once.
    let mixed: Vec<TimedPacket> = (0..40).flat_map(|at| all[at * 7 % 40].clone()).collect();
    assert_eq!(findings(&frames(&mixed)), in_order, "mixed");
    // As cards with several queues do: neighbours change places.
    let mut swapped = all.concat();
    for pair in swapped.chunks_exact_mut(2) {
        pair.swap(0, 1);
    }
    assert_eq!(findings(&frames(&swapped)), in_order, "neighbours");
}

fn large(path: &Path) {
    // It takes no room: all of it is a hole.
    File::create(path).unwrap().set_len(LARGE).unwrap();
}

/// What a command says that refuses a file, with this much memory.
fn refused(args: &[&str]) -> String {
    let script = format!(
        "ulimit -v {}; exec {} {}",
        REFUSING * 1024,
        env!("CARGO_BIN_EXE_straggler"),
        args.join(" ")
    );
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    said
}

#[test]
fn a_pack_and_a_configuration_of_500_mb_are_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("rules");
    std::fs::create_dir(&rules).unwrap();
    large(&rules.join("large.toml"));
    let said = refused(&[
        "replay",
        "--rules",
        rules.to_str().unwrap(),
        "examples/office.pcapng",
    ]);
    assert!(
        said.contains("the file has 500000000 bytes, a pack may have"),
        "{said}"
    );
    let config = folder.path().join("large.toml");
    large(&config);
    let said = refused(&[
        "replay",
        "--config",
        config.to_str().unwrap(),
        "examples/office.pcapng",
    ]);
    assert!(
        said.contains("larger than the 16777216 bytes that a configuration may have"),
        "{said}"
    );
}
