//! The one place that knows hosts: sightings of all workers through hosts and evidence, to the snapshot.
//!
//! No I/O, no threads, no clock. Whichever worker saw a packet, it ends here, so nothing depends on which.

mod absorb;
mod blind;
mod blind_spots;
mod conclude;
mod duplicates;
mod happenings;
mod identity;
mod reload;
mod restore;
mod roles;
mod settings;
mod uncovered;
mod watch;

use std::net::IpAddr;
use std::sync::Arc;

use crate::evidence::{Book, Bypasses, Cutoffs, Looked, UnknownCutoff};
use crate::hosts::Hosts;
use crate::model::{Accepted, Happening, Pack, Snapshot, Timestamp, WatchList};

use blind::BlindHosts;
use duplicates::Duplicates;
use happenings::Happenings;
use restore::Before;
use roles::Roles;
pub use settings::{Settings, Stats};
use uncovered::Uncovered;
use watch::Watch;

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

    /// What was accepted since the last call, where the settings say that somebody takes it.
    pub fn accepted(&mut self) -> Accepted {
        Accepted {
            bindings: self.hosts.changes().bindings,
            ..std::mem::take(&mut self.accepted)
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
