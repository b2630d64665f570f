//! Numbers that rows use in place of texts, given out while a transaction lasts.

use std::collections::HashMap;

use rusqlite::{Connection, Result, params};

use super::rolled_up::{ReplyKey, SightingKey};
use crate::model::HostKey;

/// The numbers met in one transaction. They may not outlive it: one that fails takes its numbers back.
pub(super) struct Ids<'a> {
    connection: &'a Connection,
    /// Each host's number, and the latest day of use that was noted.
    hosts: HashMap<HostKey, (i64, i64)>,
}

impl<'a> Ids<'a> {
    pub(super) fn new(connection: &'a Connection) -> Self {
        Self {
            connection,
            hosts: HashMap::new(),
        }
    }

    /// The host's number. `day` is the latest day of the row that refers to it: a host goes with its last row.
    pub(super) fn host(&mut self, key: &HostKey, day: i64) -> Result<i64> {
        if let Some(&(id, noted)) = self.hosts.get(key)
            && noted >= day
        {
            return Ok(id);
        }
        let id = self.interned(
            "SELECT id, used_day FROM hosts WHERE key = ?1",
            "INSERT INTO hosts (key, used_day) VALUES (?1, ?2)",
            "UPDATE hosts SET used_day = ?2 WHERE id = ?1",
            params![key.as_str(), day],
            day,
        )?;
        self.hosts.insert(key.clone(), (id, day));
        Ok(id)
    }

    /// The number of what was sighted, and how.
    pub(super) fn subject(&self, key: &SightingKey, day: i64) -> Result<i64> {
        let values = params![
            key.name.as_str(),
            key.signal.label(),
            key.evidence.label(),
            key.phase.label(),
            key.era,
            &*key.interface,
            key.vendor.as_str(),
            key.category.label(),
            key.service.as_str(),
            key.strength.label(),
            day,
        ];
        self.interned(
            "SELECT id, used_day FROM subjects
             WHERE name = ?1 AND signal = ?2 AND evidence = ?3 AND phase = ?4 AND era = ?5 AND interface = ?6
               AND vendor = ?7 AND category = ?8 AND service = ?9 AND strength = ?10",
            "INSERT INTO subjects
                (name, signal, evidence, phase, era, interface, vendor, category, service, strength, used_day)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            "UPDATE subjects SET used_day = ?2 WHERE id = ?1",
            values,
            day,
        )
    }

    /// The number of what was asked, and what came back.
    pub(super) fn question(&self, key: &ReplyKey, day: i64) -> Result<i64> {
        let values = params![
            key.name.as_str(),
            key.signal.label(),
            key.kind.label(),
            key.own_resolver,
            key.vendor.as_str(),
            key.category.label(),
            key.service.as_str(),
            day,
        ];
        self.interned(
            "SELECT id, used_day FROM questions
             WHERE name = ?1 AND signal = ?2 AND kind = ?3 AND own = ?4 AND vendor = ?5 AND category = ?6
               AND service = ?7",
            "INSERT INTO questions (name, signal, kind, own, vendor, category, service, used_day)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            "UPDATE questions SET used_day = ?2 WHERE id = ?1",
            values,
            day,
        )
    }

    /// The number of a text. `values` are what `insert` takes; `find` takes all but the last, the day.
    /// Looks first: nearly always the text is there, and a write costs more than a look.
    fn interned(
        &self,
        find: &str,
        insert: &str,
        touch: &str,
        values: &[&dyn rusqlite::ToSql],
        day: i64,
    ) -> Result<i64> {
        let mut find = self.connection.prepare_cached(find)?;
        let mut rows = find.query(&values[..values.len() - 1])?;
        if let Some(row) = rows.next()? {
            let (id, used): (i64, i64) = (row.get(0)?, row.get(1)?);
            if used < day {
                let mut touch = self.connection.prepare_cached(touch)?;
                touch.execute([id, day])?;
            }
            return Ok(id);
        }
        self.connection.prepare_cached(insert)?.insert(values)
    }
}
