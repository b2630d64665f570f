//! The folder: who may use it, and what lies in it.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io::{ErrorKind, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use super::error::{Result, StoreError, system};
use super::private;
use crate::model::Timestamp;

/// Name of the database in its folder.
pub const FILE_NAME: &str = "straggler.db";
/// Name of the file that is locked. A file of its own, because closing any handle on the database would drop SQLite's
/// own locks on it (fcntl locks belong to the process and the file, not to the handle).
const LOCK_NAME: &str = "straggler.lock";
/// What SQLite keeps beside a database.
const COMPANIONS: [&str; 2] = ["-wal", "-shm"];

/// Makes the folder if there is none.
pub fn make_folder(path: &Path) -> Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|error| system(path, "create the folder", &error))
}

/// A folder that belongs to this process until it is dropped.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    /// The system lets go of the lock when the handle closes, however the process ends.
    _lock: File,
}

impl Folder {
    /// Makes the folder if there is none, and takes it.
    pub(super) fn take(path: &Path) -> Result<Self> {
        make_folder(path)?;
        let lock_path = path.join(LOCK_NAME);
        let mut lock = private::open(&lock_path)
            .map_err(|error| system(path, "create a file in the folder", &error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(StoreError::Locked {
                    folder: path.to_owned(),
                    holder: holder(&mut lock),
                });
            }
            Err(TryLockError::Error(error)) => {
                return Err(system(&lock_path, "lock the file", &error));
            }
        }
        // Only for the message that another process gives; on a full disk it cannot be written, and the lock holds.
        let _ = sign(&mut lock);
        Ok(Self {
            path: path.to_owned(),
            _lock: lock,
        })
    }

    /// Path of the database.
    pub(super) fn database(&self) -> PathBuf {
        self.path.join(FILE_NAME)
    }

    /// Makes an empty database file that only its owner can read, if there is none. SQLite gives its companions the
    /// same mode.
    pub(super) fn create_database(&self) -> Result<()> {
        let path = self.database();
        let make = || {
            if !path.try_exists()? {
                // What waits beside a database that is gone would be brought into the new one.
                self.set_companions_aside();
            }
            private::open(&path).map(drop)
        };
        make().map_err(|error| system(&path, "create the file", &error))
    }

    /// Which file lies there now: device and number. `None` if none does; an error where nobody can say.
    pub(super) fn database_file(&self) -> std::io::Result<Option<Identity>> {
        identity(&self.database())
    }

    /// The same of the log beside it.
    pub(super) fn log_file(&self) -> Option<Identity> {
        let log = with_suffix(&self.database(), COMPANIONS[0]);
        identity(&log).ok().flatten()
    }

    /// Gives what waits beside a database that is gone a dated name, so that it is brought into no other.
    pub(super) fn set_companions_aside(&self) {
        let path = self.database();
        let stamp = stamp();
        for companion in COMPANIONS {
            let aside = with_suffix(&path, &format!("{REMOVED}{stamp}{companion}"));
            let _ = fs::rename(with_suffix(&path, companion), aside);
        }
    }

    /// Gives the database and its companions a dated name; where the database lies then.
    pub(super) fn set_aside(&self) -> Result<PathBuf> {
        let path = self.database();
        let stamp = stamp();
        let mut aside = with_suffix(&path, &format!("{CORRUPT}{stamp}"));
        let mut again = 2;
        while aside.exists() {
            aside = with_suffix(&path, &format!("{CORRUPT}{stamp}-{again}"));
            again += 1;
        }
        let renamed = |from: &Path, to: &Path| {
            fs::rename(from, to).map_err(|error| system(from, "rename the file", &error))
        };
        // The database goes last: were it to go first and the process end here, a new database would find old pages
        // waiting beside it.
        for companion in COMPANIONS {
            let from = with_suffix(&path, companion);
            if from.exists() {
                renamed(&from, &with_suffix(&aside, companion))?;
            }
        }
        renamed(&path, &aside)?;
        Ok(aside)
    }

    /// Where a database is written that takes the place of the one in use. One that was left unfinished is written over.
    pub(super) fn fresh(&self) -> PathBuf {
        with_suffix(&self.database(), ".fresh")
    }

