//! The tables, and how an older store becomes one of today.
//!
//! Words of closed lists stand in the file as their labels, so that it can be read with `sqlite3` and a list may be
//! put in another order. They stand there once: rows refer to a `subject` (what was sighted and how) or a `question`
//! (what was asked and what came back). Times are nanoseconds since the epoch, addresses 4 or 16 bytes, `hour` is whole
//! hours since the epoch and `hours` the length of the row's stretch: 1 or 24.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, TransactionBehavior};

use super::error::{Result, sqlite};
use super::folder;

/// Marks the file as ours (`PRAGMA application_id`): "STRG".
pub(super) const APPLICATION_ID: i64 = 0x5354_5247;

/// Each entry brings a store from the schema of its index to the next one. Entries are never changed, only added.
pub(super) const MIGRATIONS: &[&str] = &[SCHEMA_1, SCHEMA_2];

/// Whether a resolver of the network gave a reply: without, nobody knows whether the foreign one was asked after a refusal.
const SCHEMA_2: &str = "
CREATE TABLE questions_2 (
    id       INTEGER PRIMARY KEY,
    vendor   TEXT NOT NULL,
    category TEXT NOT NULL,
    service  TEXT NOT NULL,
    name     TEXT NOT NULL,
    signal   TEXT NOT NULL,
    kind     TEXT NOT NULL,
    own      INTEGER NOT NULL,
    used_day INTEGER NOT NULL,
    UNIQUE (name, signal, kind, own, vendor, category, service)
) STRICT;
INSERT INTO questions_2
    SELECT id, vendor, category, service, name, signal, kind, 0, used_day FROM questions;
DROP TABLE questions;
ALTER TABLE questions_2 RENAME TO questions;
CREATE INDEX questions_by_use ON questions (used_day);
";

const SCHEMA_1: &str = "
CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- A host that was sighted but never described has no confidence.
CREATE TABLE hosts (
    id         INTEGER PRIMARY KEY,
    key        TEXT NOT NULL UNIQUE,
    name       TEXT,
    owner      TEXT,
    site       TEXT,
    device     TEXT,
    roles      TEXT NOT NULL DEFAULT '',
    confidence TEXT,
    first      INTEGER NOT NULL DEFAULT 0,
    last       INTEGER NOT NULL DEFAULT 0,
    used_day   INTEGER NOT NULL
) STRICT;
CREATE INDEX hosts_by_use ON hosts (used_day);

CREATE TABLE aliases (
    host  INTEGER NOT NULL,
    alias TEXT NOT NULL,
    PRIMARY KEY (host, alias)
) STRICT, WITHOUT ROWID;
CREATE INDEX aliases_by_alias ON aliases (alias);

CREATE TABLE bindings (
    host    INTEGER NOT NULL,
    address BLOB NOT NULL,
    since   INTEGER NOT NULL,
    until   INTEGER,
    mac     BLOB,
    PRIMARY KEY (host, address, since)
) STRICT, WITHOUT ROWID;
CREATE INDEX bindings_by_end ON bindings (until) WHERE until IS NOT NULL;

CREATE TABLE subjects (
    id        INTEGER PRIMARY KEY,
    vendor    TEXT NOT NULL,
    category  TEXT NOT NULL,
    service   TEXT NOT NULL,
    strength  TEXT NOT NULL,
    name      TEXT NOT NULL,
    signal    TEXT NOT NULL,
    evidence  TEXT NOT NULL,
    phase     TEXT NOT NULL,
    era       INTEGER NOT NULL,
    interface TEXT NOT NULL,
    used_day  INTEGER NOT NULL,
    UNIQUE (name, signal, evidence, phase, era, interface, vendor, category, service, strength)
) STRICT;
CREATE INDEX subjects_by_use ON subjects (used_day);

