//! `straggler rules list`: every pack in a line.

use std::io::Write;

use comfy_table::{ContentArrangement, LineStyle, Table, TableStyle};
use console::measure_text_width;
use serde::Serialize;

use crate::cli::args::{Common, ListFormat};
use crate::cli::replay::{load, write_json};
use crate::cli::{Exit, Failure, Output};
use crate::model::{Category, CutoffKind, Pack, PackKind, PackRole, ResolverPack, Timestamp};

const COLUMNS: [&str; 10] = [
    "Pack", "Name", "Kind", "Role", "In force", "Version", "Reviewed", "Services", "Names",
    "Cutoff",
];

/// Columns that a narrow terminal does without, in this order.
const DISPENSABLE: [&str; 8] = [
    "Kind", "Reviewed", "Services", "Version", "Name", "Names", "Role", "Cutoff",
];

/// What `rules list --format json` prints: every key for either kind, null or nought where it does not apply.
#[derive(Serialize)]
struct PackLine<'a> {
    id: &'a str,
    kind: PackKind,
    vendor: Option<&'a str>,
    name: &'a str,
    role: Option<PackRole>,
    in_force: bool,
    version: &'a str,
    reviewed: &'a str,
    digest: &'a str,
    origin: &'a str,
    services: usize,
    patterns: usize,
    tests: usize,
    cutoffs: Vec<CutoffLine<'a>>,
    resolvers: usize,
    addresses: usize,
    ech_public_names: usize,
}

#[derive(Serialize)]
struct CutoffLine<'a> {
    id: &'a str,
    kind: CutoffKind,
    default: bool,
    jurisdiction: &'a str,
    at: Timestamp,
    categories: &'a [Category],
}

pub(super) fn list(
    common: &Common,
    format: ListFormat,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let config = load(common)?;
    let rules = config.rule_set();
    let in_force = |pack: &Pack| rules.packs.iter().any(|other| other.vendor == pack.vendor);
    match format {
        ListFormat::Json => {
            for pack in config.library.packs() {
                write_json(output, &vendor_line(pack, in_force(pack)))?;
            }
            for pack in config.library.resolver_packs() {
                write_json(output, &resolvers_line(pack))?;
            }
        }
        ListFormat::Table => {
            let vendors = config.library.packs();
            let vendors = vendors.map(|pack| vendor_row(pack, in_force(pack)));
            let resolvers = config.library.resolver_packs().map(resolvers_row);
            let rows: Vec<_> = vendors.chain(resolvers).collect();
            write!(output, "{}", tabulated(&rows, output.style().width))?;
        }
    }
    Ok(Exit::Fine)
}

/// The table with as many columns as there is room for; the first to go is what is asked for least.
fn tabulated(rows: &[[String; COLUMNS.len()]], width: Option<u16>) -> String {
    let mut shown = COLUMNS.to_vec();
    let mut dispensable = DISPENSABLE.iter();
    loop {
        let text = drawn(rows, &shown);
        let needed = text.lines().map(measure_text_width).max().unwrap_or(0);
        let fits = width.is_none_or(|width| needed <= usize::from(width));
        match dispensable.next() {
            Some(column) if !fits => shown.retain(|other| other != column),
            _ => return text,
        }
    }
}

fn drawn(rows: &[[String; COLUMNS.len()]], shown: &[&str]) -> String {
    let mut table = Table::new();
    let rule = LineStyle::none().fill('─').junction('─');
    table.load_style(TableStyle::new().header_separator(rule));
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(shown);
    for row in rows {
        let cells = COLUMNS.iter().zip(row);
        table.add_row(cells.filter_map(|(column, text)| shown.contains(column).then_some(text)));
    }
    let mut text = String::new();
    for line in table.trim_fmt().lines() {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn vendor_row(pack: &Pack, in_force: bool) -> [String; COLUMNS.len()] {
    let cutoff = pack.cutoffs.iter().find(|cutoff| cutoff.default);
    [
        pack.vendor.to_string(),
        pack.name.clone(),
        PackKind::Vendor.to_string(),
        pack.role.to_string(),
        if in_force { "yes" } else { "no" }.to_owned(),
        pack.version.to_string(),
        pack.reviewed.clone(),
        pack.services.len().to_string(),
        pack.patterns.len().to_string(),
        cutoff.map_or(String::new(), |cutoff| {
            format!("{}{} ({})", cutoff.said_as(), cutoff.at, cutoff.id)
        }),
    ]
}

fn resolvers_row(pack: &ResolverPack) -> [String; COLUMNS.len()] {
    [
        pack.id.to_string(),
        pack.name.clone(),
        PackKind::Resolvers.to_string(),
        String::new(),
        "yes".to_owned(),
        pack.version.to_string(),
        pack.reviewed.clone(),
        pack.resolvers.len().to_string(),
        pack.pattern_count().to_string(),
        String::new(),
    ]
}

fn resolvers_line(pack: &ResolverPack) -> PackLine<'_> {
    PackLine {
        id: pack.id.as_str(),
        kind: PackKind::Resolvers,
        vendor: None,
        name: &pack.name,
        role: None,
        in_force: true,
        version: &pack.version,
        reviewed: &pack.reviewed,
        digest: &pack.digest,
        origin: &pack.origin,
        services: 0,
        patterns: pack.pattern_count(),
        tests: pack.tests.len(),
        cutoffs: Vec::new(),
        resolvers: pack.resolvers.len(),
        addresses: pack.address_count(),
        ech_public_names: pack.public_name_count(),
    }
}

fn vendor_line(pack: &Pack, in_force: bool) -> PackLine<'_> {
    PackLine {
        id: pack.vendor.as_str(),
        kind: PackKind::Vendor,
        vendor: Some(pack.vendor.as_str()),
        name: &pack.name,
        role: Some(pack.role),
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
                kind: cutoff.kind,
                default: cutoff.default,
                jurisdiction: &cutoff.jurisdiction,
                at: cutoff.at,
                categories: &cutoff.categories,
            })
            .collect(),
        resolvers: 0,
        addresses: 0,
        ech_public_names: 0,
    }
}
