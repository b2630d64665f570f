//! The packs in force, compiled.

use std::sync::Arc;

use super::Matcher;
use super::pattern::Pattern;
use crate::model::{Match, Name, Pack};

/// The packs in force, compiled.
#[derive(Clone, Default)]
pub struct RuleSet {
    /// The packs, sorted by vendor id.
    pub packs: Vec<Pack>,
    pub(super) matcher: Matcher,
}

impl RuleSet {
    /// The pattern that wins for a name. Allocates nothing.
    pub fn lookup(&self, name: Name<'_>) -> Option<&Match> {
        self.matcher.find(name)
    }
}

/// The matcher of some packs; of two equal patterns the later pack's wins.
pub(super) fn matcher_of<'a>(packs: impl IntoIterator<Item = &'a Pack>) -> Matcher {
    Matcher::new(packs.into_iter().flat_map(|pack| {
        pack.patterns.iter().filter_map(|(text, service)| {
            // A loaded pack's patterns were parsed when it was read.
            let pattern = Pattern::parse(text).ok()?;
            Some((pattern, Arc::clone(text), pack.services.get(*service)?))
        })
    }))
}
