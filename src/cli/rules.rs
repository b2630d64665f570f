//! `straggler rules`: what the packs say.

use std::io::Write;
use std::path::Path;

use comfy_table::{ContentArrangement, LineStyle, Table, TableStyle};
use serde::Serialize;

use super::args::{Common, ReplayFormat, RulesArgs, RulesCommand};
use super::output::say;
use super::replay::{load, write_json};
use super::{Exit, Failure, Output};
use crate::model::{
    Category, Confidence, Cutoff, DomainName, Pack, PackRole, Service, Strength, Timestamp,
};
use crate::rules::Library;

pub(super) fn run(args: RulesArgs, output: &mut Output) -> Result<Exit, Failure> {
    match args.command {
        RulesCommand::List { common, format } => list(&common, format, output),
        RulesCommand::Show { common, vendor } => show(&common, &vendor, output),
        RulesCommand::Check { dir } => check(dir.as_deref()),
        RulesCommand::Test { common } => test(&common),
        RulesCommand::Explain {
            common,
            name,
            format,
        } => explain(&common, &name, format, output),
    }
}

#[derive(Serialize)]
struct PackLine<'a> {
    vendor: &'a str,
    name: &'a str,
    role: PackRole,
    in_force: bool,
    version: &'a str,
    reviewed: &'a str,
    digest: &'a str,
    origin: &'a str,
    services: usize,
    patterns: usize,
    tests: usize,
    cutoffs: Vec<CutoffLine<'a>>,
}

#[derive(Serialize)]
struct CutoffLine<'a> {
    id: &'a str,
    default: bool,
    jurisdiction: &'a str,
    at: Timestamp,
    categories: &'a [Category],
}

fn list(common: &Common, format: ReplayFormat, output: &mut Output) -> Result<Exit, Failure> {
    let config = load(common)?;
    let rules = config.rule_set();
    let in_force = |pack: &Pack| rules.packs.iter().any(|other| other.vendor == pack.vendor);
    match format {
        ReplayFormat::Json => {
            for pack in config.library.packs() {
                write_json(output, &pack_line(pack, in_force(pack)))?;
            }
        }
        ReplayFormat::Table => {
            let mut table = Table::new();
            let rule = LineStyle::none().fill('─').junction('─');
            table.load_style(TableStyle::new().header_separator(rule));
            match output.style().width {
                Some(width) => table
                    .set_content_arrangement(ContentArrangement::Dynamic)
                    .set_width(width),
                None => table.set_content_arrangement(ContentArrangement::Disabled),
            };
            table.set_header([
                "Vendor", "Name", "Role", "In force", "Version", "Reviewed", "Services", "Names",
                "Cutoff",
            ]);
            for pack in config.library.packs() {
                let cutoff = pack.cutoffs.iter().find(|cutoff| cutoff.default);
                table.add_row([
                    pack.vendor.to_string(),
                    pack.name.clone(),
                    pack.role.to_string(),
                    if in_force(pack) { "yes" } else { "no" }.to_owned(),
                    pack.version.to_string(),
                    pack.reviewed.clone(),
                    pack.services.len().to_string(),
                    pack.patterns.len().to_string(),
                    cutoff.map_or(String::new(), |cutoff| {
                        format!("{} ({})", cutoff.at, cutoff.id)
                    }),
                ]);
            }
            for line in table.trim_fmt().lines() {
                writeln!(output, "{}", line.trim_end())?;
            }
        }
    }
    Ok(Exit::Fine)
}

fn pack_line(pack: &Pack, in_force: bool) -> PackLine<'_> {
    PackLine {
        vendor: pack.vendor.as_str(),
        name: &pack.name,
        role: pack.role,
        in_force,
        version: &pack.version,
        reviewed: &pack.reviewed,
        digest: &pack.digest,
        origin: &pack.origin,
        services: pack.services.len(),
        patterns: pack.patterns.len(),
        tests: pack.tests.len(),
        cutoffs: pack
            .cutoffs
            .iter()
            .map(|cutoff| CutoffLine {
                id: &cutoff.id,
                default: cutoff.default,
                jurisdiction: &cutoff.jurisdiction,
                at: cutoff.at,
                categories: &cutoff.categories,
            })
            .collect(),
    }
}

fn show(common: &Common, vendor: &str, output: &mut Output) -> Result<Exit, Failure> {
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

fn check(dir: Option<&Path>) -> Result<Exit, Failure> {
    let library = match dir {
        Some(dir) => Library::load_folder(dir),
        None => Library::load(None),
    };
    match library {
        Ok(library) => {
            let (packs, tests) = (library.packs().count(), library.test().0);
            if packs == 0 {
                return Err(Failure::usage(
                    "the folder has no pack; packs are files that end in .toml",
                ));
            }
            say(&format!("{packs} packs, {tests} tests: fine"));
            Ok(Exit::Fine)
        }
        Err(faults) => {
            for fault in faults {
                say(&fault.to_string());
            }
            Ok(Exit::Usage)
        }
    }
}

fn test(common: &Common) -> Result<Exit, Failure> {
    let config = load(common)?;
    let (ran, failures) = config.library.test();
    for failure in &failures {
        say(&format!("{}: {}", failure.vendor, failure.what));
    }
    say(&format!("{ran} tests, {} failed", failures.len()));
    Ok(if failures.is_empty() {
        Exit::Fine
    } else {
        Exit::Found
    })
}

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

fn explain(
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
