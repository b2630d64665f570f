//! `straggler rules`: what the packs say.

mod check;
mod explain;
mod export;
mod list;
mod new;
mod show;

pub use export::ExportArgs;
pub use new::NewArgs;

use super::args::{RulesArgs, RulesCommand};
use super::{Exit, Failure, Output};

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
