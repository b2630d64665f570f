//! Names under vendors' domains that no service describes, and what to do about them.

use maud::{Markup, html};

use super::shell::{counted, grouped, host_path, time};
use crate::metrics::Scene;
use crate::model::{PackRole, UncoveredView, VendorView};
use crate::report::plain;

/// Names shown of a vendor; the read API has all of them.
const MAX_NAMES: usize = 20;

/// Nothing where there are none.
pub(super) fn uncovered(scene: &Scene) -> Markup {
    let of_role = |role: PackRole| {
        let vendors = scene.snapshot.vendors.iter();
        vendors.filter(move |vendor| vendor.role == role && vendor.uncovered_readings > 0)
    };
    let vendors: Vec<&VendorView> = of_role(PackRole::Restricted)
        .chain(of_role(PackRole::Replacement))
        .collect();
    html! {
        @if !vendors.is_empty() {
            h3 { "Names that no rule describes" }
            p {
                "Hosts asked for these names under a vendor’s domains since the program was started. They prove nothing and raise no status: the pack does not know what they are for. Record the traffic, list them with "
                code { "straggler names --unmatched --near VENDOR" }
                ", and contribute what you find out to the vendor’s pack."
            }
            @for vendor in vendors { (of_vendor(scene, vendor)) }
        }
    }
}

fn of_vendor(scene: &Scene, vendor: &VendorView) -> Markup {
    let views: Vec<&UncoveredView> = scene.snapshot.uncovered(&vendor.id).collect();
    html! {
        p { (plain(&vendor.name)) " (" (vendor.id) "): read " (counted(vendor.uncovered_readings, "time", "times")) "." }
        div.scroll tabindex="0" role="region" aria-label=(format!("Names of {}", vendor.name)) {
            table {
                caption.hidden { "Names of " (vendor.id) " that no rule describes" }
                thead {
                    tr {
                        th scope="col" { "Name" } th scope="col" .number { "Read" }
                        th scope="col" { "Hosts" }
                        th scope="col" { "First seen" } th scope="col" { "Last seen" }
                    }
                }
                tbody {
                    @for view in views.iter().take(MAX_NAMES) {
                        tr {
                            th scope="row" .names { (view.name) }
                            td.number { (grouped(view.count)) }
                            td {
                                @for host in &view.hosts { a href=(host_path(host)) { (plain(host.as_str())) } br; }
                                @if view.more_hosts { "and others" }
                            }
                            td.time { (time(view.first_seen)) }
                            td.time { (time(view.last_seen)) }
                        }
                    }
                }
            }
        }
        @if views.len() > MAX_NAMES {
            p { "The " (MAX_NAMES) " most read of " (views.len()) " names." }
        }
    }
}
