//! What was before, from the store. Days are read seldom and by one request at a time, whoever looks at the page.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use crate::model::{AddressBinding, HostKey, HostView, Span, Timestamp, VendorId};
use crate::store::{HostDay, HostPast, Reader, StoreError, VendorDay};
use crate::web::Kept;

/// Days that are shown at most, and at least, the day of the engine time among them: fewer make bars that look like walls.
const DAYS: i64 = 60;
const FEWEST_DAYS: i64 = 14;
/// Rows of each kind that are shown of one host.
pub(super) const MAX_ROWS: usize = 400;
/// How old days may be that are shown.
const FRESH: Duration = Duration::from_secs(5);
/// Reading takes this part of the time at most.
const SHARE: u32 = 20;
const DAY_NANOS: i64 = 86_400 * 1_000_000_000;

/// What the store says, or why it says nothing.
#[derive(Debug)]
pub(super) enum Told<T> {
    /// Findings are not kept.
    NotKept,
    /// Nothing was seen yet, so no day is the last one.
    NotYet,
    /// The store cannot be read; for people.
    Failed(String),
    /// This.
    Read(T),
}

/// Stragglers by day.
#[derive(Debug)]
pub(super) struct Days {
    /// The first day that is shown, in days since the epoch.
    pub(super) first: i64,
    /// The last one.
    pub(super) last: i64,
    counts: Vec<VendorDay>,
    /// Share of each day that was captured, from the first on.
    pub(super) captured: Vec<f64>,
}

impl Days {
    /// Hosts of a vendor on each day, and how many of them had a transfer.
    pub(super) fn of(&self, vendor: &VendorId) -> Vec<(u64, u64)> {
        let days = usize::try_from(self.last - self.first + 1).unwrap_or_default();
        let mut hosts = vec![(0, 0); days];
        for count in self.counts.iter().filter(|count| count.vendor == *vendor) {
            let at = usize::try_from(count.day - self.first).ok();
            if let Some(place) = at.and_then(|at| hosts.get_mut(at)) {
                *place = (count.hosts, count.transfers);
            }
        }
        hosts
    }
}

/// What is stored of a host.
#[derive(Debug)]
pub(super) struct Before {
    /// What is known of it, its addresses apart.
    pub(super) view: Option<HostView>,
    /// The addresses that it had, latest first.
    pub(super) bindings: Vec<AddressBinding>,
    /// What it did, latest day first.
    pub(super) days: Vec<HostDay>,
}

impl From<HostPast> for Before {
    fn from(past: HostPast) -> Self {
        Self {
            view: past.record.map(HostView::from),
            bindings: past.bindings,
            days: past.days,
        }
    }
}

struct Cached {
    until: Instant,
    days: Arc<Told<Days>>,
}

/// Where the pages learn what was.
pub(super) struct Past {
    kept: Option<Arc<Kept>>,
    days: Mutex<Option<Cached>>,
}

impl Past {
    pub(super) fn new(kept: Option<Arc<Kept>>) -> Self {
        Self {
            kept,
            days: Mutex::new(None),
        }
    }

    /// Stragglers by day up to the engine time.
    ///
    /// `fault` is what the store's writer knows to be wrong with it; a reader sees no more than what came of that.
    pub(super) async fn days(
        &self,
        at: Option<Timestamp>,
        fault: Option<String>,
    ) -> Arc<Told<Days>> {
        let Some(kept) = &self.kept else {
            return Arc::new(Told::NotKept);
        };
        let Some(at) = at else {
            return Arc::new(Told::NotYet);
        };
        let mut cached = self.days.lock().await;
        if let Some(fresh) = cached
            .as_ref()
            .filter(|cached| Instant::now() < cached.until)
        {
            return Arc::clone(&fresh.days);
        }
        let begun = Instant::now();
        let days = Arc::new(read(kept, fault, move |_, reader| days(reader, at)).await);
        let pause = match *days {
            // A disk that did not answer may do so at once.
            Told::Failed(_) => FRESH,
            _ => FRESH.max(begun.elapsed() * SHARE),
        };
        *cached = Some(Cached {
            until: Instant::now() + pause,
            days: Arc::clone(&days),
        });
        days
    }

