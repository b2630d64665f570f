//! What a flooded daemon says and how much memory it took.

use std::net::IpAddr;
use std::time::Duration;

use serde_json::Value;

use crate::flooded::Flooded;

/// Peak resident memory, in MiB.
const MAX_RESIDENT: u64 = 256;
/// Categories of a vendor at most, and series of one category and of one vendor without its hosts.
const CATEGORIES: u64 = 7;
const OF_CATEGORY: u64 = 50;
const OF_VENDOR: u64 = 10;
const OF_INTERFACE: u64 = 10;
const OTHER_SERIES: u64 = 150;
/// Series of one combination of host, vendor and category.
const OF_COMBINATION: u64 = 8;

/// One answer of `/metrics`, and the peak of the memory after it.
pub(crate) struct Outcome {
    metrics: String,
    /// MiB.
    pub(crate) resident: u64,
    /// Seconds of a core that all its threads have taken.
    processor: f64,
}

impl Outcome {
    /// Asks the daemon for everything that it serves, so that the memory of the answers is in the peak.
    pub(crate) fn of(daemon: &Flooded) -> Self {
        let (status, metrics) = daemon.get("/metrics");
        assert_eq!(status, 200);
        for path in ["/", "/api/v1/hosts?limit=1000", "/api/v1/blind-spots"] {
            assert_eq!(daemon.get(path).0, 200, "{path}");
        }
        Self {
            metrics,
            resident: peak(daemon.served.pid()),
            processor: processor(daemon.served.pid()),
        }
    }

    /// Samples of all families.
    pub(crate) fn series(&self) -> u64 {
        self.samples().count() as u64
    }

    /// The most that there may be.
    pub(crate) fn budget(&self) -> u64 {
        let vendors = self.beginning("straggler_rule_services{").count() as u64;
        let interfaces = self.beginning("straggler_capture_up{").count() as u64;
        OF_COMBINATION * self.value("straggler_host_series_limit")
            + vendors * CATEGORIES * OF_CATEGORY
            + OF_VENDOR * vendors
            + OF_INTERFACE * interfaces
            + OTHER_SERIES
    }

    /// The value of the sample with this name and these labels.
    pub(crate) fn value(&self, sample: &str) -> u64 {
        let mut found = self
            .samples()
            .filter(|(name, _)| *name == sample)
            .map(|(_, value)| value.parse::<f64>().unwrap() as u64);
        found.next().unwrap_or_else(|| panic!("no {sample}"))
    }

    /// Entries of a table, and those that were left out.
    pub(crate) fn table(&self, name: &str) -> (u64, u64) {
        let value = |family| self.value(&format!("{family}{{table=\"{name}\"}}"));
        (
            value("straggler_table_entries"),
            value("straggler_table_evictions_total"),
        )
    }

    /// Names of the tables.
    pub(crate) fn tables(&self) -> Vec<&str> {
        let samples = self.beginning("straggler_table_entries{");
        samples
            .map(|(name, _)| name.split('"').nth(1).unwrap())
            .collect()
    }

    /// Why a host is not shown as a straggler in the metrics and in the API, whatever its key is; `None` if it is.
    pub(crate) fn hides(&self, daemon: &Flooded, address: IpAddr) -> Option<String> {
        let path = format!("/api/v1/hosts?straggler=true&host={address}");
        let (_, body) = daemon.get(&path);
        let answer: Value = serde_json::from_str(&body).unwrap();
        // Of a host that is not known yet there is no list.
        let hosts = answer["hosts"].as_array().map_or(&[][..], Vec::as_slice);
        let [host] = hosts else {
            let (_, all) = daemon.get(&format!("/api/v1/hosts?host={address}"));
            return Some(format!("{address} is not one straggler: {all}"));
        };
        let key = host["host"].as_str().unwrap();
        let sample = format!(
            "straggler_host_straggling{{host=\"{key}\",vendor=\"kaspersky\",category=\"update\"}}"
        );
        let is_shown = self.samples().any(|it| it == (&sample, "1"));
        (!is_shown).then(|| format!("{sample} is not in the metrics, and in the API is {host}"))
    }

    /// That everything is inside its bounds.
    pub(crate) fn check_bounds(&self, caps: &[(&str, u64)]) {
        assert!(self.resident <= MAX_RESIDENT, "{} MiB", self.resident);
        let (series, budget) = (self.series(), self.budget());
        assert!(series <= budget, "{series} series of {budget}");
        for name in self.tables() {
            let cap = caps.iter().find(|(known, _)| *known == name);
            let (_, cap) = cap.unwrap_or_else(|| panic!("no cap is known of {name}"));
            let (entries, _) = self.table(name);
            assert!(entries <= *cap, "{name}: {entries} of {cap}");
        }
    }

    /// Prints the figures.
    pub(crate) fn tell(&self, what: &str, frames: u64, took: Duration) {
        let took = took.as_secs();
        let (resident, series) = (self.resident, self.series());
        let each = self.processor * 1e6 / frames as f64;
        eprintln!(
            "{what}: {frames} frames, {resident} MiB at the peak, {series} series, {took} s, {each:.2} us of a core a frame"
        );
        for name in self.tables() {
            let (entries, left_out) = self.table(name);
            if left_out > 0 {
                eprintln!("    {name}: {entries}, left out {left_out}");
            }
        }
        for family in [
            "straggler_host_series_rejected_total",
            "straggler_capture_dropped",
            "straggler_store_lost_total",
        ] {
            for (sample, value) in self.beginning(family) {
                eprintln!("    {sample} {value}");
            }
        }
    }

    /// Samples whose names begin so.
    pub(crate) fn beginning<'a>(
        &'a self,
        prefix: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.samples()
            .filter(move |(name, _)| name.starts_with(prefix))
    }

    fn samples(&self) -> impl Iterator<Item = (&str, &str)> {
        let lines = self.metrics.lines();
        let samples = lines.filter(|line| !line.starts_with('#') && !line.is_empty());
        samples.map(|line| line.rsplit_once(' ').unwrap())
    }
}

/// What a process has taken of processors, its threads that ended included: proc(5), `utime` and `stime`, in ticks of a
/// hundredth of a second.
fn processor(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    // Behind the name, which may hold anything.
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let ticks = fields.split(' ').skip(11).take(2);
    ticks
        .map(|field| field.parse::<f64>().unwrap())
        .sum::<f64>()
        / 100.0
}

/// Peak of the resident memory of a process, in MiB, rounded up.
fn peak(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1));
    kib.unwrap().parse::<u64>().unwrap().div_ceil(1024)
}
