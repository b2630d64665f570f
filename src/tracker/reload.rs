//! Other rules come into force while flows go on.

use std::sync::Arc;

use super::{Analysis, Settings, Tracker};
use crate::model::{Match, Name};
use crate::rules::RuleSet;

impl Tracker {
    /// Takes other rules, and of the settings how it is judged: threshold, block addresses, block pages. What was learnt
    /// under the former ones must have been handed over by [`Tracker::drain`].
    ///
    /// No flow ends. A matched name goes on with what the new rules say of it, or is followed no further. A name that no
    /// former rule matched is not kept, so what asked for it before is known again with its next flow or question.
    pub fn reload(&mut self, settings: &Settings, rules: Arc<RuleSet>) {
        let Analysis { flows, insides, .. } = &mut self.analysis;
        let carry = |name: Name<'_>, before: Option<&Match>| rules.carry(name, before);
        for slot in 0..flows.slots() {
            if let Some(flow) = flows.at(slot)
                && let Some(names) = &mut flow.state.names
            {
                names.carry(&carry);
            }
        }
        insides.watch.carry(&carry);
        insides.uncovered.reload(&rules.packs);
        insides.role_log.watch_ports(relay_ports(&rules));
        let own = &mut insides.settings;
        own.transfer_threshold = settings.transfer_threshold;
        own.block_addresses.clone_from(&settings.block_addresses);
        own.block_pages.clone_from(&settings.block_pages);
        insides.rules = rules;
    }
}

/// Ports of the relays of the packs in force.
pub(super) fn relay_ports(rules: &RuleSet) -> impl Iterator<Item = u16> {
    let packs = rules.packs.iter();
    packs.flat_map(|pack| pack.relay_ports.iter().copied())
}
