//! What workers tell of their interfaces: one or several for each, and whoever looks sees interfaces.

use std::sync::Arc;

use super::super::worker::Report;
use crate::capture;
use crate::history::Taken;
use crate::metrics::InterfaceScene;
use crate::model::{Losses, Span, Tap};
use crate::tracker;

/// The captured interfaces, and what each of their workers told last.
pub(in crate::daemon) struct Interfaces {
    scenes: Vec<InterfaceScene>,
    names: Vec<Arc<str>>,
    /// Of the first interface, then of the second.
    workers: Vec<Told>,
    /// Workers of each interface.
    each: usize,
    /// By interface: up to when the store was told that it was looked at.
    looked: Vec<Option<Span>>,
}

/// What a worker told last.
#[derive(Clone, Default)]
struct Told {
    tracker: tracker::Stats,
    capture: capture::Stats,
    looked: Option<Span>,
    restarts: u64,
    down: Option<String>,
    note: Option<String>,
    is_last: bool,
}

/// What a report changes at its interface.
pub(super) struct Taking {
    pub(super) name: Arc<str>,
    pub(super) change: Option<LinkChange>,
    /// What all its workers together looked at, as far as it is news.
    pub(super) looked: Option<Span>,
    /// What they took and lost in all.
    pub(super) taken: Taken,
}

/// Whether an interface can be looked at has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum LinkChange {
    /// It cannot any more, for this reason.
    Down(String),
    /// It can again.
    Up,
}

impl Interfaces {
    /// Interfaces with so many workers each, of which nothing was told yet; those that are waited for are not `up`.
    pub(in crate::daemon) fn new(names: &[String], up: &[bool], each: usize) -> Self {
        let scenes = names.iter().zip(up).map(|(name, &up)| InterfaceScene {
            name: name.clone(),
            up,
            worker_frames: vec![0; each],
            ..InterfaceScene::default()
        });
        Self {
            scenes: scenes.collect(),
            names: names.iter().map(|name| Arc::from(name.as_str())).collect(),
            workers: vec![Told::default(); names.len() * each],
            each,
            looked: vec![None; names.len()],
        }
    }

    /// Workers of all interfaces.
    pub(super) fn workers(&self) -> usize {
        self.workers.len()
    }

    /// Workers of each interface.
    pub(super) fn each(&self) -> usize {
        self.each
    }

    /// The interfaces as they are to be seen.
    pub(super) fn scenes(&self) -> &[InterfaceScene] {
        &self.scenes
    }

    /// What a worker took and lost since its last report.
    pub(super) fn losses(&self, report: &Report) -> Option<Losses> {
        let before = self.workers.get(report.worker)?;
        let lost = |stats: &capture::Stats| stats.kernel_drops + stats.interface_drops;
        let frames = |stats: &tracker::Stats| stats.seen.frames;
        Some(Losses {
            at: report.batch.clock?,
            tap: Tap {
                interface: report.worker / self.each,
                worker: report.worker % self.each,
            },
            taken: frames(&report.tracker).saturating_sub(frames(&before.tracker)),
            lost: lost(&report.capture).saturating_sub(lost(&before.capture)),
        })
    }

