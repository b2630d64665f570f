//! One thread and one queue for each output.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use super::file::RotatedFile;
use super::queue::{Queue, Settled, Work};
use super::stdout::Stdout;
use super::syslog::{Origin, Syslog};
use super::{Backoff, Counts, Message, Output, OutputError, OutputKind, Settings};
use crate::model::EventAction;

/// Beyond the deadline a thread gets this long to see that it passed.
const GRACE: Duration = Duration::from_millis(200);

/// An output that is not started.
pub struct Planned {
    /// Which kind.
    pub kind: OutputKind,
    /// Which one, for the log: a path or an address.
    pub target: String,
    /// The kinds of events that it gets; all where there are none.
    pub actions: Vec<EventAction>,
    /// Itself.
    pub output: Box<dyn Output>,
}

/// The outputs at work. Dropping it closes them without waiting.
pub struct Dispatcher {
    handle: Handle,
    ends: Vec<Receiver<()>>,
    drain: Duration,
}

/// Where events are given in; clones are the same.
#[derive(Clone)]
pub struct Handle {
    lanes: Arc<[Lane]>,
}

struct Lane {
    kind: OutputKind,
    actions: Vec<EventAction>,
    queue: Arc<Queue>,
}

impl Dispatcher {
    /// Starts the outputs that the settings name. Nothing is opened yet, so it fails only where there is no thread to be
    /// had; an output that cannot be opened shows in its counter and in the log.
    pub fn start(settings: &Settings, origin: &Origin) -> io::Result<Self> {
        let mut outputs = Vec::new();
        if let Some(stdout) = &settings.stdout {
            outputs.push(Planned {
                kind: OutputKind::Stdout,
                target: "standard output".to_owned(),
                actions: stdout.actions.clone(),
                output: Box::new(Stdout::default()),
            });
        }
        for file in &settings.file {
            outputs.push(Planned {
                kind: OutputKind::File,
                target: file.path.display().to_string(),
                actions: file.actions.clone(),
                output: Box::new(RotatedFile::new(file)),
            });
        }
        for syslog in &settings.syslog {
            outputs.push(Planned {
                kind: OutputKind::Syslog,
                target: syslog.to.to_string(),
                actions: syslog.actions.clone(),
                output: Box::new(Syslog::new(syslog, origin.clone())),
            });
        }
        let drain = Duration::from_secs(settings.drain_seconds);
        Self::start_outputs(outputs, settings.queue, drain, settings.backoff)
    }

    /// Starts these outputs, each with a queue for `queue` events.
    pub fn start_outputs(
        outputs: Vec<Planned>,
        queue: usize,
        drain: Duration,
        backoff: Backoff,
    ) -> io::Result<Self> {
        let mut lanes = Vec::new();
        let mut ends = Vec::new();
        for (index, planned) in outputs.into_iter().enumerate() {
            let queue = Arc::new(Queue::new(queue));
            let (ended, end) = mpsc::channel();
            let (kind, actions) = (planned.kind, planned.actions);
            let mut writer = Writer {
                name: format!("{kind} {}", planned.target),
                output: planned.output,
                queue: Arc::clone(&queue),
                backoff,
                is_failing: false,
                told_too_long: false,
            };
            let spawned = std::thread::Builder::new()
                .name(format!("events-{index}"))
                .spawn(move || {
                    writer.run();
                    // Nobody hears it where the dispatcher was dropped.
                    let _ = ended.send(());
                });
            if let Err(error) = spawned {
                close(&lanes, Instant::now());
                return Err(error);
            }
            lanes.push(Lane {
                kind,
                actions,
                queue,
            });
            ends.push(end);
        }
        Ok(Self {
            handle: Handle {
                lanes: lanes.into(),
            },
            ends,
            drain,
        })
    }

