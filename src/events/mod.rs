//! Event outputs: standard output, rotated files, syslog.
//!
//! A [`Dispatcher`] has one thread and one bounded queue for each output. Whoever has an event gives it to the [`Handle`],
//! which never waits: where an output is slow or dead its queue fills, and what finds no place is dropped and counted. An
//! output that fails tries again, the same event first, with growing pauses; none of this reaches the sensor.
//!
//! Plain threads, because writing to a file or a pipe blocks whatever the runtime, and one that hangs must not hold the
//! others.

mod dispatcher;
mod file;
mod lines;
mod message;
mod output;
mod queue;
mod settings;
mod stdout;
mod syslog;

pub use dispatcher::{Dispatcher, Handle, Planned};
pub use message::{Message, NoEvent};
pub use output::{Output, OutputError, OutputKind};
pub use queue::Counts;
pub use settings::{
    Backoff, Facility, FileSettings, Settings, StdoutSettings, SyslogFormat, SyslogSettings,
    SyslogTarget, Unfit,
};
pub use syslog::Origin;
