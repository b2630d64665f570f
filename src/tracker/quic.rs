//! UDP that is not DNS: QUIC, told by its first packets whatever the port; a matched name is followed.

use super::conversation::{Conversation, Named, Quic};
use super::hello::Moment;
use super::{Insides, Tracker, Witness};
use crate::dissect::Dissection;
use crate::dissect::quic::{FirstPacket, ServerReply, first_flight};
use crate::dissect::tls::ClientHello;
use crate::flows::{self, Touched};
use crate::model::{Datagram, FlowProtocol, Side, Signal, Timestamp};

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
        } = self.flows.touch_udp(header, &mut |flow| insides.end(flow));
        if flow.state.minute_began(side, time) {
            let (sender, receiver) = (datagram.src.addr, datagram.dst.addr);
            let opened = side == Side::Initiator;
            insides.note_presence(&self.settings.local, sender, receiver, opened, time);
        }
        match &mut flow.state.named {
            Some(named) => {
                if named.count(side, advanced, time, &mut insides.rollup) {
                    insides.unreported.push(slot);
                }
                if side == Side::Responder {
                    insides.quic_reply(named, &mut flow.state.quic, datagram, time);
                }
                named.weigh(self.settings.transfer_threshold, time, &mut insides.rollup);
            }
            None => {
                flow.state.unnamed_bytes[side.index()] += advanced;
                // The one who sent the first packet of a flow is its client.
                if side == Side::Initiator
                    && let Some(hello) = insides.quic_hello(&mut flow.state, datagram)
                {
                    let at = Moment {
                        signal: Signal::Quic,
                        side,
                        slot,
                        time,
                        server_seq: None,
                    };
                    let host = hello.server_name.as_deref();
                    insides.first_words(flow, host, at, &self.rules, &self.settings, witness);
                    if flow.state.named.is_none() {
                        flow.state.quic = Quic::Settled;
                    }
                }
            }
        }
        new
    }
}

impl Insides {
    /// Offers a client's datagram to the dissector.
    fn quic_hello(
        &mut self,
        state: &mut Conversation,
        datagram: &Datagram<'_>,
    ) -> Option<ClientHello> {
        let (bytes, wire_len) = (datagram.payload, datagram.wire_len as usize);
        if let Quic::Fresh = state.quic {
            state.quic = match first_flight(bytes, wire_len) {
                Dissection::Found(FirstPacket::Known(_) | FirstPacket::UnknownVersion(_)) => {
                    self.stats.seen.flows[FlowProtocol::Quic.index()] += 1;
                    self.quic_readings.begin()
                }
                _ => {
                    self.stats.seen.flows[FlowProtocol::Other.index()] += 1;
                    Quic::Settled
                }
            };
        }
        let Quic::Client(connection) = &mut state.quic else {
            return None;
        };
        match connection.datagram(bytes, wire_len, &mut self.scratch) {
            Dissection::NeedMore => None,
            Dissection::NotThis => {
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
            Dissection::Found(ServerReply::Refused) => named.server_closed(time, &mut self.rollup),
            _ => return,
        }
        *quic = Quic::Settled;
    }
}
