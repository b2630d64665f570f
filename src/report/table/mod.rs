//! The findings as text for a terminal: the answer first, then what speaks for it, then what could not be seen.

mod context;

use std::collections::BTreeSet;
use std::fmt::Write;

use comfy_table::{
    Attribute, Cell, CellAlignment, Color, ContentArrangement, LineStyle, Table, TableStyle,
};

use super::escape::plain;
use super::verdict::{cutoffs, restricted, when};
use super::{Report, bytes, lines};
use crate::model::{Finding, HostKey, PackRole, Status, VendorView};

/// How text may look.
#[derive(Clone, Copy, Debug, Default)]
pub struct Style {
    /// Columns to fit into; `None` for as many as needed.
    pub width: Option<u16>,
    /// Whether colours may be used.
    pub color: bool,
}

/// Names shown in one row; the rest is in the JSON form.
const NAMES_PER_ROW: usize = 3;

/// The whole report.
pub fn table(report: &Report, style: Style) -> String {
    let snapshot = &report.snapshot;
    let mut text = String::new();
    let Some(at) = snapshot.at else {
        text.push_str("No frames were read: nothing can be said.\n");
        return text;
    };
    let part = |role: PackRole, straggler: bool| -> Vec<&Finding> {
        snapshot
            .findings
            .iter()
            .filter(|finding| finding.role == role && finding.straggler == straggler)
            .collect()
    };
    let at = report.asked.zone.exact(at);
    // Writing to a String cannot fail.
    let _ = writeln!(text, "Findings as of {at}, by the 24 hours before.");
    filtered(&mut text, report);
    for vendor in restricted(snapshot) {
        cutoff_lines(&mut text, vendor, report);
    }
    if report.asked.filter.vendors.is_empty() && restricted(snapshot).next().is_none() {
        text.push_str("No pack of a restricted vendor is in force: nothing is looked for.\n");
        context::unseen(&mut text, report);
        return text;
    }
    let stragglers = part(PackRole::Restricted, true);
    section(
        &mut text,
        &headline(report, &stragglers),
        &stragglers,
        report,
        style,
    );
    section(
        &mut text,
        "Other hosts that used or tried a restricted vendor",
        &part(PackRole::Restricted, false),
        report,
        style,
    );
    section(
        &mut text,
        "Replacement vendors seen",
        &part(PackRole::Replacement, false),
        report,
        style,
    );
    context::coverage(&mut text, report);
    context::exceptions(&mut text, report);
    context::bypasses(&mut text, report);
    context::weak(&mut text, report);
    context::unseen(&mut text, report);
    text
}

/// What was left out stands at the top: a straggler that was not asked for must not be taken for none.
fn filtered(text: &mut String, report: &Report) {
    let filter = &report.asked.filter;
    if filter.is_empty() {
        return;
    }
    let asked = lines::asked(report);
    let told = [
        "Seen",
        "Only vendors",
        "Only hosts",
        "Only statuses",
        "Left out by this",
    ];
    for (word, value) in asked.iter().filter(|(word, _)| told.contains(word)) {
        if *word != "Seen" || !filter.is_undated() {
            let _ = writeln!(text, "{word}: {value}");
        }
    }
}

fn headline(report: &Report, stragglers: &[&Finding]) -> String {
    let hosts: BTreeSet<&HostKey> = stragglers.iter().map(|finding| &finding.host).collect();
    match hosts.len() {
        0 if report.asked.left_out.stragglers > 0 => {
            "No stragglers among what was asked for; others were left out.".to_owned()
        }
        0 => {
            "No stragglers: no host was seen to fetch from or report to a vendor after its cutoff."
                .to_owned()
        }
        1 => "1 straggler: a host that still fetches from or reports to a vendor after its cutoff"
            .to_owned(),
        count => format!(
            "{count} stragglers: hosts that still fetch from or report to a vendor after its cutoff"
        ),
    }
}

