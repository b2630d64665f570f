//! One worker's analysis: a frame through decode, flows, dissect and rules; gives sightings and facts.
//!
//! No I/O, no threads, no clock: time comes with the frames. What a frame tells is rolled up and leaves with
//! [`Tracker::drain`]. Whoever wants every name as it is read passes a [`Witness`].

mod address_names;
mod answer;
mod answers;
mod blind;
mod clock;
mod conversation;
mod digest;
mod dns;
mod ech_names;
mod ends;
mod expects;
mod foreign;
mod identity;
mod ladder;
mod life;
mod named;
mod names;
mod packet;
mod presence;
mod questions;
mod quic;
mod reading;
mod recent;
mod reload;
mod role_log;
mod rollup;
mod settings;
mod stats;
mod tcp;
mod transactions;
mod uncovered;
mod watch;
mod witness;
mod words;

use std::sync::Arc;
use std::time::Duration;

use crate::decode::Decoder;
use crate::dissect::quic as quic_packets;
use crate::flows::{Budget, Table};
use crate::model::{Batch, Frame, NameBuf, Timestamp, Undecoded, WatchList, Way};
use crate::rules::RuleSet;

use blind::{BlindHosts, Waiting};
use clock::Clock;
use conversation::Conversation;
use ech_names::EchNames;
use ends::FlowEnds;
use expects::Words;
use identity::IdentityLog;
use presence::PresenceLog;
use questions::Questions;
use recent::Recent;
use role_log::RoleLog;
use rollup::Rollup;
pub use settings::Settings;
pub use stats::{Stats, TableStats};
use transactions::Transactions;
use uncovered::UncoveredNames;
use watch::Watch;
pub use witness::{NameRead, Witness};

/// The analysis of one worker.
pub struct Tracker {
    decoder: Decoder,
    analysis: Analysis,
}

/// Everything behind the decoder, so that a packet can be held, which borrows from it, while these are changed.
struct Analysis {
    flows: Table<Conversation>,
    clock: Clock,
    insides: Insides,
}

/// Everything but the flow table, so that a flow can be held while these are changed.
struct Insides {
    settings: Settings,
    rules: Arc<RuleSet>,
    budget: Budget,
    rollup: Rollup,
    /// The VLAN of the packet at hand.
    vlan: Option<u16>,
    presence: PresenceLog,
    /// How the packet came here that is being read.
    way: Way,
    /// Its hop limit.
    hops: u8,
    role_log: RoleLog,
    transactions: Transactions,
    watch: Watch,
    ech_names: EchNames,
    questions: Questions,
    identity: IdentityLog,
    waiting: Waiting,
    /// Tries without an answer so far.
    unanswered: Waiting,
    blind_hosts: BlindHosts,
    uncovered: UncoveredNames,
    flow_ends: FlowEnds,
    /// Room for names, words and decrypted packets, used again and again.
    name: NameBuf,
    alias: NameBuf,
    words: Vec<Words>,
    scratch: quic_packets::Scratch,
    quic_readings: quic::Readings,
    recent: Recent,
    /// UDP flows in the table that are on the port of DNS and something else. Nearly always none, which spares every
    /// question and answer a look for one.
    flows_on_dns_port: usize,
    /// Slots of flows with bytes that the rollup does not have yet.
    unreported: Vec<usize>,
    stats: Stats,
}

impl Tracker {
    /// A tracker with empty tables.
    pub fn new(settings: Settings, rules: Arc<RuleSet>) -> Self {
        Self {
            decoder: Decoder::default(),
            analysis: Analysis {
                flows: Table::new(settings.flows.clone()),
                clock: Clock::default(),
                insides: Insides {
                    budget: Budget::new(settings.first_bytes),
                    rollup: Rollup::new(settings.interface.clone()),
                    vlan: None,
                    presence: PresenceLog::default(),
                    way: Way::default(),
                    hops: 0,
                    role_log: RoleLog::new(reload::relay_ports(&rules)),
                    transactions: Transactions::default(),
                    watch: Watch::default(),
                    ech_names: EchNames::default(),
                    questions: Questions::default(),
                    identity: IdentityLog::default(),
                    waiting: Waiting::default(),
                    unanswered: Waiting::default(),
                    blind_hosts: BlindHosts::default(),
                    uncovered: UncoveredNames::new(&rules.packs),
                    flow_ends: FlowEnds::default(),
                    name: NameBuf::default(),
                    alias: NameBuf::default(),
                    words: Vec::new(),
                    scratch: quic_packets::Scratch::default(),
                    quic_readings: quic::Readings::default(),
                    recent: Recent::default(),
                    flows_on_dns_port: 0,
                    unreported: Vec::new(),
                    stats: Stats::default(),
                    settings,
                    rules,
                },
            },
        }
    }

