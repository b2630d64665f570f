//! The ledger's thread: takes reports of all workers, publishes a scene about once a second.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;

use super::worker::Report;
use crate::ledger::Ledger;
use crate::metrics::{Board, InterfaceScene, Scene};
use crate::model::WatchList;
use crate::tracker;

const PUBLISH_EVERY: Duration = Duration::from_secs(1);

/// The ledger and what it publishes.
pub(super) struct LedgerLoop {
    ledger: Ledger,
    interfaces: Vec<InterfaceScene>,
    faults: Vec<String>,
    board: Arc<Board>,
    watch: Arc<WatchBoard>,
}

/// Where the ledger leaves the watch list for the workers.
pub(super) type WatchBoard = ArcSwap<WatchList>;

impl LedgerLoop {
    pub(super) fn new(
        ledger: Ledger,
        interfaces: &[String],
        board: Arc<Board>,
        watch: Arc<WatchBoard>,
    ) -> Self {
        let interfaces = interfaces
            .iter()
            .map(|name| InterfaceScene {
                name: name.clone(),
                up: true,
                ..InterfaceScene::default()
            })
            .collect();
        let this = Self {
            ledger,
            interfaces,
            faults: Vec::new(),
            board,
            watch,
        };
        this.publish();
        this
    }

    /// Runs until the last worker is gone.
    pub(super) fn run(mut self, reports: &Receiver<Report>) {
        let mut published = Instant::now();
        loop {
            let due = PUBLISH_EVERY.saturating_sub(published.elapsed());
            match reports.recv_timeout(due) {
                Ok(report) => self.take(report),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if published.elapsed() >= PUBLISH_EVERY {
                self.publish();
                published = Instant::now();
            }
        }
        self.publish();
    }

    fn take(&mut self, report: Report) {
        self.ledger.absorb(&report.batch);
        self.watch.store(self.ledger.watch_list());
        self.faults.extend(report.fault);
        if let Some(interface) = self.interfaces.get_mut(report.worker) {
            interface.tracker = report.tracker;
            interface.capture = report.capture;
            interface.up = report.up;
        }
    }

    fn publish(&self) {
        let mut tracker = tracker::Stats::default();
        for interface in &self.interfaces {
            tracker.add(&interface.tracker);
        }
        self.board.store(Arc::new(Scene {
            snapshot: self.ledger.snapshot(),
            tracker,
            ledger: self.ledger.stats(),
            interfaces: self.interfaces.clone(),
            faults: self.faults.clone(),
            ready: true,
            configured_at: self.board.load().configured_at,
        }));
    }
}
