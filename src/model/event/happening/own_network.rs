//! That a server stands in the vendor's own network: it supports what the name says, and accuses nobody.

use super::super::super::Pack;
use super::{Change, Happening, NamedFlow, text};

/// The vendor's own network, in which the other end of a flow stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnNetwork {
    /// Number of the autonomous system, where the pack has it.
    pub asn: Option<u32>,
    /// Name of the vendor.
    pub organization: String,
}

impl NamedFlow {
    /// Says in whose network the server stands, where that is the vendor's own.
    pub fn look_up(&mut self, pack: &Pack) {
        let found = pack.networks.find(self.server.addr);
        self.own_network = found.map(|(_, network)| OwnNetwork {
            asn: network.asn,
            organization: text::line(&pack.name),
        });
    }
}

impl Happening {
    /// Says of its flow, if it is of one, in whose network the server stands.
    #[must_use]
    pub fn looked_up(mut self, pack: Option<&Pack>) -> Self {
        if let Some(pack) = pack
            && let Change::Sighting { flow, .. } | Change::FlowEnd { flow, .. } = &mut self.change
        {
            flow.look_up(pack);
        }
        self
    }
}
