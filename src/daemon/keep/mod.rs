//! The daemon's store: a thread that writes it ([`writer`]), its handle ([`keeper`]), and what the ledger's thread does with
//! both ([`ledger_side`]); a replay needs no thread for it ([`replay`]).

mod keeper;
mod ledger_side;
mod replay;
mod writer;

use std::path::PathBuf;
use std::time::Duration;

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
    /// Some rows.
    Rows(Vec<Stored>),
    /// All of them; what earlier runs had seen, and the sequence of their latest event.
    Done { seen: Option<String>, sequence: u64 },
    /// There is no store for now.
    NotOpen,
}
