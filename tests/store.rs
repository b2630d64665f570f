//! The store under what a disk and an operator do to it: `kill -9`, no room, no right to write, damage.
//!
//! About ten seconds. What needs root (a small disk, a read-only mount) says so and is skipped elsewhere.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says what it expects; the panic is its report"
)]

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use straggler::model::{
    Category, DomainName, Evidence, HostKey, Phase, ServiceId, Signal, Span, Strength, Timestamp,
    VendorId,
};
use straggler::store::{
    Batch, FILE_NAME, Filter, Notice, OutboxEvent, Period, Reader, Settings, SightingKey,
    SightingSum, Store, StoreError, StoredSighting,
};
use tempfile::TempDir;

/// Rows of sightings in each batch of the child that is killed.
const ROWS: u64 = 200;
const CHILD: &str = "STRAGGLER_TEST_STORE_CHILD";

fn sighting(number: u64, time: Timestamp) -> StoredSighting {
    StoredSighting {
        key: SightingKey {
            period: Period::of(time),
            host: HostKey::from_address([10, 0, 0, 1].into()),
            address: [10, 0, 0, 1].into(),
            vendor: VendorId::parse("acme").unwrap(),
            category: Category::Update,
            service: ServiceId::parse("databases").unwrap(),
            strength: Strength::Strong,
            name: DomainName::parse(&format!("s{number}.upd.example")).unwrap(),
            signal: Signal::Tls,
            evidence: Evidence::Contact,
            phase: Phase::After,
            era: 1,
            interface: Arc::from("eth0"),
        },
        sum: SightingSum {
            span: Span::at(time),
            reached: Some(time),
            count: 1,
            received: 1_000,
            sent: 10,
            samples: Vec::new(),
        },
    }
}

/// The `serial`th batch: some rows that grow with every batch, some that are new, and one event.
fn batch(serial: u64) -> Batch {
    let time = Timestamp::from_unix(1_700_000_000, 0);
    let mut batch = Batch::default();
    for row in 0..ROWS {
        let number = if row % 2 == 0 {
            row
        } else {
            serial * ROWS + row
        };
        batch.sighting(sighting(number, time));
    }
    batch.event(OutboxEvent {
        id: format!("{serial:08}"),
        time,
        host: None,
        text: "{}".to_owned(),
    });
    batch
}

fn open(folder: &Path) -> (Store, Option<Notice>) {
    try_open(folder).unwrap()
}

/// A process that another test is just starting holds a copy of the lock until it runs: that is waited for.
fn try_open(folder: &Path) -> Result<(Store, Option<Notice>), StoreError> {
    let begun = Instant::now();
    loop {
        match Store::open(folder, Settings::default()) {
            Err(StoreError::Locked { .. }) if begun.elapsed() < Duration::from_secs(5) => {
                std::thread::sleep(Duration::from_millis(10));
            }
            opened => return opened,
        }
    }
}

/// Sightings counted, bytes received and the latest sequence of the outbox.
fn totals(store: &mut Store) -> (u64, u64, u64) {
    let page = store
        .sightings(&Filter::default(), None, usize::MAX)
        .unwrap();
    assert_eq!(page.damaged, 0);
    let rows = page.sightings.iter();
    let (count, received) = rows.fold((0, 0), |sum, row| {
        (sum.0 + row.sum.count, sum.1 + row.sum.received)
    });
    let events = store.outbox_after(0, usize::MAX).unwrap();
    assert!(
        events.iter().zip(1..).all(|((at, _), n)| *at == n),
        "a gap in the sequence"
    );
    (count, received, events.len() as u64)
}

fn check(folder: &Path) -> String {
    let connection = Connection::open(folder.join(FILE_NAME)).unwrap();
    connection
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap()
}

