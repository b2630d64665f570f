//! `straggler rules explain`: which rule matches a name, and who says so.

use std::io::Write;

use serde::Serialize;

use crate::cli::args::{Common, ReplayFormat};
use crate::cli::replay::{load, write_json};
use crate::cli::{Exit, Failure, Output};
use crate::model::{Category, Confidence, DomainName, Strength};

/// What `rules explain --format json` prints; nulls where nothing matches.
#[derive(Default, Serialize)]
struct Explanation<'a> {
    name: &'a str,
    vendor: Option<&'a str>,
    service: Option<&'a str>,
    category: Option<Category>,
    strength: Option<Strength>,
    confidence: Option<Confidence>,
    pattern: Option<&'a str>,
    source: Option<&'a str>,
    pack: Option<&'a str>,
    pack_version: Option<&'a str>,
    in_force: Option<bool>,
}

pub(super) fn explain(
    common: &Common,
    text: &str,
    format: ReplayFormat,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let config = load(common)?;
    let name =
        DomainName::parse(text).map_err(|error| Failure::usage(format!("`{text}`: {error}")))?;
    let found = config.library.explain(name.as_name());
    let pack = found
        .as_ref()
        .and_then(|found| config.library.pack(found.service.vendor.as_str()));
    let rules = config.rule_set();
    let in_force = pack.map(|pack| rules.packs.iter().any(|other| other.vendor == pack.vendor));
    let explanation = match (&found, pack) {
        (Some(found), Some(pack)) => Explanation {
            name: name.as_str(),
            vendor: Some(found.service.vendor.as_str()),
            service: Some(found.service.id.as_str()),
            category: Some(found.service.category),
            strength: Some(found.service.strength),
            confidence: Some(found.service.confidence),
            pattern: Some(&found.pattern),
            source: Some(&found.service.source),
            pack: Some(&pack.origin),
            pack_version: Some(&pack.version),
            in_force,
        },
        _ => Explanation {
            name: name.as_str(),
            ..Explanation::default()
        },
    };
    if format == ReplayFormat::Json {
        write_json(output, &explanation)?;
        return Ok(Exit::Fine);
    }
    let Some(found) = &found else {
        writeln!(output, "{name}: no rule matches")?;
        return Ok(Exit::Fine);
    };
    let service = &found.service;
    writeln!(
        output,
        "{name}: {} {} ({}, {}, by {})\n  service: {}\n  pattern: {} (the most specific of those that match)\n  pack: {}, version {}{}\n  source: {}",
        service.vendor,
        service.id,
        service.category,
        service.strength,
        service.confidence,
        service.name,
        found.pattern,
        explanation.pack.unwrap_or_default(),
        service.pack_version,
        if in_force == Some(false) {
            ", not in force"
        } else {
            ""
        },
        service.source
    )?;
    if let Some(note) = &service.note {
        writeln!(output, "  note: {note}")?;
    }
    Ok(Exit::Fine)
}
