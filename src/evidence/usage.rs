//! What one host did with one vendor and category: strong sightings only.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use super::WINDOW;
use super::ahead::Ahead;
use super::names::Names;
use crate::model::{
    Carry, Category, DomainName, Evidence, NameUse, Phase, Reply, ReplyKind, ServiceId, Sighting,
    Span, Timestamp, VendorId,
};

/// Addresses kept for one host.
const MAX_ADDRESSES: usize = 16;

/// Everything strong that is known of a host, vendor and category.
#[derive(Clone, Debug)]
pub struct Usage {
    /// Addresses under which it was seen.
    pub addresses: Vec<IpAddr>,
    /// First and latest sighting.
    pub span: Span,
    /// Latest sighting at each level that is not later than engine time, in the order of [`Evidence::ALL`].
    believed: [Option<Timestamp>; 4],
    /// Sightings at each level that were later than engine time when they came.
    ahead: [Ahead; 4],
    /// Phase of the latest sighting.
    pub phase: Phase,
    /// Sightings at or after the cutoff.
    pub after_cutoff_sightings: u64,
    /// Payload bytes received and sent.
    pub bytes: (u64, u64),
    /// The part of them at or after the cutoff.
    pub after_cutoff_bytes: (u64, u64),
    /// Whether it was ever a straggler.
    pub ever_straggler: bool,
    /// First and latest contact or transfer that was not later than engine time.
    pub contacts: Option<Span>,
    names: Names,
    received: Vec<HourBytes>,
}

/// Bytes received from one service in one hour.
#[derive(Clone, Debug)]
struct HourBytes {
    service: ServiceId,
    hour: i64,
    last: Timestamp,
    bytes: u64,
}

impl Usage {
    /// A usage without anything yet, first seen at `time`.
    pub(super) fn new(time: Timestamp) -> Self {
        Self {
            addresses: Vec::new(),
            span: Span::at(time),
            believed: [None; 4],
            ahead: Default::default(),
            phase: Phase::None,
            after_cutoff_sightings: 0,
            bytes: (0, 0),
            after_cutoff_bytes: (0, 0),
            ever_straggler: false,
            contacts: None,
            names: Names::default(),
            received: Vec::new(),
        }
    }

    /// Takes a strong sighting of a phase, at engine time `now`.
    pub(super) fn sighting(&mut self, sighting: &Sighting, phase: Phase, now: Timestamp) {
        let Sighting {
            span,
            evidence,
            count,
            ..
        } = sighting;
        self.see_address(sighting.host);
        if *count > 0 {
            if span.last >= self.span.last || self.phase == Phase::None {
                self.phase = phase;
            }
            self.span.cover(span.first);
            self.span.cover(span.last);
            self.reached(*evidence, span.last, now);
            if *evidence >= Evidence::Contact {
                self.in_contact(*span, now);
            }
        } else if sighting.received > 0 && *evidence >= Evidence::Contact {
            // The server goes on answering in a flow that reached its level long ago: the two are in contact now.
            self.span.cover(span.last);
            self.phase = phase;
            self.reached(Evidence::Contact, span.last, now);
            self.in_contact(Span::at(span.last), now);
        }
        self.bytes.0 += sighting.received;
        self.bytes.1 += sighting.sent;
        if phase == Phase::After {
            self.after_cutoff_sightings += count;
            self.after_cutoff_bytes.0 += sighting.received;
            self.after_cutoff_bytes.1 += sighting.sent;
        }
        // Bytes before any contact (a banner, an alert) fetch nothing.
        if sighting.received > 0 && *evidence >= Evidence::Contact {
            self.receive(sighting);
        }
        self.names.sighting(sighting, now);
    }

    /// Takes what came back to a try for a strong name.
    pub(super) fn reply(&mut self, reply: &Reply) {
        self.names.reply(reply);
    }

    /// Adds what was noted under another key of the same host.
    pub(super) fn join(&mut self, other: Self) {
        for address in other.addresses {
            self.see_address(address);
        }
        if other.span.last > self.span.last || self.phase == Phase::None {
            self.phase = other.phase;
        }
        self.span.cover(other.span.first);
        self.span.cover(other.span.last);
        for (known, said) in self.believed.iter_mut().zip(other.believed) {
            *known = (*known).max(said);
        }
        for (known, said) in self.ahead.iter_mut().zip(other.ahead) {
            known.join(said);
        }
        self.after_cutoff_sightings += other.after_cutoff_sightings;
        self.bytes.0 += other.bytes.0;
        self.bytes.1 += other.bytes.1;
        self.after_cutoff_bytes.0 += other.after_cutoff_bytes.0;
        self.after_cutoff_bytes.1 += other.after_cutoff_bytes.1;
        self.ever_straggler |= other.ever_straggler;
        if let Some(span) = other.contacts {
            self.in_contact(span, span.last);
        }
        self.names.join(other.names);
        for hour in other.received {
            let same =
                |known: &&mut HourBytes| known.hour == hour.hour && known.service == hour.service;
            match self.received.iter_mut().find(same) {
                Some(known) => {
                    known.bytes += hour.bytes;
                    known.last = known.last.max(hour.last);
                }
                None => self.received.push(hour),
            }
        }
    }

