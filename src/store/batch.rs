//! Changes that wait for the disk.
//!
//! A batch that could not be written stays with the caller, who lets it absorb what comes next. So a full disk loses
//! nothing until a cap is reached; what is beyond it is counted.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::record::{FileRecord, HostRecord, LookedRecord, OutboxEvent};
use super::rolled_up::{ReplyKey, ReplySum, SightingKey, SightingSum, StoredReply, StoredSighting};
use crate::model::{AddressBinding, HostKey, Timestamp};

/// Rows of sightings that may wait: about 1 KiB each with key and samples, so 4 MiB: the rows of some seconds.
/// Three batches may stand at once, that of the ledger's side, that on its way and that of the writer's.
pub const MAX_SIGHTINGS: usize = 4_096;
/// Rows of replies that may wait: about 300 bytes each, so 1 MiB.
pub const MAX_REPLIES: usize = 4_096;
/// Hosts that may wait: about 300 bytes each, so 1 MiB.
pub const MAX_HOSTS: usize = 4_096;
/// Bindings that may wait: about 150 bytes each, so 1 MiB.
pub const MAX_BINDINGS: usize = 4_096;
/// How many times as many find room in a batch of files, of which there is one only, and which is not written before a file
/// is read to its end.
const OF_FILES: usize = 8;
/// Stretches that may wait: a row for an hour and interface, so a month of three.
pub const MAX_LOOKED: usize = 2_048;
/// Events that may wait: about 1 KiB each, so 16 MiB.
pub const MAX_EVENTS: usize = 16_384;
/// Files that may wait: a folder of captures is written file by file.
pub const MAX_FILES: usize = 4_096;

/// Changes to be written in one transaction, in an order of their own that does not depend on hashing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    pub(super) sightings: BTreeMap<SightingKey, SightingSum>,
    pub(super) replies: BTreeMap<ReplyKey, ReplySum>,
    pub(super) hosts: BTreeMap<HostKey, HostRecord>,
    pub(super) bindings: BTreeMap<(HostKey, IpAddr, Timestamp), AddressBinding>,
    pub(super) looked: Vec<LookedRecord>,
    pub(super) events: Vec<OutboxEvent>,
    pub(super) acknowledged: BTreeMap<String, u64>,
    pub(super) files: BTreeMap<[u8; 32], FileRecord>,
    pub(super) meta: BTreeMap<String, String>,
    lost: Lost,
    is_of_files: bool,
}

/// What found no place in a batch, for good.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lost {
    /// Flows and transactions in rows of sightings.
    pub sightings: u64,
    /// Payload bytes in those, both ways.
    pub bytes: u64,
    /// Replies.
    pub replies: u64,
    /// Changes of hosts and of their addresses.
    pub hosts: u64,
    /// Stretches looked at.
    pub looked: u64,
    /// Events.
    pub events: u64,
    /// Files that will be read again if they are met again.
    pub files: u64,
}

impl Batch {
    /// An empty one that takes what whole files tell.
    pub fn of_files() -> Self {
        Self {
            is_of_files: true,
            ..Self::default()
        }
    }

    fn room(&self, rows: usize) -> usize {
        if self.is_of_files {
            rows * OF_FILES
        } else {
            rows
        }
    }

    /// Counts a sighting.
    pub fn sighting(&mut self, sighting: StoredSighting) {
        let StoredSighting { key, sum } = sighting;
        if let Some(known) = self.sightings.get_mut(&key) {
            known.add(sum);
        } else if self.sightings.len() < self.room(MAX_SIGHTINGS) {
            self.sightings.insert(key, sum);
        } else {
            self.lost.sightings += sum.count;
            self.lost.bytes += sum.received.saturating_add(sum.sent);
        }
    }

    /// Counts a reply.
    pub fn reply(&mut self, reply: StoredReply) {
        let StoredReply { key, sum } = reply;
        if let Some(known) = self.replies.get_mut(&key) {
            known.add(sum);
        } else if self.replies.len() < self.room(MAX_REPLIES) {
            self.replies.insert(key, sum);
        } else {
            self.lost.replies += sum.count;
        }
    }

