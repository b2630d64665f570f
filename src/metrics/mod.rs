//! Every metric family in one place, built from what the daemon published last.
//!
//! Each scrape reads the [`Scene`]: counters live where they are counted, and nothing is kept twice.
//! Labels come from closed sets and packs; the one exception, the host key, is limited by [`Settings::host_series`].

mod exposition;
mod families;
mod gather;
mod hosts;
mod samples;
mod sensor;
mod server;
mod store;
mod vendors;

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::events::{Counts, OutputKind};
use crate::model::{Protections, Snapshot};
use crate::{capture, ledger, tracker};

pub use exposition::{Exposition, Scrape};
pub use families::{FAMILIES, Family, Kind};
pub use server::ServerScene;
pub use store::StoreScene;

/// How many series there may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Combinations of host, vendor and category; each makes up to eight series.
    pub host_series: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { host_series: 5_000 }
    }
}

/// All that is to be seen from outside at one instant.
#[derive(Clone, Debug, Default)]
pub struct Scene {
    /// The ledger's conclusions.
    pub snapshot: Snapshot,
    /// Trackers' counters, all together.
    pub tracker: tracker::Stats,
    /// The ledger's counters.
    pub ledger: ledger::Stats,
    /// Live interfaces; none in a replay.
    pub interfaces: Vec<InterfaceScene>,
    /// What went wrong with a source, for people. [`Scene::faults`] has those of the server too.
    pub faults: Vec<String>,
    /// What became of events, by output.
    pub events: Vec<(OutputKind, Counts)>,
    /// The store, where findings are kept.
    pub store: Option<StoreScene>,
    /// Whether captures are open, or replayed to their end.
    pub ready: bool,
    /// Which configuration and rules are in force.
    pub reload: ReloadScene,
    /// The server, as it is now and not when the scene was made.
    pub server: Arc<ServerScene>,
    /// What protects the machine from this process.
    pub sandbox: Protections,
}

impl Scene {
    /// What is wrong with sources, configuration and the server, for people.
    pub fn faults(&self) -> Vec<String> {
        let server = self.server.fault();
        let server = server.map(|fault| String::clone(&fault));
        self.faults.iter().cloned().chain(server).collect()
    }

    /// Why the latest reading of configuration, rules, or who is let in was refused, if it was.
    pub fn refused(&self) -> Option<String> {
        let server = || self.server.fault().map(|fault| String::clone(&fault));
        self.reload.fault.clone().or_else(server)
    }
}

/// How the last reading of configuration and rules went.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReloadScene {
    /// Wall time of the last one that was sound, in seconds since the epoch: what came of it is in force.
    pub succeeded_at: f64,
    /// Why a later one was refused, for people.
    pub fault: Option<String>,
}

/// One live interface.
#[derive(Clone, Debug, Default)]
pub struct InterfaceScene {
    /// Its name.
    pub name: String,
    /// Whether it is being captured.
    pub up: bool,
    /// Why nothing is looked at now, if so.
    pub down: Option<String>,
    /// What is to be known of it although it is looked at.
    pub note: Option<String>,
    /// How often it was opened again.
    pub restarts: u64,
    /// What was lost.
    pub capture: capture::Stats,
    /// Its workers' counters, all together.
    pub tracker: tracker::Stats,
    /// Frames that each of its workers took.
    pub worker_frames: Vec<u64>,
}

/// Where the daemon puts the latest scene, and everybody reads it without waiting.
pub type Board = ArcSwap<Scene>;
