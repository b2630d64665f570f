//! The rules for Prometheus: sound, tested, about metrics that exist, and each alert with its entry in the runbook.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says what it expects; the panic is its report"
)]

mod promql;
mod promtool;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use promql::{Selector, selectors};
use promtool::promtool;
use serde_json::Value;
use straggler::metrics::FAMILIES;

/// In the order in which people read them.
const RULES: [&str; 3] = ["recording", "findings", "sensors"];

/// What the scraper adds.
const SCRAPED: [&str; 3] = ["job", "instance", "site"];

/// What Prometheus knows by itself.
const BUILT_IN: [&str; 2] = ["up", "ALERTS"];

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn read(name: &str) -> String {
    std::fs::read_to_string(path(name)).unwrap()
}

fn yaml(name: &str) -> Value {
    serde_saphyr::from_str(&read(name)).unwrap()
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// All rules, those that record (`record`) and alerts (`alert`).
fn rules() -> Vec<Value> {
    let files = RULES.map(|name| yaml(&format!("grafana/prometheus/rules/{name}.yml")));
    let groups = files.iter().flat_map(|file| items(&file["groups"]));
    groups
        .flat_map(|group| items(&group["rules"]).to_vec())
        .collect()
}

fn named(rules: &[Value], kind: &str) -> Vec<String> {
    let names = rules.iter().filter_map(|rule| rule[kind].as_str());
    names.map(str::to_owned).collect()
}

/// All unit tests.
fn tests() -> Vec<Value> {
    let files = RULES.map(|name| yaml(&format!("grafana/prometheus/tests/{name}.yml")));
    files
        .iter()
        .flat_map(|file| items(&file["tests"]).to_vec())
        .collect()
}

/// What a rule asks for: its expression, and what its texts look up.
fn asked(rule: &Value) -> Vec<Selector> {
    let mut asked = selectors(rule["expr"].as_str().unwrap());
    for text in rule["annotations"].as_object().into_iter().flatten() {
        let pieces = text.1.as_str().unwrap().split('`');
        for lookup in pieces.skip(1).step_by(2) {
            asked.extend(selectors(lookup));
        }
    }
    asked
}

#[test]
fn promtool_finds_the_rules_and_the_example_sound() {
    for name in RULES {
        let file = format!("grafana/prometheus/rules/{name}.yml");
        if let Some((fine, said)) = promtool(&["check", "rules", &file], "") {
            assert!(fine && !said.contains("FAILED"), "{said}");
        }
    }
    let example = "grafana/prometheus/prometheus.yml";
    if let Some((fine, said)) = promtool(&["check", "config", example], "") {
        assert!(fine && said.contains("3 rule files found"), "{said}");
        assert!(!said.to_lowercase().contains("warning"), "{said}");
    }
}

#[test]
fn the_rules_do_what_their_tests_say() {
    for name in RULES {
        let file = format!("grafana/prometheus/tests/{name}.yml");
        if let Some((fine, said)) = promtool(&["test", "rules", &file], "") {
            assert!(fine, "{said}");
        }
    }
}

#[test]
fn every_alert_is_tested_firing_and_silent_and_every_recorded_series_too() {
    let (mut firing, mut silent) = (BTreeSet::new(), BTreeSet::new());
    let mut compared = String::new();
    for test in tests() {
        for case in items(&test["alert_rule_test"]) {
            let name = case["alertname"].as_str().unwrap().to_owned();
            let alerts = case["exp_alerts"].as_array().unwrap();
            if alerts.is_empty() {
                silent.insert(name);
            } else {
                firing.insert(name);
            }
        }
        for case in items(&test["promql_expr_test"]) {
            compared.push_str(case["expr"].as_str().unwrap());
            compared.push('\n');
        }
    }
    let rules = rules();
    let alerts: BTreeSet<String> = named(&rules, "alert").into_iter().collect();
    assert_eq!(firing, alerts);
    assert_eq!(silent, alerts);
    let compared = selectors(&compared);
    for name in named(&rules, "record") {
        assert!(compared.iter().any(|one| one.metric == name), "{name}");
    }
}

/// Of names and labels. What a label is compared with has to be in the golden scrape, where its family is.
#[test]
fn rules_and_their_tests_are_about_metrics_that_exist() {
    let rules = rules();
    let recorded = named(&rules, "record");
    let scrape = read("tests/snapshots/daemon__the_metrics_are_those_of_the_golden_scrape.snap");
    let known = |name: &str| FAMILIES.iter().find(|family| family.name == name);
    let mut found = 0;
    for rule in &rules {
        for Selector { metric, matchers } in asked(rule) {
            found += 1;
            let family = known(&metric);
            let is_known = BUILT_IN.contains(&metric.as_str()) || recorded.contains(&metric);
            assert!(family.is_some() || is_known, "{metric} does not exist");
            let Some(family) = family else { continue };
            for (label, values) in matchers {
                let is_label = family.labels.contains(&label.as_str());
                assert!(
                    is_label || SCRAPED.contains(&label.as_str()),
                    "{metric}: {label}"
                );
                let start = format!("\n{metric}{{");
                let lines = || scrape.split(&start).skip(1);
                for value in values.iter().filter(|value| *value != "%q") {
                    let pair = format!("{label}=\"{value}\"");
                    assert!(
                        lines().next().is_none()
                            || lines().any(|line| line.split('}').next().unwrap().contains(&pair)),
                        "{metric} never has {pair}"
                    );
                }
            }
        }
    }
    assert!(
        found > 40,
        "the reader of expressions finds {found} selectors"
    );
    for test in tests() {
        for series in items(&test["input_series"]) {
            let text = series["series"].as_str().unwrap();
            let [Selector { metric, matchers }] = &selectors(text)[..] else {
                panic!("{text}");
            };
            let labels: BTreeSet<&str> = matchers.iter().map(|(label, _)| label.as_str()).collect();
            let own = labels
                .iter()
                .copied()
                .filter(|label| !SCRAPED.contains(label));
            let expected = known(metric).map_or(&[][..], |family| family.labels);
            assert!(known(metric).is_some() || metric == "up", "{text}");
            assert!(
                own.eq(expected.iter().copied().collect::<BTreeSet<_>>()),
                "{text}"
            );
        }
    }
}

#[test]
fn every_alert_says_for_how_long_how_bad_it_is_and_where_to_read_on() {
    let rules = rules();
    let runbook = read("docs/runbook.md");
    let entries: BTreeMap<&str, &str> = runbook
        .split("\n## ")
        .skip(1)
        .filter_map(|entry| entry.split_once('\n'))
        .filter(|(heading, _)| heading.starts_with("Straggler"))
        .collect();
    let alerts = named(&rules, "alert");
    let expected: BTreeSet<&str> = alerts.iter().map(String::as_str).collect();
    assert!(entries.keys().copied().eq(expected), "{entries:?}");
    let mut places = BTreeSet::new();
    for rule in rules.iter().filter(|rule| !rule["alert"].is_null()) {
        let name = rule["alert"].as_str().unwrap();
        let notes = &rule["annotations"];
        for text in [&rule["for"], &notes["summary"], &notes["description"]] {
            assert!(!text.as_str().unwrap().is_empty(), "{name}");
        }
        let severity = rule["labels"]["severity"].as_str().unwrap();
        assert!(
            ["critical", "warning", "info"].contains(&severity),
            "{name}"
        );
        let url = notes["runbook_url"].as_str().unwrap();
        let end = format!("docs/runbook.md#{}", name.to_lowercase());
        places.insert(url.strip_suffix(&end).expect(url).to_owned());
        for part in [
            "**Means.**",
            "**May be wrong.**",
            "**Look.**",
            "**Do.**",
            "**Silence.**",
        ] {
            assert!(entries[name].contains(part), "{name}: {part}");
        }
    }
    // One place, so that one command puts another one.
    assert_eq!(places.len(), 1, "{places:?}");
    let place = places.first().unwrap();
    assert!(place.starts_with("https://") && place.ends_with('/'));
    assert!(
        place.starts_with(env!("CARGO_PKG_REPOSITORY")),
        "the project has a repository"
    );
    for name in RULES {
        let text = read(&format!("grafana/prometheus/rules/{name}.yml"));
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        for pair in lines.windows(2).filter(|pair| pair[1].starts_with("for:")) {
            assert!(
                pair[0].starts_with('#'),
                "{name}: {} without a reason",
                pair[1]
            );
        }
    }
}

/// An alert that is of a whole site has no `instance`, so its entry begins with what finds the sensors.
#[test]
fn the_runbook_finds_the_sensors_where_the_alert_does_not_name_one() {
    let (runbook, table) = (read("docs/runbook.md"), read("docs/alerts.md"));
    let mut of_sites = 0;
    for entry in runbook.split("\n## Straggler").skip(1) {
        let (name, text) = entry.split_once('\n').unwrap();
        let row = format!("| [`Straggler{name}`]");
        let row = table.lines().find(|line| line.starts_with(&row)).unwrap();
        let labels = row.trim_end_matches(" |").rsplit(" | ").next().unwrap();
        if labels.split(", ").any(|label| label == "instance") {
            continue;
        }
        of_sites += 1;
        assert!(!text.contains("instance=\"GW\""), "{name}");
        let look = text.split("**Look.**").nth(1).unwrap();
        if look.trim_start().starts_with("As for [StragglerHost]") {
            continue;
        }
        let query = look.split('`').nth(1).unwrap();
        let [Selector { metric, matchers }] = &selectors(query)[..] else {
            panic!("{name}: {query}");
        };
        let family = FAMILIES.iter().find(|family| family.name == metric);
        let labels = family.expect(query).labels;
        for (label, _) in matchers {
            assert!(
                label == "site" || labels.contains(&label.as_str()),
                "{query}"
            );
        }
        assert!(query.contains("site=\"SITE\""), "{name}: {query}");
    }
    assert_eq!(of_sites, 5);
}

/// The tables of docs/alerts.md are the rules, no more and no less, in the same order.
#[test]
fn every_alert_and_every_recorded_series_is_documented() {
    let rules = rules();
    let text = read("docs/alerts.md");
    let rows: Vec<(&str, &str)> = text
        .lines()
        .filter_map(|line| line.strip_prefix("| "))
        .filter_map(|line| line.split_once(" | "))
        .map(|(first, rest)| (first, rest.split(" | ").next().unwrap()))
        .collect();
    let alerts: Vec<(String, &str)> = rules
        .iter()
        .filter_map(|rule| {
            let name = rule["alert"].as_str()?;
            let link = format!("[`{name}`](runbook.md#{})", name.to_lowercase());
            Some((link, rule["labels"]["severity"].as_str().unwrap()))
        })
        .collect();
    let documented = rows.iter().filter(|row| row.0.starts_with("[`Straggler"));
    assert!(
        documented.copied().eq(alerts
            .iter()
            .map(|(link, severity)| (link.as_str(), *severity))),
        "{rows:?}"
    );
    let recorded = named(&rules, "record");
    let documented = rows.iter().map(|row| row.0.trim_matches('`'));
    let documented: Vec<&str> = documented.filter(|name| name.contains(':')).collect();
    assert_eq!(documented, recorded);
}
