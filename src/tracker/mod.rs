//! One worker's analysis: a frame through decode, flows, dissect and rules; gives sightings and facts.
//!
//! No I/O, no threads, no clock: time comes with the frames. What a frame tells is rolled up and leaves with
//! [`Tracker::drain`]. Whoever wants every name as it is read passes a [`Witness`].

mod clock;
mod conversation;
mod dns;
mod hello;
mod presence;
mod quic;
mod rollup;
mod stats;
mod tcp;
mod transactions;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::decode::Decoder;
use crate::dissect::{dns as dns_messages, quic as quic_packets};
use crate::flows::{self, Budget, Flow, Table};
use crate::model::{
    Batch, Endpoint, FlowProtocol, Frame, LocalNetworks, Match, Name, NameBuf, Packet, Signal,
    Timestamp, Transport, Undecoded,
};
use crate::rules::RuleSet;

use clock::Clock;
use conversation::Conversation;
use presence::PresenceLog;
use rollup::Rollup;
pub use stats::{Stats, TableStats};
use transactions::Transactions;

/// How a tracker judges and what it may keep.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Bounds of the flow table.
    pub flows: flows::Settings,
    /// Bytes of unfinished hellos kept at once, over all flows.
    pub first_bytes: usize,
    /// Payload bytes of one flow that make a transfer.
    pub transfer_threshold: u64,
    /// Addresses that a resolver gives instead of blocked names, besides 0.0.0.0, :: and loopback.
    pub block_addresses: Vec<IpAddr>,
    /// Which hosts are watched.
    pub local: LocalNetworks,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            flows: flows::Settings::default(),
            first_bytes: 16 * 1024 * 1024,
            transfer_threshold: 32 * 1024,
            block_addresses: Vec::new(),
            local: LocalNetworks::default(),
        }
    }
}

/// A name read in traffic, matched or not.
#[derive(Clone, Copy, Debug)]
pub struct NameRead<'a> {
    /// Capture time of the packet that completed it.
    pub time: Timestamp,
    /// How it was learnt.
    pub signal: Signal,
    /// Who asked.
    pub client: Endpoint,
    /// Who was asked.
    pub server: Endpoint,
    /// The name.
    pub name: Name<'a>,
    /// The rule that won, if any.
    pub matched: Option<&'a Match>,
}

/// Sees every name as it is read. `()` looks away at no cost.
pub trait Witness {
    /// A name was read.
    fn name_read(&mut self, read: &NameRead<'_>);
}

impl Witness for () {
    fn name_read(&mut self, _: &NameRead<'_>) {}
}

/// The analysis of one worker.
pub struct Tracker {
    settings: Settings,
    rules: Arc<RuleSet>,
    decoder: Decoder,
    flows: Table<Conversation>,
    clock: Clock,
    insides: Insides,
}

/// Everything but the flow table, so that a flow can be held while these are changed.
struct Insides {
    budget: Budget,
    rollup: Rollup,
    presence: PresenceLog,
    transactions: Transactions,
    name: NameBuf,
    scratch: quic_packets::Scratch,
    quic_readings: quic::Readings,
    /// Slots of flows with bytes that the rollup does not have yet.
    unreported: Vec<usize>,
    stats: Stats,
}

impl Tracker {
    /// A tracker with empty tables.
    pub fn new(settings: Settings, rules: Arc<RuleSet>) -> Self {
        Self {
            decoder: Decoder::default(),
            flows: Table::new(settings.flows.clone()),
            clock: Clock::default(),
            insides: Insides {
                budget: Budget::new(settings.first_bytes),
                rollup: Rollup::default(),
                presence: PresenceLog::default(),
                transactions: Transactions::default(),
                name: NameBuf::default(),
                scratch: quic_packets::Scratch::default(),
                quic_readings: quic::Readings::default(),
                unreported: Vec::new(),
                stats: Stats::default(),
            },
            settings,
            rules,
        }
    }

    /// A capture begins, live or a file: what lies between it and an earlier one was not looked at.
    pub fn begin(&mut self) {
        self.clock.begin();
    }

    /// Takes one frame.
    pub fn ingest(&mut self, frame: &Frame<'_>, witness: &mut impl Witness) {
        let stats = &mut self.insides.stats;
        stats.seen.frames += 1;
        stats.seen.wire_bytes += u64::from(frame.wire_len);
        stats.seen.cut_frames += u64::from(frame.is_cut());
        stats.last_frame = stats.last_frame.max(Some(frame.time));
        // Taken out while the packet borrows from it.
        let mut decoder = std::mem::take(&mut self.decoder);
        self.packet(decoder.decode(frame), frame, witness);
        self.decoder = decoder;
    }

