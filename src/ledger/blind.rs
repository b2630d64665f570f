//! Hosts with flows whose name could not be read.

use std::net::IpAddr;

use hashbrown::HashMap;

use crate::evidence::WINDOW;
use crate::model::{BlindHost, BlindKind, Timestamp};

/// Combinations of host and cause kept at once, about 64 bytes each, so 4 MiB.
const MAX_ENTRIES: usize = 65_536;

/// When each host last had a flow without a name, by cause.
#[derive(Debug, Default)]
pub(super) struct BlindHosts {
    last: HashMap<(IpAddr, BlindKind), Timestamp>,
    refused: u64,
}

impl BlindHosts {
    /// Takes what a worker reports.
    pub(super) fn note(&mut self, blind: &BlindHost) {
        let key = (blind.host, blind.kind);
        if self.last.len() >= MAX_ENTRIES && !self.last.contains_key(&key) {
            self.refused += 1;
            return;
        }
        let last = self.last.entry(key).or_insert(blind.span.last);
        *last = blind.span.last.max(*last);
    }

    /// Forgets what left the window.
    pub(super) fn expire(&mut self, now: Timestamp) {
        self.last.retain(|_, last| *last > now.before(WINDOW));
    }

    /// Distinct hosts in the window, by cause.
    pub(super) fn count(&self, now: Timestamp) -> [u64; BlindKind::ALL.len()] {
        let mut hosts = [0; BlindKind::ALL.len()];
        for ((_, kind), last) in &self.last {
            hosts[kind.index()] += u64::from(*last > now.before(WINDOW) && *last <= now);
        }
        hosts
    }

    /// Combinations now.
    pub(super) fn len(&self) -> u64 {
        self.last.len() as u64
    }

    /// Combinations that found no place.
    pub(super) fn refused(&self) -> u64 {
        self.refused
    }
}
