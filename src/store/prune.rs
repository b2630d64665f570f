//! Removing what is old, a piece at a time, so that no batch waits long for its turn.

use std::time::Duration;

use rusqlite::{Connection, Result, params};

use super::add::{add_reply, add_sighting};
use super::columns::{span, sum, unsigned};
use super::rolled_up::{ReplySum, SightingSum};
use crate::model::Timestamp;

/// Hours for which rows stay as they were written; older ones are merged to days. Twice the window, so that what is
/// judged by the hour is never merged.
pub const HOURS_KEPT: i64 = 48;
/// Rows of each kind that a call merges or removes: about a tenth of a second on a small machine.
const ROWS: usize = 1_000;
/// Pages that a call gives back to the disk: 4 MiB.
const PAGES: i64 = 1_024;

/// What a call did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Rows of hours that went into rows of days.
    pub merged: u64,
    /// Rows that are gone.
    pub removed: u64,
    /// Whether there is more to do.
    pub more: bool,
}

impl Pruned {
    /// Whether a step found less than it may do.
    fn removed(&mut self, rows: usize) -> bool {
        self.removed += rows as u64;
        self.more |= rows >= ROWS;
        rows < ROWS
    }

    fn merged(&mut self, rows: usize) -> bool {
        self.merged += rows as u64;
        self.more |= rows >= ROWS;
        rows < ROWS
    }
}

/// One bounded piece.
pub(super) fn prune(
    connection: &Connection,
    now: Timestamp,
    retention: Duration,
) -> Result<Pruned> {
    let horizon = now.before(retention);
    let mut done = Pruned::default();
    let kept = now.hour() - HOURS_KEPT;
    let merged = merge_sightings(connection, kept)?;
    let mut all = done.merged(merged);
    let merged = merge_replies(connection, kept)?;
    all &= done.merged(merged);
    // A row of a day ends 24 hours after it begins. Rows of single hours are this old only before they are merged.
    let last_hour = horizon.hour() - 24;
    for sql in [
        "DELETE FROM sightings WHERE id IN
            (SELECT id FROM sightings INDEXED BY sightings_by_hour WHERE hour <= ?1 LIMIT ?2)",
        "DELETE FROM replies WHERE id IN
            (SELECT id FROM replies INDEXED BY replies_by_hour WHERE hour <= ?1 LIMIT ?2)",
    ] {
        all &= done.removed(delete(connection, sql, last_hour)?);
    }
    for sql in [
        "DELETE FROM looked WHERE id IN (SELECT id FROM looked WHERE last < ?1 LIMIT ?2)",
        "DELETE FROM bindings WHERE (host, address, since) IN
            (SELECT host, address, since FROM bindings WHERE until < ?1 LIMIT ?2)",
        "DELETE FROM files WHERE digest IN (SELECT digest FROM files WHERE time < ?1 LIMIT ?2)",
    ] {
        done.removed(delete(connection, sql, horizon.as_nanos())?);
    }
    if all {
        // Nothing refers to what was last used before this day: all rows of that age are gone.
        let last_day = (horizon.hour() - 48).div_euclid(24);
        forget_unused(connection, last_day, horizon, &mut done)?;
    }
    let sent = "DELETE FROM outbox WHERE sequence IN
        (SELECT sequence FROM outbox WHERE sequence <= ?1 ORDER BY sequence LIMIT ?2)";
    let all_have: Option<i64> =
        connection.query_row("SELECT min(sequence) FROM outputs", [], |row| row.get(0))?;
    if let Some(all_have) = all_have {
        done.removed(delete(connection, sent, all_have)?);
    }
    give_back(connection, PAGES)?;
    Ok(done)
}

/// Gives free pages back to the disk, at most so many.
fn give_back(connection: &Connection, pages: i64) -> Result<()> {
    let mut vacuum = connection.prepare(&format!("PRAGMA incremental_vacuum({pages})"))?;
    let mut rows = vacuum.query([])?;
    // Each step gives back one page.
    while rows.next()?.is_some() {}
    Ok(())
}

