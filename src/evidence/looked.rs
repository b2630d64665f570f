//! Which stretches of capture time the sensor looked at, and how much of them it lost.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::{Losses, Span, Tap, Timestamp};

/// Stretches kept: a sensor that restarts every few minutes for a day has fewer.
const MAX_STRETCHES: usize = 1024;
/// Minutes of which losses are kept: two windows.
const MAX_MINUTES: usize = 2 * 24 * 60;
const MINUTE: i64 = 60;

/// A union of stretches, sorted, none touching another.
#[derive(Clone, Debug, Default)]
pub struct Looked {
    stretches: Vec<Span>,
    /// Frames taken and lost by minute.
    minutes: BTreeMap<i64, Minute>,
}

/// Frames taken and lost in a minute, by whom, sorted.
#[derive(Clone, Debug, Default)]
struct Minute(Vec<(Tap, Frames)>);

#[derive(Clone, Copy, Debug, Default)]
struct Frames {
    taken: u64,
    lost: u64,
}

impl Minute {
    fn add(&mut self, losses: Losses) {
        let at = self.0.partition_point(|(tap, _)| *tap < losses.tap);
        if self.0.get(at).is_none_or(|(tap, _)| *tap != losses.tap) {
            self.0.insert(at, (losses.tap, Frames::default()));
        }
        let frames = &mut self.0[at].1;
        frames.taken += losses.taken;
        frames.lost += losses.lost;
    }

    /// The share that was lost, `None` where nothing was. Of an interface with several workers that of the worst one: what a
    /// host says to one server is one worker's. Interfaces count by their frames.
    fn lost(&self) -> Option<f64> {
        let total = |frames: &Frames| frames.taken + frames.lost;
        let lost: u64 = self.0.iter().map(|(_, frames)| frames.lost).sum();
        let all: u64 = self.0.iter().map(|(_, frames)| total(frames)).sum();
        let interfaces = self.0.chunk_by(|(a, _), (b, _)| a.interface == b.interface);
        let worst = interfaces.map(|workers| {
            let shares = workers
                .iter()
                .filter(|(_, frames)| total(frames) > 0)
                .map(|(_, frames)| share(frames.lost, total(frames)));
            let frames: u64 = workers.iter().map(|(_, frames)| total(frames)).sum();
            shares.fold(0.0, f64::max) * share(frames, all)
        });
        (lost > 0).then(|| worst.sum())
    }
}

impl Looked {
    /// Adds a stretch.
    pub fn add(&mut self, span: Span) {
        let from = self
            .stretches
            .partition_point(|other| other.last < span.first);
        let to = self
            .stretches
            .partition_point(|other| other.first <= span.last);
        let mut merged = span;
        for other in &self.stretches[from..to] {
            merged.cover(other.first);
            merged.cover(other.last);
        }
        self.stretches.splice(from..to, [merged]);
        if self.stretches.len() > MAX_STRETCHES {
            self.stretches.remove(0);
        }
    }

    /// Notes what an interface took and lost.
    pub fn lose(&mut self, losses: Losses) {
        if losses.taken + losses.lost == 0 {
            return;
        }
        let minute = self.minutes.entry(losses.at.minute()).or_default();
        minute.add(losses);
        if self.minutes.len() > MAX_MINUTES {
            self.minutes.pop_first();
        }
    }

    /// Notes what was taken and lost in a stretch, nobody knows when in it: each of its minutes lost the same share.
    pub fn lose_over(&mut self, span: Span, taken: u64, lost: u64) {
        let last = span.last.minute();
        for minute in span.first.minute()..=last {
            let at = Timestamp::from_unix(minute * MINUTE, 0);
            let tap = Tap::default();
            self.lose(Losses {
                at,
                tap,
                taken,
                lost,
            });
        }
    }

    /// Whether any frame was lost in the time (`end` − `window`, `end`].
    pub fn lost_any(&self, end: Timestamp, window: Duration) -> bool {
        self.lossy_minutes(end, window).next().is_some()
    }

    /// Minutes that reach into a window and in which frames were lost, with the share that was lost.
    fn lossy_minutes(&self, end: Timestamp, window: Duration) -> impl Iterator<Item = (Span, f64)> {
        let minutes = self
            .minutes
            .range(end.before(window).minute()..=end.minute());
        minutes.filter_map(|(&minute, frames)| {
            let span = Span {
                first: Timestamp::from_unix(minute * MINUTE, 0),
                last: Timestamp::from_unix((minute + 1) * MINUTE, 0),
            };
            Some((span, frames.lost()?))
        })
    }

