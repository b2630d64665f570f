//! Where several workers share an interface: what one saw waits until the others have told what they heard meanwhile.
//!
//! Who a device is, is heard by the first worker, and its traffic is seen by all. A sighting fixes the key of its host by what
//! was proven up to its own time, so what was proven has to be with the ledger before it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::model::Batch;

/// What came to an interface so long before a worker reported is in its report: until then the kernel may hold it back.
const READ_AFTER: Duration = Duration::from_millis(300);
/// How long it is waited for a worker: they report once a second.
const PATIENCE: Duration = Duration::from_secs(3);
/// Records that wait, of all workers, at most 1 KiB each; beyond, what waits longest does so no more.
const MAX_RECORDS: usize = 32_768;

/// What waits.
pub(super) struct Held {
    /// Workers of each interface.
    each: usize,
    /// When each worker made its latest report; `None` once it has ended.
    reported: Vec<Option<Instant>>,
    waiting: VecDeque<Waiting>,
    records: usize,
}

struct Waiting {
    interface: Arc<str>,
    worker: usize,
    made: Instant,
    batch: Batch,
}

/// A batch that the ledger can take, and of which interface it is.
pub(super) type Ready = (Arc<str>, Batch);

/// Whose report a batch is of, and when it was made.
pub(super) struct Origin {
    pub(super) interface: Arc<str>,
    pub(super) worker: usize,
    pub(super) made: Instant,
    /// Whether the worker has ended.
    pub(super) is_last: bool,
}

impl Held {
    /// Nothing of so many workers, of which so many share an interface each.
    pub(super) fn new(workers: usize, each: usize) -> Self {
        Self {
            each,
            reported: vec![Some(Instant::now()); workers],
            waiting: VecDeque::new(),
            records: 0,
        }
    }

    /// Takes a batch. Gives what the ledger can take now: what was said of devices at once, all else once it can be judged.
    pub(super) fn take(&mut self, origin: Origin, mut batch: Batch) -> Vec<Ready> {
        if self.each <= 1 {
            return vec![(origin.interface, batch)];
        }
        if let Some(reported) = self.reported.get_mut(origin.worker) {
            *reported = (!origin.is_last).then_some(origin.made);
        }
        let heard = Batch {
            interface: batch.interface.clone(),
            identities: std::mem::take(&mut batch.identities),
            resolutions: std::mem::take(&mut batch.resolutions),
            ..Batch::default()
        };
        let mut ready = vec![(Arc::clone(&origin.interface), heard)];
        self.records += records(&batch);
        self.waiting.push_back(Waiting {
            interface: origin.interface,
            worker: origin.worker,
            made: origin.made,
            batch,
        });
        ready.extend(self.due(Instant::now()));
        ready
    }

    /// What waited long enough, in its order.
    pub(super) fn due(&mut self, now: Instant) -> Vec<Ready> {
        let mut due = Vec::new();
        while let Some(first) = self.waiting.front()
            && (self.records > MAX_RECORDS
                || now.saturating_duration_since(first.made) > PATIENCE
                || self.is_heard(first))
            && let Some(first) = self.waiting.pop_front()
        {
            self.records -= records(&first.batch);
            due.push((first.interface, first.batch));
        }
        due
    }

    /// All that waits: nothing more comes, or it would be judged by other rules.
    pub(super) fn all(&mut self) -> Vec<Ready> {
        self.records = 0;
        let all = self.waiting.drain(..);
        all.map(|waiting| (waiting.interface, waiting.batch))
            .collect()
    }

    /// Whether every other worker of the interface has told what it heard up to then.
    fn is_heard(&self, waiting: &Waiting) -> bool {
        let first = waiting.worker - waiting.worker % self.each;
        let others = self.reported.iter().enumerate().skip(first).take(self.each);
        let mut others = others.filter(|(worker, _)| *worker != waiting.worker);
        others.all(|(_, reported)| {
            reported.is_none_or(|reported| reported >= waiting.made + READ_AFTER)
        })
    }
}

fn records(batch: &Batch) -> usize {
    batch.sightings.len() + batch.replies.len() + batch.presences.len() + batch.flow_ends.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{IdentityFact, Mac, Neighbour, NeighbourSource, Presence, Timestamp, Way};

    struct Workers {
        held: Held,
        start: Instant,
    }

    impl Workers {
        fn new(workers: usize, each: usize) -> Self {
            let start = Instant::now();
            Self {
                held: Held::new(workers, each),
                start,
            }
        }

        /// Reports with so many hosts, so long after the start; gives the hosts that the ledger can take, by batch.
        fn report(&mut self, worker: usize, millis: u64, hosts: usize) -> Vec<usize> {
            let origin = Origin {
                interface: Arc::from("eth0"),
                worker,
                made: self.start + Duration::from_millis(millis),
                is_last: false,
            };
            let ready = self.held.take(origin, batch(hosts));
            ready
                .iter()
                .map(|(_, batch)| batch.presences.len())
                .collect()
        }
    }

    fn batch(hosts: usize) -> Batch {
        let time = Timestamp::from_unix(1, 0);
        let host = [10, 0, 0, 1].into();
        let presence = Presence {
            host,
            time,
            way: Way::Unknown,
        };
        let neighbour = IdentityFact::Neighbour(Neighbour {
            address: host,
            mac: Mac::new([2, 0, 0, 0, 0, 1]),
            source: NeighbourSource::ArpRequest,
            router: false,
        });
        Batch {
            presences: vec![presence; hosts],
            identities: vec![(neighbour, time)],
            ..Batch::default()
        }
    }

    #[test]
    fn one_worker_waits_for_nobody() {
        let mut workers = Workers::new(2, 1);
        assert_eq!(workers.report(0, 1_000, 3), [3]);
        assert_eq!(workers.report(1, 1_500, 4), [4]);
        assert!(workers.held.all().is_empty());
    }

    #[test]
    fn what_was_heard_comes_at_once_and_what_was_seen_waits_for_it() {
        let mut workers = Workers::new(4, 2);
        assert_eq!(workers.report(0, 1_000, 1), [0]);
        // Too soon behind it, and of another interface.
        assert_eq!(workers.report(1, 1_200, 2), [0]);
        assert_eq!(workers.report(2, 1_900, 9), [0]);
        assert_eq!(workers.report(0, 2_000, 3), [0]);
        // In the order in which they came: the first one can be judged now, and so can the second, the third cannot.
        assert_eq!(workers.report(1, 2_200, 4), [0, 1, 2]);
        let all = workers.held.all();
        let all: Vec<usize> = all.iter().map(|(_, batch)| batch.presences.len()).collect();
        assert_eq!(all, [9, 3, 4]);
    }

    #[test]
    fn nobody_is_waited_for_for_ever() {
        let mut workers = Workers::new(2, 2);
        assert_eq!(workers.report(0, 0, 1), [0]);
        let [soon, late] =
            [2_900, 3_100].map(|millis| workers.start + Duration::from_millis(millis));
        assert!(workers.held.due(soon).is_empty());
        assert_eq!(workers.held.due(late).len(), 1);
        // One that has ended says no more.
        let origin = Origin {
            interface: Arc::from("eth0"),
            worker: 1,
            made: late,
            is_last: true,
        };
        workers.held.take(origin, batch(1));
        assert_eq!(workers.report(0, 3_500, 5), [0, 1, 5]);
    }

    #[test]
    fn what_waits_is_bounded() {
        let mut workers = Workers::new(2, 2);
        assert_eq!(workers.report(0, 0, MAX_RECORDS), [0]);
        assert_eq!(workers.report(0, 1, 1), [0, MAX_RECORDS]);
    }
}
