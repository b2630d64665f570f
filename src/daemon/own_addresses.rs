//! The addresses of the sensor's own machine, which change while it runs: an interface comes late, DHCP gives another.
//!
//! Capture threads look, because the sandbox leaves only them the sockets for it; the ledger's thread takes what they found.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;

use crate::capture;

/// How often it is looked. An interface that was opened is looked at at once.
const EVERY: Duration = Duration::from_secs(30);

/// What was found last.
pub(super) type OwnAddresses = ArcSwap<Vec<IpAddr>>;

/// One thread's look.
pub(super) struct Look {
    found: Arc<OwnAddresses>,
    at: Instant,
}

impl Look {
    pub(super) fn new(found: Arc<OwnAddresses>) -> Self {
        Self {
            found,
            at: Instant::now(),
        }
    }

    /// Looks if it is time, or at once. Where the system does not say, what was found before holds.
    pub(super) fn look(&mut self, at_once: bool) {
        if !at_once && self.at.elapsed() < EVERY {
            return;
        }
        self.at = Instant::now();
        if let Ok(interfaces) = capture::interfaces() {
            let addresses = interfaces.into_iter().flat_map(|known| known.addresses);
            let addresses: Vec<IpAddr> = addresses.collect();
            if **self.found.load() != addresses {
                self.found.store(Arc::new(addresses));
            }
        }
    }
}
