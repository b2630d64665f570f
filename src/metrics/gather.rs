//! A scene to metric families.

use std::sync::atomic::AtomicU64;

use prometheus::proto::MetricFamily;

use super::families as f;
use super::samples::{Part, Samples, flag, number};
use super::{Scene, Settings, hosts, sensor, store, vendors};
use crate::model::Protection;

/// The families of a part.
pub(super) fn gather(
    part: Part,
    scene: &Scene,
    settings: &Settings,
    rejected: &AtomicU64,
) -> Vec<MetricFamily> {
    let mut samples = Samples::of(part);
    if part == Part::Rest {
        rest(&mut samples, scene);
    }
    hosts::findings(&mut samples, scene, settings, rejected);
    samples.into_families()
}

fn rest(samples: &mut Samples, scene: &Scene) {
    identity(samples, scene);
    for vendor in &scene.snapshot.vendors {
        vendors::totals(samples, scene, vendor);
    }
    samples.add(&f::LOCAL_HOSTS, &[], number(scene.snapshot.local_hosts));
    sensor::interfaces(samples, scene);
    sensor::inspection(samples, scene);
    if let Some(store) = &scene.store {
        store::store(samples, store);
    }
}

fn identity(samples: &mut Samples, scene: &Scene) {
    let revision = option_env!("STRAGGLER_REVISION").unwrap_or("unknown");
    samples.add(&f::BUILD_INFO, &[env!("CARGO_PKG_VERSION"), revision], 1.0);
    for vendor in &scene.snapshot.vendors {
        let id = vendor.id.as_str();
        let labels = [id, vendor.role.label(), &vendor.version, &vendor.digest];
        samples.add(&f::RULE_PACK_INFO, &labels, 1.0);
        samples.add(&f::RULE_SERVICES, &[id], number(vendor.services as u64));
        for in_force in &vendor.cutoffs {
            let cutoff = &in_force.cutoff;
            let labels = [
                id,
                in_force.category.label(),
                &cutoff.id,
                &cutoff.jurisdiction,
                in_force.group.as_deref().unwrap_or("default"),
            ];
            samples.add(&f::CUTOFF, &labels, cutoff.at.as_seconds());
        }
    }
    for &layer in Protection::ALL {
        let in_force = scene.sandbox.has(layer);
        samples.add(&f::SANDBOX, &[layer.label()], flag(in_force));
    }
    let reload = &scene.reload;
    samples.add(&f::RELOAD_OK, &[], flag(scene.refused().is_none()));
    samples.add(&f::RELOAD_TIME, &[], reload.succeeded_at);
}
