//! What the sandbox lets be read, remembered for whoever asks later whether something can be.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::Needs;

/// The files and folders that could be read when the sandbox was entered.
///
/// The kernel knows them by device and number and not by name: a folder that took the name of another is not among them.
#[derive(Clone, Debug)]
pub struct Granted(Vec<(PathBuf, Identity)>);

/// Device and number of a file.
type Identity = (u64, u64);

impl Granted {
    /// Those of a sandbox that is entered now.
    pub fn now(needs: &Needs) -> Self {
        let paths = needs.read.iter().chain(&needs.write);
        let granted = paths.filter_map(|path| path.canonicalize().ok());
        Self(
            granted
                .filter_map(|path| Some((identity(&path)?, path)))
                .map(|(identity, path)| (path, identity))
                .collect(),
        )
    }

    /// Whether a file may be read: it, or a folder in which it lies, was named then.
    pub fn may_read(&self, path: &Path) -> bool {
        // Of what is not there yet, where it would lie.
        let place = || {
            let folder = path.parent()?.canonicalize().ok()?;
            Some(folder.join(path.file_name()?))
        };
        let Some(path) = path.canonicalize().ok().or_else(place) else {
            return false;
        };
        self.0
            .iter()
            .any(|(granted, then)| path.starts_with(granted) && identity(granted) == Some(*then))
    }
}

fn identity(path: &Path) -> Option<Identity> {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_in_a_named_folder_may_be_read_until_another_takes_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("inside");
        fs::create_dir(&inside).unwrap();
        let granted = Granted::now(&Needs {
            read: vec![inside.clone()],
            ..Needs::default()
        });
        assert!(granted.may_read(&inside.join("pack.toml")));
        assert!(!granted.may_read(&folder.path().join("pack.toml")));
        assert!(!granted.may_read(&inside.join("../pack.toml")));
        fs::rename(&inside, folder.path().join("before")).unwrap();
        fs::create_dir(&inside).unwrap();
        assert!(!granted.may_read(&inside.join("pack.toml")));
    }
}
