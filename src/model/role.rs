//! What traffic shows of the part that a host plays in its network.

use std::net::IpAddr;

use super::Timestamp;

/// One sign of a role, told by workers at most once an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RoleSign {
    /// A local address answered a DNS question of another one.
    AnsweredDns {
        /// Who answered.
        server: IpAddr,
        /// Who had asked.
        client: IpAddr,
    },
    /// A local address opened a flow to another one, on a port of a vendor's relays.
    OpenedToRelay {
        /// The end that may be a relay.
        server: IpAddr,
        /// Who opened the flow.
        client: IpAddr,
        /// The relay's port.
        port: u16,
    },
    /// A local address opened TCP connections with hop limits that begin here: systems begin with 64, 128 or 255.
    FirstHops {
        /// The address.
        host: IpAddr,
        /// Place in [`FIRST_HOPS`].
        at: u8,
    },
    /// A packet from outside came towards a local address: that direction is captured.
    Reached {
        /// The address.
        host: IpAddr,
    },
}

/// Hop limits with which systems begin.
pub const FIRST_HOPS: [u8; 3] = [64, 128, 255];

/// A sign with the capture time of the first packet of its hour that showed it.
pub type TimedRoleSign = (RoleSign, Timestamp);
