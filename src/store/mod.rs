//! What outlives the daemon: rolled-up sightings and replies, hosts with their addresses over time, what was looked at,
//! and events on their way out. One SQLite file in a folder that one process holds at a time.
//!
//! - **A [`Batch`] is one transaction.** The daemon writes about one a second. A process that is killed loses at most the
//!   batch that it had not written; so does a power loss, because every commit waits for the disk
//!   (`synchronous=FULL`): a sequence that an output was given must not be given to another event after a restart.
//! - **What cannot be written stays in the batch**, which absorbs the next ones: a full disk loses nothing while the caps of
//!   [`batch`] last.
//! - **Damage is set aside, never deleted**; a store of a newer version and a database of another program are refused
//!   untouched. See [`Store::open`].
//! - **Readers see one instant** and do not stop the writer: [`Reader`].
//! - **Old rows** are merged from hours to days, and leave after the retention: [`Store::prune`], a bounded piece a call.
//!
//! It blocks and starts no thread. Times are arguments; the clock is read for the name of a damaged file and for
//! [`Stats::last_write`] only. Not handled: a folder on a network file system, where SQLite's log does not work.

mod add;
pub mod batch;
mod columns;
mod daily;
mod erase;
mod error;
mod folder;
mod hosts;
mod ids;
mod meta;
mod open;
mod outbox;
mod private;
mod prune;
mod read;
mod reader;
mod record;
mod rolled_up;
mod rows;
mod samples;
mod schema;
mod stats;
#[cfg(test)]
mod tests;
mod write;

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior};

pub use batch::{Batch, Lost};
pub use daily::{HostDay, HostPast, VendorDay};
pub use erase::Erased;
pub use error::{Notice, Result, StoreError};
pub use folder::{FILE_NAME, SetAside, make_folder};
pub use prune::{HOURS_KEPT, Pruned};
pub use read::{Filter, NoPlace, Page, Place, Restored, Stored};
pub use reader::Reader;
pub use record::{FileRecord, HostRecord, LookedRecord, OutboxEvent};
pub use rolled_up::{
    Period, ReplyKey, ReplySum, SightingKey, SightingSum, StoredReply, StoredSample, StoredSighting,
};
pub use stats::{Operation, Stats};

use crate::model::{HostKey, Timestamp};
use folder::{Folder, Identity};

/// How much the store may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Bytes to which the file may grow, and then by one batch at most. Beyond, nothing is written, as if the disk were
    /// full: traffic that makes rows without end fills this and not the disk. Default 4 GiB.
    pub max_bytes: u64,
    /// Events that may wait for outputs; the oldest beyond are dropped and counted. Default 100,000, about 100 MiB.
    pub outbox_cap: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_bytes: 4 << 30,
            outbox_cap: 100_000,
        }
    }
}

/// The one writer of a store.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    /// The file that is open.
    file: Option<Identity>,
    /// The log beside it, as it was when the last batch came.
    log: Option<Identity>,
    folder: Folder,
    path: PathBuf,
    settings: Settings,
    stats: Stats,
}

impl Store {
    /// Opens the store in a folder, and makes both if they are not there: the folder with mode 0700, files with 0600.
    ///
    /// A damaged file is renamed to `straggler.db.corrupt-YYYYMMDDTHHMMSSZ`, a new one is begun, and the notice says so.
    /// To know, the whole file is read: about a second for each gigabyte that the system has in memory, else as fast as
    /// the disk.
    ///
    /// Fails if another process holds the folder, if it cannot be written, or if the file is of a newer version or of
    /// another program; that file is left untouched.
    pub fn open(folder: &Path, settings: Settings) -> Result<(Self, Option<Notice>)> {
        open::open(folder, settings, schema::MIGRATIONS)
    }

    /// Writes a batch as one transaction. After an error nothing of it is written, and it may be written again, alone or
    /// with what came since.
    pub fn write(&mut self, batch: &Batch) -> Result<()> {
        if batch.is_empty() {
            return Ok(());
        }
        let in_place = self.check_place();
        self.counted(Operation::Write, in_place)?;
        let room = self.check_room();
        self.counted(Operation::Write, room)?;
        let cap = self.settings.outbox_cap;
        self.transact(Operation::Write, "write to the store", |connection| {
            write::batch(connection, batch, cap)
        })?;
        self.stats.last_write = Some(wall_clock());
        self.stats.outbox_dropped = if batch.events.is_empty() {
            self.stats.outbox_dropped
        } else {
            self.read(|connection| meta::count(connection, outbox::OUTBOX_DROPPED))?
        };
        Ok(())
    }

    /// Everything that rebuilds the findings: see [`Reader::restore`].
    pub fn restore(&mut self, since: Timestamp, each: &mut dyn FnMut(Stored)) -> Result<Restored> {
        self.read(|connection| read::restore(connection, since, each))
    }

