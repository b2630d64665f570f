//! `straggler report`: the findings that a daemon has kept.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use ipnet::IpNet;

use super::args::{Common, StoreReportArgs};
use super::output::say;
use super::report_args::ReportArgs;
use super::reporting::{self, Frame};
use super::{Exit, Failure, Output};
use super::{privacy, replay};
use crate::capture::STDIN;
use crate::config::Config;
use crate::history::{self, AHEAD, HIDDEN, Restorer, SEEN, SHOWS, Wall};
use crate::ledger::Ledger;
use crate::model::{Seen, Snapshot, Span, Timestamp, VendorId};
use crate::report::{Filter, Source, SourceKind, Used, span};
use crate::rules::RuleSet;
use crate::store::{LookedRecord, Reader, StoreError, Stored, StoredSighting};

/// A running daemon writes about once a second; a store that ends earlier than this has none.
const STALE: Duration = Duration::from_secs(300);
/// Clocks differ by this much without anybody's noticing.
const SKEW: Duration = Duration::from_secs(60);

/// What a store has.
pub(super) struct Kept {
    pub snapshot: Snapshot,
    pub seen: Seen,
    pub sources: Vec<Source>,
    pub looked: Vec<Span>,
    pub networks: Vec<IpNet>,
    /// Whether no sighting was left aside because of its date.
    pub is_whole: bool,
    pub remarks: Vec<String>,
}

pub(super) fn run(args: StoreReportArgs, output: &mut Output) -> Result<Exit, Failure> {
    let config = replay::load(&args.common)?;
    let folder = folder(args.state_dir, &config, &args.common)?;
    let rules = Arc::new(config.rule_set());
    let vendors: Vec<&VendorId> = rules.packs.iter().map(|pack| &pack.vendor).collect();
    let mut filter = args.report.filter(&vendors)?;
    let at = args.at.map(|at| at.instant(&args.report.timezone));
    let mut kept = read(&folder, &config, &rules, at, &mut filter)?;
    if let Some(pseudonyms) = config.pseudonyms(&[]) {
        if let Some(within) = filter.within.take() {
            let within = within.into_iter();
            let hidden = within.map(|used| (pseudonyms.host_key(&used.0), used.1, used.2, used.3));
            filter.within = Some(hidden.collect());
        }
        kept.snapshot = pseudonyms.hide(kept.snapshot);
        privacy::hide_hosts(&mut filter, &pseudonyms, &kept.snapshot);
    }
    // All that was ever seen is in the store, so of a host that is not there somebody mistyped the name.
    if let Some(line) = ReportArgs::unknown_hosts(&filter, &kept.snapshot).pop() {
        return Err(Failure::usage(line));
    }
    for remark in &kept.remarks {
        say(remark);
    }
    let is_whole = kept.is_whole;
    let frame = Frame::new(&config, &rules.packs);
    let report = frame
        .around_kept(kept, at, args.report.timezone.clone())
        .filtered(filter);
    reporting::write(&report, args.report.format, output)?;
    output.flush()?;
    // What was left aside may hold a straggler.
    let otherwise = match is_whole {
        true => Exit::Fine,
        false => Exit::Failed,
    };
    Ok(reporting::exit(&report, &args.report, otherwise))
}

/// The state folder: the flag's, or the configuration's.
pub(super) fn folder(
    flag: Option<PathBuf>,
    config: &Config,
    common: &Common,
) -> Result<PathBuf, Failure> {
    flag.or_else(|| config.file.state_dir.clone())
        .ok_or_else(|| {
            Failure::usage(match &common.config {
                Some(file) => format!(
                    "{}: there is no state_dir in it; give --state-dir DIR",
                    file.display()
                ),
                None => "which store? give --state-dir DIR, or --config FILE with state_dir in it"
                    .to_owned(),
            })
        })
}

/// A store that is not there is a wrong folder; all else is a fault.
pub(super) fn failure(error: StoreError) -> Failure {
    match error {
        StoreError::Missing { .. } => Failure::usage(error),
        _ => Failure::runtime(error),
    }
}

/// Whether a store's sensor shows pseudonyms in place of devices.
pub(super) fn is_hidden(reader: &Reader) -> Result<bool, Failure> {
    let shows = reader.remembered(SHOWS).map_err(failure)?;
    Ok(shows.as_deref() == Some(HIDDEN))
}

/// Why a store's devices are not told without the key.
pub(super) fn needs_key(folder: &Path) -> Failure {
    Failure::usage(format!(
        "{}: its sensor shows pseudonyms; give --config FILE with its `key_file` under [privacy]",
        folder.display()
    ))
}

