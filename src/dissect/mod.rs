//! Bytes to facts: pure functions with three honest answers.
//!
//! A dissector gets the first bytes of a stream or a whole datagram and says [`Dissection::Found`], certainly
//! [`Dissection::NotThis`], or [`Dissection::NeedMore`]. Over the prefixes of one input the answer starts at "need
//! more", settles once and never changes. A port number is a hint to the caller and proves nothing here.

pub mod dhcp;
pub mod dns;
pub mod ech;
pub mod http;
pub mod mdns;
pub mod neighbour;
pub mod quic;
mod reader;
pub mod tls;
pub mod vpn;

use std::net::IpAddr;

use reader::{Reader, Short};

/// What a dissector makes of its input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dissection<T> {
    /// The fact.
    Found(T),
    /// Whatever follows, it is not this protocol.
    NotThis,
    /// The bytes so far fit, but do not suffice.
    NeedMore,
}

/// Whether an address can be that of one host: not "none", not a group's, not the machine's own.
fn is_host(address: IpAddr) -> bool {
    let is_broadcast = matches!(address, IpAddr::V4(v4) if v4.is_broadcast());
    !(address.is_unspecified() || address.is_multicast() || address.is_loopback() || is_broadcast)
}
