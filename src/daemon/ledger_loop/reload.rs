//! Other rules come into force while reports come in.

use super::super::in_force::Change;
use super::super::worker::Report;
use super::LedgerLoop;
use crate::history::Wall;
use crate::metrics::ReloadScene;
use crate::model::{Match, Name, SensorCondition};

impl LedgerLoop {
    pub(super) fn receive(&mut self, report: Report) {
        self.liveness.heard(report.worker, report.last);
        self.held.reported(report.worker, report.made, report.last);
        if let Some(report) = self.changeover.hold(report) {
            self.take(report);
        }
    }

    /// Goes by other rules once all workers do.
    pub(super) fn go_over_if_due(&mut self) {
        if !self.changeover.is_due(self.held.is_all_heard()) {
            return;
        }
        // Seen by the former rules, and judged by them.
        let all = self.held.all(self.changeover.held());
        self.absorb(all);
        // It was sent before workers could know.
        if let Ok(Change {
            rules,
            mut settings,
        }) = self.changes.recv()
        {
            let listings = std::mem::take(&mut settings.listings);
            let carry = |name: Name<'_>, before: Option<&Match>| rules.carry(name, before);
            match self.ledger.reload(settings, &rules.packs, &carry) {
                Ok(()) => {}
                // Checked with the same packs before.
                Err(fault) => tracing::error!("{fault}; what was in force stays in force"),
            }
            self.ledger.set_listings(listings);
            self.reading_fault = None;
            self.wall = Wall::new(&rules.packs);
            if let Some(keeping) = &mut self.keeping {
                keeping.reload(&rules, &self.wall);
            }
            self.teller.sensor(SensorCondition::Reloaded, None);
        }
        for report in self.changeover.finish() {
            self.take(report);
        }
        // Whoever waited for it may be gone.
        let _ = self.changed.send(());
    }

    /// Says once when configuration, packs, or who is let in were refused.
    pub(super) fn tell_reload(&mut self) -> ReloadScene {
        let reload = ReloadScene::clone(&self.reload.load());
        let server = self.boards.scene.load().server.fault();
        let server = || server.map(|fault| String::clone(&fault));
        let refused = reload.fault.clone().or_else(server);
        if let Some(fault) = &refused
            && self.reload_fault != refused
        {
            self.teller
                .sensor(SensorCondition::ReloadFailed, Some(fault));
        }
        self.reload_fault = refused;
        reload
    }
}
