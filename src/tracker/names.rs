//! The matched names of one flow.

use super::answer::Said;
use super::answers::{Answers, Question, without};
use super::named::{Ends, MORE_THAN_AN_ALERT, Named};
use super::rollup::{Rollup, Subject};
use crate::flows::Budget;
use crate::model::{Carry, Segment, Signal, Timestamp, WireText};

/// Names followed in one flow: a connection to a proxy may carry requests to many. Beyond them, or
/// where the names of all flows take too much, the oldest is given up, and would count again if it came again.
const MAX_NAMES: usize = 8;

/// The matched names of a flow. Its bytes belong to the one that was read last.
#[derive(Debug, Default)]
pub(super) struct Names {
    list: Vec<Named>,
    current: Option<usize>,
    answers: Answers,
    /// Bytes of the budget that the names beyond the first take.
    taken: usize,
    /// Whether the server sent anything since it was last asked.
    heard: bool,
    /// Whether the end of the flow was told.
    pub(super) end_told: bool,
}

/// How something was asked for.
#[derive(Clone, Debug)]
pub(super) struct Manner {
    /// By what.
    pub(super) signal: Signal,
    /// Whether the answer has no body.
    pub(super) head: bool,
    /// Whether a proxy was asked, by an absolute target.
    pub(super) absolute: bool,
    /// Whether nothing was asked for before in the flow.
    pub(super) first: bool,
    /// Where the server stood.
    pub(super) server_seq: Option<u32>,
    /// What the client said that it is.
    pub(super) user_agent: Option<WireText>,
}

impl Names {
    /// A name that no rule matches was read, or none: what follows belongs to nobody.
    pub(super) fn turn_away(&mut self, manner: Manner, budget: &mut Budget) {
        self.current = None;
        self.ask(None, &manner, budget);
    }

    /// A matched name was read. The same name and signal again in a flow, on the same side of every cutoff, is no second
    /// sighting, but what comes back to it counts again where the first time proved nothing.
    pub(super) fn turn_to(
        &mut self,
        subject: Subject,
        ends: Ends,
        manner: Manner,
        time: Timestamp,
        rollup: &mut Rollup,
        budget: &mut Budget,
    ) -> &mut Named {
        let known = self.list.iter().position(|named| named.is(&subject));
        let at = match known {
            Some(at) => at,
            None => {
                if !self.list.is_empty() {
                    let is_full = self.list.len() >= MAX_NAMES;
                    if is_full || !budget.take(size_of::<Named>()) {
                        self.list.remove(0).report_bytes(rollup);
                        self.answers.forget_name(0);
                    } else {
                        self.taken += size_of::<Named>();
                    }
                }
                // Nearly every flow has one name: the usual room for four would be most of the memory of a flood.
                if self.list.is_empty() {
                    self.list.reserve_exact(1);
                }
                let agent = manner.user_agent.clone();
                self.list.push(Named::new(subject, ends, agent, time));
                self.list.len() - 1
            }
        };
        self.current = Some(at);
        self.list[at].ask(time, rollup);
        self.ask(Some(at), &manner, budget);
        &mut self.list[at]
    }

    fn ask(&mut self, name: Option<usize>, manner: &Manner, budget: &mut Budget) {
        let question = Question {
            name,
            signal: manner.signal,
            head: manner.head,
            absolute: manner.absolute,
            first: manner.first,
        };
        self.heard = false;
        self.answers.ask(question, manner.server_seq, budget);
    }

    /// The name that bytes belong to now.
    pub(super) fn current(&mut self) -> Option<&mut Named> {
        self.list.get_mut(self.current?)
    }

