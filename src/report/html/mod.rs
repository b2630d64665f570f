//! One page for an auditor: no script, nothing from outside, light and dark, for screen, telephone and paper.
//!
//! It answers in the order in which an auditor asks: the answer, what was asked, by which law, what was found and by what
//! proof, what protects the hosts now, what is excepted, what could not be seen, how the sensor was placed, by what
//! method, with which versions.

mod context;
mod findings;
mod proof;

use maud::{DOCTYPE, Markup, PreEscaped, html as markup};

use super::definitions::{self, METHOD, STRAGGLER};
use super::escape::{is_web_address, plain};
use super::verdict::{CutoffRow, Tone, cutoffs, restricted, verdict, when};
use super::{Report, lines, sensor_lines};
use crate::model::{Evidence, HostKey, Status, Timestamp, VendorView};

/// Nothing may be fetched, whatever stands in the page.
const CONTENT_SECURITY_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// Sections with the word that leads to them.
const SECTIONS: [(&str, &str); 13] = [
    ("answer", "Answer"),
    ("asked", "What was asked"),
    ("cutoffs", "Cutoffs"),
    ("findings", "Findings"),
    ("proof", "Proof"),
    ("coverage", "What protects these hosts now"),
    ("exceptions", "Exceptions"),
    ("bypass", "Resolver bypass"),
    ("context", "Context"),
    ("unseen", "What could not be seen"),
    ("sensor", "The sensor"),
    ("method", "Method and words"),
    ("versions", "Versions"),
];

/// The whole report.
pub fn html(report: &Report) -> String {
    markup! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(CONTENT_SECURITY_POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                meta name="color-scheme" content="light dark";
                title { "Straggler report" }
                // The style sheet is ours and has no `<`.
                style { (PreEscaped(include_str!("style.css"))) }
            }
            body {
                a.skip href="#answer" { "To the answer" }
                header {
                    h1 { "Straggler report" }
                    p { "Which hosts still fetch a vendor’s updates, or still report to it, after the date on which that had to stop?" }
                    @if let Some(at) = report.snapshot.at {
                        p { "As of " (time(report, at)) ", by the 24 hours before." }
                    }
                }
                nav aria-label="Sections" {
                    ul { @for (id, title) in SECTIONS { li { a href=(format!("#{id}")) { (title) } } } }
                }
                main {
                    (section("answer", answer(report)))
                    (section("asked", asked(report)))
                    (section("cutoffs", cutoff_table(report)))
                    (section("findings", findings::tables(report)))
                    (section("proof", proof::all(report)))
                    (section("coverage", context::coverage(report)))
                    (section("exceptions", context::exceptions(report)))
                    (section("bypass", context::bypasses(report)))
                    (section("context", context::weak(report)))
                    (section("unseen", list(lines::unseen(report).iter().chain(&lines::remarks(report)))))
                    (section("sensor", sensor(report)))
                    (section("method", method(report)))
                    (section("versions", versions(report)))
                }
                footer { p { "Made by straggler " (plain(&report.version)) ". It watches; it does not block, decrypt or probe." } }
            }
        }
    }
    .into_string()
}

fn section(id: &str, content: Markup) -> Markup {
    let title = SECTIONS
        .iter()
        .find(|(other, _)| *other == id)
        .map_or(id, |(_, title)| title);
    markup! {
        section aria-labelledby=(id) {
            h2 id=(id) { (title) }
            (content)
        }
    }
}

fn answer(report: &Report) -> Markup {
    markup! {
        @if restricted(&report.snapshot).next().is_none() {
            p.answer.unsure { "No pack of a restricted vendor is in force, or asked for: nothing is looked for." }
        }
        @for vendor in restricted(&report.snapshot) {
            @let verdict = verdict(report, vendor);
            @let tone = match verdict.tone { Tone::Bad => "bad", Tone::Good => "good", Tone::Unsure => "unsure" };
            div.answer.(tone) {
                p { strong { (verdict.sentence) } }
                @if !verdict.limits.is_empty() {
                    p.quiet { (verdict.limits.join(" ")) " See " a href="#unseen" { "what could not be seen" } "." }
                }
            }
        }
    }
}

fn asked(report: &Report) -> Markup {
    markup! {
        dl {
            @for (word, value) in lines::asked(report) {
                div { dt { (word) } dd { bdi { (value) } } }
            }
        }
    }
}

