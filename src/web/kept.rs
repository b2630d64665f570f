//! A store that the server reads.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

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

/// A store that the pages and the API read.
#[derive(Debug)]
pub struct Kept {
    /// Its folder.
    pub folder: PathBuf,
    /// Tokens in place of devices, where that is asked for; the store has who they are.
    pub pseudonyms: Option<Pseudonyms>,
    /// Those who may still begin to read.
    places: Arc<Semaphore>,
}

impl Kept {
    /// The store in a folder.
    pub fn new(folder: PathBuf, pseudonyms: Option<Pseudonyms>) -> Self {
        Self {
            folder,
            pseudonyms,
            places: Arc::new(Semaphore::new(MAX_UNDER_WAY)),
        }
    }

    /// Reads from it beside the server, which goes on whatever the disk does.
    pub(super) async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        query: impl FnOnce(&Self) -> T + Send + 'static,
    ) -> Result<T, &'static str> {
        let place = Arc::clone(&self.places).try_acquire_owned();
        let place = place.map_err(|_| NO_PLACE)?;
        let kept = Arc::clone(self);
        let reading = tokio::task::spawn_blocking(move || {
            // It is taken until the read is over, whoever waits for it.
            let _place = place;
            query(&kept)
        });
        match tokio::time::timeout(WITHIN, reading).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(_)) => Err("reading the store panicked"),
            Err(_) => Err(NO_ANSWER),
        }
    }

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

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn reads_that_wait_for_the_disk_leave_room() {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().build().unwrap();
        let kept = Arc::new(Kept::new(PathBuf::new(), None));
        let (thaw, frozen) = mpsc::channel::<()>();
        let frozen = Arc::new(std::sync::Mutex::new(frozen));
        let stalled: Vec<_> = (0..MAX_UNDER_WAY)
            .map(|_| {
                let (kept, frozen) = (Arc::clone(&kept), Arc::clone(&frozen));
                runtime.spawn(async move {
                    let wait = move |_: &Kept| frozen.lock().unwrap().recv().is_ok();
                    kept.read(wait).await
                })
            })
            .collect();
        runtime.block_on(async {
            while kept.places.available_permits() > 0 {
                tokio::task::yield_now().await;
            }
            // No thread is left waiting for this one, and it is told at once.
            assert_eq!(kept.read(|_| ()).await, Err(NO_PLACE));
            for _ in 0..MAX_UNDER_WAY {
                thaw.send(()).unwrap();
            }
            for read in stalled {
                assert_eq!(read.await.unwrap(), Ok(true));
            }
            assert_eq!(kept.read(|_| 7).await, Ok(7));
        });
    }
}
