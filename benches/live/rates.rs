//! How fast packets may come until some are lost.

use super::Traffic;
use super::costs::expected;
use super::link::{Link, Speed};
use super::markdown::{Markdown, grouped};
use super::receiver::{BUFFER, Counts, Kind, Receiver};

const KINDS: [Kind; 3] = [Kind::Tcpdump, Kind::Full, Kind::Signals];
/// From above to below: the first at which none is lost is it.
const RATES: [u64; 7] = [400_000, 350_000, 300_000, 250_000, 200_000, 100_000, 50_000];
/// How often each is tried: whatever else the machine does takes a core away for a moment.
const TRIES: usize = 3;

pub fn measure(traffic: &Traffic) {
    let header = [
        "receiver",
        "packets/s without a drop",
        "sender's limit",
        "tries with drops before",
    ];
    let mut table = Markdown::new(1, &header);
    for kind in KINDS {
        let (mut fastest, mut lossy) = (0, 0);
        let mut without = None;
        let rates = RATES.map(Speed::Rate);
        let speeds = [&[Speed::Top], &rates[..]].concat();
        'speeds: for speed in speeds {
            for _ in 0..TRIES {
                let (rate, counts) = once(traffic, kind, speed);
                fastest = fastest.max(rate);
                if counts.dropped == 0 {
                    without = Some(rate);
                    break 'speeds;
                }
                lossy += 1;
            }
        }
        table.row([
            kind.name().to_owned(),
            without.map_or("none".to_owned(), grouped),
            grouped(fastest),
            lossy.to_string(),
        ]);
    }
    table.print("How fast packets may come (the sender has them in memory)");
}

fn once(traffic: &Traffic, kind: Kind, speed: Speed) -> (u64, Counts) {
    let link = Link::new();
    let mut receiver = Receiver::start(&link, traffic, kind, BUFFER);
    let sent = link.send(traffic, speed);
    if let Some(process) = receiver.process() {
        process.cpu_seconds_once_idle();
    }
    let expected = expected(traffic, kind);
    let counts = receiver.counts(expected);
    assert_eq!(counts.sum(), expected, "{}: {counts:?}", kind.name());
    (sent.rate(), counts)
}
