//! The proof of what is said of a host: each name with who says whose it is, and sample flows that can be looked up in
//! other logs.

use maud::{Markup, html};

use super::shell::{counted, level, source, time};
use crate::model::{Finding, NameUse, Protocol, Sample, SampleFlow, Snapshot};
use crate::report::{bytes, definitions, plain};

/// Every name of every finding, latest first.
pub(super) fn all(snapshot: &Snapshot, findings: &[&Finding]) -> Markup {
    html! {
        @if findings.is_empty() {
            p { "There is nothing to prove." }
        } @else {
            p.quiet { "Of each name the latest flows in contact with the vendor; of one without any, those that tried or asked. Eight at most. Ports and times are those of the capture." }
        }
        @for finding in findings {
            @for name in &finding.names { (of_name(snapshot, finding, name)) }
            @if finding.names_left_out > 0 {
                p { (counted(finding.names_left_out, "more name", "more names")) " of " (plain(&finding.vendor_name)) ", " (finding.category) ": seen and not kept." }
            }
        }
    }
}

fn of_name(snapshot: &Snapshot, finding: &Finding, name: &NameUse) -> Markup {
    let service = &name.service;
    let signals: Vec<&str> = name.signals.iter().map(|signal| signal.label()).collect();
    let url = &service.source;
    html! {
        article.proof {
            h3 { bdi { (name.name) } " " (level(name.evidence)) }
            dl.about {
                div { dt { "Vendor" } dd { (plain(&finding.vendor_name)) ", " (finding.category) } }
                div {
                    dt { "Service" }
                    dd { (plain(&service.name)) @if let Some(note) = &service.note { br; span.quiet { (plain(note)) } } }
                }
                div { dt { "Who says so" } dd { (source(&format!("{}: {}", service.confidence, site(url)), url)) ", pack version " (plain(&service.pack_version)) } }
                div { dt { "Seen by" } dd { (signals.join(", ")) @if name.is_by_address() { ", by address: no flow said the name" } } }
                div { dt { "Seen" } dd { (counted(name.sightings, "time", "times")) " at all levels, " (time(name.first_seen)) " to " (time(name.last_seen)) } }
                div { dt { "Payload" } dd { (bytes(name.received)) " received, " (bytes(name.sent)) " sent, in all flows with this name, before the cutoff and after" } }
            }
            @if name.samples.is_empty() { p.quiet { "No sample flow was kept." } }
            @else { (flows(snapshot, finding, name)) }
        }
    }
}

fn flows(snapshot: &Snapshot, finding: &Finding, name: &NameUse) -> Markup {
    let has = |part: fn(&Sample) -> bool| name.samples.iter().any(|flow| part(&flow.sample));
    let (placed, told) = (
        has(|sample| sample.interface.is_some() || sample.vlan.is_some()),
        has(|sample| sample.user_agent.is_some()),
    );
    html! {
        div.scroll tabindex="0" role="region" aria-label={ "Sample flows of " (name.name) } {
            table {
                caption { (name.samples.len()) " of " (counted(name.sightings, "sighting", "sightings")) " of this name, as flows" }
                thead { tr {
                    th scope="col" { "Time" } th scope="col" { "Client" } th scope="col" { "Server" } th scope="col" { "Over" }
                    th scope="col" { "Signal" } th scope="col" { "Level" } th scope="col" { "Pattern that matched" }
                    @if placed { th scope="col" { "Seen on" } }
                    @if told { th scope="col" { "User-Agent" } }
                } }
                tbody {
                    @for SampleFlow { evidence, signal, sample } in &name.samples {
                        tr {
                            th scope="row" {
                                (time(sample.time))
                                @if finding.cutoff.is_some_and(|cutoff| sample.time < cutoff) { br; span.quiet { "before the cutoff" } }
                            }
                            td { (sample.client) }
                            td {
                                (sample.server)
                                @if let Some((range, network)) = snapshot.vendor_network(&finding.vendor, sample.server.addr) {
                                    br; span.quiet { (definitions::own_network(network)) " (" (range) ")" }
                                }
                            }
                            td { (over(sample.protocol)) }
                            td { (signal.label()) }
                            td { (evidence) }
                            td.names { code { (plain(&sample.pattern)) } }
                            @if placed { td { (place(sample)) } }
                            @if told { td.names { @if let Some(agent) = &sample.user_agent { bdi { (plain(agent.as_str())) } } } }
                        }
                    }
                }
            }
        }
    }
}

fn place(sample: &Sample) -> Markup {
    html! {
        @if let Some(interface) = &sample.interface { (plain(interface)) }
        @if let Some(vlan) = sample.vlan { " VLAN " (vlan) }
    }
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
