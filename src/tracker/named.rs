//! A matched name on its way up the evidence ladder.

mod heard;

use std::sync::Arc;

use super::ladder::{Ladder, Place};
use super::rollup::{Rollup, Subject};
use crate::model::{
    Carry, Endpoint, Evidence, FlowEnd, Protocol, ReplyKind, Sample, Service, Side, Span,
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
    /// The highest level that was reached.
    level: Evidence,
    /// What was reached on each side of every cutoff.
    ladder: Ladder,
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
    /// Whether acknowledgements alone tell what the server sent.
    server_unseen: bool,
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
    /// One that is about to be asked for.
    pub(super) fn new(
        subject: Subject,
        ends: Ends,
        user_agent: Option<WireText>,
        time: Timestamp,
    ) -> Self {
        Self {
            ladder: Ladder::at(place(&subject.matched.service, time)),
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
            server_unseen: false,
            unreported: Unreported::default(),
        }
    }

    /// A packet of this time is looked at: bytes so far belong to where they came.
    fn go(&mut self, time: Timestamp, rollup: &mut Rollup) {
        let place = place(&self.subject.matched.service, time);
        if !self.ladder.stands(place) {
            self.report_bytes(rollup);
            self.ladder.go(place);
        }
    }

    /// It is asked for, perhaps again: what comes back counts where what came before proved nothing.
    pub(super) fn ask(&mut self, time: Timestamp, rollup: &mut Rollup) {
        self.go(time, rollup);
        if !self.ladder.is_answered() {
            self.replied = false;
            self.received_before = self.received;
        }
        if self.ladder.level().is_none() {
            self.reach(Evidence::Attempt, time, rollup);
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
        self.go(time, rollup);
        let (total, unreported) = if side == self.ends.client_side {
            self.ladder.sent(bytes);
            (&mut self.sent, &mut self.unreported.sent)
        } else {
            self.ladder.received(bytes);
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
        self.ladder.take_back(bytes);
        // What was reported before it was clear stays: the first part of a head that came in two.
        self.unreported.received = self.unreported.received.saturating_sub(bytes);
    }

    /// Other rules are in force. False where they do not know the name.
    pub(super) fn carry(&mut self, carry: &Carry<'_>) -> bool {
        let Subject { name, matched, .. } = &mut self.subject;
        let before = Arc::clone(&matched.service);
        let is_known = matched.carry(name.as_name(), carry);
        if matched.service.boundaries != before.boundaries {
            self.ladder.renumber(matched.service.era(self.last));
        }
        is_known
    }

    /// Bytes from the server since the name was asked for.
    fn answered(&self) -> u64 {
        self.received.saturating_sub(self.received_before)
    }

    /// Whether a subject is this name, learnt in this way.
    pub(super) fn is(&self, subject: &Subject) -> bool {
        self.subject.name == subject.name && self.subject.signal == subject.signal
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
            let level = self.ladder.level_of_bytes();
            rollup.bytes(&self.subject, level, time, received, sent);
        }
    }
}

/// Where a packet of this time stands.
fn place(service: &Service, time: Timestamp) -> Place {
    Place {
        era: service.era(time),
        hour: time.hour(),
    }
}