fn cutoff_table(report: &Report) -> Markup {
    let rows: Vec<(&VendorView, CutoffRow<'_>)> = restricted(&report.snapshot)
        .flat_map(|vendor| cutoffs(vendor).into_iter().map(move |row| (vendor, row)))
        .collect();
    let head = [
        "Vendor",
        "For",
        "Cutoff",
        "Jurisdiction",
        "Authority and source",
        "Whom it binds",
        "Group",
    ];
    table(
        "Cutoffs in force",
        &head,
        rows.iter().map(|(vendor, row)| {
            markup! {
                th scope="row" { bdi { (plain(&vendor.name)) } }
                td { (row.words()) }
                td { (time(report, row.cutoff.at)) br; span.quiet { (when(&report.snapshot, row.cutoff)) } }
                td { (plain(&row.cutoff.jurisdiction)) }
                td.wide { (row.cutoff.said_as()) (source(&row.cutoff.authority, &row.cutoff.source)) }
                td.wide { (plain(&row.cutoff.binds)) }
                td { @match row.group { Some(group) => (plain(group)), None => "all in no group" } }
            }
        }),
        "No cutoff is in force, so no host can be a straggler.",
    )
}

fn sensor(report: &Report) -> Markup {
    markup! {
        h3 { "How it was placed" }
        (list(sensor_lines::placed(report).iter()))
        h3 { "When it looked, and what it lost" }
        (list(sensor_lines::watched(report).iter()))
    }
}

fn method(report: &Report) -> Markup {
    markup! {
        @for sentence in METHOD { p { (sentence) } }
        p { (STRAGGLER) }
        h3 { "Levels of evidence, weakest first" }
        dl {
            @for &level in Evidence::ALL {
                div { dt { (level) } dd { (definitions::evidence(level, report.transfer_threshold)) } }
            }
        }
        h3 { "Statuses; the first that holds" }
        dl {
            @for &status in Status::ALL { div { dt { (status) } dd { (definitions::status(status)) } } }
        }
    }
}

fn versions(report: &Report) -> Markup {
    let packs = report.packs.iter().map(|pack| {
        markup! {
            th scope="row" { bdi { (plain(&pack.name)) } }
            td { (pack.kind) }
            td { (plain(&pack.version)) }
            td { code { (plain(&pack.digest)) } }
            td { (plain(&pack.reviewed)) }
            td.wide { bdi { (plain(&pack.origin)) } }
        }
    });
    markup! {
        p { "Program: straggler " (plain(&report.version)) }
        (table("Rule packs", &["Pack", "Kind", "Version", "Digest (SHA-256)", "Reviewed", "From"], packs, "No rule pack is in force."))
    }
}

/// A table that scrolls by itself where it is wider than the screen.
fn table(
    label: &str,
    head: &[&str],
    rows: impl ExactSizeIterator<Item = Markup>,
    nothing: &str,
) -> Markup {
    markup! {
        @if rows.len() == 0 {
            p { (nothing) }
        } @else {
            div.scroll tabindex="0" role="region" aria-label=(label) {
                table {
                    thead { tr { @for word in head { th scope="col" { (word) } } } }
                    tbody { @for row in rows { tr { (row) } } }
                }
            }
        }
    }
}

fn list<'a>(lines: impl Iterator<Item = &'a String>) -> Markup {
    markup! { ul { @for line in lines { li { bdi { (lines::sentence(line)) } } } } }
}

/// What people call a host, and its key.
fn host(report: &Report, key: &HostKey) -> Markup {
    let name = report
        .snapshot
        .host(key)
        .and_then(|view| view.name.as_deref());
    markup! {
        @if let Some(name) = name { bdi.name { (plain(name)) } br; }
        bdi { (plain(key.as_str())) }
    }
}

/// A claim with the page that proves it.
fn source(text: &str, url: &str) -> Markup {
    markup! {
        @if is_web_address(url) {
            a href=(url) rel="noreferrer" { (plain(text)) }
        } @else {
            (plain(text)) " (" (plain(url)) ")"
        }
    }
}

fn time(report: &Report, instant: Timestamp) -> Markup {
    let readable = report.asked.zone.readable(instant);
    // A line may end behind the day, and nowhere else.
    let (day, clock) = readable.split_once(' ').unwrap_or((&readable, ""));
    markup! {
        time datetime=(report.asked.zone.exact(instant)) { (day) " " span.clock { (clock) } }
    }
}
