//! What a tracker may keep, and how it judges.

use std::net::IpAddr;
use std::sync::Arc;

use crate::flows;
use crate::model::LocalNetworks;

/// How a tracker judges and what it may keep.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Bounds of the flow table.
    pub flows: flows::Settings,
    /// Bytes of unfinished hellos kept at once, over all flows.
    pub first_bytes: usize,
    /// Payload bytes of one flow that make a transfer.
    pub transfer_threshold: u64,
    /// Addresses that a resolver gives instead of blocked names, besides 0.0.0.0, :: and loopback.
    pub block_addresses: Vec<IpAddr>,
    /// Hosts to which a redirect means "blocked", in lower case.
    pub block_pages: Vec<String>,
    /// Which hosts are watched.
    pub local: LocalNetworks,
    /// Whether a filter leaves out packets from outside: then what hosts acknowledge tells what came.
    pub thinned: bool,
    /// The interface that is captured; `None` for savefiles.
    pub interface: Option<Arc<str>>,
    /// Whether other workers look at other interfaces. Then what is told of a flow says which flow, so that the ledger can
    /// tell one that several see.
    pub one_of_several: bool,
    /// Whether somebody takes events, and so wants to know of the ends of flows.
    pub events: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            flows: flows::Settings::default(),
            first_bytes: 16 * 1024 * 1024,
            transfer_threshold: 32 * 1024,
            block_addresses: Vec::new(),
            block_pages: Vec::new(),
            local: LocalNetworks::default(),
            thinned: false,
            interface: None,
            one_of_several: false,
            events: false,
        }
    }
}

impl Settings {
    /// Whether a filter leaves out packets that go from one address to another.
    pub(super) fn leaves_out(&self, from: IpAddr, to: IpAddr) -> bool {
        self.thinned && !self.local.contains(from) && self.local.contains(to)
    }
}
