//! One row per host, vendor and category, for spreadsheets: RFC 4180, UTF-8, with a header.
//!
//! Columns are named like the fields of the JSON form; `docs/report.md` describes them. Times are in the report's zone
//! with their offset. Several values in one cell are parted by spaces; none has a space in it.

use std::collections::BTreeSet;
use std::net::IpAddr;

use csv::{QuoteStyle, Terminator, WriterBuilder};

use super::Report;
use super::escape::cell;
use crate::model::{BypassView, Finding, HostView, Timestamp};

/// The header.
pub const COLUMNS: [&str; 38] = [
    "host",
    "addresses",
    "host_name",
    "host_owner",
    "host_site",
    "host_device",
    "host_roles",
    "host_macs",
    "host_confidence",
    "vendor",
    "role",
    "category",
    "status",
    "straggler",
    "exception_until",
    "exception_reason",
    "exception_by",
    "coverage",
    "resolver_bypass",
    "resolver_bypass_by_product",
    "evidence",
    "cutoff",
    "group",
    "first_seen",
    "last_seen",
    "last_contact",
    "last_blocked",
    "last_blocked_by",
    "bytes_received",
    "bytes_sent",
    "after_cutoff_sightings",
    "after_cutoff_bytes_received",
    "after_cutoff_bytes_sent",
    "names",
    "names_left_out",
    "signals",
    "pack_versions",
    "sources",
];

/// The whole report.
pub fn csv(report: &Report) -> String {
    let mut writer = WriterBuilder::new()
        .terminator(Terminator::CRLF)
        .quote_style(QuoteStyle::Necessary)
        .from_writer(Vec::new());
    // Writing to memory cannot fail, and every record has as many fields as the header.
    let _ = writer.write_record(COLUMNS);
    for finding in &report.snapshot.findings {
        let row = row(report, finding);
        let _ = writer.write_record(row.iter().map(|text| cell(text).into_owned()));
    }
    let bytes = writer.into_inner().unwrap_or_default();
    String::from_utf8(bytes).unwrap_or_default()
}

fn row(report: &Report, finding: &Finding) -> [String; COLUMNS.len()] {
    let time = |instant: Timestamp| report.asked.zone.exact(instant);
    let maybe = |instant: Option<Timestamp>| instant.map(time).unwrap_or_default();
    let host = report.snapshot.host(&finding.host);
    let known = |field: fn(&HostView) -> Option<&String>| -> String {
        host.and_then(field).cloned().unwrap_or_default()
    };
    let exception = finding.exception.as_ref();
    let [_, _, contact, transfer] = finding.last_by_evidence;
    let names = &finding.names;
    [
        finding.host.to_string(),
        spaced(&finding.addresses),
        known(|host| host.name.as_ref()),
        known(|host| host.owner.as_ref()),
        known(|host| host.site.as_ref()),
        known(|host| host.device.as_ref()),
        host.map(|host| spaced(&host.roles)).unwrap_or_default(),
        host.map(|host| spaced(&host.macs)).unwrap_or_default(),
        host.map(|host| host.confidence.to_string())
            .unwrap_or_default(),
        finding.vendor.to_string(),
        finding.role.to_string(),
        finding.category.to_string(),
        finding.status.to_string(),
        finding.straggler.to_string(),
        maybe(exception.map(|exception| exception.until)),
        exception
            .map(|exception| exception.reason.clone())
            .unwrap_or_default(),
        exception
            .map(|exception| exception.by.clone())
            .unwrap_or_default(),
        report
            .snapshot
            .coverage(finding)
            .map(|view| view.coverage.to_string())
            .unwrap_or_default(),
        spaced(&resolvers(report, finding, |_| true)),
        spaced(&resolvers(report, finding, |view| view.product_fallback)),
        finding.evidence.to_string(),
        maybe(finding.cutoff),
        finding.group.clone().unwrap_or_default(),
        time(finding.first_seen),
        time(finding.last_seen),
        maybe(contact.max(transfer)),
        maybe(finding.last_blocked.map(|(instant, _)| instant)),
        finding
            .last_blocked
            .map(|(_, kind)| kind.to_string())
            .unwrap_or_default(),
        finding.received.to_string(),
        finding.sent.to_string(),
        finding.after_cutoff_sightings.to_string(),
        finding.after_cutoff_received.to_string(),
        finding.after_cutoff_sent.to_string(),
        spaced(&names.iter().map(|name| &name.name).collect::<Vec<_>>()),
        finding.names_left_out.to_string(),
        spaced(
            &names
                .iter()
                .flat_map(|name| &name.signals)
                .collect::<BTreeSet<_>>(),
        ),
        spaced(
            &names
                .iter()
                .map(|name| &name.service.pack_version)
                .collect::<BTreeSet<_>>(),
        ),
        spaced(
            &names
                .iter()
                .map(|name| &name.service.source)
                .collect::<BTreeSet<_>>(),
        ),
    ]
}

fn resolvers(report: &Report, finding: &Finding, which: fn(&BypassView) -> bool) -> Vec<IpAddr> {
    let views = report.snapshot.bypasses(finding);
    views
        .filter(|view| which(view))
        .map(|view| view.resolver)
        .collect()
}

fn spaced<'a, T: ToString + 'a>(values: impl IntoIterator<Item = &'a T>) -> String {
    let texts: Vec<String> = values.into_iter().map(ToString::to_string).collect();
    texts.join(" ")
}
