//! That losses are told to the packet wherever they are told, and that memory stays bounded meanwhile.

use std::process::Command;
use std::thread;
use std::time::Duration;

use super::Traffic;
use super::costs::{expected, stragglers};
use super::link::{Link, Speed};
use super::markdown::{MIB, Markdown, grouped};
use super::process::Process;
use super::receiver::{BUFFER, Counts, Kind, Receiver};

/// A buffer that is too small for any burst.
const SMALL_BUFFER: u32 = 256 << 10;
const STOPPED_FOR: Duration = Duration::from_secs(1);
/// What a daemon may have resident with the default settings: docs/bounds.md.
const MAX_RESIDENT: u64 = 256 << 20;

/// What was told of one loss.
pub struct Loss {
    counts: Counts,
    peak: u64,
    stragglers: u64,
}

pub fn measure(traffic: &Traffic) {
    let header = [
        "mode",
        "what is wrong",
        "to be seen",
        "received",
        "dropped",
        "peak, MiB",
        "stragglers of all",
    ];
    let mut table = Markdown::new(2, &header);
    for kind in [Kind::Full, Kind::Signals] {
        for (what, loss) in [
            ("buffer of 256 KiB", with_a_small_buffer(traffic, kind)),
            ("stopped for a second", while_stopped(traffic, kind)),
        ] {
            table.row([
                kind.name().to_owned(),
                what.to_owned(),
                grouped(expected(traffic, kind)),
                grouped(loss.counts.received),
                grouped(loss.counts.dropped),
                format!("{:.0}", loss.peak as f64 / MIB),
                format!("{} of {}", loss.stragglers, traffic.stragglers),
            ]);
        }
    }
    table.print("Losses: received and dropped make up what was to be seen, to the packet");
}

fn with_a_small_buffer(traffic: &Traffic, kind: Kind) -> Loss {
    let link = Link::new();
    let mut receiver = Receiver::start(&link, traffic, kind, SMALL_BUFFER);
    link.send(traffic, Speed::Top);
    told(&mut receiver, traffic, kind)
}

/// The daemon is stopped before the first packet and goes on a second later. It cannot but lose some.
pub fn while_stopped(traffic: &Traffic, kind: Kind) -> Loss {
    let link = Link::new();
    let mut receiver = Receiver::start(&link, traffic, kind, BUFFER);
    let process = receiver.process().unwrap();
    signal(process, "STOP");
    thread::scope(|scope| {
        scope.spawn(|| link.send(traffic, Speed::Reading));
        thread::sleep(STOPPED_FOR);
        signal(process, "CONT");
    });
    let loss = told(&mut receiver, traffic, kind);
    assert!(loss.counts.dropped > 0, "{:?}", loss.counts);
    loss
}

fn signal(process: Process, signal: &str) {
    let pid = process.0.to_string();
    let sent = Command::new("kill").args(["-s", signal, &pid]).status();
    assert!(sent.unwrap().success());
}

/// Fails unless metrics, API and page tell the same, and all of it.
fn told(receiver: &mut Receiver<'_>, traffic: &Traffic, kind: Kind) -> Loss {
    let process = receiver.process().unwrap();
    process.cpu_seconds_once_idle();
    let expected = expected(traffic, kind);
    let counts = receiver.counts(expected);
    assert_eq!(counts.sum(), expected, "{}: {counts:?}", kind.name());
    let status: serde_json::Value = serde_json::from_str(&receiver.get("/api/v1/status")).unwrap();
    let interface = &status["interfaces"][0];
    assert_eq!(
        interface["dropped_by_kernel"], counts.dropped,
        "{interface}"
    );
    let page = receiver.get("/");
    let shown = [grouped(counts.dropped), counts.dropped.to_string()];
    assert!(
        shown.iter().any(|number| page.contains(number)),
        "{} is not on the page",
        counts.dropped
    );
    let peak = process.peak();
    assert!(peak <= MAX_RESIDENT, "{peak} bytes resident");
    Loss {
        counts,
        peak,
        stragglers: stragglers(receiver),
    }
}
