//! Reading: what rebuilds the findings, and pages of sightings.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Row, ToSql, params};

use super::error::{Result, StoreError, sqlite};
use super::folder::SetAside;
use super::open::SET_ASIDE;
use super::record::{HostRecord, LookedRecord, OutboxEvent, StoredReply, StoredSighting};
use super::write::unsigned;
use super::{folder, hosts, rows, schema};
use crate::model::{AddressBinding, Category, HostKey, Timestamp, VendorId};

/// Something that was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stored {
    /// A host.
    Host(HostRecord),
    /// An address that a host had or has.
    Binding(AddressBinding),
    /// A stretch that was looked at.
    Looked(LookedRecord),
    /// A row of sightings.
    Sighting(StoredSighting),
    /// A row of replies.
    Reply(StoredReply),
}

/// How much was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Restored {
    /// Records given to the caller.
    pub records: u64,
    /// Rows that could not be understood and were left out.
    pub damaged: u64,
}

/// Which sightings. The default is all of them.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Rows that reach to this instant or beyond.
    pub since: Option<Timestamp>,
    /// Rows that begin before this instant.
    pub until: Option<Timestamp>,
    /// Of this vendor.
    pub vendor: Option<VendorId>,
    /// Of this category.
    pub category: Option<Category>,
    /// Of this host, under whichever of its keys.
    pub host: Option<HostKey>,
}

/// Where the next page begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    hour: i64,
    id: i64,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.hour, self.id)
    }
}

/// A text is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no place in the store")]
pub struct NoPlace;

impl std::str::FromStr for Place {
    type Err = NoPlace;

    /// What `Display` wrote.
    fn from_str(text: &str) -> std::result::Result<Self, NoPlace> {
        let (hour, id) = text.split_once('.').ok_or(NoPlace)?;
        let number = |text: &str| text.parse().map_err(|_| NoPlace);
        Ok(Self {
            hour: number(hour)?,
            id: number(id)?,
        })
    }
}

