//! The page: the answer first, then what speaks for it, then what could not be seen, then the sensor's health.

use std::collections::BTreeSet;

use maud::{DOCTYPE, Markup, html};

use super::uncovered::uncovered;
use super::vendor::vendor_section;
use crate::metrics::Scene;
use crate::model::{
    BlindKind, Finding, FlowProtocol, HostKey, PackRole, SeenSide, Status, Timestamp, Undecoded,
    VendorView,
};
use crate::report::{bytes, named_share};

/// Rows shown in a table; the metrics have all of them.
pub(super) const MAX_ROWS: usize = 500;
/// Names shown in a row.
const MAX_NAMES: usize = 5;

/// The whole page.
pub(super) fn render(scene: &Scene) -> String {
    let snapshot = &scene.snapshot;
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title(scene)) }
                link rel="stylesheet" href="style.css";
            }
            body {
                header {
                    h1 { "Straggler" }
                    p { "Which hosts still fetch a vendor’s updates, or still report to it, after the date on which that had to stop?" }
                }
                main {
                    @for fault in &scene.faults {
                        p.fault role="alert" { (fault) }
                    }
                    @if let Some(store) = &scene.store {
                        @for text in store.fault.iter().chain(&store.notice) {
                            p.fault role="alert" { "The store: " (text) }
                        }
                    }
                    @if !scene.ready {
                        p { "The captures are still being read." }
                    } @else if snapshot.at.is_none() {
                        p { "No packet was seen yet: nothing can be said." }
                    }
                    @if restricted(scene).next().is_none() && scene.ready {
                        p { "No pack of a restricted vendor is in force: nothing is looked for." }
                    }
                    @for vendor in restricted(scene) {
                        (vendor_section(scene, vendor))
                    }
                    (others(scene))
                    (weak(scene))
                    (unseen(scene))
                    (health(scene))
                }
                footer {
                    p { "straggler " (env!("CARGO_PKG_VERSION")) " · " a href="metrics" { "metrics" } }
                }
            }
        }
    }
    .into_string()
}

fn restricted(scene: &Scene) -> impl Iterator<Item = &VendorView> {
    let vendors = scene.snapshot.vendors.iter();
    vendors.filter(|vendor| vendor.role == PackRole::Restricted)
}

fn title(scene: &Scene) -> String {
    if scene.snapshot.at.is_none() || restricted(scene).next().is_none() {
        return "Straggler: nothing to say yet".to_owned();
    }
    let hosts: BTreeSet<&HostKey> = scene
        .snapshot
        .stragglers()
        .map(|finding| &finding.host)
        .collect();
    match hosts.len() {
        0 => "No stragglers".to_owned(),
        1 => "1 straggler".to_owned(),
        count => format!("{count} stragglers"),
    }
}

pub(super) fn table(findings: &[&Finding]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Hosts" {
            table {
                thead {
                    tr {
                        th scope="col" { "Host" } th scope="col" { "Category" } th scope="col" { "Status" }
                        th scope="col" { "Furthest ever" } th scope="col" { "Last seen (UTC)" }
                        th scope="col" .number { "Received" } th scope="col" .number { "Sent" }
                        th scope="col" { "Names" }
                    }
                }
                tbody {
                    @for finding in Finding::foremost(findings, MAX_ROWS) { (row(finding)) }
                }
            }
        }
        @if findings.len() > MAX_ROWS {
            p { "The " (MAX_ROWS) " that matter most of " (findings.len()) " rows." }
        }
    }
}

fn row(finding: &Finding) -> Markup {
    let more = finding.names.len().saturating_sub(MAX_NAMES) as u64 + finding.names_left_out;
    html! {
        tr.straggler[finding.straggler] {
            th scope="row" {
                @for address in &finding.addresses { (address) br; }
                @if finding.straggler { span.mark { "straggler" } }
            }
            td { (finding.category) }
            td {
                span.status.(finding.status.label()) { (finding.status) }
                @if let (Status::Blocked, Some((_, kind))) = (finding.status, finding.last_blocked) {
                    " by " (kind.phrase())
                }
            }
            td { (finding.evidence) }
            td.time { (time(finding.last_seen)) }
            td.number { (bytes(finding.received)) }
            td.number { (bytes(finding.sent)) }
            td.names {
                @for name in finding.names.iter().take(MAX_NAMES) {
                    (name.name) @if name.is_by_address() { " (by address)" } br;
                }
                @if more > 0 { "and " (more) " more" }
            }
        }
    }
}

