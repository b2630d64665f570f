//! How the ledger judges, and how full its tables are.

use std::net::IpAddr;

use crate::model::LocalNetworks;
use crate::{evidence, hosts};

/// How the ledger judges.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// How evidence is judged.
    pub evidence: evidence::Settings,
    /// Whether local networks were given or known from an interface; otherwise the page says so.
    pub local_networks_known: bool,
    /// What is local; resolvers elsewhere are foreign.
    pub local: LocalNetworks,
    /// Resolvers of the network that are not local.
    pub resolvers: Vec<IpAddr>,
    /// Addresses of the sensor's own machine.
    pub sensor_addresses: Vec<IpAddr>,
    /// Whether the sensor's own machine may be a straggler.
    pub watch_sensor: bool,
    /// Whether somebody takes what happens.
    pub events: bool,
    /// Whether somebody takes what is accepted, to keep it.
    pub keep: bool,
    /// What files say of who devices are.
    pub listings: hosts::Listings,
}

/// Counters of the ledger's tables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Addresses.
    pub hosts: hosts::Stats,
    /// Usages.
    pub book: evidence::Stats,
    /// Watched answers: those in force, and those forgotten because there were too many.
    pub watch: (u64, u64),
    /// Hosts with flows without a name, by cause: those kept, and those that found no place.
    pub blind_hosts: (u64, u64),
    /// Hosts and vendors of which a foreign resolver was asked: those kept, and those that found no place.
    pub bypasses: (u64, u64),
    /// Flows that several interfaces may see: those kept, and those forgotten because there were too many.
    pub flows_told: (u64, u64),
    /// Flows that were seen again on another interface.
    pub duplicate_flows: u64,
    /// What happened and was not taken yet, and what found no place.
    pub happenings: (u64, u64),
    /// Addresses with signs of what they do for others, and signs that found no place.
    pub roles: (u64, u64),
    /// Names that no service describes: those kept, and those forgotten because their vendor's share was full.
    pub uncovered: (u64, u64),
}
