//! Rows that are rolled up by hour or day: sightings and replies, as plain records, the same for writing and for reading.

use std::net::IpAddr;
use std::sync::Arc;

use crate::model::{
    Category, DomainName, Evidence, HostKey, MAX_SAMPLES, Phase, Reply, ReplyKind, Sample,
    ServiceId, Sighting, Signal, Span, Strength, Timestamp, VendorId,
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
