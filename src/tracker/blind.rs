//! Flows are counted once, ten seconds after their start or at their end: which of them have no name, and why.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::num::NonZeroU16;
use std::time::Duration;

use super::answer::Said;
use super::conversation::{Conversation, Quic, Traits};
use super::named::{Ends, MORE_THAN_AN_ALERT};
use super::names::Manner;
use super::rollup::Subject;
use super::{Insides, Tracker};
use crate::flows::Flow;
use crate::model::{
    BlindHost, BlindKind, Endpoint, FlowProtocol, Protocol, ReplyKind, SeenSide, Side, Signal,
    Span, Timestamp,
};

/// When a flow is counted: a handshake is over by then.
const GRACE: Duration = Duration::from_secs(10);
/// How long nothing may come back until a try counts as met with silence: half a minute behind the flow's count.
const SILENCE: Duration = Duration::from_secs(40);
/// A client tries again after a second (RFC 6298, section 2; RFC 9002, section 6.2.2): a lone packet may be lost.
const TRIED_AGAIN: Duration = Duration::from_secs(1);
/// Flows that wait to be counted; those beyond it are counted when they end.
const MAX_WAITING: usize = 131_072;
/// Hosts with blind flows told in one batch, about 64 bytes each.
const MAX_BLIND_HOSTS: usize = 16_384;
/// Ports whose flows are of a readable kind although nothing readable was seen of them.
const TLS_AND_HTTP_PORTS: [u16; 6] = [80, 443, 465, 853, 8080, 8443];
const QUIC_PORT: u16 = 443;
/// TLS content types 20 to 23 (RFC 8446, section 5.1) and the major version.
const TLS_CONTENT: std::ops::RangeInclusive<u8> = 20..=23;

/// Flows that wait to be counted, in the order of their start by engine time.
#[derive(Debug, Default)]
pub(super) struct Waiting(VecDeque<Start>);

/// Where and when a flow began.
#[derive(Clone, Copy, Debug)]
struct Start {
    /// By engine time.
    now: Timestamp,
    /// By its own.
    time: Timestamp,
    slot: usize,
}

impl Waiting {
    /// A flow began.
    pub(super) fn push(&mut self, now: Timestamp, time: Timestamp, slot: usize) {
        if self.0.len() < MAX_WAITING {
            self.0.push_back(Start { now, time, slot });
        }
    }

    /// A flow that waited so long.
    fn pop_due(&mut self, now: Timestamp, wait: Duration) -> Option<Start> {
        let first = self.0.front()?;
        // One from the far future is a wild time: it would stand in front for ever.
        let due = now.since(first.now) >= wait || first.now.since(now) >= wait;
        if due { self.0.pop_front() } else { None }
    }
}

/// Hosts with blind flows that the ledger was not told yet.
#[derive(Debug, Default)]
pub(super) struct BlindHosts(BTreeMap<(IpAddr, BlindKind, i64), (Span, u64)>);

impl BlindHosts {
    fn note(&mut self, host: IpAddr, kind: BlindKind, time: Timestamp) {
        let full = self.0.len() >= MAX_BLIND_HOSTS;
        match self.0.entry((host, kind, time.hour())) {
            Entry::Occupied(mut known) => {
                let (span, flows) = known.get_mut();
                span.cover(time);
                *flows += 1;
            }
            Entry::Vacant(place) if !full => {
                place.insert((Span::at(time), 1));
            }
            Entry::Vacant(_) => {}
        }
    }

    /// Hands them over.
    pub(super) fn take(&mut self) -> Vec<BlindHost> {
        let hosts = std::mem::take(&mut self.0).into_iter();
        hosts
            .map(|((host, kind, _), (span, flows))| BlindHost {
                host,
                kind,
                span,
                flows,
            })
            .collect()
    }
}

