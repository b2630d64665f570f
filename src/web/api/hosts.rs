//! `GET /api/v1/hosts`: findings, a page at a time.

use axum::extract::State;
use serde::Serialize;

use super::{Answer, Asked, Parameters, Shared, json, rows, vendor};
use crate::model::{Category, Finding, Status, Timestamp};
use crate::report::{FindingLine, finding_line};

const PARAMETERS: [&str; 7] = [
    "host",
    "vendor",
    "category",
    "status",
    "straggler",
    "limit",
    "offset",
];

#[derive(Serialize)]
struct Page<'a> {
    at: Option<Timestamp>,
    total: usize,
    next_offset: Option<usize>,
    hosts: Vec<FindingLine<'a>>,
}

pub(super) async fn get(State(api): Shared, asked: Asked) -> Answer {
    let asked = Parameters::read(asked, &PARAMETERS)?;
    let limit = rows(&asked)?;
    let offset = asked.number("offset", 0..=usize::MAX)?.unwrap_or(0);
    let category: Option<Category> = asked.word("category")?;
    let status: Option<Status> = asked.word("status")?;
    let straggler = asked.flag("straggler")?;
    let scene = api.scene();
    let vendor = vendor(&api, &scene, &asked).await?;
    let snapshot = &scene.snapshot;
    let hosts = match asked.text("host") {
        None => None,
        Some(text) => Some(api.hosts(&scene, text).await?),
    };
    let matches = |finding: &&Finding| {
        let hosts = hosts.as_ref();
        hosts.is_none_or(|hosts| hosts.contains(&finding.host))
            && vendor
                .as_ref()
                .is_none_or(|vendor| finding.vendor == *vendor)
            && category.is_none_or(|category| finding.category == category)
            && status.is_none_or(|status| finding.status == status)
            && straggler.is_none_or(|wanted| finding.straggler == wanted)
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
