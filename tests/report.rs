//! The formats of reports: golden files of the example and of a report in which everything occurs, filters, and names that
//! strangers chose to do harm.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says what it expects; the panic is its report"
)]

mod reports;

use std::collections::BTreeSet;
use std::process::{Command, Output};

use reports::{Texts, host, minute, report, vendor};
use straggler::model::{Category, Status, Strength};
use straggler::report::{self, COLUMNS, Filter, Report, Style};

const EXAMPLE: &str = "examples/office.pcapng";

fn straggler(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_straggler"))
        .arg("replay")
        .args(args)
        .arg(EXAMPLE)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn printed(args: &[&str]) -> String {
    let output = straggler(args);
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

/// The rows of a CSV file as its reader sees them, the header first.
fn rows(csv: &str) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(csv.as_bytes());
    let records = reader.records().map(Result::unwrap);
    records
        .map(|record| record.iter().map(str::to_owned).collect())
        .collect()
}

#[test]
fn the_example_in_every_format() {
    for format in ["json", "csv", "markdown", "html"] {
        // The version is no part of what is looked at here.
        let printed = printed(&["--format", format]).replace(env!("CARGO_PKG_VERSION"), "VERSION");
        insta::assert_snapshot!(format!("example_{format}"), printed.replace('\r', ""));
    }
}

fn plain_texts() -> Report {
    report(&Texts {
        free: "Nordwind",
        label: b"s07",
    })
}

/// A terminal of the usual width, with colours.
const NARROW: Style = Style {
    width: Some(80),
    color: true,
};

#[test]
fn everything_that_a_report_can_tell() {
    let report = plain_texts();
    let json: Vec<String> = report::finding_lines(&report)
        .map(|line| serde_json::to_string(&line).unwrap())
        .collect();
    for (format, text) in [
        ("table", report::table(&report, Style::default())),
        ("narrow", report::table(&report, NARROW)),
        ("json", json.join("\n")),
        ("csv", report::csv(&report).replace('\r', "")),
        ("markdown", report::markdown(&report)),
        ("html", report::html(&report)),
    ] {
        insta::assert_snapshot!(format!("everything_{format}"), text);
    }
}

/// Each is what somebody may call a device, write into an inventory or send as a label.
const HOSTILE: [&str; 14] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "=HYPERLINK(\"http://evil.example\")",
    "+1+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(1)",
    "\t=1",
    "\u{1b}[2J\u{1b}]0;owned\u{7}",
    "a\0b",
    "photo\u{202e}gpj.exe",
    "a|b`c`[d](javascript:x)\\",
    "first\nsecond\r\n=third",
    "\u{9b}31m\u{2028}\u{feff}",
    "http://evil.example www.evil.example",
];

fn hostile(free: &str) -> Report {
    let label: Vec<u8> = free.bytes().take(63).collect();
    report(&Texts {
        free,
        label: &label,
    })
}

#[test]
fn hostile_names_are_harmless_in_every_format() {
    let long = "ä".repeat(127) + "x";
    for free in HOSTILE.into_iter().chain([long.as_str()]) {
        let report = hostile(free);
        let html = report::html(&report);
        let lower = html.to_ascii_lowercase();
        assert!(
            !lower.contains("<script") && !lower.contains("<img"),
            "{free:?}"
        );
        assert!(!lower.contains("href=\"javascript"), "{free:?}");
        let markdown = report::markdown(&report);
        assert!(
            !markdown.contains('<') || !markdown.replace("](<", "](").contains('<'),
            "{free:?}"
        );
        let table = report::table(
            &report,
            Style {
                width: Some(100),
                color: false,
            },
        );
        let csv = report::csv(&report);
        for (format, text) in [
            ("html", &html),
            ("markdown", &markdown),
            ("table", &table),
            ("csv", &csv),
        ] {
            for letter in [
                '\u{1b}', '\0', '\u{7}', '\u{9b}', '\u{202e}', '\u{2028}', '\u{feff}',
            ] {
                assert!(
                    !text.contains(letter),
                    "{format} of {free:?} has {letter:?}"
                );
            }
        }
        for line in report::finding_lines(&report) {
            let line = serde_json::to_string(&line).unwrap();
            assert!(!line.contains(['\u{1b}', '\0', '\n']), "{line}");
        }
    }
}

