//! Sightings to statuses and stragglers.
//!
//! The rules of counting are the product: a wrong accusation and a false all-clear are the two worst faults.
//! Only strong names count; weak ones are kept as context. [`Book`] takes what the workers report, [`Cutoffs`] says
//! which instant binds, and [`judge()`] turns what is in the book into a status at engine time.

mod ahead;
mod book;
mod bypass;
mod coverage;
mod cutoffs;
mod exceptions;
mod groups;
mod judge;
mod looked;
mod names;
mod sample_flows;
mod usage;

use std::collections::BTreeMap;
use std::time::Duration;

pub use book::{Book, Stats};
pub use bypass::Bypasses;
pub use coverage::coverage;
pub use cutoffs::{Cutoffs, GroupId, UnknownCutoff, phase};
pub use exceptions::{Addresses, ExceptionRule};
pub use groups::Group;
pub use judge::{Moment, judge};
pub use looked::Looked;
pub use usage::Usage;

use crate::model::VendorId;

/// What "now" means: the window (T − 24 h, T].
pub const WINDOW: Duration = Duration::from_secs(24 * 3600);

/// Share of the window that must have been captured before the absence of packets proves anything.
pub const ENOUGH_LOOKED: f64 = 0.9;

/// How evidence is judged.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Received payload bytes of one service in the window that make a host `fetching` without any single transfer.
    pub transfer_threshold: u64,
    /// Cutoff ids chosen for a vendor, instead of the pack's default.
    pub chosen_cutoffs: BTreeMap<VendorId, Vec<String>>,
    /// Hosts that are left out of account for a while.
    pub exceptions: Vec<ExceptionRule>,
    /// Hosts that other cutoffs bind. Of several that hold a host the first counts.
    pub groups: Vec<Group>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            transfer_threshold: 32 * 1024,
            chosen_cutoffs: BTreeMap::new(),
            exceptions: Vec::new(),
            groups: Vec::new(),
        }
    }
}
