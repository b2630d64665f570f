//! UDP that is not DNS: QUIC, told by its first packets whatever the port; a matched name is followed.

use super::blind::is_quic_underway;
use super::conversation::{Conversation, Quic};
use super::named::Named;
use super::words::{Moment, Said};
use super::{Insides, Tracker, Witness};
use crate::dissect::quic::{FirstPacket, ServerReply, first_flight};
use crate::dissect::tls::ClientHello;
use crate::dissect::{Dissection, vpn};
use crate::flows::{self, Flow, Touched};
use crate::model::{Datagram, FlowProtocol, Protocol, ReplyKind, Side, Timestamp};

/// QUIC connections whose hello is being read at once: at most about 4 KiB each once keys exist, and 16 KiB with a hello
/// half read, so 64 MiB at the very worst. A handshake takes a few packets, so honest traffic has some dozens.
const MAX_READINGS: u64 = 4_096;

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

    fn begin(&mut self) -> Quic {
        if self.open >= MAX_READINGS {
            self.refused += 1;
            return Quic::Settled;
        }
        self.open += 1;
        Quic::Client(Box::default())
    }
}

impl Tracker {
    /// Takes a datagram; says whether it opened a flow.
    pub(super) fn udp(
        &mut self,
        datagram: &Datagram<'_>,
        time: Timestamp,
        witness: &mut impl Witness,
    ) -> bool {
        let header = flows::Header {
            time,
            src: datagram.src,
            dst: datagram.dst,
            wire_len: datagram.wire_len,
        };
        let insides = &mut self.insides;
        let Touched {
            flow,
            side,
            new,
            advanced,
            slot,
            ..
        } = self
            .flows
            .touch_datagram(header, Protocol::Udp, &mut |flow| insides.end(flow));
        insides.begin(flow, new, side, slot, time);
        // The one who sent the first packet of a flow is its client.
        if side == Side::Initiator
            && let Some(hello) = insides.quic_hello(flow, datagram)
        {
            let at = Moment {
                side,
                slot,
                time,
                server_seq: None,
            };
            let said = Said::Hello {
                hello: &hello,
                late: false,
            };
            insides.said(flow, said, at, witness);
            if flow.state.names.is_none() {
                flow.state.quic = Quic::Settled;
            }
        }
        let state = &mut flow.state;
        let Some(names) = &mut state.names else {
            state.unnamed_bytes[side.index()] += advanced;
            return new;
        };
        if let Some(named) = names.current() {
            if named.count(side, advanced, time, &mut insides.rollup) {
                insides.unreported.push(slot);
            }
            if side == Side::Responder {
                insides.quic_reply(named, &mut state.quic, datagram, time);
            }
            let threshold = insides.settings.transfer_threshold;
            named.weigh(threshold, time, &mut insides.rollup);
        }
        new
    }
}

impl Insides {
    /// Offers a client's datagram to the dissector.
    fn quic_hello(
        &mut self,
        flow: &mut Flow<Conversation>,
        datagram: &Datagram<'_>,
    ) -> Option<ClientHello> {
        let (bytes, wire_len) = (datagram.payload, datagram.wire_len as usize);
        if let Quic::Fresh = flow.state.quic {
            flow.state.quic = match first_flight(bytes, wire_len) {
                Dissection::Found(FirstPacket::Known(_) | FirstPacket::UnknownVersion(_)) => {
                    self.speaks(flow, FlowProtocol::Quic);
                    self.quic_readings.begin()
                }
                _ => {
                    self.speaks(flow, FlowProtocol::Other);
                    let ports = [datagram.src.port, datagram.dst.port];
                    flow.state.traits.tunnel =
                        vpn::tunnel(bytes, wire_len, ports[0], ports[1]).is_some();
                    flow.state.traits.midstream = is_quic_underway(bytes, ports);
                    Quic::Settled
                }
            };
        }
        let state = &mut flow.state;
        let Quic::Client(connection) = &mut state.quic else {
            return None;
        };
        match connection.datagram(bytes, wire_len, &mut self.scratch) {
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

    /// Reads what the server answered, until that is clear.
    fn quic_reply(
        &mut self,
        named: &mut Named,
        quic: &mut Quic,
        datagram: &Datagram<'_>,
        time: Timestamp,
    ) {
        let Quic::Server(server) = quic else { return };
        match server.reply(
            datagram.payload,
            datagram.wire_len as usize,
            &mut self.scratch,
        ) {
            Dissection::Found(ServerReply::Talk) => named.server_talks(time, &mut self.rollup),
            Dissection::Found(ServerReply::Refused) => {
                named.server_refuses(ReplyKind::QuicClose, time, &mut self.rollup);
            }
            _ => return,
        }
        *quic = Quic::Settled;
    }
}