#[test]
fn hostile_names_make_no_rows_and_no_formulas() {
    let plain = plain_texts();
    let lines = |text: &str| text.lines().count();
    for free in HOSTILE {
        let report = hostile(free);
        let csv = report::csv(&report);
        assert_eq!(
            csv.matches('\n').count(),
            csv.matches("\r\n").count(),
            "{free:?}"
        );
        let rows = rows(&csv);
        assert_eq!(rows.len(), 5, "{free:?}");
        assert_eq!(rows[0], COLUMNS);
        for row in &rows {
            assert_eq!(row.len(), COLUMNS.len());
            for cell in row {
                assert!(
                    !cell.starts_with(['=', '+', '-', '@', '\t', '\r']),
                    "{cell:?}"
                );
                assert!(!cell.contains(['\n', '\r']), "{cell:?}");
            }
        }
        assert_eq!(
            lines(&report::markdown(&report)),
            lines(&report::markdown(&plain)),
            "{free:?}"
        );
        assert_eq!(
            lines(&report::table(&report, Style::default())),
            lines(&report::table(&plain, Style::default())),
            "{free:?}"
        );
    }
    // What was defused can be read back.
    let rows = rows(&report::csv(&hostile("=1+1")));
    let at = COLUMNS
        .iter()
        .position(|column| *column == "host_name")
        .unwrap();
    assert_eq!(rows[1][at], "'=1+1 name");
}

/// In a table of Markdown each row has the cells of its header, whatever the texts.
#[test]
fn hostile_names_break_no_table_of_markdown() {
    for free in HOSTILE {
        let mut columns = None;
        for line in report::markdown(&hostile(free)).lines() {
            // Pipes that part cells are not escaped.
            let cells = line
                .replace("\\\\", "")
                .replace("\\|", "")
                .matches('|')
                .count();
            match (line.starts_with('|'), columns) {
                (true, Some(columns)) => assert_eq!(cells, columns, "{line}"),
                (true, None) => columns = Some(cells),
                (false, _) => columns = None,
            }
        }
    }
}

