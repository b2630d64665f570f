//! `GET /api/v1/blind-spots`: what could not be seen.

use std::collections::BTreeMap;

use axum::extract::State;
use serde::Serialize;

use super::{Answer, Asked, Parameters, Shared, json};
use crate::model::{BlindKind, SeenSide, Timestamp, Undecoded};

#[derive(Serialize)]
struct BlindSpots {
    at: Option<Timestamp>,
    looked: f64,
    named_flows: u64,
    blind_flows: BTreeMap<&'static str, u64>,
    blind_hosts: BTreeMap<&'static str, u64>,
    one_sided_flows: BTreeMap<&'static str, u64>,
    undecoded_frames: BTreeMap<&'static str, u64>,
    cut_frames: u64,
    thinned: bool,
    dropped_frames: u64,
}

pub(super) async fn get(State(api): Shared, asked: Asked) -> Answer {
    Parameters::read(asked, &[])?;
    let scene = api.scene();
    let (snapshot, seen) = (&scene.snapshot, &scene.tracker.seen);
    let kinds = |counts: &[u64]| {
        let pairs = BlindKind::ALL.iter().zip(counts);
        pairs.map(|(kind, count)| (kind.label(), *count)).collect()
    };
    let sides = SeenSide::ALL.iter().zip(seen.one_sided_flows);
    let causes = Undecoded::ALL.iter().zip(seen.undecoded);
    let drops = scene.interfaces.iter().map(|interface| {
        let lost = interface.capture;
        lost.kernel_drops + lost.interface_drops
    });
    Ok(json(&BlindSpots {
        at: snapshot.at,
        looked: snapshot.looked,
        named_flows: seen.named_flows.iter().sum(),
        blind_flows: kinds(&seen.blind_flows),
        blind_hosts: kinds(&snapshot.blind_hosts),
        one_sided_flows: sides.map(|(side, count)| (side.label(), count)).collect(),
        undecoded_frames: causes
            .map(|(cause, count)| (cause.label(), count))
            .collect(),
        cut_frames: seen.cut_frames,
        thinned: seen.thinned,
        dropped_frames: drops.sum(),
    }))
}
