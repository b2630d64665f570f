//! What a capture lost in a stretch of time.

use super::Timestamp;

/// Frames taken and lost since the last report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Losses {
    /// Engine time at the end of the stretch, about a second long.
    pub at: Timestamp,
    /// Who took and lost them.
    pub tap: Tap,
    /// Frames that were taken.
    pub taken: u64,
    /// Frames that the kernel or the interface lost.
    pub lost: u64,
}

/// A worker, by numbers: its interface, and which of the interface's workers it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tap {
    /// The interface.
    pub interface: usize,
    /// Which of its workers.
    pub worker: usize,
}
