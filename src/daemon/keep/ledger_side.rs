//! The ledger's side of the store: what came back goes into the ledger, what was accepted is handed over.

use std::sync::Arc;

use anyhow::Result;

use super::super::teller::Teller;
use super::super::wall::live_bound;
use super::keeper::Keeper;
use super::{Back, Plan, SEQUENCE, Work};
use crate::history::{self, Later, Recorder, Restorer, Surroundings, Taken, Wall};
use crate::ledger::Ledger;
use crate::metrics::StoreScene;
use crate::model::{Seen, SensorCondition, Snapshot, Span, Timestamp};
use crate::rules::RuleSet;
use crate::store::Operation;

/// A store at work beside a ledger.
pub(in crate::daemon) struct Keeping {
    keeper: Keeper,
    rules: Arc<RuleSet>,
    recorder: Recorder,
    restorer: Option<Restorer>,
    wall: Wall,
    /// What the store had that is later than wall time.
    later: Later,
    /// The sequence of the latest event, and whether the store was given it.
    sequence: u64,
    is_sequence_kept: bool,
    /// Failures that were told of.
    errors: u64,
    is_failing: bool,
}

impl Keeping {
    /// Waits for what the store has, and gives it to the ledger. Where it cannot be opened, that comes later.
    pub(in crate::daemon) fn start(
        plan: Plan,
        rules: &Arc<RuleSet>,
        wall: &Wall,
        ledger: &mut Ledger,
        teller: &mut Teller,
    ) -> Result<Self> {
        let mut recorder = Recorder::new(&rules.packs);
        recorder.placed(&plan.networks);
        let mut this = Self {
            keeper: Keeper::start(plan, teller.handle())?,
            rules: Arc::clone(rules),
            recorder,
            restorer: None,
            wall: wall.clone(),
            later: Later::default(),
            sequence: 0,
            is_sequence_kept: true,
            errors: 0,
            is_failing: false,
        };
        while let Some(back) = this.keeper.back() {
            if this.take(back, ledger, teller) {
                break;
            }
        }
        Ok(this)
    }

    /// Other rules are in force: what comes back, and what is accepted, is judged by them.
    pub(in crate::daemon) fn reload(&mut self, rules: &Arc<RuleSet>, wall: &Wall) {
        self.recorder.reload(&rules.packs);
        if let Some(restorer) = &mut self.restorer {
            restorer.reload(Arc::clone(rules));
        }
        self.rules = Arc::clone(rules);
        self.wall = wall.clone();
    }

    /// Takes what came back meanwhile.
    pub(in crate::daemon) fn catch_up(&mut self, ledger: &mut Ledger, teller: &mut Teller) {
        while let Some(back) = self.keeper.try_back() {
            self.take(back, ledger, teller);
        }
        self.give_due(ledger);
    }

    /// Gives the ledger what was later than wall time and is not any more: it has moved on, or was set right.
    fn give_due(&mut self, ledger: &mut Ledger) {
        if self.later.rows.is_empty() {
            return;
        }
        let limit = live_bound(&self.wall);
        let rows = std::mem::take(&mut self.later.rows);
        let around = Surroundings::default();
        let mut restorer = Restorer::new(Arc::clone(&self.rules), around, limit).keeping_later();
        for row in rows {
            restorer.take(ledger, row);
        }
        self.later.rows = restorer.into_later().rows;
    }

    /// The latest time in the store that was later than wall time when it was opened.
    pub(in crate::daemon) fn reaches(&self) -> Option<Timestamp> {
        self.later.last
    }

