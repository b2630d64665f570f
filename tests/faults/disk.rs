//! A disk that is full for a while, one that does not answer, and a store that cannot be had.

use std::process::Command;
use std::time::Duration;

use crate::inside::{COUNT, Load, RATE, is_inside, metric, start, start_with};
use crate::needs;
use crate::served::wait_for;

#[test]
fn a_full_disk_loses_nothing_once_there_is_room() {
    if !is_inside(
        "disk::a_full_disk_loses_nothing_once_there_is_room",
        &["ip", "unshare", "mount"],
    ) {
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
fn without_its_store_the_sensor_goes_on_and_says_so() {
    if !is_inside(
        "disk::without_its_store_the_sensor_goes_on_and_says_so",
        &["ip", "unshare", "mount"],
    ) {
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

#[test]
fn a_store_that_is_taken_away_is_told_and_begun_anew() {
    let test = "disk::a_store_that_is_taken_away_is_told_and_begun_anew";
    if !is_inside(test, &["ip", "unshare"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let served = start(&state);
    let load = Load::start();
    wait_for("rows in the store", || metric(&served, COUNT) > RATE);
    for entry in std::fs::read_dir(&state).unwrap() {
        std::fs::remove_file(entry.unwrap().path()).unwrap();
    }
    wait_for("a word of it", || {
        served
            .get("/")
            .1
            .contains("was removed or replaced while the store was in use")
    });
    assert!(metric(&served, "straggler_store_errors_total{operation=\"write\"}") > 0);
    let before = metric(&served, COUNT);
    wait_for("rows in the new store", || {
        metric(&served, COUNT) > before + RATE
    });
    drop(load);
    served.end("TERM");
    let served = start(&state);
    assert!(metric(&served, COUNT) > RATE);
    served.end("TERM");
}

/// A file system that can be frozen, and is thawed whatever happens.
struct Frozen<'a>(&'a std::path::Path);

impl<'a> Frozen<'a> {
    fn freeze(disk: &'a std::path::Path) -> Self {
        assert!(Self::ask("-f", disk));
        Self(disk)
    }

    fn ask(what: &str, disk: &std::path::Path) -> bool {
        let line = format!(
            "PATH=$PATH:/usr/sbin:/sbin; fsfreeze {what} {}",
            disk.display()
        );
        Command::new("sh")
            .args(["-c", &line])
            .status()
            .unwrap()
            .success()
    }
}

impl Drop for Frozen<'_> {
    fn drop(&mut self) {
        assert!(Self::ask("-u", self.0));
    }
}

#[test]
fn a_disk_that_does_not_answer_holds_nothing_up() {
    let test = "disk::a_disk_that_does_not_answer_holds_nothing_up";
    if !is_inside(test, &["ip", "unshare", "mount", "mkfs.ext4", "fsfreeze"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (disk, image) = (folder.path().join("disk"), folder.path().join("image"));
    std::fs::create_dir(&disk).unwrap();
    let mounted = format!(
        "PATH=$PATH:/usr/sbin:/sbin; truncate -s 64M {0} && mkfs.ext4 -q {0} && mount -o loop {0} {1}",
        image.display(),
        disk.display()
    );
    let mounted = Command::new("sh").args(["-c", &mounted]).output().unwrap();
    if !mounted.status.success() {
        needs::say_skipped(&format!("loop devices of the kernel: {mounted:?}"));
        return;
    }
    let state = disk.join("state");
    let (config, events) = (
        folder.path().join("config.toml"),
        folder.path().join("events.jsonl"),
    );
    std::fs::write(&config, format!("[[events.file]]\npath = {events:?}\n")).unwrap();
    let served = start_with(&state, &["--config", config.to_str().unwrap()]);
    let load = Load::start();
    wait_for("rows in the store", || metric(&served, COUNT) > RATE);
    assert!(!served.get("/").1.contains("the disk does not answer"));
    let frozen = Frozen::freeze(&disk);
    wait_for("a word of it", || {
        served.get("/").1.contains("the disk does not answer")
    });
    let before = metric(&served, COUNT);
    wait_for("capture that goes on", || {
        metric(&served, COUNT) > before + RATE
    });
    assert!(metric(&served, "straggler_store_errors_total{operation=\"write\"}") > 0);
    assert!(metric(&served, "straggler_store_waiting_rows") > 0);
    // Whoever takes events is told although nothing can be written.
    wait_for("an event", || {
        let told = std::fs::read_to_string(&events).unwrap();
        told.contains("store_failing")
    });
    let asked = std::time::Instant::now();
    assert_eq!(served.get("/metrics").0, 200);
    let scrape = asked.elapsed();
    drop(frozen);
    wait_for("a disk that answers", || {
        !served.get("/").1.contains("the disk does not answer")
    });
    let asked = load.end();
    wait_for("all questions", || metric(&served, COUNT) == asked);
    wait_for("all rows", || {
        metric(&served, "straggler_store_waiting_rows") == 0
    });
    assert_eq!(
        metric(&served, "straggler_store_lost_total{kind=\"sightings\"}"),
        0
    );
    std::thread::sleep(Duration::from_secs(3));
    served.end("KILL");
    let served = start(&state);
    assert_eq!(metric(&served, COUNT), asked);
    eprintln!(
        "stalled disk: {asked} of {asked} questions counted and kept, a scrape meanwhile took {scrape:?}"
    );
    served.end("TERM");
}
