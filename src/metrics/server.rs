//! How the server is. It changes between two scenes, so whoever reads it gets it as it is now.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwapOption;

/// The server as it is seen from outside.
#[derive(Debug, Default)]
pub struct ServerScene {
    connections: AtomicU64,
    given_way: AtomicU64,
    fault: ArcSwapOption<String>,
}

impl ServerScene {
    /// Connections that are open.
    pub fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }

    /// Says how many are open.
    pub fn set_connections(&self, count: usize) {
        self.connections.store(count as u64, Ordering::Relaxed);
    }

    /// Connections that were ended because another one needed their place.
    pub fn connections_given_way(&self) -> u64 {
        self.given_way.load(Ordering::Relaxed)
    }

    /// Counts one.
    pub fn connection_gave_way(&self) {
        self.given_way.fetch_add(1, Ordering::Relaxed);
    }

    /// Why the file that says who is let in, or a certificate, was refused when it was read again, for people.
    pub fn fault(&self) -> Option<Arc<String>> {
        self.fault.load_full()
    }

    /// Says why, or that all is in force.
    pub fn set_fault(&self, fault: Option<String>) {
        self.fault.store(fault.map(Arc::new));
    }
}
