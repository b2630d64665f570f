//! Live and recorded are the same: real clients, seen at once by the daemon and by tcpdump.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::clients::{LAST_LABEL, Read, clients, last_client, quic_clients};
use crate::laboratory::Laboratory;
use crate::needs::{aioquic, beside_this};
use crate::served::{Served, wait_for};
use crate::wire;

/// The ledger publishes about once a second.
const AGREES_WITHIN: Duration = Duration::from_secs(5);

/// Metric families that must not depend on where the packets came from.
const FAMILIES: [&str; 14] = [
    "straggler_host_",
    "straggler_stragglers",
    "straggler_hosts",
    "straggler_sightings_total",
    "straggler_weak_sightings_total",
    "straggler_received_bytes_total",
    "straggler_sent_bytes_total",
    "straggler_local_hosts",
    "straggler_flows_total",
    "straggler_named_flows_total",
    "straggler_blind_",
    "straggler_one_sided_flows_total",
    "straggler_undecoded_packets_total",
    "straggler_table_evictions_total",
];

#[test]
fn live_and_recorded_tell_the_same_of_real_clients() {
    let Some(mut laboratory) = Laboratory::build() else {
        return;
    };
    laboratory.serve();
    let mut all = clients();
    let python = aioquic();
    let with_quic = python.is_some();
    if let Some(python) = python {
        laboratory.serve_by(python.to_str().unwrap(), "quic.py", &["serve"]);
        all.extend(quic_clients(&python));
    }
    let recording = laboratory.file("recording.pcap");
    let rules = beside_this("rules");
    let rules = ["--rules", rules.to_str().unwrap()];
    let (config, events) = (
        laboratory.file("config.toml"),
        laboratory.file("events.jsonl"),
    );
    let output = format!("sensor = \"gw-1\"\n[[events.file]]\npath = {events:?}\n");
    std::fs::write(&config, output).unwrap();
    let config = ["--config", config.to_str().unwrap()];
    let live = laboratory.capture(&[&rules[..], &config].concat());
    let recorder = laboratory.record(&recording);

    let mut expected: BTreeSet<Read> = BTreeSet::new();
    for client in all {
        expected.extend(client.run(&laboratory.client));
    }
    // Only with nobody left to say anything is the end the end.
    laboratory.end_servers();
    expected.extend(last_client().run(&laboratory.client));
    wait_for("the end of the recording", || {
        let bytes = std::fs::read(&recording).unwrap();
        let seen = bytes.windows(LAST_LABEL.len());
        // Query and answer.
        seen.filter(|window| *window == LAST_LABEL).count() == 2
    });
    recorder.end();

    assert_eq!(names(&recording, rules), expected);
    wire::was_as_meant(&recording, with_quic);
    the_metrics_agree(&laboratory, &live, &recording, rules);
    the_findings_agree(&laboratory, &live, &recording, rules);

    let (status, said, _) = live.end("TERM");
    assert_eq!(status.code(), Some(0), "{said}");
    the_events_are_as_promised(&std::fs::read_to_string(&events).unwrap());
}

/// Every event fits the schema, their numbers have no gap, and what happened is among them.
fn the_events_are_as_promised(lines: &str) {
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/event.schema.json");
    let schema = serde_json::from_str(&std::fs::read_to_string(schema).unwrap()).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let events: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for (event, number) in events.iter().zip(1..) {
        let faults: Vec<String> = validator
            .iter_errors(event)
            .map(|fault| fault.to_string())
            .collect();
        assert!(faults.is_empty(), "{event}: {faults:?}");
        assert_eq!(event["event"]["sequence"], number);
        assert_eq!(event["observer"]["name"], "gw-1");
    }
    let action = |event: &Value| event["event"]["action"].as_str().unwrap().to_owned();
    let actions: BTreeSet<String> = events.iter().map(action).collect();
    for expected in [
        "sensor_state",
        "sighting",
        "straggler_new",
        "coverage_changed",
    ] {
        assert!(actions.contains(expected), "{expected} of {actions:?}");
    }
    assert_eq!(events[0]["straggler"]["condition"], "started");
    assert_eq!(
        events[events.len() - 1]["straggler"]["condition"],
        "stopped"
    );
}

/// What the program prints.
fn straggler(arguments: &[&str], recording: &Path, rules: [&str; 2]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_straggler"))
        .args(arguments)
        .args(rules)
        .arg(recording)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    String::from_utf8(output.stdout).unwrap()
}

/// Every name in the recording, matched or not.
fn names(recording: &Path, rules: [&str; 2]) -> BTreeSet<Read> {
    straggler(&["names"], recording, rules)
        .lines()
        .map(|line| {
            let columns: Vec<&str> = line.split('\t').collect();
            let [_, signal, client, name] = columns[..] else {
                panic!("{line}");
            };
            (signal.to_owned(), client.to_owned(), name.to_owned())
        })
        .collect()
}

