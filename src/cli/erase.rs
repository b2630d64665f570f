//! `straggler erase`: a host out of what a daemon has kept.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;

use super::args::{Common, EraseArgs};
use super::report::{failure, folder, is_hidden, needs_key};
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
    let pseudonyms = config.pseudonyms(&[]);
    let (host, is_hidden) = find(&folder, &args.host, pseudonyms.as_ref())?;
    // Who may not know the key learns no more than they typed.
    let shown = match &pseudonyms {
        Some(pseudonyms) => pseudonyms.host_key(&host),
        None if is_hidden => HostKey::restored(&args.host),
        None => host.clone(),
    };
    let (mut store, notice) = Store::open(&folder, config.store()).map_err(failure)?;
    if let Some(notice) = notice {
        return Err(Failure::runtime(notice));
    }
    let erased = store.erase(&host).map_err(failure)?;
    writeln!(
        output,
        "erased {}: {} rows, {} events, {} sample flows of other hosts",
        plain(shown.as_str()),
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

/// The one host that is meant, and whether the store's sensor shows pseudonyms.
fn find(
    folder: &Path,
    text: &str,
    pseudonyms: Option<&Pseudonyms>,
) -> Result<(HostKey, bool), Failure> {
    let reader = Reader::open(folder).map_err(failure)?;
    let is_hidden = is_hidden(&reader)?;
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
        (Some(exact), _) => Ok((exact, is_hidden)),
        (None, 0) => Err(Failure::usage(format!(
            "{text}: nothing was kept of a host with that key, address or name"
        ))),
        (None, 1) => {
            let one = found.pop_first().map(|host| (host, is_hidden));
            one.ok_or_else(|| Failure::usage(text))
        }
        (None, _) if is_hidden && pseudonyms.is_none() => Err(needs_key(folder)),
        (None, _) => {
            let shown = |key: &HostKey| match pseudonyms {
                Some(pseudonyms) => pseudonyms.host_key(key),
                None => key.clone(),
            };
            let keys: Vec<String> = found
                .iter()
                .map(|key| plain(shown(key).as_str()).into_owned())
                .collect();
            Err(Failure::usage(format!(
                "{text} is said of several hosts; give one of their keys: {}",
                keys.join(", ")
            )))
        }
    }
}
