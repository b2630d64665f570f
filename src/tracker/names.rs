//! The matched names of one flow.

use super::named::{AnswerStart, Ends, Named};
use super::rollup::{Rollup, Subject};
use crate::flows::Budget;
use crate::model::Timestamp;

/// Names followed in one flow: a connection to a proxy may carry requests to many. Beyond them the oldest is given up,
/// and would count again if it came again.
const MAX_NAMES: usize = 8;

/// The matched names of a flow. Its bytes belong to the one that was read last.
#[derive(Debug, Default)]
pub(super) struct Names {
    list: Vec<Named>,
    current: Option<usize>,
    /// The one whose answer the server's next bytes are.
    awaited: Option<usize>,
}

impl Names {
    /// A name that no rule matches was read: what follows belongs to nobody. If the server has not answered since the
    /// name before it, its next answer is still to that.
    pub(super) fn turn_away(&mut self, answered: bool) {
        self.current = None;
        if answered {
            self.awaited = None;
        }
    }

    /// A matched name was read. The same name and signal again in a flow is no second sighting, but what comes back to
    /// it is read again where the first time proved nothing.
    pub(super) fn turn_to(
        &mut self,
        subject: Subject,
        ends: Ends,
        answer: AnswerStart,
        time: Timestamp,
        rollup: &mut Rollup,
        budget: &mut Budget,
    ) -> &mut Named {
        let known = self.list.iter().position(|named| named.is(&subject));
        let mixed = matches!(answer, AnswerStart::Mixed);
        let at = match known {
            Some(at) => {
                self.list[at].ask_again(answer, budget);
                at
            }
            None => {
                if self.list.len() >= MAX_NAMES {
                    let mut oldest = self.list.remove(0);
                    oldest.report_bytes(rollup);
                    oldest.release(budget);
                    self.awaited = self.awaited.and_then(|at| at.checked_sub(1));
                }
                self.list
                    .push(Named::attempt(subject, ends, answer, time, rollup));
                self.list.len() - 1
            }
        };
        self.current = Some(at);
        if !mixed {
            self.awaited = Some(at);
        }
        &mut self.list[at]
    }

    /// The name that bytes belong to now.
    pub(super) fn current(&mut self) -> Option<&mut Named> {
        self.list.get_mut(self.current?)
    }

    /// The name whose answer the server's next bytes are.
    pub(super) fn awaited(&mut self) -> Option<&mut Named> {
        self.list.get_mut(self.awaited?)
    }

    /// Reports the bytes of all names.
    pub(super) fn report_bytes(&mut self, rollup: &mut Rollup) {
        for named in &mut self.list {
            named.report_bytes(rollup);
        }
    }

    /// Gives kept bytes back.
    pub(super) fn release(&mut self, budget: &mut Budget) {
        for named in &mut self.list {
            named.release(budget);
        }
    }
}
