//! All packs: compiled in, and from a folder.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use super::built_in::BUILT_IN;
use super::folder::pack_files;
use super::pack_tests::{PackTestFailure, run_test};
use super::rule_set::{RuleSet, matcher_of};
use super::{PackError, pack_file};
use crate::model::{Match, Name, Pack, VendorId};

/// Every pack that is known, in force or not, one for each vendor.
#[derive(Clone, Debug, Default)]
pub struct Library {
    packs: BTreeMap<VendorId, Pack>,
    /// Vendors whose pack comes from the folder: their patterns win over built-in ones.
    from_folder: Vec<VendorId>,
}

impl Library {
    /// The compiled-in packs, and those of `folder` on top: a pack of the same vendor id replaces the built-in one.
    /// All faults are reported, not only the first.
    pub fn load(folder: Option<&Path>) -> Result<Self, Vec<PackError>> {
        let mut library = Self::default();
        let mut faults = Vec::new();
        let built_in = BUILT_IN
            .iter()
            .map(|(name, text)| (format!("rules/{name} (built in)"), Ok((*text).to_owned())));
        library.add(built_in, &mut faults);
        if let Some(folder) = folder {
            let mut extra = Self::default();
            match pack_files(folder) {
                Ok(files) => extra.add(files, &mut faults),
                Err(fault) => faults.push(fault),
            }
            library.from_folder = extra.packs.keys().cloned().collect();
            library.packs.extend(extra.packs);
        }
        if faults.is_empty() {
            Ok(library)
        } else {
            Err(faults)
        }
    }

    /// Only the packs of a folder, for checking them.
    pub fn load_folder(folder: &Path) -> Result<Self, Vec<PackError>> {
        let mut library = Self::default();
        let mut faults = Vec::new();
        match pack_files(folder) {
            Ok(files) => library.add(files, &mut faults),
            Err(fault) => faults.push(fault),
        }
        if faults.is_empty() {
            Ok(library)
        } else {
            Err(faults)
        }
    }

    /// Adds packs of one origin, among which no vendor and no pattern may stand twice.
    fn add(
        &mut self,
        files: impl IntoIterator<Item = (String, Result<String, PackError>)>,
        faults: &mut Vec<PackError>,
    ) {
        let mut owners: HashMap<Arc<str>, String> = HashMap::new();
        for (file, text) in files {
            let pack = match text.and_then(|text| pack_file::read(&file, &text)) {
                Ok(pack) => pack,
                Err(fault) => {
                    faults.push(fault);
                    continue;
                }
            };
            if let Some(other) = self.packs.get(&pack.vendor) {
                faults.push(PackError::whole(
                    &file,
                    format!(
                        "vendor `{}` stands in {} already; keep one of the two",
                        pack.vendor, other.origin
                    ),
                ));
                continue;
            }
            for (pattern, _) in &pack.patterns {
                if let Some(other) = owners.insert(Arc::clone(pattern), file.clone()) {
                    faults.push(PackError::whole(
                        &file,
                        format!(
                            "pattern `{pattern}` stands in {other} already; keep it in one pack"
                        ),
                    ));
                }
            }
            self.packs.insert(pack.vendor.clone(), pack);
        }
    }

    /// Every pack, sorted by vendor id.
    pub fn packs(&self) -> impl Iterator<Item = &Pack> {
        self.packs.values()
    }

    /// The pack of a vendor.
    pub fn pack(&self, vendor: &str) -> Option<&Pack> {
        self.packs.get(vendor)
    }

    /// Which pattern of any pack, in force or not, wins for a name.
    pub fn explain(&self, name: Name<'_>) -> Option<Match> {
        self.compile(|_| true).lookup(name).cloned()
    }

