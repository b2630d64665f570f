//! How the sensor was placed, and when it looked: lines like those of `lines`.

use super::escape::plain;
use super::lines::percent;
use super::units::counted;
use super::{Report, Source, SourceKind, span};
use crate::model::LinkType;

/// Sources and gaps listed; a ring has thousands of files, and what matters of more is their number.
const MAX_LISTED: usize = 50;

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
        let networks = match networks.is_empty() {
            true => "those of the captured interfaces".to_owned(),
            false => networks.join(", "),
        };
        lines.push(format!(
            "local networks: {networks}, and the private ranges"
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
    let frames = source.frames;
    let frames = frames.map_or_else(String::new, |frames| {
        format!(": {}", counted(frames, "frame", "frames"))
    });
    format!("{what}{links}{frames}")
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
        let more = (gaps.len() - MAX_LISTED) as u64;
        lines.push(format!("and {}", counted(more, "more gap", "more gaps")));
    }
    for source in &report.sensor.sources {
        if let Some((kernel, interface)) = source.drops {
            lines.push(format!(
                "{}: {} dropped by the kernel, {interface} by the interface",
                plain(&source.name),
                counted(kernel, "frame", "frames")
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
