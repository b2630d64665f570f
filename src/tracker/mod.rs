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
mod dns;
mod ech_names;
mod ends;
mod expects;
mod foreign;
mod identity;
mod ladder;
mod named;
mod names;
mod presence;
mod questions;
mod quic;
mod reading;
mod recent;
mod reload;
mod role_log;
mod rollup;
mod stats;
mod tcp;
mod transactions;
mod uncovered;
mod watch;
mod words;

use std::net::IpAddr;
use std::num::NonZeroU16;
use std::sync::Arc;
use std::time::Duration;

use crate::decode::Decoder;
use crate::dissect::{Dissection, dns as dns_messages, quic as quic_packets};
use crate::flows::{self, Budget, Flow, Table};
use crate::model::{
    Batch, Carrier, Datagram, Decoded, Endpoint, FlowId, FlowProtocol, Frame, LocalNetworks, Match,
    Name, NameBuf, Packet, Protocol, ReplyKind, Side, Signal, Timestamp, Transport, Undecoded,
    WatchList, Way,
};
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
pub use stats::{Stats, TableStats};
use transactions::Transactions;
use uncovered::UncoveredNames;
use watch::Watch;

/// IP protocol number of Encapsulating Security Payload (RFC 4303).
const ESP: u8 = 50;

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
    /// Hosts to which a redirect means "blocked", in lower case.
    pub block_pages: Vec<String>,
    /// Which hosts are watched.
    pub local: LocalNetworks,
    /// The interface that is captured; `None` for savefiles.
    pub interface: Option<Arc<str>>,
    /// Whether other workers look at other interfaces. Then what is told of a flow says which flow, so that the ledger can
    /// tell one that several see.
    pub one_of_several: bool,
    /// Whether somebody takes events, and so wants to know of the ends of flows.
    pub events: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            flows: flows::Settings::default(),
            first_bytes: 16 * 1024 * 1024,
            transfer_threshold: 32 * 1024,
            block_addresses: Vec::new(),
            block_pages: Vec::new(),
            local: LocalNetworks::default(),
            interface: None,
            one_of_several: false,
            events: false,
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
    /// What carried the hello or the request.
    pub carrier: Carrier,
    /// The User-Agent header of an HTTP request, any bytes, cut at 256.
    pub user_agent: Option<&'a [u8]>,
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
    decoder: Decoder,
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
                unreported: Vec::new(),
                stats: Stats::default(),
                settings,
                rules,
            },
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
        decoded: Result<Decoded<'_>, Undecoded>,
        frame: &Frame<'_>,
        witness: &mut impl Witness,
    ) {
        self.insides.way = match &decoded {
            Ok(Decoded::Packet(packet)) => presence::way(packet),
            Ok(Decoded::Arp(_)) | Err(_) => Way::Unknown,
        };
        if let Ok(Decoded::Packet(packet)) = &decoded {
            self.insides.hops = packet.hop_limit;
        }
        let opened_flow = match decoded {
            Ok(Decoded::Packet(packet)) => match self.transport_of(&packet) {
                Transport::Tcp(segment) => self.tcp(&segment, frame.time, witness),
                Transport::Udp(datagram)
                    if [datagram.src.port, datagram.dst.port].contains(&dns_messages::PORT)
                        && !self.is_other_flow(&datagram) =>
                {
                    match self.insides.dns_datagram(&datagram, frame.time, witness) {
                        Some(opened) => opened,
                        None => self.udp(&datagram, frame.time, witness),
                    }
                }
                Transport::Udp(datagram) => {
                    let insides = &mut self.insides;
                    let rollup = &mut insides.rollup;
                    insides.identity.datagram(&datagram, frame.time, rollup);
                    self.udp(&datagram, frame.time, witness)
                }
                Transport::Other(ESP) => self.esp(&packet, frame),
                Transport::Unreachable(refused) => {
                    let insides = &mut self.insides;
                    insides.note_presence(packet.src, packet.dst, false, frame.time);
                    let flow = self
                        .flows
                        .between(refused.src, refused.dst, refused.protocol);
                    if let Some(flow) = flow.filter(|flow| flow.initiator == refused.src) {
                        insides.refused(flow, ReplyKind::Unreachable, frame.time);
                    }
                    false
                }
                Transport::Neighbour(message) => {
                    let insides = &mut self.insides;
                    let rollup = &mut insides.rollup;
                    let identity = &mut insides.identity;
                    identity.discovery(&packet, message, frame.time, rollup);
                    insides.note_presence(packet.src, packet.dst, false, frame.time);
                    false
                }
                Transport::Fragment | Transport::Other(_) => {
                    self.insides
                        .note_presence(packet.src, packet.dst, false, frame.time);
                    false
                }
            },
            Ok(Decoded::Arp(arp)) => {
                let insides = &mut self.insides;
                let rollup = &mut insides.rollup;
                if let Some(sender) = insides.identity.arp(&arp, frame.time, rollup) {
                    insides.note_presence(sender, sender, false, frame.time);
                }
                false
            }
            Err(cause) => {
                self.insides.stats.seen.undecoded[cause.index()] += 1;
                false
            }
        };
        self.clock.observe(frame.time, opened_flow);
        if let Some(now) = self.clock.now() {
            let insides = &mut self.insides;
            self.flows.expire(now, &mut |flow| insides.end(flow));
            self.count_due_flows(now);
        }
    }

    /// What a packet carries; where it was seen is kept for what it tells.
    fn transport_of<'a>(&mut self, packet: &Packet<'a>) -> Transport<'a> {
        self.insides.vlan = packet.link.and_then(|link| link.vlan);
        packet.transport
    }

    /// Whether a datagram of the DNS port is something else: the port is a hint, and QUIC and tunnels hide there.
    fn is_other_flow(&mut self, datagram: &Datagram<'_>) -> bool {
        let wire_len = datagram.wire_len as usize;
        let starts_quic = matches!(
            quic_packets::first_flight(datagram.payload, wire_len),
            Dissection::Found(quic_packets::FirstPacket::Known(_))
        );
        let known = self
            .flows
            .between(datagram.src, datagram.dst, Protocol::Udp);
        starts_quic || known.is_some()
    }

    /// Takes a packet of IPsec; says whether it opened a flow.
    fn esp(&mut self, packet: &Packet<'_>, frame: &Frame<'_>) -> bool {
        let end = |addr| Endpoint { addr, port: 0 };
        let header = flows::Header {
            time: frame.time,
            now: self.clock.at_least(frame.time),
            src: end(packet.src),
            dst: end(packet.dst),
            wire_len: 0,
        };
        let insides = &mut self.insides;
        let touched = self
            .flows
            .touch_datagram(header, Protocol::Esp, &mut |flow| insides.end(flow));
        let (flow, new) = (touched.flow, touched.new);
        flow.state.traits.tunnel = true;
        insides.begin(flow, new, touched.side, touched.slot, header);
        insides.speaks(flow, FlowProtocol::Other);
        new
    }

    /// Wall time on a live interface without packets.
    pub fn tick(&mut self, wall: Timestamp) {
        self.clock.tick(wall);
        if let Some(now) = self.clock.now() {
            self.count_due_flows(now);
        }
    }

    /// The recording is at its end. Says by how much a lone packet's time was left aside, if one was.
    pub fn settle(&mut self) -> Option<Duration> {
        self.decoder.end();
        self.count_all_flows();
        self.clock.settle()
    }

    /// Takes the watch list that the ledger published.
    pub fn watch(&mut self, list: Arc<WatchList>) {
        self.insides.watch.publish(list);
    }

    /// Engine time, once there is one.
    pub fn now(&self) -> Option<Timestamp> {
        self.clock.now()
    }

    /// Whether so much was learnt that it should be handed over before it is due: a flood, in which nothing real may be left
    /// out for want of room.
    pub fn is_filling(&self) -> bool {
        self.insides.rollup.is_filling()
    }

    /// Hands over everything learnt since the last call.
    pub fn drain(&mut self) -> Batch {
        for slot in std::mem::take(&mut self.insides.unreported) {
            if let Some(flow) = self.flows.at(slot) {
                flow.state.report_bytes(&mut self.insides.rollup);
            }
        }
        let (sightings, replies) = self.insides.rollup.take();
        let (resolutions, contradicted) = self.insides.watch.take();
        Batch {
            interface: self.insides.settings.interface.clone(),
            sightings,
            replies,
            flow_ends: self.insides.flow_ends.take(),
            resolutions,
            contradicted,
            identities: self.insides.identity.take(),
            blind_hosts: self.insides.blind_hosts.take(),
            uncovered: self.insides.uncovered.take(),
            presences: self.insides.presence.take(),
            role_signs: self.insides.role_log.take(),
            clock: self.clock.now(),
            looked: self.clock.looked(),
            losses: None,
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

impl Insides {
    /// Notes that the sender of a packet was there, if it is a host: on the local side, or by what [`LocalNetworks::host`]
    /// makes of the one who opened the flow.
    fn note_presence(&mut self, sender: IpAddr, receiver: IpAddr, opened: bool, time: Timestamp) {
        let local = &self.settings.local;
        if local.contains(sender) || (opened && local.host(sender, receiver).is_some()) {
            let news = self.presence.note(sender, self.way, time);
            if news && matches!(self.way, Way::Direct(_)) {
                self.rollup.owner_told(sender, time);
            }
        }
    }

    /// Which flow it is, where the ledger has to know.
    fn flow_id(
        &self,
        flow: &Flow<Conversation>,
        client: Endpoint,
        server: Endpoint,
    ) -> Option<FlowId> {
        self.settings.one_of_several.then(|| FlowId {
            client,
            server,
            protocol: flow.protocol,
            opened: flow.opened_with(),
        })
    }

    /// A packet came from one side of a flow.
    fn begin(
        &mut self,
        flow: &mut Flow<Conversation>,
        new: bool,
        side: Side,
        slot: usize,
        header: flows::Header,
    ) {
        let time = header.time;
        if new {
            flow.state.started = time;
            flow.state.vlan = self.vlan.and_then(NonZeroU16::new);
            self.waiting.push(header.now, time, slot);
            if flow.protocol != Protocol::Tcp || flow.syn_seen() {
                let ends = (flow.initiator.addr, flow.responder.addr);
                let (port, local) = (flow.responder.port, &self.settings.local);
                self.role_log.opened(ends, port, local, time);
            }
        }
        flow.state.traits.sides[side.index()] = true;
        if let Some(mac) = self.way.mac() {
            flow.state.macs[side.index()].get_or_insert(mac);
        }
        if flow.state.minute_began(side, time) {
            let ends = [flow.initiator.addr, flow.responder.addr];
            let (sender, receiver) = (ends[side.index()], ends[side.other().index()]);
            self.note_presence(sender, receiver, side == Side::Initiator, time);
            let local = &self.settings.local;
            self.role_log.reached(sender, receiver, local, time);
        }
    }

    /// A flow left the table.
    fn end(&mut self, mut flow: Flow<Conversation>) {
        self.count_flow(&mut flow, None);
        self.speaks(&mut flow, FlowProtocol::Other);
        flow.state.report_bytes(&mut self.rollup);
        self.tell_end(&mut flow);
        flow.state.release(&mut self.budget);
        self.quic_readings.end(&mut flow.state);
    }
}
