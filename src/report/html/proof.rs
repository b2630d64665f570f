//! The proof of each finding: names, how they were seen, and sample flows that can be looked up in other logs.

use maud::{Markup, html as markup};

use super::findings::status;
use super::{source, table, time};
use crate::model::{Finding, HostView, NameUse, Protocol, SampleFlow};
use crate::report::escape::plain;
use crate::report::units::counted;
use crate::report::{Report, bytes, definitions};

/// Findings with their proof, worst first; the JSON form has all of them. A page of 500 is some 400 sheets.
const MAX_PROOFS: usize = 500;

/// One article per finding.
pub(super) fn all(report: &Report) -> Markup {
    let findings = &report.snapshot.findings;
    markup! {
        @if findings.is_empty() {
            p { "There is no finding to prove." }
        } @else {
            p { "For each name its latest flows in contact with the vendor, eight at most; of one without any, those that tried or asked. Ports and times are those of the capture." }
        }
        @for finding in findings.iter().take(MAX_PROOFS) { (article(report, finding)) }
        @if findings.len() > MAX_PROOFS {
            p { "The proof of the " (MAX_PROOFS) " findings that matter most of " (findings.len()) "; the JSON form has all." }
        }
    }
}

fn article(report: &Report, finding: &Finding) -> Markup {
    let view = report.snapshot.host(&finding.host);
    markup! {
        details open {
            summary {
                h3 {
                    @if let Some(name) = view.and_then(|view| view.name.as_deref()) { bdi { (plain(name)) } ", " }
                    bdi { (plain(finding.host.as_str())) } ": " (plain(&finding.vendor_name)) " " (finding.category)
                }
            }
            dl {
                (item("Status", markup! { (status(finding)) @if finding.straggler { " – " span.mark { "straggler" } } }))
                @if let Some(exception) = &finding.exception {
                    (item("Excepted", markup! {
                        "until " (time(report, exception.until)) " by " bdi { (plain(&exception.by)) } ": " bdi { (plain(&exception.reason)) }
                    }))
                }
                (item("Addresses", markup! { (words(&finding.addresses)) }))
                @if let Some(view) = view { (known(report, view)) }
                (item("Seen", markup! { (time(report, finding.first_seen)) " to " (time(report, finding.last_seen)) }))
                @for (level, &last) in crate::model::Evidence::ALL.iter().zip(&finding.last_by_evidence) {
                    @if let Some(last) = last { (item(&format!("Last {level}"), time(report, last))) }
                }
                @if let Some((instant, kind)) = finding.last_blocked {
                    (item("Last stopped", markup! { (time(report, instant)) " by " (kind.phrase()) }))
                }
                (item("Payload", markup! { (bytes(finding.received)) " received, " (bytes(finding.sent)) " sent" }))
                @if finding.cutoff.is_some() {
                    (item("Of it after the cutoff", markup! {
                        (bytes(finding.after_cutoff_received)) " received, " (bytes(finding.after_cutoff_sent)) " sent, "
                        (counted(finding.after_cutoff_sightings, "sighting", "sightings")) " at all levels"
                    }))
                }
            }
            (names(report, finding))
            (flows(report, finding))
        }
    }
}

fn item(word: &str, value: Markup) -> Markup {
    markup! { div { dt { (word) } dd { (value) } } }
}

fn known(report: &Report, view: &HostView) -> Markup {
    let text = |word: &str, value: &Option<String>| {
        markup! { @if let Some(value) = value { (item(word, markup! { bdi { (plain(value)) } })) } }
    };
    markup! {
        @if !view.macs.is_empty() { (item("Hardware addresses", markup! { (words(&view.macs)) })) }
        @if !view.aliases.is_empty() { (item("Known before as", markup! { bdi { (plain(&words(&view.aliases))) } })) }
        (text("Owner", &view.owner))
        (text("Site", &view.site))
        (text("Says it is", &view.device))
        @if !view.roles.is_empty() {
            (item("In the network", markup! { @for &role in &view.roles { (definitions::role(role)) br; } }))
        }
        (item("Identity", markup! {
            (definitions::confidence(view.confidence)) ", present " (time(report, view.first_seen)) " to " (time(report, view.last_seen))
        }))
    }
}

fn names(report: &Report, finding: &Finding) -> Markup {
    let head = [
        "Name",
        "Service",
        "Seen by",
        "Level",
        "Sightings",
        "First seen",
        "Last seen",
        "Who says so",
    ];
    let rows = finding.names.iter().map(|name| {
        let service = &name.service;
        markup! {
            th scope="row" .names { bdi { (name.name) } }
            td.wide { (plain(&service.name)) @if let Some(note) = &service.note { br; span.quiet { (plain(note)) } } }
            td { (words(&name.signals)) @if name.is_by_address() { br; span.quiet { "by address" } } }
            td { (name.evidence) }
            td.number { (name.sightings) }
            td { (time(report, name.first_seen)) }
            td { (time(report, name.last_seen)) }
            td { (source(&format!("{}: {}", service.confidence, site(&service.source)), &service.source)) br; span.quiet { "pack " (plain(&service.pack_version)) } }
        }
    });
    markup! {
        (table("Names", &head, rows, "No name was kept."))
        @if finding.names_left_out > 0 { p { (counted(finding.names_left_out, "more name was", "more names were")) " seen and not kept." } }
    }
}

fn flows(report: &Report, finding: &Finding) -> Markup {
    let rows: Vec<(&NameUse, &SampleFlow)> = finding
        .names
        .iter()
        .flat_map(|name| name.samples.iter().map(move |flow| (name, flow)))
        .collect();
    let head = [
        "Time",
        "Client",
        "Server",
        "Over",
        "Signal",
        "Level",
        "Name",
        "Pattern that matched",
    ];
    table(
        "Sample flows",
        &head,
        rows.iter().map(|(name, flow)| {
            let sample = &flow.sample;
            markup! {
                th scope="row" { (time(report, sample.time)) }
                td { (sample.client) }
                td {
                    (sample.server)
                    @if let Some((_, network)) = report.snapshot.vendor_network(&finding.vendor, sample.server.addr) {
                        br; span.quiet { (definitions::own_network(network)) }
                    }
                }
                td { (over(sample.protocol)) }
                td { (flow.signal) }
                td { (flow.evidence) }
                td.names { bdi { (name.name) } }
                td.names { code { (plain(&sample.pattern)) } }
            }
        }),
        "No sample flow was kept.",
    )
}

/// The site of a web address: enough for the eye, the rest is in the link.
fn site(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or(rest)
}

fn over(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Tcp => "TCP",
        Protocol::Udp => "UDP",
        Protocol::Esp => "ESP",
    }
}

fn words<T: ToString>(values: &[T]) -> String {
    let texts: Vec<String> = values.iter().map(ToString::to_string).collect();
    texts.join(", ")
}
