//! Rows of the store into a ledger.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use super::seen::Surroundings;
use crate::ledger::Ledger;
use crate::model::{
    AddressBinding, HostKey, HostView, Match, Pack, Reply, Service, ServiceId, Sighting, Span,
    Timestamp, VendorId,
};
use crate::store::{HostRecord, Stored, StoredReply, StoredSighting};

/// Rows that wait for their time: half of what a store may hold in memory.
const MAX_LATER: usize = 16_384;

/// Gives a ledger what an earlier one had concluded, row by row: hosts first, as the store gives them.
///
/// Nothing is believed that lies later than a limit: a row that begins behind it is left aside, one that reaches beyond
/// counts where it begins, which is proven.
pub struct Restorer {
    limit: Timestamp,
    around: Surroundings,
    /// The latest time in a row.
    last: Option<Timestamp>,
    later: Later,
    keeps_later: bool,
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

/// What lies later than is believed.
#[derive(Debug, Default)]
pub struct Later {
    /// How many rows.
    pub count: u64,
    /// The latest time in them.
    pub last: Option<Timestamp>,
    /// The rows of sightings, replies and stretches, where somebody keeps them until their time has come.
    pub rows: Vec<Stored>,
}

/// What became of the rows.
#[derive(Debug, Default)]
pub struct Restored {
    /// What was left aside.
    pub later: Later,
    /// Rows of sightings and replies that were given to the ledger.
    pub rows: u64,
    /// Rows of services that no pack in force has; they stay in the store.
    pub not_in_force: u64,
}

impl Restorer {
    /// For the packs in force: by them the rows are judged, whatever packs they were written by. With what was remembered
    /// besides rows, and the latest time that is believed.
    pub fn new(packs: &[Pack], around: Surroundings, limit: Timestamp) -> Self {
        let services = packs.iter().flat_map(|pack| &pack.services);
        let services = services.map(|service| {
            let key = (service.vendor.clone(), service.id.clone());
            (key, Arc::clone(service))
        });
        Self {
            limit,
            around,
            last: None,
            later: Later::default(),
            keeps_later: false,
            services: services.collect(),
            waiting: Vec::new(),
            presences: HashMap::new(),
            restored: Restored::default(),
        }
    }

    /// Keeps what is left aside: the limit moves on, or was wrong.
    #[must_use]
    pub fn keeping_later(mut self) -> Self {
        self.keeps_later = true;
        self
    }

    /// Takes a row.
    pub fn take(&mut self, ledger: &mut Ledger, stored: Stored) {
        let Some(stored) = self.believed(stored) else {
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

    /// As much of a row as is believed.
    fn believed(&mut self, mut stored: Stored) -> Option<Stored> {
        let limit = self.limit;
        let until = |span: &mut Span| span.last = span.last.min(limit).max(span.first);
        let first = match &mut stored {
            // Who a device is has no time of its own.
            Stored::Host(host) => {
                host.span.first = host.span.first.min(limit);
                until(&mut host.span);
                return Some(stored);
            }
            Stored::Binding(binding) => binding.from,
            Stored::Looked(looked) => looked.span.first,
            Stored::Sighting(row) => row.sum.span.first,
            Stored::Reply(row) => row.sum.span.first,
        };
        if first > limit {
            self.set_aside(stored);
            return None;
        }
        match &mut stored {
            Stored::Looked(looked) => until(&mut looked.span),
            Stored::Sighting(row) if row.sum.span.last > limit => {
                row.sum.span.last = first;
                row.sum.reached = row.sum.reached.map(|reached| reached.min(first));
                row.sum.samples.retain(|stored| stored.sample.time <= limit);
            }
            Stored::Reply(row) if row.sum.span.last > limit => row.sum.span.last = first,
            _ => {}
        }
        Some(stored)
    }

    fn set_aside(&mut self, stored: Stored) {
        let last = match &stored {
            Stored::Host(_) | Stored::Binding(_) => return,
            Stored::Looked(looked) => looked.span.last,
            Stored::Sighting(row) => row.sum.span.last,
            Stored::Reply(row) => row.sum.span.last,
        };
        self.later.count += 1;
        self.later.last = self.later.last.max(Some(last));
        if self.keeps_later && self.later.rows.len() < MAX_LATER {
            self.later.rows.push(stored);
        }
    }

    /// What was left aside, of single rows that came when the rest was restored already.
    pub fn into_later(self) -> Later {
        self.later
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
        if self.around.at.is_none_or(|at| at <= self.limit) {
            ledger.restore_reached(self.around.reached.iter().cloned());
        }
        for presence in self.presences.into_values() {
            if let Some((_, address)) = presence.latest {
                ledger.restore_presence(address, presence.span);
            }
        }
        ledger.restored();
        self.restored.later = self.later;
        self.restored
    }

    /// Gives the ledger its hosts. One that turned out to be another has a row of its own from before: what it had is that
    /// one's.
    fn give_hosts(&mut self, ledger: &mut Ledger) {
        if let Some(at) = self.around.at.filter(|at| *at <= self.limit) {
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

    fn service(&mut self, vendor: &VendorId, service: &ServiceId) -> Option<Arc<Service>> {
        let key = (vendor.clone(), service.clone());
        let found = self.services.get(&key).map(Arc::clone);
        match found {
            Some(_) => self.restored.rows += 1,
            None => self.restored.not_in_force += 1,
        }
        found
    }

    fn sighting(&mut self, ledger: &mut Ledger, row: StoredSighting) {
        let StoredSighting { key, sum } = row;
        let Some(service) = self.service(&key.vendor, &key.service) else {
            return;
        };
        if let Some(there) = self.presences.get_mut(&key.host) {
            there.latest = there.latest.max(Some((sum.span.last, key.address)));
        }
        ledger.restore_presence(key.address, sum.span);
        let samples = sum.samples.into_iter().map(|stored| stored.sample);
        let samples: Vec<_> = samples.collect();
        let pattern = samples.first().map(|sample| Arc::clone(&sample.pattern));
        let sighting = Sighting {
            host: key.address,
            mac: None,
            flow: None,
            matched: Match {
                service,
                pattern: pattern.unwrap_or_else(|| Arc::from("")),
            },
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
        if let Some(service) = self.service(&key.vendor, &key.service) {
            let reply = Reply {
                // A reply is the host's, whichever of its addresses it came to.
                host: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
                mac: None,
                service,
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