/// Some of the sightings, in the order of their hours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The sightings.
    pub sightings: Vec<StoredSighting>,
    /// Rows that could not be understood and were left out.
    pub damaged: u64,
    /// Where the next page begins; `None` after the last one.
    pub next: Option<Place>,
}

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
        if !path.exists() {
            return Err(StoreError::Missing { path });
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
        self.done(restore(&self.connection, since, each))
    }

    /// A page of at most `limit` sightings, from the beginning or where the page before said.
    pub fn sightings(&self, filter: &Filter, from: Option<Place>, limit: usize) -> Result<Page> {
        self.done(sightings(&self.connection, filter, from, limit))
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
        self.done(outbox_after(&self.connection, sequence, limit))
    }

    /// Damaged stores that were set aside before this one was begun, oldest first.
    pub fn set_aside(&self) -> Result<Vec<SetAside>> {
        let names = self.done(meta(&self.connection, SET_ASIDE))?;
        let names = names.unwrap_or_default();
        Ok(names.lines().filter_map(SetAside::named).collect())
    }

    /// What was remembered under a name.
    pub fn remembered(&self, name: &str) -> Result<Option<String>> {
        self.done(meta(&self.connection, &format!("user:{name}")))
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

pub(super) fn restore(
    connection: &Connection,
    since: Timestamp,
    each: &mut dyn FnMut(Stored),
) -> rusqlite::Result<Restored> {
    let mut restored = Restored::default();
    let mut give = |record: Option<Stored>| match record {
        Some(record) => {
            restored.records += 1;
            each(record);
        }
        None => restored.damaged += 1,
    };
    let mut run = |sql: &str, values: &[&dyn ToSql], read: Read| -> rusqlite::Result<()> {
        let mut statement = connection.prepare(sql)?;
        let mut rows = statement.query(values)?;
        while let Some(row) = rows.next()? {
            give(read(row)?);
        }
        Ok(())
    };
    let instant = since.as_nanos();
    // A row may begin up to a day before it ends; the index tells where rows begin.
    let hour = since.hour() - 24;
    run(
        &format!(
            "SELECT {} FROM hosts h WHERE h.confidence IS NOT NULL ORDER BY h.key",
            rows::HOST
        ),
        &[],
        |row| Ok(rows::host(row)?.map(Stored::Host)),
    )?;
    run(
        &format!(
            "SELECT {} FROM hosts h CROSS JOIN bindings b ON b.host = h.id
             WHERE b.until IS NULL OR b.until >= ?1 ORDER BY h.key, b.since, b.address",
            rows::BINDING
        ),
        params![instant],
        |row| Ok(rows::binding(row)?.map(Stored::Binding)),
    )?;
    run(
        &format!(
            "SELECT {} FROM looked WHERE last >= ?1 ORDER BY id",
            rows::LOOKED
        ),
        params![instant],
        |row| Ok(rows::looked(row)?.map(Stored::Looked)),
    )?;
    run(
        &format!(
            "SELECT {} FROM sightings s INDEXED BY sightings_by_hour
             JOIN hosts h ON h.id = s.host JOIN subjects t ON t.id = s.subject
             WHERE s.hour >= ?2 AND s.last >= ?1 ORDER BY s.hour, s.id",
            rows::SIGHTING
        ),
        params![instant, hour],
        |row| Ok(rows::sighting(row)?.map(Stored::Sighting)),
    )?;
    run(
        &format!(
            "SELECT {} FROM replies r INDEXED BY replies_by_hour
             JOIN hosts h ON h.id = r.host JOIN questions q ON q.id = r.question
             WHERE r.hour >= ?2 AND r.last >= ?1 ORDER BY r.hour, r.id",
            rows::REPLY
        ),
        params![instant, hour],
        |row| Ok(rows::reply(row)?.map(Stored::Reply)),
    )?;
    Ok(restored)
}

type Read = fn(&Row<'_>) -> rusqlite::Result<Option<Stored>>;

pub(super) fn sightings(
    connection: &Connection,
    filter: &Filter,
    from: Option<Place>,
    limit: usize,
) -> rusqlite::Result<Page> {
    let mut conditions = vec!["(s.hour, s.id) > (:hour, :id)".to_owned()];
    let since = filter.since.unwrap_or(Timestamp::MIN);
    let begin = Place {
        hour: since.hour().saturating_sub(24),
        id: 0,
    };
    let place = from.unwrap_or(begin);
    let until = filter.until.map_or(i64::MAX, Timestamp::as_nanos);
    conditions.push("s.last >= :since AND s.first < :until".to_owned());
    if let Some(vendor) = &filter.vendor {
        conditions.push(format!("t.vendor = '{vendor}'")); // an id is plain: letters, digits, hyphens
    }
    if let Some(category) = filter.category {
        conditions.push(format!("t.category = '{category}'"));
    }
    if let Some(host) = &filter.host {
        let ids = hosts::ids_of(connection, host)?;
        let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
        conditions.push(format!("s.host IN ({})", ids.join(", ")));
    }
    let sql = format!(
        "SELECT {} FROM sightings s JOIN hosts h ON h.id = s.host JOIN subjects t ON t.id = s.subject
         WHERE {} ORDER BY s.hour, s.id LIMIT :limit",
        rows::SIGHTING,
        conditions.join(" AND ")
    );
    let mut statement = connection.prepare(&sql)?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut rows = statement.query(rusqlite::named_params! {
        ":hour": place.hour, ":id": place.id, ":since": since.as_nanos(), ":until": until, ":limit": limit,
    })?;
    let mut page = Page::default();
    let mut read = 0;
    while let Some(row) = rows.next()? {
        read += 1;
        page.next = Some(Place {
            id: row.get(0)?,
            hour: row.get(1)?,
        });
        match rows::sighting(row)? {
            Some(sighting) => page.sightings.push(sighting),
            None => page.damaged += 1,
        }
    }
    if read < limit {
        page.next = None;
    }
    Ok(page)
}

pub(super) fn outbox_after(
    connection: &Connection,
    sequence: u64,
    limit: usize,
) -> rusqlite::Result<Vec<(u64, OutboxEvent)>> {
    let mut statement = connection.prepare_cached(
        "SELECT sequence, id, time, host, text FROM outbox WHERE sequence > ?1 ORDER BY sequence LIMIT ?2",
    )?;
    let sequence = i64::try_from(sequence).unwrap_or(i64::MAX);
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    statement
        .query_map([sequence, limit], rows::event)?
        .collect()
}

/// A value of `meta`.
pub(super) fn meta(connection: &Connection, name: &str) -> rusqlite::Result<Option<String>> {
    use rusqlite::OptionalExtension as _;
    let mut statement = connection.prepare_cached("SELECT value FROM meta WHERE name = ?1")?;
    statement.query_row([name], |row| row.get(0)).optional()
}

/// A number in `meta`; 0 where there is none.
pub(super) fn meta_count(connection: &Connection, name: &str) -> rusqlite::Result<u64> {
    let value = meta(connection, name)?;
    Ok(value
        .and_then(|value| value.parse().ok())
        .map_or(0, unsigned))
}
