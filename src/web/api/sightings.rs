//! `GET /api/v1/sightings`: rolled-up sightings with their sample flows, from the store.

use std::net::IpAddr;

use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;

use super::{Answer, Asked, Parameters, Refused, Shared, json, nobody, rows, vendor};
use crate::metrics::Scene;
use crate::model::{
    Category, Evidence, HostKey, Phase, Signal, Snapshot, Strength, Timestamp, VendorId,
};
use crate::privacy::Pseudonyms;
use crate::report::NetworkLine;
use crate::store::{self, Filter, Period, Place, Reader, StoredSample, StoredSighting};
use crate::web::{Kept, known};

const PARAMETERS: [&str; 7] = [
    "host", "vendor", "category", "since", "until", "limit", "after",
];

#[derive(Serialize)]
struct Page {
    next_after: Option<String>,
    /// Rows that could not be understood.
    damaged: u64,
    sightings: Vec<Sighting>,
}

#[derive(Serialize)]
struct Sighting {
    host: HostKey,
    address: IpAddr,
    vendor: VendorId,
    service: String,
    category: Category,
    strength: Strength,
    name: String,
    signal: Signal,
    evidence: Evidence,
    phase: Phase,
    interface: String,
    hours: i64,
    first_seen: Timestamp,
    last_seen: Timestamp,
    sightings: u64,
    bytes_received: u64,
    bytes_sent: u64,
    flows: Vec<Flow>,
}

#[derive(Serialize)]
struct Flow {
    time: Timestamp,
    client: String,
    server: String,
    vendor_network: Option<NetworkLine>,
    pattern: String,
    pack: String,
}

pub(super) async fn get(State(api): Shared, asked: Asked) -> Answer {
    let asked = Parameters::read(asked, &PARAMETERS)?;
    let (limit, after) = (rows(&asked)?, place(&asked)?);
    // Where a server stands is not kept: the packs in force say it.
    let scene = api.scene();
    let filter = Filter {
        since: asked.instant("since")?,
        until: asked.instant("until")?,
        vendor: vendor(&api, &scene, &asked).await?,
        category: asked.word("category")?,
        hosts: None,
    };
    if let (Some(since), Some(until)) = (filter.since, filter.until)
        && since >= until
    {
        return Err(Refused::wrong("until: write an instant later than since"));
    }
    let Some(kept) = api.kept else {
        let why = "nothing is kept: the daemon runs without --state-dir";
        return Err(absent(why.to_owned()));
    };
    let host = asked.text("host").map(str::to_owned);
    let seen = scene.clone();
    let read = kept.read(move |kept| read(kept, &seen, host.as_deref(), filter, after, limit));
    let page = match read.await {
        Ok(page) => page?,
        Err(why) => return Err(unavailable(&scene, why)),
    };
    Ok(json(&Page {
        next_after: page.next.map(|place| place.to_string()),
        damaged: page.damaged,
        sightings: page
            .sightings
            .into_iter()
            .map(|row| sighting(&scene.snapshot, row))
            .collect(),
    }))
}

/// A page of the store, with tokens where those are asked for.
fn read(
    kept: &Kept,
    scene: &Scene,
    host: Option<&str>,
    mut filter: Filter,
    after: Option<Place>,
    limit: usize,
) -> Result<store::Page, Refused> {
    let unavailable = |error| unavailable(scene, error);
    let reader = Reader::open(&kept.folder).map_err(unavailable)?;
    if let Some(text) = host {
        let hosts = known::stored_hosts(kept, &reader, &scene.snapshot, text);
        let hosts = hosts.map_err(unavailable)?;
        if hosts.is_empty() {
            return Err(nobody(text));
        }
        filter.hosts = Some(hosts);
    }
    let mut page = reader
        .sightings(&filter, after, limit)
        .map_err(unavailable)?;
    if let Some(pseudonyms) = &kept.pseudonyms {
        for row in &mut page.sightings {
            hide(row, pseudonyms);
        }
    }
    Ok(page)
}

fn absent(why: String) -> Refused {
    Refused {
        status: StatusCode::NOT_FOUND,
        why,
    }
}

/// What is wrong with the store its writer knows best: a reader sees no more than what came of it.
fn unavailable(scene: &Scene, why: impl ToString) -> Refused {
    let fault = scene.store.as_ref().and_then(|store| store.fault.clone());
    Refused {
        status: StatusCode::SERVICE_UNAVAILABLE,
        why: fault.unwrap_or_else(|| why.to_string()),
    }
}

fn place(asked: &Parameters) -> Result<Option<Place>, Refused> {
    let place = asked.text("after").map(str::parse::<Place>).transpose();
    place.map_err(|_| Refused::wrong("after: write what next_after of the page before said"))
}

fn hide(row: &mut StoredSighting, pseudonyms: &Pseudonyms) {
    row.key.host = pseudonyms.host_key(&row.key.host);
    row.key.address = pseudonyms.address(row.key.address);
    for stored in &mut row.sum.samples {
        pseudonyms.hide_sample(&mut stored.sample);
    }
}

fn sighting(snapshot: &Snapshot, row: StoredSighting) -> Sighting {
    let StoredSighting { key, sum } = row;
    let samples = sum.samples.into_iter();
    let flows = samples
        .map(|sample| flow(snapshot, &key.vendor, sample))
        .collect();
    Sighting {
        host: key.host,
        address: key.address,
        vendor: key.vendor,
        service: key.service.to_string(),
        category: key.category,
        strength: key.strength,
        name: key.name.to_string(),
        signal: key.signal,
        evidence: key.evidence,
        phase: key.phase,
        interface: key.interface.to_string(),
        hours: match key.period {
            Period::Hour(_) => 1,
            Period::Day(_) => 24,
        },
        first_seen: sum.span.first,
        last_seen: sum.span.last,
        sightings: sum.count,
        bytes_received: sum.received,
        bytes_sent: sum.sent,
        flows,
    }
}

fn flow(snapshot: &Snapshot, vendor: &VendorId, stored: StoredSample) -> Flow {
    let StoredSample { sample, pack } = stored;
    Flow {
        time: sample.time,
        client: sample.client.to_string(),
        server: sample.server.to_string(),
        vendor_network: NetworkLine::of(snapshot, vendor, sample.server.addr),
        pattern: sample.pattern.to_string(),
        pack: pack.to_string(),
    }
}
