//! How files lie there: what shows that one is another than before.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::rules::pack_paths;

/// A file, and when it was written, its size, and which one it is; without these it is not there.
pub type FileStamp = (PathBuf, Option<(SystemTime, u64, u64)>);

/// How a file lies there now.
pub(super) fn stamp(path: &Path) -> FileStamp {
    use std::os::unix::fs::MetadataExt;
    let stamp = || {
        let data = std::fs::metadata(path).ok()?;
        Some((data.modified().ok()?, data.len(), data.ino()))
    };
    (path.to_owned(), stamp())
}

/// How the packs of a folder lie there now.
pub(super) fn of_packs(folder: Option<&Path>) -> Vec<FileStamp> {
    let files = folder.map(|folder| pack_paths(folder).unwrap_or_default());
    let files = files.unwrap_or_default();
    files.iter().map(|file| stamp(file)).collect()
}
