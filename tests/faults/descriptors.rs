//! A process that may open nothing more.

use std::process::Command;
use std::time::Duration;

use crate::inside::{COUNT, Load, RATE, descriptors, is_inside, metric, start_with};
use crate::served::{Served, wait_for, wait_long_for};

/// How many descriptors it may have: new ones are below this number.
fn limit(served: &Served, number: u64) {
    let set = Command::new("prlimit")
        .args([
            "--pid",
            &served.pid().to_string(),
            &format!("--nofile={number}:"),
        ])
        .status();
    assert!(set.unwrap().success());
}

#[test]
fn without_descriptors_it_goes_on_and_takes_connections_again() {
    let test = "descriptors::without_descriptors_it_goes_on_and_takes_connections_again";
    if !is_inside(test, &["ip", "unshare", "prlimit", "curl"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (state, rules) = (folder.path().join("state"), folder.path().join("rules"));
    std::fs::create_dir(&rules).unwrap();
    let served = start_with(&state, &["--rules", rules.to_str().unwrap()]);
    let load = Load::start();
    wait_for("rows in the store", || metric(&served, COUNT) > RATE);
    let open = descriptors(&served);
    let lowest = (0..).find(|number| !open.contains(number)).unwrap();
    limit(&served, lowest);
    let url = format!("http://{}/metrics", served.address);
    let refused = Command::new("curl")
        .args(["-s", "-m", "3", &url])
        .output()
        .unwrap();
    assert!(!refused.status.success(), "a descriptor was left");
    // What cannot be read now stays as it was.
    let hang_up = Command::new("kill")
        .args(["-s", "HUP", &served.pid().to_string()])
        .status();
    assert!(hang_up.unwrap().success());
    std::thread::sleep(Duration::from_secs(5));
    let begun = std::time::Instant::now();
    limit(&served, 1_024);
    wait_for("an answer", || served.get("/-/ready").0 == 200);
    wait_long_for("rules that are read again", Duration::from_secs(60), || {
        metric(&served, "straggler_config_last_reload_successful") == 1
    });
    let again = begun.elapsed();
    let asked = load.end();
    wait_for("all questions", || metric(&served, COUNT) == asked);
    wait_for("its former descriptors", || {
        descriptors(&served).len() <= open.len() + 1
    });
    let (status, said, _) = served.end("TERM");
    assert!(status.success(), "{said}");
    let told = said.matches("a connection cannot be taken").count();
    assert_eq!(told, 1, "{said}");
    eprintln!(
        "no descriptors for 8 s: {asked} of {asked} questions counted, packs in order {again:?} later"
    );
}