    /// Takes what a frame was decoded to.
    fn packet(
        &mut self,
        decoded: Result<Packet<'_>, Undecoded>,
        frame: &Frame<'_>,
        witness: &mut impl Witness,
    ) {
        let opened_flow = match decoded {
            Ok(packet) => match packet.transport {
                Transport::Tcp(segment) => self.tcp(&segment, frame.time, witness),
                Transport::Udp(datagram)
                    if dns_messages::PORT == datagram.dst.port
                        || dns_messages::PORT == datagram.src.port =>
                {
                    self.dns(&datagram, frame.time, witness)
                }
                Transport::Udp(datagram) => self.udp(&datagram, frame.time, witness),
                Transport::Unreachable(_) | Transport::Fragment | Transport::Other(_) => {
                    let local = &self.settings.local;
                    self.insides
                        .note_presence(local, packet.src, packet.dst, false, frame.time);
                    false
                }
            },
            Err(cause) => {
                self.insides.stats.seen.undecoded[cause.index()] += 1;
                false
            }
        };
        self.clock.observe(frame.time, opened_flow);
        if let Some(now) = self.clock.now() {
            let insides = &mut self.insides;
            self.flows.expire(now, &mut |flow| insides.end(flow));
        }
    }

    /// Wall time on a live interface without packets.
    pub fn tick(&mut self, wall: Timestamp) {
        self.clock.tick(wall);
    }

    /// The recording is at its end. Says by how much a lone packet's time was left aside, if one was.
    pub fn settle(&mut self) -> Option<Duration> {
        self.decoder.end();
        self.clock.settle()
    }

    /// Engine time, once there is one.
    pub fn now(&self) -> Option<Timestamp> {
        self.clock.now()
    }

    /// Hands over everything learnt since the last call.
    pub fn drain(&mut self) -> Batch {
        for slot in std::mem::take(&mut self.insides.unreported) {
            if let Some(flow) = self.flows.at(slot) {
                flow.state.report_bytes(&mut self.insides.rollup);
            }
        }
        let (sightings, replies) = self.insides.rollup.take();
        Batch {
            sightings,
            replies,
            presences: self.insides.presence.take(),
            clock: self.clock.now(),
            looked: self.clock.looked(),
        }
    }

    /// Counters and table sizes.
    pub fn stats(&self) -> Stats {
        let mut stats = self.insides.stats.clone();
        let flows = self.flows.stats();
        let fragments = self.decoder.stats();
        let seen = &mut stats.seen.undecoded;
        seen[Undecoded::Fragment.index()] += fragments.lost;
        seen[Undecoded::FragmentOverlap.index()] += fragments.lost_to_overlap;
        let insides = &self.insides;
        let sizes = [
            (flows.entries, flows.evictions),
            (insides.budget.used() as u64, insides.budget.refused()),
            (
                insides.transactions.len() as u64,
                insides.transactions.evictions(),
            ),
            (insides.presence.len() as u64, insides.presence.refused()),
            (insides.rollup.len() as u64, insides.rollup.refused()),
            (fragments.entries, fragments.evictions),
            (insides.quic_readings.len(), insides.quic_readings.refused()),
        ];
        for (table, (entries, evictions)) in stats.tables.iter_mut().zip(sizes) {
            table.entries = entries;
            table.evictions = evictions;
        }
        stats
    }
}

impl Insides {
    /// Notes that the sender of a packet was there, if it is a host: on the local side, or by what [`LocalNetworks::host`]
    /// makes of the one who opened the flow.
    fn note_presence(
        &mut self,
        local: &LocalNetworks,
        sender: IpAddr,
        receiver: IpAddr,
        opened: bool,
        time: Timestamp,
    ) {
        if local.contains(sender) || (opened && local.host(sender, receiver).is_some()) {
            self.presence.note(sender, time);
        }
    }

    /// A flow left the table.
    fn end(&mut self, mut flow: Flow<Conversation>) {
        flow.state.report_bytes(&mut self.rollup);
        flow.state.release(&mut self.budget);
        self.quic_readings.end(&mut flow.state);
        if flow.protocol == crate::model::Protocol::Tcp && !flow.state.is_classified() {
            self.stats.seen.flows[FlowProtocol::Other.index()] += 1;
        }
    }
}