    /// What is stored of a host, with tokens where those are asked for; `None` for one that the store does not know.
    pub(super) async fn host(
        &self,
        shown: &HostKey,
        fault: Option<String>,
    ) -> Told<Option<Before>> {
        let Some(kept) = &self.kept else {
            return Told::NotKept;
        };
        let shown = shown.clone();
        read(kept, fault, move |kept, reader| {
            let Some(stored) = kept.stored_key(reader, &shown)? else {
                return Ok(None);
            };
            let mut before = reader.host(&stored, MAX_ROWS)?.map(Before::from);
            if let (Some(past), Some(pseudonyms)) = (&mut before, &kept.pseudonyms) {
                for binding in &mut past.bindings {
                    pseudonyms.hide_binding(binding);
                }
                if let Some(view) = &mut past.view {
                    pseudonyms.hide_host(view);
                }
            }
            Ok(before)
        })
        .await
    }
}

async fn read<T: Send + 'static>(
    kept: &Arc<Kept>,
    fault: Option<String>,
    query: impl FnOnce(&Kept, &Reader) -> Result<T, StoreError> + Send + 'static,
) -> Told<T> {
    let read = kept.read(move |kept| query(kept, &Reader::open(&kept.folder)?));
    match read.await {
        Ok(Ok(value)) => Told::Read(value),
        Ok(Err(error)) => Told::Failed(fault.unwrap_or_else(|| error.to_string())),
        Err(why) => Told::Failed(fault.unwrap_or_else(|| why.to_owned())),
    }
}

fn days(reader: &Reader, at: Timestamp) -> Result<Days, StoreError> {
    let last = day_of(at);
    let earliest = last - DAYS + 1;
    let since = Timestamp::from_nanos(earliest.saturating_mul(DAY_NANOS));
    let counts = reader.vendor_days(since, at)?;
    let looked = reader.looked(since)?;
    let begun = looked.first().map(|looked| day_of(looked.span.first));
    let first = counts
        .first()
        .map(|count| count.day)
        .into_iter()
        .chain(begun)
        .min();
    let first = first
        .unwrap_or(last)
        .clamp(earliest, last - FEWEST_DAYS + 1);
    let spans = looked.iter().map(|looked| looked.span);
    let mut captured = captured(spans, first, last);
    // Of the last day only what has passed can have been captured.
    let passed = at.as_nanos().rem_euclid(DAY_NANOS) as f64 / DAY_NANOS as f64;
    if let (Some(share), true) = (captured.last_mut(), passed > 0.0) {
        *share = (*share / passed).min(1.0);
    }
    Ok(Days {
        first,
        last,
        counts,
        captured,
    })
}

fn day_of(time: Timestamp) -> i64 {
    time.as_nanos().div_euclid(DAY_NANOS)
}

/// The share of each day in which some sensor captured. Spans come in the order of their beginning.
fn captured(spans: impl Iterator<Item = Span>, first: i64, last: i64) -> Vec<f64> {
    let mut shares = vec![0.0; usize::try_from(last - first + 1).unwrap_or_default()];
    let mut reached = first.saturating_mul(DAY_NANOS);
    for span in spans {
        let mut from = span.first.as_nanos().max(reached);
        let until = span.last.as_nanos();
        while from < until {
            let day = from.div_euclid(DAY_NANOS);
            let end = ((day + 1).saturating_mul(DAY_NANOS)).min(until);
            let place = usize::try_from(day - first)
                .ok()
                .and_then(|at| shares.get_mut(at));
            let Some(share) = place else { break };
            *share += (end - from) as f64 / DAY_NANOS as f64;
            from = end;
        }
        reached = reached.max(until);
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sensors_side_by_side_count_once() {
        let hours = |first: i64, last: i64| Span {
            first: Timestamp::from_unix(first * 3_600, 0),
            last: Timestamp::from_unix(last * 3_600, 0),
        };
        let spans = [
            hours(-5, 6),
            hours(0, 12),
            hours(3, 5),
            hours(18, 36),
            hours(72, 90),
        ];
        assert_eq!(captured(spans.into_iter(), 0, 2), [0.75, 0.5, 0.0]);
    }
}
