//! What tells a savefile from others, so that none is read twice.

use std::fs::File;
use std::io;
use std::path::Path;

use anyhow::Result;
use ring::digest::{Context, SHA256};

use super::super::wall::wall_clock;
use crate::capture::STDIN;
use crate::store::FileRecord;

/// What tells a file from others: its bytes. Standard input cannot be told beforehand.
pub(super) fn record(path: &Path) -> Result<Option<FileRecord>> {
    // Nor can a pipe with a name, which gives its bytes but once.
    let is_file = std::fs::metadata(path).is_ok_and(|metadata| metadata.is_file());
    if path.as_os_str() == STDIN || !is_file {
        return Ok(None);
    }
    // A file that cannot be read is told by the replay.
    let Ok(mut file) = File::open(path) else {
        return Ok(None);
    };
    let mut hash = Hash(Context::new(&SHA256));
    let size = io::copy(&mut file, &mut hash)?;
    Ok(Some(FileRecord {
        digest: digest(hash),
        path: path.display().to_string(),
        size,
        time: wall_clock(),
    }))
}

fn digest(hash: Hash) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(hash.0.finish().as_ref());
    bytes
}

struct Hash(Context);

impl io::Write for Hash {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
