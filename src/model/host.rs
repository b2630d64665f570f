//! The stable key of a device.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

/// One device on the local side, by a key that never changes during its life.
///
/// Today the key is the address (`ip-…`). The type hides that: nothing outside `hosts` may take a key apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(transparent)]
pub struct HostKey(Arc<str>);

impl HostKey {
    /// The key of a host that is known by nothing but its address.
    pub fn from_address(address: IpAddr) -> Self {
        Self(Arc::from(format!("ip-{address}")))
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for HostKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
