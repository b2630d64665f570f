//! Why a flow has no name, by what was seen of it.

use crate::flows::Flow;
use crate::model::{BlindKind, Endpoint, FlowProtocol, Protocol, SeenSide, Side};
use crate::tracker::Insides;
use crate::tracker::conversation::{Conversation, Quic, Traits};

/// Ports whose flows are of a readable kind although nothing readable was seen of them.
const TLS_AND_HTTP_PORTS: [u16; 6] = [80, 443, 465, 853, 8080, 8443];
const QUIC_PORT: u16 = 443;
/// TLS content types 20 to 23 (RFC 8446, section 5.1) and the major version.
const TLS_CONTENT: std::ops::RangeInclusive<u8> = 20..=23;

impl Insides {
    /// DNS over TLS and over HTTPS are told by port and address where no hello was seen.
    pub(super) fn note_hidden_dns(&self, flow: &mut Flow<Conversation>, server: Endpoint) {
        let spoke = flow.state.unnamed_bytes != [0, 0];
        let encrypted = self.rules.encrypted_dns();
        let traits = &mut flow.state.traits;
        traits.encrypted_dns |= spoke
            && traits
                .speaks
                .is_none_or(|speaks| speaks == FlowProtocol::Other)
            && (server.port == 853
                || (server.port == 443 && encrypted.is_resolver_address(server.addr)));
    }
}

/// Which side is the client: the one who said a hello or a request; else who opened the flow; where that was not seen,
/// the one whose port is the higher.
pub(super) fn client_side(flow: &Flow<Conversation>) -> Side {
    if let Some(side) = flow.state.traits.client {
        return side;
    }
    let opened = flow.opening_seen() || flow.protocol != Protocol::Tcp;
    if opened || flow.initiator.port >= flow.responder.port {
        Side::Initiator
    } else {
        Side::Responder
    }
}

/// The one side of which packets were seen, of a flow in which both would be expected.
pub(super) fn one_side(flow: &Flow<Conversation>, client_side: Side) -> Option<SeenSide> {
    let Traits { sides, speaks, .. } = flow.state.traits;
    let two_way = flow.protocol == Protocol::Tcp || speaks == Some(FlowProtocol::Quic);
    match (
        sides[client_side.index()],
        sides[client_side.other().index()],
    ) {
        (true, false) if two_way => Some(SeenSide::Client),
        (false, true) if two_way => Some(SeenSide::Server),
        _ => None,
    }
}

/// Why a flow has no name; the first that holds, in the order of [`BlindKind`].
pub(super) fn blind_kind(flow: &Flow<Conversation>, client_side: Side) -> Option<BlindKind> {
    let state = &flow.state;
    let traits = &state.traits;
    let (half_way, unknown_version) = match &state.quic {
        Quic::Client(reading) if reading.connection.is_unknown_version() => (false, true),
        Quic::Client(_) => (true, false),
        _ => (state.reading.is_half_way(), traits.unknown_version),
    };
    // Of a server's side alone nothing could have been read: that is told by the side.
    let readable = traits.readable_kind && traits.sides[client_side.index()];
    let midstream = readable && traits.midstream;
    // Something came, and of the client not the start.
    let missing = traits.start_missed || state.reading.start_is_missing(client_side);
    let lost = readable && !traits.midstream && missing;
    let causes = [
        (traits.ech, BlindKind::Ech),
        (traits.no_name, BlindKind::NoSni),
        (traits.encrypted_dns, BlindKind::EncryptedDns),
        (unknown_version, BlindKind::QuicUnknownVersion),
        (
            traits.incomplete || half_way || lost,
            BlindKind::HelloIncomplete,
        ),
        (midstream, BlindKind::Midstream),
        (traits.tunnel, BlindKind::Tunnel),
    ];
    let first = causes.into_iter().find(|(holds, _)| *holds);
    first.map(|(_, kind)| kind).filter(|_| !traits.named)
}

/// Whether the first payload that was seen of a TCP flow, whose start was not, is of a kind that is read.
pub(in crate::tracker) fn is_readable_kind(payload: &[u8], ports: [u16; 2]) -> bool {
    let record =
        matches!(payload, [kind, 3, minor, ..] if TLS_CONTENT.contains(kind) && *minor <= 4);
    let by_port = || ports.iter().any(|port| TLS_AND_HTTP_PORTS.contains(port));
    record || payload.starts_with(b"HTTP/1.") || by_port()
}

/// Whether a datagram belongs to a QUIC connection whose start was not seen: a short header on the port of HTTP/3.
pub(in crate::tracker) fn is_quic_underway(payload: &[u8], ports: [u16; 2]) -> bool {
    // RFC 9000, section 17.3.1: the form bit is clear, the fixed bit set; a sample for header protection is 16 bytes.
    payload.len() > 20 && payload[0] & 0xc0 == 0x40 && ports.contains(&QUIC_PORT)
}
