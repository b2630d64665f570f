//! A scene to metric families.

use std::sync::atomic::AtomicU64;

use prometheus::proto::{Counter, Gauge, LabelPair, Metric, MetricFamily, MetricType};

use super::families::{self as f, Family, Kind};
use super::{Scene, Settings, hosts};
use crate::model::{
    BlindKind, Category, Coverage, Evidence, FlowProtocol, PackRole, Phase, Protection, SeenSide,
    Signal, Status, Undecoded, VendorView,
};

/// Samples collected family by family.
pub(super) struct Samples {
    part: Part,
    families: Vec<MetricFamily>,
}

/// What is gathered at once. With thousands of hosts a family of theirs takes some megabytes as records, and ten times less
/// once it is written; so each is written before the next one is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// One of the families with a series for each host.
    OfHosts(&'static str),
    /// All others.
    Rest,
}

/// Families with a series for each host.
const OF_HOSTS: [&Family; 6] = [
    &f::HOST_STRAGGLING,
    &f::HOST_LAST_SIGHTING,
    &f::HOST_AFTER_SIGHTINGS,
    &f::HOST_AFTER_RECEIVED,
    &f::HOST_AFTER_SENT,
    &f::HOST_INFO,
];

impl Part {
    /// All of them.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        let of_hosts = OF_HOSTS.map(|family| Self::OfHosts(family.name));
        std::iter::once(Self::Rest).chain(of_hosts)
    }

    fn has(self, family: &Family) -> bool {
        match self {
            Self::OfHosts(name) => family.name == name,
            Self::Rest => OF_HOSTS.iter().all(|large| large.name != family.name),
        }
    }
}

impl Samples {
    /// Adds a sample; label values in the order of the family's labels.
    pub(super) fn add(&mut self, family: &Family, values: &[&str], value: f64) {
        debug_assert_eq!(family.labels.len(), values.len(), "{}", family.name);
        if !self.part.has(family) {
            return;
        }
        let labels = family
            .labels
            .iter()
            .zip(values)
            .map(|(name, value)| {
                let mut pair = LabelPair::default();
                pair.set_name((*name).to_owned());
                pair.set_value((*value).to_owned());
                pair
            })
            .collect();
        let mut metric = Metric::from_label(labels);
        match family.kind {
            Kind::Gauge => {
                let mut gauge = Gauge::default();
                gauge.set_value(value);
                metric.set_gauge(gauge);
            }
            Kind::Counter => {
                let mut counter = Counter::default();
                counter.set_value(value);
                metric.set_counter(counter);
            }
        }
        self.family(family).mut_metric().push(metric);
    }

    fn family(&mut self, family: &Family) -> &mut MetricFamily {
        let at = self
            .families
            .iter()
            .position(|known| known.name() == family.name);
        let at = at.unwrap_or_else(|| {
            let mut new = MetricFamily::default();
            new.set_name(family.name.to_owned());
            new.set_help(family.help.to_owned());
            new.set_field_type(match family.kind {
                Kind::Gauge => MetricType::GAUGE,
                Kind::Counter => MetricType::COUNTER,
            });
            self.families.push(new);
            self.families.len() - 1
        });
        &mut self.families[at]
    }
}

/// The families of a part, sorted by name. Those without a sample are left out, as the format wants it.
pub(super) fn gather(
    part: Part,
    scene: &Scene,
    settings: &Settings,
    rejected: &AtomicU64,
) -> Vec<MetricFamily> {
    let mut samples = Samples {
        part,
        families: Vec::new(),
    };
    if part == Part::Rest {
        rest(&mut samples, scene);
    }
    hosts::findings(&mut samples, scene, settings, rejected);
    samples.families.sort_by(|a, b| a.name().cmp(b.name()));
    samples.families
}

fn rest(samples: &mut Samples, scene: &Scene) {
    identity(samples, scene);
    for vendor in &scene.snapshot.vendors {
        totals(samples, scene, vendor);
    }
    samples.add(&f::LOCAL_HOSTS, &[], number(scene.snapshot.local_hosts));
    interfaces(samples, scene);
    inspection(samples, scene);
    if let Some(store) = &scene.store {
        super::store::store(samples, store);
    }
}

/// Prometheus has only floats; counts are exact to 2^53.
pub(super) fn number(count: u64) -> f64 {
    count as f64
}

