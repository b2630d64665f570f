//! Frames from an interface, a savefile or standard input, with everything that was lost on the way counted.
//!
//! A [`FrameSource`] hands out frames in batches. [`Savefile`] reads pcap and pcapng, packed or not; [`Live`] is a non-blocking handle
//! with a poll, because libpcap's own read timeout does not return on an idle Linux interface, and a worker must never
//! wait for a packet to notice that it should stop.

mod error;
pub mod fanout;
mod inputs;
mod interfaces;
mod live;
mod savefile;
mod signals;

use crate::model::Frame;

pub use error::CaptureError;
pub use inputs::{Inputs, STDIN, find_inputs};
pub use interfaces::{Interface, has_link, interfaces};
pub use live::{Live, Naming};
pub use savefile::Savefile;
pub use signals::{Compiled, MAX_INSTRUCTIONS, SignalFilter, Thinner};

/// Where frames come from.
pub trait FrameSource {
    /// Hands at most `limit` frames to `sink`. What was handed out before an error is good.
    fn pump(
        &mut self,
        limit: usize,
        sink: &mut dyn FnMut(Frame<'_>),
    ) -> Result<Pumped, CaptureError>;
}

/// What one call of [`FrameSource::pump`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pumped {
    /// So many frames were handed out, at least one.
    Frames(usize),
    /// Nothing to read now; more may come.
    Idle,
    /// The source is at its end.
    End,
}

/// How an interface is captured.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Bytes kept of each frame. Offloading network cards deliver frames far above the MTU, so the default keeps all.
    pub snap_length: u32,
    /// Kernel buffer in bytes for each interface; its workers share it, but each has 8 MiB at least, or all of it where it is
    /// less.
    pub buffer: u32,
    /// Workers that share the frames of each interface.
    pub workers: u32,
    /// Whether to see frames that are not for this machine; a mirror port needs it.
    pub promiscuous: bool,
    /// Whether to open an interface again that went away.
    pub reopen: bool,
    /// What the kernel passes.
    pub mode: Mode,
}

/// Most workers of an interface: beyond, the one with the most traffic of two machines decides, not their number.
pub const MAX_WORKERS: u32 = 16;

/// What the kernel passes of an interface's frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// All.
    #[default]
    Full,
    /// What names, outcomes and byte counts need ([`SignalFilter`]).
    Signals,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            snap_length: 65_535,
            buffer: 16 * 1024 * 1024,
            workers: 1,
            promiscuous: true,
            reopen: true,
            mode: Mode::Full,
        }
    }
}

/// What one source delivered and lost. Counters only grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Lost because the kernel's buffer was full.
    pub kernel_drops: u64,
    /// Lost in the interface or its driver.
    pub interface_drops: u64,
}

/// A 64-bit counter that follows a 32-bit one which wraps, as libpcap's do.
#[derive(Clone, Copy, Debug, Default)]
struct WrappedCounter {
    last: u32,
    total: u64,
}

impl WrappedCounter {
    fn update(&mut self, now: u32) -> u64 {
        self.total += u64::from(now.wrapping_sub(self.last));
        self.last = now;
        self.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrapped_counter_goes_on() {
        let mut counter = WrappedCounter::default();
        assert_eq!(counter.update(u32::MAX - 1), u64::from(u32::MAX) - 1);
        assert_eq!(counter.update(3), u64::from(u32::MAX) + 4);
        assert_eq!(counter.update(3), u64::from(u32::MAX) + 4);
    }
}
