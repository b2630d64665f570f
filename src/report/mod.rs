//! Findings for people and for scripts.
//!
//! A [`Report`] is everything that is told, whoever asks. [`Filter`] narrows it, [`Zone`] says how times read, and each
//! format is a function of it: [`table()`], [`finding_lines`] (JSON), [`csv()`], [`markdown()`], [`html()`].
//!
//! What comes from the wire, from an inventory or from a file name is escaped for where it goes (`escape`); what is said
//! in words is said once for all formats (`verdict`, `lines`, `definitions`).

mod csv;
pub mod definitions;
mod escape;
mod filter;
mod fit;
mod html;
mod json;
mod lines;
mod markdown;
mod record;
mod sensor_lines;
mod table;
mod uncovered_lines;
mod units;
mod verdict;
mod zone;

pub use csv::{COLUMNS, csv};
pub use definitions::PRODUCT_FALLBACK;
pub use escape::{is_web_address, plain};
pub use filter::{Filter, LeftOut, Used};
pub use fit::fit;
pub use html::html;
pub use json::{FindingLine, NetworkLine, finding_line, finding_lines};
pub use lines::{THINNED, named_share, percent, sentence};
pub use markdown::markdown;
pub use record::{Asked, PackUsed, Report, SHORTEST_GAP, Sensor, Source, SourceKind, Watched};
pub use table::{Style, table};
pub use units::{bytes, span};
pub use verdict::{CutoffRow, cutoffs, restricted, shortcomings, when};
pub use zone::{Moment, Zone};
