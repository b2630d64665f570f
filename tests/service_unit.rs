//! The unit for systemd: how much it leaves open, and whether it leaves what the process needs.
//!
//! What systemd thinks of it, `systemd-analyze` says, without a running systemd. Skipped and said so where it is missing.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says what it expects; the panic is its report"
)]

#[path = "live/needs.rs"]
mod needs;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output};

const UNIT: &str = "packaging/straggler.service";
/// The most that may be open, of 10.
const MOST_EXPOSED: f64 = 2.0;

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// `None`, loudly, where it is missing.
fn systemd_analyze(args: &[&str]) -> Option<Output> {
    let folder = env!("CARGO_MANIFEST_DIR");
    let mut command = Command::new("systemd-analyze");
    match command.args(args).current_dir(folder).output() {
        Ok(output) => Some(output),
        Err(_) => {
            needs::skip("systemd-analyze (Debian: systemd)");
            None
        }
    }
}

#[test]
fn it_leaves_little_open() {
    let args = ["security", "--offline=true", "--no-pager", UNIT];
    let Some(output) = systemd_analyze(&args) else {
        return;
    };
    let said = String::from_utf8(output.stdout).unwrap();
    let last = said.lines().last().unwrap();
    let (_, level) = last.split_once("exposure level for ").unwrap();
    let level: f64 = level.split(' ').nth(1).unwrap().parse().unwrap();
    assert!(level <= MOST_EXPOSED, "{said}");
}

/// The values of a key, one after the other.
fn values<'a>(unit: &'a str, key: &str) -> Vec<&'a str> {
    let lines = unit.lines().filter_map(|line| line.split_once('='));
    let ours = lines.filter(|(name, _)| *name == key);
    ours.map(|(_, value)| value).collect()
}

/// The calls of a set and of the sets in it.
fn calls_of(set: &str) -> Option<BTreeSet<String>> {
    let output = systemd_analyze(&["syscall-filter", "--no-pager", set])?;
    assert!(output.status.success(), "{set}");
    let said = String::from_utf8(output.stdout).unwrap();
    let mut calls = BTreeSet::new();
    for word in said.lines().skip(1).map(str::trim) {
        match word {
            "" => {}
            _ if word.starts_with('#') => {}
            _ if word.starts_with('@') => calls.extend(calls_of(word)?),
            _ => {
                calls.insert(word.to_owned());
            }
        }
    }
    Some(calls)
}

/// What the unit lets through, line by line as systemd reads it.
fn allowed(unit: &str) -> Option<BTreeSet<String>> {
    let mut allowed = BTreeSet::new();
    for line in values(unit, "SystemCallFilter") {
        let (is_refused, words) = match line.strip_prefix('~') {
            Some(words) => (true, words),
            None => (false, line),
        };
        for word in words.split_whitespace() {
            let calls = match word.starts_with('@') {
                true => calls_of(word)?,
                false => BTreeSet::from([word.to_owned()]),
            };
            match is_refused {
                true => allowed.retain(|call| !calls.contains(call)),
                false => allowed.extend(calls),
            }
        }
    }
    Some(allowed)
}

/// The process's own list is what it was seen to need. A call that the unit refuses would be found missing by an admin.
#[test]
fn it_lets_through_what_the_process_calls() {
    let Some(allowed) = allowed(&read(UNIT)) else {
        return;
    };
    let list = read("src/sandbox/calls/list.rs");
    let names = list.split("libc::SYS_").skip(1);
    let names =
        names.map(|rest| rest.split(|letter: char| !letter.is_alphanumeric() && letter != '_'));
    let mut needed: BTreeSet<&str> = names.filter_map(|mut rest| rest.next()).collect();
    assert!(needed.len() > 80, "{needed:?}");
    // Only SQLite as root, which gives its files to the store's owner.
    needed.remove("fchown");
    // Before it gives them up, and what is asked about with its arguments.
    needed.extend([
        "execve", "socket", "bind", "listen", "connect", "clone", "mmap", "mprotect",
    ]);
    needed.extend([
        "ioctl",
        "prlimit64",
        "landlock_create_ruleset",
        "landlock_add_rule",
    ]);
    needed.extend(["landlock_restrict_self", "seccomp", "capset", "prctl"]);
    let missing: Vec<&&str> = needed
        .iter()
        .filter(|call| !allowed.contains(**call))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
    for refused in [
        "ptrace",
        "mount",
        "bpf",
        "init_module",
        "setuid",
        "reboot",
        "kexec_load",
    ] {
        assert!(!allowed.contains(refused), "{refused}");
    }
}

/// What the unit starts is what the command line takes, and no exit code of a wrong configuration is tried again.
#[test]
fn it_starts_what_there_is() {
    let unit = read(UNIT);
    let line = values(&unit, "ExecStart")[0];
    let args = line.strip_prefix("/usr/bin/straggler run ").unwrap();
    let missing = args.replace("/etc/straggler/straggler.toml", "/nonexistent.toml");
    let output = Command::new(env!("CARGO_BIN_EXE_straggler"))
        .arg("run")
        .args(missing.split(' '))
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("/nonexistent.toml"), "{said}");
    let code = output.status.code().unwrap().to_string();
    assert_eq!(values(&unit, "RestartPreventExitStatus"), [code]);
}