    /// A page of sightings: see [`Reader::sightings`]. Pages of the writer follow what is written meanwhile.
    pub fn sightings(
        &mut self,
        filter: &Filter,
        from: Option<Place>,
        limit: usize,
    ) -> Result<Page> {
        self.read(|connection| read::sightings(connection, filter, from, limit))
    }

    /// Whether a file with this SHA-256 was read to its end before.
    pub fn has_file(&mut self, digest: &[u8; 32]) -> Result<bool> {
        self.read(|connection| {
            let mut find = connection.prepare_cached("SELECT 1 FROM files WHERE digest = ?1")?;
            find.exists([digest])
        })
    }

    /// What was remembered under a name.
    pub fn remembered(&mut self, name: &str) -> Result<Option<String>> {
        self.read(|connection| meta::value(connection, &format!("user:{name}")))
    }

    /// Batches written since the store was made.
    pub fn batches(&mut self) -> Result<u64> {
        self.read(|connection| meta::count(connection, meta::BATCHES))
    }

    /// Removes what is old, a bounded piece: call it until there is no more, and let batches be written in between.
    ///
    /// Rows of hours that lie [`HOURS_KEPT`] before `now` (engine time) are merged to days; what ended before the
    /// `retention` leaves, with the hosts and names that nothing refers to any more; events leave that all outputs have.
    pub fn prune(&mut self, now: Timestamp, retention: Duration) -> Result<Pruned> {
        self.transact(
            Operation::Prune,
            "remove what is old from the store",
            |connection| prune::prune(connection, now, retention),
        )
    }

    /// Erases a host, whichever of its keys is given: its rows, its events, and the samples of others that name an address
    /// while it had it. The file is written anew, so that its bytes are gone and not only free; that needs as much room
    /// again, and nobody may read the store meanwhile. Copies that were set aside or kept before a migration are not
    /// touched; the answer names them.
    pub fn erase(&mut self, host: &HostKey) -> Result<Erased> {
        erase::erase(self, host)
    }

    /// Counters, with the size as it is now.
    pub fn stats(&self) -> Stats {
        Stats {
            size_bytes: folder::size(&self.path),
            ..self.stats
        }
    }

    /// One transaction: it stands when this returns `Ok`, and is undone otherwise.
    fn transact<T>(
        &mut self,
        operation: Operation,
        action: &'static str,
        body: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T> {
        let begun = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate);
        let result = begun.and_then(|transaction| {
            let value = body(&transaction)?;
            transaction.commit()?;
            Ok(value)
        });
        let result = result.map_err(|error| self.explain(action, &error));
        self.counted(operation, result)
    }

    fn read<T>(&mut self, body: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        let result = body(&self.connection);
        let result = result.map_err(|error| self.explain("read the store", &error));
        self.counted(Operation::Read, result)
    }

    /// SQLite goes on writing to a file that was removed, and nobody would ever read that.
    fn check_place(&mut self) -> Result<()> {
        match self.folder.database_file() {
            Ok(there) if there != self.file => {
                let path = self.path.clone();
                Err(StoreError::Replaced { path })
            }
            Ok(_) => {
                self.log = self.folder.log_file();
                Ok(())
            }
            // Nobody can look there now, which says nothing of what is there.
            Err(_) => Ok(()),
        }
    }

    /// Closes a store whose file was taken away. What it had not yet brought into that file would be brought into the one
    /// that has its name now.
    pub fn leave(self) {
        let Self {
            connection,
            folder,
            log,
            ..
        } = self;
        drop(connection);
        if log.is_some() && folder.log_file() == log {
            folder.set_companions_aside();
        }
    }

    /// Not SQLite's own limit (`max_page_count`): it has one word for that and for a disk without room, and it would stop
    /// pruning too, which needs a page to free others.
    fn check_room(&self) -> Result<()> {
        let number = |pragma| -> Result<i64> {
            let value = self
                .connection
                .pragma_query_value(None, pragma, |row| row.get(0));
            value.map_err(|error| self.explain("read the store", &error))
        };
        let pages = number("page_count")? - number("freelist_count")?;
        let limit = self.settings.max_bytes;
        if columns::unsigned(pages * number("page_size")?) < limit {
            return Ok(());
        }
        let path = self.path.clone();
        Err(StoreError::LimitReached { path, limit })
    }

    fn explain(&self, action: &'static str, error: &rusqlite::Error) -> StoreError {
        error::sqlite(&self.path, action, error)
    }

    fn counted<T>(&mut self, operation: Operation, result: Result<T>) -> Result<T> {
        if result.is_err() {
            self.stats.errors[operation as usize] += 1;
        }
        result
    }
}

fn wall_clock() -> Timestamp {
    let nanos = i64::try_from(jiff::Timestamp::now().as_nanosecond());
    Timestamp::from_nanos(nanos.unwrap_or(i64::MAX))
}