impl Tracker {
    /// Counts the flows that are due.
    pub(super) fn count_due_flows(&mut self, now: Timestamp) {
        while let Some(start) = self.insides.waiting.pop_due(now, GRACE) {
            // Another flow may stand there by now.
            if let Some(flow) = self.flows.at(start.slot)
                && flow.state.started == start.time
            {
                self.insides.count_flow(flow, Some(start.slot));
                if is_unanswered(flow) {
                    let waiting = &mut self.insides.unanswered;
                    waiting.push(start.now, start.time, start.slot);
                }
            }
        }
        while let Some(start) = self.insides.unanswered.pop_due(now, SILENCE) {
            if let Some(flow) = self.flows.at(start.slot)
                && flow.state.started == start.time
                && is_unanswered(flow)
            {
                let (time, rollup) = (flow.last_seen, &mut self.insides.rollup);
                if let Some(named) = flow.state.names.as_mut().and_then(|names| names.current()) {
                    named.silence(time, rollup);
                }
            }
        }
    }

    /// Counts every flow that is still there, and tells its end: the recording is at its own.
    pub(super) fn count_all_flows(&mut self) {
        for slot in 0..self.flows.slots() {
            if let Some(flow) = self.flows.at(slot) {
                self.insides.count_flow(flow, Some(slot));
                self.insides.tell_end(flow);
            }
        }
    }
}

impl Insides {
    /// Counts a flow, once: by its blind spot if it has one, and by the side if one only was seen. A flow without a
    /// name is compared with the addresses that answers gave for matched names first.
    pub(super) fn count_flow(&mut self, flow: &mut Flow<Conversation>, slot: Option<usize>) {
        if std::mem::replace(&mut flow.state.traits.judged, true) {
            return;
        }
        let client_side = client_side(flow);
        let (client, server) = match client_side {
            Side::Initiator => (flow.initiator, flow.responder),
            Side::Responder => (flow.responder, flow.initiator),
        };
        if let Some(side) = one_side(flow, client_side) {
            self.stats.seen.one_sided_flows[side.index()] += 1;
        }
        if flow.state.names.is_none() && !flow.state.traits.named && !self.watch.is_empty() {
            self.attribute(flow, client_side, client, server, slot);
        }
        self.note_hidden_dns(flow, server);
        let Some(kind) = blind_kind(flow, client_side) else {
            return;
        };
        self.stats.seen.blind_flows[kind.index()] += 1;
        if let Some(host) = self.settings.local.host(client.addr, server.addr) {
            self.blind_hosts.note(host, kind, flow.state.started);
        }
    }

