//! What the sensor captured, read and lost.

use super::Scene;
use super::families as f;
use super::samples::{Samples, flag, number};
use crate::model::{BlindKind, FlowProtocol, SeenSide, Signal, Undecoded};

/// What each interface captured and lost.
pub(super) fn interfaces(samples: &mut Samples, scene: &Scene) {
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

/// What was read of it, what could not be, and how full the tables are.
pub(super) fn inspection(samples: &mut Samples, scene: &Scene) {
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
    let duplicates = number(scene.ledger.duplicate_flows);
    samples.add(&f::DUPLICATE_FLOWS, &[], duplicates);
    events(samples, scene);
    tables(samples, scene);
}

fn events(samples: &mut Samples, scene: &Scene) {
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
}

fn tables(samples: &mut Samples, scene: &Scene) {
    let ledger = &scene.ledger;
    let ledgers = [
        ("addresses", ledger.hosts.entries, ledger.hosts.evictions),
        (
            "identities",
            ledger.hosts.identities.0,
            ledger.hosts.identities.1,
        ),
        ("usages", ledger.book.usages, ledger.book.usage_evictions),
        ("names", ledger.book.names, ledger.book.names_left_out),
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
