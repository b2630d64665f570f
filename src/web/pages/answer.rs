//! The answer in one look: how many stragglers, how sure that is, and what it does not cover.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::overview::stragglers;
use super::shell::{counted, grouped, time};
use crate::metrics::Scene;
use crate::model::{KeyConfidence, Status};
use crate::report::{percent, restricted, shortcomings};

/// The answer over all vendors.
pub(super) fn answer(scene: &Scene) -> Markup {
    if let Some(words) = nothing_yet(scene) {
        return html! {
            section.answer.unsure aria-labelledby="answer-title" {
                h1 #answer-title { (words.0) }
                p { (words.1) }
            }
        };
    }
    let count = stragglers(scene).len();
    let short = shortcomings(scene.snapshot.looked, &scene.tracker.seen, drops(scene));
    // What nobody looked for was not found either.
    let unsure = !short.is_empty() || !scene.faults.is_empty();
    let tone = match (count, unsure) {
        (0, false) => "good",
        (0, true) => "unsure",
        _ => "bad",
    };
    html! {
        section.answer.(tone) aria-labelledby="answer-title" {
            h1 #answer-title {
                span.count { (grouped(count as u64)) }
                span.words {
                    @match count {
                        0 => "hosts were seen to fetch a vendor’s updates, or to report to it, after its cutoff",
                        1 => "host still fetches a vendor’s updates, or reports to it, after its cutoff",
                        _ => "hosts still fetch a vendor’s updates, or report to it, after its cutoff",
                    }
                }
            }
            @if let Some(at) = scene.snapshot.at {
                p { "As of " (time(at)) " UTC, by the 24 hours before." }
            }
            dl.facts { (surety(scene)) (view(scene)) }
            @if !short.is_empty() {
                p.short { strong { "This is not all." } " " (short.join(" ")) " " a href="#unseen" { "What could not be seen" } }
            }
        }
    }
}

/// Why there is no answer, in a heading and a sentence.
fn nothing_yet(scene: &Scene) -> Option<(&'static str, &'static str)> {
    if !scene.ready {
        return Some((
            "Nothing yet: the captures are still being read",
            "The captures are still being read. The answer comes when they are read to their end.",
        ));
    }
    if restricted(&scene.snapshot).next().is_none() {
        return Some((
            "Nothing is looked for",
            "No pack of a restricted vendor is in force: nothing is looked for.",
        ));
    }
    if scene.snapshot.at.is_none() {
        return Some((
            "Nothing yet: waiting for traffic",
            "No packet was seen yet: nothing can be said. If this stays, see below whether an interface is up and takes frames; \
             a switch port sends a sensor nothing before it is made a mirror.",
        ));
    }
    None
}

/// How sure the stragglers are: how far they got, and what their keys rest on.
fn surety(scene: &Scene) -> Markup {
    let mut hosts: BTreeMap<_, bool> = BTreeMap::new();
    for finding in scene.snapshot.stragglers() {
        *hosts.entry(&finding.host).or_default() |= finding.status == Status::Fetching;
    }
    let fetching = hosts.values().filter(|fetching| **fetching).count() as u64;
    let rest = hosts.len() as u64 - fetching;
    let by = |confidence: KeyConfidence| {
        let views = hosts.keys().filter_map(|key| scene.snapshot.host(key));
        views.filter(|view| view.confidence == confidence).count()
    };
    let known: Vec<String> = [
        (KeyConfidence::Inventory, "by the inventory"),
        (KeyConfidence::Hardware, "by hardware address"),
        (KeyConfidence::Address, "by address only"),
    ]
    .into_iter()
    .map(|(confidence, words)| (by(confidence), words))
    .filter(|(count, _)| *count > 0)
    .map(|(count, words)| format!("{} {words}", grouped(count as u64)))
    .collect();
    html! {
        @if !hosts.is_empty() {
            div {
                dt { "How far they got" }
                dd { (grouped(fetching)) " fetching, " (grouped(rest)) " in contact" }
            }
            @if !known.is_empty() { div { dt { "How they are known" } dd { (known.join(", ")) } } }
        }
    }
}

/// How much was seen.
fn view(scene: &Scene) -> Markup {
    let seen = &scene.tracker.seen;
    let named: u64 = seen.named_flows.iter().sum();
    let blind: u64 = seen.blind_flows.iter().sum();
    html! {
        div { dt { "Time captured" } dd { (percent(scene.snapshot.looked)) " % of 24 hours" } }
        div {
            dt { "Flows with a name" }
            dd {
                @match (named * 100).checked_div(named + blind) {
                    // Rounded down: 100 % is said of all only.
                    Some(share) => { (share) " % of " (grouped(named + blind)) }
                    None => "none of a kind that has one",
                }
            }
        }
        div {
            dt { "Frames lost" }
            dd {
                @if scene.interfaces.is_empty() { "not known" }
                @else { (counted(drops(scene), "frame", "frames")) }
            }
        }
    }
}

/// Frames that the kernel and the interfaces dropped.
pub(super) fn drops(scene: &Scene) -> u64 {
    let lost = scene.interfaces.iter().map(|interface| interface.capture);
    lost.map(|lost| lost.kernel_drops + lost.interface_drops)
        .sum()
}
