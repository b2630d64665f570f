//! Which host it is: what is said of devices goes to `hosts`, and what is one host becomes one everywhere.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::Ledger;
use crate::evidence::Usage;
use crate::hosts::Listings;
use crate::model::{
    Batch, Evidence, HostKey, HostView, KeyConfidence, Sighting, Strength, Timestamp,
};

impl Ledger {
    /// Puts in force what files say of who devices are.
    pub fn set_listings(&mut self, listings: Listings) {
        self.hosts.set_listings(listings, self.now);
        self.join_hosts();
    }

    /// Takes what a worker reports of devices, and gives the host of each of these sightings. All in the order in which it
    /// happened: so nothing depends on where batches end.
    pub(super) fn identify(
        &mut self,
        batch: &Batch,
        sightings: &[Cow<'_, Sighting>],
    ) -> Vec<HostKey> {
        let mut facts = batch.identities.iter().peekable();
        let mut presences = batch.presences.iter().peekable();
        let mut order: Vec<(Timestamp, usize)> = sightings
            .iter()
            .map(|sighting| sighting.span.first)
            .zip(0..)
            .collect();
        order.sort_unstable();
        let ends = order.into_iter().map(|(time, at)| (time, Some(at)));
        for (until, sighting) in ends.chain([(Timestamp::MAX, None)]) {
            while let Some(presence) = presences.next_if(|presence| presence.time <= until) {
                while let Some((fact, time)) = facts.next_if(|(_, time)| *time <= presence.time) {
                    self.hosts.learn(fact, *time);
                }
                self.hosts.present(presence);
            }
            while let Some((fact, time)) = facts.next_if(|(_, time)| *time <= until) {
                self.hosts.learn(fact, *time);
            }
            if let Some(sighting) = sighting.map(|at| &sightings[at]) {
                let (address, span) = (sighting.host, sighting.span);
                let strength = sighting.matched.service.strength;
                let key = self.hosts.sight(address, sighting.mac, span, strength);
                if strength == Strength::Strong && sighting.evidence >= Evidence::Contact {
                    self.hosts.contacted(address, &key, span);
                }
            }
        }
        self.join_hosts();
        sightings
            .iter()
            .map(|sighting| {
                let (host, mac) = (sighting.host, sighting.mac);
                self.hosts.key_of(host, mac, sighting.span.first)
            })
            .collect()
    }

    /// Puts together what was noted under two keys of one host.
    pub(super) fn join_hosts(&mut self) {
        for (survivor, other) in self.hosts.take_joined() {
            self.book.join(&survivor, &other);
            self.bypasses.join(&survivor, &other);
            self.uncovered.join(&survivor, &other);
            self.happenings.join(&survivor, &other, self.now);
        }
    }

    /// Hosts that have a finding.
    pub(super) fn views(&self) -> BTreeMap<HostKey, HostView> {
        let mut views: BTreeMap<HostKey, HostView> = BTreeMap::new();
        for ((host, ..), usage) in self.book.usages() {
            let view = views.entry(host.clone()).or_insert_with(|| HostView {
                key: host.clone(),
                ..self.hosts.view(host).unwrap_or_else(|| plain(host, usage))
            });
            if self.hosts.last_packet(host).is_none() {
                // Forgotten otherwise, because there were too many: what its findings say.
                view.addresses.extend(&usage.addresses);
                view.addresses.sort_unstable();
                view.addresses.dedup();
                view.first_seen = view.first_seen.min(usage.span.first);
                view.last_seen = view.last_seen.max(usage.span.last);
            }
        }
        views
    }
}

/// What a finding says of its host.
fn plain(host: &HostKey, usage: &Usage) -> HostView {
    HostView {
        key: host.clone(),
        aliases: Vec::new(),
        addresses: Vec::new(),
        macs: Vec::new(),
        name: None,
        owner: None,
        site: None,
        device: None,
        roles: Vec::new(),
        confidence: KeyConfidence::Address,
        first_seen: usage.span.first,
        last_seen: usage.span.last,
    }
}
