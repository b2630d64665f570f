//! `straggler erase`: a host out of what a daemon has kept.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;

use super::args::{Common, EraseArgs};
use super::report::{failure, folder};
use super::{Exit, Failure, Output, replay};
use crate::model::{HostKey, Timestamp};
use crate::privacy::Pseudonyms;
use crate::report::plain;
use crate::store::{Reader, Store, Stored};

pub(super) fn run(args: EraseArgs, output: &mut Output) -> Result<Exit, Failure> {
    let common = Common {
        config: args.config,
        rules: None,
    };
    let config = replay::load(&common)?;
    let folder = folder(args.state_dir, &config, &common)?;
    let host = find(&folder, &args.host, config.pseudonyms(&[]).as_ref())?;
    let (mut store, notice) = Store::open(&folder, config.store()).map_err(failure)?;
    if let Some(notice) = notice {
        return Err(Failure::runtime(notice));
    }
    let erased = store.erase(&host).map_err(failure)?;
    writeln!(
        output,
        "erased {}: {} rows, {} events, {} sample flows of other hosts",
        plain(host.as_str()),
        erased.rows,
        erased.events,
        erased.samples
    )?;
    for copy in erased.copies {
        writeln!(
            output,
            "not touched, and may still have it: {}",
            copy.display()
        )?;
    }
    Ok(Exit::Fine)
}

/// The one host that is meant.
fn find(folder: &Path, text: &str, pseudonyms: Option<&Pseudonyms>) -> Result<HostKey, Failure> {
    let reader = Reader::open(folder).map_err(failure)?;
    let address = text.parse().ok();
    let mut exact = None;
    let mut found: BTreeSet<HostKey> = BTreeSet::new();
    let read = reader.restore(Timestamp::MIN, &mut |row| match row {
        Stored::Host(host) => {
            let is_token =
                |key: &HostKey| pseudonyms.is_some_and(|it| it.host_key(key).as_str() == text);
            let is_key = |key: &HostKey| key.as_str() == text || is_token(key);
            if is_key(&host.key) || host.aliases.iter().any(is_key) {
                exact = Some(host.key);
            } else if host.name.as_deref() == Some(text) {
                found.insert(host.key);
            }
        }
        Stored::Binding(binding) if Some(binding.address) == address => {
            found.insert(binding.host);
        }
        Stored::Sighting(row) if row.key.host.as_str() == text => exact = Some(row.key.host),
        Stored::Sighting(row) if Some(row.key.address) == address => {
            found.insert(row.key.host);
        }
        _ => {}
    });
    read.map_err(failure)?;
    let text = text.escape_debug();
    match (exact, found.len()) {
        (Some(exact), _) => Ok(exact),
        (None, 0) => Err(Failure::usage(format!(
            "{text}: nothing was kept of a host with that key, address or name"
        ))),
        (None, 1) => found.pop_first().ok_or_else(|| Failure::usage(text)),
        (None, _) => {
            let keys: Vec<String> = found
                .iter()
                .map(|key| plain(key.as_str()).into_owned())
                .collect();
            Err(Failure::usage(format!(
                "{text} is said of several hosts; give one of their keys: {}",
                keys.join(", ")
            )))
        }
    }
}
