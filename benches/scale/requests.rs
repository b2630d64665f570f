//! What each answer of the daemon takes.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::Outcome;
use super::day::address;
use super::markdown::{MIB, Markdown, grouped, median};
use super::process::Process;
use super::site::Site;

/// Longer than one answer is as good as another: each is made anew.
const PAUSE: Duration = Duration::from_millis(1_100);
const HEADER: [&str; 6] = [
    "answer",
    "first, ms",
    "best, ms",
    "CPU, ms",
    "bytes",
    "resident at the peak, MiB",
];

/// Asks for everything that is served.
pub fn measure(site: &Site, rounds: usize) -> Outcome<()> {
    let address = site.served.address;
    let host = address_of_a_straggler();
    let key = key(site, &host)?;
    let in_path = key.replace(':', "%3A");
    let mut table = Markdown::new(1, &HEADER);
    for (path, packed) in [
        ("/metrics".to_owned(), true),
        ("/metrics".to_owned(), false),
        ("/".to_owned(), true),
        ("/".to_owned(), false),
        ("/?page=50".to_owned(), false),
        (format!("/?q={host}"), false),
        ("/?sort=received".to_owned(), false),
        (format!("/hosts/{in_path}"), false),
        ("/api/v1/status".to_owned(), false),
        ("/api/v1/vendors".to_owned(), false),
        ("/api/v1/blind-spots".to_owned(), false),
        ("/api/v1/hosts?straggler=true".to_owned(), false),
        ("/api/v1/hosts?limit=1000&offset=4000".to_owned(), false),
        (format!("/api/v1/hosts?host={host}"), false),
        (format!("/api/v1/sightings?host={key}&limit=1000"), false),
        (
            "/api/v1/sightings?vendor=kaspersky&limit=1000".to_owned(),
            false,
        ),
        (
            "/api/v1/sightings?since=2024-09-30T12:00:00Z&until=2024-09-30T13:00:00Z&limit=1000"
                .to_owned(),
            false,
        ),
    ] {
        let words = if packed { ", gzip" } else { "" };
        let taken = take(address, Process(site.served.pid()), &path, packed, rounds)?;
        let path = path.replace(&host, "HOST").replace(&key, "KEY");
        table.row([
            format!("`{}`{words}", path.replace(&in_path, "KEY")),
            format!("{:.1}", taken.first * 1e3),
            format!("{:.1}", taken.best * 1e3),
            format!("{:.1}", taken.cpu * 1e3),
            grouped(taken.bytes),
            format!("{:.0}", taken.peak as f64 / MIB),
        ]);
    }
    table.print(
        "Answers (the first, then the best of the later ones by the clock; CPU: their median)",
    );
    Ok(())
}

struct Taken {
    first: f64,
    best: f64,
    cpu: f64,
    bytes: u64,
    peak: u64,
}

fn take(
    address: SocketAddr,
    process: Process,
    path: &str,
    packed: bool,
    rounds: usize,
) -> Outcome<Taken> {
    process.forget_peak();
    sleep(PAUSE);
    let (first, bytes) = once(address, path, packed)?;
    let (mut best, mut cpu) = (f64::INFINITY, Vec::new());
    for _ in 0..rounds {
        sleep(PAUSE);
        let spent = process.cpu_seconds();
        let (seconds, _) = once(address, path, packed)?;
        cpu.push(process.cpu_seconds() - spent);
        best = best.min(seconds);
    }
    Ok(Taken {
        first,
        best,
        cpu: median(cpu),
        bytes,
        peak: process.peak(),
    })
}

/// Seconds until the whole answer was there, and its length.
fn once(address: SocketAddr, path: &str, packed: bool) -> Outcome<(f64, u64)> {
    let encoding = if packed { "gzip" } else { "identity" };
    let begun = Instant::now();
    let mut stream = TcpStream::connect(address)?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: {encoding}\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    if !answer.starts_with(b"HTTP/1.1 200 OK\r\n") {
        return Err(format!("{path}: {}", String::from_utf8_lossy(&answer)).into());
    }
    Ok((begun.elapsed().as_secs_f64(), answer.len() as u64))
}

/// The stragglers are the first hosts.
fn address_of_a_straggler() -> String {
    address(17).to_string()
}

/// The key of the host with an address.
fn key(site: &Site, address: &str) -> Outcome<String> {
    let (_, body) = site.served.get(&format!("/api/v1/hosts?host={address}"));
    let answer: Value = serde_json::from_str(&body)?;
    let key = answer["hosts"][0]["host"].as_str();
    Ok(key.ok_or(body)?.to_owned())
}
