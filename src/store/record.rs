//! What the store keeps, as plain records: the same for writing and for reading.

use std::net::IpAddr;
use std::sync::Arc;

use crate::model::{
    Category, DomainName, Evidence, HostKey, HostRole, HostView, KeyConfidence, MAX_SAMPLES, Phase,
    Reply, ReplyKind, Sample, ServiceId, Sighting, Signal, Span, Strength, Timestamp, VendorId,
};

/// The stretch of UTC over which a row is rolled up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Period {
    /// An hour: whole hours since the epoch.
    Hour(i64),
    /// A day, by its first hour.
    Day(i64),
}

impl Period {
    /// The hour in which an instant lies.
    pub fn of(time: Timestamp) -> Self {
        Self::Hour(time.hour())
    }

    /// The day in which the period lies.
    #[must_use]
    pub fn day(self) -> Self {
        Self::Day(self.hour().div_euclid(24) * 24)
    }

    /// The first hour.
    pub fn hour(self) -> i64 {
        match self {
            Self::Hour(hour) | Self::Day(hour) => hour,
        }
    }

    /// How many hours.
    pub fn hours(self) -> i64 {
        match self {
            Self::Hour(_) => 1,
            Self::Day(_) => 24,
        }
    }
}

/// Which sighting a row is: what has the same key is one row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SightingKey {
    /// When.
    pub period: Period,
    /// The host.
    pub host: HostKey,
    /// The address under which it was seen.
    pub address: IpAddr,
    /// The vendor.
    pub vendor: VendorId,
    /// The category.
    pub category: Category,
    /// The service whose pattern won.
    pub service: ServiceId,
    /// How much its names said.
    pub strength: Strength,
    /// The name as the host asked for it.
    pub name: DomainName,
    /// How it was learnt.
    pub signal: Signal,
    /// How far it got.
    pub evidence: Evidence,
    /// Phase by the cutoff that bound the host when it was written.
    pub phase: Phase,
    /// How many of the pack's cutoffs had passed ([`crate::model::Service::era`]): a row lies wholly on one side of each,
    /// so that it can be judged by another one later.
    pub era: u8,
    /// The interface, or what stands in its place for a savefile.
    pub interface: Arc<str>,
}

/// What is added up in a row of sightings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SightingSum {
    /// First and last capture time, of sightings and bytes.
    pub span: Span,
    /// Latest capture time of what was counted; `None` where only bytes were reported. It may lie before the end of the
    /// span: bytes go on after the level was reached.
    pub reached: Option<Timestamp>,
    /// Flows or transactions that reached the level.
    pub count: u64,
    /// Payload bytes from the server.
    pub received: u64,
    /// Payload bytes to the server.
    pub sent: u64,
    /// The first few flows, at most [`MAX_SAMPLES`].
    pub samples: Vec<StoredSample>,
}

impl SightingSum {
    /// Adds what came later.
    pub(super) fn add(&mut self, later: Self) {
        self.span.cover(later.span.first);
        self.span.cover(later.span.last);
        self.reached = self.reached.max(later.reached);
        self.count = self.count.saturating_add(later.count);
        self.received = self.received.saturating_add(later.received);
        self.sent = self.sent.saturating_add(later.sent);
        let room = MAX_SAMPLES.saturating_sub(self.samples.len());
        self.samples.extend(later.samples.into_iter().take(room));
    }
}

/// A sample flow with the pack by which it was judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSample {
    /// The flow.
    pub sample: Sample,
    /// Digest of the pack whose pattern won.
    pub pack: Arc<str>,
}

/// A row of sightings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSighting {
    /// Which.
    pub key: SightingKey,
    /// How much.
    pub sum: SightingSum,
}

impl StoredSighting {
    /// The row for what a worker reported of a host, seen at `interface` and judged by the pack with this digest.
    pub fn new(
        host: &HostKey,
        sighting: &Sighting,
        phase: Phase,
        interface: &Arc<str>,
        pack: &Arc<str>,
    ) -> Self {
        let service = &sighting.matched.service;
        let samples = sighting.samples.iter().take(MAX_SAMPLES);
        Self {
            key: SightingKey {
                period: Period::of(sighting.span.first),
                host: host.clone(),
                address: sighting.host,
                vendor: service.vendor.clone(),
                category: service.category,
                service: service.id.clone(),
                strength: service.strength,
                name: sighting.name.clone(),
                signal: sighting.signal,
                evidence: sighting.evidence,
                phase,
                era: service.era(sighting.span.first),
                interface: Arc::clone(interface),
            },
            sum: SightingSum {
                span: sighting.span,
                reached: (sighting.count > 0).then_some(sighting.span.last),
                count: sighting.count,
                received: sighting.received,
                sent: sighting.sent,
                samples: samples
                    .map(|sample| StoredSample {
                        sample: sample.clone(),
                        pack: Arc::clone(pack),
                    })
                    .collect(),
            },
        }
    }
}