    /// Compiles the packs that `in_force` picks.
    pub fn compile(&self, in_force: impl Fn(&Pack) -> bool) -> RuleSet {
        let packs: Vec<Pack> = self
            .packs()
            .filter(|pack| in_force(pack))
            .cloned()
            .collect();
        // Of two equal patterns the later wins, so the folder's packs come last.
        let (folder, built_in): (Vec<&Pack>, Vec<&Pack>) = packs
            .iter()
            .partition(|pack| self.from_folder.contains(&pack.vendor));
        let matcher = matcher_of(built_in.into_iter().chain(folder));
        RuleSet { packs, matcher }
    }

    /// Runs every pack's own tests against the pack alone.
    pub fn test(&self) -> (usize, Vec<PackTestFailure>) {
        let mut ran = 0;
        let mut failures = Vec::new();
        for pack in self.packs() {
            let matcher = matcher_of([pack]);
            for (name, expected) in &pack.tests {
                ran += 1;
                if let Some(what) = run_test(&matcher, name, expected.as_ref()) {
                    failures.push(PackTestFailure {
                        vendor: pack.vendor.clone(),
                        what,
                    });
                }
            }
        }
        (ran, failures)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::DomainName;

    fn name(text: &str) -> DomainName {
        DomainName::parse(text).unwrap()
    }

    #[test]
    fn built_in_packs_load_and_pass_their_tests() {
        let library = Library::load(None).unwrap();
        let (ran, failures) = library.test();
        assert!(ran > 20, "only {ran} tests ran");
        assert_eq!(failures, []);
        for pack in library.packs() {
            for service in &pack.services {
                assert!(
                    pack.tests
                        .iter()
                        .any(|(_, id)| id.as_ref() == Some(&service.id)),
                    "{}/{} has no positive test",
                    pack.vendor,
                    service.id
                );
            }
            assert!(pack.tests.iter().filter(|(_, id)| id.is_none()).count() >= 5);
        }
    }

    const EXTRA: &str = r#"
schema = 1
kind = "vendor"
[vendor]
id = "ID"
name = "Extra"
role = "restricted"
version = "1"
reviewed = 2026-01-02
enabled = true
[[service]]
id = "mine"
name = "Mine"
category = "update"
strength = "strong"
confidence = "community"
names = [".geoksn.kaspersky.com"]
source = "https://vendor.example/"
"#;

    #[test]
    fn a_folder_adds_replaces_and_wins() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.toml"), EXTRA.replace("ID", "extra")).unwrap();
        std::fs::write(folder.path().join("README.md"), "not a pack").unwrap();
        let library = Library::load(Some(folder.path())).unwrap();
        assert!(library.pack("kaspersky").is_some());
        let found = library
            .explain(name("ksn-file.geoksn.kaspersky.com").as_name())
            .unwrap();
        assert_eq!(found.service.vendor.as_str(), "extra");

        std::fs::write(
            folder.path().join("a.toml"),
            EXTRA.replace("ID", "kaspersky"),
        )
        .unwrap();
        let library = Library::load(Some(folder.path())).unwrap();
        assert_eq!(library.pack("kaspersky").unwrap().services.len(), 1);
    }

    #[test]
    fn the_same_twice_is_a_fault_naming_both() {
        let folder = tempfile::tempdir().unwrap();
        for (file, id) in [("a.toml", "one"), ("b.toml", "two"), ("c.toml", "two")] {
            std::fs::write(folder.path().join(file), EXTRA.replace("ID", id)).unwrap();
        }
        let faults = Library::load(Some(folder.path())).unwrap_err();
        let text: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert!(
            text[0].contains("b.toml") && text[0].contains("a.toml"),
            "{text:?}"
        );
        assert!(
            text[1].contains("c.toml") && text[1].contains("vendor `two`"),
            "{text:?}"
        );
    }

    #[test]
    fn only_packs_in_force_match() {
        let library = Library::load(None).unwrap();
        let rules = library.compile(|pack| pack.vendor.as_str() != "kaspersky");
        assert_eq!(rules.lookup(name("s07.upd.kaspersky.com").as_name()), None);
        assert!(
            library
                .compile(|pack| pack.enabled)
                .lookup(name("s07.upd.kaspersky.com").as_name())
                .is_some()
        );
    }
}
