//! Addresses that answers gave for matched names: so that a flow towards one is seen as what it is, even without a name.

use std::net::IpAddr;
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
    by_address: HashMap<IpAddr, Vec<Arc<Resolution>>>,
}

impl WatchList {
    /// A list of these.
    pub fn new(resolutions: impl IntoIterator<Item = Arc<Resolution>>) -> Self {
        let mut by_address: HashMap<IpAddr, Vec<Arc<Resolution>>> = HashMap::new();
        for resolution in resolutions {
            by_address
                .entry(resolution.address)
                .or_default()
                .push(resolution);
        }
        Self { by_address }
    }

    /// Whether nothing is watched.
    pub fn is_empty(&self) -> bool {
        self.by_address.is_empty()
    }

    /// All of them, in no particular order.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Resolution>> {
        self.by_address.values().flatten()
    }

    /// What answers gave this address for.
    pub fn of(&self, address: IpAddr) -> &[Arc<Resolution>] {
        self.by_address.get(&address).map_or(&[], Vec::as_slice)
    }
}