    /// Share of the time (`end` − `window`, `end`] that was looked at, 0 to 1. A minute in which a share of the frames was
    /// lost counts for as much less: packets that were not captured were not looked at.
    pub fn share(&self, end: Timestamp, window: Duration) -> f64 {
        let start = end.before(window);
        let seen = |from: Timestamp, to: Timestamp| -> f64 {
            let stretches = self.stretches.iter();
            let seen: Duration = stretches
                .map(|span| span.last.min(to).since(span.first.max(from)))
                .sum();
            seen.as_secs_f64()
        };
        let lost: f64 = self
            .lossy_minutes(end, window)
            .map(|(minute, lost)| seen(minute.first.max(start), minute.last.min(end)) * lost)
            .sum();
        (seen(start, end) - lost) / window.as_secs_f64()
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of frames in a minute are far below 2^52"
)]
fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(first: i64, last: i64) -> Span {
        Span {
            first: Timestamp::from_unix(first, 0),
            last: Timestamp::from_unix(last, 0),
        }
    }

    #[test]
    fn the_worst_worker_of_an_interface_counts() {
        let at = Timestamp::from_unix(30, 0);
        let share = |of: &[(usize, usize, u64, u64)]| {
            let mut minute = Minute::default();
            for &(interface, worker, taken, lost) in of {
                let tap = Tap { interface, worker };
                minute.add(Losses {
                    at,
                    tap,
                    taken,
                    lost,
                });
            }
            minute.lost()
        };
        let is_about = |share: Option<f64>, expected: f64| (share.unwrap() - expected).abs() < 1e-9;
        assert_eq!(share(&[(0, 0, 100, 0), (0, 1, 100, 0)]), None);
        // One of four workers loses three in ten frames, in two reports.
        let [calm, other, third] = [1, 2, 3].map(|worker| (0, worker, 100, 0));
        let lossy = [(0, 0, 35, 0), calm, (0, 0, 35, 30), other, third];
        assert!(is_about(share(&lossy), 0.3));
        // All lose as much: no more than that.
        let all = [0, 1, 2, 3].map(|worker| (0, worker, 90, 10));
        assert!(is_about(share(&all), 0.1));
        // The same worker's number on another interface is another worker.
        assert!(is_about(share(&[(0, 0, 50, 50), (1, 0, 300, 0)]), 0.125));
    }

    #[test]
    fn stretches_join_and_count_once() {
        let mut looked = Looked::default();
        for (first, last) in [(0, 10), (50, 60), (5, 20), (5, 20), (55, 58), (15, 50)] {
            looked.add(span(first, last));
        }
        assert_eq!(looked.stretches, [span(0, 60)]);
        looked.add(span(80, 90));
        let end = Timestamp::from_unix(100, 0);
        assert!((looked.share(end, Duration::from_secs(100)) - 0.7).abs() < 1e-9);
        assert!((looked.share(end, Duration::from_secs(20)) - 0.5).abs() < 1e-9);
        assert!(Looked::default().share(end, Duration::from_secs(20)).abs() < 1e-9);
    }

    #[test]
    fn what_was_lost_was_not_looked_at() {
        let mut looked = Looked::default();
        looked.add(span(0, 600));
        let losses = |second, taken, lost| Losses {
            at: Timestamp::from_unix(second, 0),
            tap: Tap::default(),
            taken,
            lost,
        };
        let end = Timestamp::from_unix(600, 0);
        let window = Duration::from_secs(600);
        looked.lose(losses(30, 500, 0));
        assert!(!looked.lost_any(end, window));
        assert!((looked.share(end, window) - 1.0).abs() < 1e-9);
        // Half of one minute in ten, from two interfaces together; a minute that nobody looked at costs nothing more.
        looked.lose(losses(70, 100, 300));
        looked.lose(losses(75, 200, 0));
        looked.lose(losses(700, 0, 10));
        assert!(looked.lost_any(end, window));
        assert!((looked.share(end, window) - 0.95).abs() < 1e-9);
        let later = Timestamp::from_unix(600 + 120, 0);
        assert!((looked.share(later, window) - 0.8).abs() < 1e-9);
        for minute in 0..10_000 {
            looked.lose(losses(minute * MINUTE, 1, 1));
        }
        assert_eq!(looked.minutes.len(), MAX_MINUTES);
    }
}
