//! DHCP: who asks for an address, by what name, and what the server gave.
//!
//! RFC 2131 and 2132 (DHCPv4), RFC 3396 (long options), RFC 4361 (client identifiers), RFC 4702 (names with a domain);
//! RFC 8415 (DHCPv6), RFC 3646 (resolvers), RFC 4704 (names), RFC 6939 (hardware addresses from relays).
//!
//! [`v4()`] and [`v6()`] take whole datagrams: a message has no end of its own, and what stands behind a cut may take back
//! what stands before it (a status code). So a message whose options do not fill it is refused, and whoever has a datagram
//! that the snap length cut does not ask. Ports are a hint to the caller and prove nothing.
//!
//! Only a server's ACK or Reply is a [`Lease`](crate::model::Lease). Offers, refusals, BOOTP, lease queries, forced renewals,
//! delegated prefixes and authentication are not read. Nothing in DHCP is signed: on a network that lets everybody play
//! server, a lease is what somebody said.
//!
//! Written by hand: `dhcproto` 0.15, the one maintained crate, follows options within options by recursion without a bound,
//! so that one datagram of 64 KiB overflows the stack and ends the process, and panics for a hardware address that says
//! to be longer than its field. It is the oracle in the tests.

mod name;
mod options4;
mod options6;
mod v4;
mod v6;

pub use v4::v4;
pub use v6::{MAX_RELAYS, v6};

/// UDP ports of servers and clients of DHCPv4.
pub const V4_PORTS: [u16; 2] = [67, 68];
/// UDP ports of clients and servers of DHCPv6.
pub const V6_PORTS: [u16; 2] = [546, 547];

/// Addresses kept of one message. Clients have a handful; the rest of a longer list is left out.
pub const MAX_ADDRESSES: usize = 16;
/// Routers and resolvers kept of one message, each. Clients use the first three or four.
pub const MAX_SERVERS: usize = 8;
