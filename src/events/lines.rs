//! Whole lines into a file or a pipe, whatever happens half-way.

use std::fs::File;
use std::io::{self, Write};

/// An open file in which every line is whole, except where a pipe was cut: there a line break ends the torn one.
pub(super) struct Lines {
    file: File,
    /// Whether what was written last has no line break behind it.
    is_torn: bool,
}

impl Lines {
    /// `is_torn`: whether the file ends in the middle of a line.
    pub(super) fn new(file: File, is_torn: bool) -> Self {
        Self { file, is_torn }
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// Appends a line, or leaves the file as it was.
    pub(super) fn write(&mut self, line: &str) -> io::Result<()> {
        let mut bytes = Vec::with_capacity(line.len() + 2);
        if self.is_torn {
            bytes.push(b'\n');
        }
        bytes.extend_from_slice(line.as_bytes());
        bytes.push(b'\n');
        let before = self.file.metadata()?;
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let fault = match self.file.write(rest) {
                Ok(0) => io::ErrorKind::WriteZero.into(),
                Ok(written) => {
                    rest = &rest[written..];
                    continue;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => error,
            };
            if rest.len() < bytes.len() {
                // A disk that is full takes a part of a line; the rest may never come.
                let is_undone = before.is_file() && self.file.set_len(before.len()).is_ok();
                self.is_torn |= !is_undone;
            }
            return Err(fault);
        }
        self.is_torn = false;
        Ok(())
    }
}
