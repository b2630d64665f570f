//! Which cutoff binds a vendor's category, for the hosts of which group.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::{Group, Settings};
use crate::model::{Category, Cutoff, Pack, Phase, Service, Timestamp, VendorId};

type ByCategory = BTreeMap<(VendorId, Category), Cutoff>;

/// The cutoffs in force: for each group of hosts at most one for each vendor and category.
#[derive(Clone, Debug, Default)]
pub struct Cutoffs {
    /// Those of hosts in no group.
    everybody: ByCategory,
    groups: Vec<(Group, ByCategory)>,
}

/// Hosts to which the same cutoffs apply: one of the configured groups, or all that are in none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GroupId(Option<usize>);

/// The configuration names a cutoff that no pack in force has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnknownCutoff {
    /// In the table of a vendor.
    #[error("vendor `{vendor}` has no cutoff `{id}`; it has: {known}")]
    OfVendor {
        /// The vendor.
        vendor: VendorId,
        /// The id asked for.
        id: String,
        /// The ids that there are.
        known: String,
    },
    /// In a group.
    #[error("[[group]] `{group}`: no vendor in force has a cutoff `{id}`; there are: {known}")]
    OfGroup {
        /// Name of the group.
        group: String,
        /// The id asked for.
        id: String,
        /// The ids that there are, each with its vendor.
        known: String,
    },
}

impl Cutoffs {
    /// Chooses among the cutoffs of the packs: the configured ones, or the default. Where several chosen ones concern
    /// a category, the earliest binds.
    pub fn choose(packs: &[Pack], settings: &Settings) -> Result<Self, UnknownCutoff> {
        let mut everybody = ByCategory::new();
        for pack in packs {
            for cutoff in for_everybody(pack, settings)? {
                put(&mut everybody, pack, cutoff);
            }
        }
        let mut groups = Vec::new();
        for group in &settings.groups {
            if let Some(id) = group.unknown(packs) {
                return Err(UnknownCutoff::OfGroup {
                    group: group.name.clone(),
                    id: id.to_owned(),
                    known: all_ids(packs),
                });
            }
            let mut own = ByCategory::new();
            for pack in packs {
                let chosen = match group.choose(pack) {
                    Some(chosen) => chosen,
                    None => for_everybody(pack, settings)?,
                };
                for cutoff in chosen {
                    put(&mut own, pack, cutoff);
                }
            }
            groups.push((group.clone(), own));
        }
        Ok(Self { everybody, groups })
    }

    /// The group of a host with these addresses at this site: the first that holds it, in the order of the file.
    pub fn group_of(&self, addresses: &[IpAddr], site: Option<&str>) -> GroupId {
        let holds = |(group, _): &(Group, ByCategory)| group.holds(addresses, site);
        GroupId(self.groups.iter().position(holds))
    }

    /// Whether any group is configured.
    pub fn has_groups(&self) -> bool {
        !self.groups.is_empty()
    }

    /// All that are in no group, then every group in the order of the file.
    pub fn groups(&self) -> impl Iterator<Item = GroupId> {
        let groups = (0..self.groups.len()).map(|at| GroupId(Some(at)));
        std::iter::once(GroupId::default()).chain(groups)
    }

    /// The name of a group; `None` for all that are in none.
    pub fn name(&self, group: GroupId) -> Option<&str> {
        let (group, _) = self.groups.get(group.0?)?;
        Some(&group.name)
    }

    /// The cutoff of a group for what a service is for.
    pub fn find(&self, group: GroupId, service: &Service) -> Option<&Cutoff> {
        self.of_category(group, &service.vendor, service.category)
    }

    /// The cutoff of a group for a vendor and category.
    pub fn of_category(
        &self,
        group: GroupId,
        vendor: &VendorId,
        category: Category,
    ) -> Option<&Cutoff> {
        let of_group = group.0.and_then(|at| self.groups.get(at));
        let by_category = of_group.map_or(&self.everybody, |(_, own)| own);
        by_category.get(&(vendor.clone(), category))
    }
}

/// The phase of an instant against a cutoff.
pub fn phase(cutoff: Option<&Cutoff>, time: Timestamp) -> Phase {
    match cutoff {
        None => Phase::None,
        Some(cutoff) if time >= cutoff.at => Phase::After,
        Some(_) => Phase::Before,
    }
}

/// The cutoffs of a pack that bind hosts in no group.
fn for_everybody<'a>(
    pack: &'a Pack,
    settings: &Settings,
) -> Result<Vec<&'a Cutoff>, UnknownCutoff> {
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
        return Err(UnknownCutoff::OfVendor {
            vendor: pack.vendor.clone(),
            id: id.clone(),
            known: known.join(", "),
        });
    }
    let in_force = |cutoff: &&Cutoff| wanted.map_or(cutoff.default, |ids| ids.contains(&cutoff.id));
    Ok(pack.cutoffs.iter().filter(in_force).collect())
}

fn put(by_category: &mut ByCategory, pack: &Pack, cutoff: &Cutoff) {
    for &category in &cutoff.categories {
        let place = by_category
            .entry((pack.vendor.clone(), category))
            .or_insert_with(|| cutoff.clone());
        if cutoff.at < place.at {
            *place = cutoff.clone();
        }
    }
}

fn all_ids(packs: &[Pack]) -> String {
    let ids: Vec<String> = packs
        .iter()
        .flat_map(|pack| {
            let ids = pack.cutoffs.iter();
            ids.map(move |cutoff| format!("{}/{}", pack.vendor, cutoff.id))
        })
        .collect();
    ids.join(", ")
}
