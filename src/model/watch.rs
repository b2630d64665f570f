//! Addresses that answers gave for matched names: so that a flow towards one is seen as what it is, even without a name.

use std::net::IpAddr;
use std::ops::Range;
use std::sync::Arc;

use hashbrown::HashMap;

use super::{DomainName, Match, Timestamp};

/// An answer gave a host an address for a matched name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolution {
    /// The host that asked.
    pub host: IpAddr,
    /// The name as the host asked for it.
    pub name: DomainName,
    /// The rule that matched it, or an alias on the way to the address.
    pub matched: Match,
    /// The address.
    pub address: IpAddr,
    /// Capture time of the answer.
    pub since: Timestamp,
    /// Until when the host may go on using it.
    pub until: Timestamp,
}

impl Resolution {
    /// Whether a flow of this host that began then may rest on this answer.
    pub fn explains(&self, host: IpAddr, began: Timestamp) -> bool {
        self.host == host && began >= self.since && began <= self.until
    }
}

/// Resolutions by address. Immutable once published; each is shared with whoever publishes, because a list of a large site is
/// made anew every second.
#[derive(Clone, Debug, Default)]
pub struct WatchList {
    /// By address; those of one stand side by side, so that a list is made with two allocations and not with one an address.
    resolutions: Vec<Arc<Resolution>>,
    /// Where those of an address stand.
    by_address: HashMap<IpAddr, Range<usize>>,
}

impl WatchList {
    /// A list of these.
    pub fn new(resolutions: impl IntoIterator<Item = Arc<Resolution>>) -> Self {
        let mut resolutions: Vec<Arc<Resolution>> = resolutions.into_iter().collect();
        if !resolutions.is_sorted_by_key(|known| known.address) {
            resolutions.sort_by_key(|known| known.address);
        }
        let mut by_address = HashMap::new();
        let mut start = 0;
        for of_one in resolutions.chunk_by(|one, other| one.address == other.address) {
            let end = start + of_one.len();
            by_address.insert(of_one[0].address, start..end);
            start = end;
        }
        Self {
            resolutions,
            by_address,
        }
    }

    /// Whether nothing is watched.
    pub fn is_empty(&self) -> bool {
        self.by_address.is_empty()
    }

    /// All of them, in no particular order.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Resolution>> {
        self.resolutions.iter()
    }

    /// What answers gave this address for.
    pub fn of(&self, address: IpAddr) -> &[Arc<Resolution>] {
        let range = self.by_address.get(&address);
        range.map_or(&[], |range| &self.resolutions[range.clone()])
    }
}
