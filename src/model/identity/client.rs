//! Who a DHCP client is.

use std::fmt;
use std::sync::Arc;

use super::super::DomainName;
use super::super::closed::closed_list;
use super::{Mac, WireText};

/// Longest DHCP unique identifier in bytes (RFC 8415, section 11.1: a type and 128 bytes).
pub const MAX_DUID_LEN: usize = 130;
/// Longest client identifier of DHCPv4 in bytes: what one option holds.
pub const MAX_CLIENT_ID_LEN: usize = 255;

const DUID_LLT: u16 = 1;
const DUID_LL: u16 = 3;
const ETHERNET: u16 = 1;

/// A DHCP client, by all that its messages say of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Client {
    /// Its hardware address, if it is of Ethernet.
    pub mac: Option<ClientMac>,
    /// Its identifier by DHCPv6, or by DHCPv4 as RFC 4361 has it: one for the device, whatever the interface and family.
    pub duid: Option<Duid>,
    /// Its identifier by DHCPv4 as it stands (option 61), also where a [`Duid`] is in it.
    pub id: Option<ClientId>,
    /// Its name, as a rule of one label (option 12).
    pub host_name: Option<DomainName>,
    /// Its name with a domain, or what it says of it (option 81; option 39 of DHCPv6).
    pub fqdn: Option<DomainName>,
    /// What software it is (option 60; the first text of option 16 of DHCPv6).
    pub vendor_class: Option<WireText>,
}

/// A hardware address of a client, and how it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientMac {
    /// The address.
    pub mac: Mac,
    /// How it is known.
    pub source: MacSource,
}

closed_list! {
    /// Where the hardware address of a client stands.
    MacSource {
        /// In the header of DHCPv4: that of the interface that asks.
        Header = "header",
        /// A relay saw it and says so (RFC 6939): that of the interface that asks.
        Relay = "relay",
        /// In the client's DUID: of some interface that the device has or once had (RFC 8415, section 11.2), so it may be
        /// another one's, or the same in many copies of a virtual machine.
        Duid = "duid",
    }
}

/// A DHCP unique identifier (RFC 8415, section 11).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Duid(Arc<[u8]>);

impl Duid {
    /// The identifier with these bytes: a type of two bytes and 1 to 128 more. Longer ones are refused and not cut, because
    /// two devices could be one then.
    pub fn new(bytes: &[u8]) -> Option<Self> {
        (3..=MAX_DUID_LEN)
            .contains(&bytes.len())
            .then(|| Self(Arc::from(bytes)))
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The Ethernet address in it (RFC 8415, sections 11.2 and 11.4); what that is worth says [`MacSource::Duid`].
    pub fn mac(&self) -> Option<Mac> {
        let (&[kind_high, kind_low, hardware_high, hardware_low], rest) =
            self.0.split_first_chunk()?;
        if u16::from_be_bytes([hardware_high, hardware_low]) != ETHERNET {
            return None;
        }
        match u16::from_be_bytes([kind_high, kind_low]) {
            DUID_LLT => Mac::of_device(rest.get(4..)?), // behind the time at which it was made
            DUID_LL => Mac::of_device(rest),
            _ => None,
        }
    }
}

/// The client identifier of DHCPv4 (RFC 2132, section 9.14).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClientId(Arc<[u8]>);

impl ClientId {
    /// The identifier with these bytes: a type and at least one more. Longer ones than 255 bytes are refused and not cut.
    pub fn new(bytes: &[u8]) -> Option<Self> {
        (2..=MAX_CLIENT_ID_LEN)
            .contains(&bytes.len())
            .then(|| Self(Arc::from(bytes)))
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The [`Duid`] in it: behind type 255 and the four bytes of an interface's number (RFC 4361, section 6.1).
    pub fn duid(&self) -> Option<Duid> {
        match &*self.0 {
            [255, _, _, _, _, duid @ ..] => Duid::new(duid),
            _ => None,
        }
    }
}

/// Implements `Display` as lower-case hex and `Debug` alike: an identifier is bytes, whatever text some put in it.
macro_rules! shown_as_hex {
    ($($name:ident)*) => { $(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    )* };
}

shown_as_hex!(Duid ClientId);

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: [u8; 6] = [2, 4, 10, 0, 0, 1];

    #[test]
    fn ethernet_addresses_in_duids() {
        let duid = |parts: &[&[u8]]| Duid::new(&parts.concat()).unwrap();
        let with_time = duid(&[&[0, 1, 0, 1, 1, 2, 3, 4], &MAC]);
        let plain = duid(&[&[0, 3, 0, 1], &MAC]);
        assert_eq!(with_time.mac(), Some(Mac::new(MAC)));
        assert_eq!(plain.mac(), Some(Mac::new(MAC)));
        for other in [
            duid(&[&[0, 2, 0, 1], &MAC]),       // an enterprise's number
            duid(&[&[0, 4], &[1; 16]]),         // a UUID
            duid(&[&[0, 3, 0, 32], &[1; 20]]),  // InfiniBand
            duid(&[&[0, 3, 0, 1], &MAC, &[0]]), // too long
            duid(&[&[0, 1, 0, 1], &MAC]),       // no room for the time
            duid(&[&[0, 3, 0, 1], &[0xff; 6]]), // nobody's
            duid(&[&[0, 3, 0]]),
        ] {
            assert_eq!(other.mac(), None, "{other}");
        }
    }

    #[test]
    fn identifiers_have_their_lengths() {
        assert_eq!(Duid::new(&[0; 2]), None);
        assert_eq!(Duid::new(&[0; MAX_DUID_LEN + 1]), None);
        assert!(Duid::new(&[0; MAX_DUID_LEN]).is_some());
        assert_eq!(ClientId::new(&[1]), None);
        assert_eq!(ClientId::new(&[1; MAX_CLIENT_ID_LEN + 1]), None);
    }

    #[test]
    fn one_device_by_both_families() {
        let duid = [&[0, 3, 0, 1][..], &MAC].concat();
        let id = ClientId::new(&[&[255, 0, 0, 0, 9], &duid[..]].concat()).unwrap();
        assert_eq!(id.duid(), Duid::new(&duid));
        assert_eq!(id.duid().unwrap().to_string(), "0003000102040a000001");
        let old = ClientId::new(&[&[1][..], &MAC].concat()).unwrap();
        assert_eq!(old.duid(), None);
    }
}
