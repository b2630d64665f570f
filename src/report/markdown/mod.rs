//! The report as Markdown, for a ticket or a wiki: tables in the dialect of GitHub.

mod context;

use std::fmt::Write;

use super::escape::{markdown as escaped, markdown_link};
use super::verdict::{cutoffs, restricted, verdict, when};
use super::{Report, bytes, lines, sensor_lines};
use crate::model::{Finding, HostKey, PackRole, Status};

/// Names in a row; the CSV and JSON forms have all of them.
const NAMES_PER_ROW: usize = 5;

/// The whole report.
pub fn markdown(report: &Report) -> String {
    let mut text = String::from("# Straggler report\n");
    text.push_str("\nWhich hosts still fetch a vendor’s updates, or still report to it, after the date on which that had to stop?\n");
    answer(&mut text, report);
    heading(&mut text, "What was asked");
    for (word, value) in lines::asked(report) {
        bullet(&mut text, &format!("{word}: {}", escaped(&value)));
    }
    cutoff_table(&mut text, report);
    findings(&mut text, report);
    context::coverage(&mut text, report);
    context::exceptions(&mut text, report);
    context::bypasses(&mut text, report);
    context::weak(&mut text, report);
    heading(&mut text, "What could not be seen");
    for line in lines::unseen(report).iter().chain(&lines::remarks(report)) {
        bullet(&mut text, &escaped(&lines::sentence(line)));
    }
    heading(&mut text, "The sensor");
    for line in sensor_lines::placed(report)
        .iter()
        .chain(&sensor_lines::watched(report))
    {
        bullet(&mut text, &escaped(&lines::sentence(line)));
    }
    heading(&mut text, "Versions");
    bullet(
        &mut text,
        &format!("straggler {}", escaped(&report.version)),
    );
    for pack in &report.packs {
        bullet(
            &mut text,
            &escaped(&format!(
                "{} {} of {}, digest {}, {}",
                pack.name, pack.version, pack.reviewed, pack.digest, pack.origin
            )),
        );
    }
    text
}

fn answer(text: &mut String, report: &Report) {
    heading(text, "Answer");
    for vendor in restricted(&report.snapshot) {
        let verdict = verdict(report, vendor);
        let sentence = escaped(&verdict.sentence);
        let limits: Vec<String> = verdict.limits.iter().map(|limit| escaped(limit)).collect();
        bullet(text, &format!("**{sentence}** {}", limits.join(" ")));
    }
    if restricted(&report.snapshot).next().is_none() {
        text.push_str(
            "No pack of a restricted vendor is in force, or asked for: nothing is looked for.\n",
        );
    }
}

fn cutoff_table(text: &mut String, report: &Report) {
    heading(text, "Cutoffs");
    let rows: Vec<Vec<String>> = restricted(&report.snapshot)
        .flat_map(|vendor| cutoffs(vendor).into_iter().map(move |row| (vendor, row)))
        .map(|(vendor, row)| {
            vec![
                escaped(&vendor.name),
                row.words(),
                report.asked.zone.readable(row.cutoff.at),
                when(&report.snapshot, row.cutoff),
                escaped(&row.cutoff.jurisdiction),
                format!(
                    "{}{}",
                    row.cutoff.said_as(),
                    markdown_link(&row.cutoff.authority, &row.cutoff.source)
                ),
                escaped(&row.cutoff.binds),
                row.group.map_or("all in no group".to_owned(), escaped),
            ]
        })
        .collect();
    let head = [
        "Vendor",
        "Categories",
        "Instant",
        "When",
        "Jurisdiction",
        "Authority and source",
        "Whom it binds",
        "Group",
    ];
    table(text, &head, &rows, "No cutoff is in force.");
}

fn findings(text: &mut String, report: &Report) {
    for (role, title) in [
        (PackRole::Restricted, "Findings"),
        (PackRole::Replacement, "Replacement vendors seen"),
    ] {
        heading(text, title);
        let of_role = report
            .snapshot
            .findings
            .iter()
            .filter(|finding| finding.role == role);
        let rows: Vec<Vec<String>> = of_role.map(|finding| row(report, finding)).collect();
        let head = [
            "Host",
            "Vendor",
            "Category",
            "Status",
            "Straggler",
            "Furthest ever",
            "First seen",
            "Last seen",
            "Received",
            "Sent",
            "Names",
        ];
        table(text, &head, &rows, "None.");
    }
}

fn row(report: &Report, finding: &Finding) -> Vec<String> {
    let zone = &report.asked.zone;
    let status = match finding.last_blocked {
        Some((_, kind)) if finding.status == Status::Blocked => {
            format!("{} by {}", finding.status, kind.phrase())
        }
        _ => finding.status.to_string(),
    };
    vec![
        host(report, &finding.host),
        escaped(&finding.vendor_name),
        finding.category.to_string(),
        status,
        if finding.straggler { "**yes**" } else { "no" }.to_owned(),
        finding.evidence.to_string(),
        zone.readable(finding.first_seen),
        zone.readable(finding.last_seen),
        bytes(finding.received),
        bytes(finding.sent),
        names(finding),
    ]
}

/// Key, and what people call it.
fn host(report: &Report, key: &HostKey) -> String {
    let view = report.snapshot.host(key);
    let known = view
        .into_iter()
        .flat_map(|view| [&view.name, &view.owner, &view.site]);
    let known: Vec<String> = known.flatten().map(|text| escaped(text)).collect();
    match known.is_empty() {
        true => escaped(key.as_str()),
        false => format!("{} ({})", escaped(key.as_str()), known.join(", ")),
    }
}

fn names(finding: &Finding) -> String {
    let mut names: Vec<String> = finding
        .names
        .iter()
        .take(NAMES_PER_ROW)
        .map(|name| match name.is_by_address() {
            true => format!("{} (by address)", escaped(name.name.as_str())),
            false => escaped(name.name.as_str()),
        })
        .collect();
    let more = finding.names.len().saturating_sub(NAMES_PER_ROW) as u64 + finding.names_left_out;
    if more > 0 {
        names.push(format!("and {more} more"));
    }
    names.join(", ")
}

fn heading(text: &mut String, title: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "\n## {title}\n");
}

fn bullet(text: &mut String, line: &str) {
    let _ = writeln!(text, "- {}", line.trim_end());
}

fn table(text: &mut String, head: &[&str], rows: &[Vec<String>], nothing: &str) {
    if rows.is_empty() {
        let _ = writeln!(text, "{nothing}");
        return;
    }
    let _ = writeln!(text, "| {} |", head.join(" | "));
    let _ = writeln!(text, "|{}", " --- |".repeat(head.len()));
    for row in rows {
        let _ = writeln!(text, "| {} |", row.join(" | "));
    }
}
