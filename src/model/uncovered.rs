//! Names under a vendor's domains that no service of its pack describes: what the pack does not know yet.
//!
//! They prove nothing and raise no status.

use std::net::IpAddr;

use super::{DomainName, HostKey, Mac, Span, Timestamp, VendorId};

/// Hosts told of each such name: enough to ask somebody, few enough to send every second.
pub const MAX_UNCOVERED_HOSTS: usize = 8;

/// What a worker read of such names since it last reported.
#[derive(Clone, Debug, Default)]
pub struct Uncovered {
    /// How often one was read, by vendor: all of them, those without a place in `names` too.
    pub readings: Vec<(VendorId, u64)>,
    /// The names, as far as there was a place.
    pub names: Vec<UncoveredName>,
}

/// A name under a vendor's domains that nothing describes, rolled up over the time between two batches.
#[derive(Clone, Debug)]
pub struct UncoveredName {
    /// Whose domain it is.
    pub vendor: VendorId,
    /// The name as hosts asked for it.
    pub name: DomainName,
    /// When it was first and last read.
    pub span: Span,
    /// How often.
    pub count: u64,
    /// The first [`MAX_UNCOVERED_HOSTS`] that asked.
    pub hosts: Vec<Asker>,
    /// Whether there were more.
    pub more_hosts: bool,
}

/// A host that asked for such a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asker {
    /// Its address.
    pub host: IpAddr,
    /// The hardware address from which its packets came, where their frames seemed its own.
    pub mac: Option<Mac>,
    /// When it first asked.
    pub time: Timestamp,
}

/// The same as the ledger knows it, since the program was started.
#[derive(Clone, Debug)]
pub struct UncoveredView {
    /// Whose domain it is.
    pub vendor: VendorId,
    /// The name.
    pub name: DomainName,
    /// How often it was read.
    pub count: u64,
    /// The first [`MAX_UNCOVERED_HOSTS`] that asked, sorted by key.
    pub hosts: Vec<HostKey>,
    /// Whether there were more.
    pub more_hosts: bool,
    /// When it was first read.
    pub first_seen: Timestamp,
    /// When it was last read.
    pub last_seen: Timestamp,
}
