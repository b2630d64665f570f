//! What must be told of the site.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::scene::Downloaded;
use crate::sensor::Sensor;
use crate::site::{CLIENTS, GONE, written};
use crate::support::links::mac_of;

/// What is seen stands in the store within this time.
const TOLD_WITHIN: Duration = Duration::from_secs(20);
/// Of what a client downloaded, what the wire had beside it: records, headers, handshakes.
const ABOUT: f64 = 0.03;

/// What must be told of a host: who, vendor, category, status and verdict, evidence, coverage, and what else is said.
type Row = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
);

/// As the sensor that has seen the whole day tells it.
const WHOLE_DAY: [Row; 23] = [
    ("asker", "kaspersky update", "asking", "lookup", "-", ""),
    ("both", "kaspersky update", "asking", "transfer", "both", ""),
    (
        "both",
        "microsoft-defender telemetry",
        "contacting",
        "contact",
        "-",
        "",
    ),
    (
        "bypasser",
        "kaspersky telemetry",
        "asking",
        "lookup",
        "-",
        "past 203.0.113.53 after a refusal",
    ),
    (
        "crosser",
        "crossing update",
        "fetching, straggler",
        "transfer",
        "straggling",
        "",
    ),
    (
        "dropped",
        "kaspersky update",
        "blocked",
        "attempt",
        "-",
        "by silence",
    ),
    (
        "excepted",
        "kaspersky update",
        "excepted",
        "transfer",
        "none_seen",
        "",
    ),
    (
        "fetcher",
        "kaspersky update",
        "fetching, straggler",
        "transfer",
        "straggling",
        "",
    ),
    (
        "gateway",
        "kaspersky update",
        "contacting",
        "contact",
        "none_seen",
        "gateway",
    ),
    ("gone", "kaspersky update", "absent", "transfer", "-", ""),
    (
        "mover",
        "kaspersky update",
        "silent",
        "transfer",
        "moved",
        "",
    ),
    (
        "mover",
        "microsoft-defender telemetry",
        "contacting",
        "contact",
        "-",
        "",
    ),
    (
        "next-visitor",
        "kaspersky update",
        "asking",
        "lookup",
        "-",
        "",
    ),
    (
        "refused",
        "kaspersky update",
        "blocked",
        "attempt",
        "-",
        "by reset",
    ),
    (
        "relay",
        "kaspersky update",
        "fetching, straggler",
        "transfer",
        "straggling",
        "relay",
    ),
    (
        "resolver",
        "kaspersky update",
        "asking",
        "lookup",
        "-",
        "resolver",
    ),
    (
        "scanner",
        "kaspersky update",
        "asking",
        "lookup",
        "-",
        "scanner",
    ),
    (
        "sinkholed",
        "kaspersky licensing",
        "blocked",
        "lookup",
        "-",
        "by sinkhole",
    ),
    (
        "six",
        "kaspersky update",
        "fetching, straggler",
        "transfer",
        "straggling",
        "",
    ),
    (
        "talker",
        "kaspersky telemetry",
        "contacting, straggler",
        "contact",
        "straggling",
        "",
    ),
    (
        "unreachable",
        "kaspersky update",
        "blocked",
        "attempt",
        "-",
        "by unreachable",
    ),
    (
        "veteran",
        "kaspersky update",
        "silent",
        "transfer",
        "none_seen",
        "",
    ),
    (
        "visitor",
        "kaspersky update",
        "fetching, straggler",
        "transfer",
        "straggling",
        "",
    ),
];

/// Of the one that was away since the users used it: whoever only was seen then may have done anything meanwhile.
const LATE: [(&str, &str); 4] = [
    ("both", "asking"),
    ("gone", "unknown"),
    ("mover", "unknown"),
    ("veteran", "unknown"),
];

pub(crate) fn of_the_whole_day(sensor: &Sensor<'_>, downloaded: &Downloaded) {
    let expected: BTreeSet<[String; 6]> = WHOLE_DAY
        .iter()
        .map(|&(who, what, verdict, evidence, coverage, more)| {
            [who, what, verdict, evidence, coverage, more].map(str::to_owned)
        })
        .collect();
    let report = until(sensor, |report| {
        report.iter().map(row).collect::<BTreeSet<_>>() == expected
    });
    let rows: BTreeSet<[String; 6]> = report.iter().map(row).collect();
    let surplus: Vec<_> = rows.difference(&expected).collect();
    let missing: Vec<_> = expected.difference(&rows).collect();
    assert!(
        surplus.is_empty() && missing.is_empty(),
        "told, but not so: {surplus:#?}\nnot told: {missing:#?}"
    );
    the_metrics_agree(&report, &sensor.metrics());
    the_bytes_are_right(&report, downloaded);
    let six = find(&report, "six");
    assert_eq!(words(&six["addresses"]), ["fd98::24", "fd98::6:24"]);
    let crosser = find(&report, "crosser");
    let [all, after] = [
        &crosser["bytes_received"],
        &crosser["after_cutoff"]["bytes_received"],
    ]
    .map(|bytes| bytes.as_u64().unwrap());
    assert!(
        after > all / 5 && after < all * 4 / 5,
        "{after} of {all} came after the cutoff"
    );
}

