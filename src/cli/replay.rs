//! `straggler replay`: the findings of captures.

use std::io::{IsTerminal, Write};
use std::sync::Arc;

use indicatif::{ProgressBar, ProgressStyle};

use super::args::{Common, ReplayArgs, ReplayFormat};
use super::output::say;
use super::{Exit, Failure, Output};
use crate::capture::{Inputs, find_inputs};
use crate::config::{Config, Overrides};
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
    let inputs = inputs(&args.files)?;
    let settings = crate::replay::Settings {
        at: args.at,
        ..config.replay()
    };
    let mut replay = Replay::new(settings, Arc::new(config.rule_set())).map_err(Failure::usage)?;
    let bar = bar(&inputs);
    replay.read(&inputs, &mut (), &mut |progress| {
        bar.set_position(progress.bytes);
    });
    bar.finish_and_clear();
    let replayed = replay.finish();
    match args.format {
        ReplayFormat::Table => {
            let style = output.style();
            let seen = &replayed.tracker.seen;
            output.write_all(report::table(&replayed.snapshot, seen, style).as_bytes())?;
        }
        ReplayFormat::Json => {
            for line in report::finding_lines(&replayed.snapshot) {
                write_json(output, &line)?;
            }
        }
    }
    output.flush()?;
    Ok(tell(&replayed))
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
    if replayed.later_frames > 0 {
        say(&format!(
            "{} frames later than --at were left out",
            replayed.later_frames
        ));
    }
    if let Some(gap) = replayed.wild_last_packet {
        say(&format!(
            "the last frame is {} later than all others and was not taken for the end of the capture; \
             use --at to judge at another instant",
            report::span(gap)
        ));
    }
    for fault in &replayed.faults {
        say(&fault.to_string());
    }
    if replayed.faults.is_empty() {
        Exit::Fine
    } else {
        Exit::Failed
    }
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
