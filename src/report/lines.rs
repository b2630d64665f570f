//! What every format says in the same words: what was asked, what could not be seen, how the sensor was placed.
//!
//! Each line is plain text without a full stop; what comes from outside in it is made visible, and escaped by the format.

use std::fmt::Write;

use super::escape::plain;
use super::record::{Source, SourceKind};
use super::{Report, bytes, span};
use crate::model::{
    BlindKind, DomainName, FlowProtocol, LinkType, Seen, SeenSide, Status, Undecoded, VendorId,
};

/// Sources and gaps listed; a ring has thousands of files, and what matters of more is their number.
const MAX_LISTED: usize = 50;

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
        "Last seen",
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
                "{} findings, {} of them of stragglers",
                left_out.findings, left_out.stragglers
            ),
        ));
    }
    lines.push(("Time zone", zone.to_string()));
    lines
}

/// What was looked at, and what could not be seen.
pub(super) fn unseen(report: &Report) -> Vec<String> {
    let (snapshot, seen) = (&report.snapshot, &report.seen);
    let mut lines = vec![format!(
        "{} frames, {}; {} local hosts in the window; the capture covers {} % of it",
        seen.frames,
        bytes(seen.wire_bytes),
        snapshot.local_hosts,
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
    let causes = Undecoded::ALL.iter().map(|cause| {
        (
            seen.undecoded[cause.index()],
            cause.label().replace('_', " "),
        )
    });
    lines.extend(counts(causes.collect()).map(|causes| format!("frames not decoded: {causes}")));
    if seen.cut_frames > 0 {
        lines.push(format!(
            "frames cut by the snap length: {}",
            seen.cut_frames
        ));
    }
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
    let mut text = format!("{share} % of {} flows could be named", named + blind);
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

/// How the sensor was placed.
pub(super) fn placed(report: &Report) -> Vec<String> {
    let sources = &report.sensor.sources;
    let mut lines: Vec<String> = sources.iter().take(MAX_LISTED).map(source).collect();
    if sources.len() > MAX_LISTED {
        lines.push(format!("and {} more", sources.len() - MAX_LISTED));
    }
    if report.snapshot.local_networks_known {
        let networks: Vec<String> = report
            .sensor
            .local_networks
            .iter()
            .map(ToString::to_string)
            .collect();
        lines.push(format!(
            "local networks: {}, and the private ranges",
            networks.join(", ")
        ));
    } else {
        lines.push(
            "local networks: nobody said which they are; the private ranges are taken for them"
                .to_owned(),
        );
    }
    lines
}

fn source(source: &Source) -> String {
    let what = match source.kind {
        SourceKind::Interface => format!("interface {}", plain(&source.name)),
        SourceKind::File => format!("file {}", plain(&source.name)),
        SourceKind::StandardInput => "a capture on standard input".to_owned(),
    };
    let links: Vec<String> = source.links.iter().map(|&link| link_name(link)).collect();
    let links = match links.is_empty() {
        true => String::new(),
        false => format!(", {}", links.join(" and ")),
    };
    format!("{what}{links}: {} frames", source.frames)
}

/// When the sensor looked, and what it lost meanwhile.
pub(super) fn watched(report: &Report) -> Vec<String> {
    let zone = &report.asked.zone;
    let Some(whole) = report.watched.whole() else {
        return vec!["no stretch of time was looked at".to_owned()];
    };
    let mut lines = vec![
        format!(
            "{} % of the 24 hours that are judged",
            percent(report.snapshot.looked)
        ),
        format!(
            "from {} to {}: {} looked at",
            zone.readable(whole.first),
            zone.readable(whole.last),
            span(report.watched.total())
        ),
    ];
    let gaps = report.watched.gaps();
    if gaps.is_empty() {
        lines.push("no gap of a minute or more".to_owned());
    }
    for gap in gaps.iter().take(MAX_LISTED) {
        lines.push(format!(
            "gap of {} from {} to {}",
            span(gap.last.since(gap.first)),
            zone.readable(gap.first),
            zone.readable(gap.last)
        ));
    }
    if gaps.len() > MAX_LISTED {
        lines.push(format!("and {} more gaps", gaps.len() - MAX_LISTED));
    }
    for source in &report.sensor.sources {
        if let Some((kernel, interface)) = source.drops {
            lines.push(format!(
                "{}: {kernel} frames dropped by the kernel, {interface} by the interface",
                plain(&source.name)
            ));
        }
    }
    if report
        .sensor
        .sources
        .iter()
        .any(|source| source.drops.is_none())
    {
        lines.push("savefiles count as looked at from their first to their last frame; what was dropped while they were recorded is not known".to_owned());
    }
    lines
}

/// A share in whole percent, rounded down: 100 % is said of all only.
pub(super) fn percent(share: f64) -> u64 {
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
pub(super) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first: String = letters
        .next()
        .map(|first| first.to_uppercase().to_string())
        .unwrap_or_default();
    let end = if text.ends_with('.') { "" } else { "." };
    format!("{first}{}{end}", letters.as_str())
}

fn link_name(link: LinkType) -> String {
    match link {
        LinkType::ETHERNET => "Ethernet".to_owned(),
        LinkType::NULL | LinkType::LOOP => "BSD loopback".to_owned(),
        LinkType::PPP | LinkType::PPP_SERIAL => "PPP".to_owned(),
        LinkType::RAW
        | LinkType::RAW_OPENBSD
        | LinkType::RAW_FILE
        | LinkType::IPV4
        | LinkType::IPV6 => "raw IP".to_owned(),
        LinkType::LINUX_SLL | LinkType::LINUX_SLL2 => "Linux cooked capture".to_owned(),
        LinkType(other) => format!("link type {other}"),
    }
}
