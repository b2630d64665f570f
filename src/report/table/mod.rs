//! The findings as text for a terminal: the answer first, then what speaks for it, then what could not be seen.

mod context;
mod findings;

use std::collections::BTreeSet;
use std::fmt::Write;

use super::escape::plain;
use super::verdict::{cutoffs, restricted, when};
use super::{Report, fit, lines};
use crate::model::{Finding, HostKey, PackRole, VendorView};

/// How text may look.
#[derive(Clone, Copy, Debug, Default)]
pub struct Style {
    /// Columns to fit into; `None` for as many as needed.
    pub width: Option<u16>,
    /// Whether colours may be used.
    pub color: bool,
}

/// The whole report.
pub fn table(report: &Report, style: Style) -> String {
    let text = written(report, style);
    match style.width {
        Some(width) => fit(&text, width),
        None => text,
    }
}

fn written(report: &Report, style: Style) -> String {
    let snapshot = &report.snapshot;
    let mut text = String::new();
    let Some(at) = snapshot.at else {
        text.push_str("No frames were read: nothing can be said.\n");
        return text;
    };
    let part = |role: PackRole, straggler: bool| -> Vec<&Finding> {
        snapshot
            .findings
            .iter()
            .filter(|finding| finding.role == role && finding.straggler == straggler)
            .collect()
    };
    let at = report.asked.zone.exact(at);
    // Writing to a String cannot fail.
    let _ = writeln!(text, "Findings as of {at}, by the 24 hours before.");
    filtered(&mut text, report);
    for vendor in restricted(snapshot) {
        cutoff_lines(&mut text, vendor, report);
    }
    if report.asked.filter.vendors.is_empty() && restricted(snapshot).next().is_none() {
        text.push_str("No pack of a restricted vendor is in force: nothing is looked for.\n");
        context::unseen(&mut text, report);
        return text;
    }
    let stragglers = part(PackRole::Restricted, true);
    let headline = headline(report, &stragglers);
    let parts = [
        (headline.as_str(), stragglers),
        (
            "Other hosts that used or tried a restricted vendor",
            part(PackRole::Restricted, false),
        ),
        (
            "Replacement vendors seen",
            part(PackRole::Replacement, false),
        ),
    ];
    findings::write(&mut text, &parts, report, style);
    context::coverage(&mut text, report);
    context::exceptions(&mut text, report);
    context::bypasses(&mut text, report);
    context::weak(&mut text, report);
    context::unseen(&mut text, report);
    text
}

/// What was left out stands at the top: a straggler that was not asked for must not be taken for none.
fn filtered(text: &mut String, report: &Report) {
    let filter = &report.asked.filter;
    if filter.is_empty() {
        return;
    }
    let asked = lines::asked(report);
    let told = [
        "Seen",
        "Only vendors",
        "Only hosts",
        "Only statuses",
        "Left out by this",
    ];
    for (word, value) in asked.iter().filter(|(word, _)| told.contains(word)) {
        if *word != "Seen" || !filter.is_undated() {
            let _ = writeln!(text, "{word}: {value}");
        }
    }
}

fn headline(report: &Report, stragglers: &[&Finding]) -> String {
    let hosts: BTreeSet<&HostKey> = stragglers.iter().map(|finding| &finding.host).collect();
    match hosts.len() {
        0 if report.asked.left_out.stragglers > 0 => {
            "No stragglers among what was asked for; others were left out.".to_owned()
        }
        0 => {
            "No stragglers: no host was seen to fetch from or report to a vendor after its cutoff."
                .to_owned()
        }
        1 => "1 straggler: a host that still fetches from or reports to a vendor after its cutoff"
            .to_owned(),
        count => format!(
            "{count} stragglers: hosts that still fetch from or report to a vendor after its cutoff"
        ),
    }
}

fn cutoff_lines(text: &mut String, vendor: &VendorView, report: &Report) {
    for row in cutoffs(vendor) {
        let group = row
            .group
            .map(|group| format!(", hosts of {}", plain(group)));
        let _ = writeln!(
            text,
            "{}: cutoff {} ({}) for {}{}; {}, {}{}",
            plain(&vendor.name),
            report.asked.zone.exact(row.cutoff.at),
            when(&report.snapshot, row.cutoff),
            row.words(),
            group.unwrap_or_default(),
            plain(&row.cutoff.jurisdiction),
            row.cutoff.said_as(),
            plain(&row.cutoff.authority)
        );
    }
    if vendor.cutoffs.is_empty() {
        let _ = writeln!(
            text,
            "{}: no cutoff is in force, so no host can be a straggler",
            plain(&vendor.name)
        );
    }
}
