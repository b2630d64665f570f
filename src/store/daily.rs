//! Queries by day: how many hosts went on after the cutoff, and what one host did.
//!
//! Days are those of UTC, whole days since the epoch: rows are merged to them and never lie over their ends. What a row
//! says of the cutoff is what was so when it was written.

use rusqlite::{Connection, Result, params};

use super::columns::unsigned;
use super::record::{HostRecord, LookedRecord};
use super::{hosts, rows};
use crate::model::{AddressBinding, Category, Evidence, HostKey, Timestamp, VendorId};

/// Memory in which rows are sorted and pages are kept; SQLite takes KiB as negative numbers.
const SORTED_IN_KIB: i64 = -256;

/// Hosts that fetched from a vendor or reported to it after the cutoff, on one day. A host whose key changed on that day
/// counts under both; excepted hosts are among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VendorDay {
    /// Days since the epoch.
    pub day: i64,
    /// The vendor.
    pub vendor: VendorId,
    /// Hosts with a contact or transfer by a strong name.
    pub hosts: u64,
    /// Those of them with a transfer.
    pub transfers: u64,
}

/// What one host did with a vendor's category on one day, by strong names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostDay {
    /// Days since the epoch.
    pub day: i64,
    /// The vendor.
    pub vendor: VendorId,
    /// The category.
    pub category: Category,
    /// Flows or transactions that reached each level, in the order of [`Evidence::ALL`]. Levels are cumulative.
    pub counts: [u64; Evidence::ALL.len()],
    /// Payload bytes from the vendor.
    pub received: u64,
    /// Payload bytes to the vendor.
    pub sent: u64,
    /// Latest sighting.
    pub last: Timestamp,
}

/// What is stored of one host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostPast {
    /// What is known of it, its addresses apart; `None` for a host that was sighted but never described.
    pub record: Option<HostRecord>,
    /// The addresses that it had, latest first.
    pub bindings: Vec<AddressBinding>,
    /// What it did, latest day first.
    pub days: Vec<HostDay>,
}

pub(super) fn vendor_days(
    connection: &Connection,
    since: Timestamp,
    until: Timestamp,
) -> Result<Vec<VendorDay>> {
    // In a flood it sorts a row for each forged host: on disk rather than in the memory that the daemon may take.
    connection.pragma_update(None, "cache_size", SORTED_IN_KIB)?;
    let mut statement = connection.prepare(
        "SELECT day, vendor, count(*), sum(transfer) FROM (
             SELECT s.hour / 24 AS day, t.vendor AS vendor, max(t.evidence = 'transfer') AS transfer
             FROM sightings s INDEXED BY sightings_by_hour JOIN subjects t ON t.id = s.subject
             WHERE s.hour >= ?1 AND s.hour <= ?2 AND s.count > 0 AND t.strength = 'strong'
                 AND t.phase = 'after' AND t.evidence IN ('contact', 'transfer')
             GROUP BY s.hour / 24, t.vendor, s.host
         ) GROUP BY day, vendor ORDER BY day, vendor",
    )?;
    // Dividing rounds towards zero there: before the epoch nothing is told.
    let since = since.hour().max(0);
    let rows = statement.query_map(params![since, until.hour()], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
    })?;
    let rows: Vec<(i64, String, i64, i64)> = rows.collect::<Result<_>>()?;
    let days = rows
        .into_iter()
        .filter_map(|(day, vendor, hosts, transfers)| {
            Some(VendorDay {
                day,
                vendor: VendorId::parse(&vendor)?,
                hosts: unsigned(hosts),
                transfers: unsigned(transfers),
            })
        });
    Ok(days.collect())
}

pub(super) fn looked(connection: &Connection, since: Timestamp) -> Result<Vec<LookedRecord>> {
    let mut statement = connection.prepare(&format!(
        "SELECT {} FROM looked WHERE last >= ?1 ORDER BY first, last",
        rows::LOOKED
    ))?;
    let stretches = statement.query_map([since.as_nanos()], rows::looked)?;
    Ok(stretches
        .collect::<Result<Vec<_>>>()?
        .into_iter()
        .flatten()
        .collect())
}

/// `None` where the store knows none of the host's keys.
pub(super) fn host(
    connection: &Connection,
    host: &HostKey,
    limit: usize,
) -> Result<Option<HostPast>> {
    let ids = hosts::ids_of(connection, host)?;
    if ids.is_empty() {
        return Ok(None);
    }
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    let ids = ids.join(", ");
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut records = connection.prepare(&format!(
        "SELECT {} FROM hosts h WHERE h.id IN ({ids}) AND h.confidence IS NOT NULL ORDER BY h.last DESC LIMIT 1",
        rows::HOST
    ))?;
    let record = records
        .query_map([], rows::host)?
        .next()
        .transpose()?
        .flatten();
    let mut bindings = connection.prepare(&format!(
        "SELECT {} FROM hosts h JOIN bindings b ON b.host = h.id WHERE h.id IN ({ids})
         ORDER BY b.since DESC, b.address LIMIT ?1",
        rows::BINDING
    ))?;
    let bindings = bindings.query_map([limit], rows::binding)?;
    Ok(Some(HostPast {
        record,
        bindings: bindings
            .collect::<Result<Vec<_>>>()?
            .into_iter()
            .flatten()
            .collect(),
        days: host_days(connection, &ids, limit)?,
    }))
}

fn host_days(connection: &Connection, ids: &str, limit: i64) -> Result<Vec<HostDay>> {
    let level = |evidence: &Evidence| {
        format!("sum(CASE t.evidence WHEN '{evidence}' THEN s.count ELSE 0 END)")
    };
    let levels: Vec<String> = Evidence::ALL.iter().map(level).collect();
    let mut statement = connection.prepare(&format!(
        "SELECT s.hour / 24 AS day, t.vendor, t.category, sum(s.received), sum(s.sent), max(s.last), {}
         FROM sightings s JOIN subjects t ON t.id = s.subject
         WHERE s.host IN ({ids}) AND t.strength = 'strong'
         GROUP BY day, t.vendor, t.category ORDER BY day DESC, t.vendor, t.category LIMIT ?1",
        levels.join(", ")
    ))?;
    let days = statement.query_map([limit], |row| {
        let mut counts = [0; Evidence::ALL.len()];
        for (at, count) in counts.iter_mut().enumerate() {
            *count = unsigned(row.get(6 + at)?);
        }
        let vendor = VendorId::parse(&row.get::<_, String>(1)?);
        let category = row.get::<_, String>(2)?.parse().ok();
        let (Some(vendor), Some(category)) = (vendor, category) else {
            return Ok(None);
        };
        Ok(Some(HostDay {
            day: row.get(0)?,
            vendor,
            category,
            counts,
            received: unsigned(row.get(3)?),
            sent: unsigned(row.get(4)?),
            last: Timestamp::from_nanos(row.get(5)?),
        }))
    })?;
    Ok(days
        .collect::<Result<Vec<_>>>()?
        .into_iter()
        .flatten()
        .collect())
}
