//! Which rows are a host's: those under its key and under every key that is known to be the same host.

use std::collections::BTreeSet;

use rusqlite::{Connection, Result};

use crate::model::HostKey;

/// The key, its aliases, the host whose alias it is, and so on, sorted.
pub(super) fn keys_of(connection: &Connection, host: &HostKey) -> Result<BTreeSet<String>> {
    let mut related = connection.prepare_cached(
        "SELECT a.alias FROM aliases a JOIN hosts h ON h.id = a.host WHERE h.key = ?1
         UNION SELECT h.key FROM hosts h JOIN aliases a ON a.host = h.id WHERE a.alias = ?1",
    )?;
    let mut keys = BTreeSet::new();
    let mut waiting = vec![host.as_str().to_owned()];
    while let Some(key) = waiting.pop() {
        if keys.contains(&key) {
            continue;
        }
        let more = related.query_map([&key], |row| row.get(0))?;
        waiting.extend(more.collect::<Result<Vec<String>>>()?);
        keys.insert(key);
    }
    Ok(keys)
}

/// The numbers of those that have rows.
pub(super) fn ids_of(connection: &Connection, host: &HostKey) -> Result<Vec<i64>> {
    let mut find = connection.prepare_cached("SELECT id FROM hosts WHERE key = ?1")?;
    let mut ids = Vec::new();
    for key in keys_of(connection, host)? {
        let found = find.query_map([&key], |row| row.get(0))?;
        ids.extend(found.collect::<Result<Vec<i64>>>()?);
    }
    Ok(ids)
}
