//! What one tracker counted.

use crate::model::{Seen, Timestamp};

/// Counters of one tracker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stats {
    /// How much was looked at, and what could not be read.
    pub seen: Seen,
    /// Capture time of the latest frame, wild or not.
    pub last_frame: Option<Timestamp>,
    /// Tables of the tracker.
    pub tables: [TableStats; 12],
}

/// One bounded table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TableStats {
    /// Its name as metric label.
    pub name: &'static str,
    /// Entries now.
    pub entries: u64,
    /// Entries evicted or refused because it was full.
    pub evictions: u64,
}

impl Default for Stats {
    fn default() -> Self {
        let table = |name| TableStats {
            name,
            ..TableStats::default()
        };
        Self {
            seen: Seen::default(),
            last_frame: None,
            tables: [
                table("flows"),
                table("first_bytes"),
                table("dns_transactions"),
                table("presence"),
                table("rollup"),
                table("fragments"),
                table("quic_connections"),
                table("watched_answers"),
                table("identities_told"),
                table("role_signs"),
                table("flow_ends"),
                table("uncovered_told"),
            ],
        }
    }
}

impl Stats {
    /// Adds another tracker's counters, table by table.
    pub fn add(&mut self, other: &Self) {
        self.seen.add(&other.seen);
        self.last_frame = self.last_frame.max(other.last_frame);
        for (our, their) in self.tables.iter_mut().zip(&other.tables) {
            our.entries += their.entries;
            our.evictions += their.evictions;
        }
    }
}
