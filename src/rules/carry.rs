//! What a match of earlier rules is under others: rules change while flows go on and hosts are remembered.

use std::sync::Arc;

use super::{Pattern, RuleSet};
use crate::model::{Match, Name};

impl RuleSet {
    /// What these rules say of a name, and of how others matched it, as far as that is known; `None` where they do not know
    /// the name.
    ///
    /// A name that the old pattern does not even fit was matched for an alias of it, of which nothing is known here: it stays
    /// with its service, if there still is one of that id.
    pub fn carry(&self, name: Name<'_>, before: Option<&Match>) -> Option<Match> {
        if let Some(matched) = self.lookup(name) {
            return Some(matched.clone());
        }
        let Match { service, pattern } = before?;
        if Pattern::parse(pattern).is_ok_and(|pattern| pattern.matches(name.as_str())) {
            return None;
        }
        let packs = self.packs.iter();
        let of_vendor = packs.filter(|pack| pack.vendor == service.vendor);
        let mut services = of_vendor.flat_map(|pack| &pack.services);
        let same = services.find(|known| known.id == service.id)?;
        Some(Match {
            service: Arc::clone(same),
            pattern: Arc::clone(pattern),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::DomainName;
    use crate::rules::Library;

    fn rules(names: &str, id: &str) -> RuleSet {
        let folder = tempfile::tempdir().unwrap();
        let pack = format!(
            "schema = 1\nkind = \"vendor\"\n\
             [vendor]\nid = \"example\"\nname = \"Example\"\nrole = \"restricted\"\nversion = \"1\"\nreviewed = 2026-11-23\nenabled = true\n\
             [[service]]\nid = \"{id}\"\nname = \"Updates\"\ncategory = \"update\"\nstrength = \"strong\"\n\
             confidence = \"vendor\"\nnames = [{names}]\nsource = \"https://example.org/\"\n"
        );
        std::fs::write(folder.path().join("example.toml"), pack).unwrap();
        let library = Library::load(Some(folder.path())).unwrap();
        library.compile(|pack| pack.vendor.as_str() == "example")
    }

    #[test]
    fn a_name_is_judged_anew_and_an_alias_by_its_service() {
        let old = rules("\".upd.example.com\", \"edge.example.net\"", "updates");
        let name = DomainName::parse("s1.upd.example.com").unwrap();
        let matched = old.lookup(name.as_name()).unwrap();
        let carried = |rules: &RuleSet, name: &DomainName, pattern: &str| {
            let before = Match {
                service: Arc::clone(&matched.service),
                pattern: Arc::from(pattern),
            };
            let carried = rules.carry(name.as_name(), Some(&before));
            carried.map(|found| (found.service.id.to_string(), found.pattern.to_string()))
        };
        let narrower = rules("\"s1.upd.example.com\"", "databases");
        assert_eq!(
            carried(&narrower, &name, ".upd.example.com"),
            Some(("databases".to_owned(), "s1.upd.example.com".to_owned()))
        );
        let other = rules("\"other.example.com\"", "updates");
        assert_eq!(carried(&other, &name, ".upd.example.com"), None);
        // Asked for under this name, matched by an alias of it.
        let asked = DomainName::parse("update.example.org").unwrap();
        assert_eq!(
            carried(&other, &asked, "edge.example.net"),
            Some(("updates".to_owned(), "edge.example.net".to_owned()))
        );
        assert_eq!(carried(&narrower, &asked, "edge.example.net"), None);
        assert!(narrower.carry(asked.as_name(), None).is_none());
        assert!(narrower.carry(name.as_name(), None).is_some());
    }
}
