//! What can go wrong with the store, said to the person who can mend it.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

/// Why the store cannot be opened, written or read. What a batch held is still in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Another process has it.
    #[error(
        "{}: in use by {holder}; stop that one, or give this one a folder of its own with --state-dir",
        folder.display()
    )]
    Locked {
        /// The folder.
        folder: PathBuf,
        /// Who, as far as it said.
        holder: String,
    },
    /// The folder or the disk takes no changes.
    #[error(
        "{}: cannot be written ({why}); make it writable for this user, or give another folder with --state-dir",
        path.display()
    )]
    ReadOnly {
        /// Folder or file.
        path: PathBuf,
        /// The system's words.
        why: String,
    },
    /// No room left on the disk.
    #[error(
        "{}: the disk is full; nothing is lost while memory lasts, so make room soon",
        path.display()
    )]
    DiskFull {
        /// The file.
        path: PathBuf,
    },
    /// The file may not grow further.
    #[error(
        "{}: has reached its limit of {limit} bytes; raise the limit or keep less history",
        path.display()
    )]
    LimitReached {
        /// The file.
        path: PathBuf,
        /// The limit in bytes.
        limit: u64,
    },
    /// Written by a later version.
    #[error(
        "{}: written by a newer version (schema {found}, this one knows {known}) and left untouched; \
         run that version, or give another folder with --state-dir",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The latest schema known here.
        known: i64,
    },
    /// A database of another program.
    #[error(
        "{}: a database of another program, left untouched; give another folder with --state-dir",
        path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// Nothing has been stored there.
    #[error(
        "{}: there is no store; did the daemon run with this --state-dir?",
        path.display()
    )]
    Missing {
        /// The file that is not there.
        path: PathBuf,
    },
    /// The file was taken away while the store was in use.
    #[error(
        "{}: was removed or replaced while the store was in use; what it held is gone with it; what is there now is used, or a new one begun",
        path.display()
    )]
    Replaced {
        /// Where it lay.
        path: PathBuf,
    },
    /// Damage that was met while the store was in use.
    #[error(
        "{}: damaged ({why}); a restart sets it aside under another name and begins anew",
        path.display()
    )]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// SQLite's words.
        why: String,
    },
    /// A reader kept the erased bytes from being overwritten.
    #[error(
        "{}: the host is erased, but its bytes are still in the file because somebody reads it; \
         close reports and pages, and erase again",
        path.display()
    )]
    StillRead {
        /// The file.
        path: PathBuf,
    },
    /// Any other fault.
    #[error("{}: cannot {action} ({why})", path.display())]
    Failed {
        /// Folder or file.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// The system's or SQLite's words.
        why: String,
    },
}

/// Something that the operator should know although the store is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The store was damaged; what there was is kept beside the new one.
    SetAside {
        /// Where the damaged file lies now.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The store was brought to this version's schema.
    Migrated {
        /// From which schema.
        from: i64,
        /// To which.
        to: i64,
        /// A copy as it was before.
        backup: PathBuf,
    },
}

impl std::fmt::Display for Notice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::SetAside { path, why } => write!(
                f,
                "the store was damaged ({why}); it is kept as {}, and a new one was begun: history before now is missing",
                path.display()
            ),
            Self::Migrated { from, to, backup } => write!(
                f,
                "the store was brought from schema {from} to {to}; a copy from before is {}",
                backup.display()
            ),
        }
    }
}

/// A result of the store.
pub type Result<T> = std::result::Result<T, StoreError>;

/// Says what SQLite met at a file.
pub(super) fn sqlite(path: &Path, action: &'static str, error: &rusqlite::Error) -> StoreError {
    let why = words(error);
    let path = path.to_owned();
    // The table of the log lies in memory that is backed by a file; SQLite makes sure that there is room for it.
    if let Some(code) = error.sqlite_error()
        && code.extended_code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE
    {
        return StoreError::DiskFull { path };
    }
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreError::DiskFull { path },
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            StoreError::ReadOnly { path, why }
        }
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            StoreError::Corrupt { path, why }
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Locked {
            folder: path.parent().map_or_else(|| path.clone(), Path::to_owned),
            holder: "another program that opened the file itself".to_owned(),
        },
        _ => StoreError::Failed { path, action, why },
    }
}

/// Says what the system met at a path.
pub(super) fn system(path: &Path, action: &'static str, error: &io::Error) -> StoreError {
    let (path, why) = (path.to_owned(), error.to_string());
    match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            StoreError::ReadOnly { path, why }
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::DiskFull { path },
        _ => StoreError::Failed { path, action, why },
    }
}

fn words(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqliteFailure(code, None) => code.to_string(),
        rusqlite::Error::SqliteFailure(_, Some(text)) => text.clone(),
        other => other.to_string(),
    }
}
