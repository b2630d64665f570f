//! From one generation of rules to the next: what workers report is judged by the rules under which they saw it.
//!
//! A worker hands over what it has before it goes by other rules, so each report is of one generation. Those of the next one
//! are held back until every worker has gone over.

use std::time::{Duration, Instant};

use super::super::worker::Report;

/// How long it is waited for a worker: they look for rules about once a second. What one that is later still reports of the
/// former generation is judged by the next.
const PATIENCE: Duration = Duration::from_secs(10);
/// Reports held back for each worker: in a flood they come early, and are large.
const MAX_HELD: usize = 4;

/// Which worker goes by which generation.
pub(super) struct Changeover {
    /// In force now.
    generation: u64,
    /// By worker; `None` once it has ended.
    workers: Vec<Option<u64>>,
    held: Vec<Report>,
    began: Option<Instant>,
}

impl Changeover {
    /// So many workers go by the first generation.
    pub(super) fn new(workers: usize) -> Self {
        Self {
            generation: 0,
            workers: vec![Some(0); workers],
            held: Vec::new(),
            began: None,
        }
    }

    /// Gives a report back that can be judged now, and holds one that cannot.
    pub(super) fn hold(&mut self, report: Report) -> Option<Report> {
        if let Some(worker) = self.workers.get_mut(report.worker) {
            *worker = (!report.last).then_some(report.generation);
        }
        if report.generation <= self.generation {
            return Some(report);
        }
        self.began.get_or_insert_with(Instant::now);
        self.held.push(report);
        None
    }

    /// What is held back.
    pub(super) fn held(&mut self) -> &mut [Report] {
        &mut self.held
    }

    /// Whether the next generation comes into force now; `all_heard` says that nothing of the former one waits for what others
    /// heard meanwhile.
    pub(super) fn is_due(&self, all_heard: bool) -> bool {
        let Some(began) = self.began else {
            return false;
        };
        let mut workers = self.workers.iter().flatten();
        (all_heard && workers.all(|&generation| generation > self.generation))
            || began.elapsed() > PATIENCE
            || self.held.len() >= MAX_HELD * self.workers.len()
    }

    /// The next generation is in force: gives what was held back, in its order.
    pub(super) fn finish(&mut self) -> Vec<Report> {
        self.generation += 1;
        self.began = None;
        std::mem::take(&mut self.held)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(worker: usize, generation: u64, up: bool) -> Report {
        Report {
            generation,
            last: !up,
            ..Report::of(worker, crate::model::Batch::default())
        }
    }

    #[test]
    fn reports_wait_for_the_slowest_worker_that_lives() {
        let mut change = Changeover::new(3);
        assert!(change.hold(report(0, 0, true)).is_some() && !change.is_due(true));
        assert!(change.hold(report(0, 1, true)).is_none() && !change.is_due(true));
        assert!(change.hold(report(1, 0, true)).is_some() && !change.is_due(true));
        assert!(change.hold(report(2, 0, false)).is_some() && !change.is_due(true));
        assert!(change.hold(report(1, 1, true)).is_none() && change.is_due(true));
        assert!(
            !change.is_due(false),
            "something waits for what others heard"
        );
        let held = change.finish();
        assert_eq!(
            held.iter().map(|held| held.worker).collect::<Vec<_>>(),
            [0, 1]
        );
        assert!(!change.is_due(true));
        assert!(change.hold(report(0, 1, true)).is_some());
    }

    #[test]
    fn what_is_held_is_bounded() {
        let mut change = Changeover::new(2);
        for held in 1..=2 * MAX_HELD {
            assert!(change.hold(report(0, 1, true)).is_none());
            assert_eq!(change.is_due(true), held == 2 * MAX_HELD);
        }
    }
}
