//! `straggler rules show`: all that one pack says.

use std::io::Write;

use ipnet::IpNet;

use crate::cli::args::Common;
use crate::cli::replay::load;
use crate::cli::{Exit, Failure, Output};
use crate::model::{Cutoff, KnownResolver, Pack, PackKind, ResolverPack, Service};

pub(super) fn show(common: &Common, id: &str, output: &mut Output) -> Result<Exit, Failure> {
    let config = load(common)?;
    let library = &config.library;
    if let Some(pack) = library.pack(id) {
        show_vendor(pack, output)?;
    } else if let Some(pack) = library.resolver_pack(id) {
        show_resolvers(pack, output)?;
    } else {
        let vendors = library.packs().map(|pack| pack.vendor.as_str());
        let resolvers = library.resolver_packs().map(|pack| pack.id.as_str());
        let known: Vec<&str> = vendors.chain(resolvers).collect();
        return Err(Failure::usage(format!(
            "there is no pack `{id}`; there are: {}",
            known.join(", ")
        )));
    }
    Ok(Exit::Fine)
}

fn show_vendor(pack: &Pack, output: &mut Output) -> Result<(), Failure> {
    writeln!(
        output,
        "{} ({}), {}, version {} reviewed {}, {}",
        pack.name, pack.vendor, pack.role, pack.version, pack.reviewed, pack.origin
    )?;
    for cutoff in &pack.cutoffs {
        show_cutoff(cutoff, output)?;
    }
    for (index, service) in pack.services.iter().enumerate() {
        show_service(pack, index, service, output)?;
    }
    Ok(())
}

fn show_resolvers(pack: &ResolverPack, output: &mut Output) -> Result<(), Failure> {
    writeln!(
        output,
        "{} ({}), {}, version {} reviewed {}, {}",
        pack.name,
        pack.id,
        PackKind::Resolvers,
        pack.version,
        pack.reviewed,
        pack.origin
    )?;
    for resolver in &pack.resolvers {
        show_known("resolver", resolver, output)?;
    }
    for provider in &pack.ech {
        show_known("Encrypted Client Hello", provider, output)?;
    }
    Ok(())
}

fn show_known(what: &str, known: &KnownResolver, output: &mut Output) -> Result<(), Failure> {
    writeln!(
        output,
        "\n{}: {} ({what}, by {})",
        known.id, known.name, known.confidence
    )?;
    for name in &known.names {
        writeln!(output, "  {name}")?;
    }
    for network in &known.addresses {
        writeln!(output, "  {}", address_text(network))?;
    }
    writeln!(output, "  source: {}", known.source)?;
    if let Some(note) = &known.note {
        writeln!(output, "  note: {note}")?;
    }
    Ok(())
}

/// A network as packs write it: one address without its prefix.
pub(super) fn address_text(network: &IpNet) -> String {
    if network.prefix_len() == network.max_prefix_len() {
        network.addr().to_string()
    } else {
        network.to_string()
    }
}

fn show_cutoff(cutoff: &Cutoff, output: &mut Output) -> Result<(), Failure> {
    let categories: Vec<&str> = cutoff
        .categories
        .iter()
        .map(|category| category.label())
        .collect();
    writeln!(
        output,
        "\ncutoff {}{}: {} for {}\n  {}, {}\n  binds: {}\n  source: {}",
        cutoff.id,
        if cutoff.default { " (default)" } else { "" },
        cutoff.at,
        categories.join(", "),
        cutoff.jurisdiction,
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
    output: &mut Output,
) -> Result<(), Failure> {
    let names: Vec<&str> = pack
        .patterns
        .iter()
        .filter(|(_, owner)| *owner == index)
        .map(|(pattern, _)| &**pattern)
        .collect();
    writeln!(
        output,
        "\n{}: {} ({}, {}, by {})\n  {}\n  source: {}",
        service.id,
        service.name,
        service.category,
        service.strength,
        service.confidence,
        names.join("\n  "),
        service.source
    )?;
    if let Some(note) = &service.note {
        writeln!(output, "  note: {note}")?;
    }
    Ok(())
}
