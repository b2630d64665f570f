//! TCP: the first bytes of each flow are offered to the dissectors of TLS and HTTP, whatever the port; a matched name is
//! followed.

use super::conversation::{Conversation, Opening, Reading};
use super::hello::Moment;
use super::{Insides, Tracker, Witness};
use crate::dissect::tls::{self, ClientHello};
use crate::dissect::{Dissection, http};
use crate::flows::{self, Touched};
use crate::model::{FlowProtocol, Segment, Side, Signal, Timestamp};

impl Tracker {
    /// Takes a segment; says whether it opened a flow.
    pub(super) fn tcp(
        &mut self,
        segment: &Segment<'_>,
        time: Timestamp,
        witness: &mut impl Witness,
    ) -> bool {
        let header = flows::Header {
            time,
            src: segment.src,
            dst: segment.dst,
            wire_len: segment.wire_len,
        };
        let insides = &mut self.insides;
        let Touched {
            flow,
            side,
            new,
            advanced,
            slot,
        } = self
            .flows
            .touch_tcp(header, segment.seq, segment.flags, &mut |flow| {
                insides.end(flow);
            });
        if flow.state.minute_began(side, time) {
            let (sender, receiver) = (segment.src.addr, segment.dst.addr);
            let opened = side == Side::Initiator;
            insides.note_presence(&self.settings.local, sender, receiver, opened, time);
        }
        match &mut flow.state.named {
            Some(named) => {
                if named.count(side, advanced, time, &mut insides.rollup) {
                    insides.unreported.push(slot);
                }
                let threshold = self.settings.transfer_threshold;
                named.segment(
                    side,
                    segment,
                    time,
                    threshold,
                    &mut insides.budget,
                    &mut insides.rollup,
                );
            }
            None => {
                flow.state.unnamed_bytes[side.index()] += advanced;
                let syn_seen = flow.syn_seen();
                let words = read_first_words(&mut flow.state, syn_seen, side, segment, insides);
                if let Some(words) = words {
                    let server_seq = flow
                        .next_seq(side.other())
                        .or(segment.flags.ack.then_some(segment.ack));
                    insides.stats.seen.flows[words.protocol().index()] += 1;
                    let at = Moment {
                        signal: words.signal(),
                        side,
                        slot,
                        time,
                        server_seq,
                    };
                    let host = words.host();
                    insides.first_words(flow, host, at, &self.rules, &self.settings, witness);
                }
            }
        }
        new
    }
}

/// How a client opens a conversation.
#[derive(Debug, PartialEq, Eq)]
enum FirstWords {
    Hello(ClientHello),
    Request(http::Request),
}

impl FirstWords {
    /// Reads the first bytes of a stream.
    fn read(stream: &[u8]) -> Dissection<Self> {
        match tls::client_hello(stream) {
            Dissection::Found(hello) => Dissection::Found(Self::Hello(hello)),
            Dissection::NeedMore => Dissection::NeedMore,
            Dissection::NotThis => match http::request(stream) {
                Dissection::Found(request) => Dissection::Found(Self::Request(request)),
                Dissection::NeedMore => Dissection::NeedMore,
                Dissection::NotThis => Dissection::NotThis,
            },
        }
    }

    fn protocol(&self) -> FlowProtocol {
        match self {
            Self::Hello(_) => FlowProtocol::Tls,
            Self::Request(_) => FlowProtocol::Http,
        }
    }

    fn signal(&self) -> Signal {
        match self {
            Self::Hello(_) => Signal::Tls,
            Self::Request(request) if request.connect => Signal::Connect,
            Self::Request(_) => Signal::Http,
        }
    }

    fn host(&self) -> Option<&[u8]> {
        match self {
            Self::Hello(hello) => hello.server_name.as_deref(),
            Self::Request(request) => request.host.as_deref(),
        }
    }
}

/// Offers a segment to the dissector, and settles what the flow speaks once that is clear.
fn read_first_words(
    state: &mut Conversation,
    syn_seen: bool,
    side: Side,
    segment: &Segment<'_>,
    insides: &mut Insides,
) -> Option<FirstWords> {
    let Reading::FirstWords(opening) = &mut state.reading else {
        return None;
    };
    if segment.flags.syn {
        opening.streams[side.index()].start_at(segment.seq.wrapping_add(1));
    }
    // The SYN may carry data (RFC 7413); its payload then starts one further.
    let seq = segment.seq.wrapping_add(u32::from(segment.flags.syn));
    let verdict = opening.offer(side, seq, segment.payload, insides);
    let other_is_spent = opening.spent[side.other().index()];
    let settled = match &verdict {
        Dissection::Found(_) => true,
        Dissection::NeedMore => false,
        // The one who opened the connection sends the hello. Where the opening was not seen, it may be either.
        Dissection::NotThis => other_is_spent || (syn_seen && side == Side::Initiator),
    };
    if settled {
        state.release(&mut insides.budget);
        state.reading = Reading::Settled;
    }
    match verdict {
        Dissection::Found(words) => Some(words),
        _ => {
            insides.stats.seen.flows[FlowProtocol::Other.index()] += u64::from(settled);
            None
        }
    }
}

impl Opening {
    fn offer(
        &mut self,
        side: Side,
        seq: u32,
        payload: &[u8],
        insides: &mut Insides,
    ) -> Dissection<FirstWords> {
        let at = side.index();
        if payload.is_empty() {
            return Dissection::NeedMore;
        }
        if self.spent[at] {
            return Dissection::NotThis;
        }
        let budget = &mut insides.budget;
        let stream = &mut self.streams[at];
        let verdict = match stream.fresh(seq, payload) {
            Some([]) => Dissection::NeedMore,
            Some(fresh) if stream.bytes().is_empty() => match FirstWords::read(fresh) {
                Dissection::NeedMore if !stream.append(fresh, tls::MAX_STREAM_LEN, budget) => {
                    Dissection::NotThis
                }
                verdict => verdict,
            },
            Some(fresh) if stream.append(fresh, tls::MAX_STREAM_LEN, budget) => {
                FirstWords::read(stream.bytes())
            }
            _ => Dissection::NotThis,
        };
        if verdict == Dissection::NotThis {
            self.spent[at] = true;
            stream.release(budget);
        }
        verdict
    }
}
