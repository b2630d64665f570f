//! A matched name on its way up the evidence ladder.

use std::sync::Arc;

use super::answer::Said;
use super::rollup::{Rollup, Subject};
use crate::model::{
    Category, Endpoint, Evidence, FlowEnd, Protocol, ReplyKind, Sample, Side, Signal, Span,
    Timestamp, WireText,
};

/// Server bytes whose content the snap length cut: so many cannot be an alert alone (a record of 7 bytes, encrypted
/// alerts at most some tens).
pub(super) const MORE_THAN_AN_ALERT: u64 = 64;
/// One matched name.
#[derive(Debug)]
pub(super) struct Named {
    subject: Subject,
    ends: Ends,
    /// What the client said that it is, in the request with the name.
    user_agent: Option<WireText>,
    level: Evidence,
    /// Time of the latest packet that concerned it.
    last: Timestamp,
    /// What refused it first.
    refused: Option<ReplyKind>,
    /// Whether it is known what came back.
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
    pub(super) vlan: Option<u16>,
    /// Whether the server's address is one that resolvers give instead of a blocked name: it speaks for whoever blocks.
    pub(super) sinkhole: bool,
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
        user_agent: Option<WireText>,
        time: Timestamp,
        rollup: &mut Rollup,
    ) -> Self {
        let mut named = Self {
            subject,
            ends,
            user_agent,
            level: Evidence::Attempt,
            last: time,
            refused: None,
            replied: false,
            was_reset: false,
            received_before: 0,
            received: 0,
            sent: 0,
            unreported: Unreported::default(),
        };
        named.reach(Evidence::Attempt, time, rollup);
        named
    }

    /// It is asked for, perhaps again: what comes back counts where what came before proved nothing.
    pub(super) fn ask(&mut self, time: Timestamp, rollup: &mut Rollup) {
        if self.level == Evidence::Attempt {
            self.replied = false;
            self.received_before = self.received;
        }
        if self.ends.sinkhole {
            self.server_refuses(ReplyKind::Sinkhole, time, rollup);
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
        if bytes == 0 || self.ends.sinkhole {
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
        self.last = self.last.max(time);
        *unreported += bytes;
        self.unreported.time.replace(time).is_none()
    }

    /// So many bytes that were counted as the server's are not the vendor's.
    pub(super) fn take_back(&mut self, bytes: u64) {
        self.received = self.received.saturating_sub(bytes);
        // What was reported before it was clear stays: the first part of a head that came in two.
        self.unreported.received = self.unreported.received.saturating_sub(bytes);
    }

    /// Bytes from the server since the name was asked for.
    fn answered(&self) -> u64 {
        self.received.saturating_sub(self.received_before)
    }

    /// Whether a subject is this name, learnt in this way.
    pub(super) fn is(&self, subject: &Subject) -> bool {
        self.subject.name == subject.name && self.subject.signal == subject.signal
    }

    /// The server said something to it. Once it talked, a refusal of a later request changes nothing.
    pub(super) fn hear(&mut self, said: Said, time: Timestamp, rollup: &mut Rollup) {
        match said {
            _ if self.level > Evidence::Attempt || self.ends.sinkhole => {}
            Said::Talk => self.server_talks(time, rollup),
            Said::Refusal(kind) => self.server_refuses(kind, time, rollup),
            Said::Unclear => self.replied = true,
        }
    }

    /// The server, or something that speaks for it, ended the connection. Data that follows all the same shows that it
    /// was not for this connection.
    pub(super) fn reset(&mut self, time: Timestamp, rollup: &mut Rollup) {
        if !self.replied && !std::mem::replace(&mut self.was_reset, true) {
            self.refused.get_or_insert(ReplyKind::Reset);
            rollup.reply(&self.subject, ReplyKind::Reset, time);
        }
    }

    /// Whether more than this came since the name was asked for.
    pub(super) fn received_more_than(&self, bytes: u64) -> bool {
        self.answered() > bytes
    }

    /// Server bytes came whose content is not known, because the snap length cut it: its amount may tell.
    pub(super) fn unread_bytes(&mut self, time: Timestamp, rollup: &mut Rollup) {
        if !self.replied && self.answered() >= MORE_THAN_AN_ALERT {
            self.server_talks(time, rollup);
        }
    }

    /// The server answered; what a sinkhole says is no answer of the vendor.
    pub(super) fn server_talks(&mut self, time: Timestamp, rollup: &mut Rollup) {
        if self.ends.sinkhole {
            return;
        }
        self.replied = true;
        self.reach(Evidence::Contact, time, rollup);
    }

    /// Whether what was asked for was answered by a refusal, or by something that proves nothing.
    pub(super) fn is_refused(&self) -> bool {
        self.replied && self.level == Evidence::Attempt
    }

    /// The server, or something that speaks for it, refused.
    pub(super) fn server_refuses(&mut self, kind: ReplyKind, time: Timestamp, rollup: &mut Rollup) {
        self.replied = true;
        self.refused.get_or_insert(kind);
        rollup.reply(&self.subject, kind, time);
    }

    /// Somebody on the way says that a packet of this flow did not get there. What follows decides all the same.
    pub(super) fn unreachable(&mut self, time: Timestamp, rollup: &mut Rollup) {
        if !self.replied {
            self.refused.get_or_insert(ReplyKind::Unreachable);
            rollup.reply(&self.subject, ReplyKind::Unreachable, time);
        }
    }

    /// Nothing came back for long.
    pub(super) fn silence(&mut self, time: Timestamp, rollup: &mut Rollup) {
        if self.level == Evidence::Attempt && !self.replied && !self.was_reset {
            rollup.reply(&self.subject, ReplyKind::Silence, time);
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
        let answered = self.answered() >= enough;
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

    fn reach(&mut self, level: Evidence, time: Timestamp, rollup: &mut Rollup) {
        // Bytes so far belong to the level so far.
        self.level = level;
        self.last = self.last.max(time);
        let sample = self.sample(time, rollup.interface());
        rollup.sighting(&self.subject, level, sample);
    }

    fn sample(&self, time: Timestamp, interface: Option<Arc<str>>) -> Sample {
        Sample {
            time,
            client: self.ends.client,
            server: self.ends.server,
            protocol: self.ends.protocol,
            pattern: self.subject.matched.pattern.clone(),
            interface,
            vlan: self.ends.vlan,
            user_agent: self.user_agent.clone(),
        }
    }

    /// What came of it, now that its flow has ended.
    pub(super) fn end(&self, span: Span, interface: Option<Arc<str>>) -> FlowEnd {
        let Subject {
            host,
            mac,
            matched,
            name,
            signal,
            server,
            flow,
        } = self.subject.clone();
        FlowEnd {
            host,
            mac,
            matched,
            name,
            signal,
            server,
            evidence: self.level,
            refused: self.refused.filter(|_| self.level < Evidence::Contact),
            sample: self.sample(self.last, interface),
            span,
            received: self.received,
            sent: self.sent,
            flow,
        }
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
