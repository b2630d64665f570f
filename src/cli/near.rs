//! `straggler names --unmatched --near VENDOR`: what a vendor's pack does not know yet.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::net::IpAddr;
use std::sync::Arc;

use serde::Serialize;

use super::args::{NamesArgs, NamesFormat};
use super::output::say;
use super::replay::{inputs, load, tell, write_json};
use super::{Exit, Failure, Output};
use crate::model::{DomainName, Timestamp};
use crate::replay::Replay;
use crate::rules::Nearby;
use crate::tracker::{NameRead, Witness};

/// Names kept: a capture full of made-up ones must not take all memory. With clients at most 1 KiB each, so 100 MiB.
const MAX_NAMES: usize = 100_000;
/// Clients told of each name.
const MAX_CLIENTS: usize = 16;

#[derive(Serialize)]
struct GapLine<'a> {
    name: &'a str,
    count: u64,
    /// 16 at most.
    clients: &'a BTreeSet<IpAddr>,
    clients_left_out: bool,
    first_seen: Timestamp,
    last_seen: Timestamp,
}

/// How a name was asked for.
struct Asked {
    count: u64,
    clients: BTreeSet<IpAddr>,
    more_clients: bool,
    first: Timestamp,
    last: Timestamp,
}

struct Gaps {
    near: Nearby,
    names: BTreeMap<DomainName, Asked>,
    left_out: u64,
}

impl Witness for Gaps {
    fn name_read(&mut self, read: &NameRead<'_>) {
        if !self.near.is_gap(read.name, read.matched) {
            return;
        }
        if self.names.len() >= MAX_NAMES && !self.names.contains_key(read.name.as_str()) {
            self.left_out += 1;
            return;
        }
        let asked = self.names.entry(read.name.to_owned()).or_insert(Asked {
            count: 0,
            clients: BTreeSet::new(),
            more_clients: false,
            first: read.time,
            last: read.time,
        });
        asked.count += 1;
        asked.first = asked.first.min(read.time);
        asked.last = asked.last.max(read.time);
        if asked.clients.len() < MAX_CLIENTS {
            asked.clients.insert(read.client.addr);
        } else if !asked.clients.contains(&read.client.addr) {
            asked.more_clients = true;
        }
    }
}

pub(super) fn run(args: &NamesArgs, vendor: &str, output: &mut Output) -> Result<Exit, Failure> {
    let config = load(&args.common)?;
    let Some(pack) = config.library.pack(vendor) else {
        let known = config.library.packs().map(|pack| pack.vendor.as_str());
        return Err(Failure::usage(format!(
            "--near {}: there is no pack of that vendor; there are: {}",
            vendor.escape_debug(),
            known.collect::<Vec<_>>().join(", ")
        )));
    };
    let mut gaps = Gaps {
        near: Nearby::of(pack),
        names: BTreeMap::new(),
        left_out: 0,
    };
    // Of this pack alone, in force or not: what another one knows is a gap here all the same.
    let rules = config.library.compile(|other| other.vendor == pack.vendor);
    let inputs = inputs(&args.files)?;
    let mut replay =
        Replay::new(crate::replay::Settings::default(), Arc::new(rules)).map_err(Failure::usage)?;
    replay.read(&inputs, &mut gaps, &mut |_| {});
    let mut names: Vec<(&DomainName, &Asked)> = gaps.names.iter().collect();
    names.sort_by_key(|(name, asked)| (Reverse(asked.count), *name));
    for (name, asked) in names {
        print(args.format, name, asked, output)?;
    }
    if gaps.left_out > 0 {
        let left_out = gaps.left_out;
        say(&format!(
            "{left_out} more times a name was asked for that found no place among {MAX_NAMES}"
        ));
    }
    output.flush()?;
    Ok(tell(&replay.finish()))
}

fn print(
    format: NamesFormat,
    name: &DomainName,
    asked: &Asked,
    output: &mut Output,
) -> Result<(), Failure> {
    match format {
        NamesFormat::Tsv => {
            let clients: Vec<String> = asked.clients.iter().map(ToString::to_string).collect();
            let more = if asked.more_clients { "+" } else { "" };
            writeln!(
                output,
                "{}\t{}{more}\t{name}\t{}",
                asked.count,
                clients.len(),
                clients.join(" ")
            )?;
        }
        NamesFormat::Json => write_json(
            output,
            &GapLine {
                name: name.as_str(),
                count: asked.count,
                clients: &asked.clients,
                clients_left_out: asked.more_clients,
                first_seen: asked.first,
                last_seen: asked.last,
            },
        )?,
    }
    Ok(())
}
