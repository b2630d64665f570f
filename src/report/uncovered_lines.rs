//! Names under vendors' domains that no service describes: lines like those of `lines`.

use super::Report;
use super::escape::plain;
use super::units::counted;
use crate::model::{PackRole, UncoveredView, VendorView};

/// Names listed of a vendor; the page and the read API have all of them.
const MAX_LISTED: usize = 5;

/// A line for each vendor of which there are any. Of a restricted one each name has a line with who asked.
pub(super) fn uncovered(report: &Report) -> Vec<String> {
    let snapshot = &report.snapshot;
    let mut lines = Vec::new();
    for role in [PackRole::Restricted, PackRole::Replacement] {
        let vendors = snapshot.vendors.iter().filter(|vendor| vendor.role == role);
        for vendor in vendors.filter(|vendor| vendor.uncovered_readings > 0) {
            let views: Vec<&UncoveredView> = snapshot.uncovered(&vendor.id).collect();
            lines.push(headline(vendor, &views));
            if role == PackRole::Restricted {
                let listed = views.iter().take(MAX_LISTED);
                lines.extend(listed.map(|view| of_name(report, vendor, view)));
                if views.len() > MAX_LISTED {
                    let more = (views.len() - MAX_LISTED) as u64;
                    let more = counted(more, "more name", "more names");
                    lines.push(format!("{}: and {more}", plain(&vendor.name)));
                }
            }
        }
    }
    lines
}

fn headline(vendor: &VendorView, views: &[&UncoveredView]) -> String {
    let (name, id) = (plain(&vendor.name), &vendor.id);
    let mut text = format!(
        "{name}: names under its domains that no rule describes were read {}",
        times(vendor.uncovered_readings)
    );
    if vendor.role == PackRole::Replacement && !views.is_empty() {
        let listed = views.iter().take(MAX_LISTED);
        let names: Vec<&str> = listed.map(|view| view.name.as_str()).collect();
        text.push_str(&format!(", such as {}", names.join(", ")));
    }
    text.push_str(&format!(
        "; straggler names --unmatched --near {id} FILE lists them, for the pack to learn"
    ));
    text
}

fn times(count: u64) -> String {
    match count {
        1 => "once".to_owned(),
        count => format!("{count} times"),
    }
}

fn of_name(report: &Report, vendor: &VendorView, view: &UncoveredView) -> String {
    let hosts: Vec<_> = view.hosts.iter().map(|host| plain(host.as_str())).collect();
    let others = if view.more_hosts { " and others" } else { "" };
    let zone = &report.asked.zone;
    let vendor = plain(&vendor.name);
    format!(
        "{vendor}: {} {}, from {} to {}, by {}{others}",
        view.name,
        times(view.count),
        zone.readable(view.first_seen),
        zone.readable(view.last_seen),
        hosts.join(", ")
    )
}