    /// A flow without a name, towards an address that an answer gave this host for a matched name.
    fn attribute(
        &mut self,
        flow: &mut Flow<Conversation>,
        client_side: Side,
        client: Endpoint,
        server: Endpoint,
        slot: Option<usize>,
    ) {
        let called = flow.syn_seen() && client_side == Side::Responder;
        let host = self.settings.local.host(client.addr, server.addr);
        let Some(host) = host.filter(|_| !called) else {
            return;
        };
        // One that was under way before may be anything that the address served earlier.
        let began_here = match flow.protocol {
            Protocol::Tcp => flow.opening_seen(),
            Protocol::Udp => flow.state.traits.speaks == Some(FlowProtocol::Quic),
            Protocol::Esp => false,
        };
        if !began_here {
            return;
        }
        let began = flow.state.started;
        let Some(known) = self.watch.explain(host, server.addr, began) else {
            return;
        };
        let subject = Subject {
            host,
            mac: flow.state.macs[client_side.index()],
            matched: known.matched.clone(),
            name: known.name.clone(),
            signal: Signal::Ip,
            server: Some(server.addr),
            flow: self.flow_id(flow, client, server),
        };
        let ends = Ends {
            client,
            server,
            client_side,
            protocol: flow.protocol,
            vlan: flow.state.vlan.map(NonZeroU16::get),
            // Such an address is never watched.
            sinkhole: false,
        };
        self.stats.seen.named_flows[Signal::Ip.index()] += 1;
        flow.state.traits.named = true;
        let answer = nameless_answer(&flow.state, client_side);
        let names = flow.state.names.get_or_insert_default();
        let (rollup, budget) = (&mut self.rollup, &mut self.budget);
        // What the server says later is read from its next byte on; what it said so far is counted.
        let manner = Manner {
            signal: Signal::Ip,
            head: false,
            absolute: false,
            first: true,
            server_seq: None,
            user_agent: None,
        };
        let named = names.turn_to(subject, ends, manner, began, rollup, budget);
        let mut bytes = flow.state.unnamed_bytes;
        let refused = matches!(answer, Some(Said::Refusal(_) | Said::Unclear));
        if refused {
            // Those of a refusal are not the vendor's.
            bytes[client_side.other().index()] = 0;
        }
        let unreported = named.count_earlier(bytes, began, rollup);
        match answer {
            Some(Said::Talk) => {
                named.server_talks(flow.last_seen, rollup);
                named.weigh(self.settings.transfer_threshold, flow.last_seen, rollup);
            }
            Some(Said::Refusal(kind)) => named.server_refuses(kind, flow.last_seen, rollup),
            Some(Said::Unclear) => {}
            None => {
                if let Some((time, kind)) = flow.state.traits.refused {
                    named.server_refuses(kind, time, rollup);
                }
            }
        }
        if unreported && let Some(slot) = slot {
            self.unreported.push(slot);
        }
        if flow.state.traits.sides[client_side.other().index()] {
            names.had_heard();
        }
        if refused {
            names.leave(budget);
        }
    }

    /// DNS over TLS and over HTTPS are told by port and address where no hello was seen.
    fn note_hidden_dns(&self, flow: &mut Flow<Conversation>, server: Endpoint) {
        let spoke = flow.state.unnamed_bytes != [0, 0];
        let encrypted = self.rules.encrypted_dns();
        let traits = &mut flow.state.traits;
        traits.encrypted_dns |= spoke
            && traits
                .speaks
                .is_none_or(|speaks| speaks == FlowProtocol::Other)
            && (server.port == 853
                || (server.port == 443 && encrypted.is_resolver_address(server.addr)));
    }

    /// Something refused a flow: a reset or an ICMP error.
    pub(super) fn refused(
        &mut self,
        flow: &mut Flow<Conversation>,
        kind: ReplyKind,
        time: Timestamp,
    ) {
        if let Some(names) = &mut flow.state.names {
            if let Some(named) = names.current()
                && kind == ReplyKind::Unreachable
            {
                named.unreachable(time, &mut self.rollup);
            }
        } else {
            flow.state.traits.refused.get_or_insert((time, kind));
        }
    }
}

/// What the server of a flow without a name said. To a hello or a request it is what was read; of anything else the
/// amount tells, as it does where the server's side is not seen.
fn nameless_answer(state: &Conversation, client_side: Side) -> Option<Said> {
    let traits = &state.traits;
    let server_seen = traits.sides[client_side.other().index()];
    let read = traits.client.is_some() && server_seen;
    let much = state.unnamed_bytes[client_side.other().index()] >= MORE_THAN_AN_ALERT;
    traits.answered.or_else(|| {
        (!read && much && traits.speaks != Some(FlowProtocol::Quic)).then_some(Said::Talk)
    })
}

/// Which side is the client: the one who said a hello or a request; else who opened the flow; where that was not seen,
/// the one whose port is the higher.
fn client_side(flow: &Flow<Conversation>) -> Side {
    if let Some(side) = flow.state.traits.client {
        return side;
    }
    let opened = flow.opening_seen() || flow.protocol != Protocol::Tcp;
    if opened || flow.initiator.port >= flow.responder.port {
        Side::Initiator
    } else {
        Side::Responder
    }
}

