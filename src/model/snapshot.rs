//! The state of the ledger at one instant, immutable: what metrics, page and reports read.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;

use super::{
    BlindKind, Category, Coverage, Cutoff, DomainName, Evidence, Finding, FlowProtocol, HostKey,
    HostView, PackRole, Phase, SeenSide, Signal, Status, Timestamp, UncoveredView, Undecoded,
    VendorId, VendorNetwork, VendorNetworks, WeakUse,
};

/// Everything that is known at engine time `at`.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Engine time, once there is one.
    pub at: Option<Timestamp>,
    /// Share of the window that the sensor captured, 0 to 1.
    pub looked: f64,
    /// Vendors in force, sorted by id.
    pub vendors: Vec<VendorView>,
    /// Hosts with strong sightings: stragglers first, then by status, then latest first.
    pub findings: Vec<Finding>,
    /// Weak names, by host.
    pub weak: Vec<WeakUse>,
    /// Hosts with any sighting, sorted by key.
    pub hosts: Vec<HostView>,
    /// What protects hosts that used a restricted vendor, sorted by host and vendor.
    pub coverage: Vec<CoverageView>,
    /// Hosts that ask foreign resolvers, sorted by host and vendor.
    pub bypasses: Vec<BypassView>,
    /// Distinct local hosts present in the window.
    pub local_hosts: u64,
    /// Distinct hosts with a flow without a name in the window, by cause, in the order of [`BlindKind::ALL`].
    pub blind_hosts: [u64; BlindKind::ALL.len()],
    /// Names under vendors' domains that no service describes: by vendor, then the most read first.
    pub uncovered: Vec<UncoveredView>,
    /// Whether local networks were configured or known from an interface.
    pub local_networks_known: bool,
    /// Rows of the inventory that are in dispute, sorted.
    pub disputes: Vec<Dispute>,
    /// Counts without a host.
    pub totals: Totals,
}

/// A row of the inventory names a device by an address that more than one device had, or that the device of the hardware
/// address beside it does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dispute {
    /// Its line in the file, from 1.
    pub line: u64,
}

/// Names nobody: it stands where pseudonyms may.
impl fmt::Display for Dispute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = self.line;
        write!(
            f,
            "inventory, line {line}: the address is, or was, another device's, so it names nobody; write the `mac` of the \
             device that is meant, or correct the address"
        )
    }
}

impl Snapshot {
    /// Findings that are stragglers now.
    pub fn stragglers(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.straggler)
    }

    /// What is known of a host.
    pub fn host(&self, key: &HostKey) -> Option<&HostView> {
        let found = self.hosts.binary_search_by(|view| view.key.cmp(key));
        found.ok().map(|at| &self.hosts[at])
    }

    /// What protects the host of a finding, if that was judged.
    pub fn coverage(&self, finding: &Finding) -> Option<&CoverageView> {
        let views = &self.coverage;
        let found = views.binary_search_by(|view| {
            (&view.host, &view.vendor).cmp(&(&finding.host, &finding.vendor))
        });
        found.ok().map(|at| &views[at])
    }

    /// Whom the host of a finding asks, past the network's resolvers, for names of the vendor.
    pub fn bypasses<'a>(&'a self, finding: &'a Finding) -> impl Iterator<Item = &'a BypassView> {
        let wanted = (&finding.host, &finding.vendor);
        let first = self
            .bypasses
            .partition_point(|view| (&view.host, &view.vendor) < wanted);
        let rest = self.bypasses[first..].iter();
        rest.take_while(move |view| (&view.host, &view.vendor) == wanted)
    }

    /// Names under a vendor's domains that no service describes, the most read first.
    pub fn uncovered<'a>(&'a self, vendor: &VendorId) -> impl Iterator<Item = &'a UncoveredView> {
        let vendor = vendor.clone();
        let views = self.uncovered.iter();
        views.filter(move |view| view.vendor == vendor)
    }

    /// The range of the vendor's own network that holds an address, if one does.
    pub fn vendor_network(
        &self,
        vendor: &VendorId,
        address: IpAddr,
    ) -> Option<(IpNet, &VendorNetwork)> {
        self.vendor(vendor)?.networks.find(address)
    }

    /// The vendor's view, if it is in force.
    pub fn vendor(&self, id: &VendorId) -> Option<&VendorView> {
        self.vendors.iter().find(|view| view.id == *id)
    }
}

/// One vendor in force.
#[derive(Clone, Debug)]
pub struct VendorView {
    /// Its id.
    pub id: VendorId,
    /// For people.
    pub name: String,
    /// Which part it plays.
    pub role: PackRole,
    /// Version of the pack.
    pub version: String,
    /// Digest of the pack.
    pub digest: String,
    /// Services in the pack.
    pub services: usize,
    /// Categories that its services have, in the order of [`Category::ALL`].
    pub categories: Vec<Category>,
    /// Those in which it has strong names.
    pub strong: Vec<Category>,
    /// Those in which it has weak names.
    pub weak: Vec<Category>,
    /// Cutoffs in force, by category.
    pub cutoffs: Vec<CutoffInForce>,
    /// Its address ranges: what servers of flows are looked up in.
    pub networks: VendorNetworks,
    /// Hosts by category and status.
    pub hosts: BTreeMap<(Category, Status), u64>,
    /// Stragglers by category.
    pub stragglers: BTreeMap<Category, u64>,
    /// Distinct hosts that are stragglers in any category.
    pub straggling_hosts: u64,
    /// How often a name under its domains was read that no service describes, since the program was started.
    pub uncovered_readings: u64,
}

