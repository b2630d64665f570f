//! A real Prometheus that scrapes what a test gives it, and its HTTP API.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use super::served::{get, query, wait_for, wait_long_for};

/// A server that is ended with the test.
pub(crate) struct Prometheus {
    child: Child,
    address: SocketAddr,
    _folder: tempfile::TempDir,
}

/// One series of an answer: its labels, and its latest value.
pub(crate) type Sample = (BTreeMap<String, String>, f64);

impl Prometheus {
    /// Starts it with a configuration. `None`, loudly, where there is none.
    pub(crate) fn start(configuration: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("prometheus.yml");
        std::fs::write(&file, configuration).unwrap();
        let child = Command::new("prometheus")
            .arg("--config.file")
            .arg(&file)
            .arg("--storage.tsdb.path")
            .arg(folder.path().join("data"))
            .args(["--web.listen-address", "127.0.0.1:0"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn();
        let Ok(mut child) = child else {
            skip("prometheus (`make test` fetches it)");
            return None;
        };
        let mut said = BufReader::new(child.stderr.take().unwrap());
        let mut log = String::new();
        let address = loop {
            let mut line = String::new();
            assert!(
                said.read_line(&mut line).unwrap() > 0,
                "it ended at once: {log}"
            );
            if let Some((_, address)) = line.split_once("msg=\"Listening on\" address=") {
                break address.trim().parse().unwrap();
            }
            log.push_str(&line);
        };
        // It blocks where nobody reads what it says.
        std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
        wait_for("Prometheus", || get(address, "/-/ready").0 == 200);
        Some(Self {
            child,
            address,
            _folder: folder,
        })
    }

    /// The `data` of an answer; panics with the server's words where it refuses.
    pub(crate) fn data(&self, path: &str, parameters: &[(&str, &str)]) -> Value {
        let (status, body) = query(self.address, path, parameters);
        assert!(status == 200, "{parameters:?}\n{body}");
        let mut answer: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(answer["status"], "success", "{parameters:?}\n{body}");
        assert!(answer.get("warnings").is_none(), "{parameters:?}\n{body}");
        answer["data"].take()
    }

    /// What an expression gives now.
    pub(crate) fn now(&self, expr: &str) -> Vec<Sample> {
        samples(&self.data("/api/v1/query", &[("query", expr)]))
    }

    /// What it gives over the last half minute.
    pub(crate) fn lately(&self, expr: &str) -> Vec<Sample> {
        let now = self.now("time()")[0].1;
        let (start, end) = ((now - 30.0).to_string(), now.to_string());
        let parameters = [
            ("query", expr),
            ("start", start.as_str()),
            ("end", end.as_str()),
            ("step", "1"),
        ];
        samples(&self.data("/api/v1/query_range", &parameters))
    }

    /// Waits until so many sensors were scraped so many times.
    pub(crate) fn wait_for_scrapes(&self, sensors: usize, scrapes: usize) {
        let expr = format!("count(count_over_time(straggler_build_info[5m]) >= {scrapes})");
        wait_long_for("scrapes", std::time::Duration::from_secs(60), || {
            self.now(&expr)
                .first()
                .is_some_and(|sample| sample.1 == sensors as f64)
        });
    }
}

fn samples(data: &Value) -> Vec<Sample> {
    let parsed = |value: &Value| value.as_str().unwrap().parse().unwrap();
    if data["resultType"] == "scalar" {
        return vec![(BTreeMap::new(), parsed(&data["result"][1]))];
    }
    let series = data["result"].as_array().unwrap().iter();
    series
        .map(|series| {
            let labels = serde_json::from_value(series["metric"].clone()).unwrap();
            let last = match series["values"].as_array() {
                Some(values) => &values.last().unwrap()[1],
                None => &series["value"][1],
            };
            (labels, parsed(last))
        })
        .collect()
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        // Ended already, or about to be: either is fine.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Says what is skipped for want of something. In CI nothing may be.
fn skip(missing: &str) {
    let in_ci = std::env::var("CI").is_ok_and(|value| !["", "false"].contains(&value.as_str()));
    assert!(!in_ci, "in CI nothing is skipped; missing: {missing}");
    // Not by `eprintln`, of which a test that passes shows nothing.
    let _ = writeln!(std::io::stderr(), "SKIPPED for want of {missing}");
}