    /// A capture begins, live or a file: what lies between it and an earlier one was not looked at.
    pub fn begin(&mut self) {
        self.analysis.clock.begin();
    }

    /// Takes one frame.
    pub fn ingest(&mut self, frame: &Frame<'_>, witness: &mut impl Witness) {
        let stats = &mut self.analysis.insides.stats;
        stats.seen.frames += 1;
        stats.seen.wire_bytes += u64::from(frame.wire_len);
        stats.seen.thinned = self.analysis.insides.settings.thinned;
        stats.seen.cut_frames += u64::from(frame.is_cut());
        stats.last_frame = stats.last_frame.max(Some(frame.time));
        self.analysis
            .packet(self.decoder.decode(frame), frame, witness);
    }

    /// A frame of this time was recorded and is left out: it tells the time, as the wall clock does on a live interface.
    pub fn pass_over(&mut self, time: Timestamp) {
        self.analysis.clock.observe(time, false);
    }

    /// Wall time on a live interface without packets.
    pub fn tick(&mut self, wall: Timestamp) {
        self.analysis.clock.tick(wall);
        if let Some(now) = self.analysis.clock.now() {
            self.analysis.count_due_flows(now);
        }
    }

    /// The recording is at its end. Says by how much a lone packet's time was left aside, if one was.
    pub fn settle(&mut self) -> Option<Duration> {
        self.decoder.end();
        self.analysis.count_all_flows();
        self.analysis.clock.settle()
    }

    /// Takes the watch list that the ledger published.
    pub fn watch(&mut self, list: Arc<WatchList>) {
        self.analysis.insides.watch.publish(list);
    }

    /// Engine time, once there is one.
    pub fn now(&self) -> Option<Timestamp> {
        self.analysis.clock.now()
    }

    /// Whether so much was learnt that it should be handed over before it is due: a flood, in which nothing real may be left
    /// out for want of room.
    pub fn is_filling(&self) -> bool {
        self.analysis.insides.rollup.is_filling()
    }

    /// Hands over everything learnt since the last call.
    pub fn drain(&mut self) -> Batch {
        for slot in std::mem::take(&mut self.analysis.insides.unreported) {
            if let Some(flow) = self.analysis.flows.at(slot) {
                flow.state.report_bytes(&mut self.analysis.insides.rollup);
            }
        }
        let (sightings, replies) = self.analysis.insides.rollup.take();
        let (resolutions, contradicted) = self.analysis.insides.watch.take();
        Batch {
            interface: self.analysis.insides.settings.interface.clone(),
            sightings,
            replies,
            flow_ends: self.analysis.insides.flow_ends.take(),
            resolutions,
            contradicted,
            identities: self.analysis.insides.identity.take(),
            blind_hosts: self.analysis.insides.blind_hosts.take(),
            uncovered: self.analysis.insides.uncovered.take(),
            presences: self.analysis.insides.presence.take(),
            role_signs: self.analysis.insides.role_log.take(),
            clock: self.analysis.clock.now(),
            looked: self.analysis.clock.looked(),
            losses: None,
        }
    }

    /// Counters and table sizes.
    pub fn stats(&self) -> Stats {
        let mut stats = self.analysis.insides.stats.clone();
        let flows = self.analysis.flows.stats();
        let fragments = self.decoder.stats();
        let seen = &mut stats.seen.undecoded;
        seen[Undecoded::Fragment.index()] += fragments.lost;
        seen[Undecoded::FragmentOverlap.index()] += fragments.lost_to_overlap;
        let insides = &self.analysis.insides;
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
            (insides.watch.len() as u64, insides.watch.refused()),
            (insides.identity.len() as u64, insides.identity.refused()),
            (insides.role_log.len() as u64, insides.role_log.refused()),
            (insides.flow_ends.len(), insides.flow_ends.refused()),
            (insides.uncovered.len(), insides.uncovered.refused()),
        ];
        for (table, (entries, evictions)) in stats.tables.iter_mut().zip(sizes) {
            table.entries = entries;
            table.evictions = evictions;
        }
        stats
    }
}
