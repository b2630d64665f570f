//! The one place that knows hosts: sightings of all workers through hosts and evidence, to the snapshot.
//!
//! No I/O, no threads, no clock. Whichever worker saw a packet, it ends here, so nothing depends on which.

mod blind;
mod blind_spots;
mod conclude;
mod duplicates;
mod happenings;
mod identity;
mod reload;
mod restore;
mod roles;
mod uncovered;
mod watch;

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use crate::evidence::{self, Book, Bypasses, Cutoffs, GroupId, Looked, UnknownCutoff, phase};
use crate::hosts::{self, Hosts};
use crate::model::{
    self, Accepted, Batch, Happening, HostKey, LocalNetworks, Pack, PackRole, Reply, Sighting,
    Signal, Snapshot, Strength, Timestamp, WatchList,
};

use blind::BlindHosts;
use duplicates::Duplicates;
use happenings::Happenings;
use restore::Before;
use roles::Roles;
use uncovered::Uncovered;
use watch::Watch;

/// How the ledger judges.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// How evidence is judged.
    pub evidence: evidence::Settings,
    /// Whether local networks were given or known from an interface; otherwise the page says so.
    pub local_networks_known: bool,
    /// What is local; resolvers elsewhere are foreign.
    pub local: LocalNetworks,
    /// Resolvers of the network that are not local.
    pub resolvers: Vec<IpAddr>,
    /// Addresses of the sensor's own machine.
    pub sensor_addresses: Vec<IpAddr>,
    /// Whether the sensor's own machine may be a straggler.
    pub watch_sensor: bool,
    /// Whether somebody takes what happens.
    pub events: bool,
    /// Whether somebody takes what is accepted, to keep it.
    pub keep: bool,
    /// What files say of who devices are.
    pub listings: hosts::Listings,
}

/// Counters of the ledger's tables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Addresses.
    pub hosts: hosts::Stats,
    /// Usages.
    pub book: evidence::Stats,
    /// Watched answers: those in force, and those forgotten because there were too many.
    pub watch: (u64, u64),
    /// Hosts with flows without a name, by cause: those kept, and those that found no place.
    pub blind_hosts: (u64, u64),
    /// Hosts and vendors of which a foreign resolver was asked: those kept, and those that found no place.
    pub bypasses: (u64, u64),
    /// Flows that several interfaces may see: those kept, and those forgotten because there were too many.
    pub flows_told: (u64, u64),
    /// Flows that were seen again on another interface.
    pub duplicate_flows: u64,
    /// What happened and was not taken yet, and what found no place.
    pub happenings: (u64, u64),
    /// Addresses with signs of what they do for others, and signs that found no place.
    pub roles: (u64, u64),
    /// Names that no service describes: those kept, and those forgotten because their vendor's share was full.
    pub uncovered: (u64, u64),
}

/// Everything that is concluded.
pub struct Ledger {
    settings: Settings,
    packs: Vec<Pack>,
    cutoffs: Cutoffs,
    hosts: Hosts,
    book: Book,
    looked: Looked,
    watch: Watch,
    blind_hosts: BlindHosts,
    uncovered: Uncovered,
    bypasses: Bypasses,
    happenings: Happenings,
    duplicates: Duplicates,
    accepted: Accepted,
    before: Before,
    roles: Roles,
    /// Addresses that the sensor's own machine has now, beside those of the settings.
    own_addresses: Vec<IpAddr>,
    now: Option<Timestamp>,
    /// Minute of engine time in which was last forgotten what is over.
    tidied: i64,
    /// Later than this engine time is not believed.
    limit: Timestamp,
}