/// Which reply a row is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReplyKey {
    /// When.
    pub period: Period,
    /// The host.
    pub host: HostKey,
    /// The vendor.
    pub vendor: VendorId,
    /// The category.
    pub category: Category,
    /// The service.
    pub service: ServiceId,
    /// The name.
    pub name: DomainName,
    /// How it was asked for.
    pub signal: Signal,
    /// What came back.
    pub kind: ReplyKind,
    /// Whether a resolver of the network gave it.
    pub own_resolver: bool,
}

/// What is added up in a row of replies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplySum {
    /// First and last capture time.
    pub span: Span,
    /// How often.
    pub count: u64,
}

impl ReplySum {
    /// Adds what came later.
    pub(super) fn add(&mut self, later: Self) {
        self.span.cover(later.span.first);
        self.span.cover(later.span.last);
        self.count = self.count.saturating_add(later.count);
    }
}

/// A row of replies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredReply {
    /// Which.
    pub key: ReplyKey,
    /// How many.
    pub sum: ReplySum,
}

impl StoredReply {
    /// The row for what a worker reported of a host.
    pub fn new(host: &HostKey, reply: &Reply, own_resolver: bool) -> Self {
        Self {
            key: ReplyKey {
                period: Period::of(reply.span.first),
                host: host.clone(),
                vendor: reply.service.vendor.clone(),
                category: reply.service.category,
                service: reply.service.id.clone(),
                name: reply.name.clone(),
                signal: reply.signal,
                kind: reply.kind,
                own_resolver,
            },
            sum: ReplySum {
                span: reply.span,
                count: reply.count,
            },
        }
    }
}

/// What is known of a host, its addresses apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostRecord {
    /// Its key.
    pub key: HostKey,
    /// Other keys under which it was known, sorted.
    pub aliases: Vec<HostKey>,
    /// The name that it goes by.
    pub name: Option<String>,
    /// Whose it is.
    pub owner: Option<String>,
    /// Where it is.
    pub site: Option<String>,
    /// What it says it is.
    pub device: Option<String>,
    /// What it does, sorted.
    pub roles: Vec<HostRole>,
    /// What its key rests on.
    pub confidence: KeyConfidence,
    /// First and latest packet or sighting.
    pub span: Span,
}

impl From<&HostView> for HostRecord {
    fn from(view: &HostView) -> Self {
        let mut aliases = view.aliases.clone();
        aliases.sort();
        aliases.dedup();
        Self {
            key: view.key.clone(),
            aliases,
            name: view.name.clone(),
            owner: view.owner.clone(),
            site: view.site.clone(),
            device: view.device.clone(),
            roles: view.roles.clone(),
            confidence: view.confidence,
            span: Span {
                first: view.first_seen,
                last: view.last_seen,
            },
        }
    }
}

impl From<HostRecord> for HostView {
    /// Without addresses: those stand in bindings.
    fn from(record: HostRecord) -> Self {
        Self {
            key: record.key,
            aliases: record.aliases,
            addresses: Vec::new(),
            macs: Vec::new(),
            name: record.name,
            owner: record.owner,
            site: record.site,
            device: record.device,
            roles: record.roles,
            confidence: record.confidence,
            first_seen: record.span.first,
            last_seen: record.span.last,
        }
    }
}

/// A stretch of capture time that was looked at, and what was lost in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookedRecord {
    /// The interface, or what stands in its place.
    pub sensor: Arc<str>,
    /// The stretch.
    pub span: Span,
    /// Frames that were taken.
    pub frames: u64,
    /// Packets that the kernel dropped meanwhile.
    pub kernel_drops: u64,
    /// Packets that the interface dropped meanwhile.
    pub interface_drops: u64,
}

impl LookedRecord {
    /// Whether `next` goes on where this is, so that both are one row. Rows begin anew every hour: losses can be told apart
    /// by hour, and a row need not be rewritten for ever.
    pub(super) fn continues_with(&self, next: &Self) -> bool {
        self.sensor == next.sensor
            && self.span.first.hour() == next.span.first.hour()
            && next.span.first <= self.span.last
            && next.span.last >= self.span.first
    }

    /// Adds what goes on here.
    pub(super) fn add(&mut self, next: &Self) {
        self.span.cover(next.span.first);
        self.span.cover(next.span.last);
        self.frames = self.frames.saturating_add(next.frames);
        self.kernel_drops = self.kernel_drops.saturating_add(next.kernel_drops);
        self.interface_drops = self.interface_drops.saturating_add(next.interface_drops);
    }
}

/// An event on its way to the outputs. Its sequence is given when it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxEvent {
    /// Id, unique for ever: an event whose id waits already is not written again.
    pub id: String,
    /// Capture time.
    pub time: Timestamp,
    /// The host that it is about.
    pub host: Option<HostKey>,
    /// The event as JSON.
    pub text: String,
}

/// A savefile that was read to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRecord {
    /// SHA-256 of its bytes.
    pub digest: [u8; 32],
    /// Where it lay.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
    /// When it was read.
    pub time: Timestamp,
}
