//! Counters of an open store.

use crate::model::Timestamp;

/// What the store was doing when something failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operation {
    /// Opening it. An open that fails leaves no store that could count; the caller adds those.
    Open,
    /// Writing a batch, or erasing a host.
    Write,
    /// Reading.
    Read,
    /// Removing what is old.
    Prune,
    /// Bringing it to a newer schema; counted by the caller, as for `Open`.
    Migrate,
}

impl Operation {
    /// Every operation, in the order in which they are declared.
    pub const ALL: &'static [Self] = &[
        Self::Open,
        Self::Write,
        Self::Read,
        Self::Prune,
        Self::Migrate,
    ];

    /// Its word in metrics.
    pub fn label(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Write => "write",
            Self::Read => "read",
            Self::Prune => "prune",
            Self::Migrate => "migrate",
        }
    }
}

/// Counters of an open store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Bytes of the file and of what SQLite keeps beside it.
    pub size_bytes: u64,
    /// Wall time of the last batch that was written by this process.
    pub last_write: Option<Timestamp>,
    /// Failures by operation, in the order of [`Operation::ALL`].
    pub errors: [u64; Operation::ALL.len()],
    /// Events dropped from the full outbox since the store was made.
    pub outbox_dropped: u64,
}
