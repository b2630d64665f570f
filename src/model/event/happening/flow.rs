//! What was seen in flows: sightings, ends, blind spots.

use super::super::super::closed::closed_list;
use super::super::super::{
    BlindKind, DomainName, Endpoint, Evidence, FlowEnd, Match, Phase, Protocol, ReplyKind, Sample,
    Sighting, Signal, Span, Strength, Timestamp, WireText,
};
use super::{Change, EventHost, Happening, OwnNetwork};

closed_list! {
    /// What came of a try.
    Outcome {
        /// The server answered.
        Answered = "answered",
        /// There is proof that it was stopped.
        Blocked = "blocked",
        /// Nothing came back, or nothing that says which.
        Unseen = "unseen",
    }
}

/// A flow or DNS transaction in which a matched name was seen.
#[derive(Clone, Debug)]
pub struct NamedFlow {
    /// Capture time of the packet that reached the level.
    pub time: Timestamp,
    /// The host's end.
    pub client: Endpoint,
    /// The other end.
    pub server: Endpoint,
    /// What stands for the server's address where that is not to be shown.
    pub server_token: Option<String>,
    /// The vendor's own network, where the server stands in it.
    pub own_network: Option<OwnNetwork>,
    /// Whether the two ends may be shown together, as the hash of both.
    pub show_community_id: bool,
    /// Transport protocol.
    pub protocol: Protocol,
    /// The name.
    pub name: DomainName,
    /// How it was learnt.
    pub signal: Signal,
    /// How far it got.
    pub evidence: Evidence,
    /// The service and pattern that won.
    pub matched: Match,
    /// What the host says that it is, in an HTTP request.
    pub user_agent: Option<WireText>,
}

impl NamedFlow {
    /// A sample of a rolled-up sighting.
    pub fn of(sighting: &Sighting, sample: &Sample) -> Self {
        Self {
            time: sample.time,
            client: sample.client,
            server: sample.server,
            server_token: None,
            own_network: None,
            show_community_id: true,
            protocol: sample.protocol,
            name: sighting.name.clone(),
            signal: sighting.signal,
            evidence: sighting.evidence,
            matched: Match {
                service: sighting.matched.service.clone(),
                pattern: sample.pattern.clone(),
            },
            user_agent: sample.user_agent.clone(),
        }
    }

    /// Whether it is what makes a straggler.
    pub(super) fn accuses(&self, judged: &Judged) -> bool {
        judged.phase == Phase::After
            && self.evidence >= Evidence::Contact
            && self.matched.service.strength == Strength::Strong
    }

    /// Not with the host's address: the host's key stands for it, and is a token where addresses are hidden.
    pub(super) fn key(&self) -> [String; 7] {
        let service = &self.matched.service;
        [
            format!("{}/{}", service.vendor, service.id),
            self.client.port.to_string(),
            match &self.server_token {
                Some(token) => format!("{token}:{}", self.server.port),
                None => self.server.to_string(),
            },
            format!("{:?}", self.protocol),
            self.name.to_string(),
            self.signal.to_string(),
            self.evidence.to_string(),
        ]
    }
}

/// What the ledger says of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judged {
    /// Its time against the cutoff.
    pub phase: Phase,
    /// The cutoff that binds the host, if one does.
    pub cutoff: Option<Timestamp>,
    /// What came of it, once that is known.
    pub outcome: Option<Outcome>,
    /// By what it was stopped.
    pub blocked_by: Option<ReplyKind>,
}

impl Judged {
    /// A flow of which nothing came back yet, or an answer, as its level says.
    pub fn new(phase: Phase, cutoff: Option<Timestamp>, evidence: Evidence) -> Self {
        Self {
            phase,
            cutoff,
            outcome: (evidence >= Evidence::Contact).then_some(Outcome::Answered),
            blocked_by: None,
        }
    }

    /// A flow that ended: what did not reach a contact and was refused by something that blocks was blocked.
    pub fn ended(phase: Phase, cutoff: Option<Timestamp>, end: &FlowEnd) -> Self {
        let judged = Self::new(phase, cutoff, end.evidence);
        match end.refused.filter(|kind| kind.blocks()) {
            Some(kind) => judged.blocked(kind),
            None => Self {
                outcome: judged.outcome.or(Some(Outcome::Unseen)),
                ..judged
            },
        }
    }

    /// A flow that was stopped.
    #[must_use]
    pub fn blocked(mut self, by: ReplyKind) -> Self {
        self.outcome = Some(Outcome::Blocked);
        self.blocked_by = Some(by);
        self
    }
}

impl Happening {
    /// A matched name was seen. `count` is 1, or more where the flow stands for others of which no samples were kept.
    pub fn sighting(host: EventHost, flow: NamedFlow, judged: Judged, count: u64) -> Self {
        let host = speaking(host, &flow);
        let time = flow.time;
        let change = Change::Sighting {
            flow,
            judged,
            count: count.max(1),
        };
        Self::new(time, Some(host), change)
    }

    /// Every flow of a rolled-up sighting, in the order of its samples; the last stands for those without a sample too.
    /// Nothing where the sighting reports bytes only.
    pub fn sightings(host: &EventHost, sighting: &Sighting, judged: Judged) -> Vec<Self> {
        let samples = sighting.samples.len();
        let beyond = sighting.count.saturating_sub(samples as u64);
        let each = sighting.samples.iter().enumerate();
        each.map(|(index, sample)| {
            let count = if index + 1 == samples { 1 + beyond } else { 1 };
            let flow = NamedFlow::of(sighting, sample);
            Self::sighting(host.clone(), flow, judged, count).at(sample)
        })
        .collect()
    }

    /// A flow with a matched name ended; `flow` has its highest level.
    pub fn flow_end(
        host: EventHost,
        flow: NamedFlow,
        judged: Judged,
        span: Span,
        received: u64,
        sent: u64,
    ) -> Self {
        let host = speaking(host, &flow);
        let change = Change::FlowEnd {
            flow,
            judged,
            span,
            received,
            sent,
        };
        Self::new(span.last, Some(host), change)
    }

    /// A flow with a matched name ended, as a worker tells it.
    pub fn flow_ended(host: EventHost, end: &FlowEnd, judged: Judged) -> Self {
        let sample = &end.sample;
        let flow = NamedFlow {
            time: sample.time,
            client: sample.client,
            server: sample.server,
            server_token: None,
            own_network: None,
            show_community_id: true,
            protocol: sample.protocol,
            name: end.name.clone(),
            signal: end.signal,
            evidence: end.evidence,
            matched: end.matched.clone(),
            user_agent: sample.user_agent.clone(),
        };
        Self::flow_end(host, flow, judged, end.span, end.received, end.sent).at(sample)
    }

    /// Says where a sample was seen.
    fn at(mut self, sample: &Sample) -> Self {
        if let Some(interface) = &sample.interface {
            self = self.on(interface, None);
        }
        self.vlan = sample.vlan;
        self
    }

    /// A host had `flows` flows whose name could not be read, in one hour, for one cause.
    pub fn blind_spot(host: EventHost, kind: BlindKind, span: Span, flows: u64) -> Self {
        Self::new(
            span.last,
            Some(host),
            Change::BlindSpot { kind, span, flows },
        )
    }
}

/// The address of a flow's host is the one in the flow, whatever others it has.
fn speaking(mut host: EventHost, flow: &NamedFlow) -> EventHost {
    host.address = Some(flow.client.addr);
    host
}
