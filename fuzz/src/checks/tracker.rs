//! Frames through a tracker and a ledger with the built-in rules: eight flows that say anything in any order.
//!
//! Input: a byte whose lowest bit asks for tables so small that they overflow, then a part for each packet. Its `how`:
//! bits 0 and 1: which flow; 2: from the server; 3 and 4: a TCP segment, a UDP datagram, an IP packet as it is, or a
//! segment whose capture was cut; 5 and 6: when it comes; 7: what was learnt is drained before.
//!
//! A segment's bytes begin with its flags, of which the two highest bits say what it acknowledges, and its sequence number
//! counted from the side's first, in two bytes.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use straggler::ledger::Ledger;
use straggler::model::{Batch, Frame, LinkType, MAX_SAMPLES, Timestamp};
use straggler::rules::{Library, RuleSet};
use straggler::tracker::{NameRead, Settings, Tracker, Witness};

use super::dns::name_holds;
use super::parts::{Part, parts};
use crate::support::{Datagram, Ip, Segment};

/// From the server.
pub const FROM_SERVER: u8 = 1 << 2;
/// A UDP datagram.
pub const UDP: u8 = 1 << 3;
/// An IP packet as it is.
pub const RAW: u8 = 2 << 3;
/// A second or two later.
pub const LATER: u8 = 1 << 5;
/// Drained before.
pub const DRAIN: u8 = 1 << 7;

/// Where the sides' sequence numbers begin: both wrap soon, in one sense or the other.
const FIRST_SEQ: [u32; 2] = [0xffff_f000, 0x7fff_ff00];
/// What the server listens on, by flow: TLS over both families, HTTP, DNS; and QUIC, QUIC, DNS, something else.
const TCP_PORTS: [u16; 4] = [443, 443, 80, 53];
const UDP_PORTS: [u16; 4] = [443, 443, 53, 3478];

/// Caps of the tables that no setting bounds; of the rollup for sightings and replies each.
const CAPS: [(&str, u64); 10] = [
    ("dns_transactions", 16_384),
    ("presence", 57_344),
    ("rollup", 2 * 7_168),
    ("fragments", 4_096),
    ("quic_connections", 4_096),
    ("watched_answers", 1_024),
    ("identities_told", 8_192),
    ("role_signs", 57_344),
    ("flow_ends", 8_192),
    ("uncovered_told", 4_096),
];
/// Tables of which nothing is left once every flow is forgotten.
const OF_FLOWS: [&str; 3] = ["flows", "first_bytes", "quic_connections"];
/// What surely fits an IP packet.
const MAX_PAYLOAD: usize = 60_000;
/// Longer than any flow is remembered, and more frames than make the clock believe it and than there are slots.
const SILENCE: Duration = Duration::from_secs(40 * 86_400);
const FRAMES_OF_SILENCE: usize = 256;

static RULES: LazyLock<Arc<RuleSet>> = LazyLock::new(|| {
    let library = Library::load(None).expect("built-in packs load");
    Arc::new(library.compile(|pack| pack.enabled))
});

/// Takes the packets of an input.
pub fn check(input: &[u8]) {
    names_read(input);
}

/// The same, and says how many names were read.
pub fn names_read(input: &[u8]) -> usize {
    let Some((&head, rest)) = input.split_first() else {
        return 0;
    };
    let mut run = Run::new(settings(head & 1 != 0));
    for part in parts(rest) {
        run.take(part);
    }
    run.end()
}

fn settings(small: bool) -> Settings {
    let mut settings = Settings::default();
    settings.flows.max_flows = if small { 3 } else { 64 };
    settings.first_bytes = if small { 1500 } else { 64 * 1024 };
    settings
}

/// Names as they are read, counted.
#[derive(Default)]
struct Names(usize);

impl Witness for Names {
    fn name_read(&mut self, read: &NameRead<'_>) {
        name_holds(&read.name.to_owned());
        assert_eq!(read.matched, RULES.lookup(read.name));
        self.0 += 1;
    }
}

struct Run {
    tracker: Tracker,
    ledger: Ledger,
    caps: BTreeMap<&'static str, u64>,
    names: Names,
    time: Timestamp,
    frames: u64,
}

impl Run {
    fn new(settings: Settings) -> Self {
        let mut caps = BTreeMap::from(CAPS);
        caps.insert("flows", settings.flows.max_flows as u64);
        caps.insert("first_bytes", settings.first_bytes as u64);
        let mut tracker = Tracker::new(settings, Arc::clone(&RULES));
        tracker.begin();
        Self {
            tracker,
            ledger: Ledger::new(straggler::ledger::Settings::default(), &RULES.packs)
                .expect("no cutoff is asked for"),
            caps,
            names: Names::default(),
            time: Timestamp::from_unix(1_727_700_000, 0),
            frames: 0,
        }
    }

