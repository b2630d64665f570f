//! A batch into the tables. The caller holds the transaction: either all of it stands afterwards or nothing.

use rusqlite::{Connection, OptionalExtension as _, Result, params};

use super::batch::Batch;
use super::columns::{day, number, span, unsigned};
use super::ids::Ids;
use super::record::{FileRecord, HostRecord, LookedRecord};
use super::{add, meta, outbox, samples};
use crate::model::{AddressBinding, Timestamp};

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
        add::sighting(connection, &ids, host, key, sum)?;
    }
    for (key, sum) in &batch.replies {
        let host = ids.host(&key.host, day(sum.span))?;
        add::reply(connection, &ids, host, key, sum)?;
    }
    for looked in &batch.looked {
        self::looked(connection, looked)?;
    }
    for event in &batch.events {
        outbox::put(connection, event)?;
    }
    if !batch.events.is_empty() {
        outbox::bound(connection, outbox_cap)?;
    }
    for (output, &sequence) in &batch.acknowledged {
        outbox::acknowledge(connection, output, sequence)?;
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
    meta::add(connection, meta::BATCHES, 1)
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
