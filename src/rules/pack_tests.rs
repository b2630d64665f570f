//! The tests that packs bring along, run against a matcher.

use super::Matcher;
use crate::model::{DomainName, Match, ServiceId};

/// A pack's own test that did not come out as expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackTestFailure {
    /// Id of the pack.
    pub pack: String,
    /// What happened.
    pub what: String,
}

/// What is wrong with a test's outcome, `None` if nothing.
pub(super) fn run_test(
    matcher: &Matcher<Match>,
    name: &str,
    expected: Option<&ServiceId>,
) -> Option<String> {
    let parsed = DomainName::parse(name).ok()?;
    let found = matcher.find(parsed.as_name()).map(|(_, found)| found);
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
