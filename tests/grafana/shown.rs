//! What the panels must show.

use std::collections::{BTreeMap, BTreeSet};

use super::board::Board;
use super::prometheus::Sample;
use super::scene::{IDLE, LIVE, NAMED, OFFICE, SITES, Scene};

/// Keys of the stragglers of the example.
fn stragglers() -> BTreeSet<String> {
    ["11", "12", "13", "20"]
        .map(|last| format!("mac-0a:20:00:00:00:{last}"))
        .into()
}

/// Values by one label.
fn by(label: &str, samples: &[Sample]) -> BTreeMap<String, f64> {
    let rows = samples.iter();
    rows.map(|(labels, value)| (labels.get(label).cloned().unwrap_or_default(), *value))
        .collect()
}

fn only(samples: &[Sample]) -> f64 {
    assert_eq!(samples.len(), 1, "{samples:?}");
    samples[0].1
}

/// Two sensors without a site saw the same hosts, so nothing may count twice.
pub(crate) fn the_compliance_of_an_office(scene: &Scene, board: &Board) {
    let values = scene.variables(board, OFFICE);
    assert_eq!(values["vendor"], "(kaspersky)", "the restricted ones");
    let show = |title: &str, reference: &str| scene.shows(board, title, reference, &values);
    the_numbers_of_an_office(scene, board);
    let categories = BTreeMap::from([("telemetry", 2.0), ("update", 2.0)].map(owned));
    assert_eq!(
        by("category", &show("Stragglers over time", "A")),
        categories
    );
    let coverage = [
        ("both", 0.0),
        ("moved", 1.0),
        ("none_seen", 2.0),
        ("straggling", 4.0),
    ];
    assert_eq!(
        by("coverage", &show("Coverage", "A")),
        BTreeMap::from(coverage.map(owned))
    );
    let statuses = show("Hosts by status", "A");
    assert_eq!(
        statuses.iter().map(|sample| sample.1).sum::<f64>(),
        9.0,
        "{statuses:?}"
    );

    let cutoffs = show("Cutoffs in force", "A");
    assert_eq!(cutoffs.len(), 2);
    for (labels, milliseconds) in &cutoffs {
        assert_eq!(
            (labels["jurisdiction"].as_str(), *milliseconds),
            ("US", 1_727_582_400_000.0)
        );
    }
    let days = show("Cutoffs in force", "B");
    assert!(
        days.len() == 2 && days.iter().all(|row| row.1 > 700.0),
        "{days:?}"
    );
    let marks = board.annotation_queries();
    let mark = scene.answer(&marks[0], &values);
    assert_eq!(
        (marks[0].title.as_str(), mark[0].1),
        ("Cutoffs", 1_727_582_400_000.0)
    );

    let hosts = show("Hosts, worst first", "A");
    let worst: BTreeSet<String> = hosts
        .iter()
        .filter(|row| row.1 == 1.0)
        .map(|row| row.0["host"].clone())
        .collect();
    assert_eq!(worst, stragglers());
    // Two that are blocked and one that asks, and one and another that were not seen since.
    let states: Vec<f64> = hosts
        .iter()
        .map(|row| row.1)
        .filter(|state| *state != 1.0)
        .collect();
    assert_eq!(
        (hosts.len(), states.iter().sum::<f64>()),
        (9, -7.0),
        "{hosts:?}"
    );
    for (labels, _) in &hosts {
        // The name that only one sensor knows wins over none.
        let name = if labels["host"] == NAMED {
            Some("reception")
        } else {
            None
        };
        assert_eq!(labels.get("name").map(String::as_str), name, "{labels:?}");
        assert!(labels.contains_key("address"), "{labels:?}");
    }
    // Every other query of the table has a row for the same hosts and no other, so that they become one row each.
    let keys = |rows: &[Sample]| -> Vec<[String; 3]> {
        let mut keys: Vec<[String; 3]> = rows
            .iter()
            .map(|(labels, _)| ["host", "vendor", "category"].map(|label| labels[label].clone()))
            .collect();
        keys.sort();
        keys
    };
    for reference in ["B", "D", "E", "F"] {
        let rows = show("Hosts, worst first", reference);
        assert_eq!(keys(&rows), keys(&hosts), "{reference}");
    }
    let seen = by("host", &show("Hosts, worst first", "B"));
    assert_eq!((seen[NAMED] / 1000.0).round(), 1_727_701_289.0);
    let received = by("host", &show("Hosts, worst first", "D"));
    assert_eq!(received[NAMED], 256_530.0);
}

fn owned((name, value): (&str, f64)) -> (String, f64) {
    (name.to_owned(), value)
}

/// The numbers at the top of the dashboard.
pub(crate) fn the_numbers_of_an_office(scene: &Scene, board: &Board) {
    let values = scene.variables(board, OFFICE);
    for (title, number) in [
        ("Stragglers now", 4.0),
        ("Trying: blocked or asking", 3.0),
        ("No replacement seen", 2.0),
        ("Past the network's resolver", 0.0),
        ("Absent or unknown", 0.0),
        // 355,358 received and 8,138 sent, as the golden scrape has them.
        ("Bytes after the cutoff", 363_496.0),
    ] {
        assert_eq!(
            only(&scene.shows(board, title, "A", &values)),
            number,
            "{title}"
        );
    }
}

