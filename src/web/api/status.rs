//! `GET /api/v1/status`: how the sensor is.

use axum::extract::State;
use serde::Serialize;

use super::{Answer, Asked, Parameters, Shared, json};
use crate::metrics::{Scene, StoreScene};
use crate::model::Timestamp;

#[derive(Serialize)]
struct Status<'a> {
    version: &'static str,
    ready: bool,
    at: Option<Timestamp>,
    looked: f64,
    local_hosts: u64,
    local_networks_known: bool,
    stragglers: usize,
    findings: usize,
    frames: u64,
    wire_bytes: u64,
    interfaces: Vec<Interface<'a>>,
    store: Option<Store<'a>>,
    faults: Vec<String>,
}

#[derive(Serialize)]
struct Interface<'a> {
    name: &'a str,
    up: bool,
    frames: u64,
    dropped_by_kernel: u64,
    dropped_by_interface: u64,
}

#[derive(Serialize)]
struct Store<'a> {
    folder: &'a str,
    is_open: bool,
    size_bytes: u64,
    last_write: Option<Timestamp>,
    waiting_rows: u64,
    fault: Option<&'a str>,
    notice: Option<&'a str>,
}

pub(super) async fn get(State(api): Shared, asked: Asked) -> Answer {
    Parameters::read(asked, &[])?;
    let scene = api.scene();
    Ok(json(&status(&scene)))
}

fn status(scene: &Scene) -> Status<'_> {
    let snapshot = &scene.snapshot;
    let seen = &scene.tracker.seen;
    let interfaces = scene.interfaces.iter().map(|interface| Interface {
        name: &interface.name,
        up: interface.up,
        frames: interface.tracker.seen.frames,
        dropped_by_kernel: interface.capture.kernel_drops,
        dropped_by_interface: interface.capture.interface_drops,
    });
    Status {
        version: env!("CARGO_PKG_VERSION"),
        ready: scene.ready,
        at: snapshot.at,
        looked: snapshot.looked,
        local_hosts: snapshot.local_hosts,
        local_networks_known: snapshot.local_networks_known,
        stragglers: snapshot.stragglers().count(),
        findings: snapshot.findings.len(),
        frames: seen.frames,
        wire_bytes: seen.wire_bytes,
        interfaces: interfaces.collect(),
        store: scene.store.as_ref().map(store),
        faults: scene.faults(),
    }
}

fn store(store: &StoreScene) -> Store<'_> {
    Store {
        folder: &store.folder,
        is_open: store.is_open,
        size_bytes: store.size_bytes,
        last_write: store.last_write,
        waiting_rows: store.waiting,
        fault: store.fault.as_deref(),
        notice: store.notice.as_deref(),
    }
}
