//! Hosts that ask a resolver which is not the network's for a restricted vendor's name: past the filter.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::WINDOW;
use crate::model::{
    BypassView, Carry, DomainName, HostKey, Pack, ReplyKind, Strength, Timestamp, VendorId,
};

/// Hosts and vendors kept at once, about 250 bytes each, so 4 MiB.
const MAX_ENTRIES: usize = 16_384;

type Key = (HostKey, VendorId);

/// Who asked whom.
#[derive(Clone, Debug, Default)]
pub struct Bypasses {
    asked: BTreeMap<Key, Asked>,
    /// When a resolver of the network last refused a host a vendor's name.
    refused: BTreeMap<Key, Timestamp>,
    left_out: u64,
}

#[derive(Clone, Debug)]
struct Asked {
    resolver: IpAddr,
    name: DomainName,
    time: Timestamp,
}

impl Bypasses {
    /// A host asked a resolver that is not the network's for a strong name.
    pub fn asked(
        &mut self,
        host: &HostKey,
        vendor: &VendorId,
        resolver: IpAddr,
        name: &DomainName,
        time: Timestamp,
    ) {
        let key = (host.clone(), vendor.clone());
        if self.asked.len() >= MAX_ENTRIES && !self.asked.contains_key(&key) {
            self.left_out += 1;
            return;
        }
        let asked = Asked {
            resolver,
            name: name.clone(),
            time,
        };
        match self.asked.get_mut(&key) {
            Some(known) if known.time <= time => *known = asked,
            Some(_) => {}
            None => {
                self.asked.insert(key, asked);
            }
        }
    }

    /// A resolver of the network answered a host.
    pub fn answered(
        &mut self,
        host: &HostKey,
        vendor: &VendorId,
        kind: ReplyKind,
        time: Timestamp,
    ) {
        let refuses = matches!(
            kind,
            ReplyKind::Refused | ReplyKind::Sinkhole | ReplyKind::NxDomain
        );
        if refuses && self.refused.len() < MAX_ENTRIES {
            let key = (host.clone(), vendor.clone());
            let last = self.refused.entry(key).or_insert(time);
            *last = time.max(*last);
        }
    }

    /// Other rules are in force: what was asked for stays if it is strong and of a vendor whose use had to stop.
    pub fn carry(&mut self, restricted: &dyn Fn(&VendorId) -> bool, carry: &Carry<'_>) {
        self.asked.retain(|(_, vendor), asked| {
            let carried = carry(asked.name.as_name(), None);
            restricted(vendor)
                && carried.is_some_and(|carried| {
                    let now = &carried.service;
                    now.vendor == *vendor && now.strength == Strength::Strong
                })
        });
    }

    /// Two keys turned out to be one host.
    pub fn join(&mut self, survivor: &HostKey, other: &HostKey) {
        let moved: Vec<_> = self
            .asked
            .extract_if(.., |key, _| key.0 == *other)
            .collect();
        for ((_, vendor), asked) in moved {
            let (name, time) = (asked.name, asked.time);
            self.asked(survivor, &vendor, asked.resolver, &name, time);
        }
        let moved: Vec<_> = self
            .refused
            .extract_if(.., |key, _| key.0 == *other)
            .collect();
        for ((_, vendor), time) in moved {
            let last = self.refused.entry((survivor.clone(), vendor));
            let last = last.or_insert(time);
            *last = time.max(*last);
        }
    }

    /// Forgets what left the window.
    pub fn expire(&mut self, now: Timestamp) {
        let since = now.before(WINDOW);
        self.asked.retain(|_, asked| asked.time > since);
        self.refused.retain(|_, time| *time > since);
    }

    /// Those of the window, sorted by host and vendor. The packs in force say where a product falls back to a resolver.
    pub fn views(&self, now: Timestamp, packs: &[Pack]) -> Vec<BypassView> {
        let falls_back = |vendor: &VendorId, resolver: &IpAddr| {
            let pack = packs.iter().find(|pack| pack.vendor == *vendor);
            pack.is_some_and(|pack| pack.fallback_resolvers.contains(resolver))
        };
        let since = now.before(WINDOW);
        let of_window = self
            .asked
            .iter()
            .filter(|(_, asked)| asked.time > since && asked.time <= now);
        of_window
            .map(|(key, asked)| BypassView {
                host: key.0.clone(),
                vendor: key.1.clone(),
                resolver: asked.resolver,
                name: asked.name.clone(),
                last_seen: asked.time,
                after_refusal: self
                    .refused
                    .get(key)
                    .is_some_and(|refused| *refused > since && *refused <= asked.time),
                product_fallback: falls_back(&key.1, &asked.resolver),
            })
            .collect()
    }

    /// Hosts and vendors now, and those that found no place.
    pub fn stats(&self) -> (u64, u64) {
        (self.asked.len() as u64, self.left_out)
    }
}
