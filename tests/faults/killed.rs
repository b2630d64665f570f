//! A daemon that is killed, again and again.

use std::process::Command;
use std::time::Duration;

use crate::inside::{COUNT, Load, RATE, is_inside, metric, start};
use crate::served::wait_for;

const KILLS: u64 = 20;

#[test]
fn twenty_kills_lose_the_last_second_at_most() {
    if !is_inside(
        "killed::twenty_kills_lose_the_last_second_at_most",
        &["ip", "unshare", "mount"],
    ) {
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
