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

pub mod batch;
mod erase;
mod error;
mod folder;
mod hosts;
mod ids;
mod open;
mod prune;
mod read;
mod record;
mod rows;
mod samples;
mod schema;
#[cfg(test)]
mod tests;
mod write;

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior};

pub use batch::{Batch, Lost};
pub use erase::Erased;
pub use error::{Notice, Result, StoreError};
pub use folder::{FILE_NAME, SetAside};
pub use prune::{HOURS_KEPT, Pruned};
pub use read::{Filter, NoPlace, Page, Place, Reader, Restored, Stored};
pub use record::{
    FileRecord, HostRecord, LookedRecord, OutboxEvent, Period, ReplyKey, ReplySum, SightingKey,
    SightingSum, StoredReply, StoredSample, StoredSighting,
};

use crate::model::{HostKey, Timestamp};
use folder::Folder;

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

/// What the store was doing when something failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operation {
    /// Opening it. An open that fails leaves no store that could count; the caller adds those.
    Open,
    /// Writing a batch, or erasing a host.
    Write,
    /// Reading.
    Read,
    /// Removing what is old.
    Prune,
    /// Bringing it to a newer schema; counted by the caller, as for `Open`.
    Migrate,
}

impl Operation {
    /// Every operation, in the order in which they are declared.
    pub const ALL: &'static [Self] = &[
        Self::Open,
        Self::Write,
        Self::Read,
        Self::Prune,
        Self::Migrate,
    ];

    /// Its word in metrics.
    pub fn label(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Write => "write",
            Self::Read => "read",
            Self::Prune => "prune",
            Self::Migrate => "migrate",
        }
    }
}

/// Counters of an open store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Bytes of the file and of what SQLite keeps beside it.
    pub size_bytes: u64,
    /// Wall time of the last batch that was written by this process.
    pub last_write: Option<Timestamp>,
    /// Failures by operation, in the order of [`Operation::ALL`].
    pub errors: [u64; Operation::ALL.len()],
    /// Events dropped from the full outbox since the store was made.
    pub outbox_dropped: u64,
}

/// The one writer of a store.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
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
            self.read(|connection| read::meta_count(connection, write::OUTBOX_DROPPED))?
        };
        Ok(())
    }

    /// Says which outputs there are now. Others are forgotten, so that their events do not wait for ever; a new one gets
    /// what is still there.
    pub fn set_outputs(&mut self, names: &[&str]) -> Result<()> {
        self.transact(Operation::Write, "write to the store", |connection| {
            let mut known = connection.prepare("SELECT name FROM outputs")?;
            let known = known.query_map([], |row| row.get(0))?;
            for name in known.collect::<rusqlite::Result<Vec<String>>>()? {
                if !names.contains(&name.as_str()) {
                    connection.execute("DELETE FROM outputs WHERE name = ?1", [name])?;
                }
            }
            for name in names {
                let insert = "INSERT OR IGNORE INTO outputs (name, sequence) VALUES (?1, 0)";
                connection.execute(insert, [name])?;
            }
            Ok(())
        })
    }

    /// Up to which sequence an output has the events; 0 before the first.
    pub fn acknowledged(&mut self, output: &str) -> Result<u64> {
        use rusqlite::OptionalExtension as _;
        self.read(|connection| {
            let sequence = connection
                .query_row(
                    "SELECT sequence FROM outputs WHERE name = ?1",
                    [output],
                    |row| row.get(0),
                )
                .optional()?;
            Ok(sequence.map_or(0, write::unsigned))
        })
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

    /// Events behind a sequence, oldest first, with theirs.
    pub fn outbox_after(&mut self, sequence: u64, limit: usize) -> Result<Vec<(u64, OutboxEvent)>> {
        self.read(|connection| read::outbox_after(connection, sequence, limit))
    }

    /// Sequence of the latest event in the outbox; 0 while it is empty.
    pub fn outbox_last(&mut self) -> Result<u64> {
        self.read(|connection| {
            let find = "SELECT coalesce(max(sequence), 0) FROM outbox";
            connection
                .query_row(find, [], |row| row.get(0))
                .map(write::unsigned)
        })
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
        self.read(|connection| read::meta(connection, &format!("user:{name}")))
    }

    /// Batches written since the store was made.
    pub fn batches(&mut self) -> Result<u64> {
        self.read(|connection| read::meta_count(connection, write::BATCHES))
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
        if write::unsigned(pages * number("page_size")?) < limit {
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
