//! The compiled matcher: a name to the most specific pattern that matches it, without allocation.
//!
//! A tree of labels from the right, kept as one hash table of name tails. A look-up walks from the top label down and
//! ends at the first tail that no pattern has, so a name of no vendor costs one or two probes. Wildcards hang on the
//! longest tail without one.

use std::hash::BuildHasher;
use std::sync::Arc;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::pattern::{Kind, Pattern, Rank};
use crate::model::{Match, Name, Service};

/// Patterns of all packs in force.
#[derive(Clone, Default)]
pub struct Matcher {
    entries: Vec<Entry>,
    nodes: HashTable<Node>,
    hasher: DefaultHashBuilder,
}

#[derive(Clone)]
struct Entry {
    pattern: Pattern,
    rank: Rank,
    matched: Match,
}

/// A tail of labels, such as `geo.kaspersky.com`.
#[derive(Clone)]
struct Node {
    tail: Box<str>,
    exact: Option<u32>,
    suffix: Option<u32>,
    /// Patterns with a wildcard left of this tail, most specific first.
    wild: Vec<u32>,
}

impl Matcher {
    /// Compiles patterns. Of two equal patterns the later wins, so the caller puts them in order of preference.
    pub fn new<'a>(
        patterns: impl IntoIterator<Item = (Pattern, Arc<str>, &'a Arc<Service>)>,
    ) -> Self {
        let mut matcher = Self::default();
        for (pattern, text, service) in patterns {
            matcher.insert(pattern, text, service);
        }
        let entries = &matcher.entries;
        for node in &mut matcher.nodes {
            // Ties between different wildcards are broken by their text, so that the order of files never matters.
            node.wild.sort_by(|&a, &b| {
                let (a, b) = (&entries[a as usize], &entries[b as usize]);
                b.rank
                    .cmp(&a.rank)
                    .then_with(|| a.matched.pattern.cmp(&b.matched.pattern))
            });
        }
        matcher
    }

    /// Number of patterns.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The most specific pattern that matches: more labels, then exact over wildcard over suffix, then more literals.
    pub fn find(&self, name: Name<'_>) -> Option<&Match> {
        let name = name.as_str();
        let mut best: Option<&Entry> = None;
        let mut start = name.len();
        loop {
            // One label further to the left.
            start = name[..start.saturating_sub(1)]
                .rfind('.')
                .map_or(0, |dot| dot + 1);
            let Some(node) = self.node(&name[start..]) else {
                break;
            };
            let whole = start == 0;
            let here = node
                .exact
                .filter(|_| whole)
                .into_iter()
                .chain(node.suffix)
                .map(|index| &self.entries[index as usize]);
            let wild = node
                .wild
                .iter()
                .map(|&index| &self.entries[index as usize])
                .filter(|entry| entry.pattern.matches(name));
            for entry in here.chain(wild) {
                if best.is_none_or(|best| entry.beats(best)) {
                    best = Some(entry);
                }
            }
            if whole {
                break;
            }
        }
        best.map(|entry| &entry.matched)
    }

    fn node(&self, tail: &str) -> Option<&Node> {
        self.nodes
            .find(self.hasher.hash_one(tail), |node| &*node.tail == tail)
    }

    fn node_mut(&mut self, tail: &str) -> &mut Node {
        let hasher = &self.hasher;
        self.nodes
            .entry(
                hasher.hash_one(tail),
                |node| &*node.tail == tail,
                |node| hasher.hash_one(&*node.tail),
            )
            .or_insert_with(|| Node {
                tail: tail.into(),
                exact: None,
                suffix: None,
                wild: Vec::new(),
            })
            .into_mut()
    }

    fn insert(&mut self, pattern: Pattern, text: Arc<str>, service: &Arc<Service>) {
        let rank = pattern.rank();
        let tail = pattern.literal_tail().to_owned();
        // Every tail above must exist, or the walk would end too early.
        let mut start = tail.len();
        while start > 0 {
            start = tail[..start - 1].rfind('.').map_or(0, |dot| dot + 1);
            self.node_mut(&tail[start..]);
        }
        let same = self.same_pattern(&pattern, &tail);
        let entry = Entry {
            rank,
            matched: Match {
                service: Arc::clone(service),
                pattern: text,
            },
            pattern,
        };
        if let Some(index) = same {
            self.entries[index] = entry;
            return;
        }
        let index = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        let whole = tail == entry.pattern.labels();
        self.entries.push(entry);
        let node = self.node_mut(&tail);
        match (rank.kind, whole) {
            (Kind::Exact, _) => node.exact = Some(index),
            (Kind::Suffix, true) => node.suffix = Some(index),
            _ => node.wild.push(index),
        }
    }

