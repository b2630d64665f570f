//! One restricted vendor: its stragglers, the cutoffs, hosts by status and coverage, and how that went day by day.

use maud::{Markup, html};

use super::chart;
use super::past::{Days, Told};
use super::shell::{badge, counted, grouped, host_path, source, time};
use super::wanted::{Statuses, Vendors, Wanted};
use crate::metrics::Scene;
use crate::model::{Coverage, PackRole, Status, VendorView};
use crate::report::{PRODUCT_FALLBACK, cutoffs, definitions, plain, when};

/// Hosts that ask foreign resolvers, as many as are listed; the read API has all.
const MAX_BYPASSES: usize = 20;

/// All that is known of a restricted vendor but its hosts.
pub(super) fn section(scene: &Scene, vendor: &VendorView, days: &Told<Days>) -> Markup {
    let id = format!("v-{}", vendor.id);
    let count = vendor.straggling_hosts;
    html! {
        section.vendor aria-labelledby=(id) {
            h2 id=(id) { (plain(&vendor.name)) }
            @if scene.snapshot.at.is_some() {
                p.tally.(if count > 0 { "bad" } else { "none" }) {
                    @if count > 0 {
                        a href=(link(vendor, Statuses::Stragglers)) { strong { (grouped(count)) } " " (if count == 1 { "straggler" } else { "stragglers" }) }
                    } @else {
                        strong { "0" } " stragglers seen"
                    }
                }
            }
            (in_force(scene, vendor))
            div.halves {
                div {
                    h3 { "Hosts now, by status" }
                    (statuses(scene, vendor))
                    (coverage(scene, vendor))
                }
                div {
                    h3 { "Stragglers per day" }
                    (chart::chart(vendor, days))
                }
            }
            (bypasses(scene, vendor))
        }
    }
}

fn link(vendor: &VendorView, statuses: Statuses) -> String {
    let wanted = Wanted {
        vendors: Vendors::One(vendor.id.clone()),
        statuses,
        ..Wanted::default()
    };
    wanted.link()
}

fn in_force(scene: &Scene, vendor: &VendorView) -> Markup {
    let rows = cutoffs(vendor);
    html! {
        @if rows.is_empty() {
            p { "No cutoff is in force, so no host can be a straggler." }
        } @else {
            ul.cutoffs {
                @for row in &rows {
                    @let cutoff = row.cutoff;
                    li {
                        @if let Some(group) = row.group { "Group " (plain(group)) ": " }
                        "Cutoff for " (row.words()) ": " strong { (time(cutoff.at)) } " UTC"
                        @if scene.snapshot.at.is_some() { ", " strong { (when(&scene.snapshot, cutoff)) } }
                        ". " (plain(&cutoff.jurisdiction)) ", "
                        (cutoff.said_as()) (source(&cutoff.authority, &cutoff.source)) "."
                        " " span.quiet { "Binds: " (plain(&cutoff.binds)) }
                    }
                }
            }
        }
    }
}

/// By category, because a host may fetch updates and be silent otherwise.
fn statuses(scene: &Scene, vendor: &VendorView) -> Markup {
    html! {
        @if scene.snapshot.at.is_none() {
            p.quiet { "No packet was seen yet." }
        } @else if vendor.hosts.is_empty() {
            p { "No host asked for any of its names, as far as could be seen." }
        } @else {
            dl.statuses {
                @for &category in &vendor.categories {
                    @let counts: Vec<(Status, u64)> = vendor.hosts.iter()
                        .filter(|((other, _), count)| *other == category && **count > 0)
                        .map(|((_, status), count)| (*status, *count)).collect();
                    @if !counts.is_empty() {
                        div {
                            dt { (category) }
                            dd {
                                ul.counts {
                                    @for (status, count) in counts {
                                        li { a href=(link(vendor, Statuses::One(status))) title=(definitions::status(status)) { (badge(status)) " " span.amount { (grouped(count)) } } }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// What protects hosts that used the vendor. "No replacement seen" is not "unprotected", and that is said.
fn coverage(scene: &Scene, vendor: &VendorView) -> Markup {
    let views = || {
        let views = scene.snapshot.coverage.iter();
        views.filter(|view| view.vendor == vendor.id)
    };
    let count = |coverage| views().filter(|view| view.coverage == coverage).count();
    let words = |coverage| match coverage {
        Coverage::Moved => "moved to a replacement",
        Coverage::Both => "use both",
        Coverage::NoneSeen => "no replacement seen",
        Coverage::Straggling => "still straggling",
    };
    html! {
        @if views().next().is_some() {
            h3 { "What protects hosts that used it" }
            ul.counts {
                @for &coverage in Coverage::ALL {
                    @if count(coverage) > 0 { li { strong { (grouped(count(coverage) as u64)) } " " (words(coverage)) } }
                }
            }
            @if count(Coverage::NoneSeen) > 0 {
                p.quiet { "That no replacement was seen is no proof: updates may come from a server inside, or under names that are shared." }
            }
        }
    }
}

/// Hosts that ask a resolver which is not the network's.
fn bypasses(scene: &Scene, vendor: &VendorView) -> Markup {
    let views = scene.snapshot.bypasses.iter();
    let views: Vec<_> = views.filter(|view| view.vendor == vendor.id).collect();
    html! {
        @if !views.is_empty() {
            details {
                summary { (counted(views.len() as u64, "host asks", "hosts ask")) " a resolver that is not the network’s" }
                ul {
                    @for view in views.iter().take(MAX_BYPASSES) {
                        li {
                            a href=(host_path(&view.host)) { (plain(view.host.as_str())) }
                            " asked " (view.resolver) " for " (view.name) " at " (time(view.last_seen))
                            @if view.after_refusal { ", after the network’s own had refused" }
                            @if view.product_fallback { " (" (PRODUCT_FALLBACK) ")" }
                        }
                    }
                }
                @if views.len() > MAX_BYPASSES { p { "The first " (MAX_BYPASSES) " of " (views.len()) "." } }
            }
        }
    }
}

/// Replacements that were seen, each with its hosts.
pub(super) fn replacements(scene: &Scene) -> Markup {
    let of_role = scene
        .snapshot
        .vendors
        .iter()
        .filter(|vendor| vendor.role == PackRole::Replacement);
    let seen: Vec<(&VendorView, usize)> = of_role
        .map(|vendor| {
            let findings = scene
                .snapshot
                .findings
                .iter()
                .filter(|finding| finding.vendor == vendor.id);
            let hosts: std::collections::BTreeSet<_> =
                findings.map(|finding| &finding.host).collect();
            (vendor, hosts.len())
        })
        .filter(|(_, hosts)| *hosts > 0)
        .collect();
    html! {
        @if !seen.is_empty() {
            section aria-labelledby="replacements" {
                h2 #replacements { "Replacements seen" }
                ul.counts {
                    @for (vendor, hosts) in seen {
                        li { a href=(link(vendor, Statuses::All)) { (plain(&vendor.name)) } " on " (counted(hosts as u64, "host", "hosts")) }
                    }
                }
            }
        }
    }
}
