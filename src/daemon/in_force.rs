//! What workers and ledger judge by. It may change while they work, one generation after another.

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::rules::RuleSet;
use crate::{ledger, tracker};

/// What workers go by.
pub(super) struct InForce {
    /// 0 at start, one more with each reload.
    pub generation: u64,
    pub rules: Arc<RuleSet>,
    /// Of these a worker takes over what may change.
    pub settings: tracker::Settings,
}

/// Where workers look for it, about once a second.
pub(super) type RuleBoard = ArcSwap<InForce>;

/// The same for the ledger, which gets it before workers can know of it.
pub(super) struct Change {
    pub rules: Arc<RuleSet>,
    pub settings: ledger::Settings,
}