/// Not a test of its own: what the next one starts and kills.
#[test]
fn child_that_writes_until_it_is_killed() {
    let Ok(folder) = std::env::var(CHILD) else {
        return;
    };
    let (mut store, notice) = open(Path::new(&folder));
    assert_eq!(notice, None);
    let mut output = std::io::stdout();
    for serial in store.batches().unwrap().. {
        store.write(&batch(serial)).unwrap();
        // Pruning goes on meanwhile, as in the daemon; with this time it has nothing to remove but to merge.
        let later = Timestamp::from_unix(1_700_000_000 + 4 * 86_400, 0);
        let _ = store
            .prune(later, Duration::from_secs(400 * 86_400))
            .unwrap();
        writeln!(output, "written {}", serial + 1).unwrap();
        output.flush().unwrap();
    }
}

#[test]
fn kill_9_loses_at_most_the_batch_being_written() {
    let folder = TempDir::new().unwrap();
    let mut before = 0;
    for round in 0..20_u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "child_that_writes_until_it_is_killed",
                "--nocapture",
            ])
            .env(CHILD, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut told = before;
        // Reads up to the next word of a batch; false where the child says no more.
        let mut hear = || loop {
            let Some(line) = lines.next() else {
                return false;
            };
            if let Some(serial) = line.unwrap().split("written ").nth(1) {
                told = serial.parse().unwrap();
                return true;
            }
        };
        // Moments spread over start, first batches and the work in full swing; primes keep them from repeating.
        if round % 4 != 0 {
            assert!(hear());
        }
        std::thread::sleep(Duration::from_micros(round * 79_193 % 300_000));
        child.kill().unwrap();
        child.wait().unwrap();
        while hear() {}

        // The log first, as a reader finds it, then as the writer does.
        if told > 0 {
            Reader::open(folder.path()).unwrap();
        }
        let (mut store, notice) = open(folder.path());
        assert_eq!(notice, None, "round {round}");
        let batches = store.batches().unwrap();
        assert!(
            batches == told || batches == told + 1,
            "round {round}: {told} told, {batches} in the store"
        );
        let expected = (batches * ROWS, batches * ROWS * 1_000, batches);
        assert_eq!(totals(&mut store), expected, "round {round}");
        drop(store);
        assert_eq!(check(folder.path()), "ok", "round {round}");
        before = batches;
    }
    assert!(
        before > 30,
        "only {before} batches: it was hardly killed at work"
    );
}

#[test]
fn damage_is_set_aside_and_a_new_store_begun() {
    type Damage = fn(&mut Vec<u8>);
    let damages: [(&str, Damage); 6] = [
        ("noise over the file", |bytes| noise(bytes, 0)),
        ("noise behind the header", |bytes| noise(bytes, 100)),
        ("cut within a page", |bytes| {
            bytes.truncate(bytes.len() / 2 + 100);
        }),
        ("cut within the header", |bytes| bytes.truncate(50)),
        ("another format", |bytes| {
            *bytes = b"hello, world\n".repeat(1_000);
        }),
        ("a page of zeros", |bytes| {
            let middle = bytes.len() / 2 / 4096 * 4096;
            bytes[middle..middle + 4096].fill(0);
        }),
    ];
    for (name, damage) in damages {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join(FILE_NAME);
        let (mut store, _) = open(folder.path());
        for serial in 0..10 {
            store.write(&batch(serial)).unwrap();
        }
        drop(store);
        let mut bytes = std::fs::read(&path).unwrap();
        damage(&mut bytes);
        std::fs::write(&path, &bytes).unwrap();
        let (mut store, notice) = open(folder.path());
        let Some(Notice::SetAside { path: aside, .. }) = notice else {
            panic!("{name}: {notice:?}")
        };
        let stem = format!("{FILE_NAME}.corrupt-");
        let file_name = aside.file_name().unwrap().to_str().unwrap();
        let stamp = file_name.strip_prefix(&stem).unwrap();
        assert_eq!(stamp.len(), "20261101T000000Z".len(), "{file_name}");
        assert_eq!(std::fs::read(&aside).unwrap(), bytes, "{name}");
        assert_eq!(totals(&mut store), (0, 0, 0));
        store.write(&batch(0)).unwrap();
        drop(store);
        // Once more at once: the names may not meet.
        std::fs::write(&path, b"damage").unwrap();
        let (_, notice) = open(folder.path());
        let Some(Notice::SetAside { path: second, .. }) = notice else {
            panic!("{name}: {notice:?}")
        };
        assert_ne!(aside, second);
        assert_eq!(std::fs::read(&aside).unwrap(), bytes, "{name}");
    }
}

