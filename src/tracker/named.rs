//! A matched name on its way up the evidence ladder.

use super::answer::{Heard, Said};
use super::rollup::{Rollup, Subject};
use crate::dissect::{Dissection, http};
use crate::flows::{Budget, Step, Stream};
use crate::model::{
    Category, Endpoint, Evidence, Protocol, ReplyKind, Sample, Segment, Side, Signal, Timestamp,
};

/// Server bytes whose content the snap length cut: so many cannot be an alert alone (a record of 7 bytes, encrypted
/// alerts at most some tens).
pub(super) const MORE_THAN_AN_ALERT: u64 = 64;
/// How far behind the expected byte a reset may stand: resets that middleboxes inject are not always exact.
const MAX_WINDOW: u32 = 1 << 20;

/// One matched name.
#[derive(Debug)]
pub(super) struct Named {
    subject: Subject,
    ends: Ends,
    level: Evidence,
    /// The server's bytes after the name, until it is known what they say.
    reply: Stream,
    /// Whether it is known what came back, or cannot be.
    replied: bool,
    /// Whether a reset came before that.
    was_reset: bool,
    /// Bytes from the server when the name was read.
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

/// Where the server's answer to a name starts.
#[derive(Clone, Copy, Debug)]
pub(super) enum AnswerStart {
    /// At this sequence number.
    At(u32),
    /// At the server's next byte.
    Next,
    /// It cannot be told from the answer to another name that was asked for just before.
    Mixed,
}

/// Bytes that the rollup does not have yet, all of one hour and on one side of every cutoff.
#[derive(Debug, Default)]
struct Unreported {
    received: u64,
    sent: u64,
    /// Time of the latest of them; `None` where there are none.
    time: Option<Timestamp>,
}

impl Named {
    pub(super) fn attempt(
        subject: Subject,
        ends: Ends,
        answer: AnswerStart,
        time: Timestamp,
        rollup: &mut Rollup,
    ) -> Self {
        let mut named = Self {
            subject,
            ends,
            level: Evidence::Attempt,
            reply: Stream::default(),
            replied: false,
            was_reset: false,
            received_before: 0,
            received: 0,
            sent: 0,
            unreported: Unreported::default(),
        };
        named.await_answer(answer);
        named.reach(Evidence::Attempt, time, rollup);
        named
    }

    /// The same name is asked for again: what comes back is read again where the first time proved nothing.
    pub(super) fn ask_again(&mut self, answer: AnswerStart, budget: &mut Budget) {
        let refused = self.replied && self.level == Evidence::Attempt;
        if refused && !matches!(answer, AnswerStart::Mixed) {
            self.reply.restart(budget);
            self.await_answer(answer);
        }
    }

    fn await_answer(&mut self, answer: AnswerStart) {
        self.received_before = self.received;
        self.replied = matches!(answer, AnswerStart::Mixed);
        if let AnswerStart::At(seq) = answer {
            self.reply.start_at(seq);
        }
    }

