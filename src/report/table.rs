//! The findings as text for a terminal: the answer first, then what speaks for it, then what could not be seen.

use std::collections::BTreeSet;
use std::fmt::Write;

use comfy_table::{
    Attribute, Cell, CellAlignment, Color, ContentArrangement, LineStyle, Table, TableStyle,
};

use super::{bytes, span};
use crate::model::{
    BlindKind, Finding, FlowProtocol, HostKey, PackRole, Seen, SeenSide, Snapshot, Status,
    Undecoded, VendorView,
};

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
pub fn table(snapshot: &Snapshot, seen: &Seen, style: Style) -> String {
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
    // Writing to a String cannot fail.
    let _ = writeln!(text, "Findings as of {at}, by the 24 hours before.");
    for vendor in snapshot
        .vendors
        .iter()
        .filter(|vendor| vendor.role == PackRole::Restricted)
    {
        cutoffs(&mut text, vendor, snapshot);
    }
    if !snapshot
        .vendors
        .iter()
        .any(|vendor| vendor.role == PackRole::Restricted)
    {
        text.push_str("No pack of a restricted vendor is in force: nothing is looked for.\n");
        unseen(&mut text, snapshot, seen);
        return text;
    }
    let stragglers = part(PackRole::Restricted, true);
    let hosts: BTreeSet<&HostKey> = stragglers.iter().map(|finding| &finding.host).collect();
    let headline = match hosts.len() {
        0 => {
            "No stragglers: no host was seen to fetch from or report to a vendor after its cutoff."
                .to_owned()
        }
        1 => "1 straggler: a host that still fetches from or reports to a vendor after its cutoff"
            .to_owned(),
        count => format!(
            "{count} stragglers: hosts that still fetch from or report to a vendor after its cutoff"
        ),
    };
    section(&mut text, &headline, &stragglers, style);
    section(
        &mut text,
        "Other hosts that used or tried a restricted vendor",
        &part(PackRole::Restricted, false),
        style,
    );
    section(
        &mut text,
        "Replacement vendors seen",
        &part(PackRole::Replacement, false),
        style,
    );
    weak(&mut text, snapshot);
    unseen(&mut text, snapshot, seen);
    text
}

fn cutoffs(text: &mut String, vendor: &VendorView, snapshot: &Snapshot) {
    let mut told: Vec<&str> = Vec::new();
    for in_force in &vendor.cutoffs {
        let cutoff = &in_force.cutoff;
        if told.contains(&cutoff.id.as_str()) {
            continue;
        }
        told.push(&cutoff.id);
        let categories: Vec<&str> = vendor
            .cutoffs
            .iter()
            .filter(|other| other.cutoff.id == cutoff.id)
            .map(|other| other.category.label())
            .collect();
        let when = match snapshot.at {
            Some(at) if at >= cutoff.at => format!("{} ago", span(at.since(cutoff.at))),
            Some(at) => format!("in {}", span(cutoff.at.since(at))),
            None => String::new(),
        };
        let _ = writeln!(
            text,
            "{}: cutoff {} ({when}) for {}; {}, {}",
            vendor.name,
            cutoff.at,
            categories.join(" and "),
            cutoff.jurisdiction,
            cutoff.authority
        );
    }
    if vendor.cutoffs.is_empty() {
        let _ = writeln!(
            text,
            "{}: no cutoff is in force, so no host can be a straggler",
            vendor.name
        );
    }
}

fn section(text: &mut String, title: &str, findings: &[&Finding], style: Style) {
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
        table.add_row(row(finding));
    }
    for line in table.trim_fmt().lines() {
        let _ = writeln!(text, "{}", line.trim_end());
    }
}

fn row(finding: &Finding) -> Vec<Cell> {
    let hosts: Vec<String> = finding.addresses.iter().map(ToString::to_string).collect();
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
        Cell::new(finding.last_seen),
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

fn weak(text: &mut String, snapshot: &Snapshot) {
    if snapshot.weak.is_empty() {
        return;
    }
    text.push_str("\nContext: names that people, web pages or other software ask for too; they prove nothing\n");
    for weak in &snapshot.weak {
        let names: Vec<&str> = weak
            .names
            .iter()
            .map(crate::model::DomainName::as_str)
            .collect();
        let _ = writeln!(
            text,
            "  {}  {} {}: {}",
            weak.host,
            weak.vendor,
            weak.category,
            names.join(", ")
        );
    }
}

fn unseen(text: &mut String, snapshot: &Snapshot, seen: &Seen) {
    text.push_str("\nWhat was looked at, and what could not be seen\n");
    let _ = writeln!(
        text,
        "  {} frames, {}; {} local hosts in the window; the capture covers {:.0} % of it",
        seen.frames,
        bytes(seen.wire_bytes),
        snapshot.local_hosts,
        snapshot.looked * 100.0
    );
    let flows: Vec<String> = FlowProtocol::ALL
        .iter()
        .filter(|protocol| seen.flows[protocol.index()] > 0)
        .map(|protocol| format!("{} {protocol}", seen.flows[protocol.index()]))
        .collect();
    if !flows.is_empty() {
        let _ = writeln!(text, "  flows: {}", flows.join(", "));
    }
    let undecoded: Vec<String> = Undecoded::ALL
        .iter()
        .filter(|cause| seen.undecoded[cause.index()] > 0)
        .map(|cause| format!("{} {cause}", seen.undecoded[cause.index()]))
        .collect();
    if !undecoded.is_empty() {
        let _ = writeln!(text, "  frames not decoded: {}", undecoded.join(", "));
    }
    if seen.cut_frames > 0 {
        let _ = writeln!(text, "  frames cut by the snap length: {}", seen.cut_frames);
    }
    if !snapshot.local_networks_known {
        text.push_str("  local networks are not set: private addresses, and in doubt whoever opened a flow, count as hosts\n");
    }
    let one_sided: Vec<String> = SeenSide::ALL
        .iter()
        .filter(|side| seen.one_sided_flows[side.index()] > 0)
        .map(|side| format!("{} only the {side}'s", seen.one_sided_flows[side.index()]))
        .collect();
    if !one_sided.is_empty() {
        let _ = writeln!(
            text,
            "  flows with packets of one side: {}",
            one_sided.join(", ")
        );
    }
    let _ = writeln!(text, "  {}", named_share(seen));
}

/// What share of the flows of a readable kind has a name, and why the others have none.
pub fn named_share(seen: &Seen) -> String {
    let named: u64 = seen.named_flows.iter().sum();
    let blind: u64 = seen.blind_flows.iter().sum();
    if named + blind == 0 {
        return "no flow was of a kind that has a name".to_owned();
    }
    // Rounded down: 100 % is said of all only.
    let share = u128::from(named) * 100 / u128::from(named + blind);
    let mut text = format!("{share} % of {} flows could be named", named + blind);
    let causes: Vec<String> = BlindKind::ALL
        .iter()
        .filter(|kind| seen.blind_flows[kind.index()] > 0)
        .map(|kind| format!("{} {}", seen.blind_flows[kind.index()], kind.phrase()))
        .collect();
    if !causes.is_empty() {
        let _ = write!(text, "; without a name: {}", causes.join(", "));
    }
    text
}
