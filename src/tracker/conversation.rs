//! What the tracker keeps for each flow: what is still to be read, and how far a matched name got.

use crate::dissect::tls::{self, ServerReply};
use crate::dissect::{Dissection, http, quic};
use crate::flows::{Budget, FirstBytes};
use crate::model::{
    Category, Endpoint, Evidence, Protocol, ReplyKind, Sample, Segment, Side, Signal, Timestamp,
};

use super::rollup::{Rollup, Subject};

/// State of one flow.
#[derive(Debug, Default)]
pub struct Conversation {
    /// Minute of the latest packet from each side, to tell presence once a minute only.
    minutes: [i64; 2],
    /// Payload bytes from each side before a name was matched.
    pub(super) unnamed_bytes: [u64; 2],
    /// What is still to be read.
    pub(super) reading: Reading,
    /// How far a UDP flow was read as QUIC.
    pub(super) quic: Quic,
    /// The matched name, if one was read.
    pub(super) named: Option<Box<Named>>,
}

/// How far a UDP flow was read as QUIC.
#[derive(Debug, Default)]
pub(super) enum Quic {
    /// Nothing was seen of it.
    #[default]
    Fresh,
    /// Its first packets were QUIC; the hello is being read.
    Client(Box<quic::Connection>),
    /// The hello matched; the server's answer is awaited.
    Server(Box<quic::Server>),
    /// Nothing more is to be read.
    Settled,
}

/// What is still to be read in a flow.
#[derive(Debug)]
pub(super) enum Reading {
    /// The first bytes of both sides may hold a hello or a request.
    FirstWords(Opening),
    /// Nothing more.
    Settled,
}

/// The first bytes of both sides, and which of them cannot hold a hello or a request any more.
#[derive(Debug, Default)]
pub(super) struct Opening {
    pub(super) streams: [FirstBytes; 2],
    pub(super) spent: [bool; 2],
}

impl Default for Reading {
    fn default() -> Self {
        Self::FirstWords(Opening::default())
    }
}

impl Conversation {
    /// Whether this is a side's first packet in its minute.
    pub(super) fn minute_began(&mut self, side: Side, time: Timestamp) -> bool {
        let minute = &mut self.minutes[side.index()];
        std::mem::replace(minute, time.minute()) != time.minute()
    }

    /// Whether it is known what the flow speaks.
    pub(super) fn is_classified(&self) -> bool {
        matches!(self.reading, Reading::Settled)
    }

    /// Gives kept bytes back.
    pub(super) fn release(&mut self, budget: &mut Budget) {
        if let Reading::FirstWords(opening) = &mut self.reading {
            for stream in &mut opening.streams {
                stream.release(budget);
            }
        }
        if let Some(named) = &mut self.named {
            named.reply.release(budget);
        }
    }

    /// Reports the matched name's bytes.
    pub(super) fn report_bytes(&mut self, rollup: &mut Rollup) {
        if let Some(named) = &mut self.named {
            named.report_bytes(rollup);
        }
    }
}

/// A matched name on its way up the evidence ladder.
#[derive(Debug)]
pub(super) struct Named {
    subject: Subject,
    ends: Ends,
    level: Evidence,
    /// The server's bytes after the hello, until it is known what they say.
    reply: FirstBytes,
    /// Whether it is known what came back.
    replied: bool,
    /// Whether a reset came before that.
    was_reset: bool,
    /// Bytes from the server before the name was read.
    received_before: u64,
    received: u64,
    sent: u64,
    unreported: Unreported,
}

/// Who speaks to whom in a flow, and how.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ends {
    pub(super) client: Endpoint,
    pub(super) server: Endpoint,
    pub(super) client_side: Side,
    pub(super) protocol: Protocol,
}

/// What a server said, for the ladder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    /// It talks.
    Talk,
    /// It, or something that speaks for it, refused.
    Refusal(ReplyKind),
}

