//! `straggler report`: the findings that a daemon has kept.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::args::{Common, StoreReportArgs};
use super::output::say;
use super::report_args::ReportArgs;
use super::reporting::{self, Frame};
use super::{Exit, Failure, Output};
use super::{privacy, replay};
use crate::config::Config;
use crate::history::{self, HIDDEN, Restorer, SEEN, SHOWS};
use crate::ledger::Ledger;
use crate::model::{Pack, Seen, Snapshot, Span, Timestamp, VendorId};
use crate::report::{Source, SourceKind, span};
use crate::store::{LookedRecord, Reader, StoreError, Stored};

/// A running daemon writes about once a second; a store that ends earlier than this has none.
const STALE: Duration = Duration::from_secs(300);

/// What a store has.
pub(super) struct Kept {
    pub snapshot: Snapshot,
    pub seen: Seen,
    pub sources: Vec<Source>,
    pub looked: Vec<Span>,
    pub remarks: Vec<String>,
}

pub(super) fn run(args: StoreReportArgs, output: &mut Output) -> Result<Exit, Failure> {
    let config = replay::load(&args.common)?;
    let folder = folder(args.state_dir, &config, &args.common)?;
    let rules = config.rule_set();
    let vendors: Vec<&VendorId> = rules.packs.iter().map(|pack| &pack.vendor).collect();
    let mut filter = args.report.filter(&vendors)?;
    let mut kept = read(&folder, &config, &rules.packs)?;
    if let Some(pseudonyms) = config.pseudonyms(&[]) {
        kept.snapshot = pseudonyms.hide(kept.snapshot);
        privacy::hide_hosts(&mut filter, &pseudonyms, &kept.snapshot);
    }
    for line in ReportArgs::unknown_hosts(&filter, &kept.snapshot) {
        say(&line);
    }
    for remark in &kept.remarks {
        say(remark);
    }
    let frame = Frame::new(&config, &rules.packs);
    let report = frame
        .around_kept(kept, args.report.timezone.clone())
        .filtered(filter);
    reporting::write(&report, args.report.format, output)?;
    output.flush()?;
    Ok(reporting::exit(&report, &args.report, Exit::Fine))
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

fn read(folder: &Path, config: &Config, packs: &[Pack]) -> Result<Kept, Failure> {
    let reader = Reader::open(folder).map_err(failure)?;
    if config.pseudonyms(&[]).is_none() && is_hidden(&reader)? {
        return Err(needs_key(folder));
    }
    let mut ledger = Ledger::new(config.ledger(&[]), packs).map_err(Failure::usage)?;
    let mut restorer = Restorer::new(packs);
    let mut looked: Vec<LookedRecord> = Vec::new();
    let read = reader.restore(Timestamp::MIN, &mut |row| {
        if let Stored::Looked(record) = &row {
            looked.push(record.clone());
        }
        restorer.take(&mut ledger, row);
    });
    let read = read.map_err(failure)?;
    let remembered = reader.remembered(SEEN).map_err(failure)?;
    let around = remembered.as_deref().map(history::surroundings);
    let around = around.unwrap_or_default();
    let restored = restorer.finish(&mut ledger, &around);
    let mut snapshot = ledger.snapshot();
    snapshot.local_hosts = around.local_hosts;
    snapshot.blind_hosts = around.blind_hosts;
    snapshot.local_networks_known |= around.local_networks_known;
    let mut remarks = Vec::new();
    if let Some(late) = late(snapshot.at) {
        remarks.push(late);
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
        looked: looked.into_iter().map(|record| record.span).collect(),
        remarks,
    })
}

/// A word where the store ends long before now: it says nothing of today.
fn late(at: Option<Timestamp>) -> Option<String> {
    let Some(at) = at else {
        return Some("nothing was captured with this store yet".to_owned());
    };
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .ok()?;
    let now = Timestamp::from_nanos(i64::try_from(now.as_nanos()).ok()?);
    let age = now.since(at);
    (age > STALE).then(|| {
        format!(
            "the store ends at {at}, {} ago: findings are judged as of then, and nothing is known of the time since",
            span(age)
        )
    })
}

/// Every source with what it lost.
fn sources(looked: &[LookedRecord]) -> Vec<Source> {
    let mut drops: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for record in looked {
        let sum = drops.entry(&*record.sensor).or_default();
        sum.0 = sum.0.saturating_add(record.kernel_drops);
        sum.1 = sum.1.saturating_add(record.interface_drops);
    }
    let sources = drops.into_iter().map(|(name, drops)| Source {
        // A savefile stands with its path.
        kind: match name.contains('/') {
            true => SourceKind::File,
            false => SourceKind::Interface,
        },
        name: name.to_owned(),
        links: Vec::new(),
        frames: None,
        drops: (!name.contains('/')).then_some(drops),
    });
    sources.collect()
}
