//! What comes back to a name, and how far it gets by that.

use super::super::answer::Said;
use super::super::ladder::FAREWELL;
use super::super::rollup::Rollup;
use super::{MORE_THAN_AN_ALERT, Named};
use crate::model::{Category, Evidence, ReplyKind, Side, Signal, Timestamp};

impl Named {
    /// The server said something to it. Once it talked, a refusal of a later request on the same side of every cutoff
    /// changes nothing.
    pub(in crate::tracker) fn hear(&mut self, said: Said, time: Timestamp, rollup: &mut Rollup) {
        self.go(time, rollup);
        match said {
            _ if self.ladder.is_answered() || self.ends.sinkhole => {}
            Said::Talk => self.server_talks(time, rollup),
            Said::Refusal(kind) => self.server_refuses(kind, time, rollup),
            Said::Unclear => self.replied = true,
        }
    }

    /// The server, or something that speaks for it, ended the connection. Data that follows all the same shows that it
    /// was not for this connection.
    pub(in crate::tracker) fn reset(&mut self, time: Timestamp, rollup: &mut Rollup) {
        if !self.replied && !std::mem::replace(&mut self.was_reset, true) {
            self.refused.get_or_insert(ReplyKind::Reset);
            rollup.reply(&self.subject, ReplyKind::Reset, time);
        }
    }

    /// Whether more than this came since the name was asked for.
    pub(in crate::tracker) fn received_more_than(&self, bytes: u64) -> bool {
        self.answered() > bytes
    }

    /// Server bytes came whose content is not known, because the snap length cut it: its amount may tell.
    pub(in crate::tracker) fn unread_bytes(&mut self, time: Timestamp, rollup: &mut Rollup) {
        if !self.replied && self.answered() >= MORE_THAN_AN_ALERT {
            self.server_talks(time, rollup);
        }
    }

    /// The server answered; what a sinkhole says is no answer of the vendor.
    pub(in crate::tracker) fn server_talks(&mut self, time: Timestamp, rollup: &mut Rollup) {
        if self.ends.sinkhole {
            return;
        }
        self.go(time, rollup);
        self.replied = true;
        if !self.ladder.is_answered() {
            self.reach(Evidence::Contact, time, rollup);
        }
    }

    /// Whether what was asked for was answered by a refusal, or by something that proves nothing.
    pub(in crate::tracker) fn is_refused(&self) -> bool {
        self.replied && !self.ladder.is_answered()
    }

    /// The server, or something that speaks for it, refused.
    pub(in crate::tracker) fn server_refuses(
        &mut self,
        kind: ReplyKind,
        time: Timestamp,
        rollup: &mut Rollup,
    ) {
        self.replied = true;
        self.refused.get_or_insert(kind);
        rollup.reply(&self.subject, kind, time);
    }

    /// Somebody on the way says that a packet of this flow did not get there. What follows decides all the same.
    pub(in crate::tracker) fn unreachable(&mut self, time: Timestamp, rollup: &mut Rollup) {
        if !self.replied {
            self.refused.get_or_insert(ReplyKind::Unreachable);
            rollup.reply(&self.subject, ReplyKind::Unreachable, time);
        }
    }

    /// Nothing came back for long.
    pub(in crate::tracker) fn silence(&mut self, time: Timestamp, rollup: &mut Rollup) {
        if self.level == Evidence::Attempt && !self.replied && !self.was_reset {
            rollup.reply(&self.subject, ReplyKind::Silence, time);
        }
    }

    /// The client acknowledged bytes of a server that were not seen; `server_seen` where others were. More than an alert is an answer; over HTTP it may be a
    /// page that says "forbidden", so it has to be as much as a transfer.
    pub(in crate::tracker) fn acknowledged(
        &mut self,
        by: Side,
        server_seen: bool,
        threshold: u64,
        time: Timestamp,
        rollup: &mut Rollup,
    ) {
        let enough = match self.subject.signal {
            Signal::Http | Signal::Connect => threshold,
            _ => MORE_THAN_AN_ALERT,
        };
        let answered = self.answered() >= enough;
        if by == self.ends.client_side {
            self.server_unseen = !server_seen;
            if !self.replied && answered {
                self.server_talks(time, rollup);
            }
        }
    }

    /// Goes up where the bytes suffice: to `contact` behind a cutoff before which there was one, where the server goes on
    /// sending, and to `transfer`.
    pub(in crate::tracker) fn weigh(
        &mut self,
        threshold: u64,
        time: Timestamp,
        rollup: &mut Rollup,
    ) {
        if self.level < Evidence::Contact {
            return;
        }
        self.go(time, rollup);
        let here = self.ladder.bytes();
        // What was asked for behind the cutoff has its own answer; what is not read may be a page that says "forbidden".
        let http = matches!(self.subject.signal, Signal::Http | Signal::Connect);
        let unclear = !self.replied || (http && self.server_unseen);
        let enough = if unclear { threshold } else { FAREWELL + 1 };
        if !self.ladder.is_answered() && here.0 >= enough {
            self.server_talks(time, rollup);
        }
        let whole = self.level < Evidence::Transfer;
        let (received, sent) = if whole {
            (self.received, self.sent)
        } else {
            here
        };
        let telemetry = self.subject.matched.service.category == Category::Telemetry;
        let enough = received >= threshold || (telemetry && sent >= threshold);
        if self.ladder.level() == Some(Evidence::Contact) && enough {
            self.reach(Evidence::Transfer, time, rollup);
        }
    }

    pub(super) fn reach(&mut self, level: Evidence, time: Timestamp, rollup: &mut Rollup) {
        self.level = self.level.max(level);
        self.ladder.reach(level);
        self.last = self.last.max(time);
        let sample = self.sample(time, rollup.interface());
        rollup.sighting(&self.subject, level, sample);
    }
}
