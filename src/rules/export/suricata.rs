//! Rules of Suricata 7 (<https://docs.suricata.io/>): a rule for each protocol in which a name is read.
//!
//! A rule is judged alone, so what lies within a pattern stands in its rules as "but not": a name makes one alert,
//! or none where it is not meant.

use std::fmt::Write;

use ring::digest::{SHA256, digest};

use super::chosen::{Chosen, Verdict};
use super::{Said, Writer};
use crate::rules::pattern::Shape;

pub(super) struct Suricata;

/// Protocols, the buffers with their names, and what it is called when a host does it.
const PROTOCOLS: [(&str, &str, &str); 4] = [
    ("dns", "dns.query", "asks for"),
    ("tls", "tls.sni", "connects to"),
    ("quic", "quic.sni", "connects to"),
    ("http", "http.host", "requests from"),
];
/// Numbers far from those of published rule sets, and so many that two rules hardly ever meet.
const FIRST_SID: u32 = 2_000_000_000;
const SIDS: u32 = 1_000_000_000;

impl Writer for Suricata {
    fn write(&self, chosen: &Chosen<'_>) -> Said {
        if chosen.verdict == Verdict::Spared {
            return Said::Whole(Vec::new());
        }
        let lines = PROTOCOLS
            .iter()
            .map(|(protocol, buffer, does)| rule(chosen, protocol, buffer, does));
        Said::Whole(lines.collect())
    }
}

fn rule(chosen: &Chosen<'_>, protocol: &str, buffer: &str, does: &str) -> String {
    let Chosen {
        pattern,
        pack,
        service,
        ..
    } = chosen;
    let mut matches = match pattern.shape() {
        Shape::Exact(name) => format!("content:\"{name}\"; startswith; endswith; nocase;"),
        // The dot in front is the transformation's: so whole labels are compared.
        Shape::Suffix(name) => format!("dotprefix; content:\".{name}\"; endswith; nocase;"),
        Shape::Wildcard => format!("pcre:\"/{}/i\";", pattern.regex()),
    };
    let dot = matches!(pattern.shape(), Shape::Suffix(_));
    for inner in &chosen.holds {
        let regex = inner.regex();
        // Behind that transformation every name begins with a dot.
        let regex = if dot {
            format!("^\\.{}", &regex[1..])
        } else {
            regex
        };
        // Infallible: the target is a string.
        let _ = write!(matches, " pcre:!\"/{regex}/i\";");
    }
    let source = service.source.split_once("://");
    let url = source.map_or(service.source.as_str(), |(_, url)| url);
    let to = if protocol == "dns" {
        "any"
    } else {
        "$EXTERNAL_NET"
    };
    format!(
        "alert {protocol} $HOME_NET any -> {to} any (msg:\"{}\"; {buffer}; {matches} \
         reference:url,{}; metadata:vendor {}, service {}, pack {}; sid:{}; rev:1;)",
        plain(&format!(
            "{} {}: {does} {}",
            pack.name, service.name, pattern
        )),
        plain(url),
        pack.vendor,
        service.id,
        plain(&pack.version),
        number(&format!(
            "{protocol} {} {} {pattern}",
            pack.vendor, service.id
        )),
    )
}

/// Without what ends a value in a rule.
fn plain(text: &str) -> String {
    let keep = |c: char| !c.is_control() && !matches!(c, '"' | ';' | '\\' | '|');
    text.chars()
        .filter(|&c| keep(c))
        .collect::<String>()
        .replace(':', "\\:")
}

/// A number that stays as long as the rule is about the same.
fn number(what: &str) -> u32 {
    let digest = digest(&SHA256, what.as_bytes());
    let mut first = [0; 4];
    first.copy_from_slice(&digest.as_ref()[..4]);
    FIRST_SID + u32::from_be_bytes(first) % SIDS
}
