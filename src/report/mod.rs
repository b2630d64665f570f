//! Findings for people and for scripts.

mod json;
mod table;
mod units;

pub use json::{FindingLine, finding_lines};
pub use table::{Style, named_share, table};
pub use units::{bytes, span};
