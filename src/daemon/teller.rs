//! Happenings become events and go to the outputs, if there are any.

use anyhow::{Context, Result};

use super::wall_clock;
use crate::events::{Counts, Dispatcher, Handle, Message, Origin, OutputKind, Settings};
use crate::model::{Happening, HostKey, SensorCondition, Stamp};
use crate::store::OutboxEvent;

/// Stamps events and hands them to the outputs, where there is a store only once they stand in it.
pub(super) struct Teller {
    sensor: String,
    stamp: Stamp,
    dispatcher: Option<Dispatcher>,
    /// What waits for the store; `None` where there is none.
    unwritten: Option<Vec<Told>>,
}

/// An event on its way into the store and then to the outputs.
pub(super) struct Told {
    pub sequence: u64,
    pub message: Message,
    pub outbox: OutboxEvent,
}

impl Teller {
    /// One for the outputs that are configured. They are opened as events come; a dead one is tried again.
    pub(super) fn start(sensor: &str, settings: &Settings, is_kept: bool) -> Result<Self> {
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
            unwritten: (is_kept && dispatcher.is_some()).then(Vec::new),
            dispatcher,
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

    /// Sends what happened. Never waits.
    pub(super) fn tell(&mut self, happening: Happening) {
        let Some(dispatcher) = &self.dispatcher else {
            return;
        };
        let host = happening.host.as_ref();
        let host = host.map(|host| HostKey::restored(&host.key));
        let event = self.stamp.event(happening, Some(wall_clock()));
        let message = Message::from(&event);
        match &mut self.unwritten {
            None => dispatcher.handle().send(&message),
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

    /// The sensor itself changed.
    pub(super) fn sensor(&mut self, condition: SensorCondition, reason: Option<&str>) {
        self.tell(Happening::sensor_state(condition, wall_clock(), reason));
    }

    /// An interface is no longer captured.
    pub(super) fn capture_down(&mut self, interface: &str, reason: Option<&str>) {
        let down = Happening::sensor_state(SensorCondition::CaptureDown, wall_clock(), reason);
        self.tell(down.on(interface, None));
    }

    /// What became of events so far.
    pub(super) fn counts(&self) -> Vec<(OutputKind, Counts)> {
        let dispatcher = self.dispatcher.as_ref();
        dispatcher.map_or_else(Vec::new, |dispatcher| dispatcher.handle().counts())
    }

    /// Lets the outputs write what waits, for as long as they may.
    pub(super) fn stop(self) {
        if let Some(dispatcher) = self.dispatcher {
            for (output, counts) in dispatcher.stop() {
                if counts.dropped > 0 {
                    let dropped = counts.dropped;
                    tracing::warn!(output = output.label(), dropped, "events were dropped");
                }
            }
        }
    }
}
