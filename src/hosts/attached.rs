//! Networks that are on a captured link, by what is said on it: interfaces' own networks are not asked, so that a recording
//! gives the same keys as the live capture.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::model::Timestamp;

/// Networks kept. A trunk with more than this is unheard of, and whoever makes them up wins nothing.
const MAX_NETWORKS: usize = 1_024;

/// The part of an address that neighbours share: what an ARP sender proves is its /24 (it may be more, seldom less), in
/// IPv6 the /64 in which every host makes its addresses (RFC 4291, section 2.5.4).
fn around(address: IpAddr) -> IpNet {
    match address {
        IpAddr::V4(address) => Ipv4Net::new_assert(address, 24).trunc().into(),
        IpAddr::V6(address) => Ipv6Net::new_assert(address, 64).trunc().into(),
    }
}

/// The /64 of an address.
pub(super) fn slash_64(address: IpAddr) -> Option<Ipv6Net> {
    match around(address) {
        IpNet::V6(network) => Some(network),
        IpNet::V4(_) => None,
    }
}

/// Whether packets of this address never pass a router (RFC 3927, section 2.7; RFC 4291, section 2.5.6).
pub(super) fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    }
}

/// Networks, and since when each is known.
#[derive(Debug, Default)]
pub(super) struct Attached {
    networks: BTreeMap<IpNet, Timestamp>,
}

impl Attached {
    /// A neighbour spoke of its own address.
    pub(super) fn neighbour(&mut self, address: IpAddr, time: Timestamp) {
        self.add(around(address), time);
    }

    /// A router says that a network is on the link.
    pub(super) fn add(&mut self, network: IpNet, time: Timestamp) {
        if self.networks.len() < MAX_NETWORKS || self.networks.contains_key(&network) {
            let since = self.networks.entry(network).or_insert(time);
            *since = time.min(*since);
        }
    }

    /// Whether an address was on a link at an instant.
    pub(super) fn contains(&self, address: IpAddr, at: Timestamp) -> bool {
        is_link_local(address)
            || self
                .networks
                .get(&around(address))
                .is_some_and(|since| *since <= at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_heard_on_the_link_is_on_it_from_then_on() {
        let at = |second| Timestamp::from_unix(second, 0);
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        let mut attached = Attached::default();
        attached.neighbour(address("10.0.0.5"), at(5));
        attached.neighbour(address("2001:db8::5"), at(5));
        for (text, second, expected) in [
            ("10.0.0.77", 5, true),
            ("10.0.0.77", 4, false),
            ("10.0.1.77", 5, false),
            ("2001:db8::1:2:3:4", 5, true),
            ("2001:db8:0:1::5", 5, false),
            ("fe80::1", 0, true),
            ("169.254.1.1", 0, true),
        ] {
            let found = attached.contains(address(text), at(second));
            assert_eq!(found, expected, "{text} at {second}");
        }
    }
}
