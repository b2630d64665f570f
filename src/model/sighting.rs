//! What leaves a worker: sightings, replies, presence; rolled up, so that a stall loses no count.

use std::net::IpAddr;
use std::sync::Arc;

use super::closed::closed_list;
use super::{
    BlindHost, DomainName, Endpoint, FlowId, IdentityFact, Losses, Mac, Match, Protocol,
    Resolution, Service, Span, TimedRoleSign, Timestamp, Uncovered, WireText,
};

/// Sample flows kept with a rolled-up sighting: enough to check a finding by hand, few enough to send every second.
pub const MAX_SAMPLES: usize = 8;

closed_list! {
    /// How a name was learnt.
    Signal {
        /// A DNS question.
        Dns = "dns",
        /// The server name of a TLS hello over TCP.
        Tls = "tls",
        /// The server name of a TLS hello in QUIC.
        Quic = "quic",
        /// The host of an HTTP request.
        Http = "http",
        /// The authority of an HTTP CONNECT.
        Connect = "connect",
        /// An address learnt from the host's own DNS answers.
        Ip = "ip",
    }
}

closed_list! {
    /// How far it got, weakest first.
    Evidence {
        /// The host asked DNS for the name.
        Lookup = "lookup",
        /// It spoke towards the server; nothing useful came back yet.
        Attempt = "attempt",
        /// The server answered after the name was sent.
        Contact = "contact",
        /// At least the threshold of payload bytes came from the server (for telemetry: in either direction).
        Transfer = "transfer",
    }
}

closed_list! {
    /// What came back to a try. Whether that means "blocked" is the ledger's judgement.
    ReplyKind {
        /// DNS gave at least one usable address.
        Resolved = "resolved",
        /// DNS says that the name does not exist.
        NxDomain = "nxdomain",
        /// DNS has the name, but no address of the type asked for.
        NoData = "no_data",
        /// DNS failed (SERVFAIL and the like).
        ServFail = "servfail",
        /// DNS refused (REFUSED).
        Refused = "refused",
        /// DNS gave only addresses that lead nowhere: 0.0.0.0, ::, loopback, configured ones; or the name was said to one.
        Sinkhole = "sinkhole",
        /// The connection was reset from the server's side before it sent data.
        Reset = "reset",
        /// A fatal TLS alert came before any other data.
        TlsAlert = "tls_alert",
        /// The QUIC connection was closed before any other answer.
        QuicClose = "quic_close",
        /// HTTP 403, 451 or 511, or a redirect to a block page.
        HttpBlock = "http_block",
        /// A proxy answered CONNECT with anything but 2xx, or asks for a log-in (407).
        ProxyRefusal = "proxy_refusal",
        /// An ICMP error said that a packet did not get there.
        Unreachable = "unreachable",
        /// Nothing at all came back for half a minute, though it tried again. Whether the sensor would have seen an answer is
        /// the ledger's judgement.
        Silence = "silence",
    }
}

impl ReplyKind {
    /// The reply as people say it: "blocked by …".
    pub fn phrase(self) -> &'static str {
        match self {
            Self::Resolved => "an address",
            Self::NxDomain => "NXDOMAIN",
            Self::NoData => "an empty answer",
            Self::ServFail => "a DNS failure",
            Self::Refused => "DNS refusal",
            Self::Sinkhole => "sinkhole address",
            Self::Reset => "reset",
            Self::TlsAlert => "TLS alert",
            Self::QuicClose => "QUIC close",
            Self::HttpBlock => "HTTP status",
            Self::ProxyRefusal => "proxy refusal",
            Self::Unreachable => "ICMP unreachable",
            Self::Silence => "silence",
        }
    }

    /// Whether a resolver said it.
    pub fn is_of_dns(self) -> bool {
        matches!(
            self,
            Self::Resolved
                | Self::NxDomain
                | Self::NoData
                | Self::ServFail
                | Self::Refused
                | Self::Sinkhole
        )
    }

    /// Whether this alone is positive proof that a try was blocked.
    /// NXDOMAIN is not: the vendor may have retired the name. Nor is silence: the answers may pass elsewhere.
    pub fn blocks(self) -> bool {
        match self {
            Self::Refused | Self::Sinkhole => true,
            Self::Silence => false,
            _ => !self.is_of_dns(),
        }
    }
}

/// One flow or transaction behind a rolled-up sighting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Capture time of the packet that reached the level.
    pub time: Timestamp,
    /// The host's end.
    pub client: Endpoint,
    /// The other end.
    pub server: Endpoint,
    /// Transport protocol.
    pub protocol: Protocol,
    /// The pattern that won.
    pub pattern: Arc<str>,
    /// The interface on which it was seen; `None` in a savefile.
    pub interface: Option<Arc<str>>,
    /// The VLAN of the flow's first packet on its link.
    pub vlan: Option<u16>,
    /// What the host said that it is, in the HTTP request with the name.
    pub user_agent: Option<WireText>,
}