    /// What other rules say that this is: the vendor and category of most of its names that are strong by them; `None` where
    /// none is.
    pub(super) fn subject(&self, carry: &Carry<'_>) -> Option<(VendorId, Category)> {
        self.names.subject(carry)
    }

    /// Other rules are in force, by which it is of this vendor and category: other names go. What was reached is known for all
    /// names together, so it stays.
    pub(super) fn carry(&mut self, vendor: &VendorId, category: Category, carry: &Carry<'_>) {
        self.names.carry(vendor, category, carry);
    }

    /// The clock was set back: what was put down to a time later than `limit` happened earlier by as much.
    pub(super) fn set_back(&mut self, limit: Timestamp, by: Duration) {
        let back = |time: &mut Timestamp| {
            if *time > limit {
                *time = time.before(by);
            }
        };
        self.believed.iter_mut().flatten().for_each(back);
        back(&mut self.span.last);
        self.span.first = self.span.first.min(self.span.last);
        self.names.set_back(back);
        for hour in &mut self.received {
            back(&mut hour.last);
            hour.hour = hour.last.hour();
        }
    }

    /// Latest sighting at each level as of engine time, in the order of [`Evidence::ALL`].
    pub fn last_by_evidence(&self, now: Timestamp) -> [Option<Timestamp>; 4] {
        let mut last = self.believed;
        for (last, ahead) in last.iter_mut().zip(&self.ahead) {
            *last = (*last).max(ahead.due(now));
        }
        last
    }

    /// The latest contact or transfer as of engine time.
    pub fn last_contact(&self, now: Timestamp) -> Option<Timestamp> {
        let [_, _, contact, transfer] = self.last_by_evidence(now);
        contact.max(transfer)
    }

    /// A wild time gives nobody a standing.
    fn in_contact(&mut self, span: Span, now: Timestamp) {
        if span.last <= now {
            let contacts = self.contacts.get_or_insert(span);
            contacts.cover(span.first);
            contacts.cover(span.last);
        }
    }

    fn reached(&mut self, evidence: Evidence, time: Timestamp, now: Timestamp) {
        let at = evidence.index();
        if time <= now {
            self.believed[at] = self.believed[at].max(Some(time));
            return;
        }
        let due = self.ahead[at].take_due(now);
        self.believed[at] = self.believed[at].max(due);
        self.ahead[at].add(time);
    }

    /// Highest level ever reached.
    pub fn evidence(&self) -> Evidence {
        Evidence::ALL
            .iter()
            .rev()
            .copied()
            .find(|level| {
                self.believed[level.index()].is_some() || !self.ahead[level.index()].is_empty()
            })
            .unwrap_or(Evidence::Lookup)
    }

    /// The latest proof of being blocked. `resolved` tells when a name last resolved for anybody: a name that does not
    /// exist is blocked only if it does exist for others in the window; else the vendor retired it. `silence_tells` where
    /// the sensor would have seen an answer.
    pub fn last_blocked(
        &self,
        resolved: impl Fn(&DomainName) -> Option<Timestamp>,
        silence_tells: bool,
    ) -> Option<(Timestamp, ReplyKind)> {
        self.names.last_blocked(resolved, silence_tells)
    }

    /// The most bytes that any one service sent in the window that ends at `now`. Hours count whole where their last byte
    /// lies inside.
    pub fn received_in_window(&self, now: Timestamp) -> u64 {
        let since = now.before(WINDOW);
        let inside = |hour: &&HourBytes| hour.last > since && hour.last <= now;
        let mut by_service: BTreeMap<&ServiceId, u64> = BTreeMap::new();
        for hour in self.received.iter().filter(inside) {
            *by_service.entry(&hour.service).or_default() += hour.bytes;
        }
        by_service.into_values().max().unwrap_or(0)
    }

    /// How many names are kept.
    pub(super) fn names_kept(&self) -> usize {
        self.names.len()
    }

    /// Leaves out the names seen longest ago, beyond so many. Says how many that were.
    pub(super) fn forget_names(&mut self, most: usize) -> usize {
        self.names.forget(most)
    }

    /// The names, latest first, and how many found no place.
    pub fn names(&self) -> (Vec<NameUse>, u64) {
        self.names.views()
    }

    fn see_address(&mut self, address: IpAddr) {
        if let Err(at) = self.addresses.binary_search(&address)
            && self.addresses.len() < MAX_ADDRESSES
        {
            self.addresses.insert(at, address);
        }
    }

    fn receive(&mut self, sighting: &Sighting) {
        let hour = sighting.span.last.hour();
        let service = &sighting.matched.service.id;
        let known = self
            .received
            .iter_mut()
            .find(|known| known.hour == hour && known.service == *service);
        match known {
            Some(known) => {
                known.bytes += sighting.received;
                known.last = known.last.max(sighting.span.last);
            }
            None => {
                let horizon = self.span.last.max(sighting.span.last).before(WINDOW);
                self.received.retain(|known| known.last > horizon);
                // Most fetch from one service in one hour: no room for four.
                if self.received.is_empty() {
                    self.received.reserve_exact(1);
                }
                self.received.push(HourBytes {
                    service: service.clone(),
                    hour,
                    last: sighting.span.last,
                    bytes: sighting.received,
                });
            }
        }
    }
}
