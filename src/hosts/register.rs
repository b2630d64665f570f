//! The hosts to which something was put down: their keys, what else they were known by, and what changed.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

use super::standing;
use crate::model::{AddressBinding, HostKey, Line, Mac, Span, Timestamp};

/// Hosts kept at once, about 500 bytes each, so 7 MiB: more than there may be usages. Just below what makes the
/// table take twice the memory.
const MAX_HOSTS: usize = 14_336;
/// Addresses, hardware addresses and other keys of one host; the latest are kept.
const MAX_OF_ONE: usize = 16;
/// Changes that wait to be taken, about 150 bytes each, so 3 MiB. What finds no place comes with the next change.
const MAX_CHANGES: usize = 16_384;

/// All hosts with a key.
#[derive(Debug, Default)]
pub(super) struct Register {
    hosts: HashMap<HostKey, Record>,
    aliases: HashMap<HostKey, HostKey>,
    /// Pairs that turned out to be one: the key that stays, and the one that became its alias.
    joined: Vec<(HostKey, HostKey)>,
    /// Changes, where somebody takes them.
    changes: Option<Changed>,
    left_out: u64,
}

/// One host.
#[derive(Clone, Debug)]
pub(super) struct Record {
    /// First and latest packet or sighting.
    pub span: Span,
    /// The first sighting: by that the older of two keys is told.
    pub sighted: Timestamp,
    /// Whether anything strong was put down to it.
    pub strong: bool,
    /// When it was first in contact with a vendor.
    pub contact: Option<Timestamp>,
    pub aliases: BTreeSet<HostKey>,
    pub macs: BTreeSet<Mac>,
    /// What was known of it before: at an address that it gave up, or stored.
    pub name: Option<String>,
    pub device: Option<String>,
    held: Vec<Held>,
}

/// An address that a host has, or had.
#[derive(Clone, Copy, Debug)]
struct Held {
    address: IpAddr,
    from: Timestamp,
    mac: Option<Mac>,
}

#[derive(Debug, Default)]
struct Changed {
    hosts: BTreeSet<HostKey>,
    bindings: BTreeMap<(HostKey, IpAddr, Timestamp), AddressBinding>,
}

impl Record {
    fn new(span: Span) -> Self {
        Self {
            span,
            sighted: span.first,
            strong: false,
            contact: None,
            aliases: BTreeSet::new(),
            macs: BTreeSet::new(),
            name: None,
            device: None,
            held: Vec::new(),
        }
    }

    /// Addresses that were its own, the latest at the end.
    pub(super) fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.held.iter().map(|held| held.address)
    }
}

impl Register {
    /// From now on changes are kept until somebody takes them.
    pub(super) fn keep_changes(&mut self) {
        self.changes.get_or_insert_default();
    }

    /// The key by which what has this key is known.
    pub(super) fn canonical<'a>(&'a self, key: &'a HostKey) -> &'a HostKey {
        self.aliases.get(key).unwrap_or(key)
    }

    pub(super) fn get(&self, key: &HostKey) -> Option<&Record> {
        self.hosts.get(self.canonical(key))
    }

    /// Whether a key, or an alias, is known.
    pub(super) fn find(&self, key: &HostKey) -> Option<HostKey> {
        let key = self.canonical(key);
        self.hosts.contains_key(key).then(|| key.clone())
    }

    /// Notes that a host was there.
    pub(super) fn seen(&mut self, key: &HostKey, span: Span) -> &mut Record {
        let key = self.canonical(key).clone();
        if self.hosts.len() >= MAX_HOSTS && !self.hosts.contains_key(&key) {
            self.make_room();
        }
        if !self.hosts.contains_key(&key) {
            self.changed(&key);
        }
        let record = self.hosts.entry(key).or_insert_with(|| Record::new(span));
        record.span.cover(span.first);
        record.span.cover(span.last);
        record
    }

    /// Notes that something was put down to a host.
    pub(super) fn sighted(&mut self, key: &HostKey, span: Span) {
        let record = self.seen(key, span);
        record.sighted = record.sighted.min(span.first);
    }