/// Reads a store as of an instant, or of its end; tells the filter what was seen in the time that it asks for.
fn read(
    folder: &Path,
    config: &Config,
    rules: &Arc<RuleSet>,
    at: Option<Timestamp>,
    filter: &mut Filter,
) -> Result<Kept, Failure> {
    let reader = Reader::open(folder).map_err(failure)?;
    if config.pseudonyms(&[]).is_none() && is_hidden(&reader)? {
        return Err(needs_key(folder));
    }
    let mut ledger = Ledger::new(config.ledger(&[]), &rules.packs).map_err(Failure::usage)?;
    let remembered = reader.remembered(SEEN).map_err(failure)?;
    let around = remembered.as_deref().map(history::surroundings);
    let around = around.unwrap_or_default();
    let wall = Wall::new(&rules.packs);
    let limit = at.unwrap_or_else(|| wall.bound(wall_clock(), AHEAD));
    let mut used: BTreeSet<Used> = BTreeSet::new();
    let mut restorer = Restorer::new(Arc::clone(rules), around.clone(), limit);
    let mut looked: Vec<LookedRecord> = Vec::new();
    let read = reader.restore(Timestamp::MIN, &mut |row| {
        match &row {
            Stored::Looked(record) if record.span.first <= limit => {
                let mut record = record.clone();
                record.span.last = record.span.last.min(limit);
                looked.push(record);
            }
            Stored::Sighting(StoredSighting { key, sum })
                if sum.span.first <= limit && filter.reaches(sum.span) =>
            {
                let (host, vendor) = (key.host.clone(), key.vendor.clone());
                used.insert((host, vendor, key.category, key.strength));
            }
            _ => {}
        }
        restorer.take(&mut ledger, row);
    });
    let read = read.map_err(failure)?;
    let restored = restorer.finish(&mut ledger);
    if !filter.is_undated() {
        let used = used.into_iter();
        let used = used.map(|used| (ledger.key_of(&used.0), used.1, used.2, used.3));
        filter.within = Some(used.collect());
    }
    let mut remarks = Vec::new();
    let mut snapshot = match at {
        Some(at) => {
            ledger.set_time(at);
            remarks.push(
                "counts of frames, of flows and of hosts without a name are those of the whole store, not of --at"
                    .to_owned(),
            );
            ledger.snapshot()
        }
        None => ledger.snapshot(),
    };
    if at.is_none() {
        snapshot.local_hosts = around.local_hosts;
        remarks.extend(late(snapshot.at));
    }
    snapshot.blind_hosts = around.blind_hosts;
    snapshot.local_networks_known |= around.local_networks_known;
    for copy in reader.set_aside().map_err(failure)? {
        remarks.push(format!(
            "the store was found damaged and begun anew on {}: history from before is missing; what it had is kept as {}",
            copy.at, copy.name
        ));
    }
    remarks.extend(wall.fault(wall_clock(), None));
    if let Some(last) = restored.later.last.filter(|_| at.is_none()) {
        let rows = restored.later.count;
        remarks.push(format!(
            "{rows} rows are dated up to {last}, later than this machine's clock, and are left aside: \
             the clock is wrong, or was when they were captured"
        ));
    }
    remarks.extend(snapshot.disputes.iter().map(ToString::to_string));
    if read.damaged > 0 {
        let rows = read.damaged;
        remarks.push(format!(
            "{rows} rows of the store could not be understood and are left out"
        ));
    }
    if restored.not_in_force > 0 {
        let rows = restored.not_in_force;
        remarks.push(format!(
            "{rows} rows are of services that no pack in force has, and are left out"
        ));
    }
    Ok(Kept {
        snapshot,
        seen: around.seen,
        sources: sources(&looked),
        networks: around.networks,
        is_whole: at.is_some() || restored.later.sightings == 0,
        looked: looked.into_iter().map(|record| record.span).collect(),
        remarks,
    })
}

/// A word where the store ends long before now: it says nothing of today.
fn late(at: Option<Timestamp>) -> Option<String> {
    let Some(at) = at else {
        return Some("nothing was captured with this store yet".to_owned());
    };
    let now = wall_clock();
    let ahead = at.since(now);
    if ahead > SKEW {
        return Some(format!(
            "the store ends at {at}, {} ahead of this machine's clock: findings are judged as of then",
            span(ahead)
        ));
    }
    let age = now.since(at);
    (age > STALE).then(|| {
        format!(
            "the store ends at {at}, {} ago: findings are judged as of then, and nothing is known of the time since",
            span(age)
        )
    })
}

fn wall_clock() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let nanos = since.unwrap_or_default().as_nanos();
    Timestamp::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX))
}

/// Every source with what it lost.
fn sources(looked: &[LookedRecord]) -> Vec<Source> {
    let mut drops: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for record in looked {
        let sum = drops.entry(&*record.sensor).or_default();
        sum.0 = sum.0.saturating_add(record.kernel_drops);
        sum.1 = sum.1.saturating_add(record.interface_drops);
    }
    let sources = drops.into_iter().map(|(name, drops)| {
        // A savefile stands with a path, in which there always is a slash.
        let kind = match name {
            STDIN => SourceKind::StandardInput,
            _ if name.contains('/') => SourceKind::File,
            _ => SourceKind::Interface,
        };
        Source {
            kind,
            name: name.to_owned(),
            links: Vec::new(),
            frames: None,
            drops: (kind == SourceKind::Interface).then_some(drops),
        }
    });
    sources.collect()
}
