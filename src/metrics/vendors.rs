//! Sightings, hosts and stragglers by vendor.

use super::Scene;
use super::families as f;
use super::samples::{Samples, number};
use crate::model::{Category, Coverage, Evidence, PackRole, Phase, Signal, Status, VendorView};

/// Signals of which sightings can occur, with the levels that each can reach.
const LADDERS: [(Signal, &[Evidence]); 6] = [
    (Signal::Dns, &[Evidence::Lookup]),
    (Signal::Tls, FLOW_LADDER),
    (Signal::Quic, FLOW_LADDER),
    (Signal::Http, FLOW_LADDER),
    (Signal::Connect, FLOW_LADDER),
    (Signal::Ip, FLOW_LADDER),
];

const FLOW_LADDER: &[Evidence] = &[Evidence::Attempt, Evidence::Contact, Evidence::Transfer];

/// What is known of hosts by vendor.
pub(super) fn totals(samples: &mut Samples, scene: &Scene, vendor: &VendorView) {
    let id = vendor.id.as_str();
    if vendor.role == PackRole::Restricted {
        let snapshot = &scene.snapshot;
        for &coverage in Coverage::ALL {
            let hosts = snapshot.coverage.iter();
            let hosts = hosts.filter(|host| host.vendor == vendor.id && host.coverage == coverage);
            let count = number(hosts.count() as u64);
            samples.add(&f::COVERAGE, &[id, coverage.label()], count);
        }
        let hosts = snapshot.bypasses.iter();
        let count = hosts.filter(|bypass| bypass.vendor == vendor.id).count();
        samples.add(&f::BYPASS, &[id], number(count as u64));
    }
    samples.add(&f::UNCOVERED, &[id], number(vendor.uncovered_readings));
    let totals = &scene.snapshot.totals;
    for &category in &vendor.categories {
        let label = category.label();
        if vendor.strong.contains(&category) {
            let has_cutoff = vendor
                .cutoffs
                .iter()
                .any(|cutoff| cutoff.category == category);
            if vendor.role == PackRole::Restricted && has_cutoff {
                let count = vendor.stragglers.get(&category).copied().unwrap_or(0);
                samples.add(&f::STRAGGLERS, &[id, label], number(count));
            }
            for &status in Status::ALL {
                let count = vendor.hosts.get(&(category, status)).copied().unwrap_or(0);
                samples.add(&f::HOSTS, &[id, label, status.label()], number(count));
            }
            for &phase in phases(has_cutoff) {
                strong(samples, scene, vendor, category, phase);
            }
            // A cutoff need not bind every group.
            let unbound = |phase: Phase| phase == Phase::None;
            let mut sightings = totals.sightings.keys();
            if has_cutoff
                && sightings.any(|key| (&key.0, key.1) == (&vendor.id, category) && unbound(key.4))
            {
                strong(samples, scene, vendor, category, Phase::None);
            }
        }
        if vendor.weak.contains(&category) {
            let key = (vendor.id.clone(), category);
            let weak = totals.weak_sightings.get(&key).copied().unwrap_or(0);
            samples.add(&f::WEAK_SIGHTINGS, &[id, label], number(weak));
        }
    }
}

fn phases(has_cutoff: bool) -> &'static [Phase] {
    if has_cutoff {
        &[Phase::Before, Phase::After]
    } else {
        &[Phase::None]
    }
}

fn strong(
    samples: &mut Samples,
    scene: &Scene,
    vendor: &VendorView,
    category: Category,
    phase: Phase,
) {
    let totals = &scene.snapshot.totals;
    let (id, label) = (vendor.id.as_str(), category.label());
    for (signal, levels) in LADDERS {
        for &evidence in levels {
            let key = (vendor.id.clone(), category, signal, evidence, phase);
            let count = totals.sightings.get(&key).copied().unwrap_or(0);
            let labels = [id, label, signal.label(), evidence.label(), phase.label()];
            samples.add(&f::SIGHTINGS, &labels, number(count));
        }
    }
    let key = (vendor.id.clone(), category, phase);
    let (received, sent) = totals.bytes.get(&key).copied().unwrap_or_default();
    samples.add(&f::RECEIVED, &[id, label, phase.label()], number(received));
    samples.add(&f::SENT, &[id, label, phase.label()], number(sent));
}
