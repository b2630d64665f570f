//! What changed in the register, for whoever takes it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::{Held, Register};
use crate::model::{AddressBinding, HostKey, Timestamp};

/// Changes that wait to be taken, about 150 bytes each, so 3 MiB. What finds no place comes with the next change.
const MAX_CHANGES: usize = 16_384;

/// Hosts and bindings that changed since they were last taken.
#[derive(Debug, Default)]
pub(super) struct Changed {
    pub(super) hosts: BTreeSet<HostKey>,
    pub(super) bindings: BTreeMap<(HostKey, IpAddr, Timestamp), AddressBinding>,
}

impl Register {
    /// From now on changes are kept until somebody takes them.
    pub(in crate::hosts) fn keep_changes(&mut self) {
        self.changes.get_or_insert_default();
    }

    /// Hosts and bindings that changed since the last call, sorted.
    pub(in crate::hosts) fn take_changes(&mut self) -> (Vec<HostKey>, Vec<AddressBinding>) {
        let taken = self.changes.as_mut().map(std::mem::take);
        let taken = taken.unwrap_or_default();
        let hosts = taken.hosts.into_iter().collect();
        (hosts, taken.bindings.into_values().collect())
    }

    /// Notes that a host has an address, or had it until then.
    pub(super) fn binding(&mut self, key: &HostKey, held: Held, until: Option<Timestamp>) {
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
    pub(in crate::hosts) fn changed(&mut self, key: &HostKey) {
        let Some(changes) = &mut self.changes else {
            return;
        };
        if changes.hosts.len() < MAX_CHANGES {
            changes.hosts.insert(key.clone());
        } else if !changes.hosts.contains(key) {
            self.left_out += 1;
        }
    }
}
