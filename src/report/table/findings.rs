//! The findings themselves: a table where the terminal is wide enough for it, else a few lines for each.

use std::fmt::Write;

use comfy_table::{
    Attribute, Cell, CellAlignment, Color, ContentArrangement, LineStyle, Table, TableStyle,
};
use console::measure_text_width;

use super::Style;
use crate::model::{Finding, PackRole, Status};
use crate::report::escape::plain;
use crate::report::{Report, bytes};

/// Names shown for one finding; the rest is in the JSON form.
const NAMES_SHOWN: usize = 3;

/// How much a status asks to be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weight {
    /// A straggler: red.
    Straggler,
    /// Something of a restricted vendor is going on: yellow.
    Active,
    /// Not coloured.
    Quiet,
}

/// What is told of one finding.
struct Row {
    /// Addresses, then the name and the owner where they are known.
    host: Vec<String>,
    vendor: String,
    category: String,
    status: String,
    weight: Weight,
    furthest: String,
    last_seen: String,
    received: String,
    sent: String,
    names: Vec<String>,
}

/// Findings, each part under its title: all as tables if all fit.
pub(super) fn write(
    text: &mut String,
    parts: &[(&str, Vec<&Finding>)],
    report: &Report,
    style: Style,
) {
    let rows = |findings: &[&Finding]| -> Vec<Row> {
        let findings = findings.iter();
        findings.map(|finding| Row::new(report, finding)).collect()
    };
    let parts: Vec<_> = parts
        .iter()
        .map(|(title, findings)| (*title, rows(findings)))
        .collect();
    let tables: Vec<String> = parts
        .iter()
        .map(|(_, rows)| tabulated(rows, style.color))
        .collect();
    let needed = tables.iter().flat_map(|table| table.lines());
    let needed = needed.map(measure_text_width).max().unwrap_or(0);
    let fit = style.width.is_none_or(|width| needed <= usize::from(width));
    for ((title, rows), table) in parts.iter().zip(&tables) {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "\n{title}");
        if rows.is_empty() {
            if !title.contains("No stragglers") {
                text.push_str("  none\n");
            }
        } else if fit {
            text.push_str(table);
        } else {
            for row in rows {
                row.write_lines(text, style.color);
            }
        }
    }
}

/// As wide as it needs to be: broken names and times could be neither read nor copied.
fn tabulated(rows: &[Row], color: bool) -> String {
    let mut table = Table::new();
    table.load_style(TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─')));
    table.set_content_arrangement(ContentArrangement::Disabled);
    if color {
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
    for row in rows {
        let number = |text: &str| Cell::new(text).set_alignment(CellAlignment::Right);
        let status = Cell::new(&row.status);
        table.add_row([
            Cell::new(row.host.join("\n")),
            Cell::new(&row.vendor),
            Cell::new(&row.category),
            match row.weight {
                Weight::Straggler => status.fg(Color::Red).add_attribute(Attribute::Bold),
                Weight::Active => status.fg(Color::Yellow),
                Weight::Quiet => status,
            },
            Cell::new(&row.furthest),
            Cell::new(&row.last_seen),
            number(&row.received),
            number(&row.sent),
            Cell::new(row.names.join("\n")),
        ]);
    }
    let mut text = String::new();
    for line in table.trim_fmt().lines() {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

impl Row {
    fn new(report: &Report, finding: &Finding) -> Self {
        let mut host: Vec<String> = finding.addresses.iter().map(ToString::to_string).collect();
        let view = report.snapshot.host(&finding.host);
        let known = view.into_iter().flat_map(|view| [&view.name, &view.owner]);
        host.extend(known.flatten().map(|text| plain(text).into_owned()));
        let mut names: Vec<String> = finding
            .names
            .iter()
            .take(NAMES_SHOWN)
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
        Self {
            host,
            vendor: finding.vendor.to_string(),
            category: finding.category.to_string(),
            status,
            weight: Weight::of(finding),
            furthest: finding.evidence.to_string(),
            last_seen: report.asked.zone.exact(finding.last_seen),
            received: bytes(finding.received),
            sent: bytes(finding.sent),
            names,
        }
    }

    fn write_lines(&self, text: &mut String, color: bool) {
        let paint = console::Style::new().force_styling(color);
        let status = match self.weight {
            Weight::Straggler => paint.red().bright().bold(),
            Weight::Active => paint.yellow().bright(),
            Weight::Quiet => paint,
        };
        let _ = writeln!(
            text,
            "  {}  {} {}  {}",
            self.host.join(", "),
            self.vendor,
            self.category,
            status.apply_to(&self.status)
        );
        let _ = writeln!(
            text,
            "      furthest ever {}; last seen {}",
            self.furthest, self.last_seen
        );
        let _ = writeln!(text, "      received {}, sent {}", self.received, self.sent);
        for name in &self.names {
            let _ = writeln!(text, "      {name}");
        }
    }
}

impl Weight {
    fn of(finding: &Finding) -> Self {
        let active = matches!(
            finding.status,
            Status::Fetching | Status::Contacting | Status::Blocked | Status::Asking
        );
        if finding.straggler {
            Self::Straggler
        } else if finding.role == PackRole::Restricted && active {
            Self::Active
        } else {
            Self::Quiet
        }
    }
}
