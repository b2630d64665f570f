//! UDP that is not DNS: QUIC, told by its first packets whatever the port; a matched name is followed.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::answer::Said;
use super::blind::is_quic_underway;
use super::conversation::{ClientReading, Conversation, Quic};
use super::words::{Asked, Moment};
use super::{Analysis, Insides, Witness};
use crate::dissect::quic::{
    Connection, FirstPacket, PacketKind, ServerReply, first_flight, initial_target,
};
use crate::dissect::tls::ClientHello;
use crate::dissect::{Dissection, vpn};
use crate::flows::{self, Flow, Touched};
use crate::model::{Datagram, FlowProtocol, Protocol, ReplyKind, Side, Timestamp};

/// QUIC connections whose hello is being read at once: at most about 4 KiB each once keys exist, and 16 KiB with a hello
/// half read, so 64 MiB at the very worst. A handshake takes a few packets, so honest traffic has some dozens.
const MAX_READINGS: u64 = 4_096;

/// Connections tried in one flow: most have one, and a second try for the id that the server chose.
const MAX_CONNECTIONS: u8 = 32;

/// Bytes from a server whose first answer was missed: three times a client's first flight of the longest kind, and more.
const MISSED_ANSWER: u64 = 64 * 1024;

/// How many QUIC connections are being read.
#[derive(Debug, Default)]
pub(super) struct Readings {
    open: u64,
    refused: u64,
}

impl Readings {
    /// Connections being read.
    pub(super) fn len(&self) -> u64 {
        self.open
    }

    /// Connections that were not read because there were too many.
    pub(super) fn refused(&self) -> u64 {
        self.refused
    }

    /// The reading of a flow is over.
    pub(super) fn end(&mut self, state: &mut Conversation) {
        if let Quic::Client(_) = std::mem::replace(&mut state.quic, Quic::Settled) {
            self.open -= 1;
        }
    }

    fn begin(&mut self, state: &mut Conversation, side: Side, id: u32) {
        self.end(state);
        state.quic_id = id;
        state.quic_connections += 1;
        if self.open >= MAX_READINGS {
            self.refused += 1;
            return;
        }
        self.open += 1;
        state.quic = Quic::Client(Box::new(ClientReading {
            connection: Connection::default(),
            side,
            again: state.quic_connections > 1,
        }));
    }
}

impl Analysis {
    /// Takes a datagram; says whether it opened a flow.
    pub(super) fn udp(
        &mut self,
        datagram: &Datagram<'_>,
        time: Timestamp,
        witness: &mut impl Witness,
    ) -> bool {
        let header = flows::Header {
            time,
            now: self.clock.at_least(time),
            src: datagram.src,
            dst: datagram.dst,
            wire_len: datagram.wire_len,
            thinned: false,
        };
        let insides = &mut self.insides;
        let Touched {
            flow,
            side,
            new,
            mut advanced,
            slot,
            ..
        } = self
            .flows
            .touch_datagram(header, Protocol::Udp, &mut |flow| insides.end(flow));
        insides.begin(flow, new, side, slot, header);
        let may_be_quic = matches!(flow.state.quic, Quic::Fresh)
            || flow.state.traits.speaks == Some(FlowProtocol::Quic);
        if may_be_quic && insides.recent.repeats(slot, side, datagram, time) {
            // What it says may not have been clear when the first one came, so it is read all the same.
            insides.stats.seen.duplicate_datagrams += 1;
            advanced = 0;
        }
        if let Some(hello) = insides.quic_hello(flow, side, datagram) {
            let at = Moment {
                side,
                slot,
                time,
                server_seq: None,
            };
            let asked = Asked::Hello {
                hello: &hello,
                late: false,
            };
            insides.asked(flow, asked, at, witness);
            let awaited = flow
                .state
                .names
                .as_mut()
                .is_some_and(|names| names.current().is_some());
            if !awaited && flow.state.traits.named {
                flow.state.quic = Quic::Settled;
            }
        }
        let state = &mut flow.state;
        let answers = state.traits.client.is_some_and(|client| client != side);
        let Some(names) = &mut state.names else {
            state.unnamed_bytes[side.index()] += advanced;
            if answers && let Some(said) = insides.quic_reply(&mut state.quic, datagram) {
                state.traits.answered = Some(said);
            }
            return new;
        };
        if let Some(named) = names.current() {
            if answers {
                match insides.quic_reply(&mut state.quic, datagram) {
                    Some(Said::Talk) => named.server_talks(time, &mut insides.rollup),
                    Some(Said::Refusal(kind)) => {
                        named.server_refuses(kind, time, &mut insides.rollup);
                    }
                    Some(Said::Unclear) | None => {}
                }
            }
            // The bytes of a refusal are not the vendor's.
            let foreign = answers && named.is_refused();
            if !foreign && named.count(side, advanced, time, &mut insides.rollup) {
                insides.unreported.push(slot);
            }
            // More than a server may send to somebody who did not answer it (RFC 9000, section 8.1) is an answer too, where
            // its first packets were missed.
            if answers
                && matches!(state.quic, Quic::Server(_))
                && named.received_more_than(MISSED_ANSWER)
            {
                named.server_talks(time, &mut insides.rollup);
                state.quic = Quic::Settled;
            }
            let threshold = insides.settings.transfer_threshold;
            named.weigh(threshold, time, &mut insides.rollup);
        }
        new
    }
}