    /// Bytes that came before the name was read are its own too, but no answer to it.
    pub(super) fn count_earlier(
        &mut self,
        bytes: [u64; 2],
        time: Timestamp,
        rollup: &mut Rollup,
    ) -> bool {
        let mut first = false;
        for side in [Side::Initiator, Side::Responder] {
            first |= self.count(side, bytes[side.index()], time, rollup);
        }
        self.received_before = self.received;
        first
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

    /// Whether a subject is this name, learnt in this way.
    pub(super) fn is(&self, subject: &Subject) -> bool {
        self.subject.name == subject.name && self.subject.signal == subject.signal
    }

    /// Gives kept bytes back.
    pub(super) fn release(&mut self, budget: &mut Budget) {
        self.reply.stop(budget);
    }

    /// Takes a segment that came after the name was asked for: what it says about it, if the server sent it.
    pub(super) fn answer(
        &mut self,
        side: Side,
        segment: &Segment<'_>,
        time: Timestamp,
        block_pages: &[String],
        budget: &mut Budget,
        rollup: &mut Rollup,
    ) {
        if side != self.ends.client_side && !self.replied {
            self.server_segment(segment, time, block_pages, budget, rollup);
        }
    }

    /// The server answered.
    pub(super) fn server_talks(&mut self, time: Timestamp, rollup: &mut Rollup) {
        self.replied = true;
        self.reach(Evidence::Contact, time, rollup);
    }

    /// The server, or something that speaks for it, refused.
    pub(super) fn server_refuses(&mut self, kind: ReplyKind, time: Timestamp, rollup: &mut Rollup) {
        self.replied = true;
        rollup.reply(&self.subject, kind, time);
    }

    /// Somebody on the way says that a packet of this flow did not get there. What follows decides all the same.
    pub(super) fn unreachable(&mut self, time: Timestamp, rollup: &mut Rollup) {
        if !self.replied {
            rollup.reply(&self.subject, ReplyKind::Unreachable, time);
        }
    }

    /// The client acknowledged bytes of a server that is not seen. More than an alert is an answer; over HTTP it may be a
    /// page that says "forbidden", so it has to be as much as a transfer.
    pub(super) fn acknowledged(
        &mut self,
        by: Side,
        threshold: u64,
        time: Timestamp,
        rollup: &mut Rollup,
    ) {
        let enough = match self.subject.signal {
            Signal::Http | Signal::Connect => threshold,
            _ => MORE_THAN_AN_ALERT,
        };
        let answered = self.received - self.received_before >= enough;
        if by == self.ends.client_side && !self.replied && answered {
            self.server_talks(time, rollup);
        }
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
    fn server_segment(
        &mut self,
        segment: &Segment<'_>,
        time: Timestamp,
        block_pages: &[String],
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
        match self.read_reply(segment, block_pages, budget) {
            Some(Said::Talk) => {
                self.reply.stop(budget);
                self.server_talks(time, rollup);
            }
            Some(Said::Refusal(kind)) => {
                self.reply.stop(budget);
                self.server_refuses(kind, time, rollup);
            }
            None => {}
        }
    }

    /// Whether a reset lies where the server's next byte is expected, or within a window behind it.
    fn plausible_reset(&self, seq: u32) -> bool {
        let next = self.reply.next();
        next.is_none_or(|next| seq.wrapping_sub(next) <= MAX_WINDOW)
    }

    fn read_reply(
        &mut self,
        segment: &Segment<'_>,
        block_pages: &[String],
        budget: &mut Budget,
    ) -> Option<Said> {
        if segment.payload.is_empty() {
            // Nothing, or content that the snap length cut: then its amount decides.
            let much = self.received - self.received_before >= MORE_THAN_AN_ALERT;
            return (segment.wire_len > 0 && much).then_some(Said::Talk);
        }
        let signal = self.subject.signal;
        let mut said = None;
        let whole = self.reply.feed(
            segment.seq,
            segment.payload,
            http::MAX_HEAD_LEN,
            budget,
            |bytes| match Said::read(signal, bytes, block_pages) {
                Dissection::NeedMore => Step::More,
                Dissection::NotThis => Step::Take(bytes.len() as u64),
                Dissection::Found(Heard::Interim(len)) => Step::Take(len),
                Dissection::Found(Heard::Said(heard)) => {
                    said = Some(heard);
                    Step::Stop
                }
            },
        );
        // Behind a hole: what was missed may have been an alert, unless there is more than an alert. (Of HTTP the page
        // that says "forbidden" may be long.) And an answer that is longer than any refusal is none.
        let behind_hole = self.reply.next().is_some_and(|next| {
            segment.seq.wrapping_sub(next) < u32::MAX / 2 && segment.seq != next
        });
        let much = u64::from(segment.wire_len) >= MORE_THAN_AN_ALERT
            && !matches!(signal, Signal::Http | Signal::Connect);
        match said {
            None if !whole || (behind_hole && much) => Some(Said::Talk),
            said => said,
        }
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

    /// Reports bytes that the rollup does not have yet.
    pub(super) fn report_bytes(&mut self, rollup: &mut Rollup) {
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
