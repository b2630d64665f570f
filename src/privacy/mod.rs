//! Pseudonyms: what tells who a device is, replaced by keyed tokens before it leaves the sensor.
//!
//! A token has the type of what it stands for, so every output works as without. It is an HMAC-SHA256 of the text under a
//! key that only the admin has: the same device has the same token in every output and after every restart, two sensors
//! with one key agree, and without the key nobody can try all addresses.
//!
//! Judging comes first: rules, exceptions and the inventory know the real devices. What hosts ask for, and servers on the
//! internet, are not personal and stay.

mod hide;
mod key;

use std::net::{IpAddr, Ipv6Addr};

use ring::hmac;

use crate::model::{HostKey, LocalNetworks, Mac, event_line, event_name};

pub use key::{KeyError, MAX_KEY_LEN, MIN_KEY_LEN};

/// The first half of every address that stands for another: the discard prefix (RFC 6666). Nothing with such an address
/// crosses a network, so a token is never taken for a device, nor a device for a token.
const PREFIX: u64 = 0x0100_0000_0000_0000;

/// Makes tokens under one key.
#[derive(Clone, Debug)]
pub struct Pseudonyms {
    key: hmac::Key,
    local: LocalNetworks,
}

/// What a text is, so that equal texts of two kinds have tokens that do not tell so.
#[derive(Clone, Copy)]
enum Kind {
    Key = 1,
    Address,
    Mac,
    Name,
    Owner,
}

impl Pseudonyms {
    /// With a key of its own; the private ranges are local.
    pub fn new(key: &[u8]) -> Self {
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, key),
            local: LocalNetworks::default(),
        }
    }

    /// Says which addresses are local: servers and resolvers among them are hidden too.
    #[must_use]
    pub fn within(mut self, local: LocalNetworks) -> Self {
        self.local = local;
        self
    }

    /// Stands for the key of a host: `p-` and 16 hexadecimal digits.
    pub fn host_key(&self, key: &HostKey) -> HostKey {
        HostKey::restored(&self.key_text(key.as_str()))
    }

    fn key_text(&self, key: &str) -> String {
        format!("p-{:016x}", self.number(Kind::Key, &event_line(key)))
    }

    /// Stands for an address of a host: one in 100::/64.
    pub fn address(&self, address: IpAddr) -> IpAddr {
        let text = address.to_canonical().to_string();
        let number = self.number(Kind::Address, &text);
        Ipv6Addr::from_bits(u128::from(PREFIX) << 64 | u128::from(number)).into()
    }

    /// Stands for a hardware address: one that is locally administered and no group's.
    pub fn mac(&self, mac: Mac) -> Mac {
        let [_, _, first, rest @ ..] = self.number(Kind::Mac, &mac.to_string()).to_be_bytes();
        let [b, c, d, e, f] = rest;
        Mac::new([first & 0xfc | 0x02, b, c, d, e, f])
    }

    /// Stands for the name of a host: `n-` and 16 hexadecimal digits, whatever the case of its letters.
    pub fn name(&self, name: &str) -> String {
        format!("n-{:016x}", self.number(Kind::Name, &event_name(name)))
    }

    /// Stands for the owner of a host: `o-` and 16 hexadecimal digits.
    pub fn owner(&self, owner: &str) -> String {
        format!("o-{:016x}", self.number(Kind::Owner, owner.trim()))
    }

    /// Every token that may stand for what somebody typed, with its kind in words: an address, a hardware address, or a
    /// key, a name and an owner.
    pub fn tokens(&self, text: &str) -> Vec<(&'static str, String)> {
        let text = text.trim();
        if let Ok(address) = text.parse::<IpAddr>() {
            let key = HostKey::from_address(address);
            return vec![
                ("address", self.address(address).to_string()),
                ("key", self.key_text(key.as_str())),
            ];
        }
        if let Ok(mac) = text.parse::<Mac>() {
            return vec![
                ("mac", self.mac(mac).to_string()),
                ("key", self.key_text(&format!("mac-{mac}"))),
            ];
        }
        vec![
            ("key", self.key_text(text)),
            ("name", self.name(text)),
            ("owner", self.owner(text)),
        ]
    }

    fn server(&self, server: IpAddr) -> IpAddr {
        if self.local.contains(server) {
            self.address(server)
        } else {
            server
        }
    }

    fn number(&self, kind: Kind, text: &str) -> u64 {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(&[kind as u8]);
        context.update(text.as_bytes());
        let tag = context.sign();
        let first = tag.as_ref().iter().take(8);
        first.fold(0, |number, byte| number << 8 | u64::from(*byte))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pseudonyms() -> Pseudonyms {
        Pseudonyms::new(&[7; 32])
    }

    #[test]
    fn tokens_rest_on_key_kind_and_text() {
        let (ours, theirs) = (pseudonyms(), Pseudonyms::new(&[8; 32]));
        assert_eq!(ours.name("PC-17."), ours.name("pc-17"));
        assert_ne!(ours.name("pc-17"), theirs.name("pc-17"));
        assert_ne!(ours.name("pc-17")[2..], ours.owner("pc-17")[2..]);
        let mapped: IpAddr = "::ffff:10.0.0.1".parse().unwrap();
        assert_eq!(
            ours.address(mapped),
            ours.address("10.0.0.1".parse().unwrap())
        );
    }

    /// HMAC-SHA256 as other programs make it: tokens must not change from version to version.
    #[test]
    fn tokens_stay_what_they_are() {
        let tag = hmac::sign(
            &hmac::Key::new(hmac::HMAC_SHA256, &[7; 32]),
            b"\x0210.0.0.1",
        );
        let hex: String = tag.as_ref()[..8]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let address: IpAddr = "10.0.0.1".parse().unwrap();
        let IpAddr::V6(token) = pseudonyms().address(address) else {
            panic!("no IPv6 address");
        };
        assert_eq!(
            format!("{:032x}", token.to_bits()),
            format!("0100000000000000{hex}")
        );
    }

    proptest! {
        #[test]
        fn tokens_have_the_type_of_what_they_stand_for(bits in any::<u128>(), octets in any::<[u8; 6]>()) {
            let discard: ipnet::IpNet = "100::/64".parse().unwrap();
            let address = pseudonyms().address(Ipv6Addr::from_bits(bits).into());
            prop_assert!(discard.contains(&address));
            let mac = pseudonyms().mac(Mac::new(octets));
            prop_assert!(mac.is_locally_administered() && !mac.is_multicast());
        }
    }
}
