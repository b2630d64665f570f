//! What the workers of one interface have in common: they open it together, and give it up together.
//!
//! A worker that went on with its handle while another opens a new one would see frames that the new ones see too; and one
//! that comes back later would move flows from worker to worker.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::capture::{self, CaptureError, Live, SignalFilter};

/// How often an interface that went away is tried: what passes until then is not seen.
const TRY_EVERY: Duration = Duration::from_secs(1);
/// How often a worker looks whether another one has opened it: until then frames wait in the buffer.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// An interface and the handles that its workers have not taken yet.
pub(super) struct SharedInterface {
    pub(super) name: String,
    pub(super) settings: capture::Settings,
    filter: Option<SignalFilter>,
    places: Mutex<Places>,
    /// One of the workers had to give up its handle, so all have to.
    is_broken: AtomicBool,
    /// It was told that there is no link.
    is_linkless: AtomicBool,
    restarts: AtomicU64,
}

struct Places {
    /// By worker.
    handles: Vec<Option<Live>>,
    /// Workers that gave up their handles.
    given_up: usize,
    /// Why the first one did.
    why: String,
    tried: Instant,
}

/// What became of an attempt to get a handle.
pub(super) enum Attempt {
    /// Here it is.
    Got(Box<Live>),
    /// There is none; not to be tried again before this time has passed.
    Wait(Duration),
}

impl SharedInterface {
    /// Opens an interface, or `any` for all of them, with a filter where one is given.
    pub(super) fn open(
        name: &str,
        settings: capture::Settings,
        filter: Option<SignalFilter>,
    ) -> Result<Self, CaptureError> {
        let handles = Live::open_shared(name, &settings, filter.as_ref())?;
        Ok(Self {
            name: name.to_owned(),
            settings,
            filter,
            places: Mutex::new(Places {
                handles: handles.into_iter().map(Some).collect(),
                given_up: 0,
                why: String::new(),
                tried: Instant::now(),
            }),
            is_broken: AtomicBool::new(false),
            is_linkless: AtomicBool::new(false),
            restarts: AtomicU64::new(0),
        })
    }

    /// The handle of a worker, if there is one that it did not take yet.
    pub(super) fn take(&self, worker: usize) -> Option<Live> {
        self.places().handles.get_mut(worker)?.take()
    }

    /// How often it was opened again.
    pub(super) fn restarts(&self) -> u64 {
        self.restarts.load(Ordering::Relaxed)
    }

    /// Whether another worker gave up its handle.
    pub(super) fn is_broken(&self) -> bool {
        self.is_broken.load(Ordering::Acquire)
    }

    /// A worker has closed its handle. Gives the reason of the first one that did.
    pub(super) fn give_up(&self, why: String) -> String {
        let mut places = self.places();
        places.given_up += 1;
        places.tried = Instant::now();
        if !self.is_broken.swap(true, Ordering::AcqRel) {
            tracing::error!(interface = self.name, "{why}");
            places.why = why;
        }
        places.why.clone()
    }

    /// A handle for a worker that gave up its own, once all have.
    pub(super) fn get_again(&self, worker: usize) -> Attempt {
        let mut places = self.places();
        if let Some(live) = places.handles.get_mut(worker).and_then(Option::take) {
            return Attempt::Got(Box::new(live));
        }
        let due = TRY_EVERY.saturating_sub(places.tried.elapsed());
        if !due.is_zero() || places.given_up < places.handles.len() {
            return Attempt::Wait(LOOK_EVERY);
        }
        let opened = Live::open_shared(&self.name, &self.settings, self.filter.as_ref());
        places.tried = Instant::now();
        let Ok(handles) = opened else {
            return Attempt::Wait(LOOK_EVERY);
        };
        places.handles = handles.into_iter().map(Some).collect();
        places.given_up = 0;
        self.is_broken.store(false, Ordering::Release);
        self.is_linkless.store(false, Ordering::Relaxed);
        self.restarts.fetch_add(1, Ordering::Relaxed);
        tracing::info!(interface = self.name, "captured again");
        match places.handles.get_mut(worker).and_then(Option::take) {
            Some(live) => Attempt::Got(Box::new(live)),
            None => Attempt::Wait(LOOK_EVERY),
        }
    }

    /// A worker asked whether there is a link. It is told once, by the first one that finds it changed.
    pub(super) fn note_link(&self, is_linkless: bool, words: &str) {
        if self.is_linkless.swap(is_linkless, Ordering::Relaxed) != is_linkless {
            match is_linkless {
                true => tracing::error!(interface = self.name, "{words}"),
                false => tracing::info!(interface = self.name, "captured again"),
            }
        }
    }

    /// A worker that panicked is told elsewhere, and left nothing half done here.
    fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
