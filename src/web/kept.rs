//! A store that the server reads.

use std::path::PathBuf;

use crate::model::HostKey;
use crate::privacy::Pseudonyms;
use crate::store::{Reader, StoreError};

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
