//! A live sensor that is made up: a sample of every family, and counters that grow with each scrape. The example is a
//! recording, so it has no interface, store or events, and nothing in it grows.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::time::{SystemTime, UNIX_EPOCH};

use straggler::metrics::{FAMILIES, Family, Kind};

/// Starts it; it lives as long as the test. These families it does not have.
pub(crate) fn sensor_without(missing: &'static [&'static str]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for (scrape, stream) in (1_u32..).zip(listener.incoming()) {
            let mut stream = stream.unwrap();
            let mut request = BufReader::new(stream.try_clone().unwrap());
            let mut line = String::from("-");
            while !line.trim().is_empty() {
                line.clear();
                request.read_line(&mut line).unwrap();
            }
            let head =
                "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nConnection: close";
            // The scraper may be gone by now.
            let _ = write!(stream, "{head}\r\n\r\n{}", exposition(scrape, missing));
        }
    });
    address
}

fn exposition(scrape: u32, missing: &[&str]) -> String {
    // An hour ago.
    let mut text = format!("process_start_time_seconds {}\n", now() - 3_600.0);
    for family in FAMILIES {
        if missing.contains(&family.name) {
            continue;
        }
        // Of evidence there are two levels, because dashboards take the difference.
        let levels: &[&str] = if family.labels.contains(&"evidence") {
            &["attempt", "contact"]
        } else {
            &[""]
        };
        for evidence in levels {
            let labels: Vec<String> = family
                .labels
                .iter()
                .map(|label| format!("{label}=\"{}\"", value_of(label, evidence)))
                .collect();
            let value = value(family, evidence, scrape);
            text += &format!("{}{{{}}} {value}\n", family.name, labels.join(","));
        }
    }
    text
}

/// A value that the label can have.
fn value_of<'a>(label: &'a str, evidence: &'a str) -> &'a str {
    match label {
        "vendor" => "kaspersky",
        "category" => "update",
        "evidence" => evidence,
        "phase" => "after",
        "status" => "unknown",
        "coverage" => "moved",
        "signal" => "tls",
        "protocol" => "tls",
        "role" => "restricted",
        "jurisdiction" => "US",
        other => other,
    }
}

/// Each counter grows by 10 with each scrape, attempts by 20 and packets by 90.
fn value(family: &Family, evidence: &str, scrape: u32) -> f64 {
    let step = match (family.name, evidence) {
        ("straggler_capture_packets_total", _) => 90.0,
        ("straggler_sightings_total", "attempt") => 20.0,
        _ => 10.0,
    };
    match family.kind {
        Kind::Counter => step * f64::from(scrape),
        Kind::Gauge if family.name.ends_with("_timestamp_seconds") => now(),
        Kind::Gauge => 1.0,
    }
}

fn now() -> f64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.unwrap().as_secs_f64()
}
