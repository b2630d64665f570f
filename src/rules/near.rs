//! What a pack does not know yet: names under its vendor's domains that no service describes.

use std::collections::BTreeSet;

use crate::model::{Match, Name, Pack, Strength};

/// The registrable domains (a public suffix and one label more, <https://publicsuffix.org/>) in which a pack has names. Where a
/// provider hands out names below a domain of its own, such as storage, that counts as a public suffix.
#[derive(Clone, Debug, Default)]
pub struct Nearby {
    domains: BTreeSet<Box<str>>,
}

impl Nearby {
    /// Those of a pack.
    pub fn of(pack: &Pack) -> Self {
        let names = pack.patterns.iter();
        let domains = names.filter_map(|(pattern, _)| {
            // A label with a wildcard is as good as any: it lies left of the domain, or says nothing.
            let domain = psl::domain_str(pattern.trim_start_matches('.'))?;
            (!domain.contains(['*', '?'])).then(|| domain.into())
        });
        Self {
            domains: domains.collect(),
        }
    }

    /// The domains, sorted.
    pub fn domains(&self) -> impl Iterator<Item = &str> {
        self.domains.iter().map(AsRef::as_ref)
    }

    /// Whether a name lies in one of them and nothing describes it: no pattern matches, or only a weak one that stands for the
    /// whole domain. A strong one does describe: nothing but the product asks for anything there.
    pub fn is_gap(&self, name: Name<'_>, matched: Option<&Match>) -> bool {
        match matched {
            Some(matched) => {
                let domain = matched.pattern.strip_prefix('.');
                domain.is_some_and(|domain| self.domains.contains(domain)) && is_no_word(matched)
            }
            None => self.holds(name.as_str()),
        }
    }

    fn holds(&self, name: &str) -> bool {
        let ends = name.match_indices('.').map(|(dot, _)| &name[dot + 1..]);
        let mut tails = std::iter::once(name).chain(ends);
        tails.any(|tail| self.domains.contains(tail))
    }
}

/// Whether a match with a pattern for a whole domain says nothing of the name.
pub(super) fn is_no_word(matched: &Match) -> bool {
    matched.service.strength == Strength::Weak
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::DomainName;
    use crate::rules::Library;

    #[test]
    fn gaps_are_names_that_nothing_describes() {
        let library = Library::load(None).unwrap();
        let pack = library.pack("kaspersky").unwrap();
        let near = Nearby::of(pack);
        let domains: Vec<&str> = near.domains().collect();
        assert!(domains.contains(&"kaspersky.com") && domains.contains(&"kaspersky.co.uk"));
        assert!(!domains.contains(&"co.uk"), "{domains:?}");
        for (name, is_gap) in [
            // A catch-all matches these, and says nothing.
            ("new.kaspersky.com", true),
            ("x.y.kaspersky-labs.com", true),
            ("s07.upd.kaspersky.com", false),
            ("www.kaspersky.com", false),
            ("notkaspersky.com", false),
            ("other.kaspersky.cn", true),
            ("kaspersky.com.evil.example", false),
        ] {
            let name = DomainName::parse(name).unwrap();
            let matched = library.explain(name.as_name());
            assert_eq!(
                near.is_gap(name.as_name(), matched.as_ref()),
                is_gap,
                "{name}"
            );
        }
    }
}
