//! The queue between the sensor and one output, and the counters of what became of its events.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::Message;

/// Bytes of lines that may wait in one queue. An ordinary line has one or two KiB, one of hostile names up to 12.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// What became of the events of an output. `ok + dropped` are all that it was given and that do not wait; an event that is
/// tried several times has several errors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Written.
    pub ok: u64,
    /// Tries that failed.
    pub error: u64,
    /// Given up: the queue was full, it did not fit into a message, or there was no time left at the end.
    pub dropped: u64,
}

/// What the thread of an output does next.
pub(super) enum Work {
    Write(Message),
    Reopen,
    End,
}

pub(super) enum Settled {
    Ok,
    Dropped,
}

pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    limit: usize,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Message>,
    bytes: usize,
    /// Whether the thread has taken one that is not settled.
    is_busy: bool,
    counts: Counts,
    reopen: bool,
    /// When the thread has to end, once it has to.
    deadline: Option<Instant>,
    /// The thread did not end in time: all is counted, and what it still does counts no more.
    is_left: bool,
}

impl Queue {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            state: Mutex::default(),
            changed: Condvar::new(),
            limit,
        }
    }

    /// Takes an event if there is room, and never waits for any. The newest goes where there is none: what waits longest
    /// is what the reader misses first, and the gap shows in `event.sequence`.
    pub(super) fn push(&self, message: Message) {
        let mut state = self.lock();
        let has_room =
            state.waiting.len() < self.limit && state.bytes + message.line.len() <= MAX_BYTES;
        if !has_room || state.deadline.is_some() {
            state.counts.dropped += 1;
            return;
        }
        state.bytes += message.line.len();
        state.waiting.push_back(message);
        self.changed.notify_one();
    }

    /// Waits for something to do.
    pub(super) fn next(&self) -> Work {
        let mut state = self.lock();
        loop {
            if std::mem::take(&mut state.reopen) {
                return Work::Reopen;
            }
            if state.deadline.is_some_and(|at| Instant::now() >= at) {
                state.give_up();
                return Work::End;
            }
            if let Some(message) = state.waiting.pop_front() {
                state.bytes -= message.line.len();
                state.is_busy = true;
                return Work::Write(message);
            }
            if state.deadline.is_some() {
                return Work::End;
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Says what became of the event that was taken.
    pub(super) fn settle(&self, settled: &Settled) {
        let mut state = self.lock();
        if state.is_left {
            return;
        }
        state.is_busy = false;
        match settled {
            Settled::Ok => state.counts.ok += 1,
            Settled::Dropped => state.counts.dropped += 1,
        }
    }

    /// Counts a try that failed and waits before the next one. False when there is no time for another.
    pub(super) fn pause(&self, pause: Duration) -> bool {
        let until = Instant::now() + pause;
        let mut state = self.lock();
        if state.is_left {
            return false;
        }
        state.counts.error += 1;
        loop {
            let now = Instant::now();
            let end = state.deadline.map_or(until, |deadline| deadline.min(until));
            // Somebody who moved a file away has mended what failed, as likely as not.
            if now >= end || state.reopen {
                return state.deadline.is_none_or(|deadline| now < deadline);
            }
            let (woken, _) = self
                .changed
                .wait_timeout(state, end - now)
                .unwrap_or_else(PoisonError::into_inner);
            state = woken;
        }
    }

    /// Whether to let go of what is open; true once for each request.
    pub(super) fn take_reopen(&self) -> bool {
        std::mem::take(&mut self.lock().reopen)
    }

    pub(super) fn reopen(&self) {
        self.lock().reopen = true;
        self.changed.notify_all();
    }

    /// No more events; what waits may be written until the deadline.
    pub(super) fn close(&self, deadline: Instant) {
        self.lock().deadline = Some(deadline);
        self.changed.notify_all();
    }

    /// The thread did not end: counts what it has as dropped.
    pub(super) fn leave(&self) {
        let mut state = self.lock();
        state.give_up();
        state.counts.dropped += u64::from(std::mem::take(&mut state.is_busy));
        state.is_left = true;
    }

    /// Events that wait.
    pub(super) fn waiting(&self) -> usize {
        self.lock().waiting.len()
    }

    pub(super) fn counts(&self) -> Counts {
        self.lock().counts
    }

    /// A thread that panicked leaves the state sound: nothing in here panics half-way.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn give_up(&mut self) {
        self.counts.dropped += self.waiting.len() as u64;
        self.waiting.clear();
        self.bytes = 0;
    }
}