    fn take(&mut self, part: Part<'_>) {
        if part.how & DRAIN != 0 {
            self.drain();
        }
        let step = [1, 1_500, 600_000, 0][usize::from(part.how >> 5 & 3)];
        self.time = self.time.after(Duration::from_millis(step));
        // A wild time, of this packet alone.
        let wild = part.how >> 5 & 3 == 3;
        let time = self
            .time
            .after(if wild { SILENCE / 2 } else { Duration::ZERO });
        let packet = packet(part);
        let cut = if part.how & UDP != 0 && part.how & RAW != 0 {
            9
        } else {
            0
        };
        let bytes = &packet[..packet.len().saturating_sub(cut)];
        self.ingest(bytes, packet.len(), time);
        self.tables_hold();
    }

    fn ingest(&mut self, bytes: &[u8], wire_len: usize, time: Timestamp) {
        let frame = Frame {
            time,
            link: LinkType::RAW,
            bytes,
            wire_len: wire_len as u32,
        };
        self.tracker.ingest(&frame, &mut self.names);
        self.frames += 1;
    }

    fn tables_hold(&self) {
        let stats = self.tracker.stats();
        assert_eq!(stats.seen.frames, self.frames);
        for table in stats.tables {
            let cap = self.caps.get(table.name);
            let cap = cap.unwrap_or_else(|| panic!("which cap has the table {}?", table.name));
            assert!(table.entries <= *cap, "{table:?}");
        }
    }

    fn drain(&mut self) {
        let batch = self.tracker.drain();
        batch_holds(&batch);
        assert_eq!(batch.clock, self.tracker.now());
        assert_eq!(self.entries("rollup"), 0, "it keeps what was drained");
        let again = self.tracker.drain();
        let told = again.sightings.len() + again.replies.len() + again.presences.len();
        assert_eq!(told, 0, "told twice: {again:?}");
        self.ledger.absorb(&batch);
    }

    fn entries(&self, name: &str) -> u64 {
        let stats = self.tracker.stats();
        let tables = stats.tables.iter().filter(|table| table.name == name);
        tables.map(|table| table.entries).sum()
    }

    /// After a long silence every flow is forgotten, and everything that was kept for one.
    fn end(mut self) -> usize {
        self.drain();
        let _ = self.ledger.snapshot();
        let late = self.time.after(SILENCE);
        for _ in 0..FRAMES_OF_SILENCE {
            self.ingest(&[], 0, late);
        }
        for name in OF_FLOWS {
            assert_eq!(self.entries(name), 0, "{name} leaks");
        }
        self.tracker.settle();
        self.drain();
        let _ = self.ledger.snapshot();
        self.names.0
    }
}

fn batch_holds(batch: &Batch) {
    for sighting in &batch.sightings {
        name_holds(&sighting.name);
        let span = sighting.span;
        assert!(span.first <= span.last && span.first.hour() == span.last.hour());
        assert!(sighting.samples.len() <= MAX_SAMPLES);
        assert!(
            sighting.samples.len() as u64 <= sighting.count,
            "{sighting:?}"
        );
    }
    for reply in &batch.replies {
        name_holds(&reply.name);
        assert!(reply.span.first <= reply.span.last && reply.count > 0);
    }
}

fn packet(part: Part<'_>) -> Vec<u8> {
    let flow = usize::from(part.how & 3);
    let from_server = part.how & FROM_SERVER != 0;
    if part.how & (UDP | RAW) == RAW {
        return part.bytes.to_vec();
    }
    let bytes = &part.bytes[..part.bytes.len().min(MAX_PAYLOAD)];
    let (client, server): (IpAddr, IpAddr) = if flow == 1 {
        (
            [0xfd00, 0, 0, 0, 0, 0, 0, 1].into(),
            [0x2001, 0xdb8, 0, 0, 0, 0, 0, 7].into(),
        )
    } else {
        ([10, 0, 0, flow as u8].into(), [192, 0, 2, 7].into())
    };
    let (from, to) = if from_server {
        (server, client)
    } else {
        (client, server)
    };
    let ip = Ip::between(from, to);
    let ports = |server: u16| {
        if from_server {
            (server, 50_000)
        } else {
            (50_000, server)
        }
    };
    if part.how & (UDP | RAW) == UDP {
        let (from, to) = ports(UDP_PORTS[flow]);
        return ip.packet(&Datagram::new(from, to).payload(bytes));
    }
    let (head, payload) = bytes.split_at(bytes.len().min(3));
    let head = |at: usize| head.get(at).copied().unwrap_or_default();
    let side = usize::from(from_server);
    let seq = u32::from(u16::from_le_bytes([head(1), head(2)]));
    let acked = [1, 0, 700, 70_000][usize::from(head(0) >> 6)];
    let (from, to) = ports(TCP_PORTS[flow]);
    let segment = Segment::new(from, to)
        .flags(head(0) & 0x3f)
        .seq(FIRST_SEQ[side].wrapping_add(seq))
        .ack(FIRST_SEQ[1 - side].wrapping_add(acked));
    ip.packet(&segment.payload(payload))
}
