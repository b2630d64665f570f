//! TLS: the ClientHello with its server name, and the first thing a server says back.
//!
//! RFC 8446 (records: section 5.1, ClientHello: 4.1.2, extensions: 4.2), RFC 6066 section 3 (server name), RFC 7301
//! (ALPN), RFC 9849 (Encrypted ClientHello), RFC 5246 appendix E.2 (hellos in the form of SSL 2).
//!
//! [`client_hello`] reads the start of a client's stream, [`cut_client_hello`] what a capture left of one,
//! [`client_hello_message`] a hello without records as QUIC carries it. [`find_client_hello`] looks for the place in a
//! stream where another protocol gives way to TLS. [`server_reply`] judges what came back.
//!
//! Assumptions: the input is one direction of a stream, in order. A hello may span any number of records up to
//! [`MAX_RECORDS`]. DTLS is not TLS: its records have another version, and its handshake header another layout.

#[cfg(test)]
mod building;
mod hello;
mod records;
mod search;
mod server;
mod sslv2;

pub use hello::{ClientHello, client_hello_message};
pub use records::{MAX_RECORDS, client_hello, cut_client_hello};
pub use search::find_client_hello;
pub use server::{ServerReply, server_reply};

use super::{Dissection, Reader, Short};

const RECORD_HANDSHAKE: u8 = 22;
const RECORD_ALERT: u8 = 21;
const RECORD_HEADER_LEN: usize = 5;
/// RFC 8446, section 5.1: a plaintext record holds at most 2^14 bytes.
const MAX_RECORD_LEN: usize = 1 << 14;
const HANDSHAKE_CLIENT_HELLO: u8 = 1;
pub(super) const HANDSHAKE_HEADER_LEN: usize = 4;
/// SSL 3 and all of TLS; the minor version is 0 to 4.
const MAJOR_VERSION: u8 = 3;
const MAX_MINOR_VERSION: u8 = 4;

/// Longest ClientHello that is read, in bytes. Post-quantum key shares make about 2 KiB; 64 KiB of extensions is legal,
/// but nobody sends it, and every byte waited for is memory held for a stranger.
pub const RECORD_START: [u8; 2] = [22, 3];
/// x
pub const MAX_HELLO_LEN: usize = 16 * 1024;

/// Bytes of a stream that can be needed to read the longest hello: with records of one byte it would be six times as
/// many, which only a hostile sender makes. The hellos of today fit even so.
pub const MAX_STREAM_LEN: usize = MAX_HELLO_LEN + 64 * RECORD_HEADER_LEN;
