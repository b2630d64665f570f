//! A process that gets no more memory.

use std::os::unix::process::ExitStatusExt;
use std::process::Command;

use crate::inside::{COUNT, Load, RATE, is_inside, metric, start};
use crate::served::wait_for;

/// It ends, as every program does whose allocator is refused, or whom the kernel picks: nothing half done is left behind.
#[test]
fn without_memory_it_ends_and_loses_the_last_second_at_most() {
    let test = "memory::without_memory_it_ends_and_loses_the_last_second_at_most";
    if !is_inside(test, &["ip", "unshare", "prlimit"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let load = Load::start();
    let served = start(&state);
    wait_for("rows in the store", || metric(&served, COUNT) > 3 * RATE);
    let counted = metric(&served, COUNT);
    let pid = served.pid().to_string();
    let limited = Command::new("prlimit")
        .args(["--pid", &pid, "--as=1048576"])
        .status();
    assert!(limited.unwrap().success());
    // Packs are compiled anew, which needs memory.
    let (status, said, _) = served.end("HUP");
    assert_eq!(status.signal(), Some(6), "{said}");
    assert!(said.contains("memory allocation of"), "{said}");
    let served = start(&state);
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
