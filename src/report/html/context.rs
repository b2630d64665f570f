//! What stands beside the findings: what protects hosts, exceptions, resolver bypass, names that prove nothing.

use maud::{Markup, html as markup};

use super::{host, table, time};
use crate::model::{Coverage, CoverageView};
use crate::report::definitions::{self, COVERAGE_CAVEATS};
use crate::report::escape::plain;
use crate::report::{Report, lines};

/// Rows of a table; the JSON form has all of them.
const MAX_ROWS: usize = 2_000;

pub(super) fn coverage(report: &Report) -> Markup {
    let views = &report.snapshot.coverage;
    let head = [
        "Host",
        "Restricted vendor",
        "What is seen",
        "Replacements, and when last",
    ];
    markup! {
        p { "Hosts that used a restricted vendor, by what of a replacement passed the sensor." }
        (table("What protects hosts", &head, capped(views).iter().map(|view| covered(report, view)), "No host was judged for what replaced a restricted vendor."))
        (more(views.len()))
        h3 { "Why this may be wrong" }
        ul { @for caveat in COVERAGE_CAVEATS { li { (caveat) } } }
    }
}

fn covered(report: &Report, view: &CoverageView) -> Markup {
    let tone = match view.coverage {
        Coverage::Moved => "good",
        Coverage::Both | Coverage::NoneSeen => "warn",
        Coverage::Straggling => "bad",
    };
    markup! {
        th scope="row" { (host(report, &view.host)) }
        td { (view.vendor) }
        td { span.tone.(tone) { (definitions::coverage(view.coverage)) } }
        td.wide {
            @for (vendor, category, last) in &view.replacements {
                (vendor) " " (category) ", " (time(report, *last)) br;
            }
        }
    }
}

pub(super) fn exceptions(report: &Report) -> Markup {
    let findings = report.snapshot.findings.iter();
    let excepted: Vec<_> = findings
        .filter_map(|finding| Some((finding, finding.exception.as_ref()?)))
        .collect();
    let head = [
        "Host",
        "Vendor",
        "Category",
        "Until",
        "Reason",
        "Decided by",
    ];
    markup! {
        p { "Hosts that the configuration leaves out of account until a day. They stay visible, and return on that day." }
        (table("Exceptions", &head, capped(&excepted).iter().map(|(finding, exception)| markup! {
            th scope="row" { (host(report, &finding.host)) }
            td { bdi { (plain(&finding.vendor_name)) } }
            td { (finding.category) }
            td { (time(report, exception.until)) }
            td.wide { bdi { (plain(&exception.reason)) } }
            td { bdi { (plain(&exception.by)) } }
        }), "None."))
        (more(excepted.len()))
    }
}

pub(super) fn bypasses(report: &Report) -> Markup {
    let views = &report.snapshot.bypasses;
    let head = [
        "Host",
        "Vendor",
        "Asks",
        "For",
        "Last seen",
        "After a refusal",
    ];
    markup! {
        p { "Hosts that ask a resolver outside the network for a restricted vendor’s names, past whatever the network’s own resolver would refuse." }
        (table("Resolver bypass", &head, capped(views).iter().map(|view| markup! {
            th scope="row" { (host(report, &view.host)) }
            td { (view.vendor) }
            td.wide { (view.resolver) @if view.product_fallback { br; span.quiet { (definitions::PRODUCT_FALLBACK) } } }
            td.names { bdi { (view.name) } }
            td { (time(report, view.last_seen)) }
            td { @if view.after_refusal { "yes" } @else { "no" } }
        }), "None was seen."))
        (more(views.len()))
    }
}

pub(super) fn weak(report: &Report) -> Markup {
    let views = &report.snapshot.weak;
    let head = [
        "Host",
        "Vendor",
        "Category",
        "Names",
        "Sightings",
        "Last seen",
    ];
    markup! {
        p { "Names that people, web pages or other software ask for too. They prove nothing and raise no status." }
        (table("Names that prove nothing", &head, capped(views).iter().map(|view| markup! {
            th scope="row" { (host(report, &view.host)) }
            td { (view.vendor) }
            td { (view.category) }
            td.names { bdi { (lines::joined(&view.names)) } }
            td.number { (view.sightings) }
            td { (time(report, view.last_seen)) }
        }), "None."))
        (more(views.len()))
    }
}

fn capped<T>(rows: &[T]) -> &[T] {
    rows.get(..MAX_ROWS).unwrap_or(rows)
}

fn more(count: usize) -> Markup {
    markup! {
        @if count > MAX_ROWS { p { "The first " (MAX_ROWS) " of " (count) " rows." } }
    }
}