    /// Puts a finished database in the place of the one that was in use; nobody may have that open.
    pub(super) fn replace_database(&self, fresh: &Path) -> Result<()> {
        fs::rename(fresh, self.database())
            .map_err(|error| system(fresh, "rename the file", &error))?;
        sync(&self.path)
    }

    /// Copies that earlier faults and migrations left in the folder, sorted.
    pub(super) fn copies(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.path).into_iter().flatten().flatten();
        let mut copies: Vec<PathBuf> = entries
            .map(|entry| entry.path())
            .filter(|path| {
                let name = path.file_name().and_then(|name| name.to_str());
                let rest = name.and_then(|name| name.strip_prefix(FILE_NAME));
                let kinds = [CORRUPT, BACKUP, REMOVED];
                rest.is_some_and(|rest| kinds.iter().any(|kind| rest.starts_with(kind)))
            })
            .collect();
        copies.sort();
        copies
    }
}

/// A store that was damaged and given another name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetAside {
    /// When.
    pub at: Timestamp,
    /// Name of its file, beside the store.
    pub name: String,
}

impl SetAside {
    /// From the name that [`Folder::set_aside`] gives, which says when.
    pub(super) fn named(name: &str) -> Option<Self> {
        let stamp = name.strip_prefix(FILE_NAME)?.strip_prefix(CORRUPT)?;
        let part = |range| stamp.get(range);
        let (day, time) = (
            [part(0..4)?, part(4..6)?, part(6..8)?].join("-"),
            [part(9..11)?, part(11..13)?, part(13..15)?].join(":"),
        );
        Some(Self {
            at: Timestamp::parse_rfc3339(&format!("{day}T{time}Z"))?,
            name: name.to_owned(),
        })
    }
}

/// How the name of a damaged store goes on; then comes when it was found.
const CORRUPT: &str = ".corrupt-";
/// How the name goes on of what was left of a store that somebody took away; then comes when that showed.
const REMOVED: &str = ".removed-";
/// How the name of a copy goes on that a migration keeps.
const BACKUP: &str = ".before-schema-";

/// Where the copy of a database lies from before a migration.
pub(super) fn backup(database: &Path, schema: i64) -> PathBuf {
    with_suffix(database, &format!("{BACKUP}{schema}"))
}

/// Makes the file for a copy, empty, and readable by nobody else.
pub(super) fn create_copy(path: &Path) -> Result<()> {
    private::replace(path)
        .map(drop)
        .map_err(|error| system(path, "create the copy", &error))
}

/// Waits until a file, or the names in a folder, are on the disk.
pub(super) fn sync(path: &Path) -> Result<()> {
    let file = File::open(path).and_then(|file| file.sync_all());
    file.map_err(|error| system(path, "wait for the disk", &error))
}

/// Bytes of a database and its companions on the disk.
pub(super) fn size(database: &Path) -> u64 {
    let companions = COMPANIONS.map(|companion| with_suffix(database, companion));
    std::iter::once(database)
        .chain(companions.iter().map(PathBuf::as_path))
        .filter_map(|path| fs::metadata(path).ok())
        .map(|metadata| metadata.len())
        .sum()
}

/// Whether something waits beside a database that was not yet brought into it.
pub(super) fn has_pending(database: &Path) -> bool {
    let pending = fs::metadata(with_suffix(database, COMPANIONS[0]));
    pending.is_ok_and(|metadata| metadata.len() > 0)
}

/// Device and number of a file.
pub(super) type Identity = (u64, u64);

fn identity(path: &Path) -> std::io::Result<Option<Identity>> {
    match fs::metadata(path) {
        Ok(metadata) => Ok(Some((metadata.dev(), metadata.ino()))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Now, as names of files say it.
fn stamp() -> String {
    let now = jiff::Timestamp::now();
    now.strftime("%Y%m%dT%H%M%SZ").to_string()
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Says in the lock file who holds it.
fn sign(lock: &mut File) -> std::io::Result<()> {
    lock.set_len(0)?;
    lock.rewind()?;
    writeln!(lock, "{}", std::process::id())
}

fn holder(lock: &mut File) -> String {
    let mut text = String::new();
    // Bounded, for the file may be anything.
    let read = lock.take(32).read_to_string(&mut text);
    match text.trim().parse::<u32>() {
        Ok(process) if read.is_ok() => format!("process {process}"),
        _ => "another process".to_owned(),
    }
}