pub(crate) fn of_the_late_one(sensor: &Sensor<'_>) {
    let report = until(sensor, |report| report.len() == WHOLE_DAY.len());
    for (who, status) in LATE {
        let findings = report.iter().filter(|one| name_of(one) == who);
        let mut findings = findings.filter(|one| one["vendor"] == "kaspersky");
        assert_eq!(findings.next().unwrap()["status"], status, "{who}");
    }
}

pub(crate) fn of_the_shop(sensor: &Sensor<'_>) {
    let report = until(sensor, |report| {
        report
            .iter()
            .any(|one| !words(&one["host_roles"]).is_empty())
    });
    let told = report
        .iter()
        .map(|one| (words(&one["addresses"]), words(&one["host_roles"])));
    assert_eq!(told.collect::<Vec<_>>(), [(vec!["10.98.2.2"], vec!["nat"])]);
}

/// The sensor's events say the same: who became a straggler, and what protects whom.
pub(crate) fn of_the_events(events: &[Value]) {
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/event.schema.json");
    let schema = serde_json::from_str(&std::fs::read_to_string(schema).unwrap()).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let mut new = BTreeSet::new();
    for event in events {
        let faults: Vec<String> = validator
            .iter_errors(event)
            .map(|fault| fault.to_string())
            .collect();
        assert!(faults.is_empty(), "{event}: {faults:?}");
        if event["event"]["action"] == "straggler_new" {
            let vendor = event["straggler"]["vendor"].as_str().unwrap();
            let host = event["straggler"]["host"].as_str().unwrap();
            new.insert(format!("{vendor} {host}"));
        }
    }
    let stragglers = WHOLE_DAY.iter().filter(|row| row.2.ends_with("straggler"));
    let expected = stragglers.map(|row| {
        let vendor = row.1.split(' ').next().unwrap();
        format!("{vendor} {}", key_of(row.0))
    });
    assert_eq!(new, expected.collect());
}

/// Live and replayed judge alike, by the same bytes and names.
pub(crate) fn same_findings(live: &[Value], replayed: &[Value]) {
    let comparable = |findings: &[Value]| -> BTreeMap<String, Value> {
        let with_key = findings.iter().map(|finding| {
            let row = row(finding).join(", ");
            let mut finding = finding.clone();
            let fields = finding.as_object_mut().unwrap();
            let proof = fields.remove("proof").unwrap();
            fields["names"]
                .as_array_mut()
                .unwrap()
                .sort_by_key(Value::to_string);
            let sightings = proof.as_array().unwrap().iter();
            let sightings: u64 = sightings
                .map(|one| one["sightings"].as_u64().unwrap())
                .sum();
            fields.insert("sightings".into(), sightings.into());
            // Two captures of one packet may have two times.
            fields.retain(|name, _| !name.starts_with("last_") && name != "first_seen");
            (row, finding)
        });
        with_key.collect()
    };
    let (live, replayed) = (comparable(live), comparable(replayed));
    let keys: Vec<_> = live.keys().collect();
    assert_eq!(keys, replayed.keys().collect::<Vec<_>>());
    for (key, finding) in live {
        assert_eq!(finding, replayed[&key], "{key}");
    }
}

/// More than one worker of an interface had something to do.
pub(crate) fn workers_share(sensor: &Sensor) {
    let metrics = sensor.metrics();
    let of_lan = "straggler_capture_worker_packets_total{interface=\"lan\"";
    let lines = metrics.lines().filter(|line| line.starts_with(of_lan));
    let busy = lines.filter(|line| !line.ends_with(" 0"));
    assert!(busy.count() > 1, "{metrics}");
}

/// Reads the report until it is as it must be, or has had its time.
fn until(sensor: &Sensor<'_>, holds: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let start = Instant::now();
    loop {
        let report = sensor.report();
        if holds(&report) || start.elapsed() > TOLD_WITHIN {
            return report;
        }
        std::thread::sleep(Duration::from_millis(500));
    }
}

