//! What stands beside the findings: what protects hosts, exceptions, resolver bypass, names that prove nothing.

use super::{bullet, heading, host, table};
use crate::report::definitions::{self, COVERAGE_CAVEATS};
use crate::report::escape::markdown as escaped;
use crate::report::{Report, lines};

pub(super) fn coverage(text: &mut String, report: &Report) {
    heading(text, "What protects these hosts now");
    let rows: Vec<Vec<String>> = report
        .snapshot
        .coverage
        .iter()
        .map(|view| {
            let seen = view.replacements.iter().map(|(vendor, category, last)| {
                format!(
                    "{} {category}, last {}",
                    escaped(vendor.as_str()),
                    report.asked.zone.readable(*last)
                )
            });
            vec![
                host(report, &view.host),
                escaped(view.vendor.as_str()),
                definitions::coverage(view.coverage).to_owned(),
                seen.collect::<Vec<_>>().join("; "),
            ]
        })
        .collect();
    table(
        text,
        &["Host", "Vendor", "What is seen", "Replacements"],
        &rows,
        "No host was judged for what replaced a restricted vendor.",
    );
    text.push('\n');
    for caveat in COVERAGE_CAVEATS {
        bullet(text, &escaped(caveat));
    }
}

pub(super) fn exceptions(text: &mut String, report: &Report) {
    heading(text, "Exceptions");
    let rows: Vec<Vec<String>> = report
        .snapshot
        .findings
        .iter()
        .filter_map(|finding| Some((finding, finding.exception.as_ref()?)))
        .map(|(finding, exception)| {
            vec![
                host(report, &finding.host),
                escaped(&finding.vendor_name),
                finding.category.to_string(),
                report.asked.zone.readable(exception.until),
                escaped(&exception.reason),
                escaped(&exception.by),
            ]
        })
        .collect();
    table(
        text,
        &["Host", "Vendor", "Category", "Until", "Reason", "By"],
        &rows,
        "None.",
    );
}

pub(super) fn bypasses(text: &mut String, report: &Report) {
    heading(text, "Resolver bypass");
    let rows: Vec<Vec<String>> = report
        .snapshot
        .bypasses
        .iter()
        .map(|view| {
            vec![
                host(report, &view.host),
                escaped(view.vendor.as_str()),
                if view.product_fallback {
                    format!("{}, {}", view.resolver, definitions::PRODUCT_FALLBACK)
                } else {
                    view.resolver.to_string()
                },
                escaped(view.name.as_str()),
                report.asked.zone.readable(view.last_seen),
                if view.after_refusal { "yes" } else { "no" }.to_owned(),
            ]
        })
        .collect();
    table(
        text,
        &[
            "Host",
            "Vendor",
            "Asks",
            "For",
            "Last seen",
            "After a refusal",
        ],
        &rows,
        "None was seen.",
    );
}

pub(super) fn weak(text: &mut String, report: &Report) {
    heading(text, "Context");
    text.push_str("Names that people, web pages or other software ask for too. They prove nothing and raise no status.\n\n");
    if report.snapshot.weak.is_empty() {
        text.push_str("None.\n");
    }
    for weak in &report.snapshot.weak {
        let names = escaped(&lines::joined(&weak.names));
        bullet(
            text,
            &format!(
                "{}: {} {}: {names}",
                host(report, &weak.host),
                escaped(weak.vendor.as_str()),
                weak.category
            ),
        );
    }
}
