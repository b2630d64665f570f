//! Rows of the store into a ledger.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use super::belief::{Belief, Later};
use super::seen::Surroundings;
use crate::ledger::Ledger;
use crate::model::{
    AddressBinding, DomainName, HostKey, HostView, Match, Reply, Service, ServiceId, Sighting,
    Span, Timestamp, VendorId,
};
use crate::rules::RuleSet;
use crate::store::{HostRecord, Stored, StoredReply, StoredSighting};

/// Gives a ledger what an earlier one had concluded, row by row: hosts first, as the store gives them.
///
/// Nothing is believed that lies later than a limit: a row that begins behind it is left aside, one that reaches beyond
/// counts where it begins, which is proven.
pub struct Restorer {
    around: Surroundings,
    /// The latest time in a row.
    last: Option<Timestamp>,
    belief: Belief,
    rules: Arc<RuleSet>,
    services: HashMap<(VendorId, ServiceId), Arc<Service>>,
    /// Hosts and their bindings, until the first row of another kind comes.
    waiting: Vec<(HostRecord, Vec<AddressBinding>)>,
    presences: HashMap<HostKey, Presence>,
    restored: Restored,
}

/// When a host was there, and under which address it was seen last.
struct Presence {
    span: Span,
    latest: Option<(Timestamp, IpAddr)>,
}

/// What became of the rows.
#[derive(Debug, Default)]
pub struct Restored {
    /// What was left aside.
    pub later: Later,
    /// Rows of sightings and replies that were given to the ledger.
    pub rows: u64,
    /// Rows of names and services that no pack in force has; they stay in the store.
    pub not_in_force: u64,
}

impl Restorer {
    /// For the rules in force: by them the rows are judged, whatever rules they were written by. With what was remembered
    /// besides rows, and the latest time that is believed.
    pub fn new(rules: Arc<RuleSet>, around: Surroundings, limit: Timestamp) -> Self {
        Self {
            around,
            last: None,
            belief: Belief::until(limit),
            services: services(&rules),
            rules,
            waiting: Vec::new(),
            presences: HashMap::new(),
            restored: Restored::default(),
        }
    }

    /// Keeps what is left aside: the limit moves on, or was wrong.
    #[must_use]
    pub fn keeping_later(mut self) -> Self {
        self.belief.keep_later();
        self
    }

    /// Other rules are in force from the next row on.
    pub fn reload(&mut self, rules: Arc<RuleSet>) {
        self.services = services(&rules);
        self.rules = rules;
    }

    /// Takes a row.
    pub fn take(&mut self, ledger: &mut Ledger, stored: Stored) {
        let Some(stored) = self.belief.of(stored) else {
            return;
        };
        if let Stored::Sighting(row) = &stored {
            self.last = self.last.max(Some(row.sum.span.last));
        }
        match stored {
            Stored::Host(host) => {
                let (span, latest) = (host.span, None);
                self.presences
                    .insert(host.key.clone(), Presence { span, latest });
                self.waiting.push((host, Vec::new()));
                return;
            }
            Stored::Binding(binding) => {
                let place = self
                    .waiting
                    .binary_search_by(|(host, _)| host.key.cmp(&binding.host));
                // Of a host without a row nothing strong is known, and its key comes about anew.
                if let Ok(at) = place {
                    self.waiting[at].1.push(binding);
                }
                return;
            }
            Stored::Looked(_) | Stored::Sighting(_) | Stored::Reply(_) => self.give_hosts(ledger),
        }
        match stored {
            Stored::Looked(looked) => {
                let lost = looked.kernel_drops.saturating_add(looked.interface_drops);
                ledger.restore_looked(looked.span, looked.frames, lost);
            }
            Stored::Sighting(row) => self.sighting(ledger, row),
            Stored::Reply(row) => self.reply(ledger, row),
            Stored::Host(_) | Stored::Binding(_) => {}
        }
    }

    /// What was left aside, of single rows that came when the rest was restored already.
    pub fn into_later(self) -> Later {
        self.belief.later
    }

    /// Ends restoring.
    pub fn finish(mut self, ledger: &mut Ledger) -> Restored {
        self.give_hosts(ledger);
        // A run that was killed early had said nothing of the time yet.
        if ledger.now().is_none()
            && let Some(last) = self.last
        {
            ledger.restore_time(last);
        }
        // Of silence an earlier instant was told otherwise.
        if self.around.at.is_none_or(|at| at <= self.belief.limit) {
            ledger.restore_reached(self.around.reached.iter().cloned());
        }
        for presence in self.presences.into_values() {
            if let Some((_, address)) = presence.latest {
                ledger.restore_presence(address, presence.span);
            }
        }
        ledger.restored();
        self.restored.later = self.belief.later;
        self.restored
    }

