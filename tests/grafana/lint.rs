//! What must hold of every dashboard, without a server. Mostly what Grafana's own linter of dashboards asks for.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};
use straggler::metrics::FAMILIES;

use super::board::{Board, Query, boards, list, text};
use super::selectors::{grouping_labels, selectors};

/// Labels that the scraper gives, and one that an expression makes.
const OTHER_LABELS: [&str; 4] = ["job", "instance", "site", "text"];

/// Metrics of the program itself.
const PROCESS: [&str; 5] = [
    "process_cpu_seconds_total",
    "process_max_fds",
    "process_open_fds",
    "process_resident_memory_bytes",
    "process_start_time_seconds",
];

/// Counters that mean something as they are, because they go on where a sensor with a store is started again, or hold a
/// maximum: they are shown as "in all".
const SHOWN_IN_ALL: [&str; 4] = [
    "straggler_host_after_cutoff_received_bytes_total",
    "straggler_host_after_cutoff_sent_bytes_total",
    "straggler_host_after_cutoff_sightings_total",
    "straggler_host_series_rejected_total",
];

const UNITS: [&str; 10] = [
    "none",
    "short",
    "decbytes",
    "bytes",
    "Bps",
    "pps",
    "cps",
    "percentunit",
    "s",
    "dateTimeAsIso",
];

#[test]
fn dashboards_have_fixed_names_and_are_written_in_one_way() {
    let boards = boards();
    let uids: Vec<&str> = boards.iter().map(Board::uid).collect();
    assert_eq!(
        uids,
        ["straggler-compliance", "straggler-host", "straggler-sensor"]
    );
    for board in &boards {
        let written = serde_json::to_string_pretty(&board.json).unwrap() + "\n";
        assert!(
            board.text == written,
            "{}: write it anew with `jq -S --indent 2 .`",
            board.path.display()
        );
        let json = &board.json;
        assert_eq!(json["tags"], json!(["straggler"]));
        assert_eq!(json["schemaVersion"], 39);
        assert!(json.get("id").is_none_or(Value::is_null) && json.get("__inputs").is_none());
        assert_eq!(text(json, "/links/0/type"), "dashboards");
    }
}

#[test]
fn variables_are_those_that_every_query_uses() {
    for board in boards() {
        let variables = board.variables();
        assert_eq!(variables[0]["name"], "datasource");
        assert_eq!(variables[0]["type"], "datasource");
        assert_eq!(variables[0]["query"], "prometheus");
        for (name, label, all) in [
            ("job", "Job", ".+"),
            ("instance", "Instance", ".+"),
            ("site", "Site", ".*"),
        ] {
            let variable = variables
                .iter()
                .find(|variable| variable["name"] == name)
                .unwrap();
            assert_eq!(variable["label"], label);
            assert_eq!(variable["allValue"], all, "{name}");
            assert!(
                variable["multi"] == true && variable["includeAll"] == true,
                "{name}"
            );
        }
        let scheme = variables.last().unwrap();
        assert_eq!(text(scheme, "/name"), "scheme");
        assert_eq!(text(scheme, "/type"), "custom");
        assert_eq!(text(scheme, "/query"), "http,https");
        for variable in &variables[1..variables.len() - 1] {
            assert_eq!(variable["type"], "query");
            assert_eq!(text(variable, "/datasource/uid"), "${datasource}");
            assert_eq!(variable["definition"], variable["query"]["query"]);
            // When the time range changes.
            assert_eq!(variable["refresh"], 2);
        }
    }
}

