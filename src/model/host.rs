//! A device on the local side: its stable key, and what is known of it.

use std::borrow::Borrow;
use std::fmt::{self, Write};
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
        Self(Arc::from(KeyText::of_address(address).as_str()))
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

impl Borrow<str> for HostKey {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// The text of a key where it is only looked up: hosts of which nothing is known are there again and again, and to make a
/// key for each of them was a twentieth of all work.
#[derive(Clone, Copy, Debug)]
pub struct KeyText {
    bytes: [u8; 48],
    len: usize,
}

impl KeyText {
    /// The text of [`HostKey::from_address`].
    pub fn of_address(address: IpAddr) -> Self {
        let mut text = Self {
            bytes: [0; 48],
            len: 0,
        };
        // The longest address has 39 characters (45 with an IPv4 address at its end), so there is room.
        let written = match address {
            IpAddr::V4(address) => {
                let [first, rest @ ..] = address.octets();
                text.push(b"ip-");
                text.push_number(first);
                for octet in rest {
                    text.push(b".");
                    text.push_number(octet);
                }
                Ok(())
            }
            IpAddr::V6(address) => write!(text, "ip-{address}"),
        };
        debug_assert!(written.is_ok());
        text
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.bytes[..self.len]).unwrap_or_default()
    }

    fn push(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            if let Some(place) = self.bytes.get_mut(self.len) {
                *place = byte;
                self.len += 1;
            }
        }
    }

    /// By hand, because formatting is most of the cost.
    fn push_number(&mut self, number: u8) {
        let digits = [number / 100, number / 10 % 10, number % 10].map(|digit| b'0' + digit);
        let start = match number {
            0..=9 => 2,
            10..=99 => 1,
            100.. => 0,
        };
        self.push(&digits[start..]);
    }
}

impl Write for KeyText {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text.as_bytes());
        Ok(())
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_text_alone_is_the_text_of_the_key(v4 in any::<[u8; 4]>(), v6 in any::<[u16; 8]>()) {
            for address in [IpAddr::from(v4), v6.into(), v6.map(|word| word | 0x1000).into()] {
                let text = KeyText::of_address(address);
                prop_assert_eq!(text.as_str(), format!("ip-{address}"));
            }
        }
    }
}