/// The one side of which packets were seen, of a flow in which both would be expected.
fn one_side(flow: &Flow<Conversation>, client_side: Side) -> Option<SeenSide> {
    let Traits { sides, speaks, .. } = flow.state.traits;
    let two_way = flow.protocol == Protocol::Tcp || speaks == Some(FlowProtocol::Quic);
    match (
        sides[client_side.index()],
        sides[client_side.other().index()],
    ) {
        (true, false) if two_way => Some(SeenSide::Client),
        (false, true) if two_way => Some(SeenSide::Server),
        _ => None,
    }
}

/// Whether a flow for a matched name was tried more than once and nothing came back, where it would have been seen. A TCP
/// client that says something had an answer to its SYN: if that was not seen, nothing of the server is.
fn is_unanswered(flow: &Flow<Conversation>) -> bool {
    let state = &flow.state;
    let client_side = client_side(flow);
    let Some(names) = &state.names else {
        return false;
    };
    let server_seen = state.traits.sides[client_side.other().index()];
    let only_syns = || {
        let said = state.traits.client.is_some() || state.unnamed_bytes[client_side.index()] > 0;
        flow.syn_seen() && !said
    };
    let nothing_came = match flow.protocol {
        Protocol::Tcp if server_seen => !names.heard(),
        Protocol::Tcp => only_syns(),
        Protocol::Udp => !server_seen,
        Protocol::Esp => false,
    };
    nothing_came && flow.last_seen.since(state.started) >= TRIED_AGAIN
}

/// Why a flow has no name; the first that holds, in the order of [`BlindKind`].
fn blind_kind(flow: &Flow<Conversation>, client_side: Side) -> Option<BlindKind> {
    let state = &flow.state;
    let traits = &state.traits;
    let (half_way, unknown_version) = match &state.quic {
        Quic::Client(reading) if reading.connection.is_unknown_version() => (false, true),
        Quic::Client(_) => (true, false),
        _ => (state.reading.is_half_way(), traits.unknown_version),
    };
    // Of a server's side alone nothing could have been read: that is told by the side.
    let readable = traits.readable_kind && traits.sides[client_side.index()];
    let midstream = readable && traits.midstream;
    // Something came, and of the client not the start.
    let missing = traits.start_missed || state.reading.start_is_missing(client_side);
    let lost = readable && !traits.midstream && missing;
    let causes = [
        (traits.ech, BlindKind::Ech),
        (traits.no_name, BlindKind::NoSni),
        (traits.encrypted_dns, BlindKind::EncryptedDns),
        (unknown_version, BlindKind::QuicUnknownVersion),
        (
            traits.incomplete || half_way || lost,
            BlindKind::HelloIncomplete,
        ),
        (midstream, BlindKind::Midstream),
        (traits.tunnel, BlindKind::Tunnel),
    ];
    let first = causes.into_iter().find(|(holds, _)| *holds);
    first.map(|(_, kind)| kind).filter(|_| !traits.named)
}

/// Whether the first payload that was seen of a TCP flow, whose start was not, is of a kind that is read.
pub(super) fn is_readable_kind(payload: &[u8], ports: [u16; 2]) -> bool {
    let record =
        matches!(payload, [kind, 3, minor, ..] if TLS_CONTENT.contains(kind) && *minor <= 4);
    let by_port = || ports.iter().any(|port| TLS_AND_HTTP_PORTS.contains(port));
    record || payload.starts_with(b"HTTP/1.") || by_port()
}

/// Whether a datagram belongs to a QUIC connection whose start was not seen: a short header on the port of HTTP/3.
pub(super) fn is_quic_underway(payload: &[u8], ports: [u16; 2]) -> bool {
    // RFC 9000, section 17.3.1: the form bit is clear, the fixed bit set; a sample for header protection is 16 bytes.
    payload.len() > 20 && payload[0] & 0xc0 == 0x40 && ports.contains(&QUIC_PORT)
}
