//! Sensors, the Prometheus that scrapes them, and how Grafana would ask it.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::board::{Board, Query, text};
use super::made_up;
use super::prometheus::{Prometheus, Sample};
use super::served::{Served, wait_for};

/// Two sensors saw the same hosts, and the first one keeps them. Without sites, with one each, a made-up live one, and one
/// whose store never opened and whose interface never got a packet; a name for each job.
pub(crate) const OFFICE: &str = "office";
pub(crate) const SITES: &str = "sites";
pub(crate) const LIVE: &str = "live";
pub(crate) const IDLE: &str = "idle";

/// The host whose name only the second sensor knows.
pub(crate) const NAMED: &str = "mac-0a:20:00:00:00:11";

pub(crate) struct Scene {
    pub(crate) prometheus: Prometheus,
    /// They run as long as the scene is used; the second one can be away.
    _first: Served,
    second: Option<Served>,
    again: Vec<String>,
    _folder: tempfile::TempDir,
}

impl Scene {
    /// Starts all of it, and waits until rates can be told. `None`, loudly, where there is no Prometheus.
    pub(crate) fn start() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/office.pcapng");
        let replay = ["--replay", example.to_str().unwrap()];
        let leases = folder.path().join("leases");
        let lease = "1900000000 0a:20:00:00:00:11 10.20.0.11 reception *\n";
        std::fs::write(&leases, lease).unwrap();
        let configuration = folder.path().join("straggler.toml");
        std::fs::write(&configuration, format!("leases = [{leases:?}]\n")).unwrap();
        let config = ["--config", configuration.to_str().unwrap()];
        let state = folder.path().join("state");
        let state = ["--state-dir", state.to_str().unwrap()];
        let sensors = [
            Served::start(&[&replay[..], &state].concat()),
            Served::start(&[replay, config].concat()),
        ];
        for sensor in &sensors {
            sensor.wait_ready();
        }
        let [first, second] = sensors;
        let live = made_up::sensor_without(&[]);
        let idle = made_up::sensor_without(&[
            "straggler_capture_last_packet_timestamp_seconds",
            "straggler_store_last_write_timestamp_seconds",
            "straggler_store_size_bytes",
        ]);
        let (one, two) = (first.address, second.address);
        let listen = two.to_string();
        let again = [&["run", "--listen", &listen], &replay[..], &config].concat();
        let again = again.into_iter().map(str::to_owned).collect();
        let prometheus = Prometheus::start(&format!(
            "global: {{scrape_interval: 1s}}
scrape_configs:
- job_name: {OFFICE}
  static_configs: [{{targets: ['{one}', '{two}']}}]
- job_name: {SITES}
  static_configs:
  - {{targets: ['{one}'], labels: {{site: north}}}}
  - {{targets: ['{two}'], labels: {{site: south}}}}
- job_name: {LIVE}
  static_configs: [{{targets: ['{live}']}}]
- job_name: {IDLE}
  static_configs: [{{targets: ['{idle}']}}]
"
        ))?;
        prometheus.wait_for_scrapes(6, 6);
        Some(Self {
            prometheus,
            _first: first,
            second: Some(second),
            again,
            _folder: folder,
        })
    }

    /// Ends the second sensor, and waits until Prometheus knows.
    pub(crate) fn end_one(&mut self) {
        self.second.take().unwrap().end("TERM");
        self.wait_for_sensors(1);
    }

    /// Starts it again where it was.
    pub(crate) fn start_again(&mut self) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_straggler"));
        command.args(&self.again);
        self.second = Some(Served::spawn(command));
        self.wait_for_sensors(2);
    }

    fn wait_for_sensors(&self, number: usize) {
        let expr = format!("count(straggler_host_series{{job=\"{OFFICE}\"}} > 0)");
        wait_for("sensors", || {
            let found = self.prometheus.now(&expr);
            found.first().is_some_and(|found| found.1 == number as f64)
        });
    }

    /// The variables of a dashboard as they are when it is opened, with "All" wherever there is one, but for the job.
    pub(crate) fn variables(&self, board: &Board, job: &str) -> BTreeMap<String, String> {
        let mut values = BTreeMap::from(
            [
                ("__rate_interval", "4s"),
                ("__range", "30s"),
                ("__interval", "1s"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned())),
        );
        for variable in board.variables().iter().skip(1) {
            let name = text(variable, "/name");
            if variable["type"] == "custom" {
                values.insert(name.to_owned(), text(variable, "/current/value").to_owned());
                continue;
            }
            let options = self.options(variable, &values);
            let value = match variable["allValue"].as_str() {
                _ if name == "job" => job.to_owned(),
                Some(all) => all.to_owned(),
                None if variable["includeAll"] == true => format!("({})", options.join("|")),
                None => options.first().cloned().unwrap_or_default(),
            };
            values.insert(name.to_owned(), value);
        }
        values
    }

    /// What a variable offers.
    pub(crate) fn options(
        &self,
        variable: &Value,
        values: &BTreeMap<String, String>,
    ) -> Vec<String> {
        let query = expand(text(variable, "/query/query"), values);
        if let Some(inside) = query.strip_prefix("label_values(") {
            let (series, label) = inside.strip_suffix(')').unwrap().rsplit_once(", ").unwrap();
            let path = format!("/api/v1/label/{label}/values");
            let data = self.prometheus.data(&path, &[("match[]", series)]);
            return serde_json::from_value(data).unwrap();
        }
        let inside = query
            .strip_prefix("query_result(")
            .unwrap()
            .strip_suffix(')')
            .unwrap();
        let label = text(variable, "/name");
        let samples = self.prometheus.now(inside).into_iter();
        samples.map(|(labels, _)| labels[label].clone()).collect()
    }

    /// The answer to a query, as its panel would get it.
    pub(crate) fn answer(&self, query: &Query, values: &BTreeMap<String, String>) -> Vec<Sample> {
        let expr = expand(&query.expr, values);
        assert!(!expr.contains('$'), "{expr}");
        if query.instant {
            self.prometheus.now(&expr)
        } else {
            self.prometheus.lately(&expr)
        }
    }

    /// The same, of a panel that is named.
    pub(crate) fn shows(
        &self,
        board: &Board,
        title: &str,
        reference: &str,
        values: &BTreeMap<String, String>,
    ) -> Vec<Sample> {
        let queries = board.panel_queries();
        let query = queries
            .iter()
            .find(|query| query.title == title && query.reference == reference)
            .unwrap_or_else(|| panic!("no panel {title}, {reference}"));
        self.answer(query, values)
    }
}

/// Puts values in the place of variables.
fn expand(expr: &str, values: &BTreeMap<String, String>) -> String {
    let mut expr = expr.to_owned();
    for (name, value) in values {
        expr = expr.replace(&format!("${name}"), value);
    }
    expr
}
