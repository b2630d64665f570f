//! A client's words were read, a hello or a request: the name in them, and the rule that matches.

use std::net::IpAddr;
use std::num::NonZeroU16;
use std::sync::Arc;

use super::address_names::Owner;
use super::conversation::Conversation;
use super::dns::leads_nowhere;
use super::named::Ends;
use super::names::{Manner, Names};
use super::rollup::Subject;
use super::{Insides, NameRead, Witness};
use crate::dissect::http::Request;
use crate::dissect::tls::ClientHello;
use crate::flows::Flow;
use crate::model::{Asker, Carrier, Match, Name, Protocol, Side, Signal, Timestamp, WireText};

/// Port of DNS over TLS (RFC 7858) and DNS over QUIC (RFC 9250).
const ENCRYPTED_DNS_PORT: u16 = 853;
/// ALPN of DNS over QUIC (RFC 9250, section 4.1.1) and of DNS over TLS (RFC 7858, registered with IANA).
const ENCRYPTED_DNS_ALPN: [&[u8]; 2] = [b"doq", b"dot"];

/// What a client said.
#[derive(Clone, Copy)]
pub(super) enum Asked<'w> {
    /// `late` where the client had said something else before.
    Hello {
        hello: &'w ClientHello,
        late: bool,
    },
    Request(&'w Request),
}

/// Where and when it was said.
#[derive(Clone, Copy)]
pub(super) struct Moment {
    /// Who said it: the client.
    pub(super) side: Side,
    /// Where the flow stands.
    pub(super) slot: usize,
    /// Capture time of the packet that completed it.
    pub(super) time: Timestamp,
    /// The server's next sequence number over TCP, if known.
    pub(super) server_seq: Option<u32>,
}

impl Asked<'_> {
    fn signal(self, protocol: Protocol) -> Signal {
        match (self, protocol) {
            (Self::Hello { .. }, Protocol::Udp) => Signal::Quic,
            (Self::Hello { .. }, _) => Signal::Tls,
            (Self::Request(request), _) if request.connect => Signal::Connect,
            (Self::Request(_), _) => Signal::Http,
        }
    }

    fn host(&self) -> Option<&[u8]> {
        match self {
            Self::Hello { hello, .. } => hello.server_name.as_deref(),
            Self::Request(request) => request.host.as_deref(),
        }
    }

    /// Whether it is said to a proxy, which passes it on. Behind other words a hello goes to what they asked for: SOCKS.
    fn is_to_proxy(&self) -> bool {
        match self {
            Self::Hello { late, .. } => *late,
            Self::Request(request) => request.connect || request.absolute,
        }
    }

    fn user_agent(&self) -> Option<&[u8]> {
        match self {
            Self::Hello { .. } => None,
            Self::Request(request) => request.user_agent.as_deref(),
        }
    }

    fn wants_head_only(&self) -> bool {
        matches!(self, Self::Request(request) if request.head)
    }

    /// What carries the hello.
    fn carrier(&self, connect: bool) -> Carrier {
        match self {
            Self::Hello { late: true, .. } => Carrier::StartTls,
            _ if connect => Carrier::Connect,
            _ => Carrier::Direct,
        }
    }

    /// Whether a hello says that DNS follows.
    fn offers_dns(&self) -> bool {
        let Self::Hello { hello, .. } = self else {
            return false;
        };
        let mut protocols = ENCRYPTED_DNS_ALPN.iter();
        protocols.any(|protocol| hello.offers(protocol))
    }
}

