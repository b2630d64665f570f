//! Rule packs: the format, its checks, and the matcher compiled from it.
//!
//! A pack is one TOML file that says which host names belong to which service of a vendor, and from when on asking for
//! them is a finding. Nothing about a vendor is in code. The packs in `rules/` are compiled in; a folder of packs adds
//! to them or replaces them, file by file of the same vendor id.

mod built_in;
mod carry;
mod claims;
mod encrypted_dns;
mod error;
mod export;
mod folder;
mod library;
mod matcher;
mod near;
mod networks;
mod pack_file;
mod pack_tests;
mod pattern;
mod rule_set;

pub use built_in::BUILT_IN;
pub use encrypted_dns::EncryptedDns;
pub use error::PackError;
pub use export::{ExportFormat, Exported, Selection, export};
pub use folder::pack_paths;
pub use library::Library;
pub use matcher::Matcher;
pub use near::Nearby;
pub use pack_tests::PackTestFailure;
pub use pattern::{Pattern, PatternError};
pub use rule_set::{RuleSet, Told};
