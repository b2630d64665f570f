//! Addresses and networks, each with what it stands for; the narrowest network that holds an address wins.

use std::net::IpAddr;

use hashbrown::HashMap;
use ipnet::IpNet;

/// A look-up costs one probe for each prefix length that occurs in the address's family: with packs that list single
/// addresses one probe, and never an allocation.
#[derive(Clone)]
pub(super) struct Networks<V> {
    values: HashMap<IpNet, V>,
    /// Prefix lengths that occur, the longest first: of IPv4, and of IPv6.
    lengths: [Vec<u8>; 2],
}

impl<V> Default for Networks<V> {
    fn default() -> Self {
        Self {
            values: HashMap::new(),
            lengths: [Vec::new(), Vec::new()],
        }
    }
}

impl<V> Networks<V> {
    /// Compiles networks. Of two equal networks the later wins.
    pub fn new(networks: impl IntoIterator<Item = (IpNet, V)>) -> Self {
        let mut compiled = Self::default();
        for (network, value) in networks {
            let network = network.trunc();
            let lengths = &mut compiled.lengths[usize::from(network.addr().is_ipv6())];
            if let Err(place) = lengths.binary_search_by(|len| network.prefix_len().cmp(len)) {
                lengths.insert(place, network.prefix_len());
            }
            compiled.values.insert(network, value);
        }
        compiled
    }

    /// The narrowest network that holds the address.
    pub fn find(&self, address: IpAddr) -> Option<(&IpNet, &V)> {
        self.lengths[usize::from(address.is_ipv6())]
            .iter()
            .find_map(|&length| {
                let network = IpNet::new(address, length).ok()?.trunc();
                self.values.get_key_value(&network)
            })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn networks(texts: &[&str]) -> Networks<usize> {
        let parsed = texts.iter().map(|text| text.parse().unwrap());
        Networks::new(parsed.zip(0..))
    }

    #[test]
    fn the_narrowest_wins_and_families_stay_apart() {
        let networks = networks(&[
            "192.0.2.0/24",
            "192.0.2.7/32",
            "2001:db8::/32",
            "2001:db8::1/128",
        ]);
        for (address, expected) in [
            ("192.0.2.7", Some(1)),
            ("192.0.2.8", Some(0)),
            ("192.0.3.7", None),
            ("2001:db8::1", Some(3)),
            ("2001:db8:ffff::1", Some(2)),
            ("2001:db9::1", None),
            ("::c000:207", None),
        ] {
            let found = networks.find(address.parse().unwrap());
            assert_eq!(found.map(|(_, value)| *value), expected, "{address}");
        }
        assert!(
            Networks::<()>::default()
                .find([192, 0, 2, 1].into())
                .is_none()
        );
    }

    proptest! {
        /// A slow and obvious reference: look at every network, take the narrowest.
        #[test]
        fn agrees_with_the_reference(
            listed in prop::collection::vec((any::<[u8; 2]>(), 8u8..=32), 0..12),
            asked in prop::collection::vec(any::<[u8; 2]>(), 1..8),
        ) {
            let address = |[a, b]: [u8; 2]| IpAddr::from([10, a & 3, b & 3, b]);
            let nets: Vec<IpNet> = listed
                .iter()
                .map(|&(bytes, length)| IpNet::new(address(bytes), length).unwrap().trunc())
                .collect();
            let compiled = Networks::new(nets.iter().map(|&net| (net, ())));
            for bytes in asked {
                let expected = nets
                    .iter()
                    .filter(|net| net.contains(&address(bytes)))
                    .max_by_key(|net| net.prefix_len());
                prop_assert_eq!(compiled.find(address(bytes)).map(|(net, ())| net), expected);
            }
        }
    }
}
