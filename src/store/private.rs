//! Files that nobody else can read, made and opened in a folder that may be another user's.
//!
//! An administrator who erases a host works, as root, in a folder of the sensor. What is made there must be the sensor's, or it
//! could not open its store any more; and nothing that lies there already may lead to a file elsewhere, or whoever has taken
//! over the sensor could have root write to that, or give it away.

use std::fs::{self, File, OpenOptions};
use std::io::{Error, ErrorKind, Result};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, fchown};
use std::path::Path;

/// Opens a file, made if there is none. One that is a link, or has further names, is refused.
pub(super) fn open(path: &Path) -> Result<File> {
    match make(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        made => return made,
    }
    let refused = || {
        Error::other(
            "it is a link, has further names, or is no regular file; what is there has to go first",
        )
    };
    let opened = options().custom_flags(libc::O_NOFOLLOW).open(path);
    let file = opened.map_err(|error| match error.raw_os_error() {
        Some(libc::ELOOP) => refused(),
        _ => error,
    })?;
    let metadata = file.metadata()?;
    if metadata.is_file() && metadata.nlink() == 1 {
        Ok(file)
    } else {
        Err(refused())
    }
}

/// Makes a file in the place of whatever lies there.
pub(super) fn replace(path: &Path) -> Result<File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => make(path),
    }
}

/// Makes a file where nothing lies, not even a link, and gives it to whoever has the folder, if this process may.
fn make(path: &Path) -> Result<File> {
    let file = options().create_new(true).open(path)?;
    let folder = path.parent().map(fs::metadata).transpose()?;
    if let Some(folder) = folder
        && file.metadata()?.uid() != folder.uid()
    {
        let _ = fchown(&file, Some(folder.uid()), Some(folder.gid()));
    }
    Ok(file)
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600);
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_elsewhere_is_opened_or_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let (elsewhere, here) = (folder.path().join("elsewhere"), folder.path().join("here"));
        fs::write(&elsewhere, "kept").unwrap();
        std::os::unix::fs::symlink(&elsewhere, &here).unwrap();
        let error = open(&here).unwrap_err().to_string();
        assert!(error.contains("it is a link"), "{error}");
        replace(&here).unwrap();
        assert!(fs::symlink_metadata(&here).unwrap().is_file());
        fs::remove_file(&here).unwrap();
        fs::hard_link(&elsewhere, &here).unwrap();
        assert!(open(&here).is_err());
        replace(&here).unwrap();
        open(&here).unwrap();
        fs::remove_file(&here).unwrap();
        std::os::unix::fs::symlink(folder.path().join("nowhere"), &here).unwrap();
        assert!(open(&here).is_err());
        assert!(!folder.path().join("nowhere").exists());
        assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "kept");
    }
}
