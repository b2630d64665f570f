//! The book of all usages, bounded.

mod room;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use super::{Usage, WINDOW, phase};
use crate::model::{
    Carry, Category, Cutoff, DomainName, HostKey, Phase, Reply, ReplyKind, Sighting, Strength,
    Timestamp, Totals, VendorId, WeakUse,
};

/// Combinations of host, vendor and category kept at once: about 1 KiB each with one name, so 12 MiB,
/// and as much in each state that is published.
const MAX_USAGES: usize = 12_288;
/// Combinations put aside when rules changed. What finds no place is forgotten, and noted anew when it is seen.
const MAX_ASIDE: usize = 1_024;
/// Weak combinations kept at once: context only, so they may not crowd anything.
const MAX_WEAK: usize = 8_192;
/// Names kept for one weak combination, and for all of them together, where each has one at least: at most about 300 bytes
/// each, so 7 MiB.
const MAX_WEAK_NAMES: usize = 32;
const MAX_WEAK_NAMES_IN_ALL: usize = 16_384;
/// Names of which it is remembered that they resolved; a pack has some hundred.
const MAX_RESOLVED: usize = 16_384;

type UsageKey = (HostKey, VendorId, Category);

/// All usages, weak names and totals.
#[derive(Clone, Debug, Default)]
pub struct Book {
    usages: BTreeMap<UsageKey, Usage>,
    /// What the rules in force do not call strong, and former ones did.
    aside: BTreeMap<UsageKey, Usage>,
    weak: BTreeMap<UsageKey, WeakUse>,
    /// Names of all weak combinations together.
    weak_names: usize,
    /// Names of all usages together, those put aside included.
    names: usize,
    resolved: HashMap<DomainName, Timestamp>,
    totals: Totals,
    stats: Stats,
}

/// Counters of the book's tables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Usages now.
    pub usages: u64,
    /// Usages forgotten because the table was full.
    pub usage_evictions: u64,
    /// Weak combinations now.
    pub weak: u64,
    /// Weak combinations, and names of those, that found no place.
    pub weak_refused: u64,
    /// Names of all usages now.
    pub names: u64,
    /// Names left out because there were too many of all usages together.
    pub names_left_out: u64,
}

impl Book {
    /// Takes a sighting of a host that a cutoff binds, or none. Engine time is `now`.
    pub fn sighting(
        &mut self,
        host: &HostKey,
        sighting: &Sighting,
        cutoff: Option<&Cutoff>,
        now: Timestamp,
    ) {
        let phase = phase(cutoff, sighting.span.first);
        self.count(sighting, phase);
        self.place(host, sighting, phase, now);
    }

    /// Takes a sighting that an earlier run had counted. The counts without a host begin anew with each run, as counters
    /// do: what retention took away in between would look like new counts.
    pub fn restore(
        &mut self,
        host: &HostKey,
        sighting: &Sighting,
        cutoff: Option<&Cutoff>,
        now: Timestamp,
    ) {
        let phase = phase(cutoff, sighting.span.first);
        self.place(host, sighting, phase, now);
    }

    fn place(&mut self, host: &HostKey, sighting: &Sighting, phase: Phase, now: Timestamp) {
        let service = &sighting.matched.service;
        let key = (host.clone(), service.vendor.clone(), service.category);
        if service.strength == Strength::Weak {
            self.weak_sighting(key, sighting);
            return;
        }
        if self.usages.len() >= MAX_USAGES && !self.usages.contains_key(&key) {
            self.make_room();
        }
        let usage = self
            .usages
            .entry(key)
            .or_insert_with(|| Usage::new(sighting.span.first));
        let names = usage.names_kept();
        usage.sighting(sighting, phase, now);
        let more = usage.names_kept() - names;
        // A straggler at this moment; a replay judges at its end, but what was one stays on record.
        let recent = usage.last_contact(now) > Some(now.before(WINDOW));
        usage.ever_straggler |=
            recent && phase == Phase::After && usage.last_contact(now) >= Some(sighting.span.first);
        self.names += more;
        self.spread_names();
    }

    /// Other rules are in force. What rests on names that are another vendor's or of another category by them goes there; what
    /// they call weak, or do not know, is put aside until rules call it strong again, because a mistake may be taken back.
    /// Counts without a host stay. A vendor that is not in force (`known` says which are) keeps what it has.
    pub fn carry(&mut self, known: &dyn Fn(&VendorId) -> bool, carry: &Carry<'_>) {
        let before = std::mem::take(&mut self.usages);
        let aside = std::mem::take(&mut self.aside);
        for (key, mut usage) in before.into_iter().chain(aside) {
            match usage.subject(carry) {
                Some((vendor, category)) => {
                    usage.carry(&vendor, category, carry);
                    put(&mut self.usages, (key.0, vendor, category), usage);
                }
                None if known(&key.1) && self.aside.len() < MAX_ASIDE => {
                    self.aside.insert(key, usage);
                }
                None if known(&key.1) => {}
                None => put(&mut self.usages, key, usage),
            }
        }
        self.weak.retain(|(_, vendor, category), weak| {
            weak.names.retain(|name| {
                let carried = carry(name.as_name(), None);
                carried.is_some_and(|carried| {
                    let now = &carried.service;
                    (&now.vendor, now.category) == (&*vendor, *category)
                })
            });
            !weak.names.is_empty()
        });
        self.count_names();
        self.spread_names();
    }

