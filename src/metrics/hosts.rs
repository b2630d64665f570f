//! Series of single hosts, within the limit.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::families as f;
use super::samples::{Samples, number};
use super::{Scene, Settings};
use crate::model::{Evidence, Finding, HostKey, Timestamp};

/// A combination leaves after so long without a sighting, by engine time.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(30 * 86_400);

/// Exports the combinations that matter most: stragglers first; half of them those in contact for longest, half those seen
/// last.
pub(super) fn findings(
    samples: &mut Samples,
    scene: &Scene,
    settings: &Settings,
    most_rejected: &AtomicU64,
) {
    let snapshot = &scene.snapshot;
    let horizon = snapshot
        .at
        .map_or(Timestamp::MIN, |at| at.before(FORGOTTEN_AFTER));
    let recent: Vec<&Finding> = snapshot
        .findings
        .iter()
        .filter(|finding| finding.last_seen > horizon)
        .collect();
    let rejected = recent.len().saturating_sub(settings.host_series);
    let shown = Finding::foremost(&recent, settings.host_series);
    for finding in &shown {
        combination(samples, finding);
    }
    let hosts: BTreeSet<&HostKey> = shown.iter().map(|finding| &finding.host).collect();
    for view in snapshot
        .hosts
        .iter()
        .filter(|view| hosts.contains(&view.key))
    {
        // One row a host, so one address: the first; all of them stand on the page.
        let address = view
            .addresses
            .first()
            .map(ToString::to_string)
            .unwrap_or_default();
        let mac = view.macs.first().map(ToString::to_string);
        let roles: Vec<&str> = view.roles.iter().map(|role| role.label()).collect();
        let labels = [
            view.key.as_str(),
            &address,
            mac.as_deref().unwrap_or_default(),
            view.name.as_deref().unwrap_or_default(),
            view.owner.as_deref().unwrap_or_default(),
            &roles.join(","),
            view.confidence.label(),
        ];
        samples.add(&f::HOST_INFO, &labels, 1.0);
    }
    samples.add(&f::HOST_SERIES, &[], number(shown.len() as u64));
    samples.add(
        &f::HOST_SERIES_LIMIT,
        &[],
        number(settings.host_series as u64),
    );
    // A counter may not fall, so it holds the most that was ever left out at once.
    let rejected = rejected as u64;
    let most = most_rejected
        .fetch_max(rejected, Ordering::Relaxed)
        .max(rejected);
    samples.add(&f::HOST_SERIES_REJECTED, &[], number(most));
}

fn combination(samples: &mut Samples, finding: &Finding) {
    let labels = [
        finding.host.as_str(),
        finding.vendor.as_str(),
        finding.category.label(),
    ];
    if finding.ever_straggler {
        let straggling = f64::from(u8::from(finding.straggler));
        samples.add(&f::HOST_STRAGGLING, &labels, straggling);
    }
    for &evidence in Evidence::ALL {
        if let Some(last) = finding.last_by_evidence[evidence.index()] {
            let [host, vendor, category] = labels;
            let labels = [host, vendor, category, evidence.label()];
            samples.add(&f::HOST_LAST_SIGHTING, &labels, last.as_seconds());
        }
    }
    if finding.cutoff.is_some() {
        samples.add(
            &f::HOST_AFTER_SIGHTINGS,
            &labels,
            number(finding.after_cutoff_sightings),
        );
        samples.add(
            &f::HOST_AFTER_RECEIVED,
            &labels,
            number(finding.after_cutoff_received),
        );
        samples.add(
            &f::HOST_AFTER_SENT,
            &labels,
            number(finding.after_cutoff_sent),
        );
    }
}
