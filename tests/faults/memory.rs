//! A process that gets no more memory.

use std::os::unix::process::ExitStatusExt;
use std::process::Command;

use crate::inside::{COUNT, Load, RATE, is_inside, metric, start_with, status};
use crate::served::wait_for;

/// MiB that it may still take.
const MORE: u64 = 8;
/// Each is two bytes of a file, and some dozens in memory.
const NUMBERS: usize = 2_000_000;

/// It ends, as every program does whose allocator is refused, or whom the kernel picks: nothing half done is left behind.
#[test]
fn without_memory_it_ends_and_loses_the_last_second_at_most() {
    let test = "memory::without_memory_it_ends_and_loses_the_last_second_at_most";
    if !is_inside(test, &["ip", "unshare", "prlimit"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (state, rules) = (folder.path().join("state"), folder.path().join("rules"));
    std::fs::create_dir(&rules).unwrap();
    let start = || start_with(&state, &["--rules", rules.to_str().unwrap()]);
    let load = Load::start();
    let served = start();
    wait_for("rows in the store", || metric(&served, COUNT) > 3 * RATE);
    let counted = metric(&served, COUNT);
    let pid = served.pid().to_string();
    let limit = (status(&served, "VmSize:") + MORE) << 20;
    let limited = Command::new("prlimit")
        .args(["--pid", &pid, &format!("--as={limit}")])
        .status();
    assert!(limited.unwrap().success());
    // To read this takes many times its size.
    let large = rules.join("large.toml");
    std::fs::write(&large, format!("numbers = [{}]\n", "1,".repeat(NUMBERS))).unwrap();
    let (status, said, _) = served.wait();
    std::fs::remove_file(&large).unwrap();
    assert_eq!(status.signal(), Some(6), "{said}");
    assert!(said.contains("memory allocation of"), "{said}");
    let served = start();
    let restored = metric(&served, COUNT);
    // What a scrape shows was handed to the store in the same second.
    assert!(
        restored + RATE + RATE / 5 >= counted,
        "{restored} of {counted}"
    );
    assert!(restored <= load.asked());
    eprintln!("no memory: {counted} were counted, {restored} are restored");
    served.end("TERM");
}

/// A pack that is as large as a disk image is not read at all: what was in force stays.
#[test]
fn a_pack_of_500_mb_is_refused_and_takes_no_memory() {
    let test = "memory::a_pack_of_500_mb_is_refused_and_takes_no_memory";
    if !is_inside(test, &["ip", "unshare"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (state, rules) = (folder.path().join("state"), folder.path().join("rules"));
    std::fs::create_dir(&rules).unwrap();
    let served = start_with(&state, &["--rules", rules.to_str().unwrap()]);
    let load = Load::start();
    wait_for("rows in the store", || metric(&served, COUNT) > RATE);
    let before = status(&served, "VmHWM:");
    let large = rules.join("large.toml");
    std::fs::File::create(&large)
        .unwrap()
        .set_len(500_000_000)
        .unwrap();
    let is_refused = || metric(&served, "straggler_config_last_reload_successful") == 0;
    wait_for("a refusal", is_refused);
    let more = status(&served, "VmHWM:") - before;
    assert!(more <= MORE, "{more} MiB");
    std::fs::remove_file(&large).unwrap();
    wait_for("rules in order", || !is_refused());
    let asked = load.end();
    wait_for("all questions", || metric(&served, COUNT) == asked);
    eprintln!(
        "a pack of 500 MB: {asked} of {asked} questions counted, {more} MiB more at the peak"
    );
    served.end("TERM");
}