/// Overwrites bytes from `start` on with noise that is the same every time.
fn noise(bytes: &mut [u8], start: usize) {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    for byte in &mut bytes[start..] {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        *byte = state.to_le_bytes()[3];
    }
}

#[test]
fn a_log_goes_aside_with_its_file() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join(FILE_NAME);
    let log = folder.path().join(format!("{FILE_NAME}-wal"));
    let (mut store, _) = open(folder.path());
    store.write(&batch(0)).unwrap();
    drop(store);
    // The log of a store that was closed before has only the pages that changed since; one with all of them would mend
    // the file.
    let (mut store, _) = open(folder.path());
    store.write(&batch(1)).unwrap();
    let pending = std::fs::read(&log).unwrap();
    drop(store);
    std::fs::write(&path, b"this is not a database, whatever its name says").unwrap();
    std::fs::write(&log, &pending).unwrap();
    let (mut store, notice) = open(folder.path());
    let Some(Notice::SetAside { path: aside, .. }) = notice else {
        panic!("{notice:?}")
    };
    let mut log_aside = aside.into_os_string();
    log_aside.push("-wal");
    assert_eq!(std::fs::read(&log_aside).unwrap(), pending);
    assert_eq!(totals(&mut store), (0, 0, 0));
}

/// A mount that ends with the test.
struct Mount<'a>(&'a Path);

impl<'a> Mount<'a> {
    /// `None` where this may not mount; says so.
    fn new(args: &[&str], at: &'a Path) -> Option<Self> {
        let done = Command::new("mount").args(args).arg(at).output();
        if done.as_ref().is_ok_and(|output| output.status.success()) {
            return Some(Self(at));
        }
        eprintln!("SKIPPED: needs root to mount ({done:?})");
        None
    }
}

impl Drop for Mount<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.0).status();
    }
}

/// Bytes that a disk has left.
fn free(folder: &Path) -> usize {
    let mut df = Command::new("df");
    let output = df.args(["--output=avail", "-B1"]).arg(folder).output();
    let text = String::from_utf8(output.unwrap().stdout).unwrap();
    text.lines().nth(1).unwrap().trim().parse().unwrap()
}

#[test]
fn a_full_disk_loses_nothing() {
    let folder = TempDir::new().unwrap();
    let options = ["-t", "tmpfs", "-o", "size=2m", "tmpfs"];
    let Some(_mount) = Mount::new(&options, folder.path()) else {
        return;
    };
    let (mut store, _) = open(folder.path());
    let ballast = folder.path().join("ballast");
    store.write(&batch(0)).unwrap();
    std::fs::write(&ballast, vec![1; free(folder.path()) - (300 << 10)]).unwrap();
    let mut waiting = Batch::default();
    let mut serial = 1;
    let mut refused = 0;
    while refused < 5 {
        waiting.absorb(batch(serial));
        serial += 1;
        match store.write(&waiting) {
            Ok(()) => waiting = Batch::default(),
            Err(error) => {
                refused += 1;
                assert!(matches!(error, StoreError::DiskFull { .. }), "{error}");
                assert!(error.to_string().contains("make room"), "{error}");
            }
        }
    }
    assert!(serial > 3, "it was full before anything was written");
    // What was written before can still be read.
    let (written, ..) = totals(&mut store);
    assert!(written >= ROWS && written < serial * ROWS);
    std::fs::remove_file(&ballast).unwrap();
    store.write(&waiting).unwrap();
    assert_eq!(
        totals(&mut store),
        (serial * ROWS, serial * ROWS * 1_000, serial)
    );
    assert_eq!(waiting.lost(), straggler::store::Lost::default());
    assert_eq!(store.stats().errors, [0, 5, 0, 0, 0]);
    drop(store);
    assert_eq!(check(folder.path()), "ok");
    let (mut store, notice) = open(folder.path());
    assert_eq!(notice, None);
    assert_eq!(totals(&mut store).0, serial * ROWS);
    drop(store);

    // A start on a disk that is full all but for SQLite's own needs: what is stored can be restored.
    std::fs::write(&ballast, vec![1; free(folder.path()) - (40 << 10)]).unwrap();
    let (mut store, _) = open(folder.path());
    assert_eq!(totals(&mut store).0, serial * ROWS);
    let error = store.write(&batch(serial)).unwrap_err();
    assert!(matches!(error, StoreError::DiskFull { .. }), "{error}");
    std::fs::remove_file(&ballast).unwrap();
    store.write(&batch(serial)).unwrap();
    assert_eq!(totals(&mut store).0, (serial + 1) * ROWS);
}

