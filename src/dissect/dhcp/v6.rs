//! Messages of DHCPv6 (RFC 8415, sections 8 and 9).

use std::net::{IpAddr, Ipv6Addr};

use super::options6::{
    CLIENT_FQDN, CLIENT_ID, CLIENT_LINK_LAYER_ADDRESS, IA_ADDRESS, IA_NA, IA_TA, Options,
    RELAY_MESSAGE, RESOLVERS, VENDOR_CLASS,
};
use super::{MAX_ADDRESSES, MAX_SERVERS, name};
use crate::dissect::{Reader, Short, is_host};
use crate::model::{
    Claim, Client, ClientMac, DomainName, Duid, IdentityFact, Intent, Lease, LeasedAddress, Mac,
    MacSource, WireText,
};

/// Relays that a message went through: a relay refuses one that has gone through so many (RFC 8415, sections 7.6 and
/// 19.1.2), and this bounds the work.
pub const MAX_RELAYS: usize = 8;

const SOLICIT: u8 = 1;
const REQUEST: u8 = 3;
const CONFIRM: u8 = 4;
const RENEW: u8 = 5;
const REBIND: u8 = 6;
const REPLY: u8 = 7;
const RELEASE: u8 = 8;
const DECLINE: u8 = 9;
const INFORMATION_REQUEST: u8 = 11;
const RELAY_FORWARD: u8 = 12;
const RELAY_REPLY: u8 = 13;

/// Hop count and two addresses, behind the type (RFC 8415, section 9).
const RELAY_HEADER_LEN: usize = 1 + 16 + 16;
const TRANSACTION_LEN: usize = 3;
const ETHERNET: u16 = 1;

/// What a whole datagram between a client or relay and a DHCPv6 server says; `None` where it is no such message, is damaged,
/// or says nothing that lasts. Relays' messages are unwrapped.
///
/// Whoever gives neither an identifier nor, through a relay, a hardware address says it of nobody.
pub fn v6(datagram: &[u8]) -> Option<IdentityFact> {
    let message = Message::read(datagram).ok()??;
    let intent = match message.kind {
        SOLICIT | REQUEST | CONFIRM | RENEW | REBIND | INFORMATION_REQUEST => Intent::Use,
        RELEASE => Intent::Release,
        DECLINE => Intent::Decline,
        REPLY => return message.lease().map(IdentityFact::Lease),
        _ => return None,
    };
    let client = message.client();
    let addresses = message.addresses().ok()?;
    let is_somebody = client.duid.is_some() || client.mac.is_some();
    is_somebody.then(|| {
        IdentityFact::Claim(Claim {
            client,
            addresses: addresses.into_iter().map(|it| it.address).collect(),
            intent,
        })
    })
}

/// A message between client and server.
struct Message<'a> {
    kind: u8,
    options: Options<'a>,
    /// The client's hardware address, as the relay nearest to it says.
    relayed_mac: Option<Mac>,
}

impl<'a> Message<'a> {
    /// Takes a message out of what relays put around it. `Ok(None)`: a relay's message without one, or too many relays.
    fn read(datagram: &'a [u8]) -> Result<Option<Self>, Short> {
        let mut datagram = datagram;
        let mut relayed_mac = None;
        for _ in 0..=MAX_RELAYS {
            let mut reader = Reader::new(datagram);
            let kind = reader.u8()?;
            let is_relayed = matches!(kind, RELAY_FORWARD | RELAY_REPLY);
            reader.take(if is_relayed {
                RELAY_HEADER_LEN
            } else {
                TRANSACTION_LEN
            })?;
            let options = Options::new(reader.rest())?;
            if !is_relayed {
                return Ok(Some(Self {
                    kind,
                    options,
                    relayed_mac,
                }));
            }
            let Some(inner) = options.value(RELAY_MESSAGE) else {
                return Ok(None);
            };
            // A relay further away would tell of the relay before it.
            relayed_mac = options
                .value(CLIENT_LINK_LAYER_ADDRESS)
                .and_then(link_layer);
            datagram = inner;
        }
        Ok(None)
    }

