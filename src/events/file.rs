//! A file of lines that is rotated by size.
//!
//! `events.jsonl` becomes `events.jsonl.1`, that `.2`, and so on; the oldest goes. Who moves or deletes the file from
//! outside is noticed at the next event.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::PathBuf;

use super::lines::Lines;
use super::{FileSettings, Message, Output, OutputError};

/// Owner writes, group reads: it tells who asked for what.
const MODE: u32 = 0o640;

/// A file of events.
pub(super) struct RotatedFile {
    path: PathBuf,
    rotate_bytes: u64,
    keep: u32,
    lines: Option<Lines>,
}

impl RotatedFile {
    pub(super) fn new(settings: &FileSettings) -> Self {
        Self {
            path: settings.path.clone(),
            rotate_bytes: settings.rotate_bytes,
            keep: settings.keep,
            lines: None,
        }
    }

    /// Whether the open file is the one that the path names.
    fn is_in_place(&self, lines: &Lines) -> bool {
        let identity = |it: fs::Metadata| (it.dev(), it.ino());
        let open = lines.file().metadata().map(identity);
        let named = fs::metadata(&self.path).map(identity);
        matches!((open, named), (Ok(open), Ok(named)) if open == named)
    }

    fn open(&self) -> io::Result<Lines> {
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(MODE)
            .open(&self.path)?;
        let is_torn = ends_torn(&file)?;
        Ok(Lines::new(file, is_torn))
    }

    /// Whether the next line goes beyond the limit. A line that alone is longer has a file of its own.
    fn is_full(&self, lines: &Lines, next: usize) -> bool {
        let Ok(metadata) = lines.file().metadata() else {
            return false;
        };
        self.rotate_bytes > 0
            && metadata.is_file()
            && metadata.len() > 0
            && metadata.len() + next as u64 + 1 > self.rotate_bytes
    }

    /// Each file moves up by one, as far as there is no gap: so a rotation that failed half-way goes on where it stood,
    /// and no file is moved twice.
    fn rotate(&self) -> io::Result<()> {
        if self.keep == 0 {
            return fs::remove_file(&self.path);
        }
        let is_taken = |age: &u32| self.aged(*age).symlink_metadata().is_ok();
        let taken: Vec<u32> = (1..self.keep).take_while(is_taken).collect();
        for &age in taken.iter().rev() {
            fs::rename(self.aged(age), self.aged(age + 1))?;
        }
        fs::rename(&self.path, self.aged(1))
    }

    fn aged(&self, age: u32) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(format!(".{age}"));
        name.into()
    }

    fn doing(&self, what: &str) -> String {
        format!("{what} {}", self.path.display())
    }
}

impl Output for RotatedFile {
    fn write(&mut self, message: &Message) -> Result<(), OutputError> {
        let mut lines = match self.lines.take() {
            Some(lines) if self.is_in_place(&lines) => lines,
            _ => self
                .open()
                .map_err(OutputError::when(|| self.doing("open")))?,
        };
        if self.is_full(&lines, message.line.len()) {
            self.rotate()
                .map_err(OutputError::when(|| self.doing("rotate")))?;
            lines = self
                .open()
                .map_err(OutputError::when(|| self.doing("open")))?;
        }
        let written = lines.write(&message.line);
        self.lines = Some(lines);
        written.map_err(OutputError::when(|| self.doing("write to")))
    }

    fn reopen(&mut self) {
        self.lines = None;
    }
}

/// Whether a regular file ends in the middle of a line: somebody stopped while writing.
fn ends_torn(file: &File) -> io::Result<bool> {
    let metadata = file.metadata()?;
    if !metadata.is_file() || metadata.len() == 0 {
        return Ok(false);
    }
    let mut last = [0];
    file.read_exact_at(&mut last, metadata.len() - 1)?;
    Ok(last != *b"\n")
}
