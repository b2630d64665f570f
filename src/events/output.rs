//! What an output is.

use std::fmt;
use std::io;

use super::Message;

/// Kinds of outputs: the label of their metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum OutputKind {
    /// Standard output.
    Stdout,
    /// A file.
    File,
    /// Syslog, by whatever transport.
    Syslog,
}

impl OutputKind {
    /// Every kind.
    pub const ALL: &'static [Self] = &[Self::Stdout, Self::File, Self::Syslog];

    /// Its word in metrics.
    pub fn label(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::File => "file",
            Self::Syslog => "syslog",
        }
    }
}

impl fmt::Display for OutputKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.label())
    }
}

/// Why an event was not written.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// It does not fit and never will: it is not tried again.
    #[error("an event of {length} bytes does not fit into a message of {limit}")]
    TooLong {
        /// Its length with all headers.
        length: usize,
        /// What fits.
        limit: usize,
    },
    /// The system refused. It is tried again.
    #[error("cannot {doing}: {why}")]
    Failed {
        /// What was tried, with path or address.
        doing: String,
        /// The system's words.
        why: io::Error,
    },
}

impl OutputError {
    /// Whether the system says that it may not be done.
    pub(super) fn is_denied(&self) -> bool {
        matches!(self, Self::Failed { why, .. } if why.kind() == io::ErrorKind::PermissionDenied)
    }

    /// For `map_err`: what was tried.
    pub(super) fn when(doing: impl FnOnce() -> String) -> impl FnOnce(io::Error) -> Self {
        move |why| Self::Failed {
            doing: doing(),
            why,
        }
    }
}

/// Somewhere events go. It opens what it needs at the first event and whenever that is gone.
pub trait Output: Send {
    /// Writes one event whole, or none of it. After an error the same event comes again. May block for seconds.
    fn write(&mut self, message: &Message) -> Result<(), OutputError>;

    /// Lets go of what is open, because somebody moved it away. The next event opens it anew.
    fn reopen(&mut self) {}
}
