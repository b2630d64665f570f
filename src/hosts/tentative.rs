//! Addresses that devices try out before they use them (duplicate address detection, RFC 4862, section 5.4).
//!
//! The device asks whether somebody has the address. Where nobody says so, it takes it: that is its own word for it. A
//! device that makes itself new addresses often says nothing else of them.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Duration;

use super::Hosts;
use super::addresses::Proof;
use crate::model::{Mac, Neighbour, Timestamp};

/// How long an objection may take: a device waits one second (RFC 4861, section 10, `RETRANS_TIMER`) for each time it asks.
const PATIENCE: Duration = Duration::from_secs(2);
/// Addresses on trial, 48 bytes each: those of a network whose devices all come up at once. Beyond, the oldest is given up.
const MAX_WAITING: usize = 4_096;

/// Addresses on trial, oldest first.
#[derive(Debug, Default)]
pub(super) struct Tentative {
    waiting: VecDeque<(Timestamp, IpAddr, Mac)>,
    refused: u64,
}

impl Tentative {
    /// A device asks whether somebody has an address.
    fn ask(&mut self, address: IpAddr, mac: Mac, time: Timestamp) {
        let others = |waiting: &(Timestamp, IpAddr, Mac)| waiting.1 == address;
        match self.waiting.iter().find(|waiting| others(waiting)) {
            // It asks again.
            Some((_, _, known)) if *known == mac => return,
            // Two want it: neither gets it (RFC 4862, section 5.4.3).
            Some(_) => return self.waiting.retain(|waiting| !others(waiting)),
            None => {}
        }
        if self.waiting.len() >= MAX_WAITING {
            self.waiting.pop_front();
            self.refused += 1;
        }
        self.waiting.push_back((time, address, mac));
    }

    /// Another device says that it has an address.
    fn object(&mut self, address: IpAddr, mac: Mac) {
        self.waiting
            .retain(|&(_, known, own)| known != address || own == mac);
    }

    /// The first whose time is up.
    fn due(&mut self, now: Timestamp) -> Option<(Timestamp, IpAddr, Mac)> {
        let (since, ..) = self.waiting.front()?;
        let is_due = since.after(PATIENCE) <= now;
        is_due.then(|| self.waiting.pop_front()).flatten()
    }

    /// On trial now, and those given up.
    pub(super) fn stats(&self) -> (u64, u64) {
        (self.waiting.len() as u64, self.refused)
    }
}

impl Hosts {
    /// A device tries an address out.
    pub(super) fn tries_out(&mut self, neighbour: &Neighbour, time: Timestamp) {
        let Neighbour { address, mac, .. } = *neighbour;
        self.tentative.ask(address, mac, time);
    }

    /// A device says in any other way that it has an address.
    pub(super) fn is_there(&mut self, neighbour: &Neighbour) {
        self.tentative.object(neighbour.address, neighbour.mac);
    }

    /// Time went on: to what nobody objected, that is its device's.
    pub(super) fn settle(&mut self, now: Timestamp) {
        while let Some((since, address, mac)) = self.tentative.due(now) {
            self.attached.neighbour(address, since);
            self.claim(address, mac, Proof::OwnWord, since);
        }
    }
}
