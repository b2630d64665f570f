//! What the store keeps beside rolled-up rows, as plain records: hosts, stretches looked at, events and savefiles. The same
//! for writing and for reading.

use std::sync::Arc;

use crate::model::{HostKey, HostRole, HostView, KeyConfidence, Span, Timestamp};

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
