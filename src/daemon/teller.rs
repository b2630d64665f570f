//! Happenings become events and go to the outputs, if there are any.

use anyhow::{Context, Result};

use super::wall_clock;
use crate::events::{Counts, Dispatcher, Message, Origin, OutputKind, Settings};
use crate::model::{Happening, SensorCondition, Stamp};

/// Stamps events and hands them to the outputs.
pub(super) struct Teller {
    stamp: Stamp,
    dispatcher: Option<Dispatcher>,
}

impl Teller {
    /// One for the outputs that are configured. They are opened as events come; a dead one is tried again.
    pub(super) fn start(sensor: &str, settings: &Settings) -> Result<Self> {
        let origin = Origin {
            sensor: sensor.to_owned(),
            process: std::process::id(),
        };
        let dispatcher = settings
            .has_outputs()
            .then(|| Dispatcher::start(settings, &origin))
            .transpose()
            .context("cannot start the outputs of events")?;
        let mut teller = Self {
            stamp: Stamp::new(sensor, 0),
            dispatcher,
        };
        teller.sensor(SensorCondition::Started, None);
        Ok(teller)
    }

    /// Whether there is any output.
    pub(super) fn is_on(&self) -> bool {
        self.dispatcher.is_some()
    }

    /// Sends what happened. Never waits.
    pub(super) fn tell(&mut self, happening: Happening) {
        if let Some(dispatcher) = &self.dispatcher {
            let event = self.stamp.event(happening, Some(wall_clock()));
            dispatcher.handle().send(&Message::from(&event));
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
