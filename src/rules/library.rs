//! All packs: compiled in, and from a folder.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::built_in::BUILT_IN;
use super::claims::Claimed;
use super::encrypted_dns::EncryptedDns;
use super::folder::pack_files;
use super::pack_file::PackFile;
use super::pack_tests::{PackTestFailure, run_test};
use super::rule_set::{RuleSet, matcher_of};
use super::{PackError, pack_file};
use crate::model::{Match, Name, Pack, ResolverPack, ResolverPackId, VendorId};

/// Every pack that is known: vendors' packs, in force or not, one for each vendor; and packs of resolvers.
#[derive(Clone, Debug, Default)]
pub struct Library {
    packs: BTreeMap<VendorId, Pack>,
    resolver_packs: BTreeMap<ResolverPackId, ResolverPack>,
    /// Ids of the packs that come from the folder: their patterns win over built-in ones.
    from_folder: BTreeSet<String>,
}

impl Library {
    /// The compiled-in packs, and those of `folder` on top: a pack of the same id replaces the built-in one.
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
            library.replace_by(extra, &mut faults);
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

    /// Adds packs of one origin, among which no id, no pattern and no address may stand twice. They are taken by the names of
    /// their files, so that whoever lists them decides nothing.
    fn add(
        &mut self,
        files: impl IntoIterator<Item = (String, Result<String, PackError>)>,
        faults: &mut Vec<PackError>,
    ) {
        let mut files: Vec<_> = files.into_iter().collect();
        files.sort_by(|(a, _), (b, _)| a.cmp(b));
        let mut claimed = Claimed::default();
        for (file, text) in files {
            let pack = match text.and_then(|text| pack_file::read(&file, &text)) {
                Ok(pack) => pack,
                Err(fault) => {
                    faults.push(fault);
                    continue;
                }
            };
            claimed.add(&file, &pack, faults);
            let (id, what) = match &pack {
                PackFile::Vendor(pack) => (pack.vendor.as_str(), "vendor"),
                PackFile::Resolvers(pack) => (pack.id.as_str(), "pack"),
            };
            if let Some(other) = self.origin(id) {
                faults.push(PackError::whole(
                    &file,
                    format!("{what} `{id}` stands in {other} already; keep one of the two"),
                ));
                continue;
            }
            match pack {
                PackFile::Vendor(pack) => {
                    self.packs.insert(pack.vendor.clone(), pack);
                }
                PackFile::Resolvers(pack) => {
                    self.resolver_packs.insert(pack.id.clone(), pack);
                }
            }
        }
    }

    /// Puts the packs of a folder on top. A pack of one kind cannot replace one of the other: it would take away what
    /// nobody spoke of.
    fn replace_by(&mut self, folder: Self, faults: &mut Vec<PackError>) {
        let vendors = folder.packs.values().filter_map(|pack| {
            let id = pack.vendor.as_str();
            let other = &self.resolver_packs.get(id)?.origin;
            Some((id, &pack.origin, other))
        });
        let resolvers = folder.resolver_packs.values().filter_map(|pack| {
            let id = pack.id.as_str();
            let other = &self.packs.get(id)?.origin;
            Some((id, &pack.origin, other))
        });
        faults.extend(vendors.chain(resolvers).map(|(id, origin, other)| {
            PackError::whole(
                origin,
                format!("`{id}` is a pack of another kind in {other}; give this one its own id"),
            )
        }));
        let vendors = folder.packs.keys().map(ToString::to_string);
        let resolvers = folder.resolver_packs.keys().map(ToString::to_string);
        self.from_folder = vendors.chain(resolvers).collect();
        self.packs.extend(folder.packs);
        self.resolver_packs.extend(folder.resolver_packs);
    }

    /// Where the pack of an id is from, of whatever kind.
    fn origin(&self, id: &str) -> Option<&str> {
        let vendor = self.packs.get(id).map(|pack| &pack.origin);
        let resolvers = self.resolver_packs.get(id).map(|pack| &pack.origin);
        vendor.or(resolvers).map(String::as_str)
    }

    /// Every vendor's pack, sorted by vendor id.
    pub fn packs(&self) -> impl Iterator<Item = &Pack> {
        self.packs.values()
    }

    /// The pack of a vendor.
    pub fn pack(&self, vendor: &str) -> Option<&Pack> {
        self.packs.get(vendor)
    }

    /// Every pack of known encrypted-DNS services, sorted by id. All of them are in force.
    pub fn resolver_packs(&self) -> impl Iterator<Item = &ResolverPack> {
        self.resolver_packs.values()
    }

    /// The pack of known encrypted-DNS services with an id.
    pub fn resolver_pack(&self, id: &str) -> Option<&ResolverPack> {
        self.resolver_packs.get(id)
    }

