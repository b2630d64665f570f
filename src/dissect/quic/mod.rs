//! QUIC: the ClientHello inside a client's Initial packets, and whether the server answered.
//!
//! RFC 9000 (packets: section 17.2, frames: 19), RFC 9001 section 5 (protection of Initials), RFC 9369 (version 2),
//! RFC 8999 (what every version keeps).
//!
//! [`first_flight`] tells by the header alone whether a flow is QUIC. [`Connection`] takes the datagrams of the client
//! until the hello is read: Initials in any order, coalesced or not, with tokens, after a Retry or a version
//! negotiation; the hello may be cut anywhere. [`Server`] reads what came back.
//!
//! Assumptions: nobody but an attacker on the path makes Initials that authenticate. Packets that do not authenticate
//! change nothing but a count, at which the flow is given up.
//! Not handled: Google's QUIC with its own handshake (versions Q); drafts before 22; a flow whose first Initial was not
//! seen, because the keys come from its connection id; a hello that began in one version and goes on in another.

mod attempt;
mod connection;
mod crypto;
mod frames;
mod google;
mod headers;
mod keys;
mod server;
mod versions;

#[cfg(test)]
mod tests;

pub use connection::{Connection, Scratch};
pub use headers::{FirstPacket, first_flight, initial_target};
pub use server::{Server, ServerReply};
pub use versions::PacketKind;
