//! Values as they stand in columns.

use rusqlite::{Result, Row};

use super::rolled_up::SightingSum;
use super::samples;
use crate::model::{Span, Timestamp};

/// The sums of a row of sightings that stand from a column on: first, last, reached, count, received, sent, samples.
/// Samples that cannot be read are left out: the sums are worth more.
pub(super) fn sum(row: &Row<'_>, at: usize) -> Result<SightingSum> {
    Ok(SightingSum {
        span: span(row, at)?,
        reached: row
            .get::<_, Option<i64>>(at + 2)?
            .map(Timestamp::from_nanos),
        count: unsigned(row.get(at + 3)?),
        received: unsigned(row.get(at + 4)?),
        sent: unsigned(row.get(at + 5)?),
        samples: samples::decode(row.get_ref(at + 6)?.as_blob()?).unwrap_or_default(),
    })
}

/// The span of a row that stands from a column on: first, last.
pub(super) fn span(row: &Row<'_>, at: usize) -> Result<Span> {
    Ok(Span {
        first: Timestamp::from_nanos(row.get(at)?),
        last: Timestamp::from_nanos(row.get(at + 1)?),
    })
}

/// The day in which a span ends.
pub(super) fn day(span: Span) -> i64 {
    span.last.hour().div_euclid(24)
}

/// SQLite's integers are signed: beyond, the largest stands for all.
pub(super) fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A number that cannot be negative.
pub(super) fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or_default()
}
