//! `straggler run`: the daemon.

use std::io::Write;

use tracing_subscriber::filter::LevelFilter;

use super::args::RunArgs;
use super::output::{self, say};
use super::replay::tell;
use super::reporting::Frame;
use super::{Exit, Failure, Output};
use crate::config::{Config, LogLevel, Overrides};
use crate::daemon::{Daemon, Ended};
use crate::report::{self, Zone};

pub(super) fn run(args: RunArgs, output: &mut Output) -> Result<Exit, Failure> {
    let overrides = Overrides {
        interfaces: args.interface,
        listen: args.listen,
        rules: args.common.rules,
        state_dir: args.state_dir,
        web_config: args.web_config,
    };
    let config = Config::load(args.common.config.as_deref(), overrides)?;
    log_to_stderr(config.file.log);
    if args.replay.is_empty() && config.file.interfaces.is_empty() {
        return Err(Failure::usage(
            "no interface to capture; give --interface NAME or `interfaces` in the configuration (`straggler interfaces` \
             lists them), or --replay FILE",
        ));
    }
    let frame = Frame::new(&config, &config.rule_set().packs);
    let access = config.access()?;
    let daemon = Daemon::bind(config, access, args.sandbox).map_err(failure)?;
    let address = daemon.address().map_err(failure)?;
    let scheme = if daemon.is_tls() { "https" } else { "http" };
    let started = || {
        say(&format!(
            "page and metrics on {scheme}://{address}/, Ctrl-C ends"
        ));
    };
    let ended = if args.replay.is_empty() {
        daemon.run_live(started)
    } else {
        started();
        let style = output.style();
        daemon.run_replay(&args.replay, move |replayed| {
            let report = frame.around(replayed.snapshot.clone(), replayed, None, Zone::UTC);
            let text = report::table(&report, style);
            // Nobody may be reading; the page has the same.
            let _ = std::io::stdout().write_all(text.as_bytes());
            tell(replayed);
        })
    };
    match ended.map_err(failure)? {
        Ended::Asked => Ok(Exit::Fine),
        Ended::NoCapture => Err(Failure::runtime("no interface is captured any more")),
    }
}

fn failure(error: anyhow::Error) -> Failure {
    Failure::runtime(format!("{error:#}"))
}

fn log_to_stderr(level: LogLevel) {
    let level = match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_target(false)
        .with_ansi(output::color_on(&std::io::stderr()))
        .with_writer(std::io::stderr)
        .init();
}
