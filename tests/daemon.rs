//! `straggler run --replay`: page, metrics, health, start and stop.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says what it expects; the panic is its report"
)]

mod promtool;
mod served;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use promtool::promtool;
use served::Served;

/// The stragglers of the example, and no other host.
const STRAGGLERS: [&str; 4] = ["10.20.0.11", "10.20.0.13", "fd20:20::12", "fd20:20::20"];

fn serve_example() -> Served {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/office.pcapng");
    let served = Served::start(&["--replay", example.to_str().unwrap()]);
    served.wait_ready();
    served
}

#[test]
fn the_page_answers_the_question() {
    let served = serve_example();
    let (status, page) = served.get("/");
    assert_eq!(status, 200);
    assert!(page.contains("<title>4 stragglers</title>"), "{page}");
    let marked: BTreeSet<&str> = page
        .split("<tr class=\"straggler\"")
        .skip(1)
        .map(|row| {
            let name = row.split_once("<bdi>").unwrap().1;
            name.split('<').next().unwrap()
        })
        .collect();
    assert_eq!(marked, BTreeSet::from(STRAGGLERS));
    for words in [
        "2024-09-29T04:00:00Z",
        "BIS Final Determination",
        "2024-09-30T13:01:29Z",
        "What could not be seen",
    ] {
        assert!(page.contains(words), "{words}");
    }
    assert_eq!(page.matches("<script").count(), 1, "the one of our own");
    for loaded in ["/style.css", "/script.js", "/icon.svg"] {
        assert_eq!(served.get(loaded).0, 200, "{loaded}");
    }
    assert_eq!(served.get("/-/healthy"), (200, "healthy\n".to_owned()));
    assert_eq!(served.get("/nothing").0, 404);
}

#[test]
fn the_metrics_are_those_of_the_golden_scrape() {
    let served = serve_example();
    let (status, text) = served.get("/metrics");
    assert_eq!(status, 200);
    let straggling: BTreeSet<&str> = text
        .lines()
        .filter(|line| line.starts_with("straggler_host_straggling{") && line.ends_with(" 1"))
        .map(|line| line.split('"').nth(1).unwrap())
        .collect();
    // The example's hardware addresses end like its addresses.
    let keys = ["11", "12", "13", "20"].map(|last| format!("mac-0a:20:00:00:00:{last}"));
    assert!(straggling.iter().eq(keys.iter()), "{straggling:?}");
    assert!(text.contains("\nprocess_resident_memory_bytes "));
    // Each series once, and each family in one place.
    let series = text.lines().filter(|line| !line.starts_with('#'));
    let series: Vec<&str> = series
        .filter_map(|line| Some(line.rsplit_once(' ')?.0))
        .collect();
    assert_eq!(series.iter().collect::<BTreeSet<_>>().len(), series.len());
    let families = text.lines().filter(|line| line.starts_with("# TYPE "));
    let families: Vec<&str> = families.collect();
    assert_eq!(
        families.iter().collect::<BTreeSet<_>>().len(),
        families.len()
    );
    let golden: String = text
        .lines()
        .filter(|line| !line.contains("process_"))
        // The wall time of the start.
        .filter(|line| !line.starts_with("straggler_config_last_reload_success_timestamp_seconds "))
        // What the kernel has.
        .filter(|line| !line.starts_with("straggler_sandbox_enabled{"))
        .map(|line| format!("{line}\n"))
        .collect();
    insta::assert_snapshot!(golden);
}

#[test]
fn promtool_finds_nothing_to_say() {
    let (_, text) = serve_example().get("/metrics");
    if let Some(answer) = promtool(&["check", "metrics"], &text) {
        assert_eq!(answer, (true, String::new()));
    }
}

#[test]
fn both_signals_end_it_cleanly_and_the_findings_are_printed_at_the_start() {
    for signal in ["TERM", "INT"] {
        let (status, said, printed) = serve_example().end(signal);
        assert_eq!(status.code(), Some(0), "{said}");
        assert!(printed.contains("4 stragglers"), "{printed}");
    }
}

#[test]
fn what_cannot_start_says_why_in_one_line() {
    let served = serve_example();
    let taken = served.address.to_string();
    // With reopening, which is the default, an interface that is not there is waited for: tests/live.
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("straggler.toml");
    std::fs::write(&config, "[capture]\nreopen = false\n").unwrap();
    for (args, exit, words) in [
        (
            vec!["run", "--listen", &taken, "--replay", "x.pcap"],
            3,
            "cannot listen on",
        ),
        (
            vec!["run", "--listen", "127.0.0.1:0"],
            2,
            "no interface to capture; give --interface",
        ),
        (
            vec![
                "run",
                "--listen",
                "127.0.0.1:0",
                "--interface",
                "nosuch0",
                "--config",
                config.to_str().unwrap(),
            ],
            3,
            "nosuch0",
        ),
        (
            vec![
                "run",
                "--listen",
                "127.0.0.1:0",
                "--replay",
                "/nonexistent.pcap",
            ],
            3,
            "/nonexistent.pcap: no such file",
        ),
    ] {
        let program = env!("CARGO_BIN_EXE_straggler");
        let output = Command::new("timeout")
            .arg("20")
            .arg(program)
            .args(&args)
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(exit), "{said}");
        let lines: Vec<&str> = said
            .lines()
            .filter(|line| !line.contains("page and metrics on"))
            .collect();
        assert!(lines.len() == 1 && lines[0].contains(words), "{said}");
    }
}