impl Said {
    /// Reads the first bytes of an answer to a name of this signal. HTTP 403 and 451 block; a proxy refuses by anything
    /// but 2xx. A server that speaks something else speaks.
    fn read(signal: Signal, stream: &[u8]) -> Dissection<Self> {
        if matches!(signal, Signal::Http | Signal::Connect) {
            return match (signal, http::status(stream)) {
                (_, Dissection::NeedMore) => Dissection::NeedMore,
                (Signal::Connect, Dissection::Found(200..300)) => Dissection::Found(Self::Talk),
                (Signal::Connect, Dissection::Found(_)) => {
                    Dissection::Found(Self::Refusal(ReplyKind::ProxyRefusal))
                }
                (_, Dissection::Found(403 | 451)) => {
                    Dissection::Found(Self::Refusal(ReplyKind::HttpBlock))
                }
                _ => Dissection::Found(Self::Talk),
            };
        }
        match tls::server_reply(stream) {
            Dissection::NeedMore => Dissection::NeedMore,
            Dissection::Found(ServerReply::FatalAlert) => {
                Dissection::Found(Self::Refusal(ReplyKind::TlsAlert))
            }
            _ => Dissection::Found(Self::Talk),
        }
    }
}

/// Where the server's answer to a hello starts.
#[derive(Clone, Copy, Debug)]
pub(super) struct AnswerStart {
    /// The server's next sequence number when the hello came, if known.
    pub(super) seq: Option<u32>,
    /// Payload bytes that the server had sent by then.
    pub(super) bytes_before: u64,
}

/// Bytes that the rollup does not have yet, all of one hour and on one side of every cutoff.
#[derive(Debug, Default)]
struct Unreported {
    received: u64,
    sent: u64,
    /// Time of the latest of them; `None` where there are none.
    time: Option<Timestamp>,
}

/// Server bytes whose content the snap length cut: so many cannot be an alert alone (a record of 7 bytes, encrypted
/// alerts at most some tens).
const MORE_THAN_AN_ALERT: u64 = 64;
/// How far behind the expected byte a reset may stand: resets that middleboxes inject are not always exact.
const MAX_WINDOW: u32 = 1 << 20;
/// Kept of the server's reply: alerts are short.
const MAX_REPLY_LEN: usize = 1024;

impl Named {
    /// A name read in a client's hello: the attempt.
    pub(super) fn attempt(
        subject: Subject,
        ends: Ends,
        answer: AnswerStart,
        time: Timestamp,
        rollup: &mut Rollup,
    ) -> Self {
        let AnswerStart { seq, bytes_before } = answer;
        let mut named = Self {
            subject,
            ends,
            level: Evidence::Attempt,
            reply: FirstBytes::default(),
            replied: false,
            was_reset: false,
            received_before: bytes_before,
            received: 0,
            sent: 0,
            unreported: Unreported::default(),
        };
        if let Some(seq) = seq {
            named.reply.start_at(seq);
        }
        named.reach(Evidence::Attempt, time, rollup);
        named
    }

    /// Counts payload bytes. True when the flow has to be put on the list of those with unreported bytes.
    pub(super) fn count(
        &mut self,
        side: Side,
        bytes: u64,
        time: Timestamp,
        rollup: &mut Rollup,
    ) -> bool {
        if bytes == 0 {
            return false;
        }
        let service = &self.subject.matched.service;
        let differs = self.unreported.time.is_some_and(|last| {
            last.hour() != time.hour() || service.era(last) != service.era(time)
        });
        if differs {
            self.report_bytes(rollup);
        }
        let (total, unreported) = if side == self.ends.client_side {
            (&mut self.sent, &mut self.unreported.sent)
        } else {
            (&mut self.received, &mut self.unreported.received)
        };
        *total += bytes;
        *unreported += bytes;
        self.unreported.time.replace(time).is_none()
    }

    /// Takes a segment that came after the name: what it proves.
    pub(super) fn segment(
        &mut self,
        side: Side,
        segment: &Segment<'_>,
        time: Timestamp,
        threshold: u64,
        budget: &mut Budget,
        rollup: &mut Rollup,
    ) {
        if side != self.ends.client_side && !self.replied {
            self.server_reply(segment, time, budget, rollup);
        }
        self.weigh(threshold, time, rollup);
    }

    /// The server answered over QUIC.
    pub(super) fn server_talks(&mut self, time: Timestamp, rollup: &mut Rollup) {
        self.replied = true;
        self.reach(Evidence::Contact, time, rollup);
    }

    /// The server, or something that speaks for it, closed the QUIC connection at once.
    pub(super) fn server_closed(&mut self, time: Timestamp, rollup: &mut Rollup) {
        self.replied = true;
        rollup.reply(&self.subject, ReplyKind::QuicClose, time);
    }