/// A cutoff that binds a category.
#[derive(Clone, Debug)]
pub struct CutoffInForce {
    /// The category.
    pub category: Category,
    /// The cutoff.
    pub cutoff: Cutoff,
    /// The group of hosts that it binds; `None` for all that are in no group.
    pub group: Option<String>,
}

/// What protects a host that used a restricted vendor.
#[derive(Clone, Debug)]
pub struct CoverageView {
    /// The host.
    pub host: HostKey,
    /// The restricted vendor.
    pub vendor: VendorId,
    /// What protects it.
    pub coverage: Coverage,
    /// Replacements seen in the last seven days: vendor, category and latest contact, latest first.
    pub replacements: Vec<(VendorId, Category, Timestamp)>,
}

/// A host asks a resolver that is not the network's for a restricted vendor's name.
#[derive(Clone, Debug)]
pub struct BypassView {
    /// The host.
    pub host: HostKey,
    /// The vendor.
    pub vendor: VendorId,
    /// Whom it asks.
    pub resolver: IpAddr,
    /// For which name, the latest.
    pub name: DomainName,
    /// When it last did.
    pub last_seen: Timestamp,
    /// Whether a resolver of the network had refused it before, in the window.
    pub after_refusal: bool,
    /// Whether the vendor's product falls back to this resolver by itself, so that nobody need have set it.
    pub product_fallback: bool,
}

/// Counts that name no host. Sightings are strong unless said otherwise.
#[derive(Clone, Debug, Default)]
pub struct Totals {
    /// Strong sightings.
    pub sightings: BTreeMap<(VendorId, Category, Signal, Evidence, Phase), u64>,
    /// Weak sightings.
    pub weak_sightings: BTreeMap<(VendorId, Category), u64>,
    /// Payload bytes received and sent in flows with a strong name.
    pub bytes: BTreeMap<(VendorId, Category, Phase), (u64, u64)>,
}

/// How much was looked at, and what could not be read. Counters only grow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Frames taken.
    pub frames: u64,
    /// Their bytes on the wire.
    pub wire_bytes: u64,
    /// Frames that the snap length cut.
    pub cut_frames: u64,
    /// Whether a filter passed only what names, outcomes and byte counts need.
    pub thinned: bool,
    /// Frames of which no network or transport layer was read, by cause, in the order of [`Undecoded::ALL`].
    pub undecoded: [u64; Undecoded::ALL.len()],
    /// Flows by what they spoke, in the order of [`FlowProtocol::ALL`].
    pub flows: [u64; FlowProtocol::ALL.len()],
    /// Flows with a name, by signal, in the order of [`Signal::ALL`].
    pub named_flows: [u64; Signal::ALL.len()],
    /// Flows without a name, by cause, in the order of [`BlindKind::ALL`].
    pub blind_flows: [u64; BlindKind::ALL.len()],
    /// Flows of which one side only was seen, in the order of [`SeenSide::ALL`].
    pub one_sided_flows: [u64; SeenSide::ALL.len()],
    /// QUIC datagrams of which a copy was seen a moment before; they count once.
    pub duplicate_datagrams: u64,
}

impl Default for Seen {
    fn default() -> Self {
        Self {
            frames: 0,
            wire_bytes: 0,
            cut_frames: 0,
            thinned: false,
            undecoded: [0; Undecoded::ALL.len()],
            flows: [0; FlowProtocol::ALL.len()],
            named_flows: [0; Signal::ALL.len()],
            blind_flows: [0; BlindKind::ALL.len()],
            one_sided_flows: [0; SeenSide::ALL.len()],
            duplicate_datagrams: 0,
        }
    }
}

impl Seen {
    /// Adds what another worker saw.
    pub fn add(&mut self, other: &Self) {
        self.frames += other.frames;
        self.wire_bytes += other.wire_bytes;
        self.cut_frames += other.cut_frames;
        self.thinned |= other.thinned;
        self.duplicate_datagrams += other.duplicate_datagrams;
        let pairs = [
            (&mut self.undecoded[..], &other.undecoded[..]),
            (&mut self.flows[..], &other.flows[..]),
            (&mut self.named_flows[..], &other.named_flows[..]),
            (&mut self.blind_flows[..], &other.blind_flows[..]),
            (&mut self.one_sided_flows[..], &other.one_sided_flows[..]),
        ];
        for (ours, theirs) in pairs {
            for (our, their) in ours.iter_mut().zip(theirs) {
                *our += their;
            }
        }
    }
}
