//! Happenings become events and go to the outputs, if there are any.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::wall::wall_clock;
use crate::events::{Counts, Dispatcher, Handle, Message, Origin, OutputKind, Settings};
use crate::model::{Happening, HostKey, SensorCondition, Stamp};
use crate::privacy::Pseudonyms;
use crate::store::OutboxEvent;

/// Stamps events and hands them to the outputs, where there is a store only once they stand in it.
pub(super) struct Teller {
    sensor: String,
    stamp: Stamp,
    /// Tokens in place of devices, where that is asked for.
    pseudonyms: Option<Pseudonyms>,
    dispatcher: Option<Dispatcher>,
    pace: Option<Pace>,
    /// What waits for the store; `None` where there is none.
    unwritten: Option<Vec<Told>>,
}

/// An event on its way into the store and then to the outputs.
pub(super) struct Told {
    pub sequence: u64,
    pub message: Message,
    pub outbox: OutboxEvent,
}

/// How a replay waits for the outputs: it makes events faster than they can be written.
struct Pace {
    /// Events that may wait.
    limit: u64,
    /// Whether an output did not move for too long: then nobody waits for it any more.
    given_up: bool,
}

/// How long a replay waits for an output that does not move.
const PATIENCE: Duration = Duration::from_secs(5);
const LOOK_AGAIN: Duration = Duration::from_millis(2);

impl Teller {
    /// One for the outputs that are configured. They are opened as events come; a dead one is tried again.
    pub(super) fn start(
        sensor: &str,
        settings: &Settings,
        pseudonyms: Option<Pseudonyms>,
        is_kept: bool,
    ) -> Result<Self> {
        let mut teller = Self::open(sensor, settings, pseudonyms)?;
        teller.unwritten = (is_kept && teller.is_on()).then(Vec::new);
        Ok(teller)
    }

    /// One for a replay: no event depends on when it runs, and it waits for outputs that move.
    pub(super) fn replaying(
        sensor: &str,
        settings: &Settings,
        pseudonyms: Option<Pseudonyms>,
    ) -> Result<Self> {
        Ok(Self {
            pace: Some(Pace {
                limit: settings.queue as u64 / 2,
                given_up: false,
            }),
            ..Self::open(sensor, settings, pseudonyms)?
        })
    }

    fn open(sensor: &str, settings: &Settings, pseudonyms: Option<Pseudonyms>) -> Result<Self> {
        let origin = Origin {
            sensor: sensor.to_owned(),
            process: std::process::id(),
        };
        let dispatcher = settings
            .has_outputs()
            .then(|| Dispatcher::start(settings, &origin))
            .transpose()
            .context("cannot start the outputs of events")?;
        Ok(Self {
            sensor: sensor.to_owned(),
            stamp: Stamp::new(sensor, 0),
            pseudonyms,
            unwritten: None,
            dispatcher,
            pace: None,
        })
    }

    /// Goes on behind the latest sequence of an earlier run.
    pub(super) fn continue_after(&mut self, sequence: u64) {
        if sequence > self.stamp.last() {
            self.stamp = Stamp::new(&self.sensor, sequence);
        }
    }

    /// Where events are given to the outputs.
    pub(super) fn handle(&self) -> Option<Handle> {
        self.dispatcher.as_ref().map(Dispatcher::handle)
    }

    /// What waits for the store.
    pub(super) fn unwritten(&mut self) -> Vec<Told> {
        self.unwritten
            .as_mut()
            .map(std::mem::take)
            .unwrap_or_default()
    }

    /// Whether there is any output.
    pub(super) fn is_on(&self) -> bool {
        self.dispatcher.is_some()
    }

    /// Sends what happened. Live it never waits.
    pub(super) fn tell(&mut self, happening: Happening) {
        let Some(dispatcher) = &self.dispatcher else {
            return;
        };
        let handle = dispatcher.handle();
        let created = match &mut self.pace {
            Some(pace) => {
                pace.keep(pace.limit, || handle.waiting());
                None
            }
            None => Some(wall_clock()),
        };
        // In the store it stands under the real key, or it could not be erased.
        let host = happening.host.as_ref();
        let host = host.map(|host| HostKey::restored(&host.key));
        let happening = match &self.pseudonyms {
            Some(pseudonyms) => pseudonyms.hide_happening(happening),
            None => happening,
        };
        let event = self.stamp.event(happening, created);
        let message = Message::from(&event);
        match &mut self.unwritten {
            None => handle.send(&message),
            Some(unwritten) => unwritten.push(Told {
                sequence: event.sequence,
                outbox: OutboxEvent {
                    id: event.id.to_string(),
                    time: message.time,
                    host,
                    text: message.line.to_string(),
                },
                message,
            }),
        }
    }

    /// A replay is at its end: waits until the outputs have what was told.
    pub(super) fn settle(&mut self) {
        if let (Some(dispatcher), Some(pace)) = (&self.dispatcher, &mut self.pace) {
            let handle = dispatcher.handle();
            pace.keep(0, || handle.waiting());
        }
    }

    /// The sensor itself changed.
    pub(super) fn sensor(&mut self, condition: SensorCondition, reason: Option<&str>) {
        self.tell(Happening::sensor_state(condition, wall_clock(), reason));
    }

    /// An interface is no longer captured.
    pub(super) fn capture_down(&mut self, interface: &str, reason: Option<&str>) {
        let down = Happening::sensor_state(SensorCondition::CaptureDown, wall_clock(), reason);
        self.tell(down.on(interface, None));
    }

    /// An interface is captured again.
    pub(super) fn capture_up(&mut self, interface: &str) {
        let up = Happening::sensor_state(SensorCondition::CaptureUp, wall_clock(), None);
        self.tell(up.on(interface, None));
    }

    /// What became of events so far.
    pub(super) fn counts(&self) -> Vec<(OutputKind, Counts)> {
        let dispatcher = self.dispatcher.as_ref();
        dispatcher.map_or_else(Vec::new, |dispatcher| dispatcher.handle().counts())
    }

    /// Lets the outputs write what waits, for as long as they may.
    pub(super) fn stop(&mut self) {
        if let Some(dispatcher) = self.dispatcher.take() {
            for (output, counts) in dispatcher.stop() {
                if counts.dropped > 0 {
                    let dropped = counts.dropped;
                    tracing::warn!(output = output.label(), dropped, "events were dropped");
                }
            }
        }
    }
}

impl Pace {
    /// Waits while too many events wait, as long as they become fewer.
    fn keep(&mut self, limit: u64, waiting: impl Fn() -> u64) {
        let mut least = waiting();
        let mut moved = Instant::now();
        while least > limit && !self.given_up {
            std::thread::sleep(LOOK_AGAIN);
            let now = waiting();
            if now < least {
                (least, moved) = (now, Instant::now());
            } else if moved.elapsed() > PATIENCE {
                tracing::warn!("an output of events does not move; the replay goes on without it");
                self.given_up = true;
            }
        }
    }
}
