//! `straggler rules show`: all that one pack says.

use std::io::Write;

use ipnet::IpNet;

use crate::cli::args::Common;
use crate::cli::replay::load;
use crate::cli::{Exit, Failure, Output};
use crate::model::{Cutoff, KnownResolver, Pack, PackKind, ResolverPack, Service, VendorNetwork};

pub(super) fn show(common: &Common, id: &str, output: &mut Output) -> Result<Exit, Failure> {
    let config = load(common)?;
    let library = &config.library;
    let mut text = Vec::new();
    if let Some(pack) = library.pack(id) {
        show_vendor(pack, &mut text)?;
    } else if let Some(pack) = library.resolver_pack(id) {
        show_resolvers(pack, &mut text)?;
    } else {
        let vendors = library.packs().map(|pack| pack.vendor.as_str());
        let resolvers = library.resolver_packs().map(|pack| pack.id.as_str());
        let known: Vec<&str> = vendors.chain(resolvers).collect();
        return Err(Failure::usage(format!(
            "there is no pack `{id}`; there are: {}",
            known.join(", ")
        )));
    }
    output.write_text(&text)?;
    Ok(Exit::Fine)
}

fn show_vendor(pack: &Pack, text: &mut Vec<u8>) -> Result<(), Failure> {
    writeln!(
        text,
        "{} ({}), {}, version {} reviewed {}, {}",
        pack.name, pack.vendor, pack.role, pack.version, pack.reviewed, pack.origin
    )?;
    if let Some(note) = &pack.note {
        writeln!(text, "note: {note}")?;
    }
    if !pack.relay_ports.is_empty() {
        writeln!(text, "relay ports: {}", listed(&pack.relay_ports))?;
    }
    if !pack.fallback_resolvers.is_empty() {
        writeln!(
            text,
            "falls back by itself to the resolvers: {}",
            listed(&pack.fallback_resolvers)
        )?;
    }
    if !pack.coverage.is_empty() {
        writeln!(text, "proves protection: {}", listed(&pack.coverage))?;
    }
    for cutoff in &pack.cutoffs {
        show_cutoff(cutoff, text)?;
    }
    for (index, service) in pack.services.iter().enumerate() {
        show_service(pack, index, service, text)?;
    }
    for network in pack.networks.claims() {
        show_network(network, text)?;
    }
    Ok(())
}

fn show_resolvers(pack: &ResolverPack, text: &mut Vec<u8>) -> Result<(), Failure> {
    writeln!(
        text,
        "{} ({}), {}, version {} reviewed {}, {}",
        pack.name,
        pack.id,
        PackKind::Resolvers,
        pack.version,
        pack.reviewed,
        pack.origin
    )?;
    for resolver in &pack.resolvers {
        show_known("resolver", resolver, text)?;
    }
    for provider in &pack.ech {
        show_known("Encrypted Client Hello", provider, text)?;
    }
    Ok(())
}

fn show_known(what: &str, known: &KnownResolver, text: &mut Vec<u8>) -> Result<(), Failure> {
    writeln!(
        text,
        "\n{}: {} ({what}, by {})",
        known.id, known.name, known.confidence
    )?;
    for name in &known.names {
        writeln!(text, "  {name}")?;
    }
    for network in &known.addresses {
        writeln!(text, "  {}", address_text(network))?;
    }
    writeln!(text, "  source: {}", known.source)?;
    if let Some(note) = &known.note {
        writeln!(text, "  note: {note}")?;
    }
    Ok(())
}

fn show_network(network: &VendorNetwork, text: &mut Vec<u8>) -> Result<(), Failure> {
    let system = match network.asn {
        Some(asn) => format!("AS{asn}, "),
        None => String::new(),
    };
    writeln!(
        text,
        "\nnetwork ({system}by {}); it accuses nobody",
        network.confidence
    )?;
    for range in &network.networks {
        writeln!(text, "  {}", address_text(range))?;
    }
    writeln!(text, "  source: {}", network.source)?;
    if let Some(note) = &network.note {
        writeln!(text, "  note: {note}")?;
    }
    Ok(())
}

/// The ports and the transport of a service, where its source gives them: `tcp 443, 23100-23199`.
pub(super) fn reached_by(service: &Service) -> Option<String> {
    let transport = service.transport.map(|transport| transport.to_string());
    let ports = (!service.ports.is_empty()).then(|| listed(&service.ports));
    let words: Vec<String> = transport.into_iter().chain(ports).collect();
    (!words.is_empty()).then(|| words.join(" "))
}

fn listed<T: ToString>(values: &[T]) -> String {
    let texts: Vec<String> = values.iter().map(ToString::to_string).collect();
    texts.join(", ")
}

/// A network as packs write it: one address without its prefix.
pub(super) fn address_text(network: &IpNet) -> String {
    if network.prefix_len() == network.max_prefix_len() {
        network.addr().to_string()
    } else {
        network.to_string()
    }
}

fn show_cutoff(cutoff: &Cutoff, text: &mut Vec<u8>) -> Result<(), Failure> {
    let categories: Vec<&str> = cutoff
        .categories
        .iter()
        .map(|category| category.label())
        .collect();
    writeln!(
        text,
        "\ncutoff {}{}: {} for {}\n  {}, {}{}\n  binds: {}\n  source: {}",
        cutoff.id,
        if cutoff.default { " (default)" } else { "" },
        cutoff.at,
        categories.join(", "),
        cutoff.jurisdiction,
        cutoff.said_as(),
        cutoff.authority,
        cutoff.binds,
        cutoff.source
    )?;
    Ok(())
}

fn show_service(
    pack: &Pack,
    index: usize,
    service: &Service,
    text: &mut Vec<u8>,
) -> Result<(), Failure> {
    let names: Vec<&str> = pack
        .patterns
        .iter()
        .filter(|(_, owner)| *owner == index)
        .map(|(pattern, _)| &**pattern)
        .collect();
    writeln!(
        text,
        "\n{}: {} ({}, {}, by {})\n  {}",
        service.id,
        service.name,
        service.category,
        service.strength,
        service.confidence,
        names.join("\n  ")
    )?;
    if let Some(ports) = reached_by(service) {
        writeln!(text, "  ports: {ports}")?;
    }
    writeln!(text, "  source: {}", service.source)?;
    if let Some(note) = &service.note {
        writeln!(text, "  note: {note}")?;
    }
    Ok(())
}
