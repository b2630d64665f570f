//! The key, in a file that only its owner may read.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::Pseudonyms;

/// Shortest key in bytes: as long as the hash, as RFC 2104, section 3, wants.
pub const MIN_KEY_LEN: usize = 32;

/// Longest key in bytes: whatever is longer is no key but some other file.
pub const MAX_KEY_LEN: usize = 4_096;

/// Why there is no key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// It cannot be read.
    #[error(
        "{path}: the key of pseudonyms cannot be read: {why}; make one with `head -c 32 /dev/urandom > FILE; chmod 600 FILE`"
    )]
    Unreadable {
        /// Path of the file.
        path: String,
        /// The system's words.
        why: String,
    },
    /// Others can use it.
    #[error(
        "{path}: others than its owner may use the key of pseudonyms (mode {mode:04o}); `chmod 600` mends it"
    )]
    Open {
        /// Path of the file.
        path: String,
        /// Its permissions.
        mode: u32,
    },
    /// It is too short or too long.
    #[error(
        "{path}: a key of pseudonyms has {MIN_KEY_LEN} to {MAX_KEY_LEN} bytes; make one with `head -c 32 /dev/urandom > FILE; chmod 600 FILE`"
    )]
    Length {
        /// Path of the file.
        path: String,
    },
}

impl Pseudonyms {
    /// Reads the key. Every byte of the file counts, a line break at its end too. A file that group or others may use is
    /// refused; where there are no such permissions nothing is known of them.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let name = || path.display().to_string();
        let unreadable = |why: String| KeyError::Unreadable { path: name(), why };
        let system = |error: std::io::Error| unreadable(error.to_string());
        // Before it is opened: opening a named pipe waits for a writer.
        if !std::fs::metadata(path).map_err(system)?.is_file() {
            return Err(unreadable("it is no file".to_owned()));
        }
        let file = File::open(path).map_err(system)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = file.metadata().map_err(system)?.permissions().mode() & 0o7777;
            if mode & 0o077 != 0 {
                return Err(KeyError::Open { path: name(), mode });
            }
        }
        let mut key = Vec::new();
        let limit = MAX_KEY_LEN as u64 + 1;
        file.take(limit).read_to_end(&mut key).map_err(system)?;
        if !(MIN_KEY_LEN..=MAX_KEY_LEN).contains(&key.len()) {
            return Err(KeyError::Length { path: name() });
        }
        Ok(Self::new(&key))
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_key_that_others_can_use_or_that_is_none_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        assert!(matches!(
            Pseudonyms::read(&path),
            Err(KeyError::Unreadable { .. })
        ));
        assert!(matches!(
            Pseudonyms::read(folder.path()),
            Err(KeyError::Unreadable { .. })
        ));
        for (bytes, mode, words) in [
            (32, 0o600, None),
            (4_096, 0o400, None),
            (32, 0o640, Some("mode 0640")),
            (32, 0o604, Some("chmod 600")),
            (31, 0o600, Some("32 to 4096 bytes")),
            (4_097, 0o600, Some("32 to 4096 bytes")),
        ] {
            let _ = std::fs::remove_file(&path);
            std::fs::write(&path, vec![7; bytes]).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let refused = Pseudonyms::read(&path).err().map(|error| error.to_string());
            assert_eq!(refused.is_some(), words.is_some(), "{refused:?}");
            assert!(
                refused
                    .unwrap_or_default()
                    .contains(words.unwrap_or_default())
            );
        }
    }
}
