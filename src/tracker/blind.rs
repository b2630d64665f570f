//! Flows are counted once, ten seconds after their start or at their end: which of them have no name, and which tries met
//! with silence.

mod by_address;
mod cause;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use super::conversation::Conversation;
use super::{Analysis, Insides};
use crate::flows::Flow;
use crate::model::{BlindHost, BlindKind, Protocol, ReplyKind, Side, Span, Timestamp};
use cause::{blind_kind, client_side, one_side};
pub(super) use cause::{is_quic_underway, is_readable_kind};

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

impl Analysis {
    /// Counts the flows that are due.
    pub(super) fn count_due_flows(&mut self, now: Timestamp) {
        let thinned = self.insides.settings.thinned;
        while let Some(start) = self.insides.waiting.pop_due(now, GRACE) {
            // Another flow may stand there by now.
            if let Some(flow) = self.flows.at(start.slot)
                && flow.state.started == start.time
            {
                self.insides.count_flow(flow, Some(start.slot));
                if is_unanswered(flow, thinned) {
                    let waiting = &mut self.insides.unanswered;
                    waiting.push(start.now, start.time, start.slot);
                }
            }
        }
        while let Some(start) = self.insides.unanswered.pop_due(now, SILENCE) {
            if let Some(flow) = self.flows.at(start.slot)
                && flow.state.started == start.time
                && is_unanswered(flow, thinned)
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
        let host = self.settings.local.host(client.addr, server.addr);
        // What a client outside said, the filter left out.
        if host.is_none() && self.settings.thinned {
            return;
        }
        self.stats.seen.blind_flows[kind.index()] += 1;
        if let Some(host) = host {
            self.blind_hosts.note(host, kind, flow.state.started);
        }
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

/// Whether a flow for a matched name was tried more than once and nothing came back, where it would have been seen. A TCP
/// client that says something had an answer to its SYN: if that was not seen, nothing of the server is.
/// Of Google's older QUIC, whose servers tell no version, a filter leaves out the answers.
fn is_unanswered(flow: &Flow<Conversation>, thinned: bool) -> bool {
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
        Protocol::Udp => !server_seen && (!thinned || state.quic_id != 0),
        Protocol::Esp => false,
    };
    nothing_came && flow.last_seen.since(state.started) >= TRIED_AGAIN
}
