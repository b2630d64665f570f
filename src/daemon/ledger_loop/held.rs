//! Where several workers share an interface: what one saw waits until the others have told what they heard meanwhile.
//!
//! Who a device is, is heard by the first worker, and its traffic is seen by all. A sighting fixes the key of its host by what
//! was proven up to its own time: so what was said of devices up to then, and who was present, goes with it, whoever heard it,
//! and what was said later does not.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::super::worker::Report;
use crate::model::{Batch, Timestamp};

/// What came to an interface so long before a worker reported is in its report: until then the kernel may hold it back.
const READ_AFTER: Duration = Duration::from_millis(300);
/// How long it is waited for a worker: they report once a second.
const PATIENCE: Duration = Duration::from_secs(3);
/// What counts at most of the time between two looks: while the ledger stands still, as when the machine sleeps, reports pile up
/// that nobody has taken, and nobody was waited for.
const LONGEST_GAP: Duration = Duration::from_millis(500);
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
    /// For how long it was waited, all in all, and when it was last looked.
    waited: Duration,
    looked: Instant,
}

struct Waiting {
    interface: Arc<str>,
    worker: usize,
    made: Instant,
    /// Of [`Held::waited`], when it came.
    came: Duration,
    until: Timestamp,
    batch: Batch,
}

/// A batch that the ledger can take, and of which interface it is.
pub(super) type Ready = (Arc<str>, Batch);

/// Whose report a batch is of, and when it was made.
pub(super) struct Origin {
    pub(super) interface: Arc<str>,
    pub(super) worker: usize,
    pub(super) made: Instant,
    /// The same as wall time, which frames have too.
    pub(super) until: Timestamp,
}

impl Held {
    /// Nothing of so many workers, of which so many share an interface each.
    pub(super) fn new(workers: usize, each: usize) -> Self {
        Self {
            each,
            reported: vec![Some(Instant::now()); workers],
            waiting: VecDeque::new(),
            records: 0,
            waited: Duration::ZERO,
            looked: Instant::now(),
        }
    }

    /// A worker has reported, whether that is taken now or later.
    pub(super) fn reported(&mut self, worker: usize, made: Instant, is_last: bool) {
        if let Some(reported) = self.reported.get_mut(worker) {
            *reported = (!is_last).then_some(made);
        }
    }

    /// Takes a batch. Gives what need not wait: answers for the watch list. All else [`Held::due`] gives once it can be judged.
    pub(super) fn take(&mut self, origin: Origin, mut batch: Batch) -> Vec<Ready> {
        if self.each <= 1 {
            return vec![(origin.interface, batch)];
        }
        let answers = Batch {
            interface: batch.interface.clone(),
            resolutions: std::mem::take(&mut batch.resolutions),
            ..Batch::default()
        };
        let ready = vec![(Arc::clone(&origin.interface), answers)];
        self.records += records(&batch);
        self.waiting.push_back(Waiting {
            interface: origin.interface,
            worker: origin.worker,
            made: origin.made,
            came: self.waited,
            until: origin.until,
            batch,
        });
        ready
    }

    /// What waited long enough, in its order. `later` are reports that are held back beyond it.
    pub(super) fn due(&mut self, now: Instant, later: &mut [Report]) -> Vec<Ready> {
        let gap = now.saturating_duration_since(self.looked);
        self.looked = now;
        self.waited += gap.min(LONGEST_GAP);
        let mut due = Vec::new();
        while let Some(first) = self.waiting.front()
            && (self.records > MAX_RECORDS
                || self.waited - first.came > PATIENCE
                || self.is_heard(first))
        {
            due.extend(self.next(later));
        }
        due
    }

    /// Whether for all that waits the others were heard.
    pub(super) fn is_all_heard(&self) -> bool {
        self.waiting.iter().all(|waiting| self.is_heard(waiting))
    }

    /// All that waits: nothing more comes, or it would be judged by other rules.
    pub(super) fn all(&mut self, later: &mut [Report]) -> Vec<Ready> {
        std::iter::from_fn(|| self.next(later)).collect()
    }

    /// What waits longest, with what others heard until it was made.
    fn next(&mut self, later: &mut [Report]) -> Option<Ready> {
        let Waiting {
            interface,
            worker,
            until,
            mut batch,
            ..
        } = self.waiting.pop_front()?;
        self.records -= records(&batch);
        let others = self.waiting.iter_mut();
        for other in others.filter(|other| other.interface == interface) {
            let before = records(&other.batch);
            move_until(until, &mut other.batch, &mut batch);
            self.records -= before - records(&other.batch);
        }
        let place = worker / self.each;
        let later = later.iter_mut();
        for other in later.filter(|other| other.worker / self.each == place) {
            move_until(until, &mut other.batch, &mut batch);
        }
        batch.identities.sort_by_key(|(_, time)| *time);
        batch.presences.sort_by_key(|presence| presence.time);
        Some((interface, batch))
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

/// Moves what was said of devices, and who was present, up to then.
fn move_until(until: Timestamp, from: &mut Batch, to: &mut Batch) {
    let identities = &mut from.identities;
    to.identities
        .extend(identities.extract_if(.., |(_, time)| *time <= until));
    let presences = &mut from.presences;
    to.presences
        .extend(presences.extract_if(.., |presence| presence.time <= until));
}

fn records(batch: &Batch) -> usize {
    batch.sightings.len()
        + batch.replies.len()
        + batch.flow_ends.len()
        + batch.presences.len()
        + batch.identities.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Presence, Way};

    struct Workers {
        held: Held,
        start: Instant,
    }

    impl Workers {
        fn new(workers: usize, each: usize) -> Self {
            Self {
                held: Held::new(workers, each),
                start: Instant::now(),
            }
        }

        /// Reports hosts that were present then, so many milliseconds after the start; gives those that the ledger can take.
        fn report(&mut self, worker: usize, millis: u64, present: &[u64]) -> Vec<Vec<u64>> {
            self.report_of((worker, worker / 2), millis, present, false)
        }

        fn report_of(
            &mut self,
            (worker, interface): (usize, usize),
            millis: u64,
            present: &[u64],
            is_last: bool,
        ) -> Vec<Vec<u64>> {
            let presences = present.iter().map(|&millis| Presence {
                host: [10, 0, 0, 1].into(),
                time: at(millis),
                way: Way::Unknown,
            });
            let batch = Batch {
                presences: presences.collect(),
                ..Batch::default()
            };
            let origin = Origin {
                interface: Arc::from(format!("eth{interface}")),
                worker,
                made: self.start + Duration::from_millis(millis),
                until: at(millis),
            };
            self.held.reported(worker, origin.made, is_last);
            let mut ready = self.held.take(origin, batch);
            ready.extend(self.held.due(self.held.looked, &mut []));
            times(&ready)
        }
    }

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_unix(1_000, 0).after(Duration::from_millis(millis))
    }