    /// Gives the ledger its hosts. One that turned out to be another has a row of its own from before: what it had is that
    /// one's.
    fn give_hosts(&mut self, ledger: &mut Ledger) {
        if let Some(at) = self.around.at.filter(|at| *at <= self.belief.limit) {
            ledger.restore_time(at);
        }
        let mut hosts = std::mem::take(&mut self.waiting);
        // Who lost the inventory's id has it as an alias, and the id's own row is older.
        let lost: HashSet<(HostKey, HostKey)> = hosts
            .iter()
            .filter(|(host, _)| host.key.is_made())
            .flat_map(|(host, _)| {
                let ids = host.aliases.iter().filter(|alias| !alias.is_made());
                ids.map(|id| (id.clone(), host.key.clone()))
            })
            .collect();
        for (host, _) in &mut hosts {
            let id = host.key.clone();
            host.aliases
                .retain(|alias| !lost.contains(&(id.clone(), alias.clone())));
        }
        let aliases: HashSet<HostKey> = hosts
            .iter()
            .flat_map(|(host, _)| host.aliases.iter().cloned())
            .collect();
        let (absorbed, mut hosts): (Vec<_>, Vec<_>) = hosts
            .into_iter()
            .partition(|(host, _)| aliases.contains(&host.key));
        let survivors: HashMap<HostKey, usize> = hosts
            .iter()
            .enumerate()
            .flat_map(|(at, (host, _))| host.aliases.iter().map(move |alias| (alias.clone(), at)))
            .collect();
        for (host, bindings) in absorbed {
            match survivors.get(&host.key) {
                Some(&at) => {
                    let (survivor, known) = &mut hosts[at];
                    survivor.span.cover(host.span.first);
                    survivor.span.cover(host.span.last);
                    known.extend(bindings);
                }
                // Each other's alias: not written by us, and still nobody's loss.
                None => hosts.push((host, bindings)),
            }
        }
        for (host, bindings) in hosts {
            ledger.restore_host(&HostView::from(host), &bindings);
        }
    }

    /// What the rules in force say of a row's name, which was matched by this pattern, as far as that is known.
    fn matched(
        &mut self,
        name: &DomainName,
        (vendor, service): (&VendorId, &ServiceId),
        pattern: Option<&Arc<str>>,
    ) -> Option<Match> {
        let key = (vendor.clone(), service.clone());
        let before = self.services.get(&key).map(|service| Match {
            service: Arc::clone(service),
            pattern: pattern.map_or_else(|| Arc::from(""), Arc::clone),
        });
        let matched = self.rules.carry(name.as_name(), before.as_ref());
        match matched {
            Some(_) => self.restored.rows += 1,
            None => self.restored.not_in_force += 1,
        }
        matched
    }

    fn sighting(&mut self, ledger: &mut Ledger, row: StoredSighting) {
        let StoredSighting { key, sum } = row;
        let samples = sum.samples.into_iter().map(|stored| stored.sample);
        let samples: Vec<_> = samples.collect();
        let pattern = samples.first().map(|sample| &sample.pattern);
        let service = (&key.vendor, &key.service);
        let Some(matched) = self.matched(&key.name, service, pattern) else {
            return;
        };
        if let Some(there) = self.presences.get_mut(&key.host) {
            there.latest = there.latest.max(Some((sum.span.last, key.address)));
        }
        ledger.restore_presence(key.address, sum.span);
        let sighting = Sighting {
            host: key.address,
            mac: None,
            flow: None,
            matched,
            name: key.name,
            signal: key.signal,
            server: None,
            evidence: key.evidence,
            span: sum.span,
            count: sum.count,
            received: sum.received,
            sent: sum.sent,
            samples,
        };
        ledger.restore_sighting(&key.host, &sighting, sum.reached);
    }

    fn reply(&mut self, ledger: &mut Ledger, row: StoredReply) {
        let StoredReply { key, sum } = row;
        if let Some(matched) = self.matched(&key.name, (&key.vendor, &key.service), None) {
            let reply = Reply {
                // A reply is the host's, whichever of its addresses it came to.
                host: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
                mac: None,
                service: matched.service,
                name: key.name,
                signal: key.signal,
                server: None,
                kind: key.kind,
                span: sum.span,
                count: sum.count,
            };
            ledger.restore_reply(&key.host, &reply, key.own_resolver);
        }
    }
}

fn services(rules: &RuleSet) -> HashMap<(VendorId, ServiceId), Arc<Service>> {
    let services = rules.packs.iter().flat_map(|pack| &pack.services);
    let keyed = services.map(|service| {
        let key = (service.vendor.clone(), service.id.clone());
        (key, Arc::clone(service))
    });
    keyed.collect()
}
