//! One restricted vendor: the answer, the cutoffs, counts by status and coverage, and its hosts.

use std::collections::BTreeSet;

use maud::{Markup, html};

use super::page::{MAX_ROWS, table, time};
use crate::metrics::Scene;
use crate::model::{Category, Coverage, Finding, Status, VendorView};
use crate::report::{PRODUCT_FALLBACK, span};

/// All that is known of a restricted vendor.
pub(super) fn vendor_section(scene: &Scene, vendor: &VendorView) -> Markup {
    let findings: Vec<&Finding> = of_vendor(scene, vendor);
    let count = vendor.straggling_hosts;
    html! {
        section aria-labelledby=(format!("v-{}", vendor.id)) {
            h2 id=(format!("v-{}", vendor.id)) { (vendor.name) }
            @if scene.snapshot.at.is_some() {
                p.answer.(if count > 0 { "bad" } else { "good" }) {
                    @match count {
                        0 => { "No host was seen to fetch from it or report to it after the cutoff." }
                        1 => { strong { "1 host" } " still fetches from it or reports to it after the cutoff." }
                        count => { strong { (count) " hosts" } " still fetch from it or report to it after the cutoff." }
                    }
                    @if let Some(at) = scene.snapshot.at {
                        " As of " (time(at)) ", by the 24 hours before."
                    }
                }
            }
            (cutoffs(scene, vendor))
            (statuses(vendor))
            (coverage(scene, vendor))
            (bypasses(scene, vendor))
            @if findings.is_empty() && scene.snapshot.at.is_some() {
                p { "No host asked for any of its names." }
            }
            @if !findings.is_empty() {
                (table(&findings))
            }
        }
    }
}

fn of_vendor<'a>(scene: &'a Scene, vendor: &VendorView) -> Vec<&'a Finding> {
    let findings = scene.snapshot.findings.iter();
    findings
        .filter(|finding| finding.vendor == vendor.id)
        .collect()
}

fn cutoffs(scene: &Scene, vendor: &VendorView) -> Markup {
    let mut told: BTreeSet<(&str, Option<&str>)> = BTreeSet::new();
    let first: Vec<_> = vendor
        .cutoffs
        .iter()
        .map(|in_force| (&in_force.cutoff, in_force.group.as_deref()))
        .filter(|(cutoff, group)| told.insert((&cutoff.id, *group)))
        .collect();
    html! {
        @if first.is_empty() {
            p { "No cutoff is in force, so no host can be a straggler." }
        }
        @for (cutoff, group) in first {
            p.cutoff {
                @if let Some(group) = group { "Group " (group) ": cutoff " } @else { "Cutoff " }
                (time(cutoff.at))
                @if let Some(at) = scene.snapshot.at {
                    @if at >= cutoff.at {
                        " (" (span(at.since(cutoff.at))) " ago)"
                    } @else {
                        " (in " (span(cutoff.at.since(at))) ")"
                    }
                }
                " for " (words(&cutoff.categories)) ", " (cutoff.jurisdiction) ": "
                (cutoff.said_as())
                a href=(cutoff.source) rel="noreferrer" { (cutoff.authority) }
                ". Binds: " (cutoff.binds)
            }
        }
    }
}

fn words(categories: &[Category]) -> String {
    let labels: Vec<&str> = categories.iter().map(|category| category.label()).collect();
    labels.join(" and ")
}

fn statuses(vendor: &VendorView) -> Markup {
    let counts = Status::ALL.iter().filter_map(|&status| {
        let count: u64 = vendor
            .hosts
            .iter()
            .filter(|((_, other), _)| *other == status)
            .map(|(_, count)| count)
            .sum();
        (count > 0).then_some((status, count))
    });
    html! {
        ul.counts {
            @for (status, count) in counts {
                li { span.status.(status.label()) { (status) } " " (count) }
            }
        }
    }
}

/// What protects hosts that used the vendor. "No replacement seen" is not "unprotected", and that is said.
fn coverage(scene: &Scene, vendor: &VendorView) -> Markup {
    let hosts = || {
        scene
            .snapshot
            .coverage
            .iter()
            .filter(|view| view.vendor == vendor.id)
    };
    let count = |coverage| hosts().filter(|view| view.coverage == coverage).count();
    let counts: Vec<String> = [
        (Coverage::Moved, "moved to a replacement"),
        (Coverage::Both, "with both"),
        (Coverage::NoneSeen, "for which no replacement was seen"),
        (Coverage::Straggling, "straggling"),
    ]
    .into_iter()
    .map(|(coverage, words)| (count(coverage), words))
    .filter(|(count, _)| *count > 0)
    .map(|(count, words)| format!("{count} {words}"))
    .collect();
    html! {
        @if !counts.is_empty() {
            p {
                "Present hosts that used it: " (counts.join(", ")) "."
                @if count(Coverage::NoneSeen) > 0 {
                    " That none was seen is no proof: updates may come from a server inside, or under names that are shared."
                }
            }
        }
    }
}

/// Hosts that ask a resolver which is not the network's.
fn bypasses(scene: &Scene, vendor: &VendorView) -> Markup {
    let views = scene.snapshot.bypasses.iter();
    let views: Vec<_> = views
        .filter(|view| view.vendor == vendor.id)
        .take(MAX_ROWS)
        .collect();
    html! {
        @if !views.is_empty() {
            p { "Asked a resolver that is not the network’s:" }
            ul {
                @for view in views {
                    li {
                        (view.host) " asked " (view.resolver.to_string()) " for " (view.name) " at " (time(view.last_seen))
                        @if view.after_refusal { ", after the network’s own had refused" }
                        @if view.product_fallback { " (" (PRODUCT_FALLBACK) ")" }
                    }
                }
            }
        }
    }
}
