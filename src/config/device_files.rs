//! Files that say who devices are: read at start, and again when they change.

use std::path::{Path, PathBuf};

use super::stamps::{FileStamp, stamp};
use crate::hosts::{Inventory, Listings, parse_leases};

/// Bytes that are read of one file: some hundred thousand rows.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// Which files there are.
#[derive(Clone, Debug, Default)]
pub struct DeviceFiles {
    /// The inventory.
    pub inventory: Option<PathBuf>,
    /// Lease files.
    pub leases: Vec<PathBuf>,
}

/// A file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeviceFileError {
    /// It cannot be read.
    #[error("{path}: {why}; it stands under `{key}` in the configuration")]
    Unreadable {
        /// Its path.
        path: String,
        /// Under which key.
        key: &'static str,
        /// The system's words.
        why: String,
    },
    /// Its text is wrong.
    #[error("{path}:{line}: {what}")]
    Wrong {
        /// Its path.
        path: String,
        /// Line, from 1.
        line: u64,
        /// What is wrong, and how to mend it.
        what: String,
        /// The same without anything that stands in the file.
        discreet: String,
    },
}

impl DeviceFileError {
    /// The same, saying nothing that stands in the file: for where pseudonyms stand in place of devices.
    #[must_use]
    pub fn discreet(self) -> Self {
        match self {
            Self::Wrong {
                path,
                line,
                discreet,
                ..
            } => Self::Wrong {
                path,
                line,
                what: discreet.clone(),
                discreet,
            },
            unreadable @ Self::Unreadable { .. } => unreadable,
        }
    }
}

impl DeviceFiles {
    /// Reads all of them.
    pub fn read(&self) -> Result<Listings, DeviceFileError> {
        let mut listings = Listings::default();
        if let Some(path) = &self.inventory {
            let text = text(path, "inventory")?;
            listings.inventory = Inventory::parse(&text)
                .map_err(|error| wrong(path, error.line, error.what, error.discreet))?;
        }
        for path in &self.leases {
            let leases = parse_leases(&text(path, "leases")?)
                // Nothing of the file stands in these words.
                .map_err(|error| wrong(path, error.line, error.what.clone(), error.what))?;
            listings.leases.extend(leases);
        }
        Ok(listings)
    }

    /// How the files lie there now; one that is not there has no stamp.
    pub fn stamps(&self) -> Vec<FileStamp> {
        let paths = self.inventory.iter().chain(&self.leases);
        paths.map(|path| stamp(path)).collect()
    }
}

fn text(path: &Path, key: &'static str) -> Result<String, DeviceFileError> {
    let unreadable = |why: String| DeviceFileError::Unreadable {
        path: path.display().to_string(),
        key,
        why,
    };
    let size = std::fs::metadata(path).map_err(|error| unreadable(error.to_string()))?;
    if size.len() > MAX_BYTES {
        return Err(unreadable(format!("it is larger than {MAX_BYTES} bytes")));
    }
    std::fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))
}

fn wrong(path: &Path, line: u64, what: String, discreet: String) -> DeviceFileError {
    DeviceFileError::Wrong {
        path: path.display().to_string(),
        line,
        what,
        discreet,
    }
}
