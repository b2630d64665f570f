//! Which local hosts were there, told to the ledger once a minute.

use std::collections::HashSet;
use std::net::IpAddr;

use crate::model::{Presence, Timestamp};

/// Hosts told within one minute. Spoofed sources beyond it are counted, not kept: 65,536 addresses make about 3 MiB.
const MAX_HOSTS: usize = 65_536;

/// Addresses told in the current minute of engine time.
#[derive(Debug, Default)]
pub struct PresenceLog {
    minute: i64,
    told: HashSet<IpAddr>,
    waiting: Vec<Presence>,
    refused: u64,
}

impl PresenceLog {
    /// Notes that `host` sent a packet.
    pub fn note(&mut self, host: IpAddr, time: Timestamp) {
        if time.minute() != self.minute {
            // Forgetting who was told costs a repetition at most, and bounds the table.
            self.minute = time.minute();
            self.told.clear();
        }
        if self.told.contains(&host) {
            return;
        }
        if self.told.len() >= MAX_HOSTS || self.waiting.len() >= MAX_HOSTS {
            self.refused += 1;
            return;
        }
        self.told.insert(host);
        self.waiting.push(Presence { host, time });
    }

    /// Hosts in the table.
    pub fn len(&self) -> usize {
        self.told.len()
    }

    /// Hosts that found no place.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// Hands over what is waiting.
    pub fn take(&mut self) -> Vec<Presence> {
        std::mem::take(&mut self.waiting)
    }
}
