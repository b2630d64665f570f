//! What a daemon keeps: the same findings after a restart, from the report, and after the store was hurt.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says what it expects; the panic is its report"
)]

mod program;
mod served;

use std::process::Command;

use program::{example, findings, kept, straggler, text};
use serde_json::Value;
use served::{Served, wait_for};
use straggler::store::{Settings, Store};

/// The lines of the scrape that tell of hosts and statuses, sorted as they come.
fn host_metrics(served: &Served) -> Vec<String> {
    let (_, scrape) = served.get("/metrics");
    let of_hosts = |line: &&str| {
        [
            "straggler_host_",
            "straggler_hosts{",
            "straggler_stragglers{",
            "straggler_coverage_hosts{",
        ]
        .iter()
        .any(|family| line.starts_with(family))
            && !line.starts_with("straggler_host_info{")
    };
    scrape.lines().filter(of_hosts).map(str::to_owned).collect()
}

fn metric(served: &Served, series: &str) -> Option<f64> {
    let (_, scrape) = served.get("/metrics");
    let line = scrape
        .lines()
        .find(|line| line.starts_with(&format!("{series} ")))?;
    line.rsplit(' ').next()?.parse().ok()
}

#[test]
fn a_report_from_the_store_says_what_the_replay_said() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    Served::keeping(&state, &[&example()]).end("TERM");
    let kept = kept(&state);
    let read = findings(&["replay", "--format", "json", example().to_str().unwrap()]);
    assert!(!read.is_empty());
    assert_eq!(kept, read);
    let html = straggler(&[
        "report",
        "--format",
        "html",
        "--state-dir",
        state.to_str().unwrap(),
    ]);
    assert!(text(&html.stdout).contains("s07.upd.kaspersky.com"));
    let failed = straggler(&[
        "report",
        "--fail-on",
        "straggler",
        "--state-dir",
        state.to_str().unwrap(),
    ]);
    assert_eq!(failed.status.code(), Some(1));
}

#[test]
fn a_capture_is_told_from_an_interface() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(example(), folder.path().join("office.pcapng")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_straggler"));
    command
        .current_dir(&folder)
        .args(["run", "--listen", "127.0.0.1:0", "--state-dir", "state"])
        .args(["--replay", "office.pcapng"]);
    let served = Served::spawn(command);
    served.wait_ready();
    served.end("TERM");
    let state = folder.path().join("state");
    let report = straggler(&[
        "report",
        "--format",
        "html",
        "--state-dir",
        state.to_str().unwrap(),
    ]);
    let html = text(&report.stdout);
    assert!(html.contains("ile ./office.pcapng"), "{html}");
    assert!(!html.contains("nterface ./office.pcapng"), "{html}");
    assert!(!html.contains("dropped by the kernel"), "{html}");
}

#[test]
fn a_restart_forgets_nothing_and_counts_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let first = Served::keeping(&state, &[&example()]);
    let before = host_metrics(&first);
    assert!(
        before
            .iter()
            .any(|line| line.starts_with("straggler_host_straggling{"))
    );
    assert!(metric(&first, "straggler_store_size_bytes").unwrap() > 0.0);
    first.end("TERM");
    let second = Served::keeping(&state, &[&example()]);
    let after = host_metrics(&second);
    let changed: Vec<_> = before.iter().zip(&after).filter(|(a, b)| a != b).collect();
    assert!(
        changed.is_empty() && before.len() == after.len(),
        "{changed:#?}"
    );
    let (_, said, _) = second.end("TERM");
    assert!(said.contains("was read before and is skipped"), "{said}");
}