impl Ledger {
    /// An empty ledger for the packs in force.
    pub fn new(mut settings: Settings, packs: &[Pack]) -> Result<Self, UnknownCutoff> {
        let mut hosts = Hosts::default();
        hosts.set_listings(std::mem::take(&mut settings.listings), None);
        if settings.keep {
            hosts.keep_changes();
        }
        Ok(Self {
            cutoffs: Cutoffs::choose(packs, &settings.evidence)?,
            packs: packs.to_vec(),
            settings,
            hosts,
            book: Book::default(),
            looked: Looked::default(),
            watch: Watch::default(),
            blind_hosts: BlindHosts::default(),
            uncovered: Uncovered::new(packs.iter().map(|pack| pack.vendor.clone())),
            bypasses: Bypasses::default(),
            happenings: Happenings::default(),
            duplicates: Duplicates::default(),
            accepted: Accepted::default(),
            before: Before::default(),
            roles: Roles::default(),
            own_addresses: Vec::new(),
            now: None,
            tidied: i64::MIN,
            limit: Timestamp::MAX,
        })
    }

    /// Forgets what is over: once a minute, because all that is remembered is looked through. Whoever asks looks at the
    /// times too, but for copies of flows, and for addresses of several names, which are shunned a minute longer.
    fn tidy(&mut self, now: Timestamp) {
        self.duplicates.expire(now);
        if self.tidied != now.minute() {
            self.tidied = now.minute();
            self.watch.expire(now);
            self.blind_hosts.expire(now);
            self.bypasses.expire(now);
            self.roles.expire(now);
        }
    }

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
    fn note_reply(&mut self, host: &HostKey, reply: &Reply, own_resolver: bool) {
        if own_resolver {
            let vendor = &reply.service.vendor;
            self.bypasses
                .answered(host, vendor, reply.kind, reply.span.last);
        }
        self.book.reply(host, reply);
    }

    /// What was accepted since the last call, where the settings say that somebody takes it.
    pub fn accepted(&mut self) -> Accepted {
        Accepted {
            bindings: self.hosts.changes().bindings,
            ..std::mem::take(&mut self.accepted)
        }
    }

    /// The group of a host that has this address, by what is known of it now.
    fn group_of(&self, host: &HostKey, address: IpAddr) -> GroupId {
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
    fn note_bypass(&mut self, host: &HostKey, sighting: &Sighting) {
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

    /// Says which addresses the sensor's own machine has now.
    pub fn set_own_addresses(&mut self, addresses: &[IpAddr]) {
        if self.own_addresses != addresses {
            self.own_addresses = addresses.to_vec();
        }
    }

    /// Judges at another time than the latest capture time.
    pub fn set_time(&mut self, at: Timestamp) {
        self.now = Some(at);
    }

    /// Says how late it can be at most, by the clock of a live sensor. Where engine time lies beyond, that clock was set
    /// back: engine time goes back with it, and so does what was put down to a time that is still to come.
    pub fn bound_time(&mut self, limit: Timestamp) {
        self.limit = limit;
        if let Some(now) = self.now
            && now > limit
        {
            self.book.set_back(limit, now.since(limit));
            self.now = Some(limit);
        }
    }

    /// Counters.
    pub fn stats(&self) -> Stats {
        Stats {
            hosts: self.hosts.stats(),
            book: self.book.stats(),
            watch: (self.watch.len(), self.watch.evictions()),
            blind_hosts: (self.blind_hosts.len(), self.blind_hosts.refused()),
            bypasses: self.bypasses.stats(),
            happenings: self.happenings.stats(),
            flows_told: self.duplicates.stats(),
            duplicate_flows: self.duplicates.duplicates(),
            roles: self.roles.stats(),
            uncovered: self.uncovered.stats(),
        }
    }

    /// What happened since the last call, up to this state.
    pub fn happened(&mut self, snapshot: &Snapshot) -> Vec<Happening> {
        self.happenings.compare(snapshot);
        self.happenings.tell_blind_spots(&self.hosts, self.now);
        self.happenings.take()
    }

    /// What is left to be said when nothing more comes: the hours that are not over.
    pub fn happened_last(&mut self, snapshot: &Snapshot) -> Vec<Happening> {
        self.happenings.compare(snapshot);
        self.happenings.tell_blind_spots(&self.hosts, None);
        self.happenings.take()
    }

    /// The addresses by which workers tell flows without a name.
    pub fn watch_list(&mut self) -> Arc<WatchList> {
        self.watch.list()
    }
}
