//! The outbox: events on their way to the outputs, each of which says how far it has them.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::columns::{number, unsigned};
use super::record::OutboxEvent;
use super::{Operation, Result, Store, meta, rows};
use crate::model::HostKey;

/// Under which name `meta` counts events that left the outbox unsent because it was full.
pub(super) const OUTBOX_DROPPED: &str = "outbox_dropped";

impl Store {
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
        self.read(|connection| {
            let sequence = connection
                .query_row(
                    "SELECT sequence FROM outputs WHERE name = ?1",
                    [output],
                    |row| row.get(0),
                )
                .optional()?;
            Ok(sequence.map_or(0, unsigned))
        })
    }

    /// Events behind a sequence, oldest first, with theirs.
    pub fn outbox_after(&mut self, sequence: u64, limit: usize) -> Result<Vec<(u64, OutboxEvent)>> {
        self.read(|connection| after(connection, sequence, limit))
    }

    /// Sequence of the latest event in the outbox; 0 while it is empty.
    pub fn outbox_last(&mut self) -> Result<u64> {
        self.read(|connection| {
            let find = "SELECT coalesce(max(sequence), 0) FROM outbox";
            connection
                .query_row(find, [], |row| row.get(0))
                .map(unsigned)
        })
    }
}

/// Events behind a sequence, oldest first, with theirs.
pub(super) fn after(
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

/// Puts an event behind the others, unless it waits already.
pub(super) fn put(connection: &Connection, event: &OutboxEvent) -> rusqlite::Result<()> {
    // Not ON CONFLICT DO NOTHING: that would use up a sequence, and a gap tells an output that events were lost.
    let mut insert = connection.prepare_cached(
        "INSERT INTO outbox (id, time, host, text) SELECT ?1, ?2, ?3, ?4
         WHERE NOT EXISTS (SELECT 1 FROM outbox WHERE id = ?1)",
    )?;
    insert.execute(params![
        event.id,
        event.time.as_nanos(),
        event.host.as_ref().map(HostKey::as_str),
        event.text,
    ])?;
    Ok(())
}

/// Drops the oldest events beyond the cap. Sequences have no gaps but those of erased hosts, so their distance is the
/// number of events, or a little more.
pub(super) fn bound(connection: &Connection, cap: u64) -> rusqlite::Result<()> {
    let mut drop = connection.prepare_cached(
        "DELETE FROM outbox WHERE sequence <= (SELECT max(sequence) FROM outbox) - ?1",
    )?;
    match drop.execute([number(cap)])? {
        0 => Ok(()),
        dropped => meta::add(connection, OUTBOX_DROPPED, dropped),
    }
}

/// Notes up to which sequence an output has the events.
pub(super) fn acknowledge(
    connection: &Connection,
    output: &str,
    sequence: u64,
) -> rusqlite::Result<()> {
    let mut acknowledge = connection.prepare_cached(
        "INSERT INTO outputs (name, sequence) VALUES (?1, ?2)
         ON CONFLICT (name) DO UPDATE SET sequence = max(sequence, excluded.sequence)",
    )?;
    acknowledge.execute(params![output, number(sequence)])?;
    Ok(())
}
