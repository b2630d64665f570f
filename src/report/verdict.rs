//! The answer in one sentence per vendor, and what stands beside it so that it is not taken for more than it is.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::escape::plain;
use super::units::counted;
use super::{Filter, Report};
use crate::model::{
    BlindKind, Category, Cutoff, Finding, HostKey, PackRole, Seen, Snapshot, Status, VendorView,
};

/// Share of the window below which the absence of findings says nothing.
const ENOUGH_LOOKED: f64 = 0.9;

/// How an answer should look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    /// There are stragglers.
    Bad,
    /// There is none, as far as could be seen.
    Good,
    /// Nothing can be said, or not enough was seen to say it.
    Unsure,
}

/// The answer for a vendor.
pub(super) struct Verdict {
    pub(super) tone: Tone,
    pub(super) sentence: String,
    /// What limits it.
    pub(super) limits: Vec<String>,
}

/// Vendors whose use had to stop.
pub fn restricted(snapshot: &Snapshot) -> impl Iterator<Item = &VendorView> {
    let vendors = snapshot.vendors.iter();
    vendors.filter(|vendor| vendor.role == PackRole::Restricted)
}

/// The cutoffs in force for a vendor, each once, with the categories and the group that it binds.
pub struct CutoffRow<'a> {
    /// The cutoff.
    pub cutoff: &'a Cutoff,
    /// The group of hosts that it binds; `None` for all that are in no group.
    pub group: Option<&'a str>,
    /// The categories that it binds.
    pub categories: Vec<Category>,
}

impl CutoffRow<'_> {
    /// `update and telemetry`
    pub fn words(&self) -> String {
        let labels: Vec<&str> = self
            .categories
            .iter()
            .map(|category| category.label())
            .collect();
        labels.join(" and ")
    }
}

/// The cutoffs in force for a vendor, each once.
pub fn cutoffs(vendor: &VendorView) -> Vec<CutoffRow<'_>> {
    let mut rows: Vec<CutoffRow<'_>> = Vec::new();
    for in_force in &vendor.cutoffs {
        let group = in_force.group.as_deref();
        match rows
            .iter_mut()
            .find(|row| row.cutoff.id == in_force.cutoff.id && row.group == group)
        {
            Some(row) => row.categories.push(in_force.category),
            None => rows.push(CutoffRow {
                cutoff: &in_force.cutoff,
                group,
                categories: vec![in_force.category],
            }),
        }
    }
    rows
}

/// The answer for a vendor.
pub(super) fn verdict(report: &Report, vendor: &VendorView) -> Verdict {
    let unsure = |sentence: String| Verdict {
        tone: Tone::Unsure,
        sentence,
        limits: Vec::new(),
    };
    let name = plain(&vendor.name);
    let Some(at) = report.snapshot.at else {
        return unsure("Nothing was captured, so nothing can be said.".to_owned());
    };
    if vendor.cutoffs.is_empty() {
        return unsure(format!(
            "No cutoff is in force for {name}, so no host can be a straggler."
        ));
    }
    if vendor
        .cutoffs
        .iter()
        .all(|in_force| in_force.cutoff.at > at)
    {
        return unsure(format!(
            "No cutoff of {name} has come yet, so no host can be a straggler."
        ));
    }
    let findings = report.snapshot.findings.iter();
    let ours: Vec<&Finding> = findings
        .filter(|finding| finding.vendor == vendor.id)
        .collect();
    let stragglers = hosts(&ours, |finding| finding.straggler);
    let once: usize = hosts(&ours, |finding| finding.ever_straggler)
        .difference(&stragglers)
        .count();
    let excepted = hosts(&ours, |finding| finding.status == Status::Excepted).len();

    let mut sentence = match stragglers.len() {
        0 => format!(
            "No host was seen to fetch from {name}, or to report to it, after the cutoff and in the 24 hours that are judged"
        ),
        1 => format!("1 host still fetches from {name}, or reports to it, after the cutoff"),
        count => {
            format!("{count} hosts still fetch from {name}, or report to it, after the cutoff")
        }
    };
    if narrowed(report) {
        sentence = format!("Of what was asked for: {}", lower(&sentence));
    }
    // Writing to a String cannot fail.
    match once {
        0 => {}
        1 => sentence.push_str("; 1 other did so earlier"),
        count => {
            let _ = write!(sentence, "; {count} others did so earlier");
        }
    }
    match excepted {
        0 => {}
        1 => sentence.push_str("; 1 is excepted"),
        count => {
            let _ = write!(sentence, "; {count} are excepted");
        }
    }
    sentence.push('.');

    let limits = limits(report);
    let tone = match (stragglers.is_empty(), limits.is_empty()) {
        (false, _) => Tone::Bad,
        (true, true) => Tone::Good,
        (true, false) => Tone::Unsure,
    };
    Verdict {
        tone,
        sentence,
        limits,
    }
}

