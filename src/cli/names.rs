//! `straggler names`: every name read, in capture order.

use std::io::Write;
use std::sync::Arc;

use serde::Serialize;

use super::args::{NamesArgs, NamesFormat};
use super::near;
use super::replay::{inputs, load, tell, write_json};
use super::{Exit, Failure, Output};
use crate::model::{Carrier, Signal, Timestamp};
use crate::replay::Replay;
use crate::tracker::{NameRead, Witness};

#[derive(Serialize)]
struct NameLine<'a> {
    time: Timestamp,
    signal: Signal,
    client: std::net::IpAddr,
    server: std::net::IpAddr,
    name: &'a str,
    matched: Option<&'a str>,
    /// What carried the hello or the request.
    carrier: Carrier,
    /// Printable ASCII, the rest escaped.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_agent: Option<String>,
}

/// Prints names as they are read. After a failure to write it goes silent and keeps the failure.
struct Printer<'a> {
    output: &'a mut Output,
    format: NamesFormat,
    unmatched: bool,
    failure: Option<Failure>,
}

impl Witness for Printer<'_> {
    fn name_read(&mut self, read: &NameRead<'_>) {
        if self.failure.is_some() || (self.unmatched && read.matched.is_some()) {
            return;
        }
        self.failure = self.print(read).err();
    }
}

impl Printer<'_> {
    fn print(&mut self, read: &NameRead<'_>) -> Result<(), Failure> {
        match self.format {
            // Names are printable ASCII without tabs by their type.
            NamesFormat::Tsv => writeln!(
                self.output,
                "{}\t{}\t{}\t{}",
                precise(read.time),
                read.signal,
                read.client.addr,
                read.name
            )?,
            NamesFormat::Json => write_json(
                self.output,
                &NameLine {
                    time: read.time,
                    signal: read.signal,
                    client: read.client.addr,
                    server: read.server.addr,
                    name: read.name.as_str(),
                    matched: read.matched.map(|matched| matched.service.id.as_str()),
                    carrier: read.carrier,
                    user_agent: read.user_agent.map(|text| text.escape_ascii().to_string()),
                },
            )?,
        }
        Ok(())
    }
}

/// The same form of time in both formats.
fn precise(time: Timestamp) -> String {
    let quoted = serde_json::to_string(&time).unwrap_or_default();
    quoted.trim_matches('"').to_owned()
}

pub(super) fn run(args: NamesArgs, output: &mut Output) -> Result<Exit, Failure> {
    if let Some(vendor) = &args.near {
        return near::run(&args, vendor, output);
    }
    let config = load(&args.common)?;
    let inputs = inputs(&args.files)?;
    let mut replay =
        Replay::new(config.replay(), Arc::new(config.rule_set())).map_err(Failure::usage)?;
    let mut printer = Printer {
        output,
        format: args.format,
        unmatched: args.unmatched,
        failure: None,
    };
    replay.read(&inputs, &mut printer, &mut |_| {});
    if let Some(failure) = printer.failure {
        return Err(failure);
    }
    output.flush()?;
    Ok(tell(&replay.finish()))
}
