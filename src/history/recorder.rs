//! What is to be kept, as rows.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;

use super::seen::{self, Surroundings};
use crate::model::{Accepted, HostKey, HostView, Pack, Seen, Snapshot, Span, Timestamp, VendorId};
use crate::store::{Batch, HostRecord, LookedRecord, StoredReply, StoredSighting};

/// A host that did nothing else is written anew once its latest packet is this much later: presence is judged by the day.
const PRESENCE_STEP: Duration = Duration::from_secs(300);

/// Turns what the ledger accepted into rows, and knows what has been written of hosts and stretches.
#[derive(Debug, Default)]
pub struct Recorder {
    digests: HashMap<VendorId, Arc<str>>,
    /// As last written; as many as the ledger has hosts with findings.
    hosts: HashMap<HostKey, HostRecord>,
    /// By source: up to when it was told, and what it had taken by then.
    looked: HashMap<Arc<str>, (Timestamp, Taken)>,
    /// What earlier runs had seen.
    before: Seen,
    /// Networks of all interfaces that were ever captured.
    networks: Vec<IpNet>,
    /// As last written.
    surroundings: Surroundings,
}

/// What a source took and lost since it began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Frames taken.
    pub frames: u64,
    /// Packets that the kernel dropped.
    pub kernel_drops: u64,
    /// Packets that the interface dropped.
    pub interface_drops: u64,
}

impl Recorder {
    /// For the packs in force.
    pub fn new(packs: &[Pack]) -> Self {
        let mut this = Self::default();
        this.reload(packs);
        this
    }

    /// Other packs are in force.
    pub fn reload(&mut self, packs: &[Pack]) {
        let digests = packs
            .iter()
            .map(|pack| (pack.vendor.clone(), Arc::from(pack.digest.as_str())));
        self.digests = digests.collect();
    }

    /// Another store was begun: nothing that was written is in it.
    pub fn anew(&mut self) {
        self.hosts.clear();
        self.surroundings = Surroundings::default();
    }

    /// What earlier runs had remembered of what they saw.
    pub fn before(&mut self, around: Surroundings) {
        self.before = around.seen;
        self.placed(&around.networks);
    }

    /// Networks of the interfaces that are captured in this run.
    pub fn placed(&mut self, networks: &[IpNet]) {
        self.networks.extend(networks);
        self.networks.sort_unstable();
        self.networks.dedup();
    }

    /// What the ledger accepted from a source: an interface, or what stands in its place.
    pub fn accepted(&self, batch: &mut Batch, accepted: Accepted, source: &Arc<str>) {
        for (host, phase, sighting) in &accepted.sightings {
            // A pack that is not in force matches nothing.
            if let Some(digest) = self.digests.get(&sighting.matched.service.vendor) {
                batch.sighting(StoredSighting::new(host, sighting, *phase, source, digest));
            }
        }
        for (host, reply, own_resolver) in &accepted.replies {
            batch.reply(StoredReply::new(host, reply, *own_resolver));
        }
        for binding in accepted.bindings {
            batch.binding(binding);
        }
    }

    /// The stretch that a source has looked at since it began, and what it has taken and lost in all. The store gets what is
    /// new.
    pub fn looked(&mut self, batch: &mut Batch, source: &Arc<str>, span: Span, taken: Taken) {
        let known = self.looked.get(source).copied();
        let (until, before) = known.unwrap_or((span.first, Taken::default()));
        if known.is_some() && span.last <= until && taken == before {
            return;
        }
        // A source that began anew looked at nothing in between; one whose clock was set back tells of another time.
        let first = if span.first > until || span.last < until {
            span.first
        } else {
            until
        };
        let last = span.last.max(first);
        batch.looked(LookedRecord {
            sensor: Arc::clone(source),
            span: Span { first, last },
            frames: taken.frames.saturating_sub(before.frames),
            kernel_drops: taken.kernel_drops.saturating_sub(before.kernel_drops),
            interface_drops: taken.interface_drops.saturating_sub(before.interface_drops),
        });
        self.looked.insert(Arc::clone(source), (last, taken));
    }

    /// Hosts that changed. With `all`, also those of which only the latest packet is later: at the end of a run.
    pub fn hosts(&mut self, batch: &mut Batch, snapshot: &Snapshot, all: bool) {
        for view in &snapshot.hosts {
            if self.is_new(view, all) {
                let record = HostRecord::from(view);
                self.hosts.insert(view.key.clone(), record.clone());
                batch.host(record);
            }
        }
        if self.hosts.len() > 2 * snapshot.hosts.len() + 1024 {
            // Hosts that the ledger forgot are written again if they come back.
            let known = |key: &HostKey| snapshot.hosts.binary_search_by(|view| view.key.cmp(key));
            self.hosts.retain(|key, _| known(key).is_ok());
        }
    }

    fn is_new(&self, view: &HostView, all: bool) -> bool {
        let Some(known) = self.hosts.get(&view.key) else {
            return true;
        };
        let moved = view.last_seen.since(known.span.last);
        let is_due = moved >= PRESENCE_STEP || (all && !moved.is_zero());
        let now = HostRecord {
            span: known.span,
            ..HostRecord::from(view)
        };
        is_due || now != *known
    }

    /// What the sensor has seen in this run, and what the window holds.
    pub fn seen(&mut self, batch: &mut Batch, seen: &Seen, snapshot: &Snapshot) {
        let mut total = self.before.clone();
        total.add(seen);
        let surroundings = Surroundings::new(total, snapshot, &self.networks);
        if self.surroundings != surroundings {
            batch.remember(seen::SEEN, seen::encode(&surroundings));
            self.surroundings = surroundings;
        }
    }
}