/// Sightings of one name by one host address at one level, rolled up over at most one UTC hour.
#[derive(Clone, Debug)]
pub struct Sighting {
    /// The host's address.
    pub host: IpAddr,
    /// The hardware address from which its packets came, where their frames seemed its own ([`Way::Direct`]).
    pub mac: Option<Mac>,
    /// The service and pattern that won.
    pub matched: Match,
    /// The name as the host asked for it.
    pub name: DomainName,
    /// How it was learnt.
    pub signal: Signal,
    /// The resolver that was asked; or the address that stands for the name, where it was learnt by address.
    pub server: Option<IpAddr>,
    /// How far it got.
    pub evidence: Evidence,
    /// First and last capture time; both lie on the same side of every cutoff.
    pub span: Span,
    /// How many flows or transactions reached the level; 0 where only bytes are reported.
    pub count: u64,
    /// Payload bytes from the server, in flows whose highest level this is.
    pub received: u64,
    /// Payload bytes to the server, likewise.
    pub sent: u64,
    /// The first few of them.
    pub samples: Vec<Sample>,
    /// The one flow that it is of, where another worker may see the same one; `None` where it rolls up many.
    pub flow: Option<FlowId>,
}

/// What came back to tries for one name by one host address, rolled up over at most one UTC hour.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The host's address.
    pub host: IpAddr,
    /// The hardware address from which its packets came, where their frames seemed its own ([`Way::Direct`]).
    pub mac: Option<Mac>,
    /// The service whose name was asked for.
    pub service: Arc<Service>,
    /// The name.
    pub name: DomainName,
    /// How it was asked for.
    pub signal: Signal,
    /// The resolver that was asked; or the address that stands for the name, where it was learnt by address.
    pub server: Option<IpAddr>,
    /// What came back.
    pub kind: ReplyKind,
    /// First and last capture time.
    pub span: Span,
    /// How often.
    pub count: u64,
}

/// A flow with a matched name ended. Of a flow with several names each has one.
#[derive(Clone, Debug)]
pub struct FlowEnd {
    /// The host's address.
    pub host: IpAddr,
    /// The hardware address from which its packets came, where their frames seemed its own ([`Way::Direct`]).
    pub mac: Option<Mac>,
    /// The service and pattern that won.
    pub matched: Match,
    /// The name.
    pub name: DomainName,
    /// How it was learnt.
    pub signal: Signal,
    /// The address that stands for the name, where it was learnt by address.
    pub server: Option<IpAddr>,
    /// The highest level that it reached.
    pub evidence: Evidence,
    /// What refused it, if it reached no contact.
    pub refused: Option<ReplyKind>,
    /// The flow; its time is that of the latest payload of the name.
    pub sample: Sample,
    /// From the flow's first packet to its last.
    pub span: Span,
    /// Payload bytes from the server.
    pub received: u64,
    /// Payload bytes to the server.
    pub sent: u64,
    /// Which flow, where another worker may see it too.
    pub flow: Option<FlowId>,
}

/// A local address was seen sending in a minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Presence {
    /// The address.
    pub host: IpAddr,
    /// Capture time of the first of its packets in that minute of which this was known.
    pub time: Timestamp,
    /// What the frame that carried the packet says of its way here.
    pub way: Way,
}

/// How a packet came to where it was captured, by its frame and its hop limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Way {
    /// Nothing is known: no Ethernet, a tunnel, or a hop limit that says nothing.
    #[default]
    Unknown,
    /// From this hardware address, with a hop limit with which senders begin: it seems to be the sender's own.
    Direct(Mac),
    /// Its hop limit is somewhat below what senders begin with: a router forwarded it.
    Forwarded,
}

impl Way {
    /// The hardware address of the sender, where the frame seems its own.
    pub fn mac(self) -> Option<Mac> {
        match self {
            Self::Direct(mac) => Some(mac),
            Self::Unknown | Self::Forwarded => None,
        }
    }
}

/// Everything a worker reports at once.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// The interface that the worker captures; `None` in a savefile.
    pub interface: Option<Arc<str>>,
    /// Rolled-up sightings.
    pub sightings: Vec<Sighting>,
    /// Rolled-up replies.
    pub replies: Vec<Reply>,
    /// Flows with a matched name that ended, where somebody takes events.
    pub flow_ends: Vec<FlowEnd>,
    /// Hosts that were present.
    pub presences: Vec<Presence>,
    /// Addresses that answers gave for matched names.
    pub resolutions: Vec<Resolution>,
    /// Watched addresses that were seen with other names.
    pub contradicted: Vec<IpAddr>,
    /// What was said of who devices are, and when.
    pub identities: Vec<(IdentityFact, Timestamp)>,
    /// Signs of what hosts do for others.
    pub role_signs: Vec<TimedRoleSign>,
    /// Hosts with flows whose name could not be read.
    pub blind_hosts: Vec<BlindHost>,
    /// Names under vendors' domains that no service describes.
    pub uncovered: Uncovered,
    /// Engine time of the worker, once it has one.
    pub clock: Option<Timestamp>,
    /// The stretch of capture time that was looked at since the capture began.
    pub looked: Option<Span>,
    /// What the capture took and lost since the last batch, where a capture can lose.
    pub losses: Option<Losses>,
}