    fn client(&self) -> Client {
        let duid = self.options.value(CLIENT_ID).and_then(Duid::new);
        let relayed = self.relayed_mac.map(|mac| (mac, MacSource::Relay));
        let own = || Some((duid.as_ref()?.mac()?, MacSource::Duid));
        Client {
            mac: relayed
                .or_else(own)
                .map(|(mac, source)| ClientMac { mac, source }),
            id: None,
            host_name: None,
            fqdn: self.options.value(CLIENT_FQDN).and_then(fqdn),
            vendor_class: self.options.value(VENDOR_CLASS).and_then(vendor_class),
            duid,
        }
    }

    /// What a Reply confirms, if it does: addresses of somebody, or resolvers.
    fn lease(&self) -> Option<Lease> {
        if self.options.failed() {
            return None;
        }
        let client = self.client();
        let addresses = self.addresses().ok()?;
        let resolvers = self.options.value(RESOLVERS).map(addresses_in);
        let lease = Lease {
            routers: Vec::new(),
            resolvers: resolvers.unwrap_or_default(),
            addresses: if client.duid.is_some() || client.mac.is_some() {
                addresses
            } else {
                Vec::new()
            },
            client,
        };
        let says_nothing = lease.addresses.is_empty() && lease.resolvers.is_empty();
        (!says_nothing).then_some(lease)
    }

    /// Addresses, temporary or not, but those that a status says nobody got.
    fn addresses(&self) -> Result<Vec<LeasedAddress>, Short> {
        let mut addresses = Vec::new();
        for (code, value) in self.options.iter() {
            let fixed_len = match code {
                IA_NA => 12, // a number and two times
                IA_TA => 4,
                _ => continue,
            };
            let mut reader = Reader::new(value);
            reader.take(fixed_len)?;
            let inside = Options::new(reader.rest())?;
            if inside.failed() {
                continue;
            }
            for (_, value) in inside.iter().filter(|&(code, _)| code == IA_ADDRESS) {
                let mut reader = Reader::new(value);
                let address = IpAddr::from(Ipv6Addr::from(reader.array::<16>()?));
                let _preferred: [u8; 4] = reader.array()?;
                let valid = u32::from_be_bytes(reader.array()?);
                let failed = Options::new(reader.rest())?.failed();
                if !failed && is_host(address) && addresses.len() < MAX_ADDRESSES {
                    addresses.push(LeasedAddress {
                        address,
                        lifetime: Some(valid),
                    });
                }
            }
        }
        Ok(addresses)
    }
}

/// RFC 6939, section 4: type of hardware, address.
fn link_layer(value: &[u8]) -> Option<Mac> {
    let (hardware, address) = value.split_first_chunk()?;
    (u16::from_be_bytes(*hardware) == ETHERNET).then(|| Mac::of_device(address))?
}

/// RFC 4704, section 4: flags, name.
fn fqdn(value: &[u8]) -> Option<DomainName> {
    let (_flags, labels) = value.split_first()?;
    name::labels(labels)
}

/// RFC 8415, section 21.16: the number of an enterprise, then texts with their lengths. The first text.
fn vendor_class(value: &[u8]) -> Option<WireText> {
    let mut reader = Reader::new(value);
    let _enterprise: [u8; 4] = reader.array().ok()?;
    WireText::new(reader.vec16().ok()?.rest())
}

/// RFC 3646, section 3: addresses of hosts, [`MAX_SERVERS`] at most; none where the length is no multiple of 16.
fn addresses_in(value: &[u8]) -> Vec<IpAddr> {
    let (groups, rest) = value.as_chunks::<16>();
    let groups = if rest.is_empty() { groups } else { &[] };
    let addresses = groups.iter().map(|&octets| IpAddr::from(octets));
    addresses
        .filter(|&it| is_host(it))
        .take(MAX_SERVERS)
        .collect()
}

#[cfg(test)]
mod tests;