fn delete(connection: &Connection, sql: &str, limit: i64) -> Result<usize> {
    connection
        .prepare_cached(sql)?
        .execute(params![limit, ROWS as i64])
}

fn forget_unused(
    connection: &Connection,
    last_day: i64,
    horizon: Timestamp,
    done: &mut Pruned,
) -> Result<()> {
    for sql in [
        "DELETE FROM subjects WHERE id IN (SELECT id FROM subjects WHERE used_day < ?1 LIMIT ?2)",
        "DELETE FROM questions WHERE id IN (SELECT id FROM questions WHERE used_day < ?1 LIMIT ?2)",
    ] {
        done.removed(delete(connection, sql, last_day)?);
    }
    let mut unused = connection
        .prepare_cached("SELECT id FROM hosts WHERE used_day < ?1 AND last < ?2 LIMIT ?3")?;
    let values = params![last_day, horizon.as_nanos(), ROWS as i64];
    let unused = unused.query_map(values, |row| row.get(0))?;
    let unused: Vec<i64> = unused.collect::<Result<_>>()?;
    for &host in &unused {
        for sql in [
            "DELETE FROM bindings WHERE host = ?1",
            "DELETE FROM aliases WHERE host = ?1",
            "DELETE FROM hosts WHERE id = ?1",
        ] {
            connection.prepare_cached(sql)?.execute([host])?;
        }
    }
    done.removed(unused.len());
    Ok(())
}

fn merge_sightings(connection: &Connection, before: i64) -> Result<usize> {
    struct Old {
        id: i64,
        host: i64,
        address: Vec<u8>,
        subject: i64,
        hour: i64,
        sum: SightingSum,
    }
    let mut find = connection.prepare_cached(
        "SELECT id, host, address, subject, hour, first, last, reached, count, received, sent, samples
         FROM sightings INDEXED BY sightings_unmerged
         WHERE hours = 1 AND hour < ?1 ORDER BY hour, id LIMIT ?2",
    )?;
    let old = find.query_map([before, ROWS as i64], |row| {
        Ok(Old {
            id: row.get(0)?,
            host: row.get(1)?,
            address: row.get(2)?,
            subject: row.get(3)?,
            hour: row.get(4)?,
            sum: sum(row, 5)?,
        })
    })?;
    let old: Vec<Old> = old.collect::<Result<_>>()?;
    let mut forget = connection.prepare_cached("DELETE FROM sightings WHERE id = ?1")?;
    for row in &old {
        let day = (first_hour(row.hour), 24);
        forget.execute([row.id])?;
        add_sighting(
            connection,
            row.host,
            &row.address,
            row.subject,
            day,
            &row.sum,
        )?;
    }
    Ok(old.len())
}

fn merge_replies(connection: &Connection, before: i64) -> Result<usize> {
    let mut find = connection.prepare_cached(
        "SELECT id, host, question, hour, first, last, count
         FROM replies INDEXED BY replies_unmerged
         WHERE hours = 1 AND hour < ?1 ORDER BY hour, id LIMIT ?2",
    )?;
    let old = find.query_map([before, ROWS as i64], |row| {
        let sum = ReplySum {
            span: span(row, 4)?,
            count: unsigned(row.get(6)?),
        };
        Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, sum))
    })?;
    let old: Vec<(i64, i64, i64, i64, ReplySum)> = old.collect::<Result<_>>()?;
    let mut forget = connection.prepare_cached("DELETE FROM replies WHERE id = ?1")?;
    for (id, host, question, hour, sum) in &old {
        forget.execute([id])?;
        add_reply(connection, *host, *question, (first_hour(*hour), 24), sum)?;
    }
    Ok(old.len())
}

/// The hour with which the day begins.
fn first_hour(hour: i64) -> i64 {
    hour.div_euclid(24) * 24
}
