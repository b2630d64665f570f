//! Other rules and another configuration come into force.

use super::{Ledger, Settings};
use crate::evidence::{Cutoffs, UnknownCutoff};
use crate::model::{Carry, Pack, PackRole, VendorId};

impl Ledger {
    /// Judges by other packs and settings from now on. What is noted stays, and is judged anew: statuses, stragglers and
    /// coverage are as if the new rules had been there before, but for what they could not know. Phases and the counts after
    /// the cutoff stay as they were counted, and no name is found that the former rules did not match.
    ///
    /// Not taken over: `local`, `local_networks_known`, `events`, `keep`, on which everything rests that was noted, and
    /// `listings`, for which there is [`Ledger::set_listings`].
    pub fn reload(
        &mut self,
        settings: Settings,
        packs: &[Pack],
        carry: &Carry<'_>,
    ) -> Result<(), UnknownCutoff> {
        self.cutoffs = Cutoffs::choose(packs, &settings.evidence)?;
        self.settings = Settings {
            evidence: settings.evidence,
            resolvers: settings.resolvers,
            sensor_addresses: settings.sensor_addresses,
            watch_sensor: settings.watch_sensor,
            ..std::mem::take(&mut self.settings)
        };
        let before = std::mem::replace(&mut self.packs, packs.to_vec());
        let vendors = packs.iter().map(|pack| {
            let is_same = before.iter().any(|known| known.digest == pack.digest);
            (pack.vendor.clone(), is_same)
        });
        self.uncovered.reload(vendors);
        let role = |vendor: &VendorId| {
            let pack = packs.iter().find(|pack| pack.vendor == *vendor);
            pack.map(|pack| pack.role)
        };
        self.book.carry(&|vendor| role(vendor).is_some(), carry);
        let restricted = |vendor: &VendorId| role(vendor) == Some(PackRole::Restricted);
        self.bypasses.carry(&restricted, carry);
        self.watch.carry(carry);
        self.happenings.judged_anew();
        Ok(())
    }
}
