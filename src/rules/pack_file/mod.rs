//! A pack file to a checked pack. The format is closed: what is not known here is an error with its place.

mod addresses;
mod check;
mod cutoffs;
mod networks;
mod own_tests;
mod ports;
mod resolver_tests;
mod resolvers;
mod services;
mod vendor;

use ring::digest::SHA256;
use serde::Deserialize;
use toml::Spanned;

use super::PackError;
use crate::model::{Pack, PackKind, ResolverPack};
use check::Check;

/// The only version of the format so far.
const SCHEMA: i64 = 1;

/// A checked pack of either kind.
#[derive(Debug)]
pub(super) enum PackFile {
    /// `kind = "vendor"`.
    Vendor(Pack),
    /// `kind = "resolvers"`.
    Resolvers(ResolverPack),
}

/// What says how the rest is to be read.
#[derive(Deserialize)]
struct Head {
    schema: Spanned<i64>,
    kind: Spanned<String>,
}

/// Reads and checks a pack, its own tests included. `file` names it in errors.
pub(super) fn read(file: &str, text: &str) -> Result<PackFile, PackError> {
    let check = Check { file, text };
    let head: Head = check.tables()?;
    if *head.schema.get_ref() != SCHEMA {
        return Err(check.fault(
            &head.schema,
            format!(
                "schema {} is not read by this version; write `schema = {SCHEMA}`, or update straggler",
                head.schema.get_ref()
            ),
        ));
    }
    let kind = head.kind.get_ref().parse().map_err(|_: String| {
        check.fault(
            &head.kind,
            format!(
                "unknown kind `{}`; write `kind = \"vendor\"` or `kind = \"resolvers\"`",
                head.kind.get_ref()
            ),
        )
    })?;
    Ok(match kind {
        PackKind::Vendor => PackFile::Vendor(check.vendor_pack(check.tables()?)?),
        PackKind::Resolvers => PackFile::Resolvers(check.resolver_pack(check.tables()?)?),
    })
}

/// First 12 hexadecimal digits of the SHA-256.
fn digest(text: &str) -> String {
    ring::digest::digest(&SHA256, text.as_bytes())
        .as_ref()
        .iter()
        .take(6)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