fn flag(on: bool) -> f64 {
    f64::from(u8::from(on))
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

fn totals(samples: &mut Samples, scene: &Scene, vendor: &VendorView) {
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

fn interfaces(samples: &mut Samples, scene: &Scene) {
    for interface in &scene.interfaces {
        let name = interface.name.as_str();
        let seen = &interface.tracker.seen;
        samples.add(&f::CAPTURE_UP, &[name], flag(interface.up));
        samples.add(&f::CAPTURE_PACKETS, &[name], number(seen.frames));
        if interface.worker_frames.len() > 1 {
            for (worker, frames) in interface.worker_frames.iter().enumerate() {
                let labels = [name, &worker.to_string()];
                samples.add(&f::CAPTURE_WORKER_PACKETS, &labels, number(*frames));
            }
        }
        samples.add(&f::CAPTURE_BYTES, &[name], number(seen.wire_bytes));
        samples.add(&f::CAPTURE_THINNED, &[name], flag(seen.thinned));
        samples.add(&f::CAPTURE_TRUNCATED, &[name], number(seen.cut_frames));
        let restarts = number(interface.restarts);
        samples.add(&f::CAPTURE_RESTARTS, &[name], restarts);
        let drops = [
            ("kernel", interface.capture.kernel_drops),
            ("interface", interface.capture.interface_drops),
        ];
        for (reason, count) in drops {
            samples.add(&f::CAPTURE_DROPPED, &[name, reason], number(count));
        }
        if let Some(last) = interface.tracker.last_frame {
            samples.add(&f::CAPTURE_LAST_PACKET, &[name], last.as_seconds());
        }
    }
}

fn inspection(samples: &mut Samples, scene: &Scene) {
    let seen = &scene.tracker.seen;
    for &cause in Undecoded::ALL {
        samples.add(
            &f::UNDECODED,
            &[cause.label()],
            number(seen.undecoded[cause.index()]),
        );
    }
    for &protocol in FlowProtocol::ALL {
        samples.add(
            &f::FLOWS,
            &[protocol.label()],
            number(seen.flows[protocol.index()]),
        );
    }
    for &signal in Signal::ALL {
        samples.add(
            &f::NAMED_FLOWS,
            &[signal.label()],
            number(seen.named_flows[signal.index()]),
        );
    }
    for &kind in BlindKind::ALL {
        let (flows, hosts) = (seen.blind_flows, scene.snapshot.blind_hosts);
        let label = kind.label();
        samples.add(&f::BLIND_FLOWS, &[label], number(flows[kind.index()]));
        samples.add(&f::BLIND_HOSTS, &[label], number(hosts[kind.index()]));
    }
    for &side in SeenSide::ALL {
        let flows = number(seen.one_sided_flows[side.index()]);
        samples.add(&f::ONE_SIDED_FLOWS, &[side.label()], flows);
    }
    let datagrams = number(seen.duplicate_datagrams);
    samples.add(&f::DUPLICATE_DATAGRAMS, &[], datagrams);
    for (output, counts) in &scene.events {
        let results = [
            ("ok", counts.ok),
            ("error", counts.error),
            ("dropped", counts.dropped),
        ];
        for (result, count) in results {
            samples.add(&f::EVENTS, &[output.label(), result], number(count));
        }
    }
    let ledger = &scene.ledger;
    samples.add(&f::DUPLICATE_FLOWS, &[], number(ledger.duplicate_flows));
    let ledgers = [
        ("addresses", ledger.hosts.entries, ledger.hosts.evictions),
        (
            "identities",
            ledger.hosts.identities.0,
            ledger.hosts.identities.1,
        ),
        ("usages", ledger.book.usages, ledger.book.usage_evictions),
        ("weak_names", ledger.book.weak, ledger.book.weak_refused),
        ("watch_list", ledger.watch.0, ledger.watch.1),
        ("blind_hosts", ledger.blind_hosts.0, ledger.blind_hosts.1),
        ("uncovered_names", ledger.uncovered.0, ledger.uncovered.1),
        ("bypasses", ledger.bypasses.0, ledger.bypasses.1),
        ("happenings", ledger.happenings.0, ledger.happenings.1),
        ("flows_told", ledger.flows_told.0, ledger.flows_told.1),
        ("roles", ledger.roles.0, ledger.roles.1),
        (
            "connections",
            scene.server.connections(),
            scene.server.connections_given_way(),
        ),
    ];
    let trackers = scene
        .tracker
        .tables
        .map(|table| (table.name, table.entries, table.evictions));
    for (name, entries, evictions) in trackers.into_iter().chain(ledgers) {
        samples.add(&f::TABLE_ENTRIES, &[name], number(entries));
        samples.add(&f::TABLE_EVICTIONS, &[name], number(evictions));
    }
}