    /// Takes a segment of the server: what it says, each answer to the name that was asked for. Only payload behind the
    /// question counts: the segments that close a connection, keep-alives and repeated SYNs say nothing. Behind the segment
    /// the server stands at `next`; bytes before it that are not the vendor's are taken away again.
    pub(super) fn answer(
        &mut self,
        segment: &Segment<'_>,
        next: Option<u32>,
        time: Timestamp,
        block_pages: &[String],
        budget: &mut Budget,
        rollup: &mut Rollup,
    ) {
        if is_stray(segment, next) {
            return;
        }
        self.heard = true;
        let Self { list, answers, .. } = self;
        let awaited = answers.awaited();
        if segment.flags.rst {
            if answers.plausible_reset(segment.seq)
                && let Some(named) = awaited.and_then(|at| list.get_mut(at))
            {
                named.reset(time, rollup);
            }
        } else if segment.flags.syn {
            answers.opened(segment.seq);
        } else if segment.payload.is_empty() {
            if segment.wire_len > 0
                && let Some(named) = awaited.and_then(|at| list.get_mut(at))
            {
                named.unread_bytes(time, rollup);
            }
        } else {
            answers.take(segment, block_pages, budget, |at, said| {
                if let Some(named) = list.get_mut(at) {
                    named.hear(said, time, rollup);
                }
            });
            // Behind a hole: what was missed may have been an alert, unless there is more than an alert. (Of HTTP the
            // page that says "forbidden" may be long.)
            let signal = answers.signal();
            let much = u64::from(segment.wire_len) >= MORE_THAN_AN_ALERT
                && !matches!(signal, None | Some(Signal::Http | Signal::Connect));
            if much
                && answers.is_behind_hole(segment.seq)
                && let Some(named) = awaited.and_then(|at| list.get_mut(at))
            {
                named.hear(Said::Talk, time, rollup);
                answers.settle(budget);
            }
        }
        self.take_back_foreign(next);
    }

    /// The client acknowledges bytes of the server that were not seen, up to `next`.
    pub(super) fn unseen(&mut self, next: Option<u32>) {
        self.heard = true;
        self.take_back_foreign(next);
    }

    /// Takes away what came before `next` and is not the vendor's.
    fn take_back_foreign(&mut self, next: Option<u32>) {
        let foreign = next.map_or(0, |next| self.answers.foreign_bytes(next));
        if let Some(named) = self.current().filter(|_| foreign > 0) {
            named.take_back(foreign);
        }
    }

    /// Whoever answered is not the vendor: what follows belongs to nobody.
    pub(super) fn leave(&mut self, budget: &mut Budget) {
        self.current = None;
        self.answers.settle(budget);
    }

    /// Whether the server sent anything since it was last asked.
    pub(super) fn heard(&self) -> bool {
        self.heard
    }

    /// It had sent something before the name was known.
    pub(super) fn had_heard(&mut self) {
        self.heard = true;
    }

    /// The names that are followed.
    pub(super) fn all(&self) -> &[Named] {
        &self.list
    }

    /// Other rules are in force: what they do not know any more is followed no further. Its bytes were reported.
    pub(super) fn carry(&mut self, carry: &Carry<'_>) {
        let mut at = 0;
        while let Some(named) = self.list.get_mut(at) {
            if named.carry(carry) {
                at += 1;
            } else {
                self.list.remove(at);
                self.current = without(self.current, at);
                self.answers.forget_name(at);
            }
        }
    }

    /// Reports the bytes of all names.
    pub(super) fn report_bytes(&mut self, rollup: &mut Rollup) {
        for named in &mut self.list {
            named.report_bytes(rollup);
        }
    }

    /// Gives kept bytes back.
    pub(super) fn release(&mut self, budget: &mut Budget) {
        budget.give_back(std::mem::take(&mut self.taken));
        self.answers.release(budget);
    }
}

/// Whether payload stands so far beyond `next`, where the server's direction ends by all that is believed of it, that it is a
/// stray, or forged by somebody who does not know the numbers. The next segment that continues it is none.
fn is_stray(segment: &Segment<'_>, next: Option<u32>) -> bool {
    let end = segment.seq.wrapping_add(segment.wire_len);
    !segment.flags.syn
        && segment.wire_len > 0
        && next.is_some_and(|next| (1..u32::MAX / 2).contains(&end.wrapping_sub(next)))
}
