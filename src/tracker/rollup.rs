//! Sightings and replies rolled up until the ledger takes them, so that a stall loses no count.

use std::hash::Hash;
use std::net::IpAddr;
use std::sync::Arc;

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;

use crate::model::{
    DomainName, Evidence, FlowId, MAX_SAMPLES, Mac, Match, Reply, ReplyKind, Sample, Service,
    ServiceId, Sighting, Signal, Span, Timestamp, VendorId,
};

/// Rolled-up records kept at once, of each kind: with names, samples and keys at most about 1 KiB each, so 7 MiB.
/// A second of honest traffic makes a few hundred. Just below what makes the index take twice the memory.
pub const MAX_RECORDS: usize = 7_168;
/// Of these, records that are of one flow each. Beyond them flows are rolled up together as they are where there is one
/// interface only: no count is lost in a stall, and a flow that is seen on several interfaces may count on each.
pub const MAX_FLOW_RECORDS: usize = 5_376;
/// Words on whose an address is, of one batch: more than are told of devices in it. About 64 bytes each, so 1 MiB. What
/// comes beyond them parts nothing.
const MAX_TOLD: usize = 16_384;

/// What all records of one name by one host share.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The host's address.
    pub host: IpAddr,
    /// The hardware address from which its packets came, where their frames were its own.
    pub mac: Option<Mac>,
    /// The rule that won.
    pub matched: Match,
    /// The name as the host asked for it.
    pub name: DomainName,
    /// How it was learnt.
    pub signal: Signal,
    /// The resolver that was asked; or the address that stands for the name, where it was learnt by address.
    pub server: Option<IpAddr>,
    /// Which flow, where other workers may see it too.
    pub flow: Option<FlowId>,
}

/// Identity of a rolled-up record: two of the same key are one. `era` and `hour` keep cutoffs and hours apart, `part` what
/// may be another host's.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key<K> {
    host: IpAddr,
    mac: Option<Mac>,
    vendor: VendorId,
    service: ServiceId,
    name: DomainName,
    signal: Signal,
    server: Option<IpAddr>,
    flow: Option<FlowId>,
    kind: K,
    era: u8,
    hour: i64,
    part: usize,
}

impl<K> Key<K> {
    fn new(subject: &Subject, kind: K, time: Timestamp, owners: &Owners) -> Self {
        let service: &Arc<Service> = &subject.matched.service;
        Self {
            host: subject.host,
            mac: subject.mac,
            vendor: service.vendor.clone(),
            service: service.id.clone(),
            name: subject.name.clone(),
            signal: subject.signal,
            server: subject.server,
            flow: None,
            kind,
            era: service.era(time),
            hour: time.hour(),
            part: owners.part(subject.host, time),
        }
    }
}

/// When something was said of whose an address is. What was seen before and behind it is rolled up apart, because it may
/// be two hosts'; the ledger, which knows, judges a record by its beginning.
#[derive(Debug, Default)]
struct Owners {
    told: HashMap<IpAddr, Times>,
    entries: usize,
}

/// When it was said of one address, in order. Each presence says it, mostly once in a batch, and that takes no allocation.
#[derive(Debug)]
struct Times {
    first: Timestamp,
    more: Vec<Timestamp>,
}

impl Owners {
    fn tell(&mut self, address: IpAddr, time: Timestamp) {
        if self.entries >= MAX_TOLD {
            return;
        }
        self.entries += 1;
        match self.told.entry(address) {
            Entry::Vacant(place) => {
                let more = Vec::new();
                place.insert(Times { first: time, more });
            }
            Entry::Occupied(mut known) => {
                let Times { first, more } = known.get_mut();
                let later = time.max(*first);
                *first = time.min(*first);
                more.insert(more.partition_point(|other| *other <= later), later);
            }
        }
    }

    /// How often it was told by then.
    fn part(&self, address: IpAddr, time: Timestamp) -> usize {
        self.told.get(&address).map_or(0, |Times { first, more }| {
            usize::from(*first <= time) + more.partition_point(|told| *told <= time)
        })
    }

    fn clear(&mut self) {
        self.told.clear();
        self.entries = 0;
    }
}

/// Records in the order in which their keys first came, so that a replay gives the same batches.
#[derive(Debug)]
struct Ordered<K, R> {
    index: HashMap<Key<K>, usize>,
    records: Vec<R>,
}

impl<K: Eq + Hash, R> Ordered<K, R> {
    fn new() -> Self {
        Self {
            index: HashMap::new(),
            records: Vec::new(),
        }
    }

    /// The record of a key; `None` when it would be one more than `most`.
    fn record(&mut self, key: Key<K>, most: usize, new: impl FnOnce() -> R) -> Option<&mut R> {
        let next = self.records.len();
        let at = match self.index.get(&key) {
            Some(&at) => at,
            None if next >= most => return None,
            None => {
                self.records.push(new());
                self.index.insert(key, next);
                next
            }
        };
        self.records.get_mut(at)
    }

    fn take(&mut self) -> Vec<R> {
        self.index.clear();
        std::mem::take(&mut self.records)
    }
}