/// Series and values that must not depend on where the packets came from.
fn comparable(metrics: &str) -> Vec<(&str, f64)> {
    metrics
        .lines()
        .filter(|line| FAMILIES.iter().any(|family| line.starts_with(family)))
        .map(|line| line.rsplit_once(' ').unwrap())
        .map(|(series, value)| (series, value.parse().unwrap()))
        .collect()
}

/// What one has and the other has not. The kernel may give two captures of a packet times of their own.
fn only<'a>(these: &[(&'a str, f64)], those: &[(&str, f64)]) -> Vec<(&'a str, f64)> {
    let mut these = these.to_vec();
    these.retain(|&(series, value)| {
        let slack = f64::from(u8::from(series.contains("_timestamp_seconds"))) * 0.1;
        let same = |other: &&(&str, f64)| other.0 == series && (other.1 - value).abs() <= slack;
        !those.iter().any(|other| same(&other))
    });
    these
}

/// The daemon that captured and one that replays the recording export the same.
fn the_metrics_agree(laboratory: &Laboratory, live: &Served, recording: &Path, rules: [&str; 2]) {
    let replayed = Served::start(&["--replay", recording.to_str().unwrap(), rules[0], rules[1]]);
    replayed.wait_ready();
    let recorded = replayed.get("/metrics").1;
    let recorded = comparable(&recorded);
    assert!(recorded.len() > FAMILIES.len(), "{recorded:#?}");
    let start = Instant::now();
    loop {
        let metrics = laboratory.get(live, "/metrics");
        let seen = comparable(&metrics);
        let (surplus, missing) = (only(&seen, &recorded), only(&recorded, &seen));
        if surplus.is_empty() && missing.is_empty() {
            let none =
                "straggler_capture_dropped_packets_total{interface=\"sg0\",reason=\"kernel\"} 0";
            return assert!(metrics.lines().any(|line| line == none), "{metrics}");
        }
        let waited = start.elapsed();
        assert!(
            waited < AGREES_WITHIN,
            "only live: {surplus:#?}\nonly recorded: {missing:#?}"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// What `replay` finds in the recording stands in the metrics and on the page of the daemon that captured.
fn the_findings_agree(laboratory: &Laboratory, live: &Served, recording: &Path, rules: [&str; 2]) {
    let metrics: BTreeSet<String> = laboratory
        .get(live, "/metrics")
        .lines()
        .map(str::to_owned)
        .collect();
    let page = laboratory.get(live, "/?vendor=*");
    let rows: Vec<&str> = page.split("<tr").collect();
    let text = straggler(&["replay", "--format", "json"], recording, rules);
    let findings: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let shown = page.matches("<a class=\"host\"").count();
    assert_eq!(findings.len(), shown, "{text}\n{page}");
    for finding in &findings {
        let word = |field: &str| finding[field].as_str().unwrap();
        let [host, category] = ["host", "category"].map(word);
        let address = finding["addresses"][0].as_str().unwrap();
        let labels = format!("{{host=\"{host}\",vendor=\"stand-in\",category=\"{category}\"}}");
        // The cutoff is long past: every byte came after it.
        for (family, field) in [("received", "bytes_received"), ("sent", "bytes_sent")] {
            let series = format!("straggler_host_after_cutoff_{family}_bytes_total{labels}");
            let line = format!("{series} {}", finding[field]);
            assert!(metrics.contains(&line), "{line}\n{metrics:#?}");
        }
        let straggling = format!("straggler_host_straggling{labels} 1");
        let straggler = finding["straggler"] == true;
        assert_eq!(metrics.contains(&straggling), straggler, "{metrics:#?}");

        let cells = [
            format!("<bdi>{address}</bdi>"),
            format!("<span class=\"key\">{category}</span>"),
            format!(">{}</span>", word("status")),
            format!(">{}</span>", word("evidence")),
        ];
        let row = rows
            .iter()
            .find(|row| cells.iter().all(|cell| row.contains(cell)))
            .unwrap_or_else(|| panic!("{cells:#?}\n{page}"));
        let (_, cell) = row.split_once("<td class=\"names\"").unwrap();
        let (cell, _) = cell.split_once("</td>").unwrap();
        let names = cell.split("<span>").skip(1);
        let shown: BTreeSet<&str> = names.filter_map(|name| name.split('<').next()).collect();
        let names = finding["names"].as_array().unwrap();
        let found: BTreeSet<&str> = names.iter().filter_map(Value::as_str).collect();
        assert_eq!(shown, found);
    }
}