fn cutoff_lines(text: &mut String, vendor: &VendorView, report: &Report) {
    for row in cutoffs(vendor) {
        let group = row
            .group
            .map(|group| format!(", hosts of {}", plain(group)));
        let _ = writeln!(
            text,
            "{}: cutoff {} ({}) for {}{}; {}, {}{}",
            plain(&vendor.name),
            report.asked.zone.exact(row.cutoff.at),
            when(&report.snapshot, row.cutoff),
            row.words(),
            group.unwrap_or_default(),
            plain(&row.cutoff.jurisdiction),
            row.cutoff.said_as(),
            plain(&row.cutoff.authority)
        );
    }
    if vendor.cutoffs.is_empty() {
        let _ = writeln!(
            text,
            "{}: no cutoff is in force, so no host can be a straggler",
            plain(&vendor.name)
        );
    }
}

fn section(text: &mut String, title: &str, findings: &[&Finding], report: &Report, style: Style) {
    let _ = writeln!(text, "\n{title}");
    if findings.is_empty() {
        if !title.contains("No stragglers") {
            text.push_str("  none\n");
        }
        return;
    }
    let mut table = Table::new();
    table.load_style(TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─')));
    match style.width {
        Some(width) => {
            table.set_content_arrangement(ContentArrangement::Dynamic);
            table.set_width(width);
        }
        None => {
            table.set_content_arrangement(ContentArrangement::Disabled);
        }
    }
    if style.color {
        table.enforce_styling();
    } else {
        table.force_no_tty();
    }
    table.set_header([
        "Host",
        "Vendor",
        "Category",
        "Status",
        "Furthest ever",
        "Last seen",
        "Received",
        "Sent",
        "Names",
    ]);
    for finding in findings {
        table.add_row(row(report, finding));
    }
    for line in table.trim_fmt().lines() {
        let _ = writeln!(text, "{}", line.trim_end());
    }
}

fn row(report: &Report, finding: &Finding) -> Vec<Cell> {
    let mut hosts: Vec<String> = finding.addresses.iter().map(ToString::to_string).collect();
    let view = report.snapshot.host(&finding.host);
    let known = view.into_iter().flat_map(|view| [&view.name, &view.owner]);
    hosts.extend(known.flatten().map(|text| plain(text).into_owned()));
    let mut names: Vec<String> = finding
        .names
        .iter()
        .take(NAMES_PER_ROW)
        .map(|name| match name.is_by_address() {
            true => format!("{} (by address)", name.name),
            false => name.name.to_string(),
        })
        .collect();
    let more = (finding.names.len() - names.len()) as u64 + finding.names_left_out;
    if more > 0 {
        names.push(format!("and {more} more"));
    }
    let status = match finding.last_blocked {
        Some((_, kind)) if finding.status == Status::Blocked => {
            format!("{} ({})", finding.status, kind.phrase())
        }
        _ => finding.status.to_string(),
    };
    let number = |count| Cell::new(bytes(count)).set_alignment(CellAlignment::Right);
    vec![
        Cell::new(hosts.join("\n")),
        Cell::new(&finding.vendor),
        Cell::new(finding.category),
        colored(Cell::new(status), finding),
        Cell::new(finding.evidence),
        Cell::new(report.asked.zone.exact(finding.last_seen)),
        number(finding.received),
        number(finding.sent),
        Cell::new(names.join("\n")),
    ]
}

/// Red for stragglers, yellow for tries, none for the rest: colours say what to look at.
fn colored(cell: Cell, finding: &Finding) -> Cell {
    if finding.straggler {
        cell.fg(Color::Red).add_attribute(Attribute::Bold)
    } else if finding.role == PackRole::Restricted
        && matches!(
            finding.status,
            Status::Fetching | Status::Contacting | Status::Blocked | Status::Asking
        )
    {
        cell.fg(Color::Yellow)
    } else {
        cell
    }
}
