//! A store that is read only, beside whoever writes to it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::daily::{self, HostPast, VendorDay};
use super::error::{Result, StoreError, sqlite};
use super::folder::SetAside;
use super::open::SET_ASIDE;
use super::read::{self, Filter, Page, Place, Restored, Stored};
use super::record::{LookedRecord, OutboxEvent};
use super::{folder, hosts, meta, outbox, schema};
use crate::model::{HostKey, Timestamp, VendorId};

/// A store as it stands at the instant at which this was opened, whatever is written meanwhile.
///
/// It keeps the writer from shrinking its log, so it is meant for one report or one request and not to be held for long.
#[derive(Debug)]
pub struct Reader {
    connection: Connection,
    path: PathBuf,
}

impl Reader {
    /// Opens the store in a folder for reading, beside a daemon that writes to it or without one.
    pub fn open(folder: &Path) -> Result<Self> {
        let path = folder.join(folder::FILE_NAME);
        match path.try_exists() {
            Ok(true) => {}
            Ok(false) => return Err(StoreError::Missing { path }),
            // The folder is its owner's alone, so for others it cannot be told whether there is a store.
            Err(error) => {
                let why = format!("{error}; run this as the user as whom the daemon runs");
                let action = "look for the store";
                return Err(StoreError::Failed { path, action, why });
            }
        }
        let connection = match begin(&path, false) {
            // A folder that cannot be written has no place for what SQLite keeps beside the file. Where nothing waits
            // there, the file alone is the whole store.
            Err(_) if !folder::has_pending(&path) => begin(&path, true),
            opened => opened,
        };
        let connection = connection.map_err(|error| sqlite(&path, "open the store", &error))?;
        let found = schema::version(&connection)
            .map_err(|error| sqlite(&path, "read the store", &error))?;
        let known = schema::latest(schema::MIGRATIONS);
        if schema::is_foreign(&connection).unwrap_or(true) {
            return Err(StoreError::Foreign { path });
        }
        if found > known {
            return Err(StoreError::Newer { path, found, known });
        }
        if found == 0 {
            // Begun and not made: its writer had no room for the tables, or is about to make them.
            return Err(StoreError::Missing { path });
        }
        if found < known {
            let why = "of an older version; let the daemon open it once".to_owned();
            let action = "read the store";
            return Err(StoreError::Failed { path, action, why });
        }
        Ok(Self { connection, path })
    }

    /// Everything that rebuilds the findings, in an order that is always the same: hosts by key, their bindings, stretches
    /// looked at, sightings by hour, replies by hour. Bindings, stretches and rows that ended before `since` are left out.
    pub fn restore(&self, since: Timestamp, each: &mut dyn FnMut(Stored)) -> Result<Restored> {
        self.done(read::restore(&self.connection, since, each))
    }

    /// A page of at most `limit` sightings, from the beginning or where the page before said.
    pub fn sightings(&self, filter: &Filter, from: Option<Place>, limit: usize) -> Result<Page> {
        self.done(read::sightings(&self.connection, filter, from, limit))
    }

    /// Hosts by vendor and day that went on after the cutoff, from an hour to another, oldest first.
    pub fn vendor_days(&self, since: Timestamp, until: Timestamp) -> Result<Vec<VendorDay>> {
        self.done(daily::vendor_days(&self.connection, since, until))
    }

    /// Stretches looked at that reach to an instant or beyond, by their beginning.
    pub fn looked(&self, since: Timestamp) -> Result<Vec<LookedRecord>> {
        self.done(daily::looked(&self.connection, since))
    }

    /// What is stored of a host under whichever of its keys, at most so many rows of each kind; `None` for one that the
    /// store does not know.
    pub fn host(&self, host: &HostKey, limit: usize) -> Result<Option<HostPast>> {
        self.done(daily::host(&self.connection, host, limit))
    }

    /// Whether the store has rows of a host, under whichever of its keys.
    pub fn knows(&self, host: &HostKey) -> Result<bool> {
        let ids = self.done(hosts::ids_of(&self.connection, host))?;
        Ok(!ids.is_empty())
    }

    /// What is known of hosts and the addresses that they ever had, by key; of one that was sighted and never described there
    /// is nothing but its key.
    pub fn described(&self, each: &mut dyn FnMut(Stored)) -> Result<Restored> {
        self.done(read::described(&self.connection, each))
    }

    /// Vendors of which something is stored, sorted.
    pub fn vendors(&self) -> Result<Vec<VendorId>> {
        self.done(read::vendors(&self.connection))
    }

    /// The keys of all hosts, sorted.
    pub fn host_keys(&self) -> Result<Vec<HostKey>> {
        let read = || {
            let mut keys = self
                .connection
                .prepare("SELECT key FROM hosts ORDER BY key")?;
            let keys =
                keys.query_map([], |row| Ok(HostKey::restored(&row.get::<_, String>(0)?)))?;
            keys.collect()
        };
        self.done(read())
    }

    /// Events behind a sequence, oldest first, with theirs.
    pub fn outbox_after(&self, sequence: u64, limit: usize) -> Result<Vec<(u64, OutboxEvent)>> {
        self.done(outbox::after(&self.connection, sequence, limit))
    }

    /// Damaged stores that were set aside before this one was begun, oldest first.
    pub fn set_aside(&self) -> Result<Vec<SetAside>> {
        let names = self.done(meta::value(&self.connection, SET_ASIDE))?;
        let names = names.unwrap_or_default();
        Ok(names.lines().filter_map(SetAside::named).collect())
    }

    /// What was remembered under a name.
    pub fn remembered(&self, name: &str) -> Result<Option<String>> {
        self.done(meta::value(&self.connection, &format!("user:{name}")))
    }

    fn done<T>(&self, result: rusqlite::Result<T>) -> Result<T> {
        result.map_err(|error| sqlite(&self.path, "read the store", &error))
    }
}

/// Opens a file for reading and fixes what is seen of it.
fn begin(path: &Path, alone: bool) -> rusqlite::Result<Connection> {
    let connection = open_to_read(path, alone)?;
    connection.execute_batch("BEGIN")?;
    // A transaction sees the instant of its first look.
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    Ok(connection)
}

/// Opens a file without any right to change it; `alone` where nothing else lies beside it or ever will.
pub(super) fn open_to_read(path: &Path, alone: bool) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = if alone {
        let uri = format!("file:{}?immutable=1", uri_path(path));
        Connection::open_with_flags(uri, flags | OpenFlags::SQLITE_OPEN_URI)?
    } else {
        Connection::open_with_flags(path, flags)?
    };
    connection.busy_timeout(Duration::from_secs(5))?;
    Ok(connection)
}

/// A path as it stands in a URI.
fn uri_path(path: &Path) -> String {
    use std::os::unix::ffi::OsStrExt as _;
    let bytes = path.as_os_str().as_bytes().iter();
    bytes.fold(String::new(), |mut text, &byte| {
        if byte.is_ascii_alphanumeric() || b"/._-".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
        text
    })
}
