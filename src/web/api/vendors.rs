//! `GET /api/v1/vendors`: packs in force, their cutoffs, hosts by status and coverage, and names that no service describes.

use std::collections::BTreeMap;

use axum::extract::State;
use serde::Serialize;

use super::{Answer, Asked, Parameters, Shared, json};
use crate::model::{
    Category, CutoffKind, DomainName, HostKey, PackRole, Snapshot, Timestamp, UncoveredView,
    VendorView,
};

#[derive(Serialize)]
struct Vendors<'a> {
    at: Option<Timestamp>,
    vendors: Vec<Vendor<'a>>,
}

#[derive(Serialize)]
struct Vendor<'a> {
    vendor: &'a str,
    name: &'a str,
    role: PackRole,
    version: &'a str,
    digest: &'a str,
    services: usize,
    cutoffs: Vec<Cutoff<'a>>,
    stragglers: u64,
    statuses: BTreeMap<&'static str, BTreeMap<&'static str, u64>>,
    coverage: BTreeMap<&'static str, u64>,
    resolver_bypass_hosts: usize,
    uncovered_readings: u64,
    uncovered_names: Vec<Uncovered<'a>>,
}

/// A name under the vendor's domains that no service describes.
#[derive(Serialize)]
struct Uncovered<'a> {
    name: &'a DomainName,
    readings: u64,
    hosts: &'a [HostKey],
    more_hosts: bool,
    first_seen: Timestamp,
    last_seen: Timestamp,
}

#[derive(Serialize)]
struct Cutoff<'a> {
    category: Category,
    group: Option<&'a str>,
    id: &'a str,
    kind: CutoffKind,
    at: Timestamp,
    jurisdiction: &'a str,
    binds: &'a str,
    authority: &'a str,
    source: &'a str,
}

pub(super) async fn get(State(api): Shared, asked: Asked) -> Answer {
    Parameters::read(asked, &[])?;
    let scene = api.scene();
    let snapshot = &scene.snapshot;
    let mut views: Vec<&VendorView> = snapshot.vendors.iter().collect();
    // Restricted ones are what is asked about; the sort keeps the order by id.
    views.sort_by_key(|view| view.role == PackRole::Replacement);
    Ok(json(&Vendors {
        at: snapshot.at,
        vendors: views
            .into_iter()
            .map(|view| vendor(snapshot, view))
            .collect(),
    }))
}

fn vendor<'a>(snapshot: &'a Snapshot, view: &'a VendorView) -> Vendor<'a> {
    let mut statuses: BTreeMap<_, BTreeMap<_, u64>> = BTreeMap::new();
    for ((category, status), count) in &view.hosts {
        let of_category = statuses.entry(category.label()).or_default();
        of_category.insert(status.label(), *count);
    }
    let mut coverage: BTreeMap<_, u64> = BTreeMap::new();
    for judged in snapshot
        .coverage
        .iter()
        .filter(|judged| judged.vendor == view.id)
    {
        *coverage.entry(judged.coverage.label()).or_default() += 1;
    }
    let bypasses = snapshot.bypasses.iter();
    Vendor {
        vendor: view.id.as_str(),
        name: &view.name,
        role: view.role,
        version: &view.version,
        digest: &view.digest,
        services: view.services,
        cutoffs: view
            .cutoffs
            .iter()
            .map(|in_force| Cutoff {
                category: in_force.category,
                group: in_force.group.as_deref(),
                id: &in_force.cutoff.id,
                kind: in_force.cutoff.kind,
                at: in_force.cutoff.at,
                jurisdiction: &in_force.cutoff.jurisdiction,
                binds: &in_force.cutoff.binds,
                authority: &in_force.cutoff.authority,
                source: &in_force.cutoff.source,
            })
            .collect(),
        stragglers: view.straggling_hosts,
        statuses,
        coverage,
        resolver_bypass_hosts: bypasses.filter(|bypass| bypass.vendor == view.id).count(),
        uncovered_readings: view.uncovered_readings,
        uncovered_names: snapshot.uncovered(&view.id).map(uncovered).collect(),
    }
}

fn uncovered(view: &UncoveredView) -> Uncovered<'_> {
    Uncovered {
        name: &view.name,
        readings: view.count,
        hosts: &view.hosts,
        more_hosts: view.more_hosts,
        first_seen: view.first_seen,
        last_seen: view.last_seen,
    }
}
