//! One host: what is known of it, what it does with each vendor, by what proof, and how that went.

use maud::{Markup, html};

use super::past::{Before, Told};
use super::shell::{self, called, counted, level, renewed, status, time};
use super::{history, proof};
use crate::metrics::Scene;
use crate::model::{Category, CoverageView, Evidence, Finding, HostKey, HostView, Snapshot};
use crate::report::{PRODUCT_FALLBACK, bytes, definitions, plain, when};

/// The page; `None` for a host that neither the snapshot nor the store knows.
pub(super) fn render(
    scene: &Scene,
    known: Option<&HostView>,
    key: &HostKey,
    past: &Told<Option<Before>>,
) -> Option<String> {
    let before = match past {
        Told::Read(before) => before.as_ref(),
        Told::NotKept | Told::NotYet | Told::Failed(_) => None,
    };
    if known.is_none() && before.is_none() {
        return None;
    }
    let view = known.or_else(|| before.and_then(|before| before.view.as_ref()));
    let of_host = scene
        .snapshot
        .findings
        .iter()
        .filter(|finding| finding.host == *key);
    let findings: Vec<&Finding> = of_host.collect();
    let name = called(view, key);
    let main = html! {
        p.back { a href="../" { "← All hosts" } }
        (renewed("about", &html! {
            h1.name { bdi { (name) } }
            @if key.as_str() != name { p.quiet { bdi { (plain(key.as_str())) } } }
            @for finding in findings.iter().filter(|finding| finding.straggler) { (accusation(scene, finding)) }
            section aria-labelledby="known" {
                h2 #known { "What is known of it" }
                @match view {
                    Some(view) => (about(view)),
                    None => p { "Nothing but its key." }
                }
            }
            section aria-labelledby="now" {
                h2 #now { "What it does" }
                @if findings.is_empty() { p { "No name that only a vendor’s product asks for is remembered of it." } }
                @for finding in &findings { (now(&scene.snapshot, finding)) }
                (coverage(&scene.snapshot, key))
                (bypasses(&scene.snapshot, key))
                (weak(&scene.snapshot, key))
            }
        }))
        section aria-labelledby="proof" {
            h2 #proof { "Proof" }
            (renewed("proof-now", &proof::all(&scene.snapshot, &findings)))
        }
        section aria-labelledby="history" {
            h2 #history { "History" }
            (renewed("history-now", &history::history(key, past)))
        }
    };
    Some(shell::document(
        &format!("{name} – Straggler"),
        "../",
        &main,
    ))
}

/// The page where there is no such host.
pub(super) fn unknown(key: &HostKey, past: &Told<Option<Before>>) -> String {
    let main = html! {
        h1 { "No such host" }
        p { "Nothing is known of a host " bdi { "“" (plain(key.as_str())) "”" } " by this key, address, hardware address or name. Either no name of a vendor was read from it, or that is too long ago." }
        @if let Told::Failed(why) = past { p.fault { "What is stored cannot be read now: " (plain(why)) "." } }
        p { a href="../" { "All hosts" } }
    };
    shell::document("No such host – Straggler", "../", &main)
}

fn accusation(scene: &Scene, finding: &Finding) -> Markup {
    let vendor = scene.snapshot.vendor(&finding.vendor);
    let mut cutoffs = vendor.into_iter().flat_map(|vendor| &vendor.cutoffs);
    let cutoff = cutoffs.find(|one| one.category == finding.category && one.group == finding.group);
    // A look-up accuses nobody, so one that came later is not the last time.
    let [_, _, contact, transfer] = finding.last_by_evidence;
    let last = contact.max(transfer).unwrap_or(finding.last_seen);
    html! {
        p.accused {
            span.mark { "straggler" } " "
            @if matches!(finding.category, Category::Update | Category::Download) { "Still fetches from " } @else { "Still reports to " }
            strong { (plain(&finding.vendor_name)) } " (" (finding.category) "), last at " (time(last))
            @if let Some(in_force) = cutoff {
                ", though that had to stop at " (time(in_force.cutoff.at)) " (" (when(&scene.snapshot, &in_force.cutoff)) ", " (plain(&in_force.cutoff.jurisdiction)) ")"
            }
            "."
        }
    }
}

fn item(word: &str, value: &Markup) -> Markup {
    html! { div { dt { (word) } dd { (value) } } }
}

fn list<T: ToString>(values: &[T]) -> Markup {
    html! { @for (index, value) in values.iter().enumerate() { @if index > 0 { br; } bdi { (plain(&value.to_string())) } } }
}

