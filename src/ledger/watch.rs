//! Addresses that answers gave for matched names, from all workers: what they may rest on when a flow has no name.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use hashbrown::{HashMap, HashSet};

use crate::model::{
    Carry, DomainName, Evidence, FlowEnd, Reply, Resolution, Sighting, Signal, Timestamp, WatchList,
};

/// Answers kept at once, about 200 bytes each, so 4 MiB.
const MAX_ANSWERS: usize = 16_384;
/// Addresses known to serve other names too, and how long that is remembered.
const MAX_SHARED: usize = 65_536;
const SHARED_FOR: Duration = Duration::from_secs(24 * 3600);
/// How long an answer is kept beyond its end: what happened before that is told later.
const AFTERWARDS: Duration = Duration::from_secs(24 * 3600);
/// Hosts, names and addresses of which a flow was confirmed: what comes later in such flows needs no answer that is still
/// valid.
const MAX_CONFIRMED: usize = 16_384;

/// Address, host, name as asked for.
type Key = (IpAddr, IpAddr, DomainName);

/// The answers in force.
#[derive(Debug, Default)]
pub(super) struct Watch {
    answers: BTreeMap<Key, Arc<Resolution>>,
    shared: HashMap<IpAddr, Timestamp>,
    confirmed: HashSet<Key>,
    published: Option<Arc<WatchList>>,
    evictions: u64,
}

impl Watch {
    /// Takes an answer. An address that serves other names too is no proof of anything.
    pub(super) fn resolved(&mut self, resolution: &Resolution) {
        if self.shared.contains_key(&resolution.address) {
            return;
        }
        let Resolution {
            address,
            host,
            name,
            ..
        } = resolution;
        if self.answers.len() >= MAX_ANSWERS {
            self.make_room();
        }
        let known = self
            .answers
            .entry((*address, *host, name.clone()))
            .or_insert_with(|| Arc::new(resolution.clone()));
        let known = Arc::make_mut(known);
        known.since = known.since.min(resolution.since);
        known.until = known.until.max(resolution.until);
        self.published = None;
    }

    /// An address was seen with another name than the one it is watched for.
    pub(super) fn contradicted(&mut self, address: IpAddr, now: Timestamp) {
        if self.shared.len() >= MAX_SHARED {
            self.shared.clear();
        }
        self.shared.insert(address, now);
        self.answers.retain(|(known, _, _), _| *known != address);
        self.confirmed.retain(|(known, _, _)| *known != address);
        self.published = None;
    }

    /// Other rules are in force: answers for names that they do not know prove nothing any more.
    pub(super) fn carry(&mut self, carry: &Carry<'_>) {
        self.answers.retain(|(_, _, name), known| {
            let known = Arc::make_mut(known);
            known.matched.carry(name.as_name(), carry)
        });
        let answers = &self.answers;
        self.confirmed.retain(|key| answers.contains_key(key));
        self.published = None;
    }

    /// Forgets what is over.
    pub(super) fn expire(&mut self, now: Timestamp) {
        let before = self.answers.len();
        self.answers
            .retain(|_, known| known.until.after(AFTERWARDS) >= now);
        if self.answers.len() != before {
            self.published = None;
        }
        self.shared
            .retain(|_, since| now.since(*since) <= SHARED_FOR);
    }

    /// Whether a sighting holds. One that rests on an address does where an answer gave it, to this host, before its flow
    /// began; what comes later in such flows, too.
    pub(super) fn confirms(&mut self, sighting: &Sighting) -> bool {
        let Some(server) = sighting.server.filter(|_| sighting.signal == Signal::Ip) else {
            return true;
        };
        let key = (server, sighting.host, sighting.name.clone());
        if sighting.evidence == Evidence::Attempt
            && let Some(known) = self.answers.get(&key)
            && let Some(began) = sighting.samples.first().map(|sample| sample.time)
            && known.explains(sighting.host, began)
        {
            if self.confirmed.len() >= MAX_CONFIRMED {
                self.confirmed.clear();
            }
            self.confirmed.insert(key);
            return true;
        }
        self.confirmed.contains(&key)
    }

    /// Whether a reply holds.
    pub(super) fn confirms_reply(&self, reply: &Reply) -> bool {
        self.is_confirmed(reply.signal, reply.server, reply.host, &reply.name)
    }

    /// Whether the end of a flow holds.
    pub(super) fn confirms_end(&self, end: &FlowEnd) -> bool {
        self.is_confirmed(end.signal, end.server, end.host, &end.name)
    }

    fn is_confirmed(
        &self,
        signal: Signal,
        server: Option<IpAddr>,
        host: IpAddr,
        name: &DomainName,
    ) -> bool {
        let by_address = server.filter(|_| signal == Signal::Ip);
        by_address.is_none_or(|server| self.confirmed.contains(&(server, host, name.clone())))
    }

    /// The list for the workers.
    pub(super) fn list(&mut self) -> Arc<WatchList> {
        let answers = &self.answers;
        let list = self
            .published
            .get_or_insert_with(|| Arc::new(WatchList::new(answers.values().cloned())));
        Arc::clone(list)
    }

    /// Answers in force.
    pub(super) fn len(&self) -> u64 {
        self.answers.len() as u64
    }

    /// Answers forgotten because there were too many.
    pub(super) fn evictions(&self) -> u64 {
        self.evictions
    }

    /// Forgets the tenth that ends first: a tenth at once, so that a flood does not sort the table each time.
    fn make_room(&mut self) {
        let mut ranks: Vec<(Timestamp, Key)> = self
            .answers
            .iter()
            .map(|(key, known)| (known.until, key.clone()))
            .collect();
        let (_, limit, _) = ranks.select_nth_unstable(MAX_ANSWERS / 10);
        let limit = limit.clone();
        let before = self.answers.len();
        self.answers
            .retain(|key, known| (known.until, key.clone()) > limit);
        self.evictions += (before - self.answers.len()) as u64;
    }
}