impl Insides {
    /// A hello or a request was read: its sender is the client.
    pub(super) fn asked(
        &mut self,
        flow: &mut Flow<Conversation>,
        asked: Asked<'_>,
        at: Moment,
        witness: &mut impl Witness,
    ) {
        let (client, server) = match at.side {
            Side::Initiator => (flow.initiator, flow.responder),
            Side::Responder => (flow.responder, flow.initiator),
        };
        let signal = asked.signal(flow.protocol);
        let traits = &mut flow.state.traits;
        let first_words = traits.client.replace(at.side).is_none();
        let rules = Arc::clone(&self.rules);
        let hello = matches!(asked, Asked::Hello { .. });
        traits.encrypted_dns |= hello
            && (server.port == ENCRYPTED_DNS_PORT
                || asked.offers_dns()
                || rules.encrypted_dns().is_resolver_address(server.addr));
        // What was asked for before it and has no answer yet; the server answers that first.
        let waiting = flow.state.asked_at.is_some() && flow.state.asked_at == at.server_seq;
        let unanswered = if waiting { flow.state.unanswered } else { 0 };
        flow.state.asked_at = at.server_seq;
        flow.state.unanswered = unanswered.saturating_add(1);
        let manner = Manner {
            signal,
            head: asked.wants_head_only(),
            absolute: matches!(asked, Asked::Request(request) if request.absolute),
            first: first_words,
            server_seq: at.server_seq,
            user_agent: None,
        };
        let readable = asked
            .host()
            .is_some_and(|host| self.name.set_host(host).is_ok());
        let Some(name) = self.name.as_name().filter(|_| readable) else {
            traits.no_name = true;
            if let Some(names) = &mut flow.state.names {
                names.turn_away(manner, &mut self.budget);
            }
            return;
        };
        traits.encrypted_dns |= hello && rules.encrypted_dns().is_resolver_name(name);
        traits.ech |= self.is_outer_name(asked, client.addr, name, &rules);
        let hides = traits.ech || traits.encrypted_dns;
        if !hides && !std::mem::replace(&mut traits.named, true) {
            self.stats.seen.named_flows[signal.index()] += 1;
        }
        let host = self.settings.local.host(client.addr, server.addr);
        // Under a name that is no rule's own, the host may ask for an alias of one.
        let aliased = || {
            Some(
                self.watch
                    .aliased(host?, server.addr, name, at.time)?
                    .clone(),
            )
        };
        let told = rules.read(name);
        let matched: Option<Match> = told.matched.cloned().or_else(aliased);
        witness.name_read(&NameRead {
            time: at.time,
            signal,
            client,
            server,
            name,
            matched: matched.as_ref(),
            carrier: asked.carrier(traits.connect),
            user_agent: asked.user_agent(),
        });
        if !hides && !self.settings.local.contains(server.addr) {
            let matched = matched.as_ref();
            let owner = Owner::of(name, matched);
            self.watch.named(server.addr, name, owner, at.time);
        }
        // A flow that the server opened never makes a host of the one it called.
        let called = flow.syn_seen() && at.side == Side::Responder;
        // What it is an alias of describes it.
        let is_gap = !told.gap_of.is_empty() && told.matched.is_some() == matched.is_some();
        if let Some(host) = host.filter(|_| is_gap && !called) {
            let (mac, time) = (flow.state.macs[at.side.index()], at.time);
            let asker = Asker { host, mac, time };
            self.uncovered.note(told.gap_of, name, asker);
        }
        let (Some(matched), Some(host), false) = (matched, host, called) else {
            if let Some(names) = &mut flow.state.names {
                names.turn_away(manner, &mut self.budget);
            }
            return;
        };
        let subject = Subject {
            host,
            mac: flow.state.macs[at.side.index()],
            matched,
            name: name.to_owned(),
            signal,
            server: None,
            flow: self.flow_id(flow, client, server),
        };
        let ends = Ends {
            client,
            server,
            client_side: at.side,
            protocol: flow.protocol,
            vlan: flow.state.vlan.map(NonZeroU16::get),
            // Who asks a proxy knows it for one, wherever it is: that one speaks for itself.
            sinkhole: !asked.is_to_proxy()
                && !flow.state.traits.connect
                && leads_nowhere(server.addr, &self.settings.block_addresses),
        };
        let (rollup, budget) = (&mut self.rollup, &mut self.budget);
        let names = flow.state.names.get_or_insert_with(|| {
            let mut names = Box::<Names>::default();
            for _ in 0..unanswered {
                let manner = Manner {
                    signal: Signal::Http,
                    ..manner.clone()
                };
                names.turn_away(manner, budget);
            }
            names
        });
        let manner = Manner {
            user_agent: asked.user_agent().and_then(WireText::new),
            ..manner
        };
        let named = names.turn_to(subject, ends, manner, at.time, rollup, budget);
        if first_words && named.count_earlier(flow.state.unnamed_bytes, at.time, rollup) {
            self.unreported.push(at.slot);
        }
    }

    /// Whether the name in a hello hides another. Every hello of some clients has the extension, as a decoy: only a name
    /// that is known to stand outside, or that the host learnt for this from DNS, tells.
    fn is_outer_name(
        &self,
        asked: Asked<'_>,
        client: IpAddr,
        name: Name<'_>,
        rules: &crate::rules::RuleSet,
    ) -> bool {
        matches!(asked, Asked::Hello { hello, .. } if hello.ech)
            && (rules.encrypted_dns().is_ech_public_name(name)
                || self.ech_names.learnt(client, name))
    }
}
