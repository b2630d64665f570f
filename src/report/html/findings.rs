//! The findings in one look: per vendor a table, worst first, with counts by status above it.

use maud::{Markup, html as markup};

use super::{host, table, time};
use crate::model::{Finding, HostView, PackRole, Status, VendorView};
use crate::report::escape::plain;
use crate::report::{Report, bytes};

/// Rows of a vendor; the CSV and JSON forms have all of them.
const MAX_ROWS: usize = 2_000;
/// Names in a row.
const MAX_NAMES: usize = 3;

/// Restricted vendors first.
pub(super) fn tables(report: &Report) -> Markup {
    let of_role = |role: PackRole| {
        let vendors = report.snapshot.vendors.iter();
        vendors.filter(move |vendor| vendor.role == role)
    };
    let replacements: Vec<&VendorView> = of_role(PackRole::Replacement)
        .filter(|vendor| {
            report
                .snapshot
                .findings
                .iter()
                .any(|finding| finding.vendor == vendor.id)
        })
        .collect();
    markup! {
        @for vendor in of_role(PackRole::Restricted) { (of_vendor(report, vendor, &vendor.name)) }
        @for vendor in replacements {
            (of_vendor(report, vendor, &format!("Replacement seen: {}", vendor.name)))
        }
    }
}

fn of_vendor(report: &Report, vendor: &VendorView, title: &str) -> Markup {
    let all = report.snapshot.findings.iter();
    let findings: Vec<&Finding> = all.filter(|finding| finding.vendor == vendor.id).collect();
    let head = [
        "Host",
        "Category",
        "Status",
        "Furthest ever",
        "First seen",
        "Last seen",
        "Received",
        "Sent",
        "Names",
    ];
    let shown = findings.iter().take(MAX_ROWS);
    markup! {
        h3 { (plain(title)) }
        (counts(&findings))
        (table(&format!("Findings: {}", vendor.id), &head, shown.map(|finding| row(report, finding)), "No host asked for any of its names, as far as could be seen."))
        @if findings.len() > MAX_ROWS {
            p { "The " (MAX_ROWS) " that matter most of " (findings.len()) " rows; the CSV and JSON forms have all." }
        }
    }
}

fn counts(findings: &[&Finding]) -> Markup {
    let count = |status: Status| {
        findings
            .iter()
            .filter(|finding| finding.status == status)
            .count()
    };
    markup! {
        @if !findings.is_empty() {
            ul.counts {
                @for &status in Status::ALL {
                    @if count(status) > 0 { li { span.status.(status.label()) { (status) } " " (count(status)) } }
                }
            }
        }
    }
}

fn row(report: &Report, finding: &Finding) -> Markup {
    let more = finding.names.len().saturating_sub(MAX_NAMES) as u64 + finding.names_left_out;
    markup! {
        th scope="row" {
            (host(report, &finding.host))
            @if let Some(view) = report.snapshot.host(&finding.host) { (known(view)) }
            @if finding.straggler { br; span.mark { "straggler" } }
        }
        td { (finding.category) }
        td { (status(finding)) }
        td { (finding.evidence) }
        td { (time(report, finding.first_seen)) }
        td { (time(report, finding.last_seen)) }
        td.number { (bytes(finding.received)) }
        td.number { (bytes(finding.sent)) }
        td.names {
            @for name in finding.names.iter().take(MAX_NAMES) {
                bdi { (name.name) } @if name.is_by_address() { " (by address)" } br;
            }
            @if more > 0 { span.quiet { "and " (more) " more" } }
        }
    }
}

/// The status, and what proves that it is stopped.
pub(super) fn status(finding: &Finding) -> Markup {
    markup! {
        span.status.(finding.status.label()).straggler[finding.straggler] { (finding.status) }
        @if let (Status::Blocked, Some((_, kind))) = (finding.status, finding.last_blocked) {
            br; span.quiet { "by " (kind.phrase()) }
        }
    }
}

/// Whose it is, and what it does besides.
fn known(view: &HostView) -> Markup {
    markup! {
        @for text in [&view.owner, &view.site].into_iter().flatten() { br; bdi.quiet { (plain(text)) } }
        @for role in &view.roles { br; span.quiet { (role) } }
    }
}
