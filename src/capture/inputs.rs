//! Which savefiles a command line means, and in which order they are read.

use std::path::{Path, PathBuf};

use super::{CaptureError, Savefile, savefile};

/// The path that stands for standard input.
pub const STDIN: &str = "-";

/// Savefiles in reading order.
#[derive(Debug, Default)]
pub struct Inputs {
    /// The files; `-` stands for standard input.
    pub files: Vec<PathBuf>,
    /// Files in folders that are no captures and are left out.
    pub left_out: usize,
}

impl Inputs {
    /// Total size in bytes of the regular files among them, for a progress bar.
    pub fn total_bytes(&self) -> u64 {
        self.files
            .iter()
            .filter_map(|path| std::fs::metadata(path).ok())
            .filter(std::fs::Metadata::is_file)
            .map(|meta| meta.len())
            .sum()
    }
}

/// Expands folders (all levels) and sorts files by the time of their first frame, so that a ring of captures replays
/// as it was recorded. A file that cannot be opened sorts last and is reported when its turn comes. Standard input
/// is read where it stands among files of no known time: at the end.
pub fn find_inputs(paths: &[PathBuf]) -> Result<Inputs, CaptureError> {
    let mut inputs = Inputs::default();
    for path in paths {
        if path.as_os_str() == STDIN || !path.is_dir() {
            inputs.files.push(path.clone());
        } else {
            collect(path, &mut inputs)?;
        }
    }
    // The same file by two names would count everything twice.
    let mut known = std::collections::HashSet::new();
    inputs
        .files
        .retain(|path| known.insert(path.canonicalize().unwrap_or_else(|_| path.clone())));
    if inputs.files.len() > 1 {
        // Only regular files can be looked into twice.
        inputs.files.sort_by_cached_key(|path| {
            let time = path.is_file().then(|| Savefile::first_time(path)).flatten();
            (time.is_none(), time, path.clone())
        });
    }
    Ok(inputs)
}

fn collect(folder: &Path, inputs: &mut Inputs) -> Result<(), CaptureError> {
    let unreadable = |error: std::io::Error| CaptureError::Unreadable {
        source_name: folder.display().to_string(),
        why: error.to_string(),
    };
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        // A link to a folder is not followed: it may lead back up.
        if path.is_dir() && !path.is_symlink() {
            collect(&path, inputs)?;
        } else if path.is_file() && savefile::looks_like_capture(&path) {
            inputs.files.push(path);
        } else {
            inputs.left_out += 1;
        }
    }
    Ok(())
}
