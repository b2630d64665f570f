//! Pseudonyms: what tells who a device is, replaced before an event has its id.

use super::super::closed::closed_list;
use super::{Change, Happening};

closed_list! {
    /// What tells who a device is.
    Personal {
        /// The key of a host.
        Host = "host",
        /// The address of a host.
        Address = "address",
        /// The name of a host.
        Name = "name",
        /// The address of the other end. It may be a device of the network: its resolver or proxy.
        Server = "server",
    }
}

impl Happening {
    /// Replaces what tells who a device is by what `token` gives for it; where that gives `None` it stays. The hardware
    /// address goes wherever the host's key is replaced, and so does the hash of both ends, which could be found out by
    /// trying. What is hidden does not go into the event's id either.
    #[must_use]
    pub fn hidden(mut self, token: impl Fn(Personal, &str) -> Option<String>) -> Self {
        let mut is_hidden = false;
        if let Some(host) = &mut self.host {
            if let Some(key) = token(Personal::Host, &host.key) {
                host.key = key;
                host.mac = None;
                is_hidden = true;
            }
            let address = host.address.map(|address| address.to_string());
            if let Some(hidden) = address.and_then(|text| token(Personal::Address, &text)) {
                host.address = None;
                host.address_token = Some(hidden);
                is_hidden = true;
            }
            if let Some(name) = host.name.take() {
                host.name = token(Personal::Name, &name).or(Some(name));
            }
        }
        if let Change::Sighting { flow, .. } | Change::FlowEnd { flow, .. } = &mut self.change {
            flow.server_token = token(Personal::Server, &flow.server.addr.to_string());
            if flow.server_token.is_some() {
                flow.own_network = None;
            }
            flow.show_community_id = !is_hidden && flow.server_token.is_none();
        }
        self
    }
}