    /// Where events are given in.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Takes no more events, writes what waits for as long as the settings allow, and gives the final counters. A thread
    /// that hangs in the system is left behind; what it has counts as dropped.
    pub fn stop(self) -> Vec<(OutputKind, Counts)> {
        let deadline = Instant::now() + self.drain;
        close(&self.handle.lanes, deadline);
        for (lane, end) in self.handle.lanes.iter().zip(&self.ends) {
            let left = (deadline + GRACE).saturating_duration_since(Instant::now());
            // A thread that panicked hangs up, which ends the wait as well.
            let _ = end.recv_timeout(left);
            lane.queue.leave();
        }
        self.handle.counts()
    }
}

fn close(lanes: &[Lane], deadline: Instant) {
    for lane in lanes {
        lane.queue.close(deadline);
    }
}

impl Drop for Dispatcher {
    fn drop(&mut self) {
        close(&self.handle.lanes, Instant::now());
    }
}

impl Handle {
    /// Gives an event to every output that wants its kind. Never waits: what finds no room is dropped and counted.
    pub fn send(&self, message: &Message) {
        for lane in self.lanes.iter() {
            if lane.actions.is_empty() || lane.actions.contains(&message.action) {
                lane.queue.push(message.clone());
            }
        }
    }

    /// Events that wait for the output that is furthest behind.
    pub fn waiting(&self) -> u64 {
        let waiting = self.lanes.iter().map(|lane| lane.queue.waiting());
        waiting.max().unwrap_or(0) as u64
    }

    /// Lets outputs open anew what somebody moved away, as logrotate does.
    pub fn reopen(&self) {
        for lane in self.lanes.iter() {
            lane.queue.reopen();
        }
    }

    /// What became of events, by kind of output; kinds that are not configured are left out.
    pub fn counts(&self) -> Vec<(OutputKind, Counts)> {
        let of = |kind: &OutputKind| {
            let lanes = self.lanes.iter().filter(|lane| lane.kind == *kind);
            lanes
                .map(|lane| lane.queue.counts())
                .reduce(|sum, next| Counts {
                    ok: sum.ok + next.ok,
                    error: sum.error + next.error,
                    dropped: sum.dropped + next.dropped,
                })
        };
        let kinds = OutputKind::ALL.iter();
        kinds.filter_map(|kind| Some((*kind, of(kind)?))).collect()
    }
}

/// The thread of an output.
struct Writer {
    name: String,
    output: Box<dyn Output>,
    queue: Arc<Queue>,
    backoff: Backoff,
    is_failing: bool,
    told_too_long: bool,
}

impl Writer {
    fn run(&mut self) {
        loop {
            match self.queue.next() {
                Work::Reopen => self.output.reopen(),
                Work::End => return,
                Work::Write(message) => {
                    let settled = self.write(&message);
                    self.queue.settle(&settled);
                }
            }
        }
    }

    /// Until it is written or there is no time left.
    fn write(&mut self, message: &Message) -> Settled {
        let mut pause = self.backoff.first;
        loop {
            if self.queue.take_reopen() {
                self.output.reopen();
            }
            match self.output.write(message) {
                Ok(()) => {
                    if std::mem::take(&mut self.is_failing) {
                        tracing::info!(output = self.name, "events are written again");
                    }
                    return Settled::Ok;
                }
                Err(error @ OutputError::TooLong { .. }) => {
                    if !std::mem::replace(&mut self.told_too_long, true) {
                        tracing::warn!(output = self.name, "{error}; such events are dropped");
                    }
                    return Settled::Dropped;
                }
                Err(error) => {
                    // Once for each time that it begins to fail: the counter tells how often.
                    if !std::mem::replace(&mut self.is_failing, true) {
                        let hint = match error.is_denied() {
                            true => {
                                " (in a folder that was replaced since the start nothing can be opened: restart needed)"
                            }
                            false => "",
                        };
                        tracing::warn!(
                            output = self.name,
                            "{error}; tried again until it works{hint}"
                        );
                    }
                    if !self.queue.pause(pause) {
                        return Settled::Dropped;
                    }
                    pause = (pause * 2).min(self.backoff.most);
                }
            }
        }
    }
}
