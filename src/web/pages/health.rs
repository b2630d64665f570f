//! The sensor's health: what it captures and loses, what is in force, what is kept and sent.

use maud::{Markup, html};

use super::shell::{counted, grouped, time};
use crate::metrics::{Scene, StoreScene};
use crate::model::{Protection, Protections, Timestamp};
use crate::report::{bytes, plain};

/// What a person wants to know who asks whether the sensor works.
pub(super) fn health(scene: &Scene) -> Markup {
    let seen = &scene.tracker.seen;
    html! {
        dl.health {
            div {
                dt { "Seen" }
                dd { (counted(seen.frames, "frame", "frames")) ", " (bytes(seen.wire_bytes)) ", " (counted(scene.snapshot.local_hosts, "local host", "local hosts")) " in the last 24 hours" }
            }
            div { dt { "Configuration" } dd { (reload(scene)) } }
            div { dt { "Store" } dd { (store(scene.store.as_ref())) } }
            div { dt { "Events" } dd { (events(scene)) } }
            div { dt { "Sandbox" } dd { (sandbox(scene.sandbox)) } }
            div { dt { "Version" } dd { "straggler " (env!("CARGO_PKG_VERSION")) } }
        }
        (interfaces(scene))
        (packs(scene))
    }
}

fn interfaces(scene: &Scene) -> Markup {
    html! {
        h3 { "Interfaces" }
        @if scene.interfaces.is_empty() {
            p { "None: recordings are read. What was dropped while they were made is not known." }
        } @else {
            div.scroll tabindex="0" role="region" aria-label="Interfaces" {
                table {
                    caption.hidden { "Interfaces" }
                    thead { tr {
                        th scope="col" { "Interface" } th scope="col" { "State" } th scope="col" .number { "Frames" }
                        th scope="col" .number { "Dropped by the kernel" } th scope="col" .number { "Dropped by the interface" }
                    } }
                    tbody {
                        @for interface in &scene.interfaces {
                            tr {
                                th scope="row" { (plain(&interface.name)) }
                                td { @if interface.up { span.badge.good { "up" } } @else { span.badge.bad { "down" } } }
                                td.number { (grouped(interface.tracker.seen.frames)) }
                                td.number { (grouped(interface.capture.kernel_drops)) }
                                td.number { (grouped(interface.capture.interface_drops)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn reload(scene: &Scene) -> Markup {
    let nanos = scene.reload.succeeded_at * 1e9;
    html! {
        // Zero where nothing was read at any time.
        @if nanos > 0.0 { "in force since " (time(Timestamp::from_nanos(nanos as i64))) } @else { "in force since the start" }
        @match scene.refused() {
            Some(why) => { "; " span.fault { (plain(&why)) } }
            None => "; none was refused since",
        }
    }
}

/// Whether findings outlive the daemon.
fn store(store: Option<&StoreScene>) -> Markup {
    html! {
        @match store {
            None => "findings are not kept: a restart begins with nothing (--state-dir keeps them)",
            Some(store) => {
                (plain(&store.folder))
                @if store.is_open { ", " (bytes(store.size_bytes)) } @else { ", " span.fault { "not open" } }
                @if let Some(last) = store.last_write { ", last written " (time(last)) }
                @if store.waiting > 0 && store.fault.is_some() { ", " (counted(store.waiting, "row waits", "rows wait")) " in memory" }
                @let lost = store.lost.sightings + store.lost.replies + store.lost.hosts + store.lost.looked + store.lost.events + store.lost.files;
                @if lost > 0 { ", " span.fault { (counted(lost, "record", "records")) " found no place and not kept" } }
                @let failed: u64 = store.errors.iter().sum();
                @if failed > 0 { ", " (counted(failed, "failure", "failures")) " since the start" }
            }
        }
    }
}

fn events(scene: &Scene) -> Markup {
    html! {
        @if scene.events.is_empty() { "no output is configured" }
        @for (index, (kind, counts)) in scene.events.iter().enumerate() {
            @if index > 0 { "; " }
            (kind) ": " (grouped(counts.ok)) " written"
            @if counts.error > 0 { ", " span.fault { (counted(counts.error, "try", "tries")) " failed" } }
            @if counts.dropped > 0 { ", " span.fault { (grouped(counts.dropped)) " given up" } }
        }
    }
}

/// What the process has given up, so that a fault in it is not one of the whole machine.
fn sandbox(in_force: Protections) -> Markup {
    let layers = |wanted: bool| {
        let layers = Protection::ALL.iter();
        let layers = layers.filter(|&&layer| in_force.has(layer) == wanted);
        let layers: Vec<&str> = layers.map(|layer| layer.label()).collect();
        layers.join(", ")
    };
    let (has, lacks) = (layers(true), layers(false));
    html! {
        @if has.is_empty() { "none: the process may do whatever its user may" } @else { (has) }
        @if !has.is_empty() && !lacks.is_empty() { "; missing: " span.fault { (lacks) } }
    }
}

fn packs(scene: &Scene) -> Markup {
    html! {
        details #packs {
            summary { "Rule packs in force: " (scene.snapshot.vendors.len()) }
            div.scroll tabindex="0" role="region" aria-label="Rule packs" {
                table {
                    caption.hidden { "Rule packs in force" }
                    thead { tr {
                        th scope="col" { "Vendor" } th scope="col" { "Role" } th scope="col" { "Version" }
                        th scope="col" .number { "Services" } th scope="col" { "Digest" }
                    } }
                    tbody {
                        @for vendor in &scene.snapshot.vendors {
                            tr {
                                th scope="row" { (plain(&vendor.name)) }
                                td { (vendor.role) } td { (plain(&vendor.version)) }
                                td.number { (vendor.services) } td { code { (vendor.digest) } }
                            }
                        }
                    }
                }
            }
        }
    }
}