CREATE TABLE sightings (
    id       INTEGER PRIMARY KEY,
    host     INTEGER NOT NULL,
    address  BLOB NOT NULL,
    subject  INTEGER NOT NULL,
    hour     INTEGER NOT NULL,
    hours    INTEGER NOT NULL,
    first    INTEGER NOT NULL,
    last     INTEGER NOT NULL,
    reached  INTEGER,
    count    INTEGER NOT NULL,
    received INTEGER NOT NULL,
    sent     INTEGER NOT NULL,
    samples  BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX sightings_once ON sightings (host, hour, subject, hours, address);
CREATE INDEX sightings_by_hour ON sightings (hour);
CREATE INDEX sightings_unmerged ON sightings (hour) WHERE hours = 1;

CREATE TABLE questions (
    id       INTEGER PRIMARY KEY,
    vendor   TEXT NOT NULL,
    category TEXT NOT NULL,
    service  TEXT NOT NULL,
    name     TEXT NOT NULL,
    signal   TEXT NOT NULL,
    kind     TEXT NOT NULL,
    used_day INTEGER NOT NULL,
    UNIQUE (name, signal, kind, vendor, category, service)
) STRICT;
CREATE INDEX questions_by_use ON questions (used_day);

CREATE TABLE replies (
    id       INTEGER PRIMARY KEY,
    host     INTEGER NOT NULL,
    question INTEGER NOT NULL,
    hour     INTEGER NOT NULL,
    hours    INTEGER NOT NULL,
    first    INTEGER NOT NULL,
    last     INTEGER NOT NULL,
    count    INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX replies_once ON replies (host, hour, question, hours);
CREATE INDEX replies_by_hour ON replies (hour);
CREATE INDEX replies_unmerged ON replies (hour) WHERE hours = 1;

CREATE TABLE looked (
    id              INTEGER PRIMARY KEY,
    sensor          TEXT NOT NULL,
    first           INTEGER NOT NULL,
    last            INTEGER NOT NULL,
    frames          INTEGER NOT NULL,
    kernel_drops    INTEGER NOT NULL,
    interface_drops INTEGER NOT NULL
) STRICT;
CREATE INDEX looked_by_sensor ON looked (sensor, id);

CREATE TABLE outbox (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    id       TEXT NOT NULL UNIQUE,
    time     INTEGER NOT NULL,
    host     TEXT,
    text     TEXT NOT NULL
) STRICT;

CREATE TABLE outputs (
    name     TEXT PRIMARY KEY,
    sequence INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE files (
    digest BLOB PRIMARY KEY,
    path   TEXT NOT NULL,
    size   INTEGER NOT NULL,
    time   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
";

/// The schema that a list of migrations leads to.
pub(super) fn latest(migrations: &[&str]) -> i64 {
    i64::try_from(migrations.len()).unwrap_or(i64::MAX)
}

/// Brings a store to the latest schema. Before each step the store is copied as it is, then the step is one transaction:
/// a process that is killed leaves the old schema or the new one. Gives the schema found and the first copy.
///
/// A store that is only being made has nothing to keep, and all its steps are one transaction: made by halves, on a full
/// disk, it would be taken for an old one the next time.
pub(super) fn migrate(
    connection: &mut Connection,
    path: &Path,
    migrations: &[&str],
) -> Result<(i64, Option<PathBuf>)> {
    let fault = |error: rusqlite::Error| sqlite(path, "bring the store to this schema", &error);
    let found = version(connection).map_err(fault)?;
    let done = usize::try_from(found).unwrap_or(0);
    if done == 0 {
        step(connection, migrations, latest(migrations)).map_err(fault)?;
        return Ok((found, None));
    }
    let mut first_copy = None;
    for (index, one) in migrations.iter().enumerate().skip(done) {
        let schema = latest(&migrations[..=index]);
        let copy = folder::backup(path, schema);
        copy_to(connection, &copy)?;
        first_copy.get_or_insert(copy);
        step(connection, &[one], schema).map_err(fault)?;
    }
    Ok((found, first_copy))
}

/// Some steps as one transaction, and to which schema they lead.
fn step(connection: &mut Connection, steps: &[&str], schema: i64) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for step in steps {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", schema)?;
    transaction.commit()
}

/// The schema of a store; 0 where there is none yet.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// A whole copy in one file. One that an earlier try left unfinished is replaced: it may be cut off.
pub(super) fn copy_to(connection: &Connection, copy: &Path) -> Result<()> {
    folder::create_copy(copy)?;
    let copied = connection.execute("VACUUM INTO ?1", [copy.to_string_lossy()]);
    if let Err(error) = copied {
        // What is cut off is no copy, and takes room on a disk that has none; whoever finds it would trust it.
        let _ = std::fs::remove_file(copy);
        return Err(sqlite(copy, "copy the store", &error));
    }
    // SQLite leaves the copy to the system's cache, and what follows would outlive a power loss.
    folder::sync(copy)
}

/// Whether the file is a database of another program: it carries no mark of ours, and is not empty.
pub(super) fn is_foreign(connection: &Connection) -> rusqlite::Result<bool> {
    let mark: i64 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(mark != APPLICATION_ID && (mark != 0 || tables > 0))
}
