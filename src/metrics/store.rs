//! How the store is, and its families.

use super::families as f;
use super::samples::{Samples, number};
use crate::model::Timestamp;
use crate::store::{Lost, Operation, Stats};

/// The store as it is seen from outside.
#[derive(Clone, Debug, Default)]
pub struct StoreScene {
    /// Its folder.
    pub folder: String,
    /// Whether it is open.
    pub is_open: bool,
    /// Bytes on the disk.
    pub size_bytes: u64,
    /// Wall time of the latest batch written in this run.
    pub last_write: Option<Timestamp>,
    /// Failures by operation, in the order of [`Operation::ALL`].
    pub errors: [u64; Operation::ALL.len()],
    /// Rows that wait in memory.
    pub waiting: u64,
    /// What found no place while rows waited, for good.
    pub lost: Lost,
    /// What is wrong now, for people.
    pub fault: Option<String>,
    /// What happened to it in this run that people should know.
    pub notice: Option<String>,
}

impl StoreScene {
    /// Counts a failure.
    pub fn count(&mut self, operation: Operation) {
        self.errors[operation as usize] += 1;
    }

    /// Takes the counters of a store that is open.
    pub fn opened(&mut self, stats: &Stats) {
        self.closed(stats);
        self.size_bytes = stats.size_bytes;
    }

    /// Takes the counters of a store that was closed.
    pub fn closed(&mut self, stats: &Stats) {
        self.last_write = stats.last_write.or(self.last_write);
        for (ours, theirs) in self.errors.iter_mut().zip(stats.errors) {
            *ours += theirs;
        }
    }
}

/// The families of the store.
pub(super) fn store(samples: &mut Samples, store: &StoreScene) {
    if store.is_open {
        samples.add(&f::STORE_SIZE, &[], number(store.size_bytes));
    }
    if let Some(last) = store.last_write {
        samples.add(&f::STORE_LAST_WRITE, &[], last.as_seconds());
    }
    for &operation in Operation::ALL {
        let errors = store.errors[operation as usize];
        samples.add(&f::STORE_ERRORS, &[operation.label()], number(errors));
    }
    samples.add(&f::STORE_WAITING, &[], number(store.waiting));
    let Lost {
        sightings,
        bytes: _,
        replies,
        hosts,
        looked,
        events,
        files,
    } = store.lost;
    let lost = [
        ("sightings", sightings),
        ("replies", replies),
        ("hosts", hosts),
        ("looked", looked),
        ("events", events),
        ("files", files),
    ];
    for (kind, count) in lost {
        samples.add(&f::STORE_LOST, &[kind], number(count));
    }
}
