//! Messages of IPv6 neighbour discovery (RFC 4861), to be sent with hop limit 255.

use std::net::{IpAddr, Ipv6Addr};

use super::packets::{Checksum, Transport};

const SOURCE_LINK_LAYER: u8 = 1;
const TARGET_LINK_LAYER: u8 = 2;
const PREFIX: u8 = 3;
const RESOLVERS: u8 = 25;

/// A message, its options behind.
#[derive(Clone, Debug)]
pub struct Discovery {
    kind: u8,
    /// What stands between checksum and options.
    body: Vec<u8>,
    options: Vec<u8>,
}

impl Discovery {
    /// Who is the router here?
    pub fn router_solicitation() -> Self {
        Self::new(133, vec![0; 4])
    }

    /// A router is here, for so many seconds.
    pub fn router_advertisement(lifetime: u16) -> Self {
        let [high, low] = lifetime.to_be_bytes();
        Self::new(134, vec![64, 0, high, low, 0, 0, 0, 0, 0, 0, 0, 0])
    }

    /// Who has `target`?
    pub fn solicitation(target: Ipv6Addr) -> Self {
        Self::new(135, [&[0; 4][..], &target.octets()].concat())
    }

    /// `target` is here. Flags: 0x80 a router, 0x40 as an answer, 0x20 what was known before is wrong.
    pub fn advertisement(target: Ipv6Addr, flags: u8) -> Self {
        Self::new(136, [&[flags, 0, 0, 0][..], &target.octets()].concat())
    }

    fn new(kind: u8, body: Vec<u8>) -> Self {
        Self {
            kind,
            body,
            options: Vec::new(),
        }
    }

    /// With the sender's hardware address.
    #[must_use]
    pub fn source_mac(self, mac: [u8; 6]) -> Self {
        self.option(SOURCE_LINK_LAYER, &mac)
    }

    /// With the hardware address of the target.
    #[must_use]
    pub fn target_mac(self, mac: [u8; 6]) -> Self {
        self.option(TARGET_LINK_LAYER, &mac)
    }

    /// With a prefix that is on the link and from which hosts make addresses, for an hour.
    #[must_use]
    pub fn prefix(self, prefix: Ipv6Addr, len: u8) -> Self {
        let mut content = vec![len, 0xc0];
        content.extend(3600_u32.to_be_bytes());
        content.extend([0; 8]);
        content.extend(prefix.octets());
        self.option(PREFIX, &content)
    }

    /// With resolvers, for ten minutes (RFC 8106).
    #[must_use]
    pub fn resolvers(self, addresses: &[Ipv6Addr]) -> Self {
        let mut content = vec![0, 0];
        content.extend(600_u32.to_be_bytes());
        content.extend(addresses.iter().flat_map(Ipv6Addr::octets));
        self.option(RESOLVERS, &content)
    }

    /// With any option; its content and two bytes more come in eights.
    #[must_use]
    pub fn option(mut self, kind: u8, content: &[u8]) -> Self {
        let len = content.len() + 2;
        assert!(len.is_multiple_of(8), "an option comes in eights");
        self.options.extend([kind, (len / 8) as u8]);
        self.options.extend(content);
        self
    }
}

impl Transport for Discovery {
    const PROTOCOL: u8 = 58;

    fn bytes(&self, source: IpAddr, target: IpAddr) -> Vec<u8> {
        let mut bytes = vec![self.kind, 0, 0, 0];
        bytes.extend(&self.body);
        bytes.extend(&self.options);
        let sum = Checksum::of_transport(source, target, Self::PROTOCOL, &bytes);
        bytes[2..4].copy_from_slice(&sum.to_be_bytes());
        bytes
    }
}
