//! The ledger's thread: takes reports of all workers, publishes a scene about once a second.

mod changeover;
mod held;
mod interfaces;
mod liveness;
mod reload;

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;

use changeover::Changeover;
use held::{Held, Origin, Ready};
pub(super) use interfaces::Interfaces;
use interfaces::LinkChange;
use liveness::Liveness;

use super::device_watch::Reading;
use super::in_force::Change;
use super::keep::Keeping;
use super::own_addresses::OwnAddresses;
use super::reload::ReloadBoard;
use super::service_manager::ServiceManager;
use super::teller::Teller;
use super::wall::{live_bound, wall_clock};
use super::worker::Report;
use crate::config::DeviceFileError;
use crate::history::Wall;
use crate::ledger::Ledger;
use crate::metrics::{Board, Scene};
use crate::model::{Dispute, SensorCondition, Snapshot, WatchList};
use crate::privacy::Pseudonyms;
use crate::tracker;

const PUBLISH_EVERY: Duration = Duration::from_secs(1);
/// The most of the time that goes into publishing is one part in so many: in a flood a scene is large, and what the workers
/// report must not wait for it.
const PUBLISH_SHARE: u32 = 5;

/// The ledger and what it publishes.
pub(super) struct LedgerLoop {
    ledger: Ledger,
    interfaces: Interfaces,
    held: Held,
    liveness: Liveness,
    /// What is read anew about devices, and why it cannot be, if so.
    readings: Receiver<Reading>,
    reading_fault: Option<String>,
    changeover: Changeover,
    changes: Receiver<Change>,
    /// Told when a change is in force.
    changed: Sender<()>,
    /// How the last reload went, and what was told of it.
    reload: Arc<ReloadBoard>,
    reload_fault: Option<String>,
    wall: Wall,
    /// What is wrong with the clock, if anything.
    clock_fault: Option<String>,
    /// Rows of the inventory in dispute, told already.
    disputes: Vec<Dispute>,
    boards: Boards,
    teller: Teller,
    pseudonyms: Option<Pseudonyms>,
    keeping: Option<Keeping>,
}

/// What is given to the ledger's thread besides.
pub(super) struct Given {
    pub pseudonyms: Option<Pseudonyms>,
    /// What is read anew about devices.
    pub readings: Receiver<Reading>,
    /// Other rules, before workers know of them, and where to say that they are in force.
    pub changes: Receiver<Change>,
    pub changed: Sender<()>,
    pub wall: Wall,
    /// Whom to tell that the process is alive.
    pub manager: Arc<ServiceManager>,
}

/// Where the ledger leaves what others read.
pub(super) struct Boards {
    pub scene: Arc<Board>,
    pub watch: Arc<WatchBoard>,
    /// How the last reload went.
    pub reload: Arc<ReloadBoard>,
    /// Addresses of this machine.
    pub own: Arc<OwnAddresses>,
}

/// Where the ledger leaves the watch list for the workers.
pub(super) type WatchBoard = ArcSwap<WatchList>;

impl LedgerLoop {
    pub(super) fn new(
        ledger: Ledger,
        interfaces: Interfaces,
        boards: Boards,
        teller: Teller,
        keeping: Option<Keeping>,
        given: Given,
    ) -> Self {
        let Given {
            pseudonyms,
            readings,
            changes,
            changed,
            wall,
            manager,
        } = given;
        let reload = Arc::clone(&boards.reload);
        let changeover = Changeover::new(interfaces.workers());
        let liveness = Liveness::new(interfaces.workers(), manager, Instant::now());
        let held = Held::new(interfaces.workers(), interfaces.each());
        let mut this = Self {
            ledger,
            interfaces,
            held,
            liveness,
            readings,
            reading_fault: None,
            changeover,
            changes,
            changed,
            reload,
            reload_fault: None,
            wall,
            clock_fault: None,
            disputes: Vec::new(),
            boards,
            teller,
            pseudonyms,
            keeping,
        };
        this.teller.sensor(SensorCondition::Started, None);
        this.publish(false);
        this
    }

