//! An interface that may go away and come back: removed, renamed, or restarted by its driver.

use std::time::{Duration, Instant};

use crate::capture::{self, CaptureError, FrameSource, Live, Pumped, SignalFilter};
use crate::model::Frame;

/// How often an interface that went away is tried: what passes until then is not seen.
const TRY_EVERY: Duration = Duration::from_secs(1);

/// What is wrong with an interface that cannot be looked at.
const NO_LINK: &str =
    "the interface is down or has no link; what passes elsewhere meanwhile is not seen";

/// The capture of an interface.
pub(super) struct Reopening {
    interface: String,
    settings: capture::Settings,
    filter: Option<SignalFilter>,
    state: State,
    /// What handles lost that are closed.
    before: capture::Stats,
    restarts: u64,
}

enum State {
    Open(Live),
    /// It is there, and nothing passes.
    Linkless(Live),
    Gone {
        why: String,
        tried: Instant,
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
    /// Opens an interface, or `any` for all of them, with a filter where one is given.
    pub(super) fn open(
        interface: &str,
        settings: capture::Settings,
        filter: Option<SignalFilter>,
    ) -> Result<Self, CaptureError> {
        Ok(Self {
            state: State::Open(Live::open(interface, &settings, filter.as_ref())?),
            filter,
            interface: interface.to_owned(),
            settings,
            before: capture::Stats::default(),
            restarts: 0,
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

    /// Whether it went away for good.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.state, State::Gone { .. }) && !self.settings.reopen
    }

    /// How often it was opened again.
    pub(super) fn restarts(&self) -> u64 {
        self.restarts
    }

    /// Reads frames that are there; waits for some time where there are none.
    pub(super) fn read(
        &mut self,
        limit: usize,
        patience: Duration,
        sink: &mut dyn FnMut(Frame<'_>),
    ) -> Read {
        let live = match &mut self.state {
            State::Open(live) | State::Linkless(live) => live,
            State::Gone { tried, .. } => {
                let due = TRY_EVERY.saturating_sub(tried.elapsed());
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
        pumped.unwrap_or_else(|fault| {
            let fault = fault.to_string();
            // The name stands before it wherever it is told.
            let words = fault.strip_prefix(&format!("{}: ", self.interface));
            let words = words.unwrap_or(&fault);
            self.before = self.stats();
            self.leave(match self.settings.reopen {
                true => format!("{words}; it is opened again as soon as it is there"),
                false => words.to_owned(),
            });
            Read::Gone
        })
    }

    fn open_again(&mut self) -> Read {
        match Live::open(&self.interface, &self.settings, self.filter.as_ref()) {
            Ok(live) => {
                self.restarts += 1;
                self.state = State::Open(live);
                tracing::info!(interface = self.interface, "captured again");
                Read::Back
            }
            Err(_) => {
                if let State::Gone { tried, .. } = &mut self.state {
                    *tried = Instant::now();
                }
                Read::Gone
            }
        }
    }

    fn leave(&mut self, why: String) {
        tracing::error!(interface = self.interface, "{why}");
        self.state = State::Gone {
            why,
            tried: Instant::now(),
        };
    }

    /// Asks the system whether there is a link, where no frame shows it. True where there is none.
    pub(super) fn is_linkless(&mut self, frames_came: bool) -> bool {
        let interface = &self.interface;
        // Until the state is put back, a handle that is looked at is nobody's.
        let gone = State::Gone {
            why: String::new(),
            tried: Instant::now(),
        };
        let has_link = || frames_came || capture::has_link(interface).unwrap_or(true);
        self.state = match std::mem::replace(&mut self.state, gone) {
            State::Open(live) if !has_link() => {
                tracing::error!(interface, "{NO_LINK}");
                State::Linkless(live)
            }
            State::Linkless(live) if has_link() => {
                tracing::info!(interface, "captured again");
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