    /// Whether that was all for now.
    fn take(&mut self, back: Back, ledger: &mut Ledger, teller: &mut Teller) -> bool {
        match back {
            Back::NotOpen => true,
            Back::Anew => {
                self.recorder.anew();
                self.is_sequence_kept = false;
                false
            }
            Back::Begin { seen } => {
                let around = seen.as_deref().map(history::surroundings);
                let around = around.unwrap_or_default();
                self.recorder.before(around.clone());
                let limit = live_bound(&self.wall);
                let restorer = Restorer::new(Arc::clone(&self.rules), around, limit);
                self.restorer = Some(restorer.keeping_later());
                false
            }
            Back::Rows(rows) => {
                if let Some(restorer) = &mut self.restorer {
                    for row in rows {
                        restorer.take(ledger, row);
                    }
                }
                false
            }
            Back::Done { sequence } => {
                teller.continue_after(sequence);
                self.sequence = sequence;
                if let Some(restorer) = self.restorer.take() {
                    let restored = restorer.finish(ledger);
                    let (rows, others) = (restored.rows, restored.not_in_force);
                    tracing::info!(rows, "what earlier runs had found is restored");
                    if others > 0 {
                        tracing::info!(
                            rows = others,
                            "rows of services that no pack in force has are left in the store"
                        );
                    }
                    self.later = restored.later;
                }
                true
            }
        }
    }

    /// Tells when the store begins to fail, and when it works again.
    pub(in crate::daemon) fn tell_health(&mut self, teller: &mut Teller) {
        let StoreScene {
            fault,
            notice,
            errors,
            ..
        } = self.keeper.scene();
        let errors: u64 = errors.iter().sum();
        // All else the thread says itself.
        if !self.is_failing && !self.keeper.has_writer() {
            tracing::error!("store: {}", fault.as_deref().unwrap_or_default());
        }
        // A fault that holds nothing up: a damaged file was set aside, or rows wait for their time.
        let late = self
            .later
            .last
            .map(|last| format!("findings dated up to {last} are later than this machine's clock"));
        let passed = notice
            .or(late)
            .filter(|_| errors > self.errors && fault.is_none());
        let why = fault.as_ref().or(passed.as_ref());
        if let (false, Some(why)) = (self.is_failing, why) {
            teller.sensor(SensorCondition::StoreFailing, Some(why));
        }
        if fault.is_none() && (self.is_failing || passed.is_some()) {
            teller.sensor(SensorCondition::StoreOk, None);
        }
        self.errors = errors;
        self.is_failing = fault.is_some();
    }

    /// What the ledger accepted from a source.
    pub(in crate::daemon) fn accepted(&mut self, ledger: &mut Ledger, source: &Arc<str>) {
        let accepted = ledger.accepted();
        let batch = &mut self.keeper.waiting().batch;
        self.recorder.accepted(batch, accepted, source);
    }

    /// What a source has looked at since it began, and lost.
    pub(in crate::daemon) fn looked(
        &mut self,
        source: &Arc<str>,
        span: Option<Span>,
        taken: Taken,
    ) {
        if let Some(span) = span {
            let batch = &mut self.keeper.waiting().batch;
            self.recorder.looked(batch, source, span, taken);
        }
    }

    /// Hands over what is to be written now. At the end of a run `last` says so.
    pub(in crate::daemon) fn hand_over(
        &mut self,
        snapshot: &Snapshot,
        seen: &Seen,
        teller: &mut Teller,
        last: bool,
    ) {
        let Work {
            batch,
            messages,
            now,
        } = self.keeper.waiting();
        *now = snapshot.at;
        self.recorder.hosts(batch, snapshot, last);
        self.recorder.seen(batch, seen, snapshot);
        for told in teller.unwritten() {
            self.sequence = told.sequence;
            self.is_sequence_kept = false;
            batch.event(told.outbox);
            messages.push(told.message);
        }
        if !std::mem::replace(&mut self.is_sequence_kept, true) {
            batch.remember(SEQUENCE, self.sequence.to_string());
        }
        if !last {
            self.keeper.hand_over();
        }
    }

    /// How the store is.
    pub(in crate::daemon) fn scene(&self) -> StoreScene {
        let mut scene = self.keeper.scene();
        if self.later.last.is_some() {
            // Not of a store that can be read but of what it says; it is counted, so that somebody is called.
            scene.count(Operation::Read);
        }
        scene
    }

    /// Whether somebody is there who writes.
    pub(in crate::daemon) fn has_writer(&self) -> bool {
        self.keeper.has_writer()
    }

    /// Writes what waits and ends.
    pub(in crate::daemon) fn stop(self) {
        self.keeper.stop();
    }
}