#[test]
fn an_erased_host_is_gone_and_the_others_stay() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    Served::keeping(&state, &[&example()]).end("TERM");
    let state = state.to_str().unwrap();
    let all = findings(&["report", "--format", "json", "--state-dir", state]);
    let mut hosts = all.iter().filter(|finding| {
        let addresses = finding["addresses"].as_array().unwrap();
        addresses.contains(&Value::from("10.20.0.11"))
    });
    let key = hosts.next().unwrap()["host"].as_str().unwrap().to_owned();
    let erased = straggler(&["erase", "10.20.0.11", "--state-dir", state]);
    assert!(erased.status.success(), "{}", text(&erased.stderr));
    assert!(
        text(&erased.stdout).starts_with(&format!("erased {key}: ")),
        "{}",
        text(&erased.stdout)
    );
    let left = findings(&["report", "--format", "json", "--state-dir", state]);
    let others: Vec<_> = all
        .into_iter()
        .filter(|finding| finding["host"] != key.as_str())
        .collect();
    assert_eq!(left, others);
    let again = straggler(&["erase", "10.20.0.11", "--state-dir", state]);
    assert_eq!(again.status.code(), Some(2), "{}", text(&again.stderr));
}

#[test]
fn a_damaged_store_is_set_aside_and_the_page_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    Served::keeping(&state, &[&example()]).end("TERM");
    // Whoever reads the store when the daemon ends may leave its log beside it, which would mend the damage.
    drop(Store::open(&state, Settings::default()).unwrap());
    assert!(!state.join("straggler.db-wal").exists());
    let file = state.join("straggler.db");
    let mut bytes = std::fs::read(&file).unwrap();
    for byte in bytes.iter_mut().skip(4096).take(8192) {
        *byte = 0x5a;
    }
    std::fs::write(&file, bytes).unwrap();
    let served = Served::keeping(&state, &[&example()]);
    let page_says = |part: &str| wait_for(part, || served.get("/").1.contains(part));
    page_says("the store was damaged");
    page_says("<title>4 stragglers</title>");
    let errors = metric(&served, "straggler_store_errors_total{operation=\"open\"}");
    assert_eq!(errors, Some(1.0));
    served.end("TERM");
    let state_dir = state.to_str().unwrap();
    let report = straggler(&["report", "--format", "html", "--state-dir", state_dir]);
    assert!(text(&report.stdout).contains("history from before is missing"));
    let again = straggler(&["report", "--format", "csv", "--state-dir", state_dir]);
    assert!(text(&again.stderr).contains("history from before is missing"));
    let aside = std::fs::read_dir(&state).unwrap().filter(|entry| {
        let name = entry.as_ref().unwrap().file_name();
        name.to_string_lossy().contains("corrupt-")
    });
    assert!(aside.count() > 0);
}

#[test]
fn a_store_that_is_not_there_or_not_named_is_one_clear_line() {
    let folder = tempfile::tempdir().unwrap();
    let nothing = folder.path().join("nothing");
    for (args, words) in [
        (
            vec!["report", "--state-dir", nothing.to_str().unwrap()],
            "there is no store",
        ),
        (vec!["report"], "give --state-dir DIR"),
        (vec!["erase", "x"], "give --state-dir DIR"),
    ] {
        let output = straggler(&args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        let said = text(&output.stderr);
        assert!(said.contains(words) && said.lines().count() == 1, "{said}");
    }
}

#[test]
fn two_daemons_do_not_share_a_store() {
    let folder = tempfile::tempdir().unwrap();
    let (state, empty) = (folder.path().join("state"), folder.path());
    // A replay that waits for its input holds the store.
    let pipe = empty.join("pipe");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let state = state.to_str().unwrap();
    let first = Served::start(&["--state-dir", state, "--replay", pipe.to_str().unwrap()]);
    let second = straggler(&[
        "run",
        "--listen",
        "127.0.0.1:0",
        "--state-dir",
        state,
        "--replay",
        example().to_str().unwrap(),
    ]);
    assert_eq!(second.status.code(), Some(3));
    assert!(
        text(&second.stderr).contains("in use by"),
        "{}",
        text(&second.stderr)
    );
    drop(first);
}
