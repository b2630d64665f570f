//! Keys that turn out to be of one host, and those that were by mistake.

use super::{MAX_OF_ONE, Register};
use crate::model::HostKey;

impl Register {
    /// Another key of a host.
    pub(in crate::hosts) fn alias(&mut self, key: &HostKey, alias: HostKey) {
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
    pub(in crate::hosts) fn join(&mut self, survivor: &HostKey, other: &HostKey) {
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
    pub(in crate::hosts) fn rename(&mut self, from: &HostKey, to: &HostKey) {
        self.part(to);
        if let Some(span) = self.hosts.get(from).map(|record| record.span) {
            let sighted = self.hosts.get(from).map(|record| record.sighted);
            let record = self.seen(to, span);
            record.sighted = sighted.unwrap_or(record.sighted);
            self.join(to, from);
        }
    }

    /// A key was an alias of a host by mistake; what comes from now on is its own.
    pub(in crate::hosts) fn part(&mut self, alias: &HostKey) {
        let Some(key) = self.aliases.remove(alias) else {
            return;
        };
        if let Some(record) = self.hosts.get_mut(&key) {
            record.aliases.remove(alias);
        }
        self.changed(&key);
    }

    /// Pairs that turned out to be one since the last call.
    pub(in crate::hosts) fn take_joined(&mut self) -> Vec<(HostKey, HostKey)> {
        std::mem::take(&mut self.joined)
    }
}