/// The page asks for nothing: no script, no asset, no form; and it can be read without eyes.
#[test]
fn the_page_stands_alone() {
    for html in [report::html(&plain_texts()), printed(&["--format", "html"])] {
        for tag in html.split('<').filter_map(|tag| tag.split('>').next()) {
            for word in [
                "script", "link ", "img", "iframe", "form", "object", "base ",
            ] {
                assert!(!tag.starts_with(word), "{tag}");
            }
            assert!(!tag.contains("src=") && !tag.contains("style="), "{tag}");
        }
        assert!(!html.contains("@import") && !html.contains("url("));
        for needed in [
            "<html lang=\"en\"",
            "<main>",
            "<header>",
            "<footer>",
            "<nav aria-label=",
            "<title>",
            "default-src 'none'",
        ] {
            assert!(html.contains(needed), "{needed}");
        }
        assert!(!html.contains("<th>"));
        assert_eq!(html.matches("<th ").count(), html.matches("scope=").count());
        assert_eq!(html.matches("<h1").count(), 1);
        // Each section is named by its heading, and the list of sections leads to each.
        for id in html
            .split("aria-labelledby=\"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
        {
            assert!(
                html.contains(&format!("<h2 id=\"{id}\""))
                    && html.contains(&format!("href=\"#{id}\"")),
                "{id}"
            );
        }
    }
}

#[test]
fn filters_choose_findings_and_say_what_they_left_out() {
    let name = "Nordwind name";
    let all = Filter::default();
    let hosts = |text: &str| Filter {
        hosts: vec![text.to_owned()],
        ..Filter::default()
    };
    let cases = [
        ("all", all.clone(), vec![1, 2, 4, 3]),
        (
            "vendor",
            Filter {
                vendors: vec![vendor("acme")],
                ..all.clone()
            },
            vec![1, 2, 4, 3],
        ),
        (
            "other vendor",
            Filter {
                vendors: vec![vendor("shield")],
                ..all.clone()
            },
            vec![],
        ),
        ("key", hosts("ip-10.0.0.2"), vec![2]),
        ("alias", hosts("ip-10.0.0.103"), vec![3]),
        ("address", hosts("10.0.0.4"), vec![4]),
        ("hardware address", hosts("02:00:00:00:00:01"), vec![1]),
        ("name", hosts(&name.to_uppercase()), vec![1, 2, 4, 3]),
        ("nobody", hosts("10.0.0.40"), vec![]),
        (
            "status",
            Filter {
                statuses: vec![Status::Blocked, Status::Silent],
                ..all.clone()
            },
            vec![4, 3],
        ),
        (
            "since",
            Filter {
                since: Some(minute(603)),
                ..all.clone()
            },
            vec![4, 3],
        ),
        (
            "until",
            Filter {
                until: Some(minute(603)),
                ..all.clone()
            },
            vec![1, 2, 4, 3],
        ),
        (
            "before anything was seen",
            Filter {
                until: Some(minute(10)),
                ..all.clone()
            },
            vec![],
        ),
        (
            "by each sighting",
            Filter {
                until: Some(minute(603)),
                within: Some(BTreeSet::from([2, 4].map(|number| {
                    (
                        host(number),
                        vendor("acme"),
                        Category::Update,
                        Strength::Strong,
                    )
                }))),
                ..all.clone()
            },
            vec![2, 4],
        ),
        (
            "between",
            Filter {
                since: Some(minute(602)),
                until: Some(minute(604)),
                ..all
            },
            vec![2, 4, 3],
        ),
    ];
    for (case, filter, expected) in cases {
        let report = plain_texts().filtered(filter);
        let found: Vec<_> = report
            .snapshot
            .findings
            .iter()
            .map(|finding| finding.host.clone())
            .collect();
        let expected: Vec<_> = expected.into_iter().map(host).collect();
        assert_eq!(found, expected, "{case}");
        assert_eq!(
            report.asked.left_out.findings as usize,
            4 - expected.len(),
            "{case}"
        );
        let straggles = found.contains(&host(1));
        assert_eq!(report.has_stragglers(), straggles, "{case}");
        assert_eq!(
            report.asked.left_out.stragglers,
            u64::from(!straggles),
            "{case}"
        );
        assert!(
            report
                .snapshot
                .coverage
                .iter()
                .all(|view| found.contains(&view.host)),
            "{case}"
        );
        assert!(
            report
                .snapshot
                .bypasses
                .iter()
                .all(|view| found.contains(&view.host)),
            "{case}"
        );
        let counted: u64 = report
            .snapshot
            .vendors
            .iter()
            .flat_map(|view| view.hosts.values())
            .sum();
        assert!(counted == expected.len() as u64 || case == "all", "{case}");
        if !straggles {
            // A filter that hides a straggler does not read like an all-clear.
            let table = report::table(&report, Style::default());
            assert!(
                table.contains("others were left out") && table.contains("1 of them of stragglers"),
                "{table}"
            );
            let told = report::markdown(&report);
            assert!(told.contains("1 of them of stragglers"), "{told}");
            assert!(!told.contains("**No host"), "{told}");
        }
    }
}

#[test]
fn filters_on_the_command_line() {
    let count = |args: &[&str]| -> usize {
        let args: Vec<&str> = ["--format", "json"].iter().chain(args).copied().collect();
        printed(&args).lines().count()
    };
    for (args, expected) in [
        (vec![], 11),
        (vec!["--vendor", "kaspersky"], 9),
        (vec!["--vendor", "kaspersky,microsoft-defender"], 11),
        (vec!["--host", "10.20.0.18"], 3),
        (
            vec!["--host", "ip-10.20.0.18", "--host", "FD20:20:0::12"],
            4,
        ),
        (vec!["--status", "silent,blocked"], 4),
        (vec!["--since", "2024-09-30"], 9),
        (vec!["--until", "2024-09-30"], 7),
        // In New York the day begins four hours later, in Kiritimati fourteen earlier.
        (
            vec![
                "--since",
                "2024-09-30T09:10",
                "--timezone",
                "America/New_York",
            ],
            6,
        ),
        (
            vec![
                "--since",
                "2024-09-30T13:10:00Z",
                "--timezone",
                "America/New_York",
            ],
            6,
        ),
        (
            vec!["--since", "2024-10-01", "--timezone", "Pacific/Kiritimati"],
            9,
        ),
    ] {
        assert_eq!(count(&args), expected, "{args:?}");
    }
    let table = printed(&["--timezone", "America/New_York", "--host", "10.20.0.11"]);
    assert!(
        table.contains("Findings as of 2024-09-30T09:29:44-04:00"),
        "{table}"
    );
    assert!(
        table.contains("cutoff 2024-09-29T00:00:00-04:00"),
        "{table}"
    );
    assert!(
        table.contains("Left out by this: 10 findings, 3 of them of stragglers"),
        "{table}"
    );
}

#[test]
fn fail_on_straggler_is_an_exit_code() {
    for (args, code) in [
        (vec!["--fail-on", "straggler"], 1),
        (vec!["--fail-on", "straggler", "--status", "blocked"], 0),
        (
            vec!["--fail-on", "straggler", "--vendor", "microsoft-defender"],
            0,
        ),
        (
            vec![
                "--fail-on",
                "straggler",
                "--at",
                "2024-09-28T23:00:00-04:00",
            ],
            0,
        ),
        (vec![], 0),
    ] {
        let output = straggler(&args);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{args:?}: {}",
            text(&output.stderr)
        );
        assert!(!output.stdout.is_empty(), "{args:?}");
    }
    // A capture that ends early: the straggler that was read counts, and so does the end where there is none.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.pcapng");
    let whole = std::fs::read(EXAMPLE).unwrap();
    std::fs::write(&path, &whole[..whole.len() - 30]).unwrap();
    for (status, code) in [("fetching", 1), ("blocked", 3)] {
        let output = Command::new(env!("CARGO_BIN_EXE_straggler"))
            .args(["replay", "--fail-on", "straggler", "--status", status])
            .arg(&path)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(code));
        assert!(text(&output.stderr).contains("cut off after"));
    }
}

