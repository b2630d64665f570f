//! The names of one usage, bounded, with what was seen of each.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::WINDOW;
use super::sample_flows::SampleFlows;
use crate::model::{
    Carry, Category, DomainName, Evidence, Match, NameUse, Reply, ReplyKind, Service, Sighting,
    Signal, Span, Strength, Timestamp, VendorId,
};

/// Names kept for one host, vendor and category; a product asks for a few dozen.
pub(super) const MAX_NAMES: usize = 64;

/// The names, sorted. A list, because nearly all of a flood's hosts have one name, and a tree has room for eleven at once.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    list: Vec<(DomainName, NameRecord)>,
    left_out: u64,
    /// What came back to tries for names that are left out: proof of a block outlives its name.
    of_left_out: LeftOut,
}

/// The latest block of names that are left out, by an answer and by silence.
#[derive(Clone, Debug, Default)]
struct LeftOut {
    blocked: Option<(Timestamp, ReplyKind)>,
    silence: Option<Timestamp>,
}

impl LeftOut {
    fn take(&mut self, blocked: Option<(Timestamp, ReplyKind)>, silence: Option<Timestamp>) {
        let both = self.blocked.into_iter().chain(blocked);
        self.blocked = both.max_by_key(|(time, kind)| (*time, kind.index()));
        self.silence = self.silence.max(silence);
    }
}

#[derive(Clone, Debug)]
struct NameRecord {
    service: Arc<Service>,
    signals: [bool; Signal::ALL.len()],
    evidence: Evidence,
    sightings: u64,
    span: Span,
    received: u64,
    sent: u64,
    samples: SampleFlows,
    blocked: Option<(Timestamp, ReplyKind)>,
    nxdomain: Option<Timestamp>,
    /// When a try was last met with silence.
    silence: Option<Timestamp>,
    /// When this host got an address for it.
    resolved: Option<Timestamp>,
}

impl Names {
    /// Takes a strong sighting, at engine time `now`.
    pub(super) fn sighting(&mut self, sighting: &Sighting, now: Timestamp) {
        let at = match self.place(&sighting.name) {
            Ok(at) => at,
            Err(_) => {
                // The name seen longest ago makes room, so that the newest proof is there.
                self.forget(MAX_NAMES - 1);
                let at = self.place(&sighting.name).unwrap_or_else(|at| at);
                self.list.reserve_exact(1);
                let service = Arc::clone(&sighting.matched.service);
                let record = NameRecord::new(service, sighting.span.first);
                self.list.insert(at, (sighting.name.clone(), record));
                at
            }
        };
        self.list[at].1.sighting(sighting, now);
    }

