//! What traffic says of who a device is: plain records, each with who said it.
//!
//! Nobody signs any of this. A record tells what was said on the wire, not what is true; `hosts` weighs it. Texts and
//! lists are bounded where they are made, so a record is small whatever a sender wrote.

mod client;
mod mac;
mod text;

use std::net::{IpAddr, Ipv6Addr};

use ipnet::Ipv6Net;

use super::DomainName;
use super::closed::closed_list;
pub use client::{Client, ClientId, ClientMac, Duid, MAX_CLIENT_ID_LEN, MAX_DUID_LEN, MacSource};
pub use mac::{Mac, MacError};
pub use text::{MAX_TEXT_LEN, WireText};

/// Something that was read in traffic about a device on the local side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IdentityFact {
    /// A DHCP client speaks of itself, or gives an address back.
    Claim(Claim),
    /// A DHCP server confirms what a client has.
    Lease(Lease),
    /// A device claims a name for its own address (mDNS, LLMNR).
    Announcement(Announcement),
    /// An address is reached at a hardware address (ARP, neighbour discovery).
    Neighbour(Neighbour),
    /// A router presents itself and its network.
    RouterAdvert(RouterAdvert),
}

impl IdentityFact {
    /// Addresses whose owner it may tell.
    pub fn addresses(&self) -> Vec<IpAddr> {
        match self {
            Self::Claim(claim) => claim.addresses.clone(),
            Self::Lease(lease) => lease.addresses.iter().map(|one| one.address).collect(),
            Self::Neighbour(neighbour) => vec![neighbour.address],
            Self::Announcement(_) | Self::RouterAdvert(_) => Vec::new(),
        }
    }
}

/// What a client says of itself to a DHCP server, before the server has confirmed anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Who asks.
    pub client: Client,
    /// Addresses that it asks for, or says that it has; 16 at most, often none.
    pub addresses: Vec<IpAddr>,
    /// Whether it gives the addresses up.
    pub intent: Intent,
}

closed_list! {
    /// What a client wants with the addresses of its [`Claim`].
    Intent {
        /// To get them, to keep them, or only to learn about the network.
        Use = "use",
        /// It needs them no more (RELEASE).
        Release = "release",
        /// Somebody else uses them (DECLINE): they never were this client's.
        Decline = "decline",
    }
}

/// What a DHCP server confirmed: an ACK (RFC 2131, section 3.1) or a Reply (RFC 8415, section 18.3.10).
///
/// There is one for a message, so that what was said together stays together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Whom the server answers. The names in it are those that the server says; many servers say none, and the client's
    /// own stand in its [`Claim`].
    pub client: Client,
    /// What the client has, 16 addresses at most. None where the server told about the network only.
    pub addresses: Vec<LeasedAddress>,
    /// Routers handed out, 8 at most (DHCPv4; in IPv6 routers speak for themselves, see [`RouterAdvert`]).
    pub routers: Vec<IpAddr>,
    /// Resolvers handed out, 8 at most.
    pub resolvers: Vec<IpAddr>,
}

/// An address in a [`Lease`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeasedAddress {
    /// The address.
    pub address: IpAddr,
    /// For how many seconds from the server's word on; [`u32::MAX`] without end (RFC 2131, section 3.3; RFC 8415,
    /// section 7.7); 0 where the server takes it back (RFC 8415, section 18.2.10.1). `None` where the client has the address from elsewhere and the server took
    /// note of it (the answer to an INFORM: RFC 2131, section 4.3.5).
    pub lifetime: Option<u32>,
}

/// A name that a device claims for the address from which it speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// By which protocol.
    pub protocol: AnnouncedBy,
    /// The name: `….local` by mDNS, of a single label by LLMNR.
    pub name: DomainName,
    /// The address, from which the message came.
    pub address: IpAddr,
    /// Other addresses that the same message gives the name, 15 at most: those of the same device, as it says.
    pub others: Vec<IpAddr>,
    /// What the device is, where it says so (`model=` of `_device-info._tcp`, by mDNS only).
    pub model: Option<WireText>,
    /// For how many seconds this holds.
    pub ttl: u32,
}

closed_list! {
    /// How a name was announced.
    AnnouncedBy {
        /// Multicast DNS (RFC 6762).
        Mdns = "mdns",
        /// Link-Local Multicast Name Resolution (RFC 4795).
        Llmnr = "llmnr",
    }
}

/// An address and the hardware address at which its owner, or somebody in its place, says to be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Neighbour {
    /// The address.
    pub address: IpAddr,
    /// Where it is reached.
    pub mac: Mac,
    /// By which message.
    pub source: NeighbourSource,
    /// Whether the message says that it is a router's (the R flag of a neighbour advertisement).
    pub router: bool,
}

closed_list! {
    /// The message that told of a [`Neighbour`].
    NeighbourSource {
        /// An ARP request: its sender (RFC 826).
        ArpRequest = "arp_request",
        /// An ARP reply: its sender. Proxies answer for others (RFC 1027).
        ArpReply = "arp_reply",
        /// An ARP message of a sender about itself, that nobody asked for (RFC 5227, section 2.3).
        ArpAnnouncement = "arp_announcement",
        /// A neighbour solicitation: its sender (RFC 4861, section 4.3).
        Solicitation = "solicitation",
        /// A neighbour advertisement: its target (RFC 4861, section 4.4). Proxies answer for others.
        Advertisement = "advertisement",
        /// A neighbour solicitation without a sender: somebody tries out whether its target is free (RFC 4862, section
        /// 5.4). The hardware address is that of the frame.
        Tentative = "tentative",
        /// A router solicitation: its sender (RFC 4861, section 4.1).
        RouterSolicitation = "router_solicitation",
    }
}

impl NeighbourSource {
    /// Whether the sender speaks of itself. Answers may be those of a proxy, and what is tried out is nobody's yet.
    pub fn is_own_word(self) -> bool {
        !matches!(self, Self::ArpReply | Self::Advertisement | Self::Tentative)
    }
}

/// A router advertisement (RFC 4861, section 4.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouterAdvert {
    /// The router's link-local address.
    pub router: Ipv6Addr,
    /// Its hardware address, where it says so.
    pub mac: Option<Mac>,
    /// For how many seconds it is a default router; 0: it is none.
    pub lifetime: u16,
    /// Prefixes of the network, 16 at most.
    pub prefixes: Vec<AdvertisedPrefix>,
    /// Resolvers (RFC 8106, section 5.1), 8 at most; those taken back are left out.
    pub resolvers: Vec<IpAddr>,
}

/// A prefix in a [`RouterAdvert`] (RFC 4861, section 4.6.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdvertisedPrefix {
    /// The prefix.
    pub network: Ipv6Net,
    /// Its addresses are on this link.
    pub on_link: bool,
    /// Hosts may make addresses in it for themselves.
    pub autonomous: bool,
    /// For how many seconds from now on; `u32::MAX` without end, 0 where it is taken back.
    pub valid: u32,
}
