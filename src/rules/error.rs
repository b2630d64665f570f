//! What is wrong in a pack: where, what, and what to write instead.

use std::fmt;

use crate::model::{in_one_line, line_and_column};

/// A fault of a rule pack. Prints as `FILE:LINE:COLUMN: what; how to mend it`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackError {
    /// Path of the file, or `rules/NAME (built in)`.
    pub file: String,
    /// Line and column, both from 1, where the fault has a place.
    pub place: Option<(usize, usize)>,
    /// What is wrong and what to write instead.
    pub what: String,
}

impl PackError {
    /// A fault at a byte offset of the file's text.
    pub(super) fn at(file: &str, text: &str, offset: usize, what: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            place: Some(line_and_column(text, offset)),
            what: in_one_line(&what.into()),
        }
    }

    /// A fault of the file as a whole.
    pub(super) fn whole(file: &str, what: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            place: None,
            what: in_one_line(&what.into()),
        }
    }
}

impl fmt::Display for PackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Some((line, column)) => write!(f, "{}:{line}:{column}: {}", self.file, self.what),
            None => write!(f, "{}: {}", self.file, self.what),
        }
    }
}

impl std::error::Error for PackError {}
