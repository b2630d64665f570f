//! What the workers of one interface have in common: they open it together, and give it up together.
//!
//! A worker that went on with its handle while another opens a new one would see frames that the new ones see too; and one
//! that comes back later would move flows from worker to worker.
//!
//! One that is not there at start, or down, is waited for in the same way: a machine that boots starts its daemons in any order.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::capture::{self, CaptureError, Live, SignalFilter};
use crate::model::LocalNetworks;

/// How often an interface that went away is tried: what passes until then is not seen.
const TRY_EVERY: Duration = Duration::from_secs(1);
/// How often a worker looks whether another one has opened it: until then frames wait in the buffer.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// An interface and the handles that its workers have not taken yet.
pub(super) struct SharedInterface {
    pub(super) name: String,
    pub(super) settings: capture::Settings,
    filter: Option<SignalFilter>,
    /// The networks that are known, by which hosts are told from servers.
    local: LocalNetworks,
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
    /// It was not there yet, so to open it is no restart.
    is_first: bool,
    /// What it is called now, if that was told.
    called: Option<String>,
    /// What is to be known of an interface that came late.
    note: Option<String>,
}

/// What became of an attempt to get a handle.
pub(super) enum Attempt {
    /// Here it is.
    Got(Box<Live>),
    /// There is none; not to be tried again before this time has passed.
    Wait(Duration),
}

impl SharedInterface {
    /// Opens an interface, or `any` for all of them, with a filter where one is given. Where interfaces are opened again, one
    /// that is not there is waited for.
    pub(super) fn open(
        name: &str,
        settings: capture::Settings,
        filter: Option<SignalFilter>,
        local: LocalNetworks,
    ) -> Result<Self, CaptureError> {
        let workers = settings.workers.max(1) as usize;
        let mut why = String::new();
        let handles = match Live::open_shared(name, &settings, filter.as_ref()) {
            Ok(handles) => handles.into_iter().map(Some).collect(),
            Err(fault) if settings.reopen && fault.may_pass() => {
                why = format!("waiting for it: {}", without_name(name, &fault));
                tracing::error!(interface = name, "{why}");
                (0..workers).map(|_| None).collect()
            }
            Err(fault) => return Err(fault),
        };
        let is_awaited = !why.is_empty();
        Ok(Self {
            name: name.to_owned(),
            settings,
            filter,
            local,
            places: Mutex::new(Places {
                handles,
                given_up: if is_awaited { workers } else { 0 },
                why,
                tried: Instant::now(),
                is_first: is_awaited,
                called: None,
                note: None,
            }),
            is_broken: AtomicBool::new(is_awaited),
            is_linkless: AtomicBool::new(false),
            restarts: AtomicU64::new(0),
        })
    }

    /// The handle of a worker, or why there is none yet; `None` where it has one already, or there is no such worker.
    pub(super) fn take(&self, worker: usize) -> Option<Result<Live, String>> {
        let mut places = self.places();
        let handle = places.handles.get_mut(worker)?.take();
        match handle {
            Some(live) => Some(Ok(live)),
            None => self.is_broken().then(|| Err(places.why.clone())),
        }
    }

    /// Why it cannot be looked at, since it cannot.
    pub(super) fn why(&self) -> String {
        self.places().why.clone()
    }

    /// What is to be known of it although it is captured.
    pub(super) fn note(&self) -> Option<String> {
        self.places().note.clone()
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
        let handles = match opened {
            Ok(handles) => handles,
            Err(fault) => {
                // That it is still not there was told.
                let why = without_name(&self.name, &fault);
                if !fault.may_pass() && !places.why.starts_with(&why) {
                    tracing::error!(interface = self.name, "{why}");
                    places.why = format!("{why}; it is tried again");
                }
                return Attempt::Wait(LOOK_EVERY);
            }
        };
        places.handles = handles.into_iter().map(Some).collect();
        places.given_up = 0;
        self.is_broken.store(false, Ordering::Release);
        self.is_linkless.store(false, Ordering::Relaxed);
        if std::mem::take(&mut places.is_first) {
            tracing::info!(interface = self.name, "captured now");
        } else {
            self.restarts.fetch_add(1, Ordering::Relaxed);
            tracing::info!(interface = self.name, "captured again");
        }
        places.note = self.unknown_networks();
        if let Some(note) = &places.note {
            tracing::warn!(interface = self.name, "{note}");
        }
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

    /// A worker asked what it is called. It is told once, as above.
    pub(super) fn note_name(&self, called: Option<&str>) {
        let mut places = self.places();
        if places.called.as_deref() == called {
            return;
        }
        places.called = called.map(str::to_owned);
        match called {
            Some(called) => tracing::warn!(interface = self.name, "{}", renamed(called)),
            None => tracing::info!(interface = self.name, "it has its name again"),
        }
    }

    /// What to say where it has networks of which nobody knew when the daemon started. What was noted of hosts rests on those
    /// that were known, so they stay; private addresses are local in any case.
    fn unknown_networks(&self) -> Option<String> {
        let interfaces = capture::interfaces().ok()?;
        let interface = interfaces.iter().find(|known| known.name == self.name)?;
        let networks = interface.networks.iter().copied();
        let unknown = networks.filter(|network| !self.local.contains(network.addr()));
        let unknown: Vec<String> = unknown.map(|network| network.to_string()).collect();
        (!unknown.is_empty()).then(|| {
            format!(
                "its networks were not known at start ({}): who is in them counts as foreign until a restart; `local_networks` \
                 names them before",
                unknown.join(", ")
            )
        })
    }

    /// A worker that panicked is told elsewhere, and left nothing half done here.
    fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is to be known of an interface with another name than that by which it was opened.
pub(super) fn renamed(called: &str) -> String {
    format!(
        "it is called {called} now, and captured under its former name; after a restart the configuration must have the new one"
    )
}

/// What is wrong, without the interface's name: that stands before it wherever it is told.
pub(super) fn without_name(name: &str, fault: &CaptureError) -> String {
    let fault = fault.to_string();
    let words = fault.strip_prefix(&format!("{name}: "));
    words.unwrap_or(&fault).to_owned()
}
