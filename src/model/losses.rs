//! What a capture lost in a stretch of time.

use super::Timestamp;

/// Frames taken and lost since the last report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Losses {
    /// Engine time at the end of the stretch, about a second long.
    pub at: Timestamp,
    /// Frames that were taken.
    pub taken: u64,
    /// Frames that the kernel or the interface lost.
    pub lost: u64,
}
