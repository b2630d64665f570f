//! The vocabulary: newtypes and plain records that every part speaks.
//!
//! Nothing here reads a clock, a file or a packet. A value that exists is valid: the constructor is the only check.
//!
//! The words follow the pipeline: a [`Frame`] is decoded to a [`Packet`], packets of one five-tuple make a flow,
//! a dissector reads a [`Name`] in it, a rule that matches gives a [`Match`], and the tracker reports a [`Sighting`].
//! The ledger turns sightings into [`Finding`]s and publishes them as a [`Snapshot`];
//! what changed meanwhile it tells as [`Event`]s.

mod accepted;
mod blind;
mod closed;
mod event;
mod finding;
mod flow;
mod frame;
mod host;
mod id;
mod identity;
mod losses;
mod name;
mod network;
mod pack;
mod packet;
mod place;
mod protection;
mod resolvers;
mod role;
mod service_ports;
mod sighting;
mod snapshot;
mod standing;
mod time;
mod uncovered;
mod vendor_networks;
mod watch;

pub use accepted::Accepted;
pub use blind::{BlindHost, BlindKind, SeenSide};
pub use event::{
    Change, CoverageChange, ECS_VERSION, EndReason, Event, EventAction, EventHost, EventId,
    EventSeverity, Happening, Judged, MAX_EVENT_TEXT, NamedFlow, Outcome, OwnNetwork, Personal,
    SensorCondition, Stamp, StragglerChange, community_id, event_line, event_name,
};
pub use finding::{Coverage, Exception, Finding, NameUse, SampleFlow, Status, WeakUse};
pub use flow::{Carrier, Endpoint, FlowId, FlowProtocol, Protocol, Side};
pub use frame::{Frame, LinkType};
pub use host::{AddressBinding, HostKey, HostRole, HostView, KeyConfidence, KeyText};
pub use identity::{
    AdvertisedPrefix, AnnouncedBy, Announcement, Claim, Client, ClientId, ClientMac, Duid,
    IdentityFact, Intent, Lease, LeasedAddress, MAX_CLIENT_ID_LEN, MAX_DUID_LEN, MAX_TEXT_LEN, Mac,
    MacError, MacSource, Neighbour, NeighbourSource, RouterAdvert, WireText,
};
pub use losses::{Losses, Tap};
pub use name::{DomainName, MAX_NAME_OCTETS, Name, NameBuf, NameError};
pub use network::LocalNetworks;
pub use pack::{
    Carry, Category, Confidence, Cutoff, CutoffKind, Match, Pack, PackKind, PackRole, Phase,
    Service, ServiceId, Strength, VendorId,
};
pub use packet::{
    Arp, Datagram, Decoded, LinkEnds, Packet, Refusal, Segment, TcpFlags, Transport, Undecoded,
    Unreachable,
};
pub use place::{in_one_line, line_and_column};
pub use protection::{Protection, Protections};
pub use resolvers::{
    KnownResolver, ResolverId, ResolverPack, ResolverPackId, ResolverSubject, ResolverTest,
};
pub use role::{FIRST_HOPS, RoleSign, TimedRoleSign};
pub use service_ports::{PortRange, ServiceTransport};
pub use sighting::{
    Batch, Evidence, FlowEnd, MAX_SAMPLES, Presence, Reply, ReplyKind, Sample, Sighting, Signal,
    Way,
};
pub use snapshot::{
    BypassView, CoverageView, CutoffInForce, Dispute, Seen, Snapshot, Totals, VendorView,
};
pub use standing::{Line, Rank, Standing};
pub use time::{Span, Timestamp};
pub use uncovered::{Asker, MAX_UNCOVERED_HOSTS, Uncovered, UncoveredName, UncoveredView};
pub use vendor_networks::{VendorNetwork, VendorNetworks};
pub use watch::{Resolution, WatchList};
