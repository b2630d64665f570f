//! Ends of flows with a matched name, for whoever takes events.

use super::Insides;
use super::conversation::Conversation;
use crate::flows::Flow;
use crate::model::{FlowEnd, Span};

/// Ends that wait for the ledger: some seconds of a flood, about 400 bytes each, so 3 MiB.
const MAX_WAITING: usize = 8_192;

/// Ends that the ledger was not told yet.
#[derive(Debug, Default)]
pub(super) struct FlowEnds {
    waiting: Vec<FlowEnd>,
    refused: u64,
}

impl FlowEnds {
    fn push(&mut self, end: FlowEnd) {
        if self.waiting.len() < MAX_WAITING {
            self.waiting.push(end);
        } else {
            self.refused += 1;
        }
    }

    /// Ends that wait.
    pub(super) fn len(&self) -> u64 {
        self.waiting.len() as u64
    }

    /// Ends that found no place.
    pub(super) fn refused(&self) -> u64 {
        self.refused
    }

    /// Hands them over.
    pub(super) fn take(&mut self) -> Vec<FlowEnd> {
        std::mem::take(&mut self.waiting)
    }
}

impl Insides {
    /// A flow ended: tells it once, for each of the names that are followed.
    pub(super) fn tell_end(&mut self, flow: &mut Flow<Conversation>) {
        let Some(names) = &mut flow.state.names else {
            return;
        };
        if !self.settings.events || std::mem::replace(&mut names.end_told, true) {
            return;
        }
        let span = Span {
            first: flow.state.started.min(flow.last_seen),
            last: flow.last_seen,
        };
        for named in names.all() {
            self.flow_ends
                .push(named.end(span, self.rollup.interface()));
        }
    }
}
