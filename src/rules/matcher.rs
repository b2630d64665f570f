//! The compiled matcher: a name to the most specific pattern that matches it, without allocation.
//!
//! A tree of labels from the right, kept as one hash table of name tails. A look-up walks from the top label down and
//! ends at the first tail that no pattern has, so a name of no vendor costs one or two probes. Wildcards hang on the
//! longest tail without one.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::pattern::{Kind, Pattern, Rank};
use crate::model::Name;

/// Patterns of all packs in force, each with what it stands for.
#[derive(Clone)]
pub struct Matcher<V> {
    entries: Vec<Entry<V>>,
    nodes: HashTable<Node>,
    hasher: DefaultHashBuilder,
}

#[derive(Clone)]
struct Entry<V> {
    pattern: Pattern,
    rank: Rank,
    value: V,
}

/// A tail of labels, such as `geo.kaspersky.com`.
#[derive(Clone)]
struct Node {
    tail: Box<str>,
    exact: Option<u32>,
    suffix: Option<u32>,
    /// Patterns with a wildcard left of this tail, most specific first.
    wild: Vec<u32>,
    /// What whoever compiled the patterns wants to be told of names at or below this tail.
    mark: Option<u32>,
}

/// What is known of a name.
pub(super) struct Found<'a, V> {
    /// The pattern that wins, and what it stands for.
    pub(super) best: Option<(&'a Pattern, &'a V)>,
    /// The mark of the longest marked tail of the name, unless a pattern says more of the name than that it lies there.
    pub(super) mark: Option<u32>,
}

impl<V> Default for Matcher<V> {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            nodes: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
        }
    }
}

