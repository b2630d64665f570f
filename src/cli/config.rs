//! `straggler config`: check, show, example.

use std::io::Write;

use super::args::{ConfigArgs, ConfigCommand};
use super::output::say;
use super::replay::load;
use super::{Exit, Failure, Output};
use crate::config::EXAMPLE;

pub(super) fn run(args: ConfigArgs, output: &mut Output) -> Result<Exit, Failure> {
    match args.command {
        ConfigCommand::Example => output.write_all(EXAMPLE.as_bytes())?,
        ConfigCommand::Show(common) => {
            let config = load(&common)?;
            let text = toml::to_string(&config.file).map_err(Failure::runtime)?;
            output.write_all(text.as_bytes())?;
        }
        ConfigCommand::Check(common) => {
            let config = load(&common)?;
            config.access()?;
            let in_force = config.rule_set().packs.len() + config.library.resolver_packs().count();
            let origin = common
                .config
                .map_or("no file given, defaults".to_owned(), |path| {
                    path.display().to_string()
                });
            say(&format!("{origin}: fine, {in_force} packs in force"));
        }
    }
    Ok(Exit::Fine)
}
