//! What a worker reports, put down to hosts.

use std::borrow::Cow;
use std::net::IpAddr;

use super::Ledger;
use crate::evidence::{GroupId, phase};
use crate::model::{self, Batch, HostKey, PackRole, Reply, Sighting, Signal, Strength};

impl Ledger {
    /// Takes what a worker reports.
    pub fn absorb(&mut self, batch: &Batch) {
        let limit = self.limit;
        self.now = self.now.max(batch.clock.map(|clock| clock.min(limit)));
        if let Some(span) = batch.looked {
            self.looked.add(span);
        }
        if let Some(losses) = batch.losses {
            self.looked.lose(losses);
        }
        if let Some(now) = self.now {
            self.tidy(now);
            for &address in &batch.contradicted {
                self.watch.contradicted(address, now);
            }
        }
        for sign in &batch.role_signs {
            self.roles.note(sign);
        }
        for resolution in &batch.resolutions {
            self.watch.resolved(resolution);
        }
        for blind in &batch.blind_hosts {
            self.blind_hosts.note(blind);
            if self.settings.events {
                self.happenings.blind(blind);
            }
        }
        // Copied only where several interfaces are captured.
        let confirmed: Vec<Cow<'_, Sighting>> = batch
            .sightings
            .iter()
            .filter(|sighting| self.watch.confirms(sighting))
            .filter_map(|sighting| match sighting.flow {
                None => Some(Cow::Borrowed(sighting)),
                Some(_) => self
                    .duplicates
                    .credit(batch.interface.as_ref(), sighting.clone())
                    .map(Cow::Owned),
            })
            .collect();
        let hosts = self.identify(batch, &confirmed);
        self.note_uncovered(&batch.uncovered);
        for (sighting, host) in confirmed.iter().zip(hosts) {
            let sighting: &Sighting = sighting;
            self.note_bypass(&host, sighting);
            let group = self.group_of(&host, sighting.host);
            let cutoff = self.cutoffs.find(group, &sighting.matched.service);
            if self.settings.events {
                self.happenings
                    .sighting(&host, sighting, cutoff, &self.packs);
            }
            let now = self.now.unwrap_or(sighting.span.last);
            self.book.sighting(&host, sighting, cutoff, now);
            if self.settings.keep {
                let phase = phase(cutoff, sighting.span.first);
                let accepted = (host, phase, sighting.clone());
                self.accepted.sightings.push(accepted);
            }
        }
        for end in &batch.flow_ends {
            if self.watch.confirms_end(end) && self.duplicates.ends(end) && self.settings.events {
                let host = self.hosts.key_of(end.host, end.mac, end.span.first);
                let group = self.group_of(&host, end.host);
                let cutoff = self.cutoffs.find(group, &end.matched.service);
                self.happenings.flow_end(&host, end, cutoff, &self.packs);
            }
        }
        for reply in &batch.replies {
            if !self.watch.confirms_reply(reply) {
                continue;
            }
            // A reply proves no packet of the host's own, so it says nothing about presence.
            let host = self.hosts.key_of(reply.host, reply.mac, reply.span.first);
            let resolver = reply.server.filter(|_| reply.signal == Signal::Dns);
            let own_resolver = resolver.is_some_and(|resolver| !self.is_foreign(resolver));
            self.note_reply(&host, reply, own_resolver);
            if self.settings.keep {
                let accepted = (host, reply.clone(), own_resolver);
                self.accepted.replies.push(accepted);
            }
        }
    }

    /// Takes names that no service describes. They say nothing of their hosts, presence neither.
    fn note_uncovered(&mut self, read: &model::Uncovered) {
        for (vendor, readings) in &read.readings {
            self.uncovered.count(vendor, *readings);
        }
        for name in &read.names {
            let askers = name.hosts.iter();
            let keys = askers.map(|asker| self.hosts.key_of(asker.host, asker.mac, asker.time));
            self.uncovered.note(name, keys);
        }
    }

    /// Takes what came back to a host's tries, maybe from a resolver of the network.
    pub(super) fn note_reply(&mut self, host: &HostKey, reply: &Reply, own_resolver: bool) {
        if own_resolver {
            let vendor = &reply.service.vendor;
            self.bypasses
                .answered(host, vendor, reply.kind, reply.span.last);
        }
        self.book.reply(host, reply);
    }

    /// The group of a host that has this address, by what is known of it now.
    pub(super) fn group_of(&self, host: &HostKey, address: IpAddr) -> GroupId {
        if !self.cutoffs.has_groups() {
            return GroupId::default();
        }
        let view = self.hosts.view(host);
        let site = view.as_ref().and_then(|view| view.site.as_deref());
        let known = view.as_ref().map(|view| view.addresses.as_slice());
        match known {
            Some(addresses) if !addresses.is_empty() => self.cutoffs.group_of(addresses, site),
            _ => self.cutoffs.group_of(&[address], site),
        }
    }

    /// Whether a resolver is not the network's.
    fn is_foreign(&self, resolver: IpAddr) -> bool {
        !self.settings.local.contains(resolver)
            && !self.settings.resolvers.contains(&resolver)
            && !self.hosts.resolvers().contains(&resolver)
    }

    /// A host that asks a foreign resolver for a restricted vendor's strong name goes past the network's own.
    pub(super) fn note_bypass(&mut self, host: &HostKey, sighting: &Sighting) {
        let service = &sighting.matched.service;
        let restricted = self
            .packs
            .iter()
            .any(|pack| pack.vendor == service.vendor && pack.role == PackRole::Restricted);
        if let Some(resolver) = sighting.server
            && sighting.signal == Signal::Dns
            && service.strength == Strength::Strong
            && restricted
            && self.is_foreign(resolver)
        {
            let (vendor, last) = (&service.vendor, sighting.span.last);
            self.bypasses
                .asked(host, vendor, resolver, &sighting.name, last);
        }
    }
}
