//! What one host did with one vendor and category: strong sightings only.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::WINDOW;
use crate::model::{
    DomainName, Evidence, Match, NameUse, Phase, Reply, ReplyKind, Sample, Service, ServiceId,
    Sighting, Signal, Span, Timestamp,
};

/// Names kept for one host, vendor and category; a product asks for a few dozen.
const MAX_NAMES: usize = 64;
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
    /// Earliest sighting at each level that was later than engine time when it came: it counts once time gets there.
    ahead: [Option<Timestamp>; 4],
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
    names: BTreeMap<DomainName, NameRecord>,
    names_left_out: u64,
    received: Vec<HourBytes>,
}

#[derive(Clone, Debug)]
struct NameRecord {
    service: Arc<Service>,
    signals: [bool; Signal::ALL.len()],
    evidence: Evidence,
    sightings: u64,
    span: Span,
    samples: Vec<Sample>,
    blocked: Option<(Timestamp, ReplyKind)>,
    nxdomain: Option<Timestamp>,
    /// When a try was last met with silence.
    silence: Option<Timestamp>,
    /// When this host got an address for it.
    resolved: Option<Timestamp>,
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
            ahead: [None; 4],
            phase: Phase::None,
            after_cutoff_sightings: 0,
            bytes: (0, 0),
            after_cutoff_bytes: (0, 0),
            ever_straggler: false,
            names: BTreeMap::new(),
            names_left_out: 0,
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
        } else if sighting.received > 0 && *evidence >= Evidence::Contact {
            // The server goes on answering in a flow that reached its level long ago: the two are in contact now.
            self.span.cover(span.last);
            self.phase = phase;
            self.reached(Evidence::Contact, span.last, now);
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
        if let Some(record) = self.name(&sighting.name, &sighting.matched, span.first) {
            record.sighting(sighting);
        }
    }

    /// Takes what came back to a try for a strong name.
    pub(super) fn reply(&mut self, reply: &Reply) {
        let Some(record) = self.names.get_mut(&reply.name) else {
            return;
        };
        let last = reply.span.last;
        if reply.kind == ReplyKind::Resolved {
            record.resolved = record.resolved.max(Some(last));
        } else if reply.kind.blocks() {
            record.blocked = record
                .blocked
                .filter(|(time, _)| *time > last)
                .or(Some((last, reply.kind)));
        } else if reply.kind == ReplyKind::NxDomain {
            record.nxdomain = record.nxdomain.max(Some(last));
        } else if reply.kind == ReplyKind::Silence {
            record.silence = record.silence.max(Some(last));
        }
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
            *known = (*known).into_iter().chain(said).min();
        }
        self.after_cutoff_sightings += other.after_cutoff_sightings;
        self.bytes.0 += other.bytes.0;
        self.bytes.1 += other.bytes.1;
        self.after_cutoff_bytes.0 += other.after_cutoff_bytes.0;
        self.after_cutoff_bytes.1 += other.after_cutoff_bytes.1;
        self.ever_straggler |= other.ever_straggler;
        self.names_left_out += other.names_left_out;
        for (name, record) in other.names {
            match self.names.get_mut(&name) {
                Some(known) => known.join(record),
                None => {
                    self.names.insert(name, record);
                }
            }
        }
        self.forget_names();
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
        for record in self.names.values_mut() {
            back(&mut record.span.last);
            record.span.first = record.span.first.min(record.span.last);
            let blocked = record.blocked.iter_mut().map(|(time, _)| time);
            let rest = [
                &mut record.nxdomain,
                &mut record.silence,
                &mut record.resolved,
            ];
            blocked.chain(rest.into_iter().flatten()).for_each(back);
        }
        for hour in &mut self.received {
            back(&mut hour.last);
            hour.hour = hour.last.hour();
        }
    }

    /// Latest sighting at each level as of engine time, in the order of [`Evidence::ALL`].
    pub fn last_by_evidence(&self, now: Timestamp) -> [Option<Timestamp>; 4] {
        let mut last = self.believed;
        for (last, ahead) in last.iter_mut().zip(self.ahead) {
            *last = (*last).max(ahead.filter(|&ahead| ahead <= now));
        }
        last
    }

    /// The latest contact or transfer as of engine time.
    pub fn last_contact(&self, now: Timestamp) -> Option<Timestamp> {
        let [_, _, contact, transfer] = self.last_by_evidence(now);
        contact.max(transfer)
    }

    fn reached(&mut self, evidence: Evidence, time: Timestamp, now: Timestamp) {
        let at = evidence.index();
        if time <= now {
            self.believed[at] = self.believed[at].max(Some(time));
            return;
        }
        if let Some(due) = self.ahead[at].filter(|&ahead| ahead <= now) {
            self.believed[at] = self.believed[at].max(Some(due));
            self.ahead[at] = None;
        }
        self.ahead[at] = Some(self.ahead[at].map_or(time, |ahead| ahead.min(time)));
    }

    /// Highest level ever reached.
    pub fn evidence(&self) -> Evidence {
        Evidence::ALL
            .iter()
            .rev()
            .copied()
            .find(|level| {
                self.believed[level.index()].is_some() || self.ahead[level.index()].is_some()
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
        self.names
            .iter()
            .flat_map(|(name, record)| {
                let denied = record.nxdomain.filter(|&denied| {
                    resolved(name).is_some_and(|resolved| resolved > denied.before(WINDOW))
                });
                let denied = denied.map(|time| (time, ReplyKind::NxDomain));
                let silence = record.silence.filter(|_| silence_tells);
                let silence = silence.map(|time| (time, ReplyKind::Silence));
                // A resolver's refusal stops nobody who got an address from another one afterwards.
                let got_round = |(time, kind): &(Timestamp, ReplyKind)| {
                    kind.is_of_dns() && record.resolved >= Some(*time)
                };
                record
                    .blocked
                    .into_iter()
                    .chain(denied)
                    .chain(silence)
                    .filter(move |block| !got_round(block))
            })
            .max_by_key(|(time, kind)| (*time, kind.index()))
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

    /// The names, latest first, and how many found no place.
    pub fn names(&self) -> (Vec<NameUse>, u64) {
        let mut names: Vec<NameUse> = self
            .names
            .iter()
            .map(|(name, record)| record.view(name))
            .collect();
        names.sort_by(|a, b| {
            b.last_seen
                .cmp(&a.last_seen)
                .then_with(|| a.name.cmp(&b.name))
        });
        (names, self.names_left_out)
    }

    fn see_address(&mut self, address: IpAddr) {
        if let Err(at) = self.addresses.binary_search(&address)
            && self.addresses.len() < MAX_ADDRESSES
        {
            self.addresses.insert(at, address);
        }
    }

    /// Leaves out the names seen longest ago, beyond as many as are kept.
    fn forget_names(&mut self) {
        while self.names.len() > MAX_NAMES {
            let oldest = self.names.iter().min_by_key(|(_, record)| record.span.last);
            let Some(oldest) = oldest.map(|(name, _)| name.clone()) else {
                return;
            };
            self.names.remove(&oldest);
            self.names_left_out += 1;
        }
    }

    fn name(
        &mut self,
        name: &DomainName,
        matched: &Match,
        time: Timestamp,
    ) -> Option<&mut NameRecord> {
        if self.names.len() >= MAX_NAMES && !self.names.contains_key(name) {
            // The name seen longest ago makes room, so that the newest proof is there.
            let oldest = self.names.iter().min_by_key(|(_, record)| record.span.last);
            let oldest = oldest.map(|(name, _)| name.clone());
            self.names.remove(&oldest?);
            self.names_left_out += 1;
        }
        Some(
            self.names
                .entry(name.clone())
                .or_insert_with(|| NameRecord {
                    service: Arc::clone(&matched.service),
                    signals: [false; Signal::ALL.len()],
                    evidence: Evidence::Lookup,
                    sightings: 0,
                    span: Span::at(time),
                    samples: Vec::new(),
                    blocked: None,
                    nxdomain: None,
                    silence: None,
                    resolved: None,
                }),
        )
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

impl NameRecord {
    fn sighting(&mut self, sighting: &Sighting) {
        self.signals[sighting.signal.index()] = true;
        self.sightings += sighting.count;
        self.span.cover(sighting.span.first);
        self.span.cover(sighting.span.last);
        if sighting.count > 0 && sighting.evidence > self.evidence {
            self.evidence = sighting.evidence;
            self.samples.clear();
        }
        if sighting.evidence == self.evidence {
            let room = crate::model::MAX_SAMPLES - self.samples.len();
            self.samples
                .extend(sighting.samples.iter().take(room).cloned());
        }
    }

    /// Adds what was noted under another key of the same host.
    fn join(&mut self, other: Self) {
        for (known, said) in self.signals.iter_mut().zip(other.signals) {
            *known |= said;
        }
        self.sightings += other.sightings;
        self.span.cover(other.span.first);
        self.span.cover(other.span.last);
        if other.evidence > self.evidence {
            self.evidence = other.evidence;
            self.samples = other.samples;
        } else if other.evidence == self.evidence {
            self.samples.extend(other.samples);
            self.samples.sort_by_key(|sample| sample.time);
            self.samples.truncate(crate::model::MAX_SAMPLES);
        }
        let blocked = self.blocked.into_iter().chain(other.blocked);
        self.blocked = blocked.max_by_key(|(time, _)| *time);
        self.nxdomain = self.nxdomain.max(other.nxdomain);
        self.resolved = self.resolved.max(other.resolved);
    }

    fn view(&self, name: &DomainName) -> NameUse {
        NameUse {
            name: name.clone(),
            service: Arc::clone(&self.service),
            signals: Signal::ALL
                .iter()
                .copied()
                .filter(|signal| self.signals[signal.index()])
                .collect(),
            evidence: self.evidence,
            sightings: self.sightings,
            first_seen: self.span.first,
            last_seen: self.span.last,
            samples: self.samples.clone(),
        }
    }
}
