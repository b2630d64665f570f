//! `straggler rules`: what the packs say.

mod check;
mod explain;
mod export;
mod list;
mod new;
mod show;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::args::{Common, ListFormat};
use super::{Exit, Failure, Output};
use export::ExportArgs;
use new::NewArgs;

/// `straggler rules`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  straggler rules list
  straggler rules show kaspersky                     cutoffs, services and names, each with its source
  straggler rules explain s07.upd.kaspersky.com      which pattern wins, and why
  straggler rules explain dns.google                 a known encrypted-DNS service, or not
  straggler rules export --format rpz                for a resolver that blocks; or dnsmasq, suricata, ...
  straggler rules check my-packs/                    what is wrong, with file, line and column")]
pub struct RulesArgs {
    /// What to do with the rules.
    #[command(subcommand)]
    pub command: RulesCommand,
}

/// The subcommands of `rules`.
#[derive(Debug, Subcommand)]
pub enum RulesCommand {
    /// List the packs
    List {
        #[command(flatten)]
        common: Common,
        /// How to print them
        #[arg(long, value_enum, default_value_t = ListFormat::Table)]
        format: ListFormat,
    },
    /// Show all that a pack says, with its sources: cutoffs, services, names; resolvers
    Show {
        #[command(flatten)]
        common: Common,
        /// Id of the pack, as `rules list` prints it
        pack: String,
    },
    /// Check the packs of a folder, or the built-in ones
    Check {
        /// Folder of packs (*.toml)
        dir: Option<PathBuf>,
    },
    /// Run the tests that packs carry
    Test {
        #[command(flatten)]
        common: Common,
    },
    /// Print a pack to start from, with comments
    New(NewArgs),
    /// Write the names of restricted vendors for a tool that blocks or alerts
    ///
    /// What the format cannot say is told on standard error, and in the file as a comment.
    Export(ExportArgs),
    /// Say which rule matches a name, and why; looks in all packs, in force or not
    Explain {
        #[command(flatten)]
        common: Common,
        /// A host name, or the address of a resolver
        name: String,
        /// How to print it
        #[arg(long, value_enum, default_value_t = ListFormat::Table)]
        format: ListFormat,
    },
}

pub(super) fn run(args: RulesArgs, output: &mut Output) -> Result<Exit, Failure> {
    match args.command {
        RulesCommand::List { common, format } => list::list(&common, format, output),
        RulesCommand::Show { common, pack } => show::show(&common, &pack, output),
        RulesCommand::Check { dir } => check::check(dir.as_deref()),
        RulesCommand::Test { common } => check::test(&common),
        RulesCommand::New(args) => new::new(&args, output),
        RulesCommand::Export(args) => export::export(&args, output),
        RulesCommand::Explain {
            common,
            name,
            format,
        } => explain::explain(&common, &name, format, output),
    }
}
