//! Flows whose name could not be read: what the sensor knows that it does not know.

use std::net::IpAddr;

use super::Span;
use super::closed::closed_list;

closed_list! {
    /// Why a flow of a readable kind has no name. A flow counts by the first that holds, in this order.
    BlindKind {
        /// Encrypted Client Hello: the name outside stands for many.
        Ech = "ech",
        /// The hello or the request is whole and names nobody.
        NoSni = "no_sni",
        /// DNS over TLS, QUIC or HTTPS: the names asked for are inside.
        EncryptedDns = "encrypted_dns",
        /// QUIC of a version that is not read.
        QuicUnknownVersion = "quic_unknown_version",
        /// The hello or the request was begun, and the rest did not come or was cut.
        HelloIncomplete = "hello_incomplete",
        /// The flow began before the sensor looked.
        Midstream = "midstream",
        /// WireGuard, IPsec or OpenVPN: other flows are inside.
        Tunnel = "tunnel",
    }
}

impl BlindKind {
    /// The cause as people say it: "5 flows: …".
    pub fn phrase(self) -> &'static str {
        match self {
            Self::Ech => "name encrypted (ECH)",
            Self::NoSni => "no name sent",
            Self::EncryptedDns => "encrypted DNS",
            Self::QuicUnknownVersion => "unknown QUIC version",
            Self::HelloIncomplete => "incomplete hello",
            Self::Midstream => "began before the capture",
            Self::Tunnel => "encrypted tunnel",
        }
    }
}

closed_list! {
    /// The one side of a flow that was seen.
    SeenSide {
        /// Only the client's packets.
        Client = "client",
        /// Only the server's packets.
        Server = "server",
    }
}

/// A host had flows without a name, rolled up over the time between two batches and at most one UTC hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlindHost {
    /// The host's address.
    pub host: IpAddr,
    /// Why there is no name.
    pub kind: BlindKind,
    /// When the first and the latest of these flows began.
    pub span: Span,
    /// How many.
    pub flows: u64,
}