#[test]
fn a_disk_that_is_full_from_the_start_is_told() {
    let folder = TempDir::new().unwrap();
    let options = ["-t", "tmpfs", "-o", "size=64k", "tmpfs"];
    let Some(_mount) = Mount::new(&options, folder.path()) else {
        return;
    };
    let ballast = folder.path().join("ballast");
    let _ = std::fs::write(&ballast, vec![1; 1 << 20]);
    let error = Store::open(folder.path(), Settings::default()).unwrap_err();
    assert!(matches!(error, StoreError::DiskFull { .. }), "{error}");
}

/// Whatever room there is: a store is made whole or not begun, so that the next try takes it for no older one.
#[test]
fn a_disk_that_fills_while_the_store_is_made_leaves_nothing_half_made() {
    let disk = TempDir::new().unwrap();
    let options = ["-t", "tmpfs", "-o", "size=2m", "tmpfs"];
    let Some(_mount) = Mount::new(&options, disk.path()) else {
        return;
    };
    let (folder, ballast) = (disk.path().join("state"), disk.path().join("ballast"));
    let mut unmade = 0;
    for room in (64..=320).step_by(8) {
        // What such a process holds of the folder before takes room for as long.
        let begun = Instant::now();
        while std::fs::write(&ballast, vec![1; (2_048 - room) << 10]).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(5), "{room}");
            std::thread::sleep(Duration::from_millis(10));
        }
        for _ in 0..2 {
            let Err(error) = try_open(&folder) else {
                continue;
            };
            assert!(
                matches!(error, StoreError::DiskFull { .. }),
                "{room}: {error}"
            );
            // One that is whole can be read though it cannot be written.
            if let Err(error) = Reader::open(&folder) {
                unmade += 1;
                assert!(!error.to_string().contains("older"), "{room}: {error}");
            }
            let names = std::fs::read_dir(&folder).unwrap();
            let mut names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
            assert!(!names.any(|name| name.contains("before")), "{room}");
        }
        std::fs::remove_file(&ballast).unwrap();
        assert_eq!(open(&folder).1, None, "{room}");
        std::fs::remove_dir_all(&folder).unwrap();
    }
    assert!(unmade > 10, "{unmade}");
}

#[test]
fn a_read_only_folder_is_told_and_can_be_reported_from() {
    let folder = TempDir::new().unwrap();
    let view = TempDir::new().unwrap();
    let (mut store, _) = open(folder.path());
    store.write(&batch(0)).unwrap();
    let bind = ["--bind", folder.path().to_str().unwrap()];
    let Some(_mount) = Mount::new(&bind, view.path()) else {
        return;
    };
    let again = ["-o", "remount,ro,bind"];
    let read_only = Command::new("mount").args(again).arg(view.path()).status();
    assert!(read_only.unwrap().success());
    let rows = || {
        let reader = Reader::open(view.path()).unwrap();
        let page = reader.sightings(&Filter::default(), None, 1_000).unwrap();
        page.sightings.len() as u64
    };
    assert_eq!(rows(), ROWS, "beside the writer");
    drop(store);
    assert_eq!(rows(), ROWS, "without a writer");
    let error = Store::open(view.path(), Settings::default()).unwrap_err();
    assert!(matches!(error, StoreError::ReadOnly { .. }), "{error}");
    assert!(error.to_string().contains("--state-dir"), "{error}");
    let missing = view.path().join("new");
    let error = Store::open(&missing, Settings::default()).unwrap_err();
    assert!(matches!(error, StoreError::ReadOnly { .. }), "{error}");
}

