//! The packs in force, compiled.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::encrypted_dns::EncryptedDns;
use super::near::is_no_word;
use super::pattern::Pattern;
use super::{Matcher, Nearby};
use crate::model::{Match, Name, Pack};

/// The packs in force, compiled.
#[derive(Clone, Default)]
pub struct RuleSet {
    /// The vendors' packs, sorted by vendor id.
    pub packs: Vec<Pack>,
    pub(super) matcher: Matcher<Match>,
    pub(super) encrypted_dns: EncryptedDns,
    /// By the marks of the matcher: whose domain it is, as places in `packs`. Two packs may have names in one domain.
    near: Vec<Box<[usize]>>,
}

/// What the rules say of a name.
#[derive(Clone, Copy, Debug, Default)]
pub struct Told<'a> {
    /// The pattern of a vendor that wins.
    pub matched: Option<&'a Match>,
    /// The packs, as places in [`RuleSet::packs`], under whose domains it lies without being described: [`Nearby::is_gap`].
    pub gap_of: &'a [usize],
}

impl RuleSet {
    /// Compiles packs. Of two equal patterns that of a pack that `wins` wins.
    pub(super) fn new(
        packs: Vec<Pack>,
        wins: impl Fn(&Pack) -> bool,
        encrypted_dns: EncryptedDns,
    ) -> Self {
        // The later wins.
        let (last, first): (Vec<&Pack>, Vec<&Pack>) = packs.iter().partition(|pack| wins(pack));
        let mut matcher = matcher_of(first.into_iter().chain(last));
        let mut owners: BTreeMap<Box<str>, Vec<usize>> = BTreeMap::new();
        for (at, pack) in packs.iter().enumerate() {
            for domain in Nearby::of(pack).domains() {
                owners.entry(domain.into()).or_default().push(at);
            }
        }
        let mut near = Vec::with_capacity(owners.len());
        for (mark, (domain, owners)) in (0..).zip(owners) {
            matcher.mark(&domain, mark);
            near.push(owners.into_boxed_slice());
        }
        Self {
            packs,
            matcher,
            encrypted_dns,
            near,
        }
    }

    /// The pattern of a vendor that wins for a name. Allocates nothing.
    pub fn lookup(&self, name: Name<'_>) -> Option<&Match> {
        self.matcher.find(name).map(|(_, matched)| matched)
    }

    /// The same, and whether the name is a gap. Allocates nothing, and costs no probe more.
    pub fn read(&self, name: Name<'_>) -> Told<'_> {
        let found = self.matcher.read(name);
        let matched = found.best.map(|(_, matched)| matched);
        let mark = found.mark.filter(|_| matched.is_none_or(is_no_word));
        let owners = mark.and_then(|mark| self.near.get(mark as usize));
        Told {
            matched,
            gap_of: owners.map_or(&[], |owners| owners),
        }
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

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use crate::model::DomainName;
    use crate::rules::{Library, Nearby, RuleSet};

    static ALL: LazyLock<(RuleSet, Vec<Nearby>)> = LazyLock::new(|| {
        let rules = Library::load(None).unwrap().compile(|_| true);
        let near = rules.packs.iter().map(Nearby::of).collect();
        (rules, near)
    });

    #[test]
    fn a_gap_is_told_with_its_pack() {
        let library = Library::load(None).unwrap();
        let rules = library.compile(|pack| pack.enabled);
        let gap_of = |name: &str| -> Vec<&str> {
            let name = DomainName::parse(name).unwrap();
            let packs = rules.read(name.as_name()).gap_of.iter();
            packs.map(|&at| rules.packs[at].vendor.as_str()).collect()
        };
        assert_eq!(gap_of("new.kaspersky.com"), ["kaspersky"]);
        assert_eq!(gap_of("new.kaspersky.cn"), ["kaspersky"]);
        assert_eq!(gap_of("login.microsoft.com"), ["microsoft-defender"]);
        for described in [
            "s07.upd.kaspersky.com",
            "notkaspersky.com",
            // The whole domain is the product's.
            "ts01-b.cloudsink.net",
            // Of a pack that is not in force.
            "www.deepseek.com",
            "example.org",
        ] {
            assert!(gap_of(described).is_empty(), "{described}");
        }
    }

    proptest! {
        /// What is compiled for all packs is what [`Nearby`] says of each.
        #[test]
        fn agrees_with_each_pack(
            head in "([a-z]{1,6}\\.){0,2}",
            pick in any::<prop::sample::Index>(),
            cut in 0..3usize,
        ) {
            let (rules, near) = &*ALL;
            let patterns = || rules.packs.iter().flat_map(|pack| &pack.patterns);
            let (pattern, _) = patterns().nth(pick.index(patterns().count())).unwrap();
            let mut tail = pattern.trim_start_matches('.');
            for _ in 0..cut {
                tail = tail.split_once('.').map_or(tail, |(_, rest)| rest);
            }
            let name = DomainName::parse(&format!("{head}{}", tail.replace(['*', '?'], "x"))).unwrap();
            let name = name.as_name();
            let told = rules.read(name);
            prop_assert_eq!(told.matched, rules.lookup(name));
            let expected: Vec<usize> = (0..)
                .zip(near)
                .filter(|(_, near)| near.is_gap(name, told.matched))
                .map(|(at, _)| at)
                .collect();
            prop_assert_eq!(told.gap_of, expected);
        }
    }
}
