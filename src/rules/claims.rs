//! What packs of one origin claim for themselves: patterns, resolvers, addresses. No two may claim the same, or the order of
//! files would decide.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use super::PackError;
use super::pack_file::PackFile;

/// The claims of the packs so far.
#[derive(Default)]
pub(super) struct Claimed {
    /// The first who claimed it: file and id of the pack.
    first: HashMap<String, Rc<(String, String)>>,
    /// Claims that were told, each with the id of the pack that came later.
    told: BTreeSet<(String, String)>,
}

impl Claimed {
    /// Adds a pack. Of two packs of one id only that is told, elsewhere: they may have everything in common.
    pub(super) fn add(&mut self, file: &str, pack: &PackFile, faults: &mut Vec<PackError>) {
        let id = match pack {
            PackFile::Vendor(pack) => pack.vendor.as_str(),
            PackFile::Resolvers(pack) => pack.id.as_str(),
        };
        let here = Rc::new((file.to_owned(), id.to_owned()));
        for claim in claims(pack) {
            let first = match self.first.get(&claim) {
                Some(first) => first,
                None => {
                    self.first.insert(claim, Rc::clone(&here));
                    continue;
                }
            };
            let (other, other_id) = first.as_ref();
            if other_id != id && self.told.insert((claim.clone(), id.to_owned())) {
                faults.push(PackError::whole(
                    file,
                    format!("{claim} stands in {other} already; keep it in one pack"),
                ));
            }
        }
    }
}

/// What a pack claims for itself: no other pack of its origin may claim the same.
fn claims(pack: &PackFile) -> Vec<String> {
    match pack {
        PackFile::Vendor(pack) => {
            let patterns = pack.patterns.iter();
            patterns
                .map(|(text, _)| format!("pattern `{text}`"))
                .collect()
        }
        PackFile::Resolvers(pack) => {
            let names = pack.resolvers.iter().flat_map(|one| &one.names);
            let addresses = pack.resolvers.iter().flat_map(|one| &one.addresses);
            let public_names = pack.ech.iter().flat_map(|one| &one.names);
            names
                .map(|text| format!("resolver `{text}`"))
                .chain(addresses.map(|network| format!("address `{network}`")))
                .chain(public_names.map(|text| format!("public name `{text}`")))
                .collect()
        }
    }
}