fn about(view: &HostView) -> Markup {
    let text = |word: &str, value: &Option<String>| {
        html! { @if let Some(value) = value { (item(word, &html! { bdi { (plain(value)) } })) } }
    };
    html! {
        dl.about {
            (text("Name", &view.name))
            @if !view.addresses.is_empty() { (item("Addresses now", &list(&view.addresses))) }
            @if !view.macs.is_empty() { (item("Hardware addresses", &list(&view.macs))) }
            (text("Owner", &view.owner))
            (text("Site", &view.site))
            (text("Says it is", &view.device))
            @if !view.roles.is_empty() {
                (item("In the network", &html! { @for &role in &view.roles { (definitions::role(role)) br; } }))
            }
            (item("Identity", &html! { (definitions::confidence(view.confidence)) }))
            @if !view.aliases.is_empty() { (item("Known before as", &list(&view.aliases))) }
            (item("Present", &html! { (time(view.first_seen)) " to " (time(view.last_seen)) }))
        }
    }
}

/// One vendor and category.
fn now(snapshot: &Snapshot, finding: &Finding) -> Markup {
    html! {
        article.finding.straggler[finding.straggler] {
            h3 { (plain(&finding.vendor_name)) ", " (finding.category) " " (status(finding)) }
            p.quiet { (definitions::status(finding.status)) }
            dl.about {
                @if let Some(exception) = &finding.exception {
                    (item("Excepted", &html! { "until " (time(exception.until)) " by " bdi { (plain(&exception.by)) } ": " bdi { (plain(&exception.reason)) } }))
                }
                @if let Some(cutoff) = finding.cutoff {
                    (item("Cutoff", &html! {
                        (time(cutoff))
                        @if let Some(group) = &finding.group { ", of the group " (plain(group)) }
                    }))
                }
                (item("Furthest ever", &level(finding.evidence)))
                (item("Seen", &html! { (time(finding.first_seen)) " to " (time(finding.last_seen)) }))
                @for (&reached, last) in Evidence::ALL.iter().zip(finding.last_by_evidence) {
                    @if let Some(last) = last { (item(&format!("Last {reached}"), &time(last))) }
                }
                @if let Some((instant, kind)) = finding.last_blocked {
                    (item("Last stopped", &html! { (time(instant)) " by " (kind.phrase()) }))
                }
                (item("Payload in all", &html! { (bytes(finding.received)) " received, " (bytes(finding.sent)) " sent" }))
                @if finding.cutoff.is_some() {
                    (item("Of it after the cutoff", &html! {
                        (bytes(finding.after_cutoff_received)) " received, " (bytes(finding.after_cutoff_sent)) " sent, "
                        (counted(finding.after_cutoff_sightings, "sighting", "sightings")) " at all levels"
                    }))
                }
                @if snapshot.vendor(&finding.vendor).is_none() { (item("Rules", &html! { "no pack of this vendor is in force" })) }
            }
        }
    }
}

fn coverage(snapshot: &Snapshot, key: &HostKey) -> Markup {
    let views = snapshot.coverage.iter().filter(|view| view.host == *key);
    let views: Vec<&CoverageView> = views.collect();
    html! {
        @for view in views {
            p {
                "What protects it instead of " (view.vendor) " – " (definitions::coverage(view.coverage)) "."
                @for (vendor, category, last) in &view.replacements { " " (vendor) " (" (category) "), last at " (time(*last)) "." }
            }
        }
    }
}

fn bypasses(snapshot: &Snapshot, key: &HostKey) -> Markup {
    let views = snapshot.bypasses.iter().filter(|view| view.host == *key);
    html! {
        @for view in views {
            p {
                "It asked " (view.resolver) ", which is no resolver of the network, for " (view.name) " of " (view.vendor) " at " (time(view.last_seen))
                @if view.after_refusal { ", after the network’s own had refused" }
                @if view.product_fallback { " (" (PRODUCT_FALLBACK) ")" }
                "."
            }
        }
    }
}

fn weak(snapshot: &Snapshot, key: &HostKey) -> Markup {
    let uses = snapshot.weak.iter().filter(|weak| weak.host == *key);
    html! {
        @for weak in uses {
            p.quiet {
                "It also asked for names of " (weak.vendor) " (" (weak.category) ") that prove nothing: "
                @for (index, name) in weak.names.iter().enumerate() { @if index > 0 { ", " } (name) }
                "."
            }
        }
    }
}
