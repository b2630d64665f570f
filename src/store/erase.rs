//! Erasing a host, so that not even its bytes are left in the file.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, Result, params};

use super::columns::span;
use super::error::{self, StoreError};
use super::{Operation, Store, hosts, open, samples, schema};
use crate::model::{HostKey, Mac, Span, Timestamp};

/// What was erased.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Erased {
    /// Rows of the host: sightings, replies, addresses, and what was known of it.
    pub rows: u64,
    /// Sample flows of other hosts that named one of its addresses.
    pub samples: u64,
    /// Events.
    pub events: u64,
    /// Copies in the folder that may still have the host: from before a migration, or set aside as damaged.
    pub copies: Vec<PathBuf>,
}

/// Who is erased.
struct Erasing {
    /// Its keys.
    keys: BTreeSet<String>,
    /// The numbers of its keys, as a list in SQL.
    ids: String,
    macs: BTreeSet<Mac>,
    /// Its addresses, each with the times at which it was another host's.
    addresses: HashMap<IpAddr, Vec<Span>>,
}

pub(super) fn erase(store: &mut Store, host: &HostKey) -> super::Result<Erased> {
    let action = "erase a host";
    let secure = |store: &Store, mode: &str| {
        let set = store.connection.pragma_update(None, "secure_delete", mode);
        set.map_err(|error| error::sqlite(&store.path, action, &error))
    };
    // Overwrites what is deleted everywhere, also where that costs a write of its own: the blocks of the old file go back
    // to the disk, and it does not clear them.
    secure(store, "ON")?;
    let erased = store.transact(Operation::Write, action, |connection| {
        let who = Erasing::find(connection, host)?;
        Ok(Erased {
            samples: who.erase_samples(connection)?,
            events: who.erase_events(connection)?,
            rows: who.erase_rows(connection)?,
            copies: Vec::new(),
        })
    });
    secure(store, "FAST")?;
    let mut erased = erased?;
    let rebuilt = rebuild(store);
    store.counted(Operation::Write, rebuilt)?;
    erased.copies = store.folder.copies();
    Ok(erased)
}

/// Writes the store anew and puts it in the place of the old file.
///
/// Deleting is not enough, even with `secure_delete`: where SQLite splits and joins pages it leaves pieces of rows in the
/// free space of pages that live on. Not `VACUUM`, which needs a folder for temporary files, and twice the room.
fn rebuild(store: &mut Store) -> super::Result<()> {
    let fault =
        |path: &Path, error: &rusqlite::Error| error::sqlite(path, "rewrite the store", error);
    let path = store.path.clone();
    let fresh = store.folder.fresh();
    schema::copy_to(&store.connection, &fresh)?;
    let emptied: bool = store
        .connection
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| {
            Ok(row.get::<_, i64>(0)? == 0)
        })
        .map_err(|error| fault(&path, &error))?;
    if !emptied {
        // A reader would go on in the old file, and its log would lie beside the new one.
        let _ = std::fs::remove_file(&fresh);
        return Err(StoreError::StillRead { path });
    }
    // Should anything fail from here on, this stands in: it has no tables, so batches are refused and wait.
    let nothing = Connection::open_in_memory().map_err(|error| fault(&path, &error))?;
    drop(std::mem::replace(&mut store.connection, nothing));
    let renamed = store.folder.replace_database(&fresh);
    store.connection = open::connect(&path).map_err(|error| fault(&path, &error))?;
    store.file = store.folder.database_file().ok().flatten();
    renamed
}

impl Erasing {
    fn find(connection: &Connection, host: &HostKey) -> Result<Self> {
        let ids = hosts::ids_of(connection, host)?;
        let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
        let mut who = Self {
            keys: hosts::keys_of(connection, host)?,
            ids: ids.join(", "),
            macs: BTreeSet::new(),
            addresses: HashMap::new(),
        };
        let own = format!(
            "SELECT address, mac FROM bindings WHERE host IN ({0})
             UNION SELECT address, NULL FROM sightings WHERE host IN ({0})",
            who.ids
        );
        let mut own = connection.prepare(&own)?;
        let mut rows = own.query([])?;
        while let Some(row) = rows.next()? {
            let address = samples::address(row.get_ref(0)?.as_blob()?);
            who.addresses.extend(address.map(|it| (it, Vec::new())));
            let mac: Option<Vec<u8>> = row.get(1)?;
            let octets = mac.and_then(|bytes| <[u8; 6]>::try_from(bytes).ok());
            who.macs.extend(octets.map(Mac::new));
        }
        let others = format!(
            "SELECT address, since, coalesce(until, {forever}) FROM bindings WHERE host NOT IN ({0})
             UNION ALL SELECT address, first, last FROM sightings WHERE host NOT IN ({0})",
            who.ids,
            forever = i64::MAX
        );
        let mut others = connection.prepare(&others)?;
        let mut rows = others.query([])?;
        while let Some(row) = rows.next()? {
            let address = samples::address(row.get_ref(0)?.as_blob()?);
            if let Some(times) = address.and_then(|address| who.addresses.get_mut(&address)) {
                times.push(span(row, 1)?);
            }
        }
        Ok(who)
    }

    /// Whether an address meant this host at that time: addresses go from one to the next, and what is known of the
    /// others is theirs.
    fn is_its(&self, address: IpAddr, time: Timestamp) -> bool {
        self.addresses.get(&address).is_some_and(|others| {
            let had = |span: &Span| span.first <= time && time <= span.last;
            !others.iter().any(had)
        })
    }

