//! What the ledger accepted of the workers' reports, told to whoever keeps it.

use super::{AddressBinding, HostKey, Phase, Reply, Sighting};

/// Sightings and replies with the host to whom they belong, in the order in which they came.
#[derive(Clone, Debug, Default)]
pub struct Accepted {
    /// Sightings, each with its host and its phase by the cutoff in force for that host.
    pub sightings: Vec<(HostKey, Phase, Sighting)>,
    /// Replies, each with its host and whether a resolver of the network gave it.
    pub replies: Vec<(HostKey, Reply, bool)>,
    /// Addresses that hosts got, gave up, or are now known to have by which hardware address.
    pub bindings: Vec<AddressBinding>,
}
