//! A batch into the tables. The caller holds the transaction: either all of it stands afterwards or nothing.

use rusqlite::{Connection, OptionalExtension as _, Result, params};

use super::batch::Batch;
use super::ids::Ids;
use super::record::{
    FileRecord, HostRecord, LookedRecord, OutboxEvent, ReplyKey, ReplySum, SightingKey, SightingSum,
};
use super::samples;
use crate::model::{AddressBinding, HostKey, Span, Timestamp};

/// Under which name `meta` counts the batches that were written.
pub(super) const BATCHES: &str = "batches";
/// Under which name `meta` counts events that left the outbox unsent because it was full.
pub(super) const OUTBOX_DROPPED: &str = "outbox_dropped";

/// Writes a batch.
pub(super) fn batch(connection: &Connection, batch: &Batch, outbox_cap: u64) -> Result<()> {
    let mut ids = Ids::new(connection);
    for host in batch.hosts.values() {
        self::host(connection, &mut ids, host)?;
    }
    for binding in batch.bindings.values() {
        self::binding(connection, &mut ids, binding)?;
    }
    for (key, sum) in &batch.sightings {
        let day = day(sum.span).max(key.period.day().hour() / 24);
        let host = ids.host(&key.host, day)?;
        sighting(connection, &ids, host, key, sum)?;
    }
    for (key, sum) in &batch.replies {
        let host = ids.host(&key.host, day(sum.span))?;
        reply(connection, &ids, host, key, sum)?;
    }
    for looked in &batch.looked {
        self::looked(connection, looked)?;
    }
    for event in &batch.events {
        self::event(connection, event)?;
    }
    if !batch.events.is_empty() {
        bound_outbox(connection, outbox_cap)?;
    }
    for (output, &sequence) in &batch.acknowledged {
        let mut acknowledge = connection.prepare_cached(
            "INSERT INTO outputs (name, sequence) VALUES (?1, ?2)
             ON CONFLICT (name) DO UPDATE SET sequence = max(sequence, excluded.sequence)",
        )?;
        acknowledge.execute(params![output, number(sequence)])?;
    }
    for file in batch.files.values() {
        self::file(connection, file)?;
    }
    for (name, value) in &batch.meta {
        let mut set = connection.prepare_cached(
            "INSERT OR REPLACE INTO meta (name, value) VALUES ('user:' || ?1, ?2)",
        )?;
        set.execute([name, value])?;
    }
    count(connection, BATCHES, 1)
}

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
            Ok((row.get::<_, i64>(0)?, self::sum(row, 1)?))
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

/// The sums of a row of sightings that stand from a column on: first, last, reached, count, received, sent, samples.
/// Samples that cannot be read are left out: the sums are worth more.
pub(super) fn sum(row: &rusqlite::Row<'_>, at: usize) -> Result<SightingSum> {
    Ok(SightingSum {
        span: span(row, at)?,
        reached: row
            .get::<_, Option<i64>>(at + 2)?
            .map(Timestamp::from_nanos),
        count: unsigned(row.get(at + 3)?),
        received: unsigned(row.get(at + 4)?),
        sent: unsigned(row.get(at + 5)?),
        samples: samples::decode(row.get_ref(at + 6)?.as_blob()?).unwrap_or_default(),
    })
}

/// The span of a row that stands from a column on: first, last.
pub(super) fn span(row: &rusqlite::Row<'_>, at: usize) -> Result<Span> {
    Ok(Span {
        first: Timestamp::from_nanos(row.get(at)?),
        last: Timestamp::from_nanos(row.get(at + 1)?),
    })
}

