//! The daemon that has read a day, and its store.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};
use serde_json::Value;

use super::day::{Day, Written};
use super::markdown::{MIB, Markdown, grouped};
use super::process::Process;
use super::served::{Served, wait_long_for};
use super::{Outcome, STRAGGLER};

/// Longest wait until a day is read, on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(1_800);
/// By then hours are rolled up to days.
const DAYS_LATER: u64 = 3;

pub struct Site {
    pub served: Served,
    pub day: Day,
    state: PathBuf,
    cpu_seconds: f64,
    seconds: f64,
    peak: u64,
    status: Value,
}

impl Site {
    /// Lets a daemon read all of it into a store, and fails unless it finds who is one and nobody else.
    pub fn read(day: &Day, ring: &Path, state: &Path) -> Outcome<Self> {
        let begun = Instant::now();
        let served = start(state, ring);
        let process = Process(served.pid());
        let seconds = begun.elapsed().as_secs_f64();
        let status: Value = serde_json::from_str(&served.get("/api/v1/status").1)?;
        if status["stragglers"] != day.stragglers || status["faults"] != Value::Array(Vec::new()) {
            return Err(format!("{} stragglers were made: {status}", day.stragglers).into());
        }
        Ok(Self {
            // The thread that read it is not there any more.
            cpu_seconds: process.all_cpu_seconds(),
            seconds,
            peak: process.peak(),
            served,
            day: *day,
            state: state.to_owned(),
            status,
        })
    }

    /// Ends the daemon: the folder of its store.
    pub fn close(self) -> PathBuf {
        let (status, said, _) = self.served.end("TERM");
        assert!(status.success(), "{said}");
        self.state
    }

    /// Prints what reading took, and the store.
    pub fn print(&self, written: &Written) {
        let mut table = Markdown::new(1, &["a day", ""]);
        let store = Stored::of(&self.state);
        let hosts = u64::from(self.day.hosts);
        for (what, number) in [
            ("hosts", grouped(hosts)),
            ("stragglers", grouped(self.day.stragglers.into())),
            ("host and vendor", grouped(self.day.usages())),
            ("exchanges", grouped(written.exchanges)),
            ("frames", grouped(written.frames)),
            ("bytes of the recordings", grouped(written.bytes)),
            ("CPU s to read it", format!("{:.1}", self.cpu_seconds)),
            ("seconds to read it", format!("{:.1}", self.seconds)),
            ("peak, MiB", format!("{:.0}", self.peak as f64 / MIB)),
            ("findings", self.status["findings"].to_string()),
            ("rows of sightings", grouped(store.sightings)),
            ("bytes of the store", grouped(store.bytes)),
            ("bytes a row", (store.bytes / store.sightings).to_string()),
            ("bytes a host and day", (store.bytes / hosts).to_string()),
        ] {
            table.row([what.to_owned(), number]);
        }
        table.print("A day in the store");
        for line in self.served.get("/metrics").1.lines() {
            let is_left_out = [
                "straggler_table_evictions_total",
                "straggler_host_series_rej",
            ]
            .iter()
            .any(|family| line.starts_with(family));
            if is_left_out && !line.ends_with(" 0") {
                println!("{line}");
            }
        }
    }
}

/// The same store when its hours have become days.
pub fn age(day: &Day, state: &Path, folder: &Path) -> Outcome<()> {
    as_of_one_interface(state)?;
    let later = folder.join("later.pcap");
    day.write_later(&later, DAYS_LATER)?;
    let served = start(state, &later);
    let (status, said, _) = served.end("TERM");
    assert!(status.success(), "{said}");
    // What is not used any more may stay with the file until it is needed; a new one has none of it.
    let store = Stored::of(state);
    let packed = folder.join("packed.db");
    let connection = Connection::open(state.join("straggler.db"))?;
    connection.execute("VACUUM INTO ?1", [packed.to_str().unwrap()])?;
    let mut table = Markdown::new(1, &["the same, three days later", ""]);
    let hosts = u64::from(day.hosts);
    let bytes = fs::metadata(&packed)?.len();
    table.row(["rows of sightings".to_owned(), grouped(store.sightings)]);
    table.row(["bytes of the file".to_owned(), grouped(store.bytes)]);
    table.row(["bytes in use".to_owned(), grouped(bytes)]);
    table.row([
        "bytes a host and day".to_owned(),
        (bytes / hosts).to_string(),
    ]);
    table.print("Hours rolled up to days");
    Ok(())
}

/// In the store each recording stands for an interface, and rows of several are never merged. A sensor captures the same one
/// all day, so for what comes of its rows all recordings are made one.
fn as_of_one_interface(state: &Path) -> Outcome<()> {
    let connection = Connection::open(state.join("straggler.db"))?;
    connection.execute_batch(
        "CREATE TEMP TABLE same (id INTEGER PRIMARY KEY, first INTEGER NOT NULL);
         INSERT INTO same SELECT id, min(id) OVER (PARTITION BY name, signal, evidence, phase, era, vendor, category,
             service, strength) FROM subjects;
         UPDATE sightings SET subject = (SELECT first FROM same WHERE same.id = sightings.subject);",
    )?;
    Ok(())
}

fn start(state: &Path, recordings: &Path) -> Served {
    let mut command = Command::new(STRAGGLER);
    command.args(["run", "--listen", "127.0.0.1:0", "--state-dir"]);
    command.arg(state).arg("--replay").arg(recordings);
    // The findings would fill a pipe that nobody reads, and it would wait.
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let served = Served::spawn_as_it_is(command);
    wait_long_for("the day", PATIENCE, || served.get("/-/ready").0 == 200);
    served
}

/// What a store has.
struct Stored {
    sightings: u64,
    /// Of the file and of what is still to be merged into it.
    bytes: u64,
}

impl Stored {
    fn of(state: &Path) -> Self {
        let file = state.join("straggler.db");
        let connection =
            Connection::open_with_flags(&file, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        let count = connection.query_row("SELECT count(*) FROM sightings", [], |row| row.get(0));
        let count: i64 = count.unwrap();
        Self {
            sightings: count.unsigned_abs(),
            bytes: fs::metadata(&file).unwrap().len(),
        }
    }
}