fn others(scene: &Scene) -> Markup {
    let findings: Vec<&Finding> = scene
        .snapshot
        .findings
        .iter()
        .filter(|finding| finding.role == PackRole::Replacement)
        .collect();
    html! {
        @if !findings.is_empty() {
            section {
                h2 { "Replacement vendors seen" }
                (table(&findings))
            }
        }
    }
}

fn weak(scene: &Scene) -> Markup {
    html! {
        @if !scene.snapshot.weak.is_empty() {
            section {
                h2 { "Context" }
                p { "Names that people, web pages or other software ask for too. They prove nothing and raise no status." }
                ul {
                    @for weak in scene.snapshot.weak.iter().take(MAX_ROWS) {
                        li {
                            (weak.host) " – " (weak.vendor) " " (weak.category) ": "
                            @for (index, name) in weak.names.iter().enumerate() {
                                @if index > 0 { ", " } (name)
                            }
                        }
                    }
                }
            }
        }
    }
}

fn unseen(scene: &Scene) -> Markup {
    let seen = &scene.tracker.seen;
    let snapshot = &scene.snapshot;
    html! {
        section {
            h2 { "What could not be seen" }
            ul {
                li { "The sensor captured " (format!("{:.0}", snapshot.looked * 100.0)) " % of the 24 hours that are judged." }
                li { (sentence(&named_share(seen))) }
                @for &kind in BlindKind::ALL {
                    @let hosts = snapshot.blind_hosts[kind.index()];
                    @if hosts > 0 { li { (hosts) " hosts in the last 24 hours with flows without a name: " (kind.phrase()) } }
                }
                @for &side in SeenSide::ALL {
                    @let flows = seen.one_sided_flows[side.index()];
                    @if flows > 0 { li { (flows) " flows of which only the " (side.label()) "’s packets were seen" } }
                }
                li { (seen.flows[FlowProtocol::Other.index()]) " flows spoke nothing that is read." }
                @for &cause in Undecoded::ALL {
                    @let count = seen.undecoded[cause.index()];
                    @if count > 0 { li { (count) " frames not decoded: " (cause.label().replace('_', " ")) } }
                }
                @if seen.cut_frames > 0 { li { (seen.cut_frames) " frames cut by the snap length" } }
                @if !snapshot.local_networks_known {
                    li { "Local networks not set: private addresses, and in doubt whoever opened a flow, count as hosts." }
                }
            }
            (uncovered(scene))
        }
    }
}

/// A text as a sentence of its own.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first: String = letters
        .next()
        .map(|first| first.to_uppercase().to_string())
        .unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

fn health(scene: &Scene) -> Markup {
    let seen = &scene.tracker.seen;
    html! {
        section {
            h2 { "Sensor" }
            ul {
                li { (seen.frames) " frames, " (bytes(seen.wire_bytes)) ", " (scene.snapshot.local_hosts) " local hosts in the window" }
                @for interface in &scene.interfaces {
                    li {
                        (interface.name) ": " @if interface.up { "up" } @else { "down" }
                        ", " (interface.tracker.seen.frames) " frames, dropped "
                        (interface.capture.kernel_drops) " by the kernel and "
                        (interface.capture.interface_drops) " by the interface"
                    }
                }
                li { (store(scene)) }
                @for vendor in &scene.snapshot.vendors {
                    li { "rules: " (vendor.name) " " (vendor.version) " (" (vendor.services) " services, digest " (vendor.digest) ")" }
                }
            }
        }
    }
}

/// Whether findings outlive the daemon.
fn store(scene: &Scene) -> Markup {
    html! {
        @match &scene.store {
            None => "Findings are not kept: a restart begins with nothing (--state-dir keeps them).",
            Some(store) => {
                "Findings are kept in " (store.folder)
                @if store.is_open { ", " (bytes(store.size_bytes)) } @else { ", which is not open" }
                @if let Some(last) = store.last_write { ", last written " (time(last)) }
                @if store.waiting > 0 && store.fault.is_some() { ", " (store.waiting) " rows wait in memory" }
                @let lost = store.lost.sightings + store.lost.replies + store.lost.hosts + store.lost.looked + store.lost.events + store.lost.files;
                @if lost > 0 { ", " (lost) " records found no place and are not kept" }
            }
        }
    }
}

pub(super) fn time(instant: Timestamp) -> Markup {
    let text = instant.to_string();
    html! { time datetime=(text) { (text) } }
}
