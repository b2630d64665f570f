//! A client's first words were read, a hello or a request: the name in them, and the rule that matches.

use super::conversation::{AnswerStart, Conversation, Ends, Named};
use super::rollup::Subject;
use super::{Insides, NameRead, Settings, Witness};
use crate::flows::Flow;
use crate::model::{Side, Signal, Timestamp};
use crate::rules::RuleSet;

/// Where and when a hello was completed.
#[derive(Clone, Copy)]
pub(super) struct Moment {
    /// How the name was learnt.
    pub(super) signal: Signal,
    /// Who sent it.
    pub(super) side: Side,
    /// Where the flow stands.
    pub(super) slot: usize,
    /// Capture time of the packet that completed it.
    pub(super) time: Timestamp,
    /// The server's next sequence number over TCP, if known.
    pub(super) server_seq: Option<u32>,
}

impl Insides {
    /// A hello or a request was read: its sender is the client, and `host` what it asks for.
    pub(super) fn first_words(
        &mut self,
        flow: &mut Flow<Conversation>,
        host: Option<&[u8]>,
        at: Moment,
        rules: &RuleSet,
        settings: &Settings,
        witness: &mut impl Witness,
    ) {
        let Some(name) = host.and_then(|host| self.name.set_host(host).ok()) else {
            return;
        };
        self.stats.seen.named_flows[at.signal.index()] += 1;
        let (client, server) = match at.side {
            Side::Initiator => (flow.initiator, flow.responder),
            Side::Responder => (flow.responder, flow.initiator),
        };
        let matched = rules.lookup(name);
        witness.name_read(&NameRead {
            time: at.time,
            signal: at.signal,
            client,
            server,
            name,
            matched,
        });
        let Some(matched) = matched else { return };
        // A flow that the server opened never makes a host of the one it called.
        let called = flow.syn_seen() && at.side == Side::Responder;
        let host = settings.local.host(client.addr, server.addr);
        let Some(host) = host.filter(|_| !called) else {
            return;
        };
        let subject = Subject {
            host,
            matched: matched.clone(),
            name: name.to_owned(),
            signal: at.signal,
        };
        let bytes = flow.state.unnamed_bytes;
        let answer = AnswerStart {
            seq: at.server_seq,
            bytes_before: bytes[at.side.other().index()],
        };
        let ends = Ends {
            client,
            server,
            client_side: at.side,
            protocol: flow.protocol,
        };
        let mut named = Named::attempt(subject, ends, answer, at.time, &mut self.rollup);
        for side in [Side::Initiator, Side::Responder] {
            if named.count(side, bytes[side.index()], at.time, &mut self.rollup) {
                self.unreported.push(at.slot);
            }
        }
        flow.state.named = Some(Box::new(named));
    }
}
