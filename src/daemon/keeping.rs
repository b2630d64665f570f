//! The ledger's side of the store: what came back goes into the ledger, what was accepted is handed over.

use std::sync::Arc;

use super::keeper::{Back, Keeper, Work};
use super::teller::Teller;
use crate::history::{Recorder, Restorer};
use crate::ledger::Ledger;
use crate::metrics::StoreScene;
use crate::model::{Pack, Seen, SensorCondition, Snapshot, Span};

/// A store at work beside a ledger.
pub(super) struct Keeping {
    keeper: Keeper,
    packs: Vec<Pack>,
    recorder: Recorder,
    restorer: Option<Restorer>,
    is_failing: bool,
}

impl Keeping {
    /// Waits for what the store has, and gives it to the ledger. Where it cannot be opened, that comes later.
    pub(super) fn start(
        keeper: Keeper,
        packs: &[Pack],
        ledger: &mut Ledger,
        teller: &mut Teller,
    ) -> Self {
        let mut this = Self {
            keeper,
            packs: packs.to_vec(),
            recorder: Recorder::new(packs),
            restorer: None,
            is_failing: false,
        };
        while let Some(back) = this.keeper.back() {
            if this.take(back, ledger, teller) {
                break;
            }
        }
        this
    }

    /// Takes what came back meanwhile.
    pub(super) fn catch_up(&mut self, ledger: &mut Ledger, teller: &mut Teller) {
        while let Some(back) = self.keeper.try_back() {
            self.take(back, ledger, teller);
        }
    }

    /// Whether that was all for now.
    fn take(&mut self, back: Back, ledger: &mut Ledger, teller: &mut Teller) -> bool {
        match back {
            Back::NotOpen => true,
            Back::Rows(rows) => {
                let packs = &self.packs;
                let restorer = self.restorer.get_or_insert_with(|| Restorer::new(packs));
                for row in rows {
                    restorer.take(ledger, row);
                }
                false
            }
            Back::Done { seen, sequence } => {
                teller.continue_after(sequence);
                self.recorder.before(seen.as_deref());
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
                }
                true
            }
        }
    }

    /// Tells when the store begins to fail, and when it works again.
    pub(super) fn tell_health(&mut self, teller: &mut Teller) {
        let fault = self.keeper.scene().fault;
        match (self.is_failing, &fault) {
            (false, Some(why)) => teller.sensor(SensorCondition::StoreFailing, Some(why)),
            (true, None) => teller.sensor(SensorCondition::StoreOk, None),
            _ => {}
        }
        self.is_failing = fault.is_some();
    }

    /// What the ledger accepted from a source.
    pub(super) fn accepted(&mut self, ledger: &mut Ledger, source: &Arc<str>) {
        let accepted = ledger.accepted();
        let batch = &mut self.keeper.waiting().batch;
        self.recorder.accepted(batch, accepted, source);
    }

    /// What a source has looked at since it began, and lost.
    pub(super) fn looked(&mut self, source: &Arc<str>, span: Option<Span>, drops: (u64, u64)) {
        if let Some(span) = span {
            let batch = &mut self.keeper.waiting().batch;
            self.recorder.looked(batch, source, span, drops);
        }
    }

    /// Hands over what is to be written now. At the end of a run `last` says so.
    pub(super) fn hand_over(
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
            batch.event(told.outbox);
            messages.push((told.sequence, told.message));
        }
        if !last {
            self.keeper.hand_over();
        }
    }

    /// How the store is.
    pub(super) fn scene(&self) -> StoreScene {
        self.keeper.scene()
    }

    /// Writes what waits and ends.
    pub(super) fn stop(self) {
        self.keeper.stop();
    }
}
