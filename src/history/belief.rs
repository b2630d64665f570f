//! As much of what is stored as can be believed: nothing that lies later than a limit.

use crate::model::{Span, Timestamp};
use crate::store::Stored;

/// Rows that wait for their time: half of what a store may hold in memory.
const MAX_LATER: usize = 16_384;

/// What lies later than is believed.
#[derive(Debug, Default)]
pub struct Later {
    /// How many rows.
    pub count: u64,
    /// How many of those are of sightings: one of them may tell of a straggler.
    pub sightings: u64,
    /// The latest time in them.
    pub last: Option<Timestamp>,
    /// The rows of sightings, replies and stretches, where somebody keeps them until their time has come.
    pub rows: Vec<Stored>,
}

/// What is believed of rows.
pub(super) struct Belief {
    /// The latest time that is.
    pub limit: Timestamp,
    pub later: Later,
    keeps_later: bool,
}

impl Belief {
    pub(super) fn until(limit: Timestamp) -> Self {
        Self {
            limit,
            later: Later::default(),
            keeps_later: false,
        }
    }

    /// Keeps what is left aside.
    pub(super) fn keep_later(&mut self) {
        self.keeps_later = true;
    }

    /// As much of a row as is believed.
    pub(super) fn of(&mut self, mut stored: Stored) -> Option<Stored> {
        let limit = self.limit;
        let until = |span: &mut Span| span.last = span.last.min(limit).max(span.first);
        let first = match &mut stored {
            // Who a device is has no time of its own.
            Stored::Host(host) => {
                host.span.first = host.span.first.min(limit);
                until(&mut host.span);
                return Some(stored);
            }
            Stored::Binding(binding) => binding.from,
            Stored::Looked(looked) => looked.span.first,
            Stored::Sighting(row) => row.sum.span.first,
            Stored::Reply(row) => row.sum.span.first,
        };
        if first > limit {
            self.set_aside(stored);
            return None;
        }
        match &mut stored {
            Stored::Looked(looked) => until(&mut looked.span),
            Stored::Sighting(row) if row.sum.span.last > limit => {
                row.sum.span.last = first;
                row.sum.reached = row.sum.reached.map(|reached| reached.min(first));
                row.sum.samples.retain(|stored| stored.sample.time <= limit);
            }
            Stored::Reply(row) if row.sum.span.last > limit => row.sum.span.last = first,
            _ => {}
        }
        Some(stored)
    }

    fn set_aside(&mut self, stored: Stored) {
        let last = match &stored {
            Stored::Host(_) | Stored::Binding(_) => return,
            Stored::Looked(looked) => looked.span.last,
            Stored::Sighting(row) => row.sum.span.last,
            Stored::Reply(row) => row.sum.span.last,
        };
        self.later.count += 1;
        self.later.sightings += u64::from(matches!(stored, Stored::Sighting(_)));
        self.later.last = self.later.last.max(Some(last));
        if self.keeps_later && self.later.rows.len() < MAX_LATER {
            self.later.rows.push(stored);
        }
    }
}
