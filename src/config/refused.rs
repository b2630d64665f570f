//! Why a configuration is not taken, in words for whoever wrote it.

use super::{ConfigError, DeviceFileError};
use crate::privacy::KeyError;
use crate::rules::PackError;
use crate::web;

/// Why there is no configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The file.
    #[error(transparent)]
    File(#[from] ConfigError),
    /// The key of pseudonyms.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The file that says who is let in to the server.
    #[error(transparent)]
    Web(#[from] web::WebConfigError),
    /// A file about devices.
    #[error(transparent)]
    Devices(#[from] DeviceFileError),
    /// One or more packs.
    #[error("{}", lines(.0))]
    Packs(Vec<PackError>),
    /// The file speaks of something that the packs do not have.
    #[error("{origin}: {what}")]
    Choice {
        /// Path of the file.
        origin: String,
        /// What, and what there is instead.
        what: String,
    },
    /// It is sound, but a running daemon cannot take it over.
    #[error("{origin}: `{keys}` cannot change while the daemon runs: restart needed")]
    Restart {
        /// Path of the file.
        origin: String,
        /// The keys, in backquotes but for the first and the last.
        keys: String,
    },
    /// It is sound, as far as the running daemon's sandbox lets it be read.
    #[error("{origin}: `{keys}` names what the sandbox was not told of at start: restart needed")]
    Sandbox {
        /// Path of the file.
        origin: String,
        /// The keys, in backquotes but for the first and the last.
        keys: String,
    },
}

impl Refused {
    /// The same in words that tell nothing of what stands in the configuration, which may name devices.
    pub fn discreet(&self) -> String {
        match self {
            Self::File(ConfigError::Wrong {
                path, line, column, ..
            }) => format!("{path}:{line}:{column}: it is wrong there; standard error says what"),
            Self::Choice { origin, .. } => {
                format!("{origin}: it is wrong; standard error says what")
            }
            other => other.to_string(),
        }
    }
}

fn lines(faults: &[PackError]) -> String {
    let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
    lines.join("\n")
}
