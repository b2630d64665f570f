//! The daemon's store: a thread that writes it ([`writer`]), its handle ([`keeper`]), and what the ledger's thread does with
//! both ([`ledger_side`]); when old rows may leave ([`horizon`]). A replay needs no thread for it ([`replay`]).

mod digest;
mod horizon;
mod keeper;
mod ledger_side;
mod replay;
mod writer;

use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

use crate::events::Message;
use crate::history::{HIDDEN, SHOWS};
use crate::model::Timestamp;
use crate::store::{Batch, Settings, Stored};

pub(super) use ledger_side::Keeping;
pub(super) use replay::KeptReplay;

/// Under which name the sequence of the latest event is remembered.
const SEQUENCE: &str = "sequence";

/// How the store is used.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// The folder.
    pub folder: PathBuf,
    /// Its bounds.
    pub settings: Settings,
    /// For how long rows are kept, in capture time.
    pub retention: Duration,
    /// Networks of the captured interfaces.
    pub networks: Vec<IpNet>,
    /// Whether pseudonyms stand in place of devices in all outputs.
    pub hidden: bool,
}

impl Plan {
    /// Says in the store what whoever reads it without the daemon may show.
    fn mark(&self, batch: &mut Batch) {
        let shown = if self.hidden { HIDDEN } else { "devices" };
        batch.remember(SHOWS, shown.to_owned());
    }
}

/// What is to be written, and the events that may be sent once it is.
#[derive(Debug, Default)]
struct Work {
    batch: Batch,
    messages: Vec<Message>,
    /// Engine time.
    now: Option<Timestamp>,
}

/// What comes back from the store.
enum Back {
    /// Before all rows: what earlier runs had remembered of what they saw.
    Begin { seen: Option<String> },
    /// Some rows.
    Rows(Vec<Stored>),
    /// Those were all; the sequence of the latest event of earlier runs.
    Done { sequence: u64 },
    /// Another store was begun than that of which rows came, or to which they went.
    Anew,
    /// There is no store for now.
    NotOpen,
}