impl Insides {
    /// Offers a datagram to the dissector, if it may be a client's.
    fn quic_hello(
        &mut self,
        flow: &mut Flow<Conversation>,
        side: Side,
        datagram: &Datagram<'_>,
    ) -> Option<ClientHello> {
        let (bytes, wire_len) = (datagram.payload, datagram.wire_len as usize);
        if let Quic::Fresh = flow.state.quic {
            self.quic_first_packet(flow, side, datagram);
        } else if may_begin_again(&flow.state, side, bytes)
            && let Some(id) = client_id(bytes, wire_len)
            && id != flow.state.quic_id
        {
            self.quic_readings.begin(&mut flow.state, side, id);
        }
        let state = &mut flow.state;
        let Quic::Client(reading) = &mut state.quic else {
            return None;
        };
        if reading.side != side {
            return None;
        }
        let connection = &mut reading.connection;
        match connection.datagram(bytes, wire_len, &mut self.scratch) {
            // Behind the first connection of a flow most of these are that one's own, with the id that its server chose.
            Dissection::NeedMore if reading.again && !connection.has_opened() => {
                self.quic_readings.end(state);
                None
            }
            Dissection::NeedMore => None,
            Dissection::NotThis => {
                state.traits.unknown_version |= connection.is_unknown_version();
                state.traits.incomplete |= !connection.is_unknown_version();
                self.quic_readings.end(state);
                None
            }
            Dissection::Found(hello) => {
                let server = connection.server();
                self.quic_readings.end(state);
                state.quic = server.map_or(Quic::Settled, |server| Quic::Server(Box::new(server)));
                Some(hello)
            }
        }
    }

    /// Tells by a flow's first packet what it is.
    fn quic_first_packet(
        &mut self,
        flow: &mut Flow<Conversation>,
        side: Side,
        datagram: &Datagram<'_>,
    ) {
        let (bytes, wire_len) = (datagram.payload, datagram.wire_len as usize);
        if let Dissection::Found(FirstPacket::Known(_) | FirstPacket::UnknownVersion(_)) =
            first_flight(bytes, wire_len)
        {
            self.speaks(flow, FlowProtocol::Quic);
            let id = client_id(bytes, wire_len).unwrap_or_default();
            self.quic_readings.begin(&mut flow.state, side, id);
            return;
        }
        self.speaks(flow, FlowProtocol::Other);
        let ports = [datagram.src.port, datagram.dst.port];
        let traits = &mut flow.state.traits;
        traits.tunnel = vpn::tunnel(bytes, wire_len, ports[0], ports[1]).is_some();
        if is_quic_underway(bytes, ports) {
            traits.midstream = true;
            traits.readable_kind = true;
        }
        flow.state.quic = Quic::Settled;
    }

    /// Reads what the server answered, until that is clear.
    fn quic_reply(&mut self, quic: &mut Quic, datagram: &Datagram<'_>) -> Option<Said> {
        let Quic::Server(server) = quic else {
            return None;
        };
        let wire_len = datagram.wire_len as usize;
        let said = match server.reply(datagram.payload, wire_len, &mut self.scratch) {
            Dissection::Found(ServerReply::Talk) => Said::Talk,
            Dissection::Found(ServerReply::Refused) => Said::Refusal(ReplyKind::QuicClose),
            _ => return None,
        };
        *quic = Quic::Settled;
        Some(said)
    }
}

/// Whether a packet may be the first of another connection: of the side that is the client, if that is known, while no
/// hello is certain to be on its way.
fn may_begin_again(state: &Conversation, side: Side, bytes: &[u8]) -> bool {
    let waits = match &state.quic {
        Quic::Settled => state.traits.client.is_none_or(|client| client == side),
        Quic::Client(reading) => reading.side != side && !reading.connection.has_opened(),
        Quic::Fresh | Quic::Server(_) => false,
    };
    let long_header = bytes.first().is_some_and(|first| first & 0x80 != 0);
    waits && long_header && state.quic_connections < MAX_CONNECTIONS
}

/// A digest of the connection id that a client's first packet goes to; `None` if it is none.
fn client_id(bytes: &[u8], wire_len: usize) -> Option<u32> {
    let known = matches!(
        first_flight(bytes, wire_len),
        Dissection::Found(FirstPacket::Known(PacketKind::Initial))
    );
    let id = initial_target(bytes, wire_len).filter(|_| known)?;
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    Some(hasher.finish() as u32)
}
