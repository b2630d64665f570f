//! An interface that may go away and come back: removed, renamed, restarted by its driver, or not there yet.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::shared_interface::{Attempt, SharedInterface, renamed, without_name};
use crate::capture::{self, CaptureError, FrameSource, Live, Naming, Pumped};
use crate::model::Frame;

/// What is wrong with an interface that cannot be looked at.
const NO_LINK: &str =
    "the interface is down or has no link; what passes elsewhere meanwhile is not seen";

/// What became of an interface whose name another one has taken.
const ANOTHER: &str =
    "another interface has this name now; it is opened again as soon as it can be";

/// One worker's capture of an interface.
pub(super) struct Reopening {
    shared: Arc<SharedInterface>,
    /// Which of its workers.
    worker: usize,
    state: State,
    /// What it is called, if that is not its name any more.
    called: Option<String>,
    /// What handles lost that are closed.
    before: capture::Stats,
}

enum State {
    Open(Live),
    /// It is there, and nothing passes.
    Linkless(Live),
    Gone {
        why: String,
        /// Before that it is not tried again.
        until: Instant,
    },
}

/// What became of an attempt to read frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// Some came.
    Frames,
    /// None did.
    Nothing,
    /// None can come now.
    Gone,
    /// The interface is there again: what came in between was not looked at.
    Back,
}

impl Reopening {
    /// The capture of a worker; `None` where there is no such worker, or it has its handle already.
    pub(super) fn new(shared: Arc<SharedInterface>, worker: usize) -> Option<Self> {
        let state = match shared.take(worker)? {
            Ok(live) => State::Open(live),
            Err(why) => State::Gone {
                why,
                until: Instant::now(),
            },
        };
        Some(Self {
            state,
            shared,
            called: None,
            worker,
            before: capture::Stats::default(),
        })
    }

    /// Why nothing is looked at, if so.
    pub(super) fn down(&self) -> Option<&str> {
        match &self.state {
            State::Open(_) => None,
            State::Linkless(_) => Some(NO_LINK),
            State::Gone { why, .. } => Some(why),
        }
    }

    /// What is to be known although it is looked at.
    pub(super) fn note(&self) -> Option<String> {
        let called = self.called.as_deref();
        called.map(renamed).or_else(|| self.shared.note())
    }

    /// Whether it went away for good.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.state, State::Gone { .. }) && !self.shared.settings.reopen
    }

    /// How often it was opened again.
    pub(super) fn restarts(&self) -> u64 {
        self.shared.restarts()
    }

    /// Reads frames that are there; waits for some time where there are none.
    pub(super) fn read(
        &mut self,
        limit: usize,
        patience: Duration,
        sink: &mut dyn FnMut(Frame<'_>),
    ) -> Read {
        let is_broken = self.shared.is_broken();
        let live = match &mut self.state {
            // Another worker found out why, and says it.
            State::Open(_) | State::Linkless(_) if is_broken => {
                self.leave(String::new());
                return Read::Gone;
            }
            State::Open(live) | State::Linkless(live) => live,
            State::Gone { until, .. } => {
                let due = until.saturating_duration_since(Instant::now());
                if !due.is_zero() {
                    std::thread::sleep(due.min(patience));
                    return Read::Gone;
                }
                return self.open_again();
            }
        };
        let pumped = match live.pump(limit, sink) {
            Ok(Pumped::Idle) => live.wait(patience).map(|()| Read::Nothing),
            Ok(_) => Ok(Read::Frames),
            Err(fault) => Err(fault),
        };
        let fault = match pumped {
            Ok(read) => return read,
            Err(fault) => fault,
        };
        // libpcap looks for the name where its interface was down, as it is while it gets another name. The handle is good.
        let is_there = fault.to_string().contains("disappeared") && live.is_there();
        if !is_there {
            self.leave(self.words(&fault));
        }
        Read::Gone
    }

    /// What is wrong, without the interface's name: that stands before it wherever it is told.
    fn words(&self, fault: &CaptureError) -> String {
        let words = without_name(&self.shared.name, fault);
        match self.shared.settings.reopen {
            true => format!("{words}; it is opened again as soon as it is there"),
            false => words,
        }
    }

    fn open_again(&mut self) -> Read {
        match self.shared.get_again(self.worker) {
            Attempt::Got(live) => {
                self.state = State::Open(*live);
                Read::Back
            }
            Attempt::Wait(time) => {
                self.state = State::Gone {
                    why: self.shared.why(),
                    until: Instant::now() + time,
                };
                Read::Gone
            }
        }
    }

    fn leave(&mut self, why: String) {
        self.before = self.stats();
        self.called = None;
        // Closed before it is given up: nobody may open it anew while a handle of before still takes frames.
        self.state = State::Gone {
            why: String::new(),
            until: Instant::now(),
        };
        let why = self.shared.give_up(why);
        self.state = State::Gone {
            why,
            until: Instant::now(),
        };
    }

    /// Asks the system what the interface is called: the handle stays with it, whatever that is. Where another one has the
    /// name now, that is the one that was asked for.
    pub(super) fn look_at_the_name(&mut self) {
        let (State::Open(live) | State::Linkless(live)) = &self.state else {
            return;
        };
        let called = match live.naming() {
            Naming::AsOpened => None,
            Naming::Another(_) if self.shared.settings.reopen => {
                self.leave(ANOTHER.to_owned());
                return;
            }
            Naming::Another(called) | Naming::Renamed(called) => Some(called),
        };
        if called != self.called {
            self.shared.note_name(called.as_deref());
            self.called = called;
        }
    }

    /// Asks the system whether there is a link, where no frame shows it. True where there is none.
    pub(super) fn is_linkless(&mut self, frames_came: bool) -> bool {
        let interface = self.called.as_ref().unwrap_or(&self.shared.name);
        // Until the state is put back, a handle that is looked at is nobody's.
        let gone = State::Gone {
            why: String::new(),
            until: Instant::now(),
        };
        let has_link = || frames_came || capture::has_link(interface).unwrap_or(true);
        self.state = match std::mem::replace(&mut self.state, gone) {
            State::Open(live) if !has_link() => {
                self.shared.note_link(true, NO_LINK);
                State::Linkless(live)
            }
            State::Linkless(live) if has_link() => {
                self.shared.note_link(false, NO_LINK);
                State::Open(live)
            }
            as_before => as_before,
        };
        matches!(self.state, State::Linkless(_))
    }

    /// What was lost since the start, by all handles.
    pub(super) fn stats(&mut self) -> capture::Stats {
        let (State::Open(live) | State::Linkless(live)) = &mut self.state else {
            return self.before;
        };
        let now = live.stats();
        capture::Stats {
            kernel_drops: self.before.kernel_drops + now.kernel_drops,
            interface_drops: self.before.interface_drops + now.interface_drops,
        }
    }
}
