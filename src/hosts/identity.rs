//! What is known of devices by their hardware addresses, and which addresses they have.

use std::collections::HashMap;
use std::net::IpAddr;

use crate::model::{
    Client, DomainName, IdentityFact, Intent, Mac, Neighbour, NeighbourSource, Timestamp,
};

/// Devices and bindings kept at once, about 300 bytes each, so 20 MiB.
const MAX_DEVICES: usize = 65_536;
/// Addresses of one device: one that has more fronts others.
pub(super) const MAX_OF_ONE: usize = 16;
/// Resolvers handed out that are remembered.
const MAX_RESOLVERS: usize = 64;

/// Names and bindings.
#[derive(Debug, Default)]
pub(super) struct Identities {
    devices: HashMap<Mac, Device>,
    bindings: HashMap<IpAddr, Binding>,
    announced: HashMap<IpAddr, DomainName>,
    resolvers: Vec<IpAddr>,
    left_out: u64,
}

/// What a device says it is, or a server of it.
#[derive(Clone, Debug, Default)]
struct Device {
    name: Option<DomainName>,
    vendor_class: Option<String>,
    /// Whether it says that it is a router: then what comes from it is others'.
    router: bool,
    addresses: u16,
}

/// The hardware address at which an address was last reached.
#[derive(Clone, Copy, Debug)]
struct Binding {
    mac: Mac,
    time: Timestamp,
}

/// What is known of an address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// The name of its device, or the one that was announced for it.
    pub name: Option<String>,
    /// What the device says it is.
    pub device: Option<String>,
    /// Its hardware address, unless that is a router's.
    pub mac: Option<Mac>,
}

impl Identities {
    pub(super) fn learn(&mut self, fact: &IdentityFact, time: Timestamp) {
        match fact {
            IdentityFact::Claim(claim) => {
                self.client(&claim.client);
                if claim.intent == Intent::Release {
                    for address in &claim.addresses {
                        self.bindings.remove(address);
                    }
                }
            }
            IdentityFact::Lease(lease) => {
                self.client(&lease.client);
                for leased in &lease.addresses {
                    if let Some(client) = &lease.client.mac {
                        self.bind(leased.address, client.mac, time);
                    }
                }
                self.handed_out(&lease.resolvers);
            }
            IdentityFact::Announcement(said) => {
                let room = self.announced.len() < MAX_DEVICES;
                for address in std::iter::once(&said.address).chain(&said.others) {
                    if room || self.announced.contains_key(address) {
                        self.announced.insert(*address, said.name.clone());
                    }
                }
            }
            IdentityFact::Neighbour(neighbour) => self.neighbour(neighbour, time),
            IdentityFact::RouterAdvert(advert) => {
                if let Some(mac) = advert.mac
                    && let Some(device) = self.device(mac)
                {
                    device.router |= advert.lifetime > 0;
                }
                self.handed_out(&advert.resolvers);
            }
        }
    }

    /// Resolvers that the network hands out.
    pub(super) fn resolvers(&self) -> &[IpAddr] {
        &self.resolvers
    }

    pub(super) fn known(&self, address: IpAddr) -> Known {
        let binding = self.bindings.get(&address);
        let own = binding
            .and_then(|binding| Some((binding.mac, self.devices.get(&binding.mac)?)))
            .filter(|(_, device)| !device.fronts_others());
        let announced = self.announced.get(&address);
        let name = own
            .and_then(|(_, device)| device.name.as_ref())
            .or(announced);
        Known {
            name: name.map(ToString::to_string),
            device: own.and_then(|(_, device)| device.vendor_class.clone()),
            mac: own.map(|(mac, _)| mac),
        }
    }

    /// Devices and bindings now, and those that found no place.
    pub(super) fn stats(&self) -> (u64, u64) {
        let entries = self.devices.len() + self.bindings.len() + self.announced.len();
        (entries as u64, self.left_out)
    }

    fn client(&mut self, client: &Client) {
        let Some(mac) = client.mac.as_ref().map(|client| client.mac) else {
            return;
        };
        if let Some(device) = self.device(mac) {
            let name = client.fqdn.as_ref().or(client.host_name.as_ref());
            device.name = name.cloned().or_else(|| device.name.take());
            let class = client.vendor_class.as_ref().map(ToString::to_string);
            device.vendor_class = class.or_else(|| device.vendor_class.take());
        }
    }

    /// What a message of a neighbour says of its own sender. What is said for others may be a proxy's.
    fn neighbour(&mut self, neighbour: &Neighbour, time: Timestamp) {
        let of_itself = !matches!(
            neighbour.source,
            NeighbourSource::ArpReply | NeighbourSource::Advertisement
        );
        if of_itself || !self.bindings.contains_key(&neighbour.address) {
            self.bind(neighbour.address, neighbour.mac, time);
        }
        if neighbour.router
            && let Some(device) = self.device(neighbour.mac)
        {
            device.router = true;
        }
    }

    fn bind(&mut self, address: IpAddr, mac: Mac, time: Timestamp) {
        let before = self.bindings.get(&address).copied();
        if before.is_some_and(|before| before.time > time) {
            return;
        }
        if before.is_none() && self.bindings.len() >= MAX_DEVICES {
            self.left_out += 1;
            return;
        }
        if before.is_none_or(|before| before.mac != mac) {
            if let Some(device) = before.and_then(|before| self.devices.get_mut(&before.mac)) {
                device.addresses = device.addresses.saturating_sub(1);
            }
            let Some(device) = self.device(mac) else {
                return;
            };
            device.addresses = device.addresses.saturating_add(1);
        }
        self.bindings.insert(address, Binding { mac, time });
    }

    fn device(&mut self, mac: Mac) -> Option<&mut Device> {
        if self.devices.len() >= MAX_DEVICES && !self.devices.contains_key(&mac) {
            self.left_out += 1;
            return None;
        }
        Some(self.devices.entry(mac).or_default())
    }

    fn handed_out(&mut self, resolvers: &[IpAddr]) {
        for resolver in resolvers {
            if self.resolvers.len() < MAX_RESOLVERS && !self.resolvers.contains(resolver) {
                self.resolvers.push(*resolver);
            }
        }
    }
}

impl Device {
    fn fronts_others(&self) -> bool {
        self.router || usize::from(self.addresses) > MAX_OF_ONE
    }
}
