//! Trackers that share the frames of a capture, and the one ledger.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use straggler::capture::fanout::{Instruction, program};
use straggler::capture::{FrameSource, Pumped, Savefile};
use straggler::ledger::{self, Ledger};
use straggler::model::{Frame, HostView, LocalNetworks, Snapshot, Timestamp};
use straggler::rules::{Library, RuleSet};
use straggler::tracker::{self, Tracker};

use crate::kernel::Skb;

/// Workers report about once a second.
const REPORT_EVERY: Duration = Duration::from_secs(1);

/// By what frames are shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// The two addresses: the program with which the kernel does it.
    Addresses,
    /// The ports too, where there are any: nothing may rest on it that a worker sees all flows of two machines.
    Ports,
}

/// A capture, who is local in it, and what to look for.
pub(crate) struct Case {
    capture: PathBuf,
    local: LocalNetworks,
    rules: Arc<RuleSet>,
    program: Vec<Instruction>,
}

/// What came of it.
pub(crate) struct Told {
    /// By what it is about.
    words: BTreeMap<String, String>,
    /// Workers that had frames.
    pub(crate) busy: usize,
}

impl Case {
    pub(crate) fn new(capture: &Path, local: &[&str], rules: Option<&Path>) -> Self {
        let local = local.iter().map(|network| network.parse().unwrap());
        let library = Library::load(rules).unwrap();
        Self {
            capture: capture.to_owned(),
            local: LocalNetworks::new(local.collect()),
            rules: Arc::new(library.compile(|_| true)),
            program: program(),
        }
    }

    /// What so many workers tell.
    pub(crate) fn told(&self, by: By, workers: usize) -> Told {
        let settings = tracker::Settings {
            local: self.local.clone(),
            ..tracker::Settings::default()
        };
        let mut sensor = Sensor {
            trackers: (0..workers)
                .map(|_| Tracker::new(settings.clone(), Arc::clone(&self.rules)))
                .collect(),
            ledger: Ledger::new(
                ledger::Settings {
                    local: self.local.clone(),
                    ..ledger::Settings::default()
                },
                &self.rules.packs,
            )
            .unwrap(),
            reported: Timestamp::MIN,
        };
        for tracker in &mut sensor.trackers {
            tracker.begin();
        }
        let mut source = Savefile::open(&self.capture).unwrap();
        // Some captures are cut off.
        while let Ok(Pumped::Frames(_)) = source.pump(4096, &mut |frame| {
            let worker = self.worker(by, &frame) as usize % workers;
            sensor.take(worker, &frame);
        }) {}
        sensor.report();
        for tracker in &mut sensor.trackers {
            tracker.settle();
        }
        sensor.report();
        sensor.told()
    }

    fn worker(&self, by: By, frame: &Frame<'_>) -> u32 {
        let skb = Skb::sent(frame.link, frame.bytes);
        let addresses = skb.run(&self.program);
        match by {
            By::Addresses => addresses,
            By::Ports => {
                addresses
                    ^ ports(skb.network())
                        .wrapping_mul(0x9e37_79b1)
                        .rotate_left(7)
            }
        }
    }
}

/// The same for both directions; 0 where there are none.
fn ports(packet: &[u8]) -> u32 {
    let (protocol, len, fragmented) = match packet {
        [first, ..] if first >> 4 == 4 && packet.len() >= 20 => {
            let fragmented = packet[6] & 0x3f != 0 || packet[7] != 0;
            (packet[9], usize::from(first & 15) * 4, fragmented)
        }
        [first, ..] if first >> 4 == 6 && packet.len() >= 40 => (packet[6], 40, false),
        _ => return 0,
    };
    match packet.get(len..len + 4) {
        Some(&[a, b, c, d]) if !fragmented && [6, 17].contains(&protocol) => {
            u32::from(u16::from_be_bytes([a, b]) ^ u16::from_be_bytes([c, d]))
        }
        _ => 0,
    }
}

struct Sensor {
    trackers: Vec<Tracker>,
    ledger: Ledger,
    reported: Timestamp,
}