    /// When hosts were present, batch by batch, without empty ones.
    fn times(ready: &[Ready]) -> Vec<Vec<u64>> {
        let of_batch = |(_, batch): &Ready| -> Vec<u64> {
            let presences = batch.presences.iter();
            let times = presences.map(|presence| presence.time.since(at(0)).as_millis());
            times.map(|millis| u64::try_from(millis).unwrap()).collect()
        };
        let batches = ready.iter().map(of_batch);
        batches.filter(|batch| !batch.is_empty()).collect()
    }

    #[test]
    fn one_worker_waits_for_nobody() {
        let mut workers = Workers::new(2, 1);
        assert_eq!(workers.report(0, 1_000, &[900]), [[900]]);
        assert_eq!(workers.report(1, 1_500, &[1_400]), [[1_400]]);
        assert!(workers.held.all(&mut []).is_empty());
    }

    #[test]
    fn what_was_seen_waits_for_what_others_heard_until_then() {
        let mut workers = Workers::new(4, 2);
        let none: [Vec<u64>; 0] = [];
        assert_eq!(workers.report(0, 1_000, &[500, 900]), none);
        // Too soon behind it, and of another interface.
        assert_eq!(workers.report(1, 1_200, &[700, 1_100]), none);
        assert_eq!(workers.report(2, 1_900, &[100]), none);
        assert_eq!(workers.report(0, 2_000, &[1_150, 1_300]), none);
        // In the order of time, up to when the first one was made, and then up to the second.
        let expected = [vec![500, 700, 900], vec![1_100, 1_150]];
        assert_eq!(workers.report(1, 2_200, &[1_250, 2_100]), expected);
        let all = times(&workers.held.all(&mut []));
        assert_eq!(all, [vec![100], vec![1_250, 1_300], vec![2_100]]);
        assert_eq!(workers.held.records, 0);
    }

    #[test]
    fn nobody_is_waited_for_for_ever() {
        let mut workers = Workers::new(2, 2);
        assert!(workers.report(0, 0, &[0]).is_empty());
        let looked = workers.held.looked;
        let mut due = |millis| {
            let now = looked + Duration::from_millis(millis);
            workers.held.due(now, &mut []).len()
        };
        for millis in (0..=3_000).step_by(250) {
            assert_eq!(due(millis), 0, "{millis}");
        }
        assert_eq!(due(3_001), 1);
        // While the ledger stands still, nobody is waited for.
        assert!(workers.report(0, 3_100, &[3_050]).is_empty());
        let looked = workers.held.looked;
        let mut due = |seconds| {
            let now = looked + Duration::from_secs(seconds);
            workers.held.due(now, &mut []).len()
        };
        assert_eq!((due(60), due(120)), (0, 0));
        for seconds in 121..125 {
            assert_eq!(due(seconds), 0, "{seconds}");
        }
        assert_eq!(due(125), 1);
        // One that has ended says no more.
        workers.report_of((1, 0), 3_200, &[], true);
        assert_eq!(workers.report(0, 3_600, &[3_500]), [[3_500]]);
    }

    #[test]
    fn what_is_held_back_for_other_rules_tells_what_was_heard_before() {
        let mut workers = Workers::new(4, 2);
        assert!(workers.report(0, 1_000, &[900]).is_empty());
        let presences = [800, 1_100].map(|millis| Presence {
            host: [10, 0, 0, 1].into(),
            time: at(millis),
            way: Way::Unknown,
        });
        let mut later = [1, 2].map(|worker| {
            let batch = Batch {
                presences: presences.to_vec(),
                ..Batch::default()
            };
            Report::of(worker, batch)
        });
        assert!(!workers.held.is_all_heard());
        workers
            .held
            .reported(1, workers.start + Duration::from_secs(2), false);
        assert!(workers.held.is_all_heard());
        let all = times(&workers.held.all(&mut later));
        // Of its own interface only.
        assert_eq!(all, [[800, 900]]);
        assert_eq!(later.map(|report| report.batch.presences.len()), [1, 2]);
    }

    #[test]
    fn what_waits_is_bounded() {
        let mut workers = Workers::new(2, 2);
        let many = vec![7; MAX_RECORDS];
        assert!(workers.report(0, 1_000, &many).is_empty());
        let ready = workers.report(0, 1_002, &[1_001]);
        let lens: Vec<usize> = ready.iter().map(Vec::len).collect();
        assert_eq!(lens, [MAX_RECORDS]);
        assert_eq!(workers.held.records, 1);
    }
}
