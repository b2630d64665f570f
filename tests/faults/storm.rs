//! SIGHUP, again and again.

use std::process::Command;
use std::time::Instant;

use crate::inside::{COUNT, Load, RATE, descriptors, is_inside, metric, resident, start_with};
use crate::served::wait_for;

const SIGNALS: u32 = 500_000;
/// MiB that reading configuration and packs again may leave behind.
const GROWS_BY: u64 = 16;

#[test]
fn a_storm_of_hang_ups_changes_no_count() {
    if !is_inside(
        "storm::a_storm_of_hang_ups_changes_no_count",
        &["ip", "unshare"],
    ) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    // Nobody reads what it says until it has ended.
    let config = folder.path().join("config.toml");
    std::fs::write(&config, "log = \"error\"\n").unwrap();
    let state = folder.path().join("state");
    let served = start_with(&state, &["--config", config.to_str().unwrap()]);
    let load = Load::start();
    wait_for("rows in the store", || metric(&served, COUNT) > RATE);
    let (open, memory) = (descriptors(&served).len(), resident(&served));
    let begun = Instant::now();
    let mut slowest = std::time::Duration::ZERO;
    // `kill` of the shell starts no process.
    let kills = format!(
        "i=0; while [ $i -lt {SIGNALS} ]; do kill -HUP {}; i=$((i+1)); done",
        served.pid()
    );
    let mut storm = Command::new("sh").args(["-c", &kills]).spawn().unwrap();
    while storm.try_wait().unwrap().is_none() {
        let asked = Instant::now();
        assert_eq!(served.get("/metrics").0, 200);
        slowest = slowest.max(asked.elapsed());
    }
    let took = begun.elapsed();
    let asked = load.end();
    wait_for("all questions", || metric(&served, COUNT) == asked);
    assert_eq!(
        metric(&served, "straggler_config_last_reload_successful"),
        1
    );
    for reason in ["kernel", "interface"] {
        let dropped = format!(
            "straggler_capture_dropped_packets_total{{interface=\"lo\",reason=\"{reason}\"}}"
        );
        assert_eq!(metric(&served, &dropped), 0, "{reason}");
    }
    wait_for("its former descriptors", || {
        descriptors(&served).len() <= open + 1
    });
    let grown = resident(&served).saturating_sub(memory);
    assert!(grown <= GROWS_BY, "{grown} MiB");
    eprintln!(
        "{SIGNALS} hang-ups in {took:?}: {asked} of {asked} questions counted, {grown} MiB more, slowest scrape {slowest:?}"
    );
    let (status, _, _) = served.end("TERM");
    assert!(status.success());
}
