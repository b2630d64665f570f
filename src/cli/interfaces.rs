//! `straggler interfaces`: what can be captured.

use std::io::Write;

use super::{Exit, Failure, Output};
use crate::capture::interfaces;

pub(super) fn run(output: &mut Output) -> Result<Exit, Failure> {
    for interface in interfaces().map_err(Failure::runtime)? {
        let mut about = vec![if interface.up { "up" } else { "down" }.to_owned()];
        if interface.loopback {
            about.push("loopback".to_owned());
        }
        about.extend(interface.networks.iter().map(ToString::to_string));
        about.extend(interface.description);
        writeln!(output, "{}\t{}", interface.name, about.join(", "))?;
    }
    Ok(Exit::Fine)
}
