//! `straggler rules list`: every pack in a line.

use std::io::Write;

use comfy_table::{ContentArrangement, LineStyle, Table, TableStyle};
use serde::Serialize;

use crate::cli::args::{Common, ReplayFormat};
use crate::cli::replay::{load, write_json};
use crate::cli::{Exit, Failure, Output};
use crate::model::{Category, Pack, PackRole, Timestamp};

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

pub(super) fn list(
    common: &Common,
    format: ReplayFormat,
    output: &mut Output,
) -> Result<Exit, Failure> {
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