    /// Which pattern of any vendor's pack, in force or not, wins for a name.
    pub fn explain(&self, name: Name<'_>) -> Option<Match> {
        self.compile(|_| true).lookup(name).cloned()
    }

    /// Compiles the vendors' packs that `in_force` picks, and every pack of resolvers.
    pub fn compile(&self, in_force: impl Fn(&Pack) -> bool) -> RuleSet {
        let packs: Vec<Pack> = self
            .packs()
            .filter(|pack| in_force(pack))
            .cloned()
            .collect();
        let mut resolver_packs: Vec<&ResolverPack> = self.resolver_packs().collect();
        resolver_packs.sort_by_key(|pack| self.from_folder.contains(pack.id.as_str()));
        let encrypted_dns = EncryptedDns::new(&resolver_packs);
        let from_folder = |pack: &Pack| self.from_folder.contains(pack.vendor.as_str());
        RuleSet::new(packs, from_folder, encrypted_dns)
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
                        pack: pack.vendor.to_string(),
                        what,
                    });
                }
            }
        }
        for pack in self.resolver_packs() {
            let compiled = EncryptedDns::new(&[pack]);
            ran += pack.tests.len();
            let failed = pack.tests.iter().filter_map(|test| compiled.run_test(test));
            failures.extend(failed.map(|what| PackTestFailure {
                pack: pack.id.to_string(),
                what,
            }));
        }
        (ran, failures)
    }
}

#[cfg(test)]
mod order;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::DomainName;

    fn name(text: &str) -> DomainName {
        DomainName::parse(text).unwrap()
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

    const RESOLVERS: &str = r#"
schema = 1
kind = "resolvers"
[resolvers]
id = "ID"
name = "Ours"
version = "1"
reviewed = 2026-01-02
[[resolver]]
id = "ours"
name = "Our resolver"
confidence = "community"
names = [".dns.google", "doh.corp.example"]
addresses = ["8.8.8.8", "10.0.0.53"]
source = "https://corp.example/"
"#;

    fn resolver_at(library: &Library, address: [u8; 4]) -> Option<String> {
        let rules = library.compile(|_| true);
        let found = rules.encrypted_dns().resolver_of_address(address.into());
        found.map(|(_, resolver)| format!("{}/{}", resolver.pack, resolver.id))
    }

    #[test]
    fn a_folder_adds_resolvers_wins_and_replaces() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.toml");
        // Sorted before the built-in one, and yet it wins.
        std::fs::write(&path, RESOLVERS.replace("ID", "a-site")).unwrap();
        let library = Library::load(Some(folder.path())).unwrap();
        assert_eq!(library.resolver_packs().count(), 2);
        let at = |address| resolver_at(&library, address);
        assert_eq!(at([8, 8, 8, 8]).as_deref(), Some("a-site/ours"));
        assert_eq!(at([10, 0, 0, 53]).as_deref(), Some("a-site/ours"));
        assert_eq!(at([8, 8, 4, 4]).as_deref(), Some("encrypted-dns/google"));

        std::fs::write(&path, RESOLVERS.replace("ID", "encrypted-dns")).unwrap();
        let library = Library::load(Some(folder.path())).unwrap();
        assert_eq!(library.resolver_packs().count(), 1);
        assert_eq!(resolver_at(&library, [8, 8, 4, 4]), None);
        let vendors = BUILT_IN.len() - 1;
        assert_eq!(library.packs().count(), vendors, "vendors stay as they are");
    }

    #[test]
    fn packs_of_different_kinds_do_not_replace_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.toml");
        for (text, id) in [(RESOLVERS, "kaspersky"), (EXTRA, "encrypted-dns")] {
            std::fs::write(&path, text.replace("ID", id)).unwrap();
            let faults = Library::load(Some(folder.path())).unwrap_err();
            assert_eq!(faults.len(), 1);
            let said = faults[0].to_string();
            assert!(
                said.contains("r.toml: `") && said.contains("another kind in rules/"),
                "{said}"
            );
        }
    }

    #[test]
    fn an_address_in_two_packs_is_a_fault_naming_both() {
        let folder = tempfile::tempdir().unwrap();
        for (file, id) in [("a.toml", "one"), ("b.toml", "two"), ("c.toml", "one")] {
            std::fs::write(folder.path().join(file), RESOLVERS.replace("ID", id)).unwrap();
        }
        let faults = Library::load(Some(folder.path())).unwrap_err();
        let text: Vec<String> = faults.iter().map(ToString::to_string).collect();
        for words in [
            "resolver `.dns.google` stands in",
            "address `10.0.0.53/32` stands in",
            "pack `one` stands in",
        ] {
            assert!(text.iter().any(|said| said.contains(words)), "{text:?}");
        }
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