    /// Goes up to `transfer` where the bytes suffice.
    pub(super) fn weigh(&mut self, threshold: u64, time: Timestamp, rollup: &mut Rollup) {
        let telemetry = self.subject.matched.service.category == Category::Telemetry;
        let enough = self.received >= threshold || (telemetry && self.sent >= threshold);
        if self.level == Evidence::Contact && enough {
            self.reach(Evidence::Transfer, time, rollup);
        }
    }

    /// What a segment of the server says about the name. Only payload behind the hello counts: the segments that close
    /// a connection, keep-alives and repeated SYNs say nothing.
    fn server_reply(
        &mut self,
        segment: &Segment<'_>,
        time: Timestamp,
        budget: &mut Budget,
        rollup: &mut Rollup,
    ) {
        if segment.flags.rst {
            if !self.was_reset && self.plausible_reset(segment.seq) {
                self.was_reset = true;
                rollup.reply(&self.subject, ReplyKind::Reset, time);
            }
            // Data that follows all the same shows that the reset was not for this connection.
            return;
        }
        if segment.flags.syn {
            self.reply.start_at(segment.seq.wrapping_add(1));
            return;
        }
        match self.read_reply(segment, budget) {
            Dissection::Found(Said::Talk) => {
                self.settle_reply(budget);
                self.reach(Evidence::Contact, time, rollup);
            }
            Dissection::Found(Said::Refusal(kind)) => {
                self.settle_reply(budget);
                rollup.reply(&self.subject, kind, time);
            }
            _ => {}
        }
    }

    /// Whether a reset lies where the server's next byte is expected, or within a window behind it.
    fn plausible_reset(&self, seq: u32) -> bool {
        let next = self.reply.next();
        next.is_none_or(|next| seq.wrapping_sub(next) <= MAX_WINDOW)
    }

    fn read_reply(&mut self, segment: &Segment<'_>, budget: &mut Budget) -> Dissection<Said> {
        if segment.payload.is_empty() {
            // Nothing, or content that the snap length cut: then its amount decides.
            let since_hello = self.received - self.received_before;
            return if segment.wire_len > 0 && since_hello >= MORE_THAN_AN_ALERT {
                Dissection::Found(Said::Talk)
            } else {
                Dissection::NeedMore
            };
        }
        let Some(fresh) = self.reply.fresh(segment.seq, segment.payload) else {
            // Behind a hole: what was missed may have been an alert, unless there is more than an alert.
            let much = u64::from(segment.wire_len) >= MORE_THAN_AN_ALERT;
            return if much {
                Dissection::Found(Said::Talk)
            } else {
                Dissection::NeedMore
            };
        };
        if fresh.is_empty() {
            return Dissection::NeedMore;
        }
        if self.reply.bytes().is_empty() {
            let verdict = Said::read(self.subject.signal, fresh);
            if verdict == Dissection::NeedMore {
                self.reply.append(fresh, MAX_REPLY_LEN, budget);
            }
            return verdict;
        }
        if !self.reply.append(fresh, MAX_REPLY_LEN, budget) {
            return Dissection::Found(Said::Talk);
        }
        Said::read(self.subject.signal, self.reply.bytes())
    }

    fn settle_reply(&mut self, budget: &mut Budget) {
        self.replied = true;
        self.reply.release(budget);
    }

    fn reach(&mut self, level: Evidence, time: Timestamp, rollup: &mut Rollup) {
        // Bytes so far belong to the level so far.
        self.level = level;
        let sample = Sample {
            time,
            client: self.ends.client,
            server: self.ends.server,
            protocol: self.ends.protocol,
            pattern: self.subject.matched.pattern.clone(),
        };
        rollup.sighting(&self.subject, level, sample);
    }

    fn report_bytes(&mut self, rollup: &mut Rollup) {
        let Unreported {
            received,
            sent,
            time,
        } = std::mem::take(&mut self.unreported);
        if let Some(time) = time {
            rollup.bytes(&self.subject, self.level, time, received, sent);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flows::Flow;

    /// The documented memory of the flow table rests on this.
    #[test]
    fn a_flow_stays_small() {
        let bytes = size_of::<Option<Flow<Conversation>>>();
        assert!(bytes <= 256, "{bytes} bytes");
    }
}
