//! The overview: the answer first, then what speaks for it, then what could not be seen, then the sensor's health.

use std::collections::BTreeSet;

use maud::{Markup, html};

use super::past::{Days, Told};
use super::shell::{self, renewed};
use super::wanted::Wanted;
use super::{answer, controls, health, hosts, unseen, vendor};
use crate::metrics::Scene;
use crate::model::HostKey;
use crate::report::{plain, restricted};

/// Parts of the page with the words that lead to them.
const PARTS: [(&str, &str); 4] = [
    ("vendors", "Vendors"),
    ("hosts", "Hosts"),
    ("unseen", "What could not be seen"),
    ("sensor", "Sensor"),
];

/// The whole page.
pub(super) fn render(scene: &Scene, wanted: &Wanted, days: &Told<Days>) -> String {
    let main = html! {
        (renewed("alerts", &alerts(scene)))
        (renewed("answer", &answer::answer(scene)))
        nav aria-label="On this page" {
            ul { @for (id, words) in PARTS { li { a href={ "#" (id) } { (words) } } } }
        }
        (renewed("vendors", &html! {
            @for vendor in restricted(&scene.snapshot) {
                (vendor::section(scene, vendor, days))
            }
            (vendor::replacements(scene))
        }))
        section #hosts aria-labelledby="hosts-title" {
            h2 #hosts-title { "Hosts" }
            (controls::form(scene, wanted))
            (renewed("rows", &hosts::table(scene, wanted)))
        }
        section #unseen aria-labelledby="unseen-title" {
            h2 #unseen-title { "What could not be seen" }
            (renewed("unseen-now", &unseen::unseen(scene)))
        }
        section #sensor aria-labelledby="sensor-title" {
            h2 #sensor-title { "Sensor" }
            (renewed("sensor-now", &health::health(scene)))
        }
    };
    shell::document(&title(scene), "", &main)
}

fn title(scene: &Scene) -> String {
    if scene.snapshot.at.is_none() || restricted(&scene.snapshot).next().is_none() {
        return "Straggler: nothing to say yet".to_owned();
    }
    match stragglers(scene).len() {
        0 => "No stragglers".to_owned(),
        count => shell::counted(count as u64, "straggler", "stragglers"),
    }
}

/// Hosts that are stragglers of any vendor.
pub(super) fn stragglers(scene: &Scene) -> BTreeSet<&HostKey> {
    let stragglers = scene.snapshot.stragglers();
    stragglers.map(|finding| &finding.host).collect()
}

/// What is wrong with the sensor: whatever stands below is worth less for it.
fn alerts(scene: &Scene) -> Markup {
    let store = scene.store.iter();
    let store: Vec<String> = store
        .flat_map(|store| store.fault.iter().chain(&store.notice))
        .map(|text| format!("The store: {text}"))
        .collect();
    let faults = scene.faults();
    let all: Vec<&String> = faults.iter().chain(&store).collect();
    html! {
        @if !all.is_empty() {
            div.alerts role="alert" {
                h2 { "The sensor has a problem" }
                ul { @for text in all { li { (plain(text)) } } }
            }
        }
    }
}
