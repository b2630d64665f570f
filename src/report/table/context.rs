//! What stands below the findings: what protects hosts, what is excepted, what proves nothing, what could not be seen.

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::model::HostKey;
use crate::report::definitions;
use crate::report::escape::plain;
use crate::report::{Report, lines};

pub(super) fn weak(text: &mut String, report: &Report) {
    if report.snapshot.weak.is_empty() {
        return;
    }
    text.push_str("\nContext: names that people, web pages or other software ask for too; they prove nothing\n");
    for weak in &report.snapshot.weak {
        let _ = writeln!(
            text,
            "  {}  {} {}: {}",
            called(report, &weak.host),
            weak.vendor,
            weak.category,
            lines::joined(&weak.names)
        );
    }
}

/// What people call a host: its key, and its name where it has one.
fn called(report: &Report, key: &HostKey) -> String {
    match report
        .snapshot
        .host(key)
        .and_then(|view| view.name.as_deref())
    {
        Some(name) => format!("{} ({})", plain(key.as_str()), plain(name)),
        None => plain(key.as_str()).into_owned(),
    }
}

pub(super) fn coverage(text: &mut String, report: &Report) {
    if report.snapshot.coverage.is_empty() {
        return;
    }
    text.push_str("\nWhat protects hosts that used a restricted vendor; \"no replacement seen\" is not \"unprotected\"\n");
    for view in &report.snapshot.coverage {
        let seen: BTreeSet<&str> = view
            .replacements
            .iter()
            .map(|(vendor, ..)| vendor.as_str())
            .collect();
        let seen: Vec<&str> = seen.into_iter().collect();
        let seen = if seen.is_empty() {
            String::new()
        } else {
            format!(" ({})", seen.join(", "))
        };
        let _ = writeln!(
            text,
            "  {}  {}: {}{seen}",
            called(report, &view.host),
            view.vendor,
            definitions::coverage(view.coverage)
        );
    }
}

pub(super) fn exceptions(text: &mut String, report: &Report) {
    let findings = report.snapshot.findings.iter();
    let excepted: Vec<_> = findings
        .filter_map(|finding| Some((finding, finding.exception.as_ref()?)))
        .collect();
    if excepted.is_empty() {
        return;
    }
    text.push_str("\nExceptions\n");
    for (finding, exception) in excepted {
        let _ = writeln!(
            text,
            "  {}  {} {}: until {}, by {}: {}",
            called(report, &finding.host),
            finding.vendor,
            finding.category,
            report.asked.zone.exact(exception.until),
            plain(&exception.by),
            plain(&exception.reason)
        );
    }
}

pub(super) fn bypasses(text: &mut String, report: &Report) {
    if report.snapshot.bypasses.is_empty() {
        return;
    }
    text.push_str(
        "\nHosts that ask a resolver that is not the network's for a restricted vendor's names\n",
    );
    for view in &report.snapshot.bypasses {
        let refused = if view.after_refusal {
            ", after a refusal"
        } else {
            ""
        };
        let _ = writeln!(
            text,
            "  {}  {}: asked {} for {} at {}{refused}",
            called(report, &view.host),
            view.vendor,
            view.resolver,
            view.name,
            report.asked.zone.exact(view.last_seen)
        );
        if view.product_fallback {
            let _ = writeln!(text, "    {}", definitions::PRODUCT_FALLBACK);
        }
    }
}

pub(super) fn unseen(text: &mut String, report: &Report) {
    text.push_str("\nWhat was looked at, and what could not be seen\n");
    for line in lines::unseen(report) {
        let _ = writeln!(text, "  {line}");
    }
}