/// How many records there may be before one more of a level finds no place: the surer the evidence, the more, so that a
/// flood of questions and tries leaves out no contact.
fn places(evidence: Evidence) -> usize {
    match evidence {
        Evidence::Lookup | Evidence::Attempt => MAX_RECORDS / 2,
        Evidence::Contact => MAX_RECORDS / 4 * 3,
        Evidence::Transfer => MAX_RECORDS,
    }
}

/// What is waiting for the ledger.
#[derive(Debug)]
pub struct Rollup {
    interface: Option<Arc<str>>,
    sightings: Ordered<Evidence, Sighting>,
    replies: Ordered<ReplyKind, Reply>,
    owners: Owners,
    refused: u64,
}

impl Rollup {
    /// An empty one, of an interface or of savefiles.
    pub fn new(interface: Option<Arc<str>>) -> Self {
        Self {
            interface,
            sightings: Ordered::new(),
            replies: Ordered::new(),
            owners: Owners::default(),
            refused: 0,
        }
    }

    /// The interface of all that is rolled up here.
    pub fn interface(&self) -> Option<Arc<str>> {
        self.interface.clone()
    }

    /// Somebody said whose an address is: from then on it may be another host's.
    pub fn owner_told(&mut self, address: IpAddr, time: Timestamp) {
        self.owners.tell(address, time);
    }

    /// Counts one flow or transaction that reached a level.
    pub fn sighting(&mut self, subject: &Subject, evidence: Evidence, sample: Sample) {
        let time = sample.time;
        if let Some(record) = self.record(subject, evidence, time) {
            record.count += 1;
            if record.samples.len() < MAX_SAMPLES {
                record.samples.push(sample);
            }
        }
    }

    /// Adds payload bytes to the level that a flow has reached.
    pub fn bytes(
        &mut self,
        subject: &Subject,
        evidence: Evidence,
        time: Timestamp,
        received: u64,
        sent: u64,
    ) {
        if let Some(record) = self.record(subject, evidence, time) {
            record.received += received;
            record.sent += sent;
        }
    }

    /// Counts what came back to a try.
    pub fn reply(&mut self, subject: &Subject, kind: ReplyKind, time: Timestamp) {
        let record = self.replies.record(
            Key::new(subject, kind, time, &self.owners),
            MAX_RECORDS,
            || Reply {
                host: subject.host,
                mac: subject.mac,
                service: Arc::clone(&subject.matched.service),
                name: subject.name.clone(),
                signal: subject.signal,
                server: subject.server,
                kind,
                span: Span::at(time),
                count: 0,
            },
        );
        match record {
            Some(record) => {
                record.count += 1;
                record.span.cover(time);
            }
            None => self.refused += 1,
        }
    }

    fn record(
        &mut self,
        subject: &Subject,
        evidence: Evidence,
        time: Timestamp,
    ) -> Option<&mut Sighting> {
        let mut key = Key::new(subject, evidence, time, &self.owners);
        key.flow = subject.flow;
        if key.flow.is_some()
            && self.sightings.records.len() >= MAX_FLOW_RECORDS
            && !self.sightings.index.contains_key(&key)
        {
            key.flow = None;
        }
        let flow = key.flow;
        let record = self.sightings.record(key, places(evidence), || Sighting {
            host: subject.host,
            mac: subject.mac,
            matched: subject.matched.clone(),
            name: subject.name.clone(),
            signal: subject.signal,
            server: subject.server,
            evidence,
            span: Span::at(time),
            count: 0,
            received: 0,
            sent: 0,
            samples: Vec::new(),
            flow,
        });
        match record {
            Some(record) => {
                record.span.cover(time);
                Some(record)
            }
            None => {
                self.refused += 1;
                None
            }
        }
    }

    /// Whether it is better not to wait until a report is due: a quarter of the records have come.
    pub fn is_filling(&self) -> bool {
        let most = self.sightings.records.len().max(self.replies.records.len());
        most >= MAX_RECORDS / 4
    }

    /// Records waiting.
    pub fn len(&self) -> usize {
        self.sightings.records.len() + self.replies.records.len()
    }

    /// Reports that found no place.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// Hands everything over and starts empty.
    pub fn take(&mut self) -> (Vec<Sighting>, Vec<Reply>) {
        self.owners.clear();
        (self.sightings.take(), self.replies.take())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_how_often_it_was_told_by_then_in_whatever_order() {
        let address = [10, 0, 0, 1].into();
        let at = |second| Timestamp::from_unix(second, 0);
        for told in [[3, 3, 5, 9], [9, 5, 3, 3], [5, 3, 9, 3], [3, 9, 3, 5]] {
            let mut owners = Owners::default();
            for second in told {
                owners.tell(address, at(second));
            }
            let parts = [2, 3, 4, 5, 9].map(|second| owners.part(address, at(second)));
            assert_eq!(parts, [0, 2, 2, 3, 4], "{told:?}");
        }
    }

    #[test]
    fn the_surer_the_evidence_the_more_places() {
        let levels = Evidence::ALL.iter().map(|&level| places(level));
        let places: Vec<usize> = levels.collect();
        assert!(places.is_sorted() && places.iter().all(|&most| most <= MAX_RECORDS));
        assert!(places[0] > MAX_RECORDS / 4, "a report goes out before");
    }
}