    /// Takes what came back to a try for a name.
    pub(super) fn reply(&mut self, reply: &Reply) {
        match self.place(&reply.name) {
            Ok(at) => self.list[at].1.reply(reply),
            // It was left out between the try and what came back.
            Err(_) if self.left_out > 0 && reply.kind.blocks() => {
                let blocked = (reply.span.last, reply.kind);
                self.of_left_out.take(Some(blocked), None);
            }
            Err(_) => {}
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// Leaves out the names seen longest ago, beyond so many. Says how many that were.
    pub(super) fn forget(&mut self, most: usize) -> usize {
        let before = self.list.len();
        while self.list.len() > most {
            let oldest = (0..self.list.len()).min_by_key(|&at| self.list[at].1.span.last);
            let Some(oldest) = oldest else { break };
            let (_, record) = self.list.remove(oldest);
            let blocked = record.blocked.filter(|block| !record.got_round(block));
            self.of_left_out.take(blocked, record.silence);
        }
        let forgotten = before - self.list.len();
        if forgotten > 0 {
            self.left_out += forgotten as u64;
            self.list.shrink_to_fit();
        }
        forgotten
    }

    /// Adds what was noted under another key of the same host.
    pub(super) fn join(&mut self, other: Self) {
        self.left_out += other.left_out;
        let of_other = other.of_left_out;
        self.of_left_out.take(of_other.blocked, of_other.silence);
        for (name, record) in other.list {
            match self.place(&name) {
                Ok(at) => self.list[at].1.join(record),
                Err(at) => self.list.insert(at, (name, record)),
            }
        }
        self.forget(MAX_NAMES);
    }

    /// Moves every time that was noted by a clock which was set back.
    pub(super) fn set_back(&mut self, back: impl Fn(&mut Timestamp)) {
        for (_, record) in &mut self.list {
            back(&mut record.span.last);
            record.span.first = record.span.first.min(record.span.last);
            let blocked = record.blocked.iter_mut().map(|(time, _)| time);
            let rest = [
                &mut record.nxdomain,
                &mut record.silence,
                &mut record.resolved,
            ];
            blocked.chain(rest.into_iter().flatten()).for_each(&back);
            record.samples.set_back(&back);
        }
        let blocked = self.of_left_out.blocked.iter_mut().map(|(time, _)| time);
        blocked
            .chain(self.of_left_out.silence.as_mut())
            .for_each(&back);
    }

    /// The latest proof of being blocked: see [`super::Usage::last_blocked`].
    pub(super) fn last_blocked(
        &self,
        resolved: impl Fn(&DomainName) -> Option<Timestamp>,
        silence_tells: bool,
    ) -> Option<(Timestamp, ReplyKind)> {
        let of_silence = self.of_left_out.silence.filter(|_| silence_tells);
        let of_silence = of_silence.map(|time| (time, ReplyKind::Silence));
        self.list
            .iter()
            .flat_map(|(name, record)| {
                let denied = record.nxdomain.filter(|&denied| {
                    resolved(name).is_some_and(|resolved| resolved > denied.before(WINDOW))
                });
                let denied = denied.map(|time| (time, ReplyKind::NxDomain));
                let silence = record.silence.filter(|_| silence_tells);
                let silence = silence.map(|time| (time, ReplyKind::Silence));
                record
                    .blocked
                    .into_iter()
                    .chain(denied)
                    .chain(silence)
                    .filter(|block| !record.got_round(block))
            })
            .chain(self.of_left_out.blocked)
            .chain(of_silence)
            .max_by_key(|(time, kind)| (*time, kind.index()))
    }

    /// The names, latest first, and how many found no place.
    pub(super) fn views(&self) -> (Vec<NameUse>, u64) {
        let views = self.list.iter().map(|(name, record)| record.view(name));
        let mut views: Vec<NameUse> = views.collect();
        views.sort_by(|a, b| {
            b.last_seen
                .cmp(&a.last_seen)
                .then_with(|| a.name.cmp(&b.name))
        });
        (views, self.left_out)
    }

    /// The vendor and category of most of the names that are strong by other rules.
    pub(super) fn subject(&self, carry: &Carry<'_>) -> Option<(VendorId, Category)> {
        let mut votes: BTreeMap<(VendorId, Category), usize> = BTreeMap::new();
        let strong = self.list.iter().filter_map(|(name, record)| {
            let service = record.carried(name, carry)?.service;
            (service.strength == Strength::Strong)
                .then(|| (service.vendor.clone(), service.category))
        });
        for subject in strong {
            *votes.entry(subject).or_default() += 1;
        }
        let most = votes.into_iter().max_by_key(|(_, votes)| *votes);
        most.map(|(subject, _)| subject)
    }

    /// Keeps the names of which other rules say that they are strong, and of this vendor and category.
    pub(super) fn carry(&mut self, vendor: &VendorId, category: Category, carry: &Carry<'_>) {
        self.list.retain_mut(|(name, record)| {
            let Some(carried) = record.carried(name, carry) else {
                return false;
            };
            record.service = carried.service;
            let now = &record.service;
            now.strength == Strength::Strong && (&now.vendor, now.category) == (vendor, category)
        });
    }

    fn place(&self, name: &DomainName) -> Result<usize, usize> {
        self.list.binary_search_by(|(known, _)| known.cmp(name))
    }
}

impl NameRecord {
    /// Whether an address came afterwards: a resolver's refusal stops nobody who got one from another.
    fn got_round(&self, (time, kind): &(Timestamp, ReplyKind)) -> bool {
        kind.is_of_dns() && self.resolved >= Some(*time)
    }

    fn carried(&self, name: &DomainName, carry: &Carry<'_>) -> Option<Match> {
        let latest = self.samples.latest();
        let pattern = latest.map(|flow| Arc::clone(&flow.sample.pattern));
        let before = Match {
            service: Arc::clone(&self.service),
            pattern: pattern.unwrap_or_else(|| Arc::from("")),
        };
        carry(name.as_name(), Some(&before))
    }

    fn new(service: Arc<Service>, time: Timestamp) -> Self {
        Self {
            service,
            signals: [false; Signal::ALL.len()],
            evidence: Evidence::Lookup,
            sightings: 0,
            span: Span::at(time),
            received: 0,
            sent: 0,
            samples: SampleFlows::default(),
            blocked: None,
            nxdomain: None,
            silence: None,
            resolved: None,
        }
    }

    fn reply(&mut self, reply: &Reply) {
        let last = reply.span.last;
        if reply.kind == ReplyKind::Resolved {
            self.resolved = self.resolved.max(Some(last));
        } else if reply.kind.blocks() {
            self.blocked = self
                .blocked
                .filter(|(time, _)| *time > last)
                .or(Some((last, reply.kind)));
        } else if reply.kind == ReplyKind::NxDomain {
            self.nxdomain = self.nxdomain.max(Some(last));
        } else if reply.kind == ReplyKind::Silence {
            self.silence = self.silence.max(Some(last));
        }
    }

    fn sighting(&mut self, sighting: &Sighting, now: Timestamp) {
        self.signals[sighting.signal.index()] = true;
        self.sightings += sighting.count;
        self.received = self.received.saturating_add(sighting.received);
        self.sent = self.sent.saturating_add(sighting.sent);
        self.span.cover(sighting.span.first);
        self.span.cover(sighting.span.last);
        if sighting.count > 0 {
            self.evidence = self.evidence.max(sighting.evidence);
        }
        let samples = &sighting.samples;
        self.samples
            .add(sighting.evidence, sighting.signal, samples, now);
    }

    /// Adds what was noted under another key of the same host.
    fn join(&mut self, other: Self) {
        for (known, said) in self.signals.iter_mut().zip(other.signals) {
            *known |= said;
        }
        self.sightings += other.sightings;
        self.received = self.received.saturating_add(other.received);
        self.sent = self.sent.saturating_add(other.sent);
        self.span.cover(other.span.first);
        self.span.cover(other.span.last);
        self.evidence = self.evidence.max(other.evidence);
        self.samples.join(other.samples);
        let blocked = self.blocked.into_iter().chain(other.blocked);
        self.blocked = blocked.max_by_key(|(time, _)| *time);
        self.nxdomain = self.nxdomain.max(other.nxdomain);
        self.silence = self.silence.max(other.silence);
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
            received: self.received,
            sent: self.sent,
            samples: self.samples.views(),
        }
    }
}
