//! The tests that packs bring along, run against a matcher.

use super::Matcher;
use crate::model::{DomainName, ServiceId, VendorId};

/// A pack's own test that did not come out as expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackTestFailure {
    /// The vendor.
    pub vendor: VendorId,
    /// What happened.
    pub what: String,
}

/// What is wrong with a test's outcome, `None` if nothing.
pub(super) fn run_test(
    matcher: &Matcher,
    name: &str,
    expected: Option<&ServiceId>,
) -> Option<String> {
    let parsed = DomainName::parse(name).ok()?;
    let found = matcher.find(parsed.as_name());
    let got = found.map(|found| &found.service.id);
    if got == expected {
        return None;
    }
    let word = |id: Option<&ServiceId>| id.map_or("none".to_owned(), |id| format!("`{id}`"));
    let by = found.map_or(String::new(), |found| {
        format!(" by pattern `{}`", found.pattern)
    });
    Some(format!(
        "test `{name}`: expected {}, got {}{by}",
        word(expected),
        word(got)
    ))
}
