//! A store that the server reads.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::model::HostKey;
use crate::privacy::Pseudonyms;
use crate::store::{Reader, StoreError};

/// Reads that may be under way: one that waits for a disk that does not answer keeps its thread. Fewer than requests that are
/// answered at once, so that such reads leave room for scrapes.
const MAX_UNDER_WAY: usize = 6;
/// How long a reader waits: what is on the disk is not worth more, where the rest of a page is in memory.
const WITHIN: Duration = Duration::from_secs(10);
const NO_ANSWER: &str = "the disk does not answer";
const NO_PLACE: &str = "as many others read the store as may at once; ask again";

static UNDER_WAY: AtomicUsize = AtomicUsize::new(0);

/// Counts a read until it is over, whoever waits for it.
struct UnderWay;

impl UnderWay {
    fn begin() -> Option<Self> {
        let begun = UNDER_WAY.fetch_add(1, Ordering::Relaxed);
        // Where there is no place, it is given back at once.
        let this = Self;
        (begun < MAX_UNDER_WAY).then_some(this)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        UNDER_WAY.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Reads from the store beside the server, which goes on whatever the disk does.
pub(super) async fn read<T: Send + 'static>(
    query: impl FnOnce() -> T + Send + 'static,
) -> Result<T, &'static str> {
    let under_way = UnderWay::begin().ok_or(NO_PLACE)?;
    let reading = tokio::task::spawn_blocking(move || {
        let _under_way = under_way;
        query()
    });
    match tokio::time::timeout(WITHIN, reading).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(_)) => Err("reading the store panicked"),
        Err(_) => Err(NO_ANSWER),
    }
}

/// A store that the pages and the API read.
#[derive(Clone, Debug)]
pub struct Kept {
    /// Its folder.
    pub folder: PathBuf,
    /// Tokens in place of devices, where that is asked for; the store has who they are.
    pub pseudonyms: Option<Pseudonyms>,
}

impl Kept {
    /// The key by which a host of the store is shown.
    pub(super) fn shown(&self, stored: &HostKey) -> HostKey {
        match &self.pseudonyms {
            Some(pseudonyms) => pseudonyms.host_key(stored),
            None => stored.clone(),
        }
    }

    /// The key under which the store knows a host. Whoever has no key to the pseudonyms knows hosts by their tokens only:
    /// what is no token is nobody.
    pub(super) fn stored_key(
        &self,
        reader: &Reader,
        shown: &HostKey,
    ) -> Result<Option<HostKey>, StoreError> {
        let Some(pseudonyms) = &self.pseudonyms else {
            return Ok(Some(shown.clone()));
        };
        let mut keys = reader.host_keys()?.into_iter();
        Ok(keys.find(|key| pseudonyms.host_key(key) == *shown))
    }
}