/// The same key at two sites is two hosts.
pub(crate) fn sensors_of_two_sites(scene: &Scene, board: &Board) {
    let mut values = scene.variables(board, SITES);
    assert_eq!(
        only(&scene.shows(board, "Stragglers now", "A", &values)),
        8.0
    );
    assert_eq!(
        scene.shows(board, "Hosts, worst first", "A", &values).len(),
        18
    );
    values.insert("site".to_owned(), "south".to_owned());
    assert_eq!(
        only(&scene.shows(board, "Stragglers now", "A", &values)),
        4.0
    );
    let hosts = scene.shows(board, "Hosts, worst first", "A", &values);
    assert!(hosts.iter().all(|(labels, _)| labels["site"] == "south"));
    values.insert("job".to_owned(), "none".to_owned());
    // Where there is no sensor there is no zero either.
    assert!(
        scene
            .shows(board, "Stragglers now", "A", &values)
            .is_empty()
    );
}

pub(crate) fn one_host(scene: &Scene, board: &Board) {
    let mut values = scene.variables(board, OFFICE);
    let host = board
        .variables()
        .iter()
        .find(|variable| variable["name"] == "host")
        .unwrap();
    let offered = scene.options(host, &values);
    assert_eq!(offered.len(), 9, "each once: {offered:?}");
    assert!(BTreeSet::from_iter(offered).is_superset(&stragglers()));
    values.insert("host".to_owned(), NAMED.to_owned());
    let known = scene.shows(board, "What is known of it", "A", &values);
    assert_eq!(known.len(), 2, "one row for each sensor");
    assert_eq!(only(&scene.shows(board, "State", "A", &values)), 1.0);
    assert_eq!(
        only(&scene.shows(board, "Sightings after the cutoff, in all", "A", &values)),
        11.0
    );
    let evidence = by(
        "evidence",
        &scene.shows(board, "Last sighting by evidence", "A", &values),
    );
    let levels: Vec<&str> = evidence.keys().map(String::as_str).collect();
    assert_eq!(levels, ["attempt", "contact", "lookup", "transfer"]);
    assert_eq!((evidence["transfer"] / 1000.0).round(), 1_727_701_206.0);
    assert_eq!(
        only(&scene.shows(board, "Straggling over time", "A", &values)),
        1.0
    );
    // One that is only blocked now, and one that uses a replacement too.
    values.insert("host".to_owned(), "mac-0a:20:00:00:00:14".to_owned());
    assert_eq!(only(&scene.shows(board, "State", "A", &values)), -1.0);
    values.insert("host".to_owned(), "mac-0a:20:00:00:00:18".to_owned());
    let vendors = by(
        "vendor",
        &scene.shows(board, "Last sighting by evidence", "A", &values),
    );
    assert_eq!(vendors.len(), 2, "{vendors:?}");
}

/// Of each 100 packets 10 are dropped; of each 20 flows 10 have no name; of each 20 attempts 10 are answered.
pub(crate) fn the_health_of_a_live_sensor(scene: &Scene, compliance: &Board, board: &Board) {
    let values = scene.variables(board, LIVE);
    let near = |title: &str, wanted: f64| {
        let value = only(&scene.shows(board, title, "A", &values));
        assert!((value / wanted - 1.0).abs() < 0.01, "{title}: {value}");
    };
    near("Interfaces", 1.0);
    near("Share of packets dropped", 0.1);
    near("Share of packets cut", 10.0 / 90.0);
    near("Blind share by kind", 0.5);
    near("Blind share in the chosen time", 0.5);
    near("Share of one-sided flows", 1.0);
    near("Combinations of hosts, of those that may be exported", 1.0);
    let age = only(&scene.shows(board, "Age of the last packet", "A", &values));
    assert!(age.abs() < 10.0, "{age}");
    let tries = only(&scene.shows(compliance, "Tries without an answer", "A", &values));
    // A rate is of the time between scrapes, which is not exactly a second.
    assert!((5.0..20.0).contains(&tries), "{tries}");
    let state = |job: &str| {
        let values = scene.variables(board, job);
        scene.shows(board, "State of the store", "A", &values)
    };
    // One that keeps a recording is sound however long ago it wrote; the other one has no store.
    assert_eq!(only(&state(OFFICE)), 0.0);
    assert_eq!(only(&state(LIVE)), 1.0, "its failures grow");
    assert_eq!(only(&state(IDLE)), 2.0, "it never opened");
    let values = scene.variables(board, IDLE);
    let age = only(&scene.shows(board, "Age of the last packet", "A", &values));
    assert!((3_590.0..3_700.0).contains(&age), "since the start: {age}");
    let values = scene.variables(board, OFFICE);
    let packs = scene.shows(board, "Rules in force", "A", &values);
    assert_eq!(packs.len(), 17);
    assert_eq!(by("vendor", &packs)["kaspersky"], 27.0);
    assert_eq!(scene.shows(board, "Sensors", "A", &values).len(), 2);
}