    /// Takes a report, and says what it changes.
    pub(super) fn take(&mut self, report: Report) -> Option<Taking> {
        let told = self.workers.get_mut(report.worker)?;
        let looked_before = told.looked;
        *told = Told {
            tracker: report.tracker,
            capture: report.capture,
            looked: report.batch.looked.or(looked_before),
            restarts: report.restarts,
            down: report.down,
            note: report.note,
            is_last: report.last,
        };
        let at = report.worker / self.each;
        let workers = &self.workers[at * self.each..][..self.each];
        let scene = self.scenes.get_mut(at)?;
        let was_down = scene.down.is_some();
        scene.tracker = tracker::Stats::default();
        scene.capture = capture::Stats::default();
        for (worker, frames) in workers.iter().zip(&mut scene.worker_frames) {
            scene.tracker.add(&worker.tracker);
            scene.capture.kernel_drops += worker.capture.kernel_drops;
            scene.capture.interface_drops += worker.capture.interface_drops;
            *frames = worker.tracker.seen.frames;
        }
        // They open it together, so each tells the same number.
        let restarts = workers.iter().map(|worker| worker.restarts);
        scene.restarts = restarts.max().unwrap_or_default();
        scene.down = workers.iter().find_map(|worker| worker.down.clone());
        scene.note = workers.iter().find_map(|worker| worker.note.clone());
        scene.up = scene.down.is_none() && workers.iter().all(|worker| !worker.is_last);
        let change = match (&scene.down, was_down) {
            (Some(reason), false) => Some(LinkChange::Down(reason.clone())),
            (None, true) => Some(LinkChange::Up),
            _ => None,
        };
        let taken = Taken {
            frames: scene.tracker.seen.frames,
            kernel_drops: scene.capture.kernel_drops,
            interface_drops: scene.capture.interface_drops,
        };
        let looked = report
            .batch
            .looked
            .map(|span| news(self.looked[at], span, looked_before));
        self.looked[at] = looked.or(self.looked[at]);
        Some(Taking {
            name: Arc::clone(&self.names[at]),
            change,
            looked,
            taken,
        })
    }
}

/// What a worker's stretch adds to that of its interface. Workers report one after the other, so one that ends earlier is no
/// clock that was set back; that is only where the worker's own went back.
fn news(known: Option<Span>, span: Span, before: Option<Span>) -> Span {
    let was_set_back = before.is_some_and(|before| span.last < before.last);
    match known {
        Some(known) if span.last < known.last && !was_set_back => Span {
            first: known.first,
            last: known.last,
        },
        _ => span,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::model::{Batch, Timestamp};

    fn report(worker: usize, frames: u64, drops: u64, down: Option<&str>, until: i64) -> Report {
        let mut tracker = tracker::Stats::default();
        tracker.seen.frames = frames;
        let at = |second| Timestamp::from_unix(second, 0);
        Report {
            worker,
            made: Instant::now(),
            until: at(until),
            generation: 0,
            batch: Batch {
                clock: Some(at(until)),
                looked: Some(Span {
                    first: at(0),
                    last: at(until),
                }),
                ..Batch::default()
            },
            tracker,
            capture: capture::Stats {
                kernel_drops: drops,
                interface_drops: 0,
            },
            restarts: 1,
            down: down.map(str::to_owned),
            note: None,
            last: false,
        }
    }

    #[test]
    fn an_interface_is_the_sum_of_its_workers_and_goes_down_once() {
        let mut interfaces = Interfaces::new(&["a".to_owned(), "b".to_owned()], &[true; 2], 2);
        let mut take = |report: Report| {
            let losses = interfaces.losses(&report).unwrap();
            let taking = interfaces.take(report).unwrap();
            (losses, taking, interfaces.scenes().to_vec())
        };
        take(report(2, 10, 1, None, 10));
        let (losses, taking, scenes) = take(report(3, 30, 5, None, 9));
        assert_eq!((losses.taken, losses.lost), (30, 5));
        assert_eq!((losses.tap.interface, losses.tap.worker), (1, 1));
        assert_eq!((&*taking.name, taking.change), ("b", None));
        assert_eq!((taking.taken.frames, taking.taken.kernel_drops), (40, 6));
        // One that reports for an earlier second takes nothing back.
        assert_eq!(taking.looked.unwrap().last, Timestamp::from_unix(10, 0));
        assert_eq!((scenes[1].restarts, scenes[1].up), (1, true));
        assert_eq!(scenes[1].worker_frames, [10, 30]);
        let gone = Some(LinkChange::Down("gone".to_owned()));
        assert_eq!(take(report(2, 11, 1, Some("gone"), 12)).1.change, gone);
        let (losses, taking, scenes) = take(report(3, 30, 7, Some("gone"), 12));
        assert_eq!((losses.taken, losses.lost), (0, 2));
        assert_eq!(
            (taking.change, scenes[1].up, scenes[0].up),
            (None, false, true)
        );
        assert_eq!(take(report(2, 11, 1, None, 13)).1.change, None);
        let up = take(report(3, 30, 7, None, 13));
        assert_eq!((up.1.change, up.2[1].up), (Some(LinkChange::Up), true));
    }
}
