//! `GET /api/v1/sightings`: rolled-up sightings with their sample flows, from the store.

use std::net::IpAddr;

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

use super::{Answer, Asked, Refused, Shared, asked, json, rows, word};
use crate::model::{
    Category, Evidence, HostKey, Phase, Signal, Snapshot, Strength, Timestamp, VendorId,
};
use crate::privacy::Pseudonyms;
use crate::report::NetworkLine;
use crate::store::{Filter, Period, Place, Reader, StoreError, StoredSample, StoredSighting};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    host: Option<String>,
    vendor: Option<String>,
    category: Option<String>,
    since: Option<String>,
    until: Option<String>,
    limit: Option<usize>,
    after: Option<String>,
}

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

pub(super) async fn get(State(api): Shared, query: Asked<Wanted>) -> Answer {
    let wanted = asked(query)?;
    let (mut filter, after, limit) = (
        filter(&wanted)?,
        place(wanted.after.as_deref())?,
        rows(wanted.limit)?,
    );
    // Where a server stands is not kept: the packs in force say it.
    let scene = api.scene();
    let Some(kept) = api.kept else {
        return Err(Refused {
            status: StatusCode::NOT_FOUND,
            why: "nothing is kept: the daemon runs without --state-dir".to_owned(),
        });
    };
    let read = tokio::task::spawn_blocking(move || {
        let reader = Reader::open(&kept.folder)?;
        if let Some(shown) = filter.host.take() {
            let stored = kept.stored_key(&reader, &shown)?;
            filter.host = Some(stored.unwrap_or_else(|| HostKey::restored("")));
        }
        let mut page = reader.sightings(&filter, after, limit)?;
        let Some(pseudonyms) = &kept.pseudonyms else {
            return Ok::<_, StoreError>(page);
        };
        for row in &mut page.sightings {
            hide(row, pseudonyms);
        }
        Ok(page)
    });
    let page = match read.await {
        Ok(page) => page.map_err(unavailable)?,
        Err(_) => return Err(unavailable("reading the store panicked")),
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

fn unavailable(why: impl ToString) -> Refused {
    Refused {
        status: StatusCode::SERVICE_UNAVAILABLE,
        why: why.to_string(),
    }
}

fn filter(wanted: &Wanted) -> Result<Filter, Refused> {
    let time = |name: &str, text: &Option<String>| match text {
        None => Ok(None),
        Some(text) => Timestamp::parse_rfc3339(text).map(Some).ok_or_else(|| {
            Refused::wrong(format!(
                "{name}: write an instant like 2026-11-01T00:00:00Z"
            ))
        }),
    };
    let vendor = wanted.vendor.as_deref().map(|text| {
        VendorId::parse(text)
            .ok_or_else(|| Refused::wrong("vendor: write an id as /api/v1/vendors lists them"))
    });
    Ok(Filter {
        since: time("since", &wanted.since)?,
        until: time("until", &wanted.until)?,
        vendor: vendor.transpose()?,
        category: word("category", wanted.category.as_deref())?,
        host: wanted.host.as_deref().map(HostKey::restored),
    })
}

fn place(text: Option<&str>) -> Result<Option<Place>, Refused> {
    let place = text.map(str::parse::<Place>).transpose();
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
