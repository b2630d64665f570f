//! The pack files of a folder.

use std::path::{Path, PathBuf};

use super::PackError;

/// Largest pack file that is read, in bytes: a hundred and fifty times the largest built-in pack. Reading one takes about 25 times
/// its size in memory.
const MAX_PACK_BYTES: u64 = 4 * 1024 * 1024;

/// The `*.toml` files of a folder of packs, sorted by name.
pub fn pack_paths(folder: &Path) -> Result<Vec<PathBuf>, PackError> {
    let fail = |error: std::io::Error| {
        let name = folder.display().to_string();
        PackError::whole(&name, format!("cannot read the folder of packs: {error}"))
    };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(fail)? {
        let path = entry.map_err(fail)?.path();
        let name = path.file_name().unwrap_or_default().as_encoded_bytes();
        // What begins with a dot is an editor's or a copying program's, and not there for long.
        if name.ends_with(b".toml") && !name.starts_with(b".") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// The same with their text.
#[expect(
    clippy::type_complexity,
    reason = "a list of files and what came of reading each"
)]
pub(super) fn pack_files(
    folder: &Path,
) -> Result<Vec<(String, Result<String, PackError>)>, PackError> {
    let files = pack_paths(folder)?.into_iter().map(|path| {
        let name = path.display().to_string();
        let text = read_bounded(&path).map_err(|what| PackError::whole(&name, what));
        (name, text)
    });
    Ok(files.collect())
}

fn read_bounded(path: &Path) -> Result<String, String> {
    let data = std::fs::metadata(path).map_err(|error| error.to_string())?;
    // A pipe would be waited for, without a word.
    if !data.is_file() {
        return Err("it is no regular file".to_owned());
    }
    let len = data.len();
    if len > MAX_PACK_BYTES {
        return Err(format!(
            "the file has {len} bytes, a pack may have {MAX_PACK_BYTES}; split it by vendor"
        ));
    }
    std::fs::read_to_string(path).map_err(|error| error.to_string())
}
