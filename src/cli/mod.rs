//! Subcommands and exit codes. Data goes to standard output, talk to standard error.

mod args;
mod config;
mod erase;
mod interfaces;
mod names;
mod near;
mod output;
mod privacy;
mod replay;
mod report;
mod report_args;
mod reporting;
mod rules;
mod run;

use std::process::ExitCode;

use clap::Parser;

pub use args::Cli;
use args::Command;
pub use output::Output;

/// How a command ended. The numbers are part of the interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All is well.
    Fine = 0,
    /// The findings that the caller asked to fail on are there, or a check found a fault of the rules.
    Found = 1,
    /// The command line, the configuration or the rules are wrong.
    Usage = 2,
    /// A failure at run time, or a capture that could not be read to its end.
    Failed = 3,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command could not do its work: one clear line for the person who can mend it.
#[derive(Debug)]
pub struct Failure {
    exit: Exit,
    what: String,
}

impl Failure {
    /// The command line, the configuration or the rules are wrong.
    pub fn usage(what: impl ToString) -> Self {
        Self {
            exit: Exit::Usage,
            what: what.to_string(),
        }
    }

    /// Something went wrong at run time.
    pub fn runtime(what: impl ToString) -> Self {
        Self {
            exit: Exit::Failed,
            what: what.to_string(),
        }
    }
}

impl From<crate::config::Refused> for Failure {
    fn from(refused: crate::config::Refused) -> Self {
        Self::usage(refused)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::runtime(format!("cannot write the output: {error}"))
    }
}

/// Reads the command line and does what it says.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let mut output = Output::stdout();
    let result = match cli.command {
        Command::Run(args) => run::run(args, &mut output),
        Command::Replay(args) => replay::run(args, &mut output),
        Command::Report(args) => report::run(args, &mut output),
        Command::Erase(args) => erase::run(args, &mut output),
        Command::Names(args) => names::run(args, &mut output),
        Command::Rules(args) => rules::run(args, &mut output),
        Command::Config(args) => config::run(args, &mut output),
        Command::Privacy(args) => privacy::run(args, &mut output),
        Command::Interfaces => interfaces::run(&mut output),
    };
    let result = result.and_then(|exit| {
        output.finish()?;
        Ok(exit)
    });
    match result {
        Ok(exit) => exit.into(),
        // Whoever reads us has seen enough, as `head` does.
        Err(_) if output.reader_left() => Exit::Fine.into(),
        Err(failure) => {
            for line in failure.what.lines() {
                output::say(line);
            }
            failure.exit.into()
        }
    }
}
