//! What the daemon gives up before it looks at the first packet: files, system calls, capabilities.
//!
//! It parses what strangers send, where everybody's traffic passes. Whoever should find a fault in a parser then holds a
//! process that can read its configuration and packs, write its own folder, and nothing else: no other file, no program, no
//! connection.
//!
//! Landlock and seccomp hold for the thread that asks for them and for those that it starts, so [`Sandbox::enter`] comes
//! before all threads. Capture threads open interfaces again and need more than the others: they come next and call
//! [`Sandbox::keep_for_capture`]; then [`Sandbox::leave_capture`] takes the rest from the thread that starts all others.

mod calls;
mod files;
mod granted;
mod privileges;

use std::path::PathBuf;
use std::str::FromStr;

use crate::model::{Protection, Protections};

pub use granted::Granted;

/// Whether the daemon is sandboxed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Not at all.
    Off,
    /// As far as the system can; what is missing is told.
    #[default]
    On,
    /// Wholly, or the daemon does not start.
    Require,
}

impl FromStr for Mode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "off" => Ok(Self::Off),
            "on" => Ok(Self::On),
            "require" => Ok(Self::Require),
            _ => Err("write off, on or require".to_owned()),
        }
    }
}

/// What the daemon needs from now on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Files and folders that are read, with all that is in them.
    pub read: Vec<PathBuf>,
    /// Folders in which it writes.
    pub write: Vec<PathBuf>,
    /// Where it sends events: TCP ports.
    pub tcp: Vec<u16>,
    /// Whether it sends events at all to another process or machine.
    pub sends: bool,
    /// Whether a receiver is named by a host name, which the C library has to look up.
    pub looks_up: bool,
    /// Whether interfaces are captured.
    pub captures: bool,
    /// Whether they are opened again when they come back.
    pub reopens: bool,
}

/// Why the daemon does not start.
#[derive(Debug, thiserror::Error)]
#[error("--sandbox require: {layer} is not to be had here: {why}; --sandbox on goes without it")]
pub struct Missing {
    /// Which layer.
    layer: &'static str,
    /// Why.
    why: String,
}

/// The layers that are in force so far, and what is still to be given up.
#[derive(Clone, Debug)]
pub struct Sandbox {
    mode: Mode,
    reopens: bool,
    sends: bool,
    protections: Protections,
}

impl Sandbox {
    /// Takes files and system calls from this thread and those that it starts from now on.
    pub fn enter(mode: Mode, needs: &Needs) -> Result<Self, Missing> {
        let mut sandbox = Self {
            mode,
            reopens: needs.reopens,
            sends: needs.sends,
            protections: Protections::default(),
        };
        if mode != Mode::Off {
            sandbox.layer(Protection::Landlock, files::restrict(needs))?;
            sandbox.layer(Protection::Seccomp, calls::restrict(needs))?;
        }
        Ok(sandbox)
    }

    /// In a capture thread: keeps what opening an interface again takes, or nothing.
    pub fn keep_for_capture(&self) -> Result<(), Missing> {
        let mut sandbox = self.clone();
        if self.mode != Mode::Off {
            sandbox.layer(Protection::Capabilities, privileges::keep(self.reopens))?;
        }
        Ok(())
    }

    /// In the thread that starts all others, once captures have theirs: gives up all capabilities, and sockets but those to
    /// whom events go. Says what is in force.
    pub fn leave_capture(mut self) -> Result<Protections, Missing> {
        if self.mode != Mode::Off {
            self.layer(Protection::Capabilities, privileges::keep(false))?;
            if self.protections.has(Protection::Seccomp) {
                self.layer(Protection::Seccomp, calls::leave_capture(self.sends))?;
            }
        }
        Ok(self.protections)
    }

    fn layer(&mut self, layer: Protection, outcome: Result<(), String>) -> Result<(), Missing> {
        self.protections.set(layer, outcome.is_ok());
        match outcome {
            Ok(()) => Ok(()),
            Err(why) if self.mode == Mode::Require => Err(Missing {
                layer: layer.label(),
                why,
            }),
            Err(why) => {
                tracing::warn!(
                    layer = layer.label(),
                    "this part of the sandbox is missing: {why}"
                );
                Ok(())
            }
        }
    }
}