/// Bad values get one line that says what to write instead.
#[test]
fn bad_values_are_refused() {
    for (args, words) in [
        (
            vec!["--vendor", "kaspersk"],
            "there are: avast, bitdefender,",
        ),
        (
            vec!["--status", "fetch"],
            "possible values: excepted, fetching",
        ),
        (vec!["--since", "yesterday"], "write a day (2026-11-01"),
        (vec!["--until", "2026-02-30"], "write a day (2026-11-01"),
        (
            vec!["--since", "2024-10-02", "--until", "2024-10-01"],
            "--since is not before --until",
        ),
        (
            vec!["--timezone", "Mars/Olympus"],
            "there is no such time zone",
        ),
        (vec!["--fail-on", "blocked"], "possible values: straggler"),
        (
            vec!["--format", "pdf"],
            "possible values: table, json, csv, markdown, html",
        ),
        (vec!["--host", ""], "--host: write a key"),
    ] {
        let output = straggler(&args);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
        assert!(
            said.contains(words) && output.stdout.is_empty(),
            "{args:?}: {said}"
        );
    }
    // A host that nobody knows is no mistake of form, but must not look like a clean one.
    let output = straggler(&["--host", "10.20.0.111"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stderr).contains("--host 10.20.0.111: no host with a finding has that"));
    assert!(text(&output.stdout).contains("others were left out"));
}
