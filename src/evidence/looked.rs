//! Which stretches of capture time the sensor looked at.

use std::time::Duration;

use crate::model::{Span, Timestamp};

/// Stretches kept: a sensor that restarts every few minutes for a day has fewer.
const MAX_STRETCHES: usize = 1024;

/// A union of stretches, sorted, none touching another.
#[derive(Clone, Debug, Default)]
pub struct Looked {
    stretches: Vec<Span>,
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

    /// Share of the time (`end` − `window`, `end`] that was looked at, 0 to 1.
    pub fn share(&self, end: Timestamp, window: Duration) -> f64 {
        let start = end.before(window);
        let seen: Duration = self
            .stretches
            .iter()
            .map(|span| span.last.min(end).since(span.first.max(start)))
            .sum();
        seen.as_secs_f64() / window.as_secs_f64()
    }
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
}
