//! One capture thread: frames of an interface into its own tracker, reports to the ledger about once a second.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError};
use std::time::{Duration, Instant};

use super::in_force::RuleBoard;
use super::ledger_loop::WatchBoard;
use super::wall::wall_clock;
use crate::capture::{self, FrameSource, Live, LiveWaker, Pumped};
use crate::model::Batch;
use crate::tracker::{self, Tracker};

/// Frames taken before the worker looks at the clock and at the stop flag.
const BATCH: usize = 512;
/// How often a worker reports.
const REPORT_EVERY: Duration = Duration::from_secs(1);
/// How long it waits for frames before it looks up: what the watchdog and the quiet-interface tick need.
const LOOK_UP_EVERY: Duration = Duration::from_millis(250);

/// What is wrong with an interface that cannot be looked at.
pub(super) const NO_LINK: &str =
    "the interface is down or has no link; what passes elsewhere meanwhile is not seen";

/// What a worker tells the ledger's thread.
pub(super) struct Report {
    /// Which worker.
    pub worker: usize,
    /// The generation of rules under which it learnt this.
    pub generation: u64,
    /// What it learnt.
    pub batch: Batch,
    /// Its tracker's counters.
    pub tracker: tracker::Stats,
    /// What its interface lost.
    pub capture: capture::Stats,
    /// Why the capture ended, if it did by a fault.
    pub fault: Option<String>,
    /// Whether it goes on.
    pub up: bool,
    /// Whether its interface is up and has a link. Without, nothing is looked at.
    pub has_link: bool,
}

/// A capture and its tracker.
pub(super) struct Worker {
    interface: String,
    live: Live,
    tracker: Tracker,
    watch: Arc<WatchBoard>,
    rules: Arc<RuleBoard>,
    /// By which it goes now.
    generation: u64,
    /// Frames taken when it was last looked at the link.
    frames: u64,
    has_link: bool,
}

impl Worker {
    pub(super) fn new(
        interface: String,
        live: Live,
        mut tracker: Tracker,
        watch: Arc<WatchBoard>,
        rules: Arc<RuleBoard>,
    ) -> Self {
        tracker.begin();
        Self {
            interface,
            live,
            tracker,
            watch,
            rules,
            generation: 0,
            frames: 0,
            has_link: true,
        }
    }

    pub(super) fn waker(&self) -> LiveWaker {
        self.live.waker()
    }

    /// Captures until told to stop or the capture fails.
    pub(super) fn run(mut self, index: usize, ledger: &SyncSender<Report>, stop: &AtomicBool) {
        let mut reported = Instant::now();
        let mut waiting: Option<Report> = None;
        let fault = loop {
            if stop.load(Ordering::Relaxed) {
                break None;
            }
            if let Err(fault) = self.step() {
                tracing::error!(interface = self.interface, "capture ended: {fault}");
                break Some(fault.to_string());
            }
            let is_due = reported.elapsed() >= REPORT_EVERY;
            let is_early = self.tracker.is_filling() && waiting.is_none();
            if is_due || is_early {
                reported = Instant::now();
                self.look_at_the_link();
                self.tracker.watch(self.watch.load_full());
                self.tracker.tick(wall_clock());
                // While the ledger has not taken the last report, the tracker goes on rolling up: nothing is lost.
                let report = waiting.take().unwrap_or_else(|| {
                    let report = self.report(index, None, true);
                    self.go_by_the_rules();
                    report
                });
                match ledger.try_send(report) {
                    Ok(()) => {}
                    Err(TrySendError::Full(report)) => waiting = Some(report),
                    Err(TrySendError::Disconnected(_)) => return,
                }
            }
        };
        // The last reports wait for the ledger; it is there until the queue closes.
        for report in waiting
            .into_iter()
            .chain([self.report(index, fault, false)])
        {
            if ledger.send(report).is_err() {
                return;
            }
        }
    }

    fn step(&mut self) -> Result<(), capture::CaptureError> {
        let tracker = &mut self.tracker;
        let pumped = self
            .live
            .pump(BATCH, &mut |frame| tracker.ingest(&frame, &mut ()))?;
        if pumped == Pumped::Idle {
            self.live.wait(LOOK_UP_EVERY)?;
        }
        Ok(())
    }

    /// Frames prove a link; where none came since the last look, the system is asked. Without a link the stretch that was
    /// looked at ends; the next one begins with the first frame.
    fn look_at_the_link(&mut self) {
        let frames = self.tracker.stats().seen.frames;
        let has_link = frames > self.frames || capture::has_link(&self.interface).unwrap_or(true);
        self.frames = frames;
        if !has_link {
            self.tracker.begin();
        }
        if std::mem::replace(&mut self.has_link, has_link) != has_link {
            let interface = &self.interface;
            match has_link {
                true => tracing::info!(interface, "captured again"),
                false => tracing::error!(interface, "{NO_LINK}"),
            }
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

    fn report(&mut self, worker: usize, fault: Option<String>, up: bool) -> Report {
        Report {
            worker,
            generation: self.generation,
            batch: self.tracker.drain(),
            tracker: self.tracker.stats(),
            capture: self.live.stats(),
            fault,
            up,
            has_link: self.has_link,
        }
    }
}