    /// Says what is known of a host now; it takes the place of what was known.
    pub fn host(&mut self, mut host: HostRecord) {
        if let Some(known) = self.hosts.get_mut(&host.key) {
            host.span.cover(known.span.first);
            host.span.cover(known.span.last);
            *known = host;
        } else if self.hosts.len() < self.room(MAX_HOSTS) {
            self.hosts.insert(host.key.clone(), host);
        } else {
            self.lost.hosts += 1;
        }
    }

    /// Says that a host has an address, or had it until when.
    pub fn binding(&mut self, mut binding: AddressBinding) {
        let key = (binding.host.clone(), binding.address, binding.from);
        if let Some(known) = self.bindings.get_mut(&key) {
            binding.mac = binding.mac.or(known.mac);
            *known = binding;
        } else if self.bindings.len() < self.room(MAX_BINDINGS) {
            self.bindings.insert(key, binding);
        } else {
            self.lost.hosts += 1;
        }
    }

    /// Says that a stretch was looked at.
    pub fn looked(&mut self, looked: LookedRecord) {
        let has_room = self.looked.len() < MAX_LOOKED;
        let mut of_sensor = self.looked.iter_mut().rev();
        let latest = of_sensor.find(|known| known.sensor == looked.sensor);
        match latest {
            Some(latest) if latest.continues_with(&looked) => latest.add(&looked),
            _ if has_room => self.looked.push(looked),
            _ => self.lost.looked += 1,
        }
    }

    /// Puts an event in the outbox.
    pub fn event(&mut self, event: OutboxEvent) {
        if self.events.len() < MAX_EVENTS {
            self.events.push(event);
        } else {
            self.lost.events += 1;
        }
    }

    /// Says that an output has all events up to a sequence.
    pub fn acknowledge(&mut self, output: &str, sequence: u64) {
        let known = self.acknowledged.entry(output.to_owned()).or_default();
        *known = (*known).max(sequence);
    }

    /// Says that a file was read to its end.
    pub fn file(&mut self, file: FileRecord) {
        if self.files.len() < MAX_FILES || self.files.contains_key(&file.digest) {
            self.files.entry(file.digest).or_insert(file);
        } else {
            self.lost.files += 1;
        }
    }

    /// Keeps a value under a name of the caller's choice; few names, or this grows.
    pub fn remember(&mut self, name: &str, value: String) {
        self.meta.insert(name.to_owned(), value);
    }

    /// Adds a batch that came later.
    pub fn absorb(&mut self, later: Self) {
        for (key, sum) in later.sightings {
            self.sighting(StoredSighting { key, sum });
        }
        for (key, sum) in later.replies {
            self.reply(StoredReply { key, sum });
        }
        later.hosts.into_values().for_each(|host| self.host(host));
        later
            .bindings
            .into_values()
            .for_each(|binding| self.binding(binding));
        later
            .looked
            .into_iter()
            .for_each(|looked| self.looked(looked));
        later.events.into_iter().for_each(|event| self.event(event));
        for (output, sequence) in later.acknowledged {
            self.acknowledge(&output, sequence);
        }
        later.files.into_values().for_each(|file| self.file(file));
        self.meta.extend(later.meta);
        self.lost.add(later.lost);
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.len() == 0 && self.acknowledged.is_empty() && self.meta.is_empty()
    }

    /// Rows that wait, acknowledgements and remembered values apart.
    pub fn len(&self) -> usize {
        self.sightings.len()
            + self.replies.len()
            + self.hosts.len()
            + self.bindings.len()
            + self.looked.len()
            + self.events.len()
            + self.files.len()
    }

    /// What found no place.
    pub fn lost(&self) -> Lost {
        self.lost
    }
}

impl Lost {
    /// Adds what another lost.
    pub fn add(&mut self, other: Self) {
        self.sightings += other.sightings;
        self.bytes += other.bytes;
        self.replies += other.replies;
        self.hosts += other.hosts;
        self.looked += other.looked;
        self.events += other.events;
        self.files += other.files;
    }
}
