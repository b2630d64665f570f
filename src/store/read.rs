//! Queries: what rebuilds the findings, and pages of sightings.

use std::collections::BTreeSet;

use rusqlite::{Connection, Row, ToSql, params};

use super::record::{HostRecord, LookedRecord};
use super::rolled_up::{StoredReply, StoredSighting};
use super::{hosts, rows};
use crate::model::{AddressBinding, Category, HostKey, Timestamp, VendorId};

/// Something that was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stored {
    /// A host.
    Host(HostRecord),
    /// An address that a host had or has.
    Binding(AddressBinding),
    /// A stretch that was looked at.
    Looked(LookedRecord),
    /// A row of sightings.
    Sighting(StoredSighting),
    /// A row of replies.
    Reply(StoredReply),
}

/// How much was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Restored {
    /// Records given to the caller.
    pub records: u64,
    /// Rows that could not be understood and were left out.
    pub damaged: u64,
}

/// Which sightings. The default is all of them.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Rows that reach to this instant or beyond.
    pub since: Option<Timestamp>,
    /// Rows that begin before this instant.
    pub until: Option<Timestamp>,
    /// Of this vendor.
    pub vendor: Option<VendorId>,
    /// Of this category.
    pub category: Option<Category>,
    /// Of these hosts, under whichever of their keys.
    pub hosts: Option<BTreeSet<HostKey>>,
}

/// Where the next page begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    hour: i64,
    id: i64,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.hour, self.id)
    }
}

/// A text is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no place in the store")]
pub struct NoPlace;

impl std::str::FromStr for Place {
    type Err = NoPlace;

    /// What `Display` wrote.
    fn from_str(text: &str) -> Result<Self, NoPlace> {
        let (hour, id) = text.split_once('.').ok_or(NoPlace)?;
        let number = |text: &str| text.parse().map_err(|_| NoPlace);
        Ok(Self {
            hour: number(hour)?,
            id: number(id)?,
        })
    }
}

/// Some of the sightings, in the order of their hours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The sightings.
    pub sightings: Vec<StoredSighting>,
    /// Rows that could not be understood and were left out.
    pub damaged: u64,
    /// Where the next page begins; `None` after the last one.
    pub next: Option<Place>,
}

pub(super) fn restore(
    connection: &Connection,
    since: Timestamp,
    each: &mut dyn FnMut(Stored),
) -> rusqlite::Result<Restored> {
    let mut restored = Restored::default();
    let mut run = |sql: &str, values: &[&dyn ToSql], read: Read| {
        run(connection, sql, values, read, &mut restored, each)
    };
    let instant = since.as_nanos();
    // A row may begin up to a day before it ends; the index tells where rows begin.
    let hour = since.hour() - 24;
    run(&described_hosts(), &[], |row| {
        Ok(rows::host(row)?.map(Stored::Host))
    })?;
    run(
        &format!(
            "SELECT {} FROM hosts h CROSS JOIN bindings b ON b.host = h.id
             WHERE b.until IS NULL OR b.until >= ?1 ORDER BY h.key, b.since, b.address",
            rows::BINDING
        ),
        params![instant],
        |row| Ok(rows::binding(row)?.map(Stored::Binding)),
    )?;
    run(
        &format!(
            "SELECT {} FROM looked WHERE last >= ?1 ORDER BY id",
            rows::LOOKED
        ),
        params![instant],
        |row| Ok(rows::looked(row)?.map(Stored::Looked)),
    )?;
    run(
        &format!(
            "SELECT {} FROM sightings s INDEXED BY sightings_by_hour
             JOIN hosts h ON h.id = s.host JOIN subjects t ON t.id = s.subject
             WHERE s.hour >= ?2 AND s.last >= ?1 ORDER BY s.hour, s.id",
            rows::SIGHTING
        ),
        params![instant, hour],
        |row| Ok(rows::sighting(row)?.map(Stored::Sighting)),
    )?;
    run(
        &format!(
            "SELECT {} FROM replies r INDEXED BY replies_by_hour
             JOIN hosts h ON h.id = r.host JOIN questions q ON q.id = r.question
             WHERE r.hour >= ?2 AND r.last >= ?1 ORDER BY r.hour, r.id",
            rows::REPLY
        ),
        params![instant, hour],
        |row| Ok(rows::reply(row)?.map(Stored::Reply)),
    )?;
    Ok(restored)
}

