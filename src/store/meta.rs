//! What stands in `meta`: values under a name, some of them numbers.

use rusqlite::{Connection, OptionalExtension as _, Result, params};

use super::columns::{number, unsigned};

/// Under which name `meta` counts the batches that were written.
pub(super) const BATCHES: &str = "batches";

/// A value of `meta`.
pub(super) fn value(connection: &Connection, name: &str) -> Result<Option<String>> {
    let mut statement = connection.prepare_cached("SELECT value FROM meta WHERE name = ?1")?;
    statement.query_row([name], |row| row.get(0)).optional()
}

/// A number in `meta`; 0 where there is none.
pub(super) fn count(connection: &Connection, name: &str) -> Result<u64> {
    let value = value(connection, name)?;
    Ok(value
        .and_then(|value| value.parse().ok())
        .map_or(0, unsigned))
}

/// Adds to a number in `meta`.
pub(super) fn add(connection: &Connection, name: &str, more: usize) -> Result<()> {
    let mut add = connection.prepare_cached(
        "INSERT INTO meta (name, value) VALUES (?1, ?2)
         ON CONFLICT (name) DO UPDATE SET value = value + excluded.value",
    )?;
    add.execute(params![name, number(more as u64).to_string()])?;
    Ok(())
}
