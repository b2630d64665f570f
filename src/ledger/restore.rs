//! What an earlier run had concluded, given back before or while there is traffic.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::Ledger;
use crate::evidence::WINDOW;
use crate::model::{
    AddressBinding, HostKey, HostRole, HostView, Reply, Sighting, Signal, Span, Timestamp,
};

/// What signs of an earlier run said of hosts. Signs are not kept; what they said holds as long as they would have.
#[derive(Debug, Default)]
pub(super) struct Before {
    /// Each with its latest packet.
    roles: BTreeMap<HostKey, (Vec<HostRole>, Timestamp)>,
    reached: BTreeSet<HostKey>,
    /// Engine time at its end.
    until: Option<Timestamp>,
}

impl Before {
    fn host(&mut self, host: &HostView) {
        if !host.roles.is_empty() {
            let roles = (host.roles.clone(), host.last_seen);
            self.roles.insert(host.key.clone(), roles);
        }
    }

    /// The roles that a host had.
    pub(super) fn roles(&self, host: &HostKey, now: Timestamp) -> &[HostRole] {
        match self.roles.get(host) {
            Some((roles, last)) if *last > now.before(WINDOW) => roles,
            _ => &[],
        }
    }

    /// Whether packets towards a host were seen.
    pub(super) fn reached(&self, host: &HostKey, now: Timestamp) -> bool {
        self.until.is_some_and(|until| until > now.before(WINDOW)) && self.reached.contains(host)
    }
}

impl Ledger {
    /// Takes the engine time at which an earlier run ended; it does not go back behind it.
    pub fn restore_time(&mut self, at: Timestamp) {
        self.now = self.now.max(Some(at));
    }

    /// Engine time, once there is one.
    pub fn now(&self) -> Option<Timestamp> {
        self.now
    }

    /// The key under which a host is known now.
    pub fn key_of(&self, host: &HostKey) -> HostKey {
        self.hosts.canonical(host)
    }

    /// Takes a stretch that was looked at, and how many frames were taken and lost in it. Engine time does not go back
    /// behind it.
    pub fn restore_looked(&mut self, span: Span, taken: u64, lost: u64) {
        self.looked.add(span);
        self.looked.lose_over(span, taken, lost);
        self.now = self.now.max(Some(span.last));
    }

    /// Takes what was known of a host and which addresses it had. All hosts come before their sightings.
    pub fn restore_host(&mut self, host: &HostView, bindings: &[AddressBinding]) {
        self.hosts.restore(host, bindings);
        self.before.host(host);
    }

    /// Takes the hosts of which silence was proof, because answers to them would have been seen.
    pub fn restore_reached(&mut self, hosts: impl IntoIterator<Item = HostKey>) {
        let hosts = hosts.into_iter().map(|host| self.hosts.canonical(&host));
        self.before.reached = hosts.collect();
    }

    /// Takes when a host was last there, under an address of its.
    pub fn restore_presence(&mut self, address: IpAddr, span: Span) {
        self.hosts.restore_presence(address, span);
    }

    /// Takes sightings that were rolled up; `reached` is when the level was last reached, `None` where only bytes were
    /// reported. It may lie before the end of the span, because bytes go on.
    pub fn restore_sighting(
        &mut self,
        host: &HostKey,
        sighting: &Sighting,
        reached: Option<Timestamp>,
    ) {
        let host = &self.hosts.canonical(host);
        if sighting.signal == Signal::Dns {
            for sample in &sighting.samples {
                let asked = Sighting {
                    server: Some(sample.server.addr),
                    span: Span::at(sample.time),
                    samples: Vec::new(),
                    ..sighting.clone()
                };
                self.note_bypass(host, &asked);
            }
        }
        let group = self.group_of(host, sighting.host);
        let cutoff = self.cutoffs.find(group, &sighting.matched.service);
        // What was later than engine time at the end of that run goes on waiting.
        let now = |time: Timestamp| self.now.map_or(time, |now| now.min(time));
        let at_end = now(sighting.span.last);
        if reached == Some(sighting.span.last) {
            self.book.restore(host, sighting, cutoff, at_end);
            return;
        }
        // Bytes went on after the level was last reached, or are all that was reported: a part each, as they came.
        if let Some(reached) = reached {
            let counted = Sighting {
                span: Span {
                    first: sighting.span.first.min(reached),
                    last: reached,
                },
                received: 0,
                sent: 0,
                ..sighting.clone()
            };
            let at_level = now(reached);
            self.book.restore(host, &counted, cutoff, at_level);
        }
        let bytes = Sighting {
            count: 0,
            samples: Vec::new(),
            ..sighting.clone()
        };
        self.book.restore(host, &bytes, cutoff, at_end);
    }

    /// Takes what came back to tries, maybe from a resolver of the network.
    pub fn restore_reply(&mut self, host: &HostKey, reply: &Reply, own_resolver: bool) {
        let host = self.hosts.canonical(host);
        self.note_reply(&host, reply, own_resolver);
    }

    /// Ends restoring: what is so already is no news.
    pub fn restored(&mut self) {
        self.before.until = self.now;
        if self.settings.events {
            let snapshot = self.snapshot();
            self.happenings.know(&snapshot);
        }
        // A key that the inventory changed meanwhile is news.
        self.hosts.relist();
        self.join_hosts();
    }
}
