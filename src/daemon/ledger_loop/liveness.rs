//! Whether captures and store are alive, as the ledger's thread sees it; says so to the service manager as long as they are.
//!
//! A worker reports about once a second, without traffic and without its interface too. One that does not hangs or panicked: a
//! start anew is the cure, so the watchdog hears nothing more. Of the store only its thread must be there: a disk that stalls
//! is a fault that is told, and a start anew would lose what waits in memory for it. That the ledger goes on is proven by who
//! asks: this is called by its loop.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::super::service_manager::ServiceManager;

/// How long nothing is heard of a worker that lives: one that opens its interface again, takes other rules or waits for its
/// turn on a machine that is overloaded is late by seconds.
const PATIENCE: Duration = Duration::from_secs(10);
/// The most of the time between two looks that counts: while the ledger itself was busy, reports waited for it.
const LOOK: Duration = Duration::from_secs(2);
/// How many times within its time the watchdog hears something: one that comes late, or is lost, ends nothing.
const BEATS: u32 = 4;

/// What was heard of each worker, and of what the manager was told.
pub(super) struct Liveness {
    /// By worker: how long nothing was heard of it; `None` once it has ended.
    silent: Vec<Option<Duration>>,
    looked: Instant,
    manager: Arc<ServiceManager>,
    /// When the manager was told last.
    told: Option<Instant>,
    fault: Option<String>,
}

impl Liveness {
    /// So many workers begin now.
    pub(super) fn new(workers: usize, manager: Arc<ServiceManager>, now: Instant) -> Self {
        Self {
            silent: vec![Some(Duration::ZERO); workers],
            looked: now,
            manager,
            told: None,
            fault: None,
        }
    }

    /// A worker reported.
    pub(super) fn heard(&mut self, worker: usize, is_last: bool) {
        if let Some(silent) = self.silent.get_mut(worker) {
            *silent = (!is_last).then_some(Duration::ZERO);
        }
    }

    /// What does not live, for people.
    pub(super) fn fault(&self) -> Option<&String> {
        self.fault.as_ref()
    }

    /// Looks who lives, and tells the manager if all do and it is time to.
    pub(super) fn look(&mut self, has_writer: bool, now: Instant) {
        let passed = now.saturating_duration_since(self.looked).min(LOOK);
        self.looked = now;
        for silent in self.silent.iter_mut().flatten() {
            *silent += passed;
        }
        let fault = self.judge(has_writer);
        if fault != self.fault {
            match &fault {
                Some(fault) => tracing::error!("{fault}"),
                None => tracing::info!("every worker reports again"),
            }
            self.fault = fault;
        }
        let Some(watchdog) = self.manager.watchdog().filter(|_| self.fault.is_none()) else {
            return;
        };
        let is_due = |told: Instant| now.saturating_duration_since(told) >= watchdog / BEATS;
        if self.told.is_none_or(is_due) {
            self.told = Some(now);
            self.manager.alive();
        }
    }

    fn judge(&self, has_writer: bool) -> Option<String> {
        let is_late = |silent: &Option<Duration>| silent.is_some_and(|silent| silent > PATIENCE);
        if let Some(worker) = self.silent.iter().position(is_late) {
            let seconds = PATIENCE.as_secs();
            return Some(format!(
                "capture-{worker} has not reported for {seconds} seconds: what passes there is not seen; restart"
            ));
        }
        (!has_writer).then(|| "the store's thread has ended: nothing is kept; restart".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Range;
    use std::os::unix::net::UnixDatagram;

    use super::*;

    const WATCHDOG: Duration = Duration::from_secs(20);

    /// Two workers before a manager, and what it hears.
    struct Watched {
        liveness: Liveness,
        socket: UnixDatagram,
        start: Instant,
        _folder: tempfile::TempDir,
    }

    impl Watched {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("notify");
            let socket = UnixDatagram::bind(&path).unwrap();
            socket.set_nonblocking(true).unwrap();
            let manager = ServiceManager::at(path.as_os_str(), Some(WATCHDOG)).unwrap();
            let start = Instant::now();
            Self {
                liveness: Liveness::new(2, Arc::new(manager), start),
                socket,
                start,
                _folder: folder,
            }
        }

        /// How often the watchdog hears something in these seconds, in each of which these workers report.
        fn beats(&mut self, seconds: Range<u64>, workers: &[usize], has_writer: bool) -> usize {
            let mut beats = 0;
            for second in seconds {
                for &worker in workers {
                    self.liveness.heard(worker, false);
                }
                let now = self.start + Duration::from_secs(second);
                self.liveness.look(has_writer, now);
                let mut buffer = [0; 64];
                beats += std::iter::from_fn(|| self.socket.recv(&mut buffer).ok()).count();
            }
            beats
        }

        fn fault(&self) -> &str {
            self.liveness.fault().map_or("", String::as_str)
        }
    }

    #[test]
    fn the_watchdog_hears_of_workers_that_report_and_of_no_others() {
        let mut watched = Watched::new();
        assert_eq!(
            watched.beats(0..60, &[0, 1], true),
            12,
            "every five seconds"
        );
        // One hangs; what was heard of it just before holds for a while.
        assert_eq!(watched.beats(60..120, &[0], true), 2);
        assert!(watched.fault().starts_with("capture-1 "));
        // It comes back.
        assert_eq!(watched.beats(120..121, &[0, 1], true), 1);
        assert_eq!(watched.fault(), "");
    }

    #[test]
    fn a_worker_that_ended_is_not_waited_for() {
        let mut watched = Watched::new();
        watched.liveness.heard(1, true);
        assert_eq!(watched.beats(0..60, &[0], true), 12);
    }

    #[test]
    fn a_worker_that_never_reported_is_missed() {
        let mut watched = Watched::new();
        assert_eq!(watched.beats(0..60, &[1], true), 3);
        assert!(watched.fault().starts_with("capture-0 "));
    }

    #[test]
    fn without_the_thread_of_the_store_the_watchdog_hears_nothing() {
        let mut watched = Watched::new();
        assert_eq!(watched.beats(0..60, &[0, 1], false), 0);
        assert!(watched.fault().contains("store"));
    }

    #[test]
    fn without_a_manager_faults_are_told_all_the_same() {
        let start = Instant::now();
        let mut liveness = Liveness::new(1, Arc::default(), start);
        for second in 0..=10 {
            liveness.look(true, start + Duration::from_secs(second));
            assert_eq!(liveness.fault(), None);
        }
        liveness.look(true, start + Duration::from_secs(11));
        assert!(liveness.fault().is_some());
    }

    #[test]
    fn while_the_ledger_is_busy_no_worker_is_missed() {
        let start = Instant::now();
        let mut liveness = Liveness::new(2, Arc::default(), start);
        for minute in 1..=3 {
            liveness.heard(0, false);
            liveness.look(true, start + Duration::from_secs(60 * minute));
        }
        assert_eq!(liveness.fault(), None);
    }
}
