//! What the ledger concludes about a host.

use std::net::IpAddr;

use super::closed::closed_list;
use super::{
    Category, DomainName, Evidence, HostKey, Line, PackRole, Phase, Rank, ReplyKind, Sample,
    Signal, Span, Standing, Timestamp, VendorId,
};

closed_list! {
    /// What a host does with a vendor's category now, by strong sightings in the window. First that holds.
    Status {
        /// Excepted by the configuration.
        Excepted = "excepted",
        /// It fetches or reports: a transfer, or enough bytes in the window.
        Fetching = "fetching",
        /// It talks to the service.
        Contacting = "contacting",
        /// It tries, and there is proof that it is stopped.
        Blocked = "blocked",
        /// It tries; the outcome was not seen.
        Asking = "asking",
        /// It used the vendor before, is present, and does not ask.
        Silent = "silent",
        /// It used the vendor before and sent no packet in the window.
        Absent = "absent",
        /// It used the vendor before; the sensor looked at too little of the window to say.
        Unknown = "unknown",
    }
}

closed_list! {
    /// What protects a host that used a restricted vendor.
    Coverage {
        /// A replacement is seen, the old vendor is not.
        Moved = "moved",
        /// Both are seen.
        Both = "both",
        /// No replacement was seen.
        NoneSeen = "none_seen",
        /// The host is a straggler.
        Straggling = "straggling",
    }
}

/// One host, vendor and category, with everything that speaks for it.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The host.
    pub host: HostKey,
    /// Addresses under which it was seen with this vendor and category.
    pub addresses: Vec<IpAddr>,
    /// The vendor.
    pub vendor: VendorId,
    /// The vendor's name for people.
    pub vendor_name: String,
    /// Which part the vendor plays.
    pub role: PackRole,
    /// The category.
    pub category: Category,
    /// What the host does now.
    pub status: Status,
    /// Whether it is a straggler now.
    pub straggler: bool,
    /// Whether it was a straggler at any time that is remembered.
    pub ever_straggler: bool,
    /// The cutoff in force for it, if any.
    pub cutoff: Option<Timestamp>,
    /// The configured group of hosts whose cutoff that is; `None` for hosts in no group.
    pub group: Option<String>,
    /// The exception that it falls under now.
    pub exception: Option<Exception>,
    /// Phase of the latest strong sighting.
    pub phase: Phase,
    /// Highest level ever reached.
    pub evidence: Evidence,
    /// Capture time of the first strong sighting.
    pub first_seen: Timestamp,
    /// Capture time of the latest strong sighting.
    pub last_seen: Timestamp,
    /// Capture time of the latest sighting that reached each level, in the order of [`Evidence::ALL`].
    pub last_by_evidence: [Option<Timestamp>; 4],
    /// First and latest contact or transfer, once there was one.
    pub contacts: Option<Span>,
    /// The latest positive proof of being blocked.
    pub last_blocked: Option<(Timestamp, ReplyKind)>,
    /// Strong sightings at or after the cutoff.
    pub after_cutoff_sightings: u64,
    /// Payload bytes from the vendor in matched flows.
    pub received: u64,
    /// Payload bytes to the vendor in matched flows.
    pub sent: u64,
    /// The part of `received` at or after the cutoff.
    pub after_cutoff_received: u64,
    /// The part of `sent` at or after the cutoff.
    pub after_cutoff_sent: u64,
    /// Strong names, latest first.
    pub names: Vec<NameUse>,
    /// Names that did not fit into the cap.
    pub names_left_out: u64,
}

impl Finding {
    /// Of more findings than can be shown, as many as there are places, in their order: stragglers before others; half of
    /// them those in contact for longest, half those seen last.
    pub fn foremost<'a>(findings: &[&'a Self], places: usize) -> Vec<&'a Self> {
        let line = Line::draw(findings.iter().map(|finding| finding.rank()), places);
        let findings = findings.iter().copied();
        findings
            .filter(|finding| line.keeps(&finding.rank()))
            .collect()
    }

    fn rank(&self) -> Rank<(&HostKey, &VendorId, Category)> {
        Rank {
            class: u8::from(self.straggler),
            standing: self.contacts.map(Standing::of).unwrap_or_default(),
            last: self.last_seen,
            id: (&self.host, &self.vendor, self.category),
        }
    }
}

/// Why a host is left out of account, and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exception {
    /// Why.
    pub reason: String,
    /// Who decided so.
    pub by: String,
    /// The first instant at which it holds no more.
    pub until: Timestamp,
}

/// One name that a host asked for.
#[derive(Clone, Debug)]
pub struct NameUse {
    /// The name.
    pub name: DomainName,
    /// The service it belongs to.
    pub service: std::sync::Arc<super::Service>,
    /// Signals by which it was seen, in the order of [`Signal::ALL`].
    pub signals: Vec<Signal>,
    /// Highest level reached.
    pub evidence: Evidence,
    /// Sightings at every level together.
    pub sightings: u64,
    /// First sighting.
    pub first_seen: Timestamp,
    /// Latest sighting.
    pub last_seen: Timestamp,
    /// Payload bytes from the vendor in flows with this name.
    pub received: u64,
    /// Payload bytes to the vendor in flows with this name.
    pub sent: u64,
    /// The latest flows of the highest rank reached, latest first: those in contact, else those that tried, else those that
    /// asked.
    pub samples: Vec<SampleFlow>,
}

/// A flow or transaction with a name, that can be looked up in other logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampleFlow {
    /// The level that it reached.
    pub evidence: Evidence,
    /// How the name was learnt.
    pub signal: Signal,
    /// When, and between which ends.
    pub sample: Sample,
}

impl NameUse {
    /// Whether no flow said the name: that the host spoke to this server rests on an answer that gave the address.
    pub fn is_by_address(&self) -> bool {
        let said = |signal: &Signal| !matches!(signal, Signal::Dns | Signal::Ip);
        self.signals.contains(&Signal::Ip) && !self.signals.iter().any(said)
    }
}

/// A weak name that a host asked for: context, never a finding.
#[derive(Clone, Debug)]
pub struct WeakUse {
    /// The host.
    pub host: HostKey,
    /// The vendor.
    pub vendor: VendorId,
    /// The category.
    pub category: Category,
    /// The names, sorted.
    pub names: Vec<DomainName>,
    /// Sightings at every level together.
    pub sightings: u64,
    /// First sighting.
    pub first_seen: Timestamp,
    /// Latest sighting.
    pub last_seen: Timestamp,
}