    /// Notes that a host of which there is a record was there.
    pub(super) fn present(&mut self, key: &HostKey, time: Timestamp) {
        let key = self.aliases.get(key).unwrap_or(key);
        if let Some(record) = self.hosts.get_mut(key) {
            record.span.cover(time);
        }
    }

    /// Notes that a host has an address since then, and where it is reached.
    pub(super) fn holds(
        &mut self,
        key: &HostKey,
        address: IpAddr,
        from: Timestamp,
        mac: Option<Mac>,
    ) {
        let key = self.canonical(key).clone();
        let Some(record) = self.hosts.get_mut(&key) else {
            return;
        };
        let known = record.held.iter().rposition(|held| held.address == address);
        let held = match known.map(|at| &mut record.held[at]) {
            Some(held) if mac.is_none() || held.mac == mac => return,
            Some(held) if held.mac.is_none() => {
                held.mac = mac;
                *held
            }
            _ => {
                let held = Held { address, from, mac };
                record.held.push(held);
                if record.held.len() > MAX_OF_ONE {
                    record.held.remove(0);
                }
                held
            }
        };
        self.binding(&key, held, None);
        self.changed(&key);
        if let Some(mac) = mac {
            self.reached_at(&key, mac);
        }
    }

    /// Notes that a host has a hardware address. That stays, wherever its addresses go.
    pub(super) fn reached_at(&mut self, key: &HostKey, mac: Mac) {
        let key = self.canonical(key).clone();
        if let Some(record) = self.hosts.get_mut(&key)
            && record.macs.len() < MAX_OF_ONE
            && record.macs.insert(mac)
        {
            self.changed(&key);
        }
    }

    /// Notes what a host was called by an address that it gives up.
    pub(super) fn was_called(
        &mut self,
        key: &HostKey,
        name: Option<String>,
        device: Option<String>,
    ) {
        let key = self.canonical(key).clone();
        let Some(record) = self.hosts.get_mut(&key) else {
            return;
        };
        record.name = name.or_else(|| record.name.take());
        record.device = device.or_else(|| record.device.take());
        self.changed(&key);
    }

    /// Another device has an address now.
    pub(super) fn gave_up(&mut self, key: &HostKey, address: IpAddr, until: Timestamp) {
        let key = self.canonical(key).clone();
        let Some(record) = self.hosts.get_mut(&key) else {
            return;
        };
        if let Some(at) = record.held.iter().rposition(|held| held.address == address) {
            let held = record.held.remove(at);
            self.binding(&key, held, Some(until));
            self.changed(&key);
        }
    }

    /// Another key of a host.
    pub(super) fn alias(&mut self, key: &HostKey, alias: HostKey) {
        let key = self.canonical(key).clone();
        if key == alias || self.aliases.contains_key(&alias) || self.hosts.contains_key(&alias) {
            return;
        }
        if let Some(record) = self.hosts.get_mut(&key) {
            if record.aliases.len() >= MAX_OF_ONE {
                self.left_out += 1;
                return;
            }
            record.aliases.insert(alias.clone());
            self.aliases.insert(alias, key.clone());
            self.changed(&key);
        }
    }

    /// Two hosts turn out to be one; the first key stays.
    pub(super) fn join(&mut self, survivor: &HostKey, other: &HostKey) {
        let survivor = self.canonical(survivor).clone();
        let other = self.canonical(other).clone();
        if survivor == other {
            return;
        }
        let Some(record) = self.hosts.remove(&other) else {
            // Nothing was put down to it.
            self.alias(&survivor, other);
            return;
        };
        for alias in record.aliases.iter().chain([&other]) {
            self.aliases.insert(alias.clone(), survivor.clone());
        }
        let known = self.seen(&survivor, record.span);
        known.sighted = known.sighted.min(record.sighted);
        known.strong |= record.strong;
        known.contact = known.contact.into_iter().chain(record.contact).min();
        known.aliases.extend(record.aliases);
        known.aliases.insert(other.clone());
        known.macs.extend(record.macs);
        known.name = known.name.take().or(record.name);
        known.device = known.device.take().or(record.device);
        let mut held = record.held;
        held.append(&mut known.held);
        let surplus = held.len().saturating_sub(MAX_OF_ONE);
        known.held = held.split_off(surplus);
        let moved = known.held.clone();
        for held in moved {
            self.binding(&survivor, held, None);
        }
        if let Some(changes) = &mut self.changes {
            changes.hosts.remove(&other);
            changes.bindings.retain(|(host, ..), _| *host != other);
        }
        self.changed(&survivor);
        self.joined.push((survivor, other));
    }

