//! The hosts to which something was put down: their keys, and what else they were known by.

mod changed;
mod joining;

use std::collections::BTreeSet;
use std::net::IpAddr;

use hashbrown::HashMap;

use super::standing;
use crate::model::{HostKey, Line, Mac, Span, Timestamp};
use changed::Changed;

/// Hosts kept at once, about 500 bytes each, so 7 MiB: more than there may be usages. Just below what makes the
/// table take twice the memory.
const MAX_HOSTS: usize = 14_336;
/// Addresses, hardware addresses and other keys of one host; the latest are kept.
const MAX_OF_ONE: usize = 16;

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
    pub(super) fn present(&mut self, key: &str, time: Timestamp) {
        let key = self.aliases.get(key).map_or(key, HostKey::as_str);
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

    /// Hosts now, and what found no place.
    pub(super) fn stats(&self) -> (u64, u64) {
        (self.hosts.len() as u64, self.left_out)
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
