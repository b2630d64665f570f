//! A pack file to a checked [`Pack`]. The format is closed: what is not known here is an error with its place.

mod check;
mod cutoffs;
mod own_tests;
mod services;
mod vendor;

use sha2::{Digest, Sha256};

use super::PackError;
use crate::model::Pack;
use check::Check;

/// The only version of the format so far.
const SCHEMA: i64 = 1;

/// Reads and checks a pack, its own tests included. `file` names it in errors.
pub(super) fn read(file: &str, text: &str) -> Result<Pack, PackError> {
    let table: vendor::File = toml::from_str(text).map_err(|error| {
        let what = error.message().trim_end().replace('\n', "; ");
        match error.span() {
            Some(span) => PackError::at(file, text, span.start, what),
            None => PackError::whole(file, what),
        }
    })?;
    Check { file, text }.pack(table)
}

/// First 12 hexadecimal digits of the SHA-256.
fn digest(text: &str) -> String {
    Sha256::digest(text.as_bytes())
        .iter()
        .take(6)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
