//! `straggler replay`: the findings of captures.

use std::io::{IsTerminal, Write};
use std::sync::Arc;

use indicatif::{ProgressBar, ProgressStyle};

use super::args::{Common, ReplayArgs};
use super::output::say;
use super::report_args::ReportArgs;
use super::reporting::{self, Frame};
use super::{Exit, Failure, Output, privacy};
use crate::capture::{Inputs, find_inputs};
use crate::config::{Config, Overrides};
use crate::model::{Snapshot, VendorId};
use crate::replay::{Replay, Replayed};
use crate::report;

/// Below this a file is read before a bar could be seen.
const WORTH_A_BAR: u64 = 32 * 1024 * 1024;

/// Reads configuration and rules as several commands need them.
pub(super) fn load(common: &Common) -> Result<Config, Failure> {
    let overrides = Overrides {
        rules: common.rules.clone(),
        ..Overrides::default()
    };
    Ok(Config::load(common.config.as_deref(), overrides)?)
}

pub(super) fn run(args: ReplayArgs, output: &mut Output) -> Result<Exit, Failure> {
    let config = load(&args.common)?;
    let rules = config.rule_set();
    let vendors: Vec<&VendorId> = rules.packs.iter().map(|pack| &pack.vendor).collect();
    let mut filter = args.report.filter(&vendors)?;
    let at = args.at.map(|at| at.instant(&args.report.timezone));
    let frame = Frame::new(&config, &rules.packs);
    let inputs = inputs(&args.files)?;
    let settings = crate::replay::Settings {
        at,
        ..config.replay()
    };
    let mut replay = Replay::new(settings, Arc::new(rules)).map_err(Failure::usage)?;
    let bar = bar(&inputs);
    replay.read(&inputs, &mut (), &mut |progress| {
        bar.set_position(progress.bytes);
    });
    bar.finish_and_clear();
    let mut replayed = replay.finish();
    let exit = tell(&replayed);
    let mut snapshot = std::mem::take(&mut replayed.snapshot);
    if let Some(pseudonyms) = config.pseudonyms(&[]) {
        snapshot = pseudonyms.hide(snapshot);
        privacy::hide_hosts(&mut filter, &pseudonyms, &snapshot);
    }
    for line in ReportArgs::unknown_hosts(&filter, &snapshot) {
        say(&line);
    }
    let report = frame
        .around(snapshot, &replayed, at, args.report.timezone.clone())
        .filtered(filter);
    reporting::write(&report, args.report.format, output)?;
    output.flush()?;
    Ok(reporting::exit(&report, &args.report, exit))
}

/// The files that paths mean, with a word about what was left out.
pub(super) fn inputs(paths: &[std::path::PathBuf]) -> Result<Inputs, Failure> {
    let inputs = find_inputs(paths).map_err(Failure::runtime)?;
    if inputs.left_out > 0 {
        say(&format!(
            "{} files in folders are no captures and are left out",
            inputs.left_out
        ));
    }
    if inputs.files.is_empty() {
        return Err(Failure::runtime("there is no capture in what was named"));
    }
    Ok(inputs)
}

/// One JSON object and a line break.
pub(super) fn write_json(
    output: &mut Output,
    value: &impl serde::Serialize,
) -> Result<(), Failure> {
    // Serialising into the buffer can fail only as writing does.
    serde_json::to_writer(&mut *output, value).map_err(std::io::Error::from)?;
    output.write_all(b"\n")?;
    Ok(())
}

/// Says what could not be read and what was left aside; the exit code follows.
pub(super) fn tell(replayed: &Replayed) -> Exit {
    for remark in remarks(replayed, &replayed.snapshot) {
        say(&remark);
    }
    if replayed.faults.is_empty() {
        Exit::Fine
    } else {
        Exit::Failed
    }
}

/// What could not be read and what was left aside, a line each.
pub(super) fn remarks(replayed: &Replayed, snapshot: &Snapshot) -> Vec<String> {
    let mut remarks = Vec::new();
    if replayed.later_frames > 0 {
        remarks.push(format!(
            "{} frames later than --at were left out",
            replayed.later_frames
        ));
    }
    if let Some(gap) = replayed.wild_last_packet {
        remarks.push(format!(
            "the last frame is {} later than all others and was not taken for the end of the capture; \
             use --at to judge at another instant",
            report::span(gap)
        ));
    }
    let disputes = snapshot.disputes.iter();
    remarks.extend(disputes.map(ToString::to_string));
    remarks.extend(replayed.faults.iter().map(ToString::to_string));
    remarks
}

/// A bar for long files when somebody watches; otherwise one that draws nothing.
fn bar(inputs: &Inputs) -> ProgressBar {
    let total = inputs.total_bytes();
    if total < WORTH_A_BAR || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{wide_bar} {bytes}/{total_bytes} {eta}");
    let bar = ProgressBar::new(total);
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