impl<V> Matcher<V> {
    /// Compiles patterns. Of two equal patterns the later wins, so the caller puts them in order of preference.
    pub fn new(patterns: impl IntoIterator<Item = (Pattern, V)>) -> Self {
        let mut matcher = Self::default();
        for (pattern, value) in patterns {
            matcher.insert(pattern, value);
        }
        let entries = &matcher.entries;
        for node in &mut matcher.nodes {
            // Ties between different wildcards are broken by their text, so that the order of files never matters.
            node.wild.sort_by(|&a, &b| {
                let (a, b) = (&entries[a as usize], &entries[b as usize]);
                b.rank
                    .cmp(&a.rank)
                    .then_with(|| a.pattern.labels().cmp(b.pattern.labels()))
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
    pub fn find(&self, name: Name<'_>) -> Option<(&Pattern, &V)> {
        self.read(name).best
    }

    /// The same, with what is marked on the way: a mark costs no probe of its own.
    pub(super) fn read(&self, name: Name<'_>) -> Found<'_, V> {
        let text = name.as_bytes();
        let mut best: Option<&Entry<V>> = None;
        let mut marked: Option<(u32, Option<u32>)> = None;
        let mut start = text.len();
        loop {
            start = label_before(text, start);
            let Some(node) = self.node(&text[start..]) else {
                break;
            };
            if let Some(mark) = node.mark {
                marked = Some((mark, node.suffix));
            }
            let whole = start == 0;
            let here = node
                .exact
                .filter(|_| whole)
                .into_iter()
                .chain(node.suffix)
                .map(|index| &self.entries[index as usize]);
            let mut wild = node.wild.iter().map(|&index| &self.entries[index as usize]);
            // The first that matches is the most specific.
            let left = node.tail.len();
            let wild = wild.find(|entry| entry.pattern.matches_left_of(left, name.as_str()));
            for entry in here.chain(wild) {
                if best.is_none_or(|best| entry.beats(best)) {
                    best = Some(entry);
                }
            }
            if whole {
                break;
            }
        }
        let says_only_where = |suffix: Option<u32>| match (best, suffix) {
            (None, _) => true,
            (Some(best), Some(suffix)) => std::ptr::eq(best, &self.entries[suffix as usize]),
            (Some(_), None) => false,
        };
        let mark = marked.filter(|(_, suffix)| says_only_where(*suffix));
        Found {
            best: best.map(|entry| (&entry.pattern, &entry.value)),
            mark: mark.map(|(mark, _)| mark),
        }
    }

    /// Marks a tail of labels without a wildcard; a later mark of the same tail takes its place.
    pub(super) fn mark(&mut self, tail: &str, mark: u32) {
        self.reach(tail);
        self.node_mut(tail).mark = Some(mark);
    }

    fn node(&self, tail: &[u8]) -> Option<&Node> {
        self.nodes.find(self.hasher.hash_one(tail), |node| {
            node.tail.as_bytes() == tail
        })
    }

    fn node_mut(&mut self, tail: &str) -> &mut Node {
        let hasher = &self.hasher;
        self.nodes
            .entry(
                hasher.hash_one(tail.as_bytes()),
                |node| &*node.tail == tail,
                |node| hasher.hash_one(node.tail.as_bytes()),
            )
            .or_insert_with(|| Node {
                tail: tail.into(),
                exact: None,
                suffix: None,
                wild: Vec::new(),
                mark: None,
            })
            .into_mut()
    }

    /// Every tail above must exist, or the walk would end too early.
    fn reach(&mut self, tail: &str) {
        let mut start = tail.len();
        while start > 0 {
            start = label_before(tail.as_bytes(), start);
            self.node_mut(&tail[start..]);
        }
    }

    fn insert(&mut self, pattern: Pattern, value: V) {
        let rank = pattern.rank();
        let tail = pattern.literal_tail().to_owned();
        self.reach(&tail);
        let same = self.same_pattern(&pattern, &tail);
        let entry = Entry {
            pattern,
            rank,
            value,
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
        let node = self.node(tail.as_bytes())?;
        node.exact
            .into_iter()
            .chain(node.suffix)
            .chain(node.wild.iter().copied())
            .map(|index| index as usize)
            .find(|&index| self.entries[index].pattern == *pattern)
    }
}

/// Where the label begins that ends before the one at `start`. Labels are short: a search made for long texts costs more.
fn label_before(name: &[u8], start: usize) -> usize {
    let before = &name[..start.saturating_sub(1)];
    let dot = before.iter().rposition(|&byte| byte == b'.');
    dot.map_or(0, |dot| dot + 1)
}

impl<V> Entry<V> {
    fn beats(&self, other: &Self) -> bool {
        (self.rank, other.pattern.labels()) > (other.rank, self.pattern.labels())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::DomainName;

    fn matcher(patterns: &[&str]) -> Matcher<()> {
        Matcher::new(
            patterns
                .iter()
                .map(|text| (Pattern::parse(text).unwrap(), ())),
        )
    }

    fn winner(matcher: &Matcher<()>, name: &str) -> Option<String> {
        let name = DomainName::parse(name).unwrap();
        let found = matcher.find(name.as_name());
        found.map(|(pattern, ())| pattern.to_string())
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
        let pattern = || Pattern::parse(".a.example").unwrap();
        let matcher = Matcher::new([(pattern(), "first"), (pattern(), "second")]);
        let name = DomainName::parse("a.example").unwrap();
        assert_eq!(matcher.find(name.as_name()).unwrap().1, &"second");
        assert_eq!(matcher.len(), 1);
    }

    #[test]
    fn a_mark_is_told_where_no_pattern_says_more() {
        let mut matcher = matcher(&[".vendor.example", "a.vendor.example", "a.other.example"]);
        matcher.mark("vendor.example", 1);
        matcher.mark("other.example", 2);
        for (name, expected) in [
            ("vendor.example", Some(1)),
            ("b.vendor.example", Some(1)),
            ("a.vendor.example", None),
            ("b.a.vendor.example", Some(1)),
            ("other.example", Some(2)),
            ("b.other.example", Some(2)),
            ("b.a.other.example", Some(2)),
            ("a.other.example", None),
            ("third.example", None),
            ("example", None),
        ] {
            let owned = DomainName::parse(name).unwrap();
            assert_eq!(matcher.read(owned.as_name()).mark, expected, "{name}");
        }
    }

    /// How specific a pattern is, as docs/rule-packs.md says: labels, kind, literal characters, and the text for ties.
    fn specific(text: &str) -> (usize, u8, usize, std::cmp::Reverse<&str>) {
        let labels = text.trim_start_matches('.');
        let kind = match (text.starts_with('.'), labels.contains(['*', '?'])) {
            (true, _) => 0,
            (false, true) => 1,
            (false, false) => 2,
        };
        let literals = labels.chars().filter(|c| !"*?".contains(*c)).count();
        (
            labels.split('.').count(),
            kind,
            literals,
            std::cmp::Reverse(text),
        )
    }

    /// Whether a label matches: by trying every way.
    fn label_matches(pattern: &[u8], label: &[u8]) -> bool {
        match (pattern, label) {
            ([], []) => true,
            ([b'*', rest @ ..], _) => {
                label_matches(rest, label)
                    || matches!(label, [_, shorter @ ..] if label_matches(pattern, shorter))
            }
            ([b'?', rest @ ..], [_, shorter @ ..]) => label_matches(rest, shorter),
            ([a, rest @ ..], [b, shorter @ ..]) => a == b && label_matches(rest, shorter),
            _ => false,
        }
    }

    fn slowly_matches(pattern: &str, name: &str) -> bool {
        let parts: Vec<&str> = pattern.trim_start_matches('.').split('.').collect();
        let labels: Vec<&str> = name.split('.').collect();
        let Some(above) = labels.len().checked_sub(parts.len()) else {
            return false;
        };
        (above == 0 || pattern.starts_with('.'))
            && parts
                .iter()
                .zip(&labels[above..])
                .all(|(part, label)| label_matches(part.as_bytes(), label.as_bytes()))
    }

    /// A name that the pattern holds, or one that is near: `filler` stands for `*` and `?`, `front` before it.
    fn near(pattern: &str, filler: &str, front: &str) -> String {
        let labels = pattern.trim_start_matches('.');
        let one = filler.get(..1).unwrap_or("a");
        // A label of `*` alone must not become empty.
        let filled = labels.replace('?', one).replace('*', filler);
        let filled: Vec<&str> = filled
            .split('.')
            .map(|label| if label.is_empty() { "a" } else { label })
            .collect();
        format!("{front}{}", filled.join("."))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_024))]

        /// A reference that shares no code with the matcher: look at every pattern, take the most specific. Names are random,
        /// and made of the patterns, so that most of them match several.
        #[test]
        fn agrees_with_the_reference_in_any_order(
            patterns in prop::collection::vec("\\.?([abx*?]{1,3}\\.){1,3}[ab]{1,2}", 1..24),
            random in prop::collection::vec("([abx]{1,3}\\.){0,4}[ab]{1,2}", 1..8),
            derived in prop::collection::vec(
                (any::<prop::sample::Index>(), "[abx]{0,2}", "(|x|a\\.|b\\.x\\.)"),
                1..16,
            ),
        ) {
            let texts: Vec<&str> = patterns.iter().map(String::as_str).collect();
            let mut reversed = texts.clone();
            reversed.reverse();
            let (forward, backward) = (matcher(&texts), matcher(&reversed));
            let derived = derived
                .iter()
                .map(|(index, filler, front)| near(index.get::<String>(&patterns), filler, front));
            for name in random.iter().cloned().chain(derived) {
                let matching = texts.iter().filter(|text| slowly_matches(text, &name));
                let expected = matching
                    .max_by_key(|text| specific(text))
                    .map(|text| (*text).to_owned());
                prop_assert_eq!(&winner(&forward, &name), &expected, "{}", &name);
                prop_assert_eq!(&winner(&backward, &name), &expected, "{}", &name);
            }
        }
    }

    /// Ties of everything but the text: the same in any order of the patterns.
    #[test]
    fn ties_go_to_the_text_that_comes_first() {
        for patterns in [
            ["a?.x.example", "?a.x.example"],
            ["?a.x.example", "a?.x.example"],
        ] {
            let matcher = matcher(&patterns);
            assert_eq!(
                winner(&matcher, "aa.x.example").as_deref(),
                Some("?a.x.example")
            );
        }
    }
}
