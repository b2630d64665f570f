//! Messages of DHCPv4 (RFC 2131, 2132) and DHCPv6 (RFC 8415).

use std::net::{Ipv4Addr, Ipv6Addr};

/// A message of DHCPv4.
#[derive(Clone, Debug)]
pub struct Dhcp4 {
    op: u8,
    kind: u8,
    mac: [u8; 6],
    ciaddr: Ipv4Addr,
    yiaddr: Ipv4Addr,
    options: Vec<u8>,
}

impl Dhcp4 {
    /// A client looks for servers.
    pub fn discover(mac: [u8; 6]) -> Self {
        Self::new(1, 1, mac)
    }

    /// A client asks for `address`.
    pub fn request(mac: [u8; 6], address: Ipv4Addr) -> Self {
        Self::new(1, 3, mac).option(50, &address.octets())
    }

    /// A client found that somebody else has `address`.
    pub fn decline(mac: [u8; 6], address: Ipv4Addr) -> Self {
        Self::new(1, 4, mac).option(50, &address.octets())
    }

    /// A client gives `address` back.
    pub fn release(mac: [u8; 6], address: Ipv4Addr) -> Self {
        let release = Self::new(1, 7, mac);
        Self {
            ciaddr: address,
            ..release
        }
    }

    /// A server offers `address`.
    pub fn offer(mac: [u8; 6], address: Ipv4Addr) -> Self {
        let offer = Self::new(2, 2, mac);
        Self {
            yiaddr: address,
            ..offer
        }
    }

    /// A server gives `address` for so many seconds.
    pub fn ack(mac: [u8; 6], address: Ipv4Addr, seconds: u32) -> Self {
        let ack = Self::new(2, 5, mac);
        Self {
            yiaddr: address,
            ..ack
        }
        .option(51, &seconds.to_be_bytes())
    }

    fn new(op: u8, kind: u8, mac: [u8; 6]) -> Self {
        let none = Ipv4Addr::UNSPECIFIED;
        Self {
            op,
            kind,
            mac,
            ciaddr: none,
            yiaddr: none,
            options: Vec::new(),
        }
    }

    /// With the client's name.
    #[must_use]
    pub fn host_name(self, name: &str) -> Self {
        self.option(12, name.as_bytes())
    }

    /// With the client's name and domain, as labels (RFC 4702).
    #[must_use]
    pub fn fqdn(self, name: &str) -> Self {
        self.option(81, &[&[4, 0, 0], &labels(name)[..]].concat())
    }

    /// With what software the client is.
    #[must_use]
    pub fn vendor_class(self, text: &str) -> Self {
        self.option(60, text.as_bytes())
    }

    /// With a client identifier that has a DUID in it (RFC 4361).
    #[must_use]
    pub fn duid(self, duid: &[u8]) -> Self {
        self.option(61, &[&[255, 0, 0, 0, 1], duid].concat())
    }

    /// With routers.
    #[must_use]
    pub fn routers(self, addresses: &[Ipv4Addr]) -> Self {
        let bytes: Vec<u8> = addresses.iter().flat_map(Ipv4Addr::octets).collect();
        self.option(3, &bytes)
    }

    /// With resolvers.
    #[must_use]
    pub fn resolvers(self, addresses: &[Ipv4Addr]) -> Self {
        let bytes: Vec<u8> = addresses.iter().flat_map(Ipv4Addr::octets).collect();
        self.option(6, &bytes)
    }

    /// With any option.
    #[must_use]
    pub fn option(mut self, code: u8, content: &[u8]) -> Self {
        let len = u8::try_from(content.len()).expect("an option has up to 255 bytes");
        self.options.extend([code, len]);
        self.options.extend(content);
        self
    }

    /// The message as it stands in a datagram.
    pub fn bytes(&self) -> Vec<u8> {
        self.with_options_in(&self.options, &[])
    }

    /// The same, its options in the field of the boot file (RFC 2132, section 9.3).
    pub fn overloaded_bytes(&self) -> Vec<u8> {
        self.with_options_in(&[52, 1, 1], &self.options)
    }

