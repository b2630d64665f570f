//! What a packet costs: its receiver, and the kernel on its way there.

use super::Traffic;
use super::link::{Link, Speed};
use super::markdown::{MIB, Markdown, grouped, median};
use super::process::Process;
use super::receiver::{BUFFER, Kind, Receiver};

const KINDS: [Kind; 4] = [Kind::Nobody, Kind::Tcpdump, Kind::Full, Kind::Signals];
const HEADER: [&str; 8] = [
    "receiver",
    "sent, packets/s",
    "received",
    "dropped",
    "receiver, CPU s per million sent",
    "sender, CPU s per million",
    "peak, MiB",
    "stragglers of all",
];

/// What the rounds came to with one of them.
#[derive(Default)]
struct Rounds {
    rates: Vec<f64>,
    received: Vec<f64>,
    dropped: Vec<f64>,
    receiver: Vec<f64>,
    sender: Vec<f64>,
    peak: u64,
    stragglers: Option<u64>,
    evictions: Vec<(String, u64)>,
}

/// Lets each receiver take all packets once in a round, so that whatever changes meanwhile meets them all.
pub fn measure(traffic: &Traffic, rounds: usize) {
    let mut all = KINDS.map(|kind| (kind, Rounds::default()));
    for _ in 0..rounds {
        for (kind, rounds) in &mut all {
            round(traffic, *kind, rounds);
        }
    }
    let mut table = Markdown::new(1, &HEADER);
    for (kind, rounds) in &all {
        let middle = |numbers: &Vec<f64>| (!numbers.is_empty()).then(|| median(numbers.clone()));
        let counted = |numbers| middle(numbers).map_or(String::new(), |n| grouped(n as u64));
        let seconds = |numbers| middle(numbers).map_or(String::new(), |n| format!("{n:.3}"));
        table.row([
            kind.name().to_owned(),
            counted(&rounds.rates),
            counted(&rounds.received),
            counted(&rounds.dropped),
            seconds(&rounds.receiver),
            seconds(&rounds.sender),
            match rounds.peak {
                0 => String::new(),
                peak => format!("{:.0}", peak as f64 / MIB),
            },
            match rounds.stragglers {
                Some(told) => format!("{told} of {}", traffic.stragglers),
                None => String::new(),
            },
        ]);
    }
    table.print("As fast as the sender reads its file (medians; peak: of any round)");
    for (kind, rounds) in &all {
        for (table, count) in &rounds.evictions {
            println!(
                "{}: {table}: {} found no place",
                kind.name(),
                grouped(*count)
            );
        }
    }
}

fn round(traffic: &Traffic, kind: Kind, rounds: &mut Rounds) {
    let link = Link::new();
    let mut receiver = Receiver::start(&link, traffic, kind, BUFFER);
    let process = receiver.process();
    let before = process.map(Process::cpu_seconds_once_idle);
    let sent = link.send(traffic, Speed::Reading);
    let millions = sent.packets as f64 / 1e6;
    rounds.rates.push(sent.rate() as f64);
    rounds.sender.push(sent.cpu_seconds / millions);
    let (Some(process), Some(before)) = (process, before) else {
        return;
    };
    let spent = process.cpu_seconds_once_idle() - before;
    rounds.receiver.push(spent / millions);
    rounds.peak = rounds.peak.max(process.peak());
    let expected = expected(traffic, kind);
    let counts = receiver.counts(expected);
    assert_eq!(counts.sum(), expected, "{}: {counts:?}", kind.name());
    rounds.received.push(counts.received as f64);
    rounds.dropped.push(counts.dropped as f64);
    if matches!(receiver, Receiver::Daemon(..)) {
        // The round with the fewest: what was dropped told of nobody.
        let told = stragglers(&receiver);
        rounds.stragglers = Some(rounds.stragglers.map_or(told, |fewest| fewest.min(told)));
        rounds.evictions = receiver.evictions();
    }
}

/// Packets that a receiver has to account for.
pub fn expected(traffic: &Traffic, kind: Kind) -> u64 {
    match kind {
        Kind::Signals => traffic.passing,
        _ => traffic.packets,
    }
}

/// Hosts that the daemon calls stragglers now.
pub fn stragglers(receiver: &Receiver<'_>) -> u64 {
    let status: serde_json::Value = serde_json::from_str(&receiver.get("/api/v1/status")).unwrap();
    status["stragglers"].as_u64().unwrap()
}
