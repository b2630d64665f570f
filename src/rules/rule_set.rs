//! The packs in force, compiled.

use std::sync::Arc;

use super::Matcher;
use super::encrypted_dns::EncryptedDns;
use super::pattern::Pattern;
use crate::model::{Match, Name, Pack};

/// The packs in force, compiled.
#[derive(Clone, Default)]
pub struct RuleSet {
    /// The vendors' packs, sorted by vendor id.
    pub packs: Vec<Pack>,
    pub(super) matcher: Matcher<Match>,
    pub(super) encrypted_dns: EncryptedDns,
}

impl RuleSet {
    /// The pattern of a vendor that wins for a name. Allocates nothing.
    pub fn lookup(&self, name: Name<'_>) -> Option<&Match> {
        self.matcher.find(name).map(|(_, matched)| matched)
    }

    /// The known encrypted-DNS services. What is found there is never a match: [`Self::lookup`] does not know of it.
    pub fn encrypted_dns(&self) -> &EncryptedDns {
        &self.encrypted_dns
    }
}

/// The matcher of some packs; of two equal patterns the later pack's wins.
pub(super) fn matcher_of<'a>(packs: impl IntoIterator<Item = &'a Pack>) -> Matcher<Match> {
    Matcher::new(packs.into_iter().flat_map(|pack| {
        pack.patterns.iter().filter_map(|(text, service)| {
            // A loaded pack's patterns were parsed when it was read.
            let pattern = Pattern::parse(text).ok()?;
            let matched = Match {
                service: Arc::clone(pack.services.get(*service)?),
                pattern: Arc::clone(text),
            };
            Some((pattern, matched))
        })
    }))
}