/// What a finding tells, in the words of the table.
fn row(finding: &Value) -> [String; 6] {
    let word = |field: &str| finding[field].as_str().unwrap_or("-").to_owned();
    let verdict = if finding["straggler"] == true {
        ", straggler"
    } else {
        ""
    };
    let mut more: Vec<String> = words(&finding["host_roles"])
        .into_iter()
        .map(str::to_owned)
        .collect();
    if finding["status"] == "blocked" {
        more.push(format!(
            "by {}",
            finding["last_blocked"]["by"].as_str().unwrap()
        ));
    }
    for bypass in finding["resolver_bypass"].as_array().unwrap() {
        let refused = if bypass["after_refusal"] == true {
            " after a refusal"
        } else {
            ""
        };
        more.push(format!(
            "past {}{refused}",
            bypass["resolver"].as_str().unwrap()
        ));
    }
    [
        name_of(finding),
        format!("{} {}", word("vendor"), word("category")),
        word("status") + verdict,
        word("evidence"),
        word("coverage"),
        more.join(", "),
    ]
}

/// The name of the host in this laboratory, by its key.
fn name_of(finding: &Value) -> String {
    let key = finding["host"].as_str().unwrap();
    let clients = CLIENTS.iter().chain([&GONE]).map(|(name, _)| *name);
    let mut names = clients.chain(["relay", "resolver", "gateway"]);
    names
        .find(|name| key_of(name) == key)
        .unwrap_or(key)
        .to_owned()
}

/// The key that a host must have.
fn key_of(name: &str) -> String {
    let mut clients = CLIENTS.iter().chain([&GONE]);
    let address = match (clients.find(|(other, _)| *other == name), name) {
        (Some((_, number)), _) => [10, 98, 0, *number],
        (None, "relay") => [10, 98, 1, 20],
        (None, "resolver") => [10, 98, 1, 53],
        (None, _) => [10, 98, 1, 1],
    };
    format!("mac-{}", written(mac_of(address.into())))
}

fn find<'a>(report: &'a [Value], name: &str) -> &'a Value {
    let mut findings = report.iter();
    findings.find(|one| name_of(one) == name).unwrap()
}

fn words(list: &Value) -> Vec<&str> {
    let words = list.as_array().unwrap().iter();
    let mut words: Vec<&str> = words.map(|word| word.as_str().unwrap()).collect();
    words.sort_unstable();
    words
}

/// What the report counts, the metrics count.
fn the_metrics_agree(report: &[Value], metrics: &str) {
    let mut counted: BTreeMap<String, u64> = BTreeMap::new();
    let mut covered = BTreeSet::new();
    for finding in report {
        let word = |field: &str| finding[field].as_str().unwrap_or_default();
        let (host, vendor, category) = (word("host"), word("vendor"), word("category"));
        let hosts = format!(
            "straggler_hosts{{vendor=\"{vendor}\",category=\"{category}\",status=\"{}\"}}",
            word("status")
        );
        *counted.entry(hosts).or_default() += 1;
        if finding["straggler"] == true {
            let sum =
                format!("straggler_stragglers{{vendor=\"{vendor}\",category=\"{category}\"}}");
            *counted.entry(sum).or_default() += 1;
            let labels = format!("host=\"{host}\",vendor=\"{vendor}\",category=\"{category}\"");
            counted.insert(format!("straggler_host_straggling{{{labels}}}"), 1);
            let bytes = finding["after_cutoff"]["bytes_received"].as_u64().unwrap();
            let family = "straggler_host_after_cutoff_received_bytes_total";
            counted.insert(format!("{family}{{{labels}}}"), bytes);
        }
        if !word("coverage").is_empty() && covered.insert((host, vendor)) {
            let coverage = word("coverage");
            let sum =
                format!("straggler_coverage_hosts{{vendor=\"{vendor}\",coverage=\"{coverage}\"}}");
            *counted.entry(sum).or_default() += 1;
        }
    }
    counted.insert(
        "straggler_resolver_bypass_hosts{vendor=\"kaspersky\"}".into(),
        1,
    );
    let lines: BTreeSet<&str> = metrics.lines().collect();
    for (series, value) in counted {
        let line = format!("{series} {value}");
        let family = series.split('{').next().unwrap();
        let told: Vec<_> = lines
            .iter()
            .filter(|line| line.starts_with(family))
            .collect();
        assert!(lines.contains(line.as_str()), "{line}\n{told:#?}");
    }
    let dropped = "straggler_capture_dropped_packets_total{interface=\"lan\",reason=\"kernel\"} 0";
    assert!(lines.contains(dropped), "{metrics}");
}

/// What stands in the report is what the clients say that they downloaded.
fn the_bytes_are_right(report: &[Value], downloaded: &Downloaded) {
    for name in ["fetcher", "crosser", "excepted", "relay", "visitor"] {
        let bytes = find(report, name)["bytes_received"].as_u64().unwrap();
        let (told, got) = (bytes as f64, downloaded[name] as f64);
        assert!(
            told >= got && told <= got * (1.0 + ABOUT),
            "{name} downloaded {got} bytes, told are {told}"
        );
    }
}
