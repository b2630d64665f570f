//! Adds to rows that are rolled up: sightings and replies.

use rusqlite::{Connection, OptionalExtension as _, Result, params};

use super::columns::{self, day, number};
use super::ids::Ids;
use super::rolled_up::{ReplyKey, ReplySum, SightingKey, SightingSum};
use super::samples;
use crate::model::Timestamp;

/// Adds to a row of sightings, or makes it.
pub(super) fn sighting(
    connection: &Connection,
    ids: &Ids<'_>,
    host: i64,
    key: &SightingKey,
    sum: &SightingSum,
) -> Result<()> {
    let subject = ids.subject(key, day(sum.span))?;
    let address = samples::address_bytes(key.address);
    let period = (key.period.hour(), key.period.hours());
    add_sighting(connection, host, &address, subject, period, sum)
}

/// Adds to a row of sightings by its numbers, or makes it.
pub(super) fn add_sighting(
    connection: &Connection,
    host: i64,
    address: &[u8],
    subject: i64,
    (hour, hours): (i64, i64),
    sum: &SightingSum,
) -> Result<()> {
    let mut find = connection.prepare_cached(
        "SELECT id, first, last, reached, count, received, sent, samples FROM sightings
         WHERE host = ?1 AND hour = ?2 AND subject = ?3 AND hours = ?4 AND address = ?5",
    )?;
    let known = find
        .query_row(params![host, hour, subject, hours, address], |row| {
            Ok((row.get::<_, i64>(0)?, columns::sum(row, 1)?))
        })
        .optional()?;
    let Some((id, mut total)) = known else {
        let mut insert = connection.prepare_cached(
            "INSERT INTO sightings
                (host, address, subject, hour, hours, first, last, reached, count, received, sent, samples)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        )?;
        insert.execute(params![
            host,
            address,
            subject,
            hour,
            hours,
            sum.span.first.as_nanos(),
            sum.span.last.as_nanos(),
            sum.reached.map(Timestamp::as_nanos),
            number(sum.count),
            number(sum.received),
            number(sum.sent),
            samples::encode(&sum.samples),
        ])?;
        return Ok(());
    };
    total.add(sum.clone());
    let mut update = connection.prepare_cached(
        "UPDATE sightings
         SET first = ?2, last = ?3, reached = ?4, count = ?5, received = ?6, sent = ?7, samples = ?8
         WHERE id = ?1",
    )?;
    update.execute(params![
        id,
        total.span.first.as_nanos(),
        total.span.last.as_nanos(),
        total.reached.map(Timestamp::as_nanos),
        number(total.count),
        number(total.received),
        number(total.sent),
        samples::encode(&total.samples),
    ])?;
    Ok(())
}

/// The same for a row of replies.
pub(super) fn reply(
    connection: &Connection,
    ids: &Ids<'_>,
    host: i64,
    key: &ReplyKey,
    sum: &ReplySum,
) -> Result<()> {
    let question = ids.question(key, day(sum.span))?;
    let period = (key.period.hour(), key.period.hours());
    add_reply(connection, host, question, period, sum)
}

/// Adds to a row of replies by its numbers, or makes it.
pub(super) fn add_reply(
    connection: &Connection,
    host: i64,
    question: i64,
    (hour, hours): (i64, i64),
    sum: &ReplySum,
) -> Result<()> {
    let mut upsert = connection.prepare_cached(
        "INSERT INTO replies (host, question, hour, hours, first, last, count)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (host, hour, question, hours) DO UPDATE SET
            first = min(first, excluded.first), last = max(last, excluded.last),
            count = count + min(excluded.count, 9223372036854775807 - count)",
    )?;
    upsert.execute(params![
        host,
        question,
        hour,
        hours,
        sum.span.first.as_nanos(),
        sum.span.last.as_nanos(),
        number(sum.count),
    ])?;
    Ok(())
}
