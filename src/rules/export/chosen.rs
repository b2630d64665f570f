//! Which patterns an export is made of.

use crate::model::{Pack, Service, Strength};
use crate::rules::pattern::{Pattern, Shape};

use super::Selection;

/// A pattern of an export.
#[derive(Clone, Debug)]
pub(super) struct Chosen<'a> {
    pub(super) pattern: Pattern,
    pub(super) pack: &'a Pack,
    pub(super) service: &'a Service,
    pub(super) verdict: Verdict,
    /// More specific patterns within this one, meant or not. For formats that judge each pattern alone.
    pub(super) holds: Vec<Pattern>,
    /// Whether the name itself is spared, or, of what is spared, whether all below it is meant.
    pub(super) name_apart: bool,
    /// Whether a wider pattern says the same, so that formats in which that one holds for all need not say it again.
    pub(super) said_already: bool,
    /// Whether a wider pattern that is spared holds it.
    pub(super) within_spared: bool,
    /// Whether names below it, which it does not hold itself, are meant by a wider pattern.
    pub(super) below_is_meant: bool,
}

/// What an export says of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is what the list is for.
    Meant,
    /// It lies within a wider one that is meant, and is not.
    Spared,
}

/// What is wanted of `packs`, each time followed by what lies within it and is not wanted; sorted by pattern within its pack,
/// so that equal packs give equal files.
pub(super) fn choose<'a>(
    packs: &[&'a Pack],
    others: &[&'a Pack],
    selection: &Selection,
) -> Vec<Chosen<'a>> {
    let patterns = |pack: &'a Pack| {
        pack.patterns.iter().filter_map(move |(text, service)| {
            // A loaded pack's patterns were parsed when it was read.
            let pattern = Pattern::parse(text).ok()?;
            Some((pattern, pack, &**pack.services.get(*service)?))
        })
    };
    let wants = |service: &Service| {
        let categories = &selection.categories;
        (categories.is_empty() || categories.contains(&service.category))
            && (selection.min_strength == Strength::Weak || service.strength == Strength::Strong)
    };
    let own = packs.iter().copied().flat_map(patterns);
    let (meant, not_meant): (Vec<_>, Vec<_>) = own.partition(|(_, _, service)| wants(service));
    let foreign = others.iter().copied().flat_map(patterns);
    let mut spared: Vec<_> = not_meant.into_iter().chain(foreign).collect();
    spared.retain(|(inner, ..)| meant.iter().any(|(outer, ..)| outer.may_hold(inner)));
    let with_verdict =
        |verdict| move |one: &(Pattern, &'a Pack, &'a Service)| (one.clone(), verdict);
    let all: Vec<_> = meant
        .iter()
        .map(with_verdict(Verdict::Meant))
        .chain(spared.iter().map(with_verdict(Verdict::Spared)))
        .collect();
    let chosen = all.iter().map(|((pattern, pack, service), verdict)| {
        let others = || all.iter().map(|((other, ..), verdict)| (other, *verdict));
        let same_name = |other: &Pattern| other != pattern && other.labels() == pattern.labels();
        // Of all that hold it, the most specific one says what would be without it.
        let holder = others()
            .filter(|(other, _)| other.may_hold(pattern))
            .max_by_key(|(other, _)| other.rank());
        Chosen {
            pattern: pattern.clone(),
            pack,
            service,
            verdict: *verdict,
            holds: others()
                .filter(|(other, _)| pattern.may_hold(other))
                .map(|(other, _)| other.clone())
                .collect(),
            name_apart: others().any(|(other, of)| same_name(other) && of != *verdict),
            // What lies between speaks of all below it in formats that spare no name alone.
            said_already: holder.is_some_and(|(holder, of)| {
                let between =
                    |other: &Pattern| lies_below(pattern, other) && lies_below(other, holder);
                of == *verdict && !others().any(|(other, of)| of != *verdict && between(other))
            }),
            within_spared: others()
                .any(|(other, of)| of == Verdict::Spared && other.may_hold(pattern)),
            below_is_meant: !others().any(|(other, _)| same_name(other))
                && others()
                    .filter(|(other, _)| {
                        matches!(other.shape(), Shape::Suffix(_)) && lies_below(pattern, other)
                    })
                    .max_by_key(|(other, _)| other.rank())
                    .is_some_and(|(_, of)| of == Verdict::Meant),
        }
    });
    let mut chosen: Vec<Chosen<'a>> = chosen.collect();
    chosen.sort_by_cached_key(|one| {
        let text = one.pattern.to_string();
        (
            one.pack.vendor.clone(),
            text,
            one.verdict == Verdict::Spared,
        )
    });
    chosen
}

/// Whether the labels of one stand below those of another.
fn lies_below(inner: &Pattern, outer: &Pattern) -> bool {
    let left = inner.labels().strip_suffix(outer.labels());
    left.is_some_and(|left| left.ends_with('.'))
}
