//! Standard output.

use std::fs::File;
use std::os::fd::AsFd;

use super::lines::Lines;
use super::{Message, Output, OutputError};

/// Standard output, past the buffer of the standard library: that would keep a part of a line which could not be written.
#[derive(Default)]
pub(super) struct Stdout {
    lines: Option<Lines>,
}

impl Output for Stdout {
    fn write(&mut self, message: &Message) -> Result<(), OutputError> {
        let doing = || "write to standard output".to_owned();
        if self.lines.is_none() {
            let copy = std::io::stdout().as_fd().try_clone_to_owned();
            let file = File::from(copy.map_err(OutputError::when(doing))?);
            self.lines = Some(Lines::new(file, false));
        }
        match &mut self.lines {
            Some(lines) => lines.write(&message.line).map_err(OutputError::when(doing)),
            None => Ok(()),
        }
    }
}
