//! The one place that knows hosts: sightings of all workers through hosts and evidence, to the snapshot.
//!
//! No I/O, no threads, no clock. Whichever worker saw a packet, it ends here, so nothing depends on which.

mod blind;
mod blind_spots;
mod duplicates;
mod happenings;
mod identity;
mod restore;
mod watch;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use crate::evidence::{
    self, Book, Bypasses, Cutoffs, Looked, Moment, UnknownCutoff, Usage, WINDOW, judge,
};
use crate::hosts::{self, Hosts};
use crate::model::{
    Accepted, Batch, Category, CutoffInForce, Finding, Happening, HostKey, HostView, LocalNetworks,
    Pack, PackRole, Sighting, Signal, Snapshot, Status, Strength, Timestamp, VendorView, WatchList,
};

use blind::BlindHosts;
use duplicates::Duplicates;
use happenings::Happenings;
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
    bypasses: Bypasses,
    happenings: Happenings,
    duplicates: Duplicates,
    accepted: Accepted,
    now: Option<Timestamp>,
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
            bypasses: Bypasses::default(),
            happenings: Happenings::default(),
            duplicates: Duplicates::default(),
            accepted: Accepted::default(),
            now: None,
        })
    }

    /// Takes what a worker reports.
    pub fn absorb(&mut self, batch: &Batch) {
        self.now = self.now.max(batch.clock);
        if let Some(span) = batch.looked {
            self.looked.add(span);
        }
        if let Some(now) = self.now {
            self.watch.expire(now);
            self.blind_hosts.expire(now);
            self.bypasses.expire(now);
            self.duplicates.expire(now);
            for &address in &batch.contradicted {
                self.watch.contradicted(address, now);
            }
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
        for (sighting, host) in confirmed.iter().zip(hosts) {
            let sighting: &Sighting = sighting;
            self.note_bypass(&host, sighting);
            if self.settings.events {
                self.happenings.sighting(&host, sighting, &self.cutoffs);
            }
            let now = self.now.unwrap_or(sighting.span.last);
            self.book.sighting(&host, sighting, &self.cutoffs, now);
            if self.settings.keep {
                let service = &sighting.matched.service;
                let (vendor, first) = (&service.vendor, sighting.span.first);
                let phase = self.cutoffs.phase(vendor, service.category, first);
                let accepted = (host, phase, sighting.clone());
                self.accepted.sightings.push(accepted);
            }
        }
        for end in &batch.flow_ends {
            if self.watch.confirms_end(end) && self.duplicates.ends(end) && self.settings.events {
                let host = self.hosts.key_at(end.host, end.span.first);
                self.happenings.flow_end(&host, end, &self.cutoffs);
            }
        }
        for reply in &batch.replies {
            if !self.watch.confirms_reply(reply) {
                continue;
            }
            // A reply proves no packet of the host's own, so it says nothing about presence.
            let host = self.hosts.key_at(reply.host, reply.span.first);
            if reply.signal == Signal::Dns
                && reply
                    .server
                    .is_some_and(|resolver| !self.is_foreign(resolver))
            {
                let vendor = &reply.service.vendor;
                self.bypasses
                    .answered(&host, vendor, reply.kind, reply.span.last);
            }
            self.book.reply(&host, reply);
            if self.settings.keep {
                self.accepted.replies.push((host, reply.clone()));
            }
        }
    }

    /// What was accepted since the last call, where the settings say that somebody takes it.
    pub fn accepted(&mut self) -> Accepted {
        Accepted {
            bindings: self.hosts.changes().bindings,
            ..std::mem::take(&mut self.accepted)
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

    /// Judges at another time than the latest capture time.
    pub fn set_time(&mut self, at: Timestamp) {
        self.now = Some(at);
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

    /// Everything concluded at engine time.
    pub fn snapshot(&self) -> Snapshot {
        let now = self.now.unwrap_or(Timestamp::MIN);
        let looked = self.looked.share(now, WINDOW);
        let views = self.views();
        let mut findings: Vec<Finding> = self
            .book
            .usages()
            .filter_map(|((host, vendor, category), usage)| {
                let pack = self.packs.iter().find(|pack| pack.vendor == *vendor)?;
                let view = views.get(host)?;
                Some(self.finding(view, pack, *category, usage, now, looked))
            })
            .collect();
        findings.sort_by(|a, b| {
            let rank = |finding: &Finding| (!finding.straggler, finding.role, finding.status);
            rank(a)
                .cmp(&rank(b))
                .then_with(|| b.last_seen.cmp(&a.last_seen))
                .then_with(|| {
                    (&a.host, &a.vendor, a.category).cmp(&(&b.host, &b.vendor, b.category))
                })
        });
        let coverage = evidence::coverage(&findings, &self.packs, now, |finding| {
            let view = views.get(&finding.host);
            view.map(|view| view.last_seen)
        });
        Snapshot {
            at: self.now,
            looked,
            vendors: self
                .packs
                .iter()
                .map(|pack| self.vendor(pack, &findings))
                .collect(),
            weak: self.book.weak().cloned().collect(),
            hosts: views.into_values().collect(),
            coverage,
            bypasses: self.bypasses.views(now),
            local_hosts: self.hosts.present_after(now.before(WINDOW)),
            blind_hosts: self.blind_hosts.count(now),
            local_networks_known: self.settings.local_networks_known,
            totals: self.book.totals().clone(),
            findings,
        }
    }

    fn finding(
        &self,
        host: &HostView,
        pack: &Pack,
        category: Category,
        usage: &Usage,
        now: Timestamp,
        looked: f64,
    ) -> Finding {
        let cutoff = self.cutoffs.find(&pack.vendor, category);
        let last_blocked = usage.last_blocked(|name| self.book.resolved(name));
        let moment = Moment {
            now,
            looked,
            last_packet: Some(host.last_seen),
            last_blocked,
            transfer_threshold: self.settings.evidence.transfer_threshold,
        };
        let exception = self.settings.evidence.exceptions.iter().find(|rule| {
            pack.role == PackRole::Restricted
                && rule.holds(host, &usage.addresses, &pack.vendor, category, now)
        });
        let (status, straggler) = match exception {
            Some(_) => (Status::Excepted, false),
            None => judge(usage, &moment, cutoff),
        };
        let (names, names_left_out) = usage.names();
        Finding {
            host: host.key.clone(),
            addresses: usage.addresses.clone(),
            vendor: pack.vendor.clone(),
            vendor_name: pack.name.clone(),
            role: pack.role,
            category,
            status,
            straggler,
            ever_straggler: usage.ever_straggler || straggler,
            cutoff: cutoff.map(|cutoff| cutoff.at),
            exception: exception.map(|rule| rule.exception.clone()),
            phase: usage.phase,
            evidence: usage.evidence(),
            first_seen: usage.span.first,
            last_seen: usage.span.last,
            last_by_evidence: usage.last_by_evidence(now),
            last_blocked,
            after_cutoff_sightings: usage.after_cutoff_sightings,
            received: usage.bytes.0,
            sent: usage.bytes.1,
            after_cutoff_received: usage.after_cutoff_bytes.0,
            after_cutoff_sent: usage.after_cutoff_bytes.1,
            names,
            names_left_out,
        }
    }

    fn vendor(&self, pack: &Pack, findings: &[Finding]) -> VendorView {
        let categories: BTreeSet<Category> = pack
            .services
            .iter()
            .map(|service| service.category)
            .collect();
        let with = |strength: Strength| -> Vec<Category> {
            let services = pack.services.iter();
            let categories: BTreeSet<Category> = services
                .filter(|service| service.strength == strength)
                .map(|service| service.category)
                .collect();
            categories.into_iter().collect()
        };
        let mut hosts = BTreeMap::new();
        let mut stragglers = BTreeMap::new();
        let mut straggling: BTreeSet<&HostKey> = BTreeSet::new();
        for finding in findings
            .iter()
            .filter(|finding| finding.vendor == pack.vendor)
        {
            *hosts.entry((finding.category, finding.status)).or_default() += 1;
            if finding.straggler {
                *stragglers.entry(finding.category).or_default() += 1;
                straggling.insert(&finding.host);
            }
        }
        VendorView {
            id: pack.vendor.clone(),
            name: pack.name.clone(),
            role: pack.role,
            version: pack.version.to_string(),
            digest: pack.digest.clone(),
            services: pack.services.len(),
            cutoffs: categories
                .iter()
                .filter_map(|&category| {
                    let cutoff = self.cutoffs.find(&pack.vendor, category)?.clone();
                    Some(CutoffInForce {
                        category,
                        cutoff,
                        group: None,
                    })
                })
                .collect(),
            categories: categories.into_iter().collect(),
            strong: with(Strength::Strong),
            weak: with(Strength::Weak),
            hosts,
            stragglers,
            straggling_hosts: straggling.len() as u64,
        }
    }
}
