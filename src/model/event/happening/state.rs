//! What changed: stragglers, coverage, the sensor itself.

use super::super::super::closed::closed_list;
use super::super::super::{
    Category, Coverage, CoverageView, DomainName, Evidence, Finding, Phase, Status, Timestamp,
    VendorId,
};
use super::super::text;
use super::{Change, EventHost, EventSeverity, Happening};

/// Names that an event of a straggler lists, latest first. The report has all.
const MAX_NAMES: usize = 8;

closed_list! {
    /// Why a host is a straggler no more.
    EndReason {
        /// No contact in the window.
        Quiet = "quiet",
        /// An exception began.
        Excepted = "excepted",
        /// No cutoff binds it now: the configuration or the rules changed.
        Cutoff = "cutoff",
        /// It turned out to be another host, or got another key: under that it goes on.
        Renamed = "renamed",
    }
}

closed_list! {
    /// What is so of the sensor from now on.
    SensorCondition {
        /// It began to look.
        Started = "started",
        /// It stops, as it was told to.
        Stopped = "stopped",
        /// An interface is captured (again).
        CaptureUp = "capture_up",
        /// An interface is captured no more.
        CaptureDown = "capture_down",
        /// Packets were lost before they were looked at.
        Dropping = "dropping",
        /// A new configuration or new rules are in force.
        Reloaded = "reloaded",
        /// They were refused; the old ones stay in force.
        ReloadFailed = "reload_failed",
        /// The store cannot be written.
        StoreFailing = "store_failing",
        /// It can be written again.
        StoreOk = "store_ok",
    }
}

impl SensorCondition {
    pub(super) fn severity(self) -> EventSeverity {
        match self {
            Self::CaptureDown | Self::Dropping | Self::ReloadFailed | Self::StoreFailing => {
                EventSeverity::Error
            }
            Self::Started | Self::Stopped | Self::CaptureUp | Self::Reloaded | Self::StoreOk => {
                EventSeverity::Notice
            }
        }
    }
}

/// A host, vendor and category that became a straggler, or is one no more.
#[derive(Clone, Debug)]
pub struct StragglerChange {
    /// The vendor.
    pub vendor: VendorId,
    /// The category.
    pub category: Category,
    /// What the host does now.
    pub status: Status,
    /// Highest level ever reached.
    pub evidence: Evidence,
    /// Phase of the latest strong sighting.
    pub phase: Phase,
    /// The cutoff that binds it.
    pub cutoff: Option<Timestamp>,
    /// First strong sighting.
    pub first_seen: Timestamp,
    /// Latest strong sighting.
    pub last_seen: Timestamp,
    /// Strong sightings at or after the cutoff.
    pub sightings: u64,
    /// Payload bytes from the vendor at or after the cutoff.
    pub received: u64,
    /// Payload bytes to the vendor at or after the cutoff.
    pub sent: u64,
    /// Names, latest first.
    pub names: Vec<DomainName>,
    /// Version of the pack in which the latest name stands.
    pub pack_version: Option<String>,
}

impl StragglerChange {
    fn of(finding: &Finding) -> Self {
        let latest = finding.names.first();
        Self {
            vendor: finding.vendor.clone(),
            category: finding.category,
            status: finding.status,
            evidence: finding.evidence,
            phase: finding.phase,
            cutoff: finding.cutoff,
            first_seen: finding.first_seen,
            last_seen: finding.last_seen,
            sightings: finding.after_cutoff_sightings,
            received: finding.after_cutoff_received,
            sent: finding.after_cutoff_sent,
            names: finding
                .names
                .iter()
                .take(MAX_NAMES)
                .map(|it| it.name.clone())
                .collect(),
            pack_version: latest.map(|it| text::line(&it.service.pack_version)),
        }
    }
}

/// What protects a host that used a restricted vendor, now and before.
#[derive(Clone, Debug)]
pub struct CoverageChange {
    /// The restricted vendor.
    pub vendor: VendorId,
    /// Now.
    pub now: Coverage,
    /// Before; `None` where this is the first that is known.
    pub before: Option<Coverage>,
    /// Replacements seen in the last seven days: vendor, category and latest contact, latest first.
    pub replacements: Vec<(VendorId, Category, Timestamp)>,
}

impl CoverageChange {
    pub(super) fn severity(&self) -> EventSeverity {
        match self.now {
            Coverage::NoneSeen | Coverage::Straggling => EventSeverity::Warning,
            Coverage::Moved | Coverage::Both => EventSeverity::Notice,
        }
    }
}

impl Happening {
    /// A host became a straggler at engine time `at`.
    pub fn straggler_new(host: EventHost, finding: &Finding, at: Timestamp) -> Self {
        let change = Change::StragglerNew(StragglerChange::of(finding));
        Self::new(at, Some(host), change)
    }

    /// A host is a straggler no more, since engine time `at`.
    pub fn straggler_ended(
        host: EventHost,
        finding: &Finding,
        at: Timestamp,
        reason: EndReason,
    ) -> Self {
        let change = Change::StragglerEnded(StragglerChange::of(finding), reason);
        Self::new(at, Some(host), change)
    }

    /// What protects a host is `view` since engine time `at`.
    pub fn coverage_changed(
        host: EventHost,
        view: &CoverageView,
        before: Option<Coverage>,
        at: Timestamp,
    ) -> Self {
        let mut replacements = view.replacements.clone();
        replacements.truncate(MAX_NAMES);
        let change = Change::CoverageChanged(CoverageChange {
            vendor: view.vendor.clone(),
            now: view.coverage,
            before,
            replacements,
        });
        Self::new(at, Some(host), change)
    }

    /// The sensor itself; `reason` is for people. Where one interface is meant, [`Happening::on`] names it.
    pub fn sensor_state(condition: SensorCondition, at: Timestamp, reason: Option<&str>) -> Self {
        let reason = reason.map(text::line).filter(|text| !text.is_empty());
        Self::new(at, None, Change::SensorState { condition, reason })
    }
}