    /// Runs until the last worker is gone.
    pub(super) fn run(mut self, reports: &Receiver<Report>) {
        let mut published = Instant::now();
        let mut every = PUBLISH_EVERY;
        loop {
            let due = every.saturating_sub(published.elapsed());
            match reports.recv_timeout(due) {
                Ok(report) => self.receive(report),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            let due = self.held.due(Instant::now(), self.changeover.held());
            self.absorb(due);
            self.go_over_if_due();
            let has_writer = self.keeping.as_ref().is_none_or(Keeping::has_writer);
            self.liveness.look(has_writer, Instant::now());
            if published.elapsed() >= every {
                let began = Instant::now();
                self.publish(false);
                published = Instant::now();
                every = PUBLISH_EVERY.max(began.elapsed() * PUBLISH_SHARE);
            }
        }
        let all = self.held.all(self.changeover.held());
        self.absorb(all);
        self.publish(false);
        if self.teller.is_on() {
            let snapshot = self.ledger.snapshot();
            for happening in self.ledger.happened_last(&snapshot) {
                self.teller.tell(happening);
            }
        }
        self.teller.sensor(SensorCondition::Stopped, None);
        self.publish(true);
        if let Some(keeping) = self.keeping {
            keeping.stop();
        }
        self.teller.stop();
    }

    fn take(&mut self, mut report: Report) {
        report.batch.losses = self.interfaces.losses(&report);
        let looked = report.batch.looked;
        let batch = std::mem::take(&mut report.batch);
        report.batch.looked = looked;
        let worker = report.worker;
        let (made, until) = (report.made, report.until);
        let Some(told) = self.interfaces.take(report) else {
            return;
        };
        match told.change {
            Some(LinkChange::Down(reason)) => self.teller.capture_down(&told.name, Some(&reason)),
            Some(LinkChange::Up) => self.teller.capture_up(&told.name),
            None => {}
        }
        if let Some(keeping) = &mut self.keeping {
            keeping.looked(&told.name, told.looked, told.taken);
        }
        let origin = Origin {
            interface: told.name,
            worker,
            made,
            until,
        };
        let ready = self.held.take(origin, batch);
        self.absorb(ready);
    }

    fn absorb(&mut self, ready: Vec<Ready>) {
        for (interface, batch) in ready {
            self.ledger.bound_time(live_bound(&self.wall));
            self.ledger.absorb(&batch);
            if let Some(keeping) = &mut self.keeping {
                keeping.accepted(&mut self.ledger, &interface);
            }
            self.boards.watch.store(self.ledger.watch_list());
        }
    }

    fn take_readings(&mut self) {
        while let Ok(reading) = self.readings.try_recv() {
            let reading = match &self.pseudonyms {
                Some(_) => reading.map_err(DeviceFileError::discreet),
                None => reading,
            };
            self.reading_fault = reading.as_ref().err().map(ToString::to_string);
            match reading {
                Ok(listings) => {
                    tracing::info!("read the files about devices");
                    self.ledger.set_listings(listings);
                }
                Err(fault) => tracing::error!("{fault}; what was read before stays in force"),
            }
        }
    }

    /// Says once when the clock, or the times in the store, cannot be right.
    fn look_at_the_clock(&mut self) {
        let wall = wall_clock();
        let kept = self.keeping.as_ref().and_then(Keeping::reaches);
        let fault = self.wall.fault(wall, kept);
        if let (Some(fault), None) = (&fault, &self.clock_fault) {
            tracing::error!("{fault}");
        }
        self.clock_fault = fault;
    }

    /// Logs what came up since the last time.
    fn tell_disputes(&mut self, snapshot: &Snapshot) {
        for dispute in &snapshot.disputes {
            if !self.disputes.contains(dispute) {
                tracing::warn!("{dispute}");
            }
        }
        self.disputes.clone_from(&snapshot.disputes);
    }

    fn publish(&mut self, last: bool) {
        self.ledger.set_own_addresses(&self.boards.own.load());
        self.take_readings();
        self.look_at_the_clock();
        let reload = self.tell_reload();
        if let Some(keeping) = &mut self.keeping {
            keeping.catch_up(&mut self.ledger, &mut self.teller);
            keeping.tell_health(&mut self.teller);
        }
        let snapshot = self.ledger.snapshot();
        if self.teller.is_on() {
            for happening in self.ledger.happened(&snapshot) {
                self.teller.tell(happening);
            }
        }
        self.tell_disputes(&snapshot);
        let mut tracker = tracker::Stats::default();
        for interface in self.interfaces.scenes() {
            tracker.add(&interface.tracker);
        }
        if let Some(keeping) = &mut self.keeping {
            keeping.hand_over(&snapshot, &tracker.seen, &mut self.teller, last);
        }
        // The store has who devices are, or nobody could erase one.
        let snapshot = match &self.pseudonyms {
            Some(pseudonyms) => pseudonyms.hide(snapshot),
            None => snapshot,
        };
        let down = self.interfaces.scenes().iter().filter_map(|interface| {
            let why = interface.down.as_ref().or(interface.note.as_ref())?;
            Some(format!("{}: {why}", interface.name))
        });
        let down: Vec<String> = down.collect();
        let before = self.boards.scene.load();
        self.boards.scene.store(Arc::new(Scene {
            snapshot,
            tracker,
            ledger: self.ledger.stats(),
            interfaces: self.interfaces.scenes().to_vec(),
            faults: down
                .iter()
                .chain(&reload.fault)
                .chain(&self.reading_fault)
                .chain(&self.clock_fault)
                .chain(self.liveness.fault())
                .cloned()
                .chain(self.disputes.iter().map(ToString::to_string))
                .collect(),
            events: self.teller.counts(),
            store: self.keeping.as_ref().map(Keeping::scene),
            ready: true,
            reload,
            server: Arc::clone(&before.server),
            sandbox: before.sandbox,
        }));
    }
}
