//! Opening: look without touching, set aside what is damaged, then bring it to today's schema.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::error::{Notice, Result, StoreError, sqlite};
use super::folder::{Folder, SetAside};
use super::{Settings, Stats, Store, meta, outbox, reader, schema};

/// How long to wait for another program that looks into the file.
const BUSY: Duration = Duration::from_secs(5);
/// SQLite's log shrinks to this when it was longer for once.
const LOG_BYTES: i64 = 16 << 20;

/// What a file turned out to be.
enum Kind {
    /// Ours, or empty.
    Fine,
    /// Not readable to its end, with the reason.
    Damaged(String),
}

pub(super) fn open(
    folder: &Path,
    settings: Settings,
    migrations: &[&str],
) -> Result<(Store, Option<Notice>)> {
    let folder = Folder::take(folder)?;
    let path = folder.database();
    let mut notice = None;
    if path.exists()
        && let Kind::Damaged(why) = look(&path, schema::latest(migrations))?
    {
        let aside = folder.set_aside()?;
        notice = Some(Notice::SetAside { path: aside, why });
    }
    folder.create_database()?;
    let fault = |error: rusqlite::Error| sqlite(&path, "open the store", &error);
    let mut connection = connect(&path).map_err(fault)?;
    let (from, backup) = schema::migrate(&mut connection, &path, migrations)?;
    if let Some(backup) = backup {
        let to = schema::latest(migrations);
        notice = Some(Notice::Migrated { from, to, backup });
    }
    let stats = Stats {
        outbox_dropped: meta::count(&connection, outbox::OUTBOX_DROPPED).map_err(fault)?,
        ..Stats::default()
    };
    if matches!(notice, Some(Notice::SetAside { .. })) {
        remember_set_aside(&connection, &folder).map_err(fault)?;
    }
    match probe(&connection).map_err(fault) {
        // What is there can be read and restored, and batches wait.
        Ok(()) | Err(StoreError::DiskFull { .. }) => {}
        Err(error) => return Err(error),
    }
    let store = Store {
        file: folder.database_file().ok().flatten(),
        log: folder.log_file(),
        connection,
        folder,
        path,
        settings,
        stats,
    };
    Ok((store, notice))
}

/// Under which name `meta` has the damaged stores that this one came after, a line each.
pub(super) const SET_ASIDE: &str = "set_aside";

/// A report must say that history is missing, long after the run that found it: the new store knows what came before it.
/// Where the disk has no room even for that, the names in the folder tell as long as they are there.
fn remember_set_aside(connection: &Connection, folder: &Folder) -> rusqlite::Result<()> {
    let copies = folder.copies();
    let names = copies.iter().filter_map(|path| path.file_name()?.to_str());
    let damaged: Vec<&str> = names
        .filter(|name| SetAside::named(name).is_some())
        .collect();
    let set = "INSERT OR REPLACE INTO meta (name, value) VALUES (?1, ?2)";
    match connection.execute(set, [SET_ASIDE, &damaged.join("\n")]) {
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DiskFull) => Ok(()),
        done => done.map(drop),
    }
}

/// Writes something: what may not be written shows here, and not at the first batch.
fn probe(connection: &Connection) -> rusqlite::Result<()> {
    let set = "INSERT OR REPLACE INTO meta (name, value) VALUES ('opened_by', ?1)";
    connection
        .execute(set, [env!("CARGO_PKG_VERSION")])
        .map(drop)
}

/// Looks at a file without changing it or what lies beside it.
fn look(path: &Path, known: i64) -> Result<Kind> {
    match inspect(path) {
        Ok(Seen { foreign: true, .. }) => Err(StoreError::Foreign {
            path: path.to_owned(),
        }),
        Ok(Seen { schema, .. }) if schema > known => Err(StoreError::Newer {
            path: path.to_owned(),
            found: schema,
            known,
        }),
        Ok(Seen { check, .. }) if check == "ok" => Ok(Kind::Fine),
        Ok(Seen { check, .. }) => Ok(Kind::Damaged(check)),
        Err(error) => match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Ok(Kind::Damaged(error.to_string()))
            }
            // A log that must be brought in first, which a reader may not do; the writer will.
            Some(ErrorCode::ReadOnly) => Ok(Kind::Fine),
            _ => Err(sqlite(path, "read the store", &error)),
        },
    }
}

struct Seen {
    foreign: bool,
    schema: i64,
    /// `ok`, or the first thing that is wrong.
    check: String,
}

fn inspect(path: &Path) -> rusqlite::Result<Seen> {
    let connection = reader::open_to_read(path, false)?;
    let mut seen = Seen {
        foreign: schema::is_foreign(&connection)?,
        schema: schema::version(&connection)?,
        check: "ok".to_owned(),
    };
    if !seen.foreign {
        seen.check = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    }
    Ok(seen)
}

/// Opens a file for writing, as every writer of ours does.
pub(super) fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(64);
    // Takes effect in an empty file only; without it erased and pruned pages would never leave the file.
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "journal_size_limit", LOG_BYTES)?;
    connection.pragma_update(None, "secure_delete", "FAST")?;
    // A sandboxed daemon has no folder for temporary files; what it sorts is small.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(connection)
}
