//! One capture thread: frames of an interface into its own tracker, reports to the ledger about once a second.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError};
use std::time::{Duration, Instant};

use super::in_force::RuleBoard;
use super::ledger_loop::WatchBoard;
use super::own_addresses::{Look, OwnAddresses};
use super::reopening::{Read, Reopening};
use super::wall::wall_clock;
use crate::capture;
use crate::model::{Batch, Timestamp};
use crate::tracker::{self, Tracker};

/// Frames taken before the worker looks at the clock and at the stop flag.
const BATCH: usize = 512;
/// How often a worker reports.
const REPORT_EVERY: Duration = Duration::from_secs(1);
/// How long it waits for frames before it looks up: what the watchdog and the quiet-interface tick need.
const LOOK_UP_EVERY: Duration = Duration::from_millis(250);

/// What a worker tells the ledger's thread.
pub(super) struct Report {
    /// Which worker.
    pub worker: usize,
    /// When it was made.
    pub made: Instant,
    /// The same as wall time.
    pub until: Timestamp,
    /// The generation of rules under which it learnt this.
    pub generation: u64,
    /// What it learnt.
    pub batch: Batch,
    /// Its tracker's counters.
    pub tracker: tracker::Stats,
    /// What its interface lost.
    pub capture: capture::Stats,
    /// How often its interface was opened again.
    pub restarts: u64,
    /// Why nothing is looked at now, if so.
    pub down: Option<String>,
    /// What is to be known of an interface that is looked at.
    pub note: Option<String>,
    /// Whether it is the last one.
    pub last: bool,
}

#[cfg(test)]
impl Report {
    /// One of the first generation, of a worker that goes on.
    pub(super) fn of(worker: usize, batch: Batch) -> Self {
        Self {
            worker,
            made: Instant::now(),
            until: Timestamp::MIN,
            generation: 0,
            batch,
            tracker: tracker::Stats::default(),
            capture: capture::Stats::default(),
            restarts: 0,
            down: None,
            note: None,
            last: false,
        }
    }
}

/// A capture and its tracker.
pub(super) struct Worker {
    capture: Reopening,
    tracker: Tracker,
    watch: Arc<WatchBoard>,
    rules: Arc<RuleBoard>,
    /// By which it goes now.
    generation: u64,
    /// Frames taken when it was last looked at the link.
    frames: u64,
    own: Look,
}

impl Worker {
    pub(super) fn new(
        capture: Reopening,
        mut tracker: Tracker,
        watch: Arc<WatchBoard>,
        rules: Arc<RuleBoard>,
        own: Arc<OwnAddresses>,
    ) -> Self {
        tracker.begin();
        Self {
            capture,
            tracker,
            watch,
            rules,
            generation: 0,
            frames: 0,
            own: Look::new(own),
        }
    }

    /// Whether its interface is there.
    pub(super) fn is_up(&self) -> bool {
        self.capture.down().is_none()
    }

    /// Captures until told to stop, or until the interface has gone and is not to be opened again.
    pub(super) fn run(mut self, index: usize, ledger: &SyncSender<Report>, stop: &AtomicBool) {
        let mut reported = Instant::now();
        let mut waiting: Option<Report> = None;
        while !stop.load(Ordering::Relaxed) && !self.capture.is_over() {
            self.read();
            let is_due = reported.elapsed() >= REPORT_EVERY;
            let is_early = self.tracker.is_filling() && waiting.is_none();
            if is_due || is_early {
                reported = Instant::now();
                self.look_at_the_link();
                self.tracker.watch(self.watch.load_full());
                self.tracker.tick(wall_clock());
                // While the ledger has not taken the last report, the tracker goes on rolling up: nothing is lost.
                let report = waiting.take().unwrap_or_else(|| {
                    let report = self.report(index, false);
                    self.go_by_the_rules();
                    report
                });
                match ledger.try_send(report) {
                    Ok(()) => {}
                    Err(TrySendError::Full(report)) => waiting = Some(report),
                    Err(TrySendError::Disconnected(_)) => return,
                }
            }
        }
        // The last reports wait for the ledger; it is there until the queue closes.
        for report in waiting.into_iter().chain([self.report(index, true)]) {
            if ledger.send(report).is_err() {
                return;
            }
        }
    }

    fn read(&mut self) {
        let tracker = &mut self.tracker;
        let read = self.capture.read(BATCH, LOOK_UP_EVERY, &mut |frame| {
            tracker.ingest(&frame, &mut ());
        });
        // The stretch that was looked at ends; the next one begins with the first frame.
        if matches!(read, Read::Gone | Read::Back) {
            self.tracker.begin();
        }
        self.own.look(read == Read::Back);
    }

    /// Frames prove a link; where none came since the last look, the system is asked.
    fn look_at_the_link(&mut self) {
        let frames = self.tracker.stats().seen.frames;
        let came = frames > self.frames;
        self.frames = frames;
        self.capture.look_at_the_name();
        if self.capture.is_linkless(came) {
            self.tracker.begin();
        }
    }

    /// Goes by other rules, if there are any. All that was seen by the former ones was handed over just before.
    fn go_by_the_rules(&mut self) {
        let in_force = self.rules.load();
        if in_force.generation != self.generation {
            self.generation = in_force.generation;
            let rules = Arc::clone(&in_force.rules);
            self.tracker.reload(&in_force.settings, rules);
        }
    }

    fn report(&mut self, worker: usize, last: bool) -> Report {
        Report {
            worker,
            made: Instant::now(),
            until: wall_clock(),
            generation: self.generation,
            batch: self.tracker.drain(),
            tracker: self.tracker.stats(),
            capture: self.capture.stats(),
            restarts: self.capture.restarts(),
            down: self.capture.down().map(str::to_owned),
            note: self.capture.note(),
            last,
        }
    }
}