/// Whether findings of a vendor in the report may be missing because they were not asked for.
fn narrowed(report: &Report) -> bool {
    let vendors_only = Filter {
        vendors: report.asked.filter.vendors.clone(),
        ..Filter::default()
    };
    report.asked.filter != vendors_only
}

/// What keeps an absence of findings from being an all-clear.
fn limits(report: &Report) -> Vec<String> {
    let mut limits = Vec::new();
    let left_out = report.asked.left_out;
    if narrowed(report) && left_out.findings > 0 {
        limits.push(format!(
            "The filters leave out {}, {} of them of stragglers.",
            counted(left_out.findings, "finding", "findings"),
            left_out.stragglers
        ));
    }
    let drops = report
        .sensor
        .sources
        .iter()
        .filter_map(|source| source.drops);
    let drops = drops.map(|(kernel, interface)| kernel + interface).sum();
    limits.extend(shortcomings(report.snapshot.looked, &report.seen, drops));
    limits
}

/// What of the sensor's own keeps an absence of findings from being an all-clear: the share of the window that it looked
/// at, what it saw, and how many frames were dropped.
pub fn shortcomings(looked: f64, seen: &Seen, drops: u64) -> Vec<String> {
    let mut limits = Vec::new();
    if looked < ENOUGH_LOOKED {
        limits.push(format!(
            "The sensor looked at only {} % of these 24 hours.",
            super::lines::percent(looked)
        ));
    }
    let named: u64 = seen.named_flows.iter().sum();
    let blind: u64 = seen.blind_flows.iter().sum();
    let encrypted: u64 = [BlindKind::Ech, BlindKind::EncryptedDns, BlindKind::Tunnel]
        .iter()
        .map(|kind| seen.blind_flows[kind.index()])
        .sum();
    if encrypted > 0 || blind > named / 10 {
        limits.push(format!(
            "{blind} of {} could not be named.",
            counted(named + blind, "flow", "flows")
        ));
    }
    let one_sided: u64 = seen.one_sided_flows.iter().sum();
    let flows: u64 = seen.flows.iter().sum();
    if one_sided > flows / 10 {
        limits.push(format!(
            "Of {} only one side was seen.",
            counted(one_sided, "flow", "flows")
        ));
    }
    if drops > 0 {
        limits.push(match drops {
            1 => "1 frame was dropped before it could be read.".to_owned(),
            _ => format!("{drops} frames were dropped before they could be read."),
        });
    }
    limits
}

/// The sentence goes on from another word.
fn lower(sentence: &str) -> String {
    match sentence.strip_prefix("No ") {
        Some(rest) => format!("no {rest}"),
        None => sentence.to_owned(),
    }
}

fn hosts<'a>(findings: &[&'a Finding], which: impl Fn(&Finding) -> bool) -> BTreeSet<&'a HostKey> {
    let chosen = findings.iter().filter(|finding| which(finding));
    chosen.map(|finding| &finding.host).collect()
}

/// How long a cutoff is past, or until it comes: `422 days ago`, `in 3 days 2 h`.
pub fn when(snapshot: &Snapshot, cutoff: &Cutoff) -> String {
    match snapshot.at {
        Some(at) if at >= cutoff.at => format!("{} ago", super::span(at.since(cutoff.at))),
        Some(at) => format!("in {}", super::span(cutoff.at.since(at))),
        None => String::new(),
    }
}