#[test]
fn panels_are_described_and_do_not_overlap() {
    for board in boards() {
        let (mut ids, mut titles) = (BTreeSet::new(), BTreeSet::new());
        let mut taken: BTreeSet<(u64, u64)> = BTreeSet::new();
        for panel in board.panels() {
            let title = text(panel, "/title");
            assert!(ids.insert(panel["id"].as_u64().unwrap()), "{title}: id");
            assert!(!title.is_empty() && titles.insert(title), "{title}: twice");
            let side = |name: &str| panel["gridPos"][name].as_u64().unwrap();
            assert!(side("x") + side("w") <= 24, "{title}: too wide");
            for x in side("x")..side("x") + side("w") {
                for y in side("y")..side("y") + side("h") {
                    assert!(taken.insert((x, y)), "{title}: overlaps");
                }
            }
            if text(panel, "/type") == "row" {
                continue;
            }
            assert!(
                text(panel, "/description").ends_with('.'),
                "{title}: description"
            );
            assert!(
                UNITS.contains(&text(panel, "/fieldConfig/defaults/unit")),
                "{title}: unit"
            );
            assert_eq!(text(panel, "/datasource/uid"), "${datasource}", "{title}");
            assert!(!list(panel, "/targets").is_empty(), "{title}: no query");
        }
    }
}

#[test]
fn no_data_source_is_named() {
    for board in boards() {
        for part in board.text.split("\"uid\": \"").skip(1) {
            let uid = part.split('"').next().unwrap();
            let known = ["${datasource}", "-- Grafana --", board.uid()];
            assert!(known.contains(&uid), "{}: {uid}", board.uid());
        }
    }
}

#[test]
fn queries_select_by_all_variables_and_treat_counters_as_counters() {
    for board in boards() {
        let mut queries = board.panel_queries();
        queries.extend(board.annotation_queries());
        for query in &queries {
            assert_eq!(query.datasource["type"], "prometheus", "{query:?}");
            assert_eq!(query.datasource["uid"], "${datasource}", "{query:?}");
            assert!(!selectors(&query.expr).is_empty(), "{query:?}");
            check(query);
        }
    }
}

fn check(query: &Query) {
    let says = format!("{} / {} / {}", query.board, query.title, query.reference);
    for selector in selectors(&query.expr) {
        for wanted in [
            r#"job=~"$job""#,
            r#"instance=~"$instance""#,
            r#"site=~"$site""#,
        ] {
            let has = selector.matchers.iter().any(|matcher| matcher == wanted);
            assert!(has, "{says}: {} without {wanted}", selector.metric);
        }
        let metric = selector.metric.as_str();
        let family = FAMILIES.iter().find(|family| family.name == metric);
        assert!(
            family.is_some() || PROCESS.contains(&metric),
            "{says}: {metric}"
        );
        for label in selector.labels() {
            let known = family.is_some_and(|family| family.labels.contains(&label));
            assert!(
                known || OTHER_LABELS.contains(&label),
                "{says}: {metric}: {label}"
            );
        }
        let range = selector.range.as_deref();
        match selector.function.as_str() {
            "rate" => assert_eq!(range, Some("$__rate_interval"), "{says}"),
            "increase" => {
                assert!(
                    matches!(range, Some("$__rate_interval" | "$__range")),
                    "{says}"
                );
            }
            _ => {
                assert_eq!(range, None, "{says}");
                let bare = !metric.ends_with("_total") || SHOWN_IN_ALL.contains(&metric);
                assert!(bare, "{says}: {metric} is a counter");
            }
        }
        let counted = metric.ends_with("_total");
        assert!(
            counted || range.is_none(),
            "{says}: rate of {metric}, no counter"
        );
    }
    for label in grouping_labels(&query.expr) {
        let known = FAMILIES
            .iter()
            .any(|family| family.labels.contains(&label.as_str()));
        assert!(
            known || OTHER_LABELS.contains(&label.as_str()),
            "{says}: {label}"
        );
    }
}

