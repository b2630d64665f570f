//! A device on the local side: its stable key, and what is known of it.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::Ipv6Net;

use super::closed::closed_list;
use super::{Mac, Timestamp};

/// One device on the local side, by a key that never changes during its life.
///
/// `mac-aa:bb:cc:dd:ee:ff`, `ip-…`, or the inventory's id; `#2` and on after an address went to another device. Nothing
/// outside `hosts` takes one apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(transparent)]
pub struct HostKey(Arc<str>);

impl HostKey {
    /// The key of a host that is known by nothing but its address.
    pub fn from_address(address: IpAddr) -> Self {
        Self(Arc::from(format!("ip-{address}")))
    }

    /// The key of a device that is known by its hardware address.
    pub fn from_mac(mac: Mac) -> Self {
        Self(Arc::from(format!("mac-{mac}")))
    }

    /// The key of all that is behind a router in one IPv6 network.
    pub fn from_network(network: Ipv6Net) -> Self {
        Self(Arc::from(format!("ip-{network}")))
    }

    /// The key of the device that is the `nth` to be known by this address; `#2` for the second.
    pub fn from_address_again(address: IpAddr, nth: u16) -> Self {
        if nth < 2 {
            Self::from_address(address)
        } else {
            Self(Arc::from(format!("ip-{address}#{nth}")))
        }
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it was made of an address or a hardware address, and not given by an inventory, whose ids never look so.
    pub fn is_made(&self) -> bool {
        self.0.starts_with("ip-") || self.0.starts_with("mac-")
    }

    /// A key that was written down before: what `as_str` gave, or what a user copied from it.
    pub fn restored(text: &str) -> Self {
        Self(Arc::from(text))
    }
}

impl fmt::Display for HostKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

closed_list! {
    /// What a host does in its network, besides what it asks for.
    HostRole {
        /// It answers DNS for others: what it asks, others asked it.
        Resolver = "resolver",
        /// It seems to fetch updates for others.
        Relay = "relay",
        /// It asks for name after name and uses none: a tool that resolves lists.
        Scanner = "scanner",
        /// The sensor's own machine.
        Gateway = "gateway",
        /// Nearly all that is seen comes from it: others are behind it.
        Nat = "nat",
    }
}

closed_list! {
    /// What the key of a host rests on, surest first.
    KeyConfidence {
        /// The inventory says who it is.
        Inventory = "inventory",
        /// A lease, or a message of the neighbour itself, ties the address to a hardware address.
        Hardware = "hardware",
        /// Nothing but the address.
        Address = "address",
    }
}

/// What is known of a host.
#[derive(Clone, Debug)]
pub struct HostView {
    /// Its key.
    pub key: HostKey,
    /// Other keys under which it was known: what is stored under them is its too.
    pub aliases: Vec<HostKey>,
    /// Its addresses now, sorted.
    pub addresses: Vec<IpAddr>,
    /// Its hardware addresses, sorted.
    pub macs: Vec<Mac>,
    /// The name that it goes by: the inventory's, that of its lease, or the one it announces.
    pub name: Option<String>,
    /// Whose it is, by the inventory.
    pub owner: Option<String>,
    /// Where it is, by the inventory.
    pub site: Option<String>,
    /// What it says it is: vendor class of DHCP, or model announced.
    pub device: Option<String>,
    /// What it does, sorted.
    pub roles: Vec<HostRole>,
    /// What its key rests on.
    pub confidence: KeyConfidence,
    /// First packet or sighting.
    pub first_seen: Timestamp,
    /// Latest packet or sighting.
    pub last_seen: Timestamp,
}

/// A host had an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressBinding {
    /// The host.
    pub host: HostKey,
    /// The address.
    pub address: IpAddr,
    /// From when on: its first packet or proof. With host and address it says which binding this is.
    pub from: Timestamp,
    /// Until when; `None` while it has it.
    pub until: Option<Timestamp>,
    /// The hardware address at which it was reached, if that is known.
    pub mac: Option<Mac>,
}