    /// The entry with this very pattern, if there is one.
    fn same_pattern(&self, pattern: &Pattern, tail: &str) -> Option<usize> {
        let node = self.node(tail)?;
        node.exact
            .into_iter()
            .chain(node.suffix)
            .chain(node.wild.iter().copied())
            .map(|index| index as usize)
            .find(|&index| self.entries[index].pattern == *pattern)
    }
}

impl Entry {
    fn beats(&self, other: &Self) -> bool {
        (self.rank, &other.matched.pattern) > (other.rank, &self.matched.pattern)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::{Category, Confidence, DomainName, ServiceId, Strength, VendorId};

    fn service(id: &str) -> Arc<Service> {
        Arc::new(Service {
            vendor: VendorId::parse("vendor").unwrap(),
            id: ServiceId::parse(id).unwrap(),
            name: id.to_owned(),
            category: Category::Update,
            strength: Strength::Strong,
            confidence: Confidence::Vendor,
            source: "https://vendor.example/".to_owned(),
            note: None,
            pack_version: "1".into(),
            boundaries: Vec::new(),
        })
    }

    fn matcher(patterns: &[&str]) -> Matcher {
        let service = service("s");
        Matcher::new(
            patterns
                .iter()
                .map(|text| (Pattern::parse(text).unwrap(), Arc::from(*text), &service))
                .collect::<Vec<_>>(),
        )
    }

    fn winner(matcher: &Matcher, name: &str) -> Option<String> {
        let name = DomainName::parse(name).unwrap();
        matcher
            .find(name.as_name())
            .map(|found| found.pattern.to_string())
    }

    #[test]
    fn the_most_specific_wins() {
        let matcher = matcher(&[
            ".vendor.example",
            "a.vendor.example",
            "*.vendor.example",
            "a*.vendor.example",
            ".a.vendor.example",
            "x-*.deep.cdn.example",
        ]);
        for (name, expected) in [
            ("vendor.example", Some(".vendor.example")),
            ("a.vendor.example", Some("a.vendor.example")),
            ("ab.vendor.example", Some("a*.vendor.example")),
            ("b.vendor.example", Some("*.vendor.example")),
            ("c.a.vendor.example", Some(".a.vendor.example")),
            ("c.b.vendor.example", Some(".vendor.example")),
            ("notvendor.example", None),
            ("vendor.example.evil", None),
            ("x-1.deep.cdn.example", Some("x-*.deep.cdn.example")),
            ("deep.cdn.example", None),
            ("example", None),
        ] {
            assert_eq!(winner(&matcher, name).as_deref(), expected, "{name}");
        }
    }

    #[test]
    fn the_same_pattern_twice_is_the_later() {
        let (first, second) = (service("first"), service("second"));
        let pattern = || Pattern::parse(".a.example").unwrap();
        let matcher = Matcher::new([
            (pattern(), ".a.example".into(), &first),
            (pattern(), ".a.example".into(), &second),
        ]);
        let name = DomainName::parse("a.example").unwrap();
        assert_eq!(matcher.find(name.as_name()).unwrap().service.id, second.id);
        assert_eq!(matcher.len(), 1);
    }

    proptest! {
        /// A slow and obvious reference: look at every pattern, take the highest rank.
        #[test]
        fn agrees_with_the_reference_in_any_order(
            patterns in prop::collection::vec("\\.?([abx*?]{1,3}\\.){1,3}[ab]{1,2}", 1..12),
            names in prop::collection::vec("([abx]{1,3}\\.){0,4}[ab]{1,2}", 1..8),
        ) {
            let texts: Vec<&str> = patterns.iter().map(String::as_str).collect();
            let mut reversed = texts.clone();
            reversed.reverse();
            let (forward, backward) = (matcher(&texts), matcher(&reversed));
            for name in &names {
                let expected = texts
                    .iter()
                    .map(|text| (Pattern::parse(text).unwrap(), *text))
                    .filter(|(pattern, _)| pattern.matches(name))
                    .max_by_key(|(pattern, text)| (pattern.rank(), std::cmp::Reverse(*text)))
                    .map(|(_, text)| text.to_owned());
                prop_assert_eq!(&winner(&forward, name), &expected);
                prop_assert_eq!(&winner(&backward, name), &expected);
            }
        }
    }
}
