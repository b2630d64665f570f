//! `straggler rules explain`: which rule matches a name, and who says so.

use std::io::Write;
use std::net::IpAddr;

use serde::Serialize;

use super::show::{address_text, reached_by};
use crate::cli::args::{Common, ListFormat};
use crate::cli::replay::{load, write_json};
use crate::cli::{Exit, Failure, Output};
use crate::model::{
    Category, Confidence, DomainName, KnownResolver, Match, Pack, PortRange, ServiceTransport,
    Strength,
};
use crate::rules::{EncryptedDns, Library};

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
    ports: &'a [PortRange],
    transport: Option<ServiceTransport>,
    source: Option<&'a str>,
    pack: Option<&'a str>,
    pack_version: Option<&'a str>,
    in_force: Option<bool>,
    resolver: Option<KnownLine<'a>>,
    ech_public_name: Option<KnownLine<'a>>,
}

/// A known encrypted-DNS service, or a provider of Encrypted Client Hello.
#[derive(Serialize)]
struct KnownLine<'a> {
    id: &'a str,
    name: &'a str,
    /// The pattern that won, or the network that holds the address.
    pattern: String,
    confidence: Confidence,
    source: &'a str,
    pack: &'a str,
    pack_version: &'a str,
    #[serde(skip)]
    note: Option<&'a str>,
}

impl<'a> KnownLine<'a> {
    fn new(pattern: String, known: &'a KnownResolver, library: &'a Library) -> Self {
        let pack = library.resolver_pack(known.pack.as_str());
        Self {
            id: known.id.as_str(),
            name: &known.name,
            pattern,
            confidence: known.confidence,
            source: &known.source,
            pack: pack.map_or("", |pack| &pack.origin),
            pack_version: &known.pack_version,
            note: known.note.as_deref(),
        }
    }
}

pub(super) fn explain(
    common: &Common,
    text: &str,
    format: ListFormat,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let config = load(common)?;
    let address = text.parse::<IpAddr>().ok();
    if address.is_none() && (text.contains(['/', ':']) || !text.is_ascii()) {
        return Err(Failure::usage(format!(
            "`{}`: write the host name alone, without scheme, port or path, and in its ASCII form (labels that begin with `xn--`)",
            text.escape_debug()
        )));
    }
    let name =
        DomainName::parse(text).map_err(|error| Failure::usage(format!("`{text}`: {error}")))?;
    let rules = config.rule_set();
    let found = config.library.explain(name.as_name());
    let vendor = found.as_ref().and_then(|found| {
        let pack = config.library.pack(found.service.vendor.as_str())?;
        let in_force = rules.packs.iter().any(|other| other.vendor == pack.vendor);
        Some((found, pack, in_force))
    });
    let resolver = resolver(rules.encrypted_dns(), &config.library, &name);
    let ech = rules.encrypted_dns().ech_of_public_name(name.as_name());
    let ech =
        ech.map(|(pattern, known)| KnownLine::new(pattern.to_string(), known, &config.library));
    if format == ListFormat::Json {
        let line = Explanation {
            resolver,
            ech_public_name: ech,
            ..explanation(&name, vendor)
        };
        write_json(output, &line)?;
        return Ok(Exit::Fine);
    }
    let mut lines = Vec::new();
    if let Some((found, pack, in_force)) = vendor {
        write_match(&name, found, pack, in_force, &mut lines)?;
    }
    if let Some(known) = &resolver {
        write_known(&name, "known encrypted-DNS service", known, &mut lines)?;
    }
    if let Some(known) = &ech {
        write_known(
            &name,
            "public name of Encrypted Client Hello",
            known,
            &mut lines,
        )?;
    }
    let in_networks = address.into_iter().flat_map(|address| {
        let packs = config.library.packs();
        packs.filter_map(move |pack| Some((pack, pack.networks.find(address)?)))
    });
    let in_networks: Vec<_> = in_networks.collect();
    for (pack, (range, network)) in &in_networks {
        writeln!(
            lines,
            "{name}: in {range}, a network of {} itself, which accuses nobody ({})",
            pack.name, network.source
        )?;
    }
    if vendor.is_none() && in_networks.is_empty() {
        let known = resolver.is_some() || ech.is_some();
        let whose = if known { " of a vendor" } else { "" };
        writeln!(lines, "{name}: no rule{whose} matches")?;
    }
    output.write_text(&lines)?;
    Ok(Exit::Fine)
}

/// The resolver of a name, or at an address that is written in its place.
fn resolver<'a>(
    known: &'a EncryptedDns,
    library: &'a Library,
    name: &DomainName,
) -> Option<KnownLine<'a>> {
    match name.as_str().parse::<IpAddr>() {
        Ok(address) => {
            let (network, resolver) = known.resolver_of_address(address)?;
            Some(KnownLine::new(address_text(network), resolver, library))
        }
        Err(_) => {
            let (pattern, resolver) = known.resolver_of_name(name.as_name())?;
            Some(KnownLine::new(pattern.to_string(), resolver, library))
        }
    }
}

fn explanation<'a>(
    name: &'a DomainName,
    vendor: Option<(&'a Match, &'a Pack, bool)>,
) -> Explanation<'a> {
    let Some((found, pack, in_force)) = vendor else {
        return Explanation {
            name: name.as_str(),
            ..Explanation::default()
        };
    };
    Explanation {
        name: name.as_str(),
        vendor: Some(found.service.vendor.as_str()),
        service: Some(found.service.id.as_str()),
        category: Some(found.service.category),
        strength: Some(found.service.strength),
        confidence: Some(found.service.confidence),
        pattern: Some(&found.pattern),
        ports: &found.service.ports,
        transport: found.service.transport,
        source: Some(&found.service.source),
        pack: Some(&pack.origin),
        pack_version: Some(&pack.version),
        in_force: Some(in_force),
        ..Explanation::default()
    }
}

fn write_match(
    name: &DomainName,
    found: &Match,
    pack: &Pack,
    in_force: bool,
    text: &mut Vec<u8>,
) -> Result<(), Failure> {
    let service = &found.service;
    writeln!(
        text,
        "{name}: {} {} ({}, {}, by {})\n  service: {}\n  pattern: {} (the most specific of those that match)\n  pack: {}, version {}{}",
        service.vendor,
        service.id,
        service.category,
        service.strength,
        service.confidence,
        service.name,
        found.pattern,
        pack.origin,
        service.pack_version,
        if in_force { "" } else { ", not in force" }
    )?;
    if let Some(ports) = reached_by(service) {
        writeln!(text, "  ports: {ports}")?;
    }
    writeln!(text, "  source: {}", service.source)?;
    if let Some(note) = &service.note {
        writeln!(text, "  note: {note}")?;
    }
    if let Some(note) = &pack.note {
        writeln!(text, "  note of the pack: {note}")?;
    }
    Ok(())
}

fn write_known(
    name: &DomainName,
    what: &str,
    known: &KnownLine<'_>,
    text: &mut Vec<u8>,
) -> Result<(), Failure> {
    writeln!(
        text,
        "{name}: {what} {} (by {})\n  service: {}\n  pattern: {}\n  pack: {}, version {}\n  source: {}",
        known.id,
        known.confidence,
        known.name,
        known.pattern,
        known.pack,
        known.pack_version,
        known.source
    )?;
    if let Some(note) = known.note {
        writeln!(text, "  note: {note}")?;
    }
    Ok(())
}
