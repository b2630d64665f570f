//! Which cutoff binds a vendor's category.

use std::collections::BTreeMap;

use super::Settings;
use crate::model::{Category, Cutoff, Pack, Phase, Timestamp, VendorId};

/// The cutoffs in force: at most one for each vendor and category.
#[derive(Clone, Debug, Default)]
pub struct Cutoffs {
    by_category: BTreeMap<(VendorId, Category), Cutoff>,
}

/// The configuration names a cutoff that the pack does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("vendor `{vendor}` has no cutoff `{id}`; it has: {known}")]
pub struct UnknownCutoff {
    /// The vendor.
    pub vendor: VendorId,
    /// The id asked for.
    pub id: String,
    /// The ids that there are.
    pub known: String,
}

impl Cutoffs {
    /// Chooses among the cutoffs of the packs: the configured ones, or the default. Where several chosen ones concern
    /// a category, the earliest binds.
    pub fn choose(packs: &[Pack], settings: &Settings) -> Result<Self, UnknownCutoff> {
        let mut chosen = Self::default();
        for pack in packs {
            let wanted = settings.chosen_cutoffs.get(&pack.vendor);
            let missing = wanted
                .into_iter()
                .flatten()
                .find(|id| !pack.cutoffs.iter().any(|cutoff| cutoff.id == **id));
            if let Some(id) = missing {
                let known: Vec<&str> = pack
                    .cutoffs
                    .iter()
                    .map(|cutoff| cutoff.id.as_str())
                    .collect();
                return Err(UnknownCutoff {
                    vendor: pack.vendor.clone(),
                    id: id.clone(),
                    known: known.join(", "),
                });
            }
            for cutoff in &pack.cutoffs {
                let in_force = wanted.map_or(cutoff.default, |ids| ids.contains(&cutoff.id));
                if in_force {
                    chosen.put(pack, cutoff);
                }
            }
        }
        Ok(chosen)
    }

    fn put(&mut self, pack: &Pack, cutoff: &Cutoff) {
        for &category in &cutoff.categories {
            let place = self
                .by_category
                .entry((pack.vendor.clone(), category))
                .or_insert_with(|| cutoff.clone());
            if cutoff.at < place.at {
                *place = cutoff.clone();
            }
        }
    }

    /// The cutoff for a vendor and category.
    pub fn find(&self, vendor: &VendorId, category: Category) -> Option<&Cutoff> {
        self.by_category.get(&(vendor.clone(), category))
    }

    /// The phase of an instant.
    pub fn phase(&self, vendor: &VendorId, category: Category, time: Timestamp) -> Phase {
        match self.find(vendor, category) {
            None => Phase::None,
            Some(cutoff) if time >= cutoff.at => Phase::After,
            Some(_) => Phase::Before,
        }
    }
}