    /// The clock was set back: what was put down to a time later than `limit` happened earlier by as much.
    pub fn set_back(&mut self, limit: Timestamp, by: Duration) {
        for usage in self.usages.values_mut().chain(self.aside.values_mut()) {
            usage.set_back(limit, by);
        }
        let weak = self.weak.values_mut().map(|weak| &mut weak.last_seen);
        for last in weak.chain(self.resolved.values_mut()) {
            if *last > limit {
                *last = last.before(by);
            }
        }
    }

    /// Takes what came back to a try.
    pub fn reply(&mut self, host: &HostKey, reply: &Reply) {
        if reply.kind == ReplyKind::Resolved
            && (self.resolved.len() < MAX_RESOLVED || self.resolved.contains_key(&reply.name))
        {
            let last = self
                .resolved
                .entry(reply.name.clone())
                .or_insert(reply.span.last);
            *last = (*last).max(reply.span.last);
        }
        let key = (
            host.clone(),
            reply.service.vendor.clone(),
            reply.service.category,
        );
        if let Some(usage) = self.usages.get_mut(&key) {
            usage.reply(reply);
        }
    }

    /// Two keys turned out to be one host: what was noted of the second is added to the first. Totals name no host.
    pub fn join(&mut self, survivor: &HostKey, other: &HostKey) {
        for usages in [&mut self.usages, &mut self.aside] {
            let of_other: Vec<(UsageKey, Usage)> =
                usages.extract_if(.., |key, _| key.0 == *other).collect();
            for ((_, vendor, category), usage) in of_other {
                put(usages, (survivor.clone(), vendor, category), usage);
            }
        }
        let of_other_weak: Vec<(UsageKey, WeakUse)> =
            self.weak.extract_if(.., |key, _| key.0 == *other).collect();
        for ((_, vendor, category), weak) in of_other_weak {
            match self.weak.entry((survivor.clone(), vendor, category)) {
                Entry::Occupied(mut known) => join_weak(known.get_mut(), weak),
                Entry::Vacant(place) => {
                    place.insert(WeakUse {
                        host: survivor.clone(),
                        ..weak
                    });
                }
            }
        }
        self.count_names();
    }

    /// Every usage with its host, vendor and category, sorted by those.
    pub fn usages(&self) -> impl Iterator<Item = (&UsageKey, &Usage)> {
        self.usages.iter()
    }

    /// Every weak combination, sorted by host.
    pub fn weak(&self) -> impl Iterator<Item = &WeakUse> {
        self.weak.values()
    }

    /// When a name last resolved for anybody.
    pub fn resolved(&self, name: &DomainName) -> Option<Timestamp> {
        self.resolved.get(name).copied()
    }

    /// Counts without a host.
    pub fn totals(&self) -> &Totals {
        &self.totals
    }

    /// Counters.
    pub fn stats(&self) -> Stats {
        Stats {
            usages: self.usages.len() as u64,
            weak: self.weak.len() as u64,
            names: self.names as u64,
            ..self.stats
        }
    }

    fn count(&mut self, sighting: &Sighting, phase: Phase) {
        let service = &sighting.matched.service;
        let (vendor, category) = (service.vendor.clone(), service.category);
        if service.strength == Strength::Weak {
            let total = self.totals.weak_sightings.entry((vendor, category));
            *total.or_default() += sighting.count;
            return;
        }
        if sighting.count > 0 {
            let key = (
                vendor.clone(),
                category,
                sighting.signal,
                sighting.evidence,
                phase,
            );
            *self.totals.sightings.entry(key).or_default() += sighting.count;
        }
        if sighting.received + sighting.sent > 0 {
            let bytes = self
                .totals
                .bytes
                .entry((vendor, category, phase))
                .or_default();
            bytes.0 += sighting.received;
            bytes.1 += sighting.sent;
        }
    }

    fn weak_sighting(&mut self, key: UsageKey, sighting: &Sighting) {
        let (host, vendor, category) = key.clone();
        if self.weak.len() >= MAX_WEAK && !self.weak.contains_key(&key) {
            self.stats.weak_refused += 1;
            return;
        }
        let weak = self.weak.entry(key).or_insert_with(|| WeakUse {
            host,
            vendor,
            category,
            names: Vec::new(),
            sightings: 0,
            first_seen: sighting.span.first,
            last_seen: sighting.span.last,
        });
        weak.sightings += sighting.count;
        weak.first_seen = weak.first_seen.min(sighting.span.first);
        weak.last_seen = weak.last_seen.max(sighting.span.last);
        if let Err(at) = weak.names.binary_search(&sighting.name) {
            // The first one says what the combination is about.
            let has_room = self.weak_names < MAX_WEAK_NAMES_IN_ALL || weak.names.is_empty();
            if weak.names.len() >= MAX_WEAK_NAMES {
                // They say enough of what it is about.
            } else if has_room {
                weak.names.insert(at, sighting.name.clone());
                self.weak_names += 1;
            } else {
                self.stats.weak_refused += 1;
            }
        }
    }
}

/// Adds a usage to what is known under its key.
fn put(usages: &mut BTreeMap<UsageKey, Usage>, key: UsageKey, usage: Usage) {
    match usages.entry(key) {
        Entry::Occupied(mut known) => known.get_mut().join(usage),
        Entry::Vacant(place) => {
            place.insert(usage);
        }
    }
}

fn join_weak(known: &mut WeakUse, other: WeakUse) {
    known.sightings += other.sightings;
    known.first_seen = known.first_seen.min(other.first_seen);
    known.last_seen = known.last_seen.max(other.last_seen);
    for name in other.names {
        if let Err(at) = known.names.binary_search(&name)
            && known.names.len() < MAX_WEAK_NAMES
        {
            known.names.insert(at, name);
        }
    }
}

#[cfg(test)]
mod tests;
