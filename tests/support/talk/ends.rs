//! The two ends of a conversation, and what goes between them.

use std::net::SocketAddr;

/// Seconds since 1970 as a time of this library.
pub const fn seconds(since_epoch: u64) -> u64 {
    since_epoch * 1_000_000_000
}

/// One of the two ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The one that spoke first.
    Client,
    /// The other one.
    Server,
}

impl Side {
    /// The other end.
    pub fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

/// An IP packet with its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimedPacket {
    /// Nanoseconds since 1970-01-01T00:00:00Z.
    pub time: u64,
    /// Who sent it.
    pub from: Side,
    /// From the IP header on.
    pub bytes: Vec<u8>,
}

/// Address and port, from a text such as `10.0.0.5:443` or `[2001:db8::5]:443`.
#[derive(Clone, Copy, Debug)]
pub struct End(pub SocketAddr);

impl From<SocketAddr> for End {
    fn from(address: SocketAddr) -> Self {
        Self(address)
    }
}

impl From<&str> for End {
    fn from(text: &str) -> Self {
        let parsed = text.parse();
        Self(parsed.unwrap_or_else(|_| panic!("{text:?} is no address with a port")))
    }
}