impl Sensor {
    fn take(&mut self, worker: usize, frame: &Frame<'_>) {
        // As on a live interface: workers look at the clock of the machine every second, and frames carry its time.
        if frame.time.since(self.reported) >= REPORT_EVERY {
            for time in [self.reported.after(REPORT_EVERY), frame.time] {
                for tracker in &mut self.trackers {
                    tracker.tick(time);
                }
            }
            self.report();
            self.reported = frame.time;
        }
        self.trackers[worker].ingest(frame, &mut ());
    }

    fn report(&mut self) {
        for tracker in &mut self.trackers {
            self.ledger.absorb(&tracker.drain());
        }
        for tracker in &mut self.trackers {
            tracker.watch(self.ledger.watch_list());
        }
    }

    fn told(self) -> Told {
        let mut stats = tracker::Stats::default();
        for tracker in &self.trackers {
            stats.add(&tracker.stats());
        }
        let snapshot: Snapshot = self.ledger.snapshot();
        let mut words = BTreeMap::new();
        let mut say = |what: String, word: String| words.insert(what, word);
        for finding in &snapshot.findings {
            let about = format!("{} {}", finding.host, finding.category);
            let judged = format!(
                "{} {} {:?}, {} and {} bytes",
                finding.status, finding.straggler, finding.evidence, finding.received, finding.sent
            );
            say(format!("judged {about}"), judged);
            say(format!("finding {about}"), format!("{finding:?}"));
        }
        for host in &snapshot.hosts {
            // Each worker tells the first packet that it sees of a host in a minute, so several of them know more of it.
            let host = HostView {
                last_seen: host.first_seen,
                ..host.clone()
            };
            say(format!("host {}", host.key), format!("{host:?}"));
        }
        let seen = &stats.seen;
        for (what, word) in [
            ("totals", format!("{:?}", snapshot.totals)),
            ("weak", format!("{:?}", snapshot.weak)),
            ("coverage", format!("{:?}", snapshot.coverage)),
            ("bypasses", format!("{:?}", snapshot.bypasses)),
            ("local_hosts", format!("{:?}", snapshot.local_hosts)),
            ("blind_hosts", format!("{:?}", snapshot.blind_hosts)),
            ("flows", format!("{:?}", seen.flows)),
            ("named_flows", format!("{:?}", seen.named_flows)),
            ("blind_flows", format!("{:?}", seen.blind_flows)),
            ("one_sided_flows", format!("{:?}", seen.one_sided_flows)),
            ("undecoded", format!("{:?}", seen.undecoded)),
        ] {
            say(what.to_owned(), word);
        }
        let frames = self.trackers.iter();
        let busy = frames.filter(|tracker| tracker.stats().seen.frames > 0);
        Told {
            words,
            busy: busy.count(),
        }
    }
}

impl Told {
    /// Combinations of host and category.
    pub(crate) fn findings(&self) -> usize {
        let words = self.words.keys();
        words.filter(|what| what.starts_with("finding ")).count()
    }

    /// What another tells otherwise, each beginning with the kind of thing. Where frames were shared by ports, it is looked
    /// at how hosts are judged and no further: of a name that is asked for from two ports, each is a look-up then.
    pub(crate) fn differences(&self, other: &Self, by: By) -> Vec<String> {
        let keys = self.words.keys().chain(other.words.keys());
        let keys = keys.filter(|key| by == By::Addresses || key.starts_with("judged "));
        let keys: BTreeSet<&String> = keys.collect();
        let differ = keys.into_iter().filter_map(|key| {
            let [one, several] = [self, other].map(|told| told.words.get(key));
            let [one, several] = [one, several].map(|word| word.map_or("nothing", String::as_str));
            (one != several).then(|| {
                let [one, several] = around_the_difference(one, several);
                format!("{key}: one …{one}…, several …{several}…")
            })
        });
        differ.collect()
    }
}

/// Two texts, from somewhat before to somewhat behind the place from which they differ.
fn around_the_difference<'a>(one: &'a str, other: &'a str) -> [&'a str; 2] {
    let same = one.bytes().zip(other.bytes());
    let at = same.take_while(|(one, other)| one == other).count();
    [one, other].map(|text| {
        let from = text.floor_char_boundary(at.saturating_sub(80));
        &text[from..text.floor_char_boundary(at + 120)]
    })
}
