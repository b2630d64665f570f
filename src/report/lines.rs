//! What every format says in the same words: what was asked, and what could not be seen.
//!
//! Each line is plain text without a full stop; what comes from outside in it is made visible, and escaped by the format.

use std::fmt::Write;

use super::escape::plain;
use super::uncovered_lines::uncovered;
use super::units::counted;
use super::{Report, bytes};
use crate::model::{
    BlindKind, DomainName, FlowProtocol, Seen, SeenSide, Status, Undecoded, VendorId,
};

/// What was asked, as pairs of a word and what stands for it.
pub(super) fn asked(report: &Report) -> Vec<(&'static str, String)> {
    let zone = &report.asked.zone;
    let filter = &report.asked.filter;
    let mut lines = vec![(
        "Judged at",
        match (report.snapshot.at, report.asked.at) {
            (None, _) => "nothing was captured".to_owned(),
            (Some(at), Some(_)) => format!("{}, as asked for", zone.readable(at)),
            (Some(at), None) => format!("{}, the latest time captured", zone.readable(at)),
        },
    )];
    lines.push((
        "What a host does now",
        "by the 24 hours before that".to_owned(),
    ));
    let list = |texts: Vec<&str>| -> String {
        let plain: Vec<_> = texts.into_iter().map(plain).collect();
        plain.join(", ")
    };
    lines.push((
        "Seen",
        match (filter.since, filter.until) {
            (None, None) => "at any time that is remembered".to_owned(),
            (Some(since), None) => format!("{} or later", zone.readable(since)),
            (None, Some(until)) => format!("before {}", zone.readable(until)),
            (Some(since), Some(until)) => format!(
                "{} or later, and before {}",
                zone.readable(since),
                zone.readable(until)
            ),
        },
    ));
    if !filter.vendors.is_empty() {
        lines.push((
            "Only vendors",
            list(filter.vendors.iter().map(VendorId::as_str).collect()),
        ));
    }
    if !filter.hosts.is_empty() {
        lines.push((
            "Only hosts",
            list(filter.hosts.iter().map(String::as_str).collect()),
        ));
    }
    if !filter.statuses.is_empty() {
        lines.push((
            "Only statuses",
            list(
                filter
                    .statuses
                    .iter()
                    .map(|status: &Status| status.label())
                    .collect(),
            ),
        ));
    }
    if !filter.is_empty() {
        let left_out = report.asked.left_out;
        lines.push((
            "Left out by this",
            format!(
                "{}, {} of them of stragglers",
                counted(left_out.findings, "finding", "findings"),
                left_out.stragglers
            ),
        ));
    }
    lines.push(("Time zone", zone.to_string()));
    lines
}

/// What a capture in mode "signals" does not show.
pub const THINNED: &str = "capture mode is signals: of servers outside only what tells an outcome was looked at, so of QUIC it is known \
     that there was a contact, and not how much came; tunnels that cannot be opened and flows without a name are not all counted";

/// What was looked at, and what could not be seen.
pub(super) fn unseen(report: &Report) -> Vec<String> {
    let (snapshot, seen) = (&report.snapshot, &report.seen);
    let mut lines = vec![format!(
        "{}, {}; {} in the window; the capture covers {} % of it",
        counted(seen.frames, "frame", "frames"),
        bytes(seen.wire_bytes),
        counted(snapshot.local_hosts, "local host", "local hosts"),
        percent(snapshot.looked)
    )];
    let counts = |labels: Vec<(u64, String)>| -> Option<String> {
        let some: Vec<String> = labels
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, label)| format!("{count} {label}"))
            .collect();
        (!some.is_empty()).then(|| some.join(", "))
    };
    let flows = FlowProtocol::ALL
        .iter()
        .map(|protocol| (seen.flows[protocol.index()], protocol.to_string()));
    lines.extend(counts(flows.collect()).map(|flows| format!("flows: {flows}")));
    let causes = Undecoded::ALL
        .iter()
        .map(|cause| (seen.undecoded[cause.index()], cause.to_string()));
    lines.extend(counts(causes.collect()).map(|causes| format!("frames not decoded: {causes}")));
    if seen.cut_frames > 0 {
        lines.push(format!(
            "frames cut by the snap length: {}",
            seen.cut_frames
        ));
    }
    lines.extend(seen.thinned.then(|| THINNED.to_owned()));
    if !snapshot.local_networks_known {
        lines.push("local networks are not set: private addresses, and in doubt whoever opened a flow, count as hosts".to_owned());
    }
    let sides = SeenSide::ALL.iter().map(|side| {
        (
            seen.one_sided_flows[side.index()],
            format!("only the {side}'s"),
        )
    });
    lines.extend(
        counts(sides.collect()).map(|sides| format!("flows with packets of one side: {sides}")),
    );
    lines.push(named_share(seen));
    let blind = BlindKind::ALL
        .iter()
        .map(|kind| (snapshot.blind_hosts[kind.index()], kind.phrase().to_owned()));
    lines.extend(
        counts(blind.collect())
            .map(|blind| format!("hosts with such flows in the last 24 hours: {blind}")),
    );
    lines.extend(uncovered(report));
    lines
}

/// What share of the flows of a readable kind has a name, and why the others have none.
pub fn named_share(seen: &Seen) -> String {
    let named: u64 = seen.named_flows.iter().sum();
    let blind: u64 = seen.blind_flows.iter().sum();
    if named + blind == 0 {
        return "no flow was of a kind that has a name".to_owned();
    }
    // Rounded down: 100 % is said of all only.
    let share = u128::from(named) * 100 / u128::from(named + blind);
    let mut text = format!(
        "{share} % of {} could be named",
        counted(named + blind, "flow", "flows")
    );
    let causes: Vec<String> = BlindKind::ALL
        .iter()
        .filter(|kind| seen.blind_flows[kind.index()] > 0)
        .map(|kind| format!("{} {}", seen.blind_flows[kind.index()], kind.phrase()))
        .collect();
    if !causes.is_empty() {
        // Writing to a String cannot fail.
        let _ = write!(text, "; without a name: {}", causes.join(", "));
    }
    text
}

/// A share in whole percent, rounded down: 100 % is said of all only.
pub fn percent(share: f64) -> u64 {
    (share * 100.0).floor() as u64
}

/// What else has to be known.
pub(super) fn remarks(report: &Report) -> Vec<String> {
    let texts = report.remarks.iter();
    texts.map(|text| plain(text).into_owned()).collect()
}

/// Names after one another.
pub(super) fn joined(names: &[DomainName]) -> String {
    let names: Vec<&str> = names.iter().map(DomainName::as_str).collect();
    names.join(", ")
}

/// A line as a sentence of its own.
pub fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first: String = letters
        .next()
        .map(|first| first.to_uppercase().to_string())
        .unwrap_or_default();
    let end = if text.ends_with('.') { "" } else { "." };
    format!("{first}{}{end}", letters.as_str())
}
