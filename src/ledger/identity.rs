//! Which host it is: what is said of devices goes to `hosts`, and what is one host becomes one everywhere.

use std::collections::{BTreeMap, BTreeSet};

use super::Ledger;
use crate::hosts::Listings;
use crate::model::{Batch, HostKey, HostView, KeyConfidence, Sighting, Timestamp};

impl Ledger {
    /// Puts in force what files say of who devices are.
    pub fn set_listings(&mut self, listings: Listings) {
        self.hosts.set_listings(listings, self.now);
        self.join_hosts();
    }

    /// Takes what a worker reports of devices, and gives the host of each of these sightings. All in the order in which it
    /// happened: so nothing depends on where batches end.
    pub(super) fn identify(&mut self, batch: &Batch, sightings: &[&Sighting]) -> Vec<HostKey> {
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
            if let Some(sighting) = sighting.map(|at| sightings[at]) {
                self.hosts.sight(sighting.host, sighting.span);
            }
        }
        self.join_hosts();
        sightings
            .iter()
            .map(|sighting| self.hosts.key_at(sighting.host, sighting.span.first))
            .collect()
    }

    /// Puts together what was noted under two keys of one host.
    pub(super) fn join_hosts(&mut self) {
        for (survivor, other) in self.hosts.take_joined() {
            self.book.join(&survivor, &other);
            self.bypasses.join(&survivor, &other);
            self.happenings.join(&survivor, &other);
        }
    }

    /// Hosts that have a finding.
    pub(super) fn views(&self) -> BTreeMap<HostKey, HostView> {
        let hosts: BTreeSet<&HostKey> = self.book.usages().map(|((host, ..), _)| host).collect();
        let views = hosts.into_iter().map(|host| {
            let view = self
                .hosts
                .view(host)
                .unwrap_or_else(|| self.plain_view(host));
            (
                host.clone(),
                HostView {
                    key: host.clone(),
                    ..view
                },
            )
        });
        views.collect()
    }

    /// What its findings say of a host that was forgotten otherwise, because there were too many.
    fn plain_view(&self, host: &HostKey) -> HostView {
        let usages = || {
            let all = self.book.usages();
            all.filter(|((key, ..), _)| key == host)
                .map(|(_, usage)| usage)
        };
        let addresses: BTreeSet<_> = usages()
            .flat_map(|usage| usage.addresses.iter().copied())
            .collect();
        let first = usages().map(|usage| usage.span.first).min();
        let last = usages().map(|usage| usage.span.last).max();
        HostView {
            key: host.clone(),
            aliases: Vec::new(),
            addresses: addresses.into_iter().collect(),
            macs: Vec::new(),
            name: None,
            owner: None,
            site: None,
            device: None,
            roles: Vec::new(),
            confidence: KeyConfidence::Address,
            first_seen: first.unwrap_or(Timestamp::MIN),
            last_seen: last.unwrap_or(Timestamp::MIN),
        }
    }
}
