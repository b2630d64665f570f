//! A frame to a borrowed [`Packet`]: link layer by ourselves, from the IP header up by `etherparse`.
//!
//! The link layer is ours because `etherparse` gives no error for a frame whose network layer it did not reach, and
//! such a frame is a blind spot that has to be counted by cause. Nothing is allocated, nothing panics, whatever the bytes.
//!
//! Not read yet, each with a counter of its own: MPLS, PPPoE, tunnels, fragments.

mod ip;
mod link;

use crate::model::{Frame, Packet, Undecoded};

pub use link::MAX_VLAN_TAGS;

/// Decodes one frame, or says why not.
pub fn decode<'a>(frame: &Frame<'a>) -> Result<Packet<'a>, Undecoded> {
    let network = link::network_layer(frame)?;
    ip::packet(network.bytes, network.wire_len)
}

/// The network layer of a frame.
#[derive(Clone, Copy, Debug)]
struct Network<'a> {
    /// Captured bytes from the IP header on, link padding and trailers included.
    bytes: &'a [u8],
    /// Their length on the wire.
    wire_len: u32,
}
