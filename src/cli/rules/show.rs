//! `straggler rules show`: all that one pack says.

use std::io::Write;

use crate::cli::args::Common;
use crate::cli::replay::load;
use crate::cli::{Exit, Failure, Output};
use crate::model::{Cutoff, Pack, Service};

pub(super) fn show(common: &Common, vendor: &str, output: &mut Output) -> Result<Exit, Failure> {
    let config = load(common)?;
    let Some(pack) = config.library.pack(vendor) else {
        let known: Vec<&str> = config
            .library
            .packs()
            .map(|pack| pack.vendor.as_str())
            .collect();
        return Err(Failure::usage(format!(
            "there is no pack `{vendor}`; there are: {}",
            known.join(", ")
        )));
    };
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
    Ok(Exit::Fine)
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
