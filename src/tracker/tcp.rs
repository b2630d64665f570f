//! TCP: each flow's bytes are put in order and read, whatever the port; a matched name is followed.

use super::blind::is_readable_kind;
use super::conversation::Conversation;
use super::dns::Exchange;
use super::expects::Words;
use super::reading::{Lost, Piece, Reading};
use super::words::{Asked, Moment};
use super::{Analysis, Insides, Witness};
use crate::dissect::dns;
use crate::flows::{self, Flow, Touched};
use crate::model::{FlowProtocol, Protocol, ReplyKind, Segment, Side, Timestamp};

impl Analysis {
    /// Takes a segment; says whether it opened a flow.
    pub(super) fn tcp(
        &mut self,
        segment: &Segment<'_>,
        time: Timestamp,
        witness: &mut impl Witness,
    ) -> bool {
        let header = flows::Header {
            time,
            now: self.clock.at_least(time),
            src: segment.src,
            dst: segment.dst,
            wire_len: segment.wire_len,
            thinned: self
                .insides
                .settings
                .leaves_out(segment.dst.addr, segment.src.addr),
        };
        let insides = &mut self.insides;
        let touched = self.flows.touch_tcp(
            header,
            segment.seq,
            segment.ack,
            segment.flags,
            &mut |flow| {
                insides.end(flow);
            },
        );
        if segment.flags.syn
            && !segment.flags.ack
            && insides.settings.local.contains(segment.src.addr)
        {
            let (hops, presence) = (insides.hops, &mut insides.presence);
            insides
                .role_log
                .hops(segment.src.addr, hops, presence, time);
        }
        let new = touched.new;
        insides.begin(&mut *touched.flow, new, touched.side, touched.slot, header);
        insides.segment(touched, segment, time, witness);
        new
    }
}

impl Insides {
    fn segment(
        &mut self,
        touched: Touched<'_, Conversation>,
        segment: &Segment<'_>,
        time: Timestamp,
        witness: &mut impl Witness,
    ) {
        let Touched {
            flow,
            side,
            advanced,
            acknowledged,
            slot,
            expected,
            ..
        } = touched;
        let (next, other_next) = (flow.next_seq(side), flow.next_seq(side.other()));
        let other_seen = flow.state.traits.sides[side.other().index()];
        // What it says comes first: its bytes belong to the name that it holds.
        let settled = matches!(flow.state.reading, Reading::Settled);
        if segment.wire_len > 0 && !settled {
            self.read_segment(flow, side, slot, expected, segment, time, witness);
        }
        let Some(names) = &mut flow.state.names else {
            flow.state.unnamed_bytes[side.index()] += advanced;
            flow.state.unnamed_bytes[side.other().index()] += acknowledged;
            if segment.flags.rst && side == Side::Responder {
                self.refused(flow, ReplyKind::Reset, time);
            }
            return;
        };
        let (budget, rollup) = (&mut self.budget, &mut self.rollup);
        if let Some(named) = names.current()
            && (named.count(side, advanced, time, rollup)
                | named.count(side.other(), acknowledged, time, rollup))
        {
            self.unreported.push(slot);
        }
        if acknowledged > 0 && flow.state.traits.client == Some(side) {
            names.unseen(other_next);
        }
        if flow.state.traits.client != Some(side) {
            let block_pages = &self.settings.block_pages;
            names.answer(segment, next, time, block_pages, budget, rollup);
        }
        if let Some(named) = names.current() {
            let threshold = self.settings.transfer_threshold;
            if acknowledged > 0 {
                named.acknowledged(side, other_seen, threshold, time, rollup);
            }
            named.weigh(threshold, time, rollup);
        }
    }

    /// Puts a segment's payload in order and takes what became whole by it.
    #[expect(
        clippy::too_many_arguments,
        reason = "a segment and where it stands in its flow"
    )]
    fn read_segment(
        &mut self,
        flow: &mut Flow<Conversation>,
        side: Side,
        slot: usize,
        expected: Option<u32>,
        segment: &Segment<'_>,
        time: Timestamp,
        witness: &mut impl Witness,
    ) {
        let ports = [segment.src.port, segment.dst.port];
        if let Reading::Unopened = flow.state.reading {
            flow.state.traits.midstream = !flow.opening_seen();
            flow.state.traits.readable_kind |= is_readable_kind(segment.payload, ports);
        }
        // The server had its turn before a late hello: what is sent without waiting for anybody is somebody's data.
        let answered = flow.state.unnamed_bytes[side.other().index()] > 0;
        let piece = Piece {
            side,
            // The SYN may carry data (RFC 7413); its payload then starts one further.
            seq: segment.seq.wrapping_add(u32::from(segment.flags.syn)),
            payload: segment.payload,
            cut: segment.wire_len as usize > segment.payload.len(),
            expected,
            may_be_client: side == Side::Initiator || !flow.opening_seen(),
            dns: ports.contains(&dns::PORT),
        };
        let mut words = std::mem::take(&mut self.words);
        let lost = flow.state.reading.take(piece, &mut self.budget, &mut words);
        flow.state.traits.incomplete |= lost == Lost::Words && piece.may_be_client;
        flow.state.traits.start_missed |= lost == Lost::Start && piece.may_be_client;
        let at = Moment {
            side,
            slot,
            time,
            server_seq: flow
                .next_seq(side.other())
                .or(segment.flags.ack.then_some(segment.ack)),
        };
        for word in words.drain(..) {
            match word {
                Words::Hello { late: true, .. } if !answered => {}
                Words::Hello { hello, late } => {
                    self.speaks(flow, FlowProtocol::Tls);
                    self.asked(
                        flow,
                        Asked::Hello {
                            hello: &hello,
                            late,
                        },
                        at,
                        witness,
                    );
                }
                Words::Request(request) => {
                    self.speaks(flow, FlowProtocol::Http);
                    self.asked(flow, Asked::Request(&request), at, witness);
                    flow.state.traits.connect |= request.connect;
                }
                Words::Tunnel => flow.state.traits.tunnel = true,
                Words::Answer(said) => flow.state.traits.answered = Some(said),
                Words::Lost => flow.state.traits.incomplete = true,
                Words::Dns(message) => {
                    // Its questions are counted one by one.
                    flow.state.traits.speaks = Some(FlowProtocol::Dns);
                    let exchange = Exchange {
                        src: segment.src,
                        dst: segment.dst,
                        protocol: Protocol::Tcp,
                        time,
                    };
                    self.dns_message(&exchange, &message, witness);
                }
            }
        }
        self.words = words;
        if let Reading::Settled = flow.state.reading {
            self.speaks(flow, FlowProtocol::Other);
        }
    }

    /// It is clear what a flow speaks; the first word counts.
    pub(super) fn speaks(&mut self, flow: &mut Flow<Conversation>, protocol: FlowProtocol) {
        if flow.state.traits.speaks.is_none() {
            flow.state.traits.speaks = Some(protocol);
            self.stats.seen.flows[protocol.index()] += 1;
        }
    }
}
