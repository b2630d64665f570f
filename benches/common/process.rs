//! What a process that goes on has spent so far, as the system tells it.

#![allow(dead_code, reason = "each bench uses a part")]

use std::fs;
use std::thread::sleep;
use std::time::Duration;

/// Below this share of a core a process has nothing to do.
const IDLE: f64 = 0.02;
const LOOK_EVERY: Duration = Duration::from_millis(300);

/// A process by its number.
#[derive(Clone, Copy, Debug)]
pub struct Process(pub u32);

impl Process {
    /// CPU seconds of all its threads that go on, to the nanosecond; `/proc/PID/stat` has hundredths.
    pub fn cpu_seconds(self) -> f64 {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.0)).unwrap();
        let nanos = tasks.map(|task| {
            let file = task.unwrap().path().join("schedstat");
            // A thread that ends meanwhile has no file, and none of ours ends while it is measured.
            let text = fs::read_to_string(file).unwrap_or_default();
            let first = text.split(' ').next().unwrap_or_default();
            first.parse::<f64>().unwrap_or_default()
        });
        nanos.sum::<f64>() / 1e9
    }

    /// CPU seconds of all its threads, those that ended too, in hundredths.
    pub fn all_cpu_seconds(self) -> f64 {
        let stat = procfs::process::Process::new(i32::try_from(self.0).unwrap());
        let stat = stat.and_then(|process| process.stat()).unwrap();
        (stat.utime + stat.stime) as f64 / procfs::ticks_per_second() as f64
    }

    /// Waits until it has nothing to do, and tells the CPU seconds until then.
    pub fn cpu_seconds_once_idle(self) -> f64 {
        let mut before = self.cpu_seconds();
        loop {
            sleep(LOOK_EVERY);
            let now = self.cpu_seconds();
            if now - before < IDLE * LOOK_EVERY.as_secs_f64() {
                return now;
            }
            before = now;
        }
    }

    /// The most that was resident since the start, or since [`Self::forget_peak`].
    pub fn peak(self) -> u64 {
        self.status("VmHWM:")
    }

    /// From now on the peak counts anew.
    pub fn forget_peak(self) {
        fs::write(format!("/proc/{}/clear_refs", self.0), "5").unwrap();
    }

    fn status(self, field: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0)).unwrap();
        let line = status.lines().find(|line| line.starts_with(field));
        let kib = line.and_then(|line| line.split_whitespace().nth(1));
        kib.unwrap().parse::<u64>().unwrap() * 1024
    }
}
