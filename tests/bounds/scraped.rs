//! Many scrapers at once, from where the daemon is.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::flooded::Flooded;

/// Scrapes in a second, and for how long.
pub(crate) const A_SECOND: u32 = 50;
const FOR: Duration = Duration::from_secs(10);
/// What tells the test program that it is to scrape.
const SCRAPE: &str = "STRAGGLER_SCRAPE";

/// What scrapes came to.
pub(crate) struct Scraped {
    pub(crate) count: usize,
    pub(crate) median: Duration,
    pub(crate) slowest: Duration,
    /// Bytes of one, packed.
    pub(crate) bytes: usize,
}

/// Scrapes a daemon on a link, from inside its namespace.
pub(crate) fn scrape(daemon: &Flooded) -> Scraped {
    let own = std::env::current_exe().unwrap();
    let output = daemon
        .command(own.to_str().unwrap())
        .args(["--exact", "scraped::scrapes_what_it_is_told", "--nocapture"])
        .env(SCRAPE, daemon.served.address.to_string())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    let line = told
        .lines()
        .find_map(|line| line.split_once("scraped: "))
        .unwrap_or_else(|| panic!("{told}"));
    let numbers: Vec<u64> = line.1.split(' ').map(|n| n.parse().unwrap()).collect();
    Scraped {
        count: numbers[0] as usize,
        median: Duration::from_micros(numbers[1]),
        slowest: Duration::from_micros(numbers[2]),
        bytes: numbers[3] as usize,
    }
}

/// No test: the scrapers. The test program starts itself again inside the namespace for this.
#[test]
fn scrapes_what_it_is_told() {
    let Ok(address) = std::env::var(SCRAPE) else {
        return;
    };
    let address: SocketAddr = address.parse().unwrap();
    let begin = Instant::now();
    let mut scrapers = Vec::new();
    for number in 0..A_SECOND * FOR.as_secs() as u32 {
        let due = Duration::from_secs(1) / A_SECOND * number;
        std::thread::sleep(due.saturating_sub(begin.elapsed()));
        scrapers.push(std::thread::spawn(move || once(address)));
    }
    let mut scrapes: Vec<(Duration, usize)> = scrapers
        .into_iter()
        .map(|scraper| scraper.join().unwrap())
        .collect();
    scrapes.sort_unstable();
    let (slowest, bytes) = scrapes[scrapes.len() - 1];
    eprintln!(
        "\nscraped: {} {} {} {bytes}",
        scrapes.len(),
        scrapes[scrapes.len() / 2].0.as_micros(),
        slowest.as_micros()
    );
}

fn once(address: SocketAddr) -> (Duration, usize) {
    let begin = Instant::now();
    let mut stream = TcpStream::connect(address).unwrap();
    let request = "GET /metrics HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n"));
    (begin.elapsed(), answer.len())
}