    fn erase_samples(&self, connection: &Connection) -> Result<u64> {
        let others = format!(
            "SELECT id, samples FROM sightings WHERE host NOT IN ({}) AND length(samples) > 0",
            self.ids
        );
        let mut others = connection.prepare(&others)?;
        let mut rows = others.query([])?;
        let mut changed: Vec<(i64, Vec<u8>)> = Vec::new();
        let mut erased = 0;
        while let Some(row) = rows.next()? {
            // What cannot be read is nobody's proof, and may be its.
            let before = samples::decode(row.get_ref(1)?.as_blob()?).unwrap_or_default();
            let mut after = before.clone();
            after.retain(|stored| {
                let sample = &stored.sample;
                let ends = [sample.client.addr, sample.server.addr];
                !ends.iter().any(|&end| self.is_its(end, sample.time))
            });
            if after.len() < before.len() || before.is_empty() {
                erased += (before.len() - after.len()) as u64;
                changed.push((row.get(0)?, samples::encode(&after)));
            }
        }
        drop(rows);
        let mut update = connection.prepare("UPDATE sightings SET samples = ?2 WHERE id = ?1")?;
        for (id, samples) in changed {
            update.execute(params![id, samples])?;
        }
        Ok(erased)
    }

    fn erase_events(&self, connection: &Connection) -> Result<u64> {
        let words: Vec<String> = self
            .keys
            .iter()
            .map(|key| escaped(key))
            .chain(self.macs.iter().map(ToString::to_string))
            .collect();
        let addresses: Vec<(IpAddr, String)> = self
            .addresses
            .keys()
            .map(|address| (*address, address.to_string()))
            .collect();
        let mut events = connection.prepare("SELECT sequence, time, host, text FROM outbox")?;
        let mut rows = events.query([])?;
        let mut named: Vec<i64> = Vec::new();
        while let Some(row) = rows.next()? {
            let time = Timestamp::from_nanos(row.get(1)?);
            let host: Option<String> = row.get(2)?;
            let text: String = row.get(3)?;
            let is_its = host.is_some_and(|host| self.keys.contains(&host))
                || words.iter().any(|word| mentions(&text, word))
                || addresses
                    .iter()
                    .any(|(address, word)| mentions(&text, word) && self.is_its(*address, time));
            if is_its {
                named.push(row.get(0)?);
            }
        }
        drop(rows);
        let mut delete = connection.prepare("DELETE FROM outbox WHERE sequence = ?1")?;
        for sequence in &named {
            delete.execute([sequence])?;
        }
        Ok(named.len() as u64)
    }

    fn erase_rows(&self, connection: &Connection) -> Result<u64> {
        let mut erased = 0;
        for key in &self.keys {
            erased += connection.execute("DELETE FROM aliases WHERE alias = ?1", [key])?;
        }
        for (table, column) in [
            ("sightings", "host"),
            ("replies", "host"),
            ("bindings", "host"),
            ("aliases", "host"),
            ("hosts", "id"),
        ] {
            let sql = format!("DELETE FROM {table} WHERE {column} IN ({})", self.ids);
            erased += connection.execute(&sql, [])?;
        }
        // Some names have an id of the device in them.
        for sql in [
            "DELETE FROM subjects WHERE id NOT IN (SELECT subject FROM sightings)",
            "DELETE FROM questions WHERE id NOT IN (SELECT question FROM replies)",
        ] {
            connection.execute(sql, [])?;
        }
        Ok(erased as u64)
    }
}

/// A text as it stands within quotes in JSON.
fn escaped(text: &str) -> String {
    let quoted = serde_json::to_string(text).unwrap_or_default();
    quoted.trim_matches('"').to_owned()
}

/// Whether a text has a word in it that is not a part of a longer one: `10.0.0.5` is not in `10.0.0.50`, in
/// `ip-10.0.0.5#2` or in `210.0.0.5`, but in `10.0.0.5:443`.
fn mentions(text: &str, word: &str) -> bool {
    let part = |character: char| character.is_alphanumeric() || "-#".contains(character);
    let has_colon = word.contains(':');
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let mut after = text[at + word.len()..].chars();
        let next = after.next();
        let begins = !before.is_some_and(|it| part(it) || ".:".contains(it));
        let ends = match next {
            Some('.') => !after.next().is_some_and(part),
            Some(':') => !has_colon,
            Some(character) => !part(character),
            None => true,
        };
        begins && ends
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_whole() {
        for (text, word, found) in [
            ("{\"ip\":\"10.0.0.5\"}", "10.0.0.5", true),
            ("10.0.0.5:443 answered.", "10.0.0.5", true),
            ("from 10.0.0.5.", "10.0.0.5", true),
            ("10.0.0.50", "10.0.0.5", false),
            ("10.0.0.5.1", "10.0.0.5", false),
            ("110.0.0.5", "10.0.0.5", false),
            ("ip-10.0.0.5#2", "ip-10.0.0.5", false),
            ("\"fd00::1\"", "fd00::1", true),
            ("fd00::1:2", "fd00::1", false),
            ("é10.0.0.5é", "10.0.0.5", false),
            ("", "10.0.0.5", false),
        ] {
            assert_eq!(mentions(text, word), found, "{word} in {text}");
        }
    }
}
