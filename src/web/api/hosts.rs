//! `GET /api/v1/hosts`: findings, a page at a time.

use axum::extract::State;
use serde::{Deserialize, Serialize};

use super::{Answer, Asked, Shared, asked, json, rows, word};
use crate::model::{Finding, Snapshot, Status, Timestamp};
use crate::report::{FindingLine, finding_line};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    host: Option<String>,
    vendor: Option<String>,
    status: Option<String>,
    straggler: Option<bool>,
    limit: Option<usize>,
    offset: Option<usize>,
}

#[derive(Serialize)]
struct Page<'a> {
    at: Option<Timestamp>,
    total: usize,
    next_offset: Option<usize>,
    hosts: Vec<FindingLine<'a>>,
}

pub(super) async fn get(State(api): Shared, query: Asked<Wanted>) -> Answer {
    let wanted = asked(query)?;
    let limit = rows(wanted.limit)?;
    let status: Option<Status> = word("status", wanted.status.as_deref())?;
    let offset = wanted.offset.unwrap_or(0);
    let scene = api.scene();
    let snapshot = &scene.snapshot;
    let matches = |finding: &&Finding| {
        let is_host = |text: &String| is_host(snapshot, finding, text);
        let is_vendor = |text: &String| finding.vendor.as_str() == text;
        wanted.host.as_ref().is_none_or(is_host)
            && wanted.vendor.as_ref().is_none_or(is_vendor)
            && status.is_none_or(|status| finding.status == status)
            && wanted
                .straggler
                .is_none_or(|wanted| finding.straggler == wanted)
    };
    let found: Vec<&Finding> = snapshot.findings.iter().filter(matches).collect();
    let page = found.iter().skip(offset).take(limit);
    let hosts: Vec<_> = page
        .map(|finding| finding_line(snapshot, finding))
        .collect();
    let end = offset.saturating_add(hosts.len());
    Ok(json(&Page {
        at: snapshot.at,
        total: found.len(),
        next_offset: (end < found.len()).then_some(end),
        hosts,
    }))
}

/// By one of its keys, or an address.
fn is_host(snapshot: &Snapshot, finding: &Finding, text: &str) -> bool {
    let address = text.parse().ok();
    let view = snapshot.host(&finding.host);
    let mut keys = view.into_iter().flat_map(|view| &view.aliases);
    finding.host.as_str() == text
        || keys.any(|alias| alias.as_str() == text)
        || finding
            .addresses
            .iter()
            .any(|known| Some(*known) == address)
}