    /// A host has a key by mistake, and gets another, which may be its alias; the former one becomes an alias.
    pub(super) fn rename(&mut self, from: &HostKey, to: &HostKey) {
        self.part(to);
        if let Some(span) = self.hosts.get(from).map(|record| record.span) {
            let sighted = self.hosts.get(from).map(|record| record.sighted);
            let record = self.seen(to, span);
            record.sighted = sighted.unwrap_or(record.sighted);
            self.join(to, from);
        }
    }

    /// A key was an alias of a host by mistake; what comes from now on is its own.
    pub(super) fn part(&mut self, alias: &HostKey) {
        let Some(key) = self.aliases.remove(alias) else {
            return;
        };
        if let Some(record) = self.hosts.get_mut(&key) {
            record.aliases.remove(alias);
        }
        self.changed(&key);
    }

    /// Takes over what was stored.
    pub(super) fn restore(&mut self, key: &HostKey, aliases: &[HostKey], record: Restored) {
        let known = self.seen(key, record.span);
        known.strong = true;
        known.name = record.name;
        known.device = record.device;
        for alias in aliases {
            self.alias(key, alias.clone());
        }
    }

    /// Pairs that turned out to be one since the last call.
    pub(super) fn take_joined(&mut self) -> Vec<(HostKey, HostKey)> {
        std::mem::take(&mut self.joined)
    }

    /// Hosts and bindings that changed since the last call, sorted.
    pub(super) fn take_changes(&mut self) -> (Vec<HostKey>, Vec<AddressBinding>) {
        let taken = self.changes.as_mut().map(std::mem::take);
        let taken = taken.unwrap_or_default();
        let hosts = taken.hosts.into_iter().collect();
        (hosts, taken.bindings.into_values().collect())
    }

    /// Hosts now, and what found no place.
    pub(super) fn stats(&self) -> (u64, u64) {
        (self.hosts.len() as u64, self.left_out)
    }

    fn binding(&mut self, key: &HostKey, held: Held, until: Option<Timestamp>) {
        let Some(changes) = &mut self.changes else {
            return;
        };
        let place = (key.clone(), held.address, held.from);
        if changes.bindings.len() >= MAX_CHANGES && !changes.bindings.contains_key(&place) {
            self.left_out += 1;
            return;
        }
        let binding = AddressBinding {
            host: key.clone(),
            address: held.address,
            from: held.from,
            until,
            mac: held.mac,
        };
        changes.bindings.insert(place, binding);
    }

    /// Notes that what is known of a host is not what was taken last.
    pub(super) fn changed(&mut self, key: &HostKey) {
        let Some(changes) = &mut self.changes else {
            return;
        };
        if changes.hosts.len() < MAX_CHANGES {
            changes.hosts.insert(key.clone());
        } else if !changes.hosts.contains(key) {
            self.left_out += 1;
        }
    }

    /// Forgets a tenth, those without a contact first, those without anything strong before them. Of one class half of
    /// those that stay are known for longest, half were heard last.
    fn make_room(&mut self) {
        let rank = |key: &HostKey, record: &Record| {
            standing::rank(record.strong, record.contact, record.span.last, key.clone())
        };
        let ranks = self.hosts.iter().map(|(key, record)| rank(key, record));
        let line = Line::draw(ranks, MAX_HOSTS - MAX_HOSTS / 10);
        let before = self.hosts.len();
        self.hosts
            .retain(|key, record| line.keeps(&rank(key, record)));
        let hosts = &self.hosts;
        self.aliases.retain(|_, key| hosts.contains_key(key));
        self.left_out += (before - self.hosts.len()) as u64;
    }
}

/// What is put back of a host.
pub(super) struct Restored {
    pub span: Span,
    pub name: Option<String>,
    pub device: Option<String>,
}
