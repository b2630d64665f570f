//! The dashboards in `grafana/`: what must hold of them as files, and every query of theirs on a real Prometheus.
//!
//! Without a `prometheus` the second part says so and is skipped, except where `CI` is set: there it fails.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says what it expects; the panic is its report"
)]

mod board;
mod lint;
mod made_up;
mod prometheus;
mod scene;
mod selectors;
#[path = "../served/mod.rs"]
mod served;
mod shown;

use std::collections::{BTreeMap, BTreeSet};

use board::{boards, columns, text};
use scene::{LIVE, OFFICE, SITES, Scene};

#[test]
fn every_query_runs_and_shows_what_is_true() {
    let Some(mut scene) = Scene::start() else {
        return;
    };
    every_query_runs(&scene);
    let boards = boards();
    let [compliance, host, sensor] = &boards[..] else {
        panic!("{} dashboards", boards.len());
    };
    shown::the_compliance_of_an_office(&scene, compliance);
    shown::sensors_of_two_sites(&scene, compliance);
    shown::one_host(&scene, host);
    shown::the_health_of_a_live_sensor(&scene, compliance, sensor);
    // A sensor that is away takes nothing away that the other one saw, and one that comes back adds nothing.
    scene.end_one();
    shown::the_numbers_of_an_office(&scene, compliance);
    scene.start_again();
    shown::the_numbers_of_an_office(&scene, compliance);
    every_query_runs(&scene);
}

/// No query is refused, whatever is chosen, and each gives something somewhere, with the labels that its panel shows.
fn every_query_runs(scene: &Scene) {
    let mut faults = Vec::new();
    for board in boards() {
        let mut labels: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
        let queries = [board.panel_queries(), board.annotation_queries()].concat();
        for job in [OFFICE, SITES, LIVE, ".+", "none"] {
            let values = scene.variables(&board, job);
            for query in &queries {
                for (found, _) in scene.answer(query, &values) {
                    let key = (query.title.clone(), query.reference.clone());
                    let names = labels.entry(key).or_default();
                    names.insert(String::new());
                    names.extend(found.into_keys());
                }
            }
        }
        for query in &queries {
            let key = (query.title.clone(), query.reference.clone());
            let Some(names) = labels.get(&key) else {
                faults.push(format!("{}: {key:?} never shows anything", board.uid()));
                continue;
            };
            let missing = query.shown.iter().filter(|label| !names.contains(*label));
            faults.extend(missing.map(|label| format!("{}: {key:?} has no {label}", board.uid())));
        }
        for panel in board.panels() {
            let title = text(panel, "/title");
            let of_panel = labels.iter().filter(|(key, _)| key.0 == title);
            let names: BTreeSet<&String> = of_panel.flat_map(|(_, names)| names).collect();
            let columns = columns(panel).into_iter();
            let missing = columns.filter(|column| !names.contains(column));
            faults.extend(
                missing.map(|column| format!("{}: {title}: no column {column}", board.uid())),
            );
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
