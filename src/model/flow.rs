//! Who talks to whom.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use super::closed::closed_list;

/// Address and port of one end of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
pub struct Endpoint {
    /// IP address.
    pub addr: IpAddr,
    /// TCP or UDP port.
    pub port: u16,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        SocketAddr::new(self.addr, self.port).fmt(f)
    }
}

/// Transport protocol of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// Encapsulating Security Payload, the packets of IPsec (RFC 4303). It has no ports: they are 0.
    Esp,
}

/// Which flow it is, the same for everybody who sees it: by this a flow that is seen on two interfaces is one.
///
/// Of a DNS transaction the ports are 0: whatever a host asks one resolver about one name is one series of transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FlowId {
    /// The host's end.
    pub client: Endpoint,
    /// The other end.
    pub server: Endpoint,
    /// Transport protocol.
    pub protocol: Protocol,
    /// Number of the SYN that opened it (TCP, where it was seen): the same ports are used again.
    pub opened: Option<u32>,
}

closed_list! {
    /// What a flow was found to speak.
    FlowProtocol {
        /// A DNS question over UDP: each is one flow.
        Dns = "dns",
        /// TLS over TCP, by its ClientHello.
        Tls = "tls",
        /// QUIC.
        Quic = "quic",
        /// HTTP/1.
        Http = "http",
        /// Anything else, or nothing readable.
        Other = "other",
    }
}

closed_list! {
    /// What carried a hello or a request.
    Carrier {
        /// The transport itself.
        Direct = "direct",
        /// A connection on which the client had said something else before: STARTTLS and its like.
        StartTls = "starttls",
        /// A proxy's tunnel, asked for with CONNECT.
        Connect = "connect",
    }
}

/// One of the two ends of a flow. The initiator sent the SYN, or the first packet that was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The end that opened the flow.
    Initiator,
    /// The other end.
    Responder,
}

impl Side {
    /// The opposite end.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Initiator => Self::Responder,
            Self::Responder => Self::Initiator,
        }
    }

    /// Index into a pair that is kept per side.
    pub fn index(self) -> usize {
        match self {
            Self::Initiator => 0,
            Self::Responder => 1,
        }
    }
}