/// From a host to what the sensor has of it, and from a sensor to its page, by the scheme that is chosen. A link names no
/// column and no variable that is not there.
#[test]
fn tables_lead_to_the_proof_on_the_sensor() {
    let page = "${scheme}://${__value.text}/";
    let proof = "${scheme}://${__data.fields.Sensor}/hosts/${__data.fields.Host:percentencode}";
    for (board, title, has_hosts) in [
        (0, "Hosts, worst first", true),
        (1, "What is known of it", true),
        (2, "Sensors", false),
    ] {
        let boards = boards();
        let mut panels = boards[board].panels().iter();
        let panel = panels.find(|panel| text(panel, "/title") == title).unwrap();
        assert!(links(panel, "Sensor").contains(&page), "{title}");
        assert_eq!(links(panel, "Host").contains(&proof), has_hosts, "{title}");
    }
    for board in boards() {
        assert!(!board.text.contains("\"http://"), "{}", board.uid());
        let variables = board.variables().iter();
        let variables: Vec<&str> = variables.map(|one| text(one, "/name")).collect();
        for panel in board.panels() {
            let columns = list(panel, "/transformations").iter();
            let columns: Vec<&str> = columns
                .filter_map(|step| step.pointer("/options/renameByName")?.as_object())
                .flat_map(|names| names.values().filter_map(Value::as_str))
                .collect();
            for url in all_links(panel) {
                for name in url.split("${").skip(1) {
                    let name = name.split(['}', ':']).next().unwrap();
                    let is_there = match name.strip_prefix("__data.fields.") {
                        Some(column) => columns.contains(&column),
                        None => {
                            variables.contains(&name)
                                || ["__url_time_range", "__all_variables", "__value.text"]
                                    .contains(&name)
                        }
                    };
                    assert!(is_there, "{}: {url}: {name}", board.uid());
                }
                // To another dashboard of ours the scheme goes along.
                let goes_along =
                    url.contains("${__all_variables}") || url.contains("var-scheme=${scheme}");
                assert!(!url.starts_with("/d/") || goes_along, "{url}");
            }
        }
    }
}

/// Where a column leads.
fn links<'a>(panel: &'a Value, column: &str) -> Vec<&'a str> {
    let overrides = list(panel, "/fieldConfig/overrides").iter();
    let of_column = overrides.filter(|one| text(one, "/matcher/options") == column);
    of_column.flat_map(all_in).collect()
}

fn all_links(panel: &Value) -> Vec<&str> {
    let overrides = list(panel, "/fieldConfig/overrides").iter();
    overrides.flat_map(all_in).collect()
}

fn all_in(one: &Value) -> impl Iterator<Item = &str> {
    let properties = list(one, "/properties").iter();
    let links = properties.filter(|property| property["id"] == "links");
    links
        .flat_map(|property| list(property, "/value"))
        .map(|link| text(link, "/url"))
}

/// Only one host is counted once, whatever sensors see it: gauges of hosts are never added up over sensors.
#[test]
fn sums_over_hosts_take_the_sensors_away_first() {
    for board in boards() {
        for query in board.panel_queries() {
            for selector in selectors(&query.expr) {
                let of_hosts = selector.metric.starts_with("straggler_host")
                    || selector.metric.starts_with("straggler_resolver_bypass")
                    || selector.metric.starts_with("straggler_coverage");
                let summed = ["sum", "count", "avg"].contains(&selector.function.as_str());
                assert!(!(of_hosts && summed), "{query:?}");
            }
        }
    }
}

/// The instructions name what is there.
#[test]
fn the_instructions_name_every_file() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("grafana");
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let readme = read("README.md");
    for board in boards() {
        let name = board.path.file_name().unwrap().to_str().unwrap();
        assert!(readme.contains(&format!("`dashboards/{name}`")), "{name}");
        let title = text(&board.json, "/title").trim_start_matches("Straggler / ");
        assert!(readme.contains(&format!("*{title}*")), "{title}");
    }
    let path = "/var/lib/grafana/dashboards/straggler";
    assert!(read("provisioning/dashboards/straggler.yml").contains(&format!("path: {path}\n")));
    assert!(readme.contains(&format!("-t {path} grafana/dashboards/*.json")));
    assert!(read("provisioning/datasources/straggler.yml").contains("type: prometheus"));
}