/// Speed and size, for the report; run with `--ignored --nocapture`, and `--release` for figures that mean something.
#[test]
#[ignore = "a measurement"]
#[expect(clippy::print_stdout, reason = "a measurement says what it found")]
fn measure() {
    let folder = TempDir::new_in(std::env::var("MEASURE_IN").unwrap_or("/tmp".to_owned())).unwrap();
    let (mut store, _) = open(folder.path());
    let end = |last: u8, port| straggler::model::Endpoint {
        addr: [10, 0, 0, last].into(),
        port,
    };
    let samples: Vec<_> = (0..8)
        .map(|at| straggler::store::StoredSample {
            sample: straggler::model::Sample {
                time: Timestamp::from_unix(1_700_000_000 + at, 5),
                client: end(1, 50_000),
                server: end(2, 443),
                protocol: straggler::model::Protocol::Tcp,
                pattern: Arc::from(".upd.example"),
                interface: None,
                vlan: None,
                user_agent: None,
            },
            pack: Arc::from("0123456789ab"),
        })
        .collect();
    let row = |serial: u64, at: u64| {
        let time = Timestamp::from_unix(1_700_000_000 + (serial / 10 * 3600) as i64, 0);
        let mut row = sighting(at % 20, time);
        let host = std::net::Ipv4Addr::from(0x0a00_0000 + (serial % 10 * 50 + at / 20) as u32);
        row.key.host = HostKey::restored(&format!("mac-02:00:{host}!"));
        row.key.address = host.into();
        row.sum.samples = samples[..if at.is_multiple_of(4) { 8 } else { 1 }].to_vec();
        row
    };
    for again in [false, true] {
        let begun = Instant::now();
        let mut slowest = Duration::ZERO;
        for serial in 0..100 {
            let mut batch = Batch::default();
            (0..1_000).for_each(|at| batch.sighting(row(serial, at)));
            let one = Instant::now();
            store.write(&batch).unwrap();
            slowest = slowest.max(one.elapsed());
        }
        let took = begun.elapsed();
        println!(
            "again {again}: {took:?} for 100 batches of 1,000; slowest {slowest:?}; {:?}",
            store.stats()
        );
    }
    let begun = Instant::now();
    let mut records = 0;
    store
        .restore(Timestamp::MIN, &mut |_| records += 1)
        .unwrap();
    println!("restore: {records} records in {:?}", begun.elapsed());
    drop(store);
    println!(
        "file: {}",
        std::fs::metadata(folder.path().join(FILE_NAME))
            .unwrap()
            .len()
    );
    let begun = Instant::now();
    let (mut store, _) = open(folder.path());
    println!("open: {:?}", begun.elapsed());
    let (begun, mut calls, mut slowest) = (Instant::now(), 0, Duration::ZERO);
    let later = Timestamp::from_unix(1_700_000_000 + 30 * 86_400, 0);
    loop {
        let one = Instant::now();
        let pruned = store
            .prune(later, Duration::from_secs(400 * 86_400))
            .unwrap();
        slowest = slowest.max(one.elapsed());
        calls += 1;
        if !pruned.more {
            break;
        }
    }
    println!(
        "merge: {calls} calls in {:?}, slowest {slowest:?}; {:?}",
        begun.elapsed(),
        store.stats()
    );
    let begun = Instant::now();
    let host = HostKey::restored("mac-02:00:10.0.0.3!");
    println!(
        "erase: {:?} in {:?}",
        store.erase(&host).unwrap(),
        begun.elapsed()
    );
    for needle in [&b"mac-02:00:10.0.0.3!"[..], &[10, 0, 0, 3]] {
        let bytes = std::fs::read(folder.path().join(FILE_NAME)).unwrap();
        let left = bytes
            .windows(needle.len())
            .filter(|it| it == &needle)
            .count();
        println!("left of {}: {left}", needle.escape_ascii());
    }
}