    fn with_options_in(&self, own: &[u8], file: &[u8]) -> Vec<u8> {
        let mut bytes = vec![self.op, 1, 6, 0, 1, 2, 3, 4, 0, 0, 0, 0];
        bytes.extend(self.ciaddr.octets());
        bytes.extend(self.yiaddr.octets());
        bytes.extend([0; 8]); // next server, relay
        bytes.extend(self.mac);
        bytes.resize(28 + 16 + 64, 0); // the name of the server
        bytes.extend(file);
        if !file.is_empty() {
            bytes.push(255);
        }
        assert!(bytes.len() <= 236, "the field has 128 bytes");
        bytes.resize(236, 0);
        bytes.extend([99, 130, 83, 99, 53, 1, self.kind]);
        bytes.extend(own);
        bytes.push(255);
        bytes
    }
}

/// A message of DHCPv6.
#[derive(Clone, Debug)]
pub struct Dhcp6 {
    kind: u8,
    options: Vec<u8>,
}

impl Dhcp6 {
    /// A client looks for servers.
    pub fn solicit(duid: &[u8]) -> Self {
        Self::new(1).option(1, duid)
    }

    /// A client asks for addresses.
    pub fn request(duid: &[u8]) -> Self {
        Self::new(3).option(1, duid)
    }

    /// A client gives addresses back.
    pub fn release(duid: &[u8]) -> Self {
        Self::new(8).option(1, duid)
    }

    /// A server answers.
    pub fn reply(duid: &[u8]) -> Self {
        Self::new(7)
            .option(1, duid)
            .option(2, &[0, 3, 0, 1, 2, 6, 0, 0, 0, 1])
    }

    fn new(kind: u8) -> Self {
        Self {
            kind,
            options: Vec::new(),
        }
    }

    /// With an address, for so many seconds.
    #[must_use]
    pub fn address(self, address: Ipv6Addr, seconds: u32) -> Self {
        let times = [[0; 4], seconds.to_be_bytes()].concat();
        let inside = option6(5, &[&address.octets()[..], &times].concat());
        self.option(3, &[&[0; 12], &inside[..]].concat())
    }

    /// With the client's name and domain (RFC 4704).
    #[must_use]
    pub fn fqdn(self, name: &str) -> Self {
        self.option(39, &[&[0], &labels(name)[..]].concat())
    }

    /// With what software the client is.
    #[must_use]
    pub fn vendor_class(self, text: &str) -> Self {
        let len = (text.len() as u16).to_be_bytes();
        self.option(16, &[&[0, 0, 1, 0x37], &len[..], text.as_bytes()].concat())
    }

    /// With resolvers (RFC 3646).
    #[must_use]
    pub fn resolvers(self, addresses: &[Ipv6Addr]) -> Self {
        let bytes: Vec<u8> = addresses.iter().flat_map(Ipv6Addr::octets).collect();
        self.option(23, &bytes)
    }

    /// With any option.
    #[must_use]
    pub fn option(mut self, code: u16, content: &[u8]) -> Self {
        self.options.extend(option6(code, content));
        self
    }

    /// The message as it stands in a datagram.
    pub fn bytes(&self) -> Vec<u8> {
        [&[self.kind, 1, 2, 3], &self.options[..]].concat()
    }
}

/// What a relay makes of a client's message; it knows the client's hardware address (RFC 6939).
pub fn relay_forward(mac: [u8; 6], message: &[u8]) -> Vec<u8> {
    let link_layer = option6(79, &[&[0, 1], &mac[..]].concat());
    let header = [&[12][..], &[0; 33]].concat();
    [header, link_layer, option6(9, message)].concat()
}

/// What a server sends to a relay.
pub fn relay_reply(message: &[u8]) -> Vec<u8> {
    [&[13][..], &[0; 33], &option6(9, message)].concat()
}

/// An identifier made of an Ethernet address (RFC 8415, section 11.4).
pub fn duid_of(mac: [u8; 6]) -> Vec<u8> {
    [&[0, 3, 0, 1], &mac[..]].concat()
}

fn option6(code: u16, content: &[u8]) -> Vec<u8> {
    let len = u16::try_from(content.len()).expect("an option ends at 64 KiB");
    let head = [code.to_be_bytes(), len.to_be_bytes()].concat();
    [&head[..], content].concat()
}

fn labels(name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for label in name.split('.') {
        assert!((1..64).contains(&label.len()), "a label has 1 to 63 bytes");
        bytes.push(label.len() as u8);
        bytes.extend(label.as_bytes());
    }
    bytes.push(0);
    bytes
}
