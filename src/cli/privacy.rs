//! `straggler privacy`: whose token is it? And `--host` where hosts are hidden.

use std::io::Write;

use super::args::{PrivacyArgs, PrivacyCommand};
use super::replay::load;
use super::{Exit, Failure, Output};
use crate::model::Snapshot;
use crate::privacy::Pseudonyms;
use crate::report::Filter;

pub(super) fn run(args: PrivacyArgs, output: &mut Output) -> Result<Exit, Failure> {
    let PrivacyCommand::Token { common, device } = args.command;
    let config = load(&common)?;
    let pseudonyms = config.pseudonyms(&[]).ok_or_else(|| {
        Failure::usage(
            "there is no key of pseudonyms; give --config FILE with `key_file` under [privacy]",
        )
    })?;
    for (kind, token) in pseudonyms.tokens(&device) {
        writeln!(output, "{kind}\t{token}")?;
    }
    Ok(Exit::Fine)
}

/// Puts tokens in place of the devices asked for, because a report tells what was asked. Who has the tokens asks for them
/// as they are. Of an unknown device the first token is taken.
pub(super) fn hide_hosts(filter: &mut Filter, pseudonyms: &Pseudonyms, snapshot: &Snapshot) {
    let is_known = |asked: &String| {
        let one = Filter {
            hosts: vec![asked.clone()],
            ..Filter::default()
        };
        one.unknown_hosts(snapshot).is_empty()
    };
    for asked in &mut filter.hosts {
        if !is_known(asked) {
            let tokens = pseudonyms.tokens(asked).into_iter().map(|(_, token)| token);
            let mut tokens: Vec<String> = tokens.collect();
            let known = tokens.iter().position(is_known).unwrap_or(0);
            *asked = tokens.swap_remove(known);
        }
    }
}