fn reply(
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

fn host(connection: &Connection, ids: &mut Ids<'_>, host: &HostRecord) -> Result<()> {
    let id = ids.host(&host.key, day(host.span))?;
    let roles: Vec<&str> = host.roles.iter().map(|role| role.label()).collect();
    let mut update = connection.prepare_cached(
        "UPDATE hosts SET name = ?2, owner = ?3, site = ?4, device = ?5, roles = ?6,
            first = CASE WHEN confidence IS NULL THEN ?8 ELSE min(first, ?8) END,
            last = CASE WHEN confidence IS NULL THEN ?9 ELSE max(last, ?9) END,
            confidence = ?7
         WHERE id = ?1",
    )?;
    update.execute(params![
        id,
        host.name,
        host.owner,
        host.site,
        host.device,
        roles.join(" "),
        host.confidence.label(),
        host.span.first.as_nanos(),
        host.span.last.as_nanos(),
    ])?;
    let mut forget = connection.prepare_cached("DELETE FROM aliases WHERE host = ?1")?;
    forget.execute([id])?;
    let mut alias =
        connection.prepare_cached("INSERT OR IGNORE INTO aliases (host, alias) VALUES (?1, ?2)")?;
    for key in &host.aliases {
        alias.execute(params![id, key.as_str()])?;
    }
    Ok(())
}

fn binding(connection: &Connection, ids: &mut Ids<'_>, binding: &AddressBinding) -> Result<()> {
    let last = binding.until.unwrap_or(binding.from);
    let host = ids.host(&binding.host, last.hour().div_euclid(24))?;
    let mut upsert = connection.prepare_cached(
        "INSERT INTO bindings (host, address, since, until, mac) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (host, address, since) DO UPDATE SET
            until = excluded.until, mac = coalesce(excluded.mac, mac)",
    )?;
    upsert.execute(params![
        host,
        samples::address_bytes(binding.address),
        binding.from.as_nanos(),
        binding.until.map(Timestamp::as_nanos),
        binding.mac.map(|mac| mac.octets().to_vec()),
    ])?;
    Ok(())
}

fn looked(connection: &Connection, looked: &LookedRecord) -> Result<()> {
    let mut find = connection.prepare_cached(
        "SELECT id, first, last, frames, kernel_drops, interface_drops FROM looked
         WHERE sensor = ?1 ORDER BY id DESC LIMIT 1",
    )?;
    let latest = find
        .query_row([&*looked.sensor], |row| {
            let record = LookedRecord {
                sensor: looked.sensor.clone(),
                span: span(row, 1)?,
                frames: unsigned(row.get(3)?),
                kernel_drops: unsigned(row.get(4)?),
                interface_drops: unsigned(row.get(5)?),
            };
            Ok((row.get::<_, i64>(0)?, record))
        })
        .optional()?;
    let (id, total) = match latest {
        Some((id, mut latest)) if latest.continues_with(looked) => {
            latest.add(looked);
            (Some(id), latest)
        }
        _ => (None, looked.clone()),
    };
    let mut replace = connection.prepare_cached(
        "INSERT OR REPLACE INTO looked (id, sensor, first, last, frames, kernel_drops, interface_drops)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    replace.execute(params![
        id,
        &*total.sensor,
        total.span.first.as_nanos(),
        total.span.last.as_nanos(),
        number(total.frames),
        number(total.kernel_drops),
        number(total.interface_drops),
    ])?;
    Ok(())
}

fn event(connection: &Connection, event: &OutboxEvent) -> Result<()> {
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
fn bound_outbox(connection: &Connection, cap: u64) -> Result<()> {
    let mut drop = connection.prepare_cached(
        "DELETE FROM outbox WHERE sequence <= (SELECT max(sequence) FROM outbox) - ?1",
    )?;
    match drop.execute([number(cap)])? {
        0 => Ok(()),
        dropped => count(connection, OUTBOX_DROPPED, dropped),
    }
}

fn file(connection: &Connection, file: &FileRecord) -> Result<()> {
    let mut insert = connection.prepare_cached(
        "INSERT OR IGNORE INTO files (digest, path, size, time) VALUES (?1, ?2, ?3, ?4)",
    )?;
    insert.execute(params![
        file.digest,
        file.path,
        number(file.size),
        file.time.as_nanos(),
    ])?;
    Ok(())
}

/// Adds to a number in `meta`.
fn count(connection: &Connection, name: &str, more: usize) -> Result<()> {
    let mut add = connection.prepare_cached(
        "INSERT INTO meta (name, value) VALUES (?1, ?2)
         ON CONFLICT (name) DO UPDATE SET value = value + excluded.value",
    )?;
    add.execute(params![name, number(more as u64).to_string()])?;
    Ok(())
}

/// The day in which a span ends.
fn day(span: Span) -> i64 {
    span.last.hour().div_euclid(24)
}

/// SQLite's integers are signed: beyond, the largest stands for all.
fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

pub(super) fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or_default()
}