type Read = fn(&Row<'_>) -> rusqlite::Result<Option<Stored>>;

/// Gives what a query finds.
fn run(
    connection: &Connection,
    sql: &str,
    values: &[&dyn ToSql],
    read: Read,
    restored: &mut Restored,
    each: &mut dyn FnMut(Stored),
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query(values)?;
    while let Some(row) = rows.next()? {
        match read(row)? {
            Some(record) => {
                restored.records += 1;
                each(record);
            }
            None => restored.damaged += 1,
        }
    }
    Ok(())
}

fn described_hosts() -> String {
    format!(
        "SELECT {} FROM hosts h WHERE h.confidence IS NOT NULL ORDER BY h.key",
        rows::HOST
    )
}

/// Hosts and all of their bindings.
pub(super) fn described(
    connection: &Connection,
    each: &mut dyn FnMut(Stored),
) -> rusqlite::Result<Restored> {
    let mut restored = Restored::default();
    let bindings = format!(
        "SELECT {} FROM hosts h JOIN bindings b ON b.host = h.id",
        rows::BINDING
    );
    let hosts: Read = |row| Ok(rows::host(row)?.map(Stored::Host));
    run(
        connection,
        &described_hosts(),
        &[],
        hosts,
        &mut restored,
        each,
    )?;
    let bound: Read = |row| Ok(rows::binding(row)?.map(Stored::Binding));
    run(connection, &bindings, &[], bound, &mut restored, each)?;
    Ok(restored)
}

/// Vendors of which there is a row.
pub(super) fn vendors(connection: &Connection) -> rusqlite::Result<Vec<VendorId>> {
    let mut find = connection.prepare(
        "SELECT vendor FROM subjects UNION SELECT vendor FROM questions ORDER BY vendor",
    )?;
    let found = find.query_map([], |row| row.get::<_, String>(0))?;
    let found = found.collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(found
        .iter()
        .filter_map(|text| VendorId::parse(text))
        .collect())
}

pub(super) fn sightings(
    connection: &Connection,
    filter: &Filter,
    from: Option<Place>,
    limit: usize,
) -> rusqlite::Result<Page> {
    let mut conditions = vec!["(s.hour, s.id) > (:hour, :id)".to_owned()];
    let since = filter.since.unwrap_or(Timestamp::MIN);
    let begin = Place {
        hour: since.hour().saturating_sub(24),
        id: 0,
    };
    let place = from.unwrap_or(begin);
    let until = filter.until.map_or(i64::MAX, Timestamp::as_nanos);
    conditions.push("s.last >= :since AND s.first < :until".to_owned());
    if let Some(vendor) = &filter.vendor {
        conditions.push(format!("t.vendor = '{vendor}'")); // an id is plain: letters, digits, hyphens
    }
    if let Some(category) = filter.category {
        conditions.push(format!("t.category = '{category}'"));
    }
    if let Some(wanted) = &filter.hosts {
        let mut ids = BTreeSet::new();
        for host in wanted {
            ids.extend(hosts::ids_of(connection, host)?);
        }
        let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
        conditions.push(format!("s.host IN ({})", ids.join(", ")));
    }
    let sql = format!(
        "SELECT {} FROM sightings s JOIN hosts h ON h.id = s.host JOIN subjects t ON t.id = s.subject
         WHERE {} ORDER BY s.hour, s.id LIMIT :limit",
        rows::SIGHTING,
        conditions.join(" AND ")
    );
    let mut statement = connection.prepare(&sql)?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut rows = statement.query(rusqlite::named_params! {
        ":hour": place.hour, ":id": place.id, ":since": since.as_nanos(), ":until": until, ":limit": limit,
    })?;
    let mut page = Page::default();
    let mut read = 0;
    while let Some(row) = rows.next()? {
        read += 1;
        page.next = Some(Place {
            id: row.get(0)?,
            hour: row.get(1)?,
        });
        match rows::sighting(row)? {
            Some(sighting) => page.sightings.push(sighting),
            None => page.damaged += 1,
        }
    }
    if read < limit {
        page.next = None;
    }
    Ok(page)
}
