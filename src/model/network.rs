//! Which addresses are on the local side.

use std::net::IpAddr;

use ipnet::IpNet;

/// The networks whose hosts are watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalNetworks {
    networks: Vec<IpNet>,
    /// The same, network and mask, without those that lie in others: each packet's ends are looked up.
    v4: Vec<(u32, u32)>,
    v6: Vec<(u128, u128)>,
    /// Whether somebody or an interface said so; otherwise the private ranges are a guess. A link-local or loopback network
    /// does not say it: every interface has one, a mirror port too.
    known: bool,
}

/// Ranges that are local wherever they appear: RFC 1918, RFC 3927, RFC 4193, RFC 4291 section 2.5.6, and RFC 6598.
const PRIVATE: [&str; 7] = [
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "100.64.0.0/10",
    "169.254.0.0/16",
    "fc00::/7",
    "fe80::/10",
];

impl Default for LocalNetworks {
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

impl LocalNetworks {
    /// The private ranges and `networks`.
    pub fn new(networks: Vec<IpNet>) -> Self {
        let known = !networks.iter().all(is_everywhere);
        let private = PRIVATE.iter().filter_map(|range| range.parse().ok());
        let networks: Vec<IpNet> = private.chain(networks).collect();
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for network in IpNet::aggregate(&networks) {
            match network {
                IpNet::V4(network) => {
                    v4.push((network.network().to_bits(), network.netmask().to_bits()));
                }
                IpNet::V6(network) => {
                    v6.push((network.network().to_bits(), network.netmask().to_bits()));
                }
            }
        }
        Self {
            networks,
            v4,
            v6,
            known,
        }
    }

    /// Whether the networks were given, not guessed.
    pub fn known(&self) -> bool {
        self.known
    }

    /// The networks, the private ranges among them.
    pub fn networks(&self) -> impl Iterator<Item = IpNet> {
        self.networks.iter().copied()
    }

    /// Whether an address is local.
    pub fn contains(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(address) => {
                let bits = address.to_bits();
                let mut ranges = self.v4.iter();
                ranges.any(|(network, mask)| bits & mask == *network)
            }
            IpAddr::V6(address) => {
                let bits = address.to_bits();
                let mut ranges = self.v6.iter();
                ranges.any(|(network, mask)| bits & mask == *network)
            }
        }
    }

    /// The host to which a client's request is put down. A client on the local side is the host. Where both ends are
    /// foreign and nobody said what is local, the client is taken for one: it is the flow's initiator. A request from
    /// outside to a local server concerns no host of ours; a private IPv6
    /// address cannot be asked from outside.
    pub fn host(&self, client: IpAddr, server: IpAddr) -> Option<IpAddr> {
        let in_doubt = !self.known && (server.is_ipv6() || !self.contains(server));
        (self.contains(client) || in_doubt).then_some(client)
    }
}

/// Whether every machine has such a network.
fn is_everywhere(network: &IpNet) -> bool {
    match network {
        IpNet::V4(network) => network.addr().is_loopback() || network.addr().is_link_local(),
        IpNet::V6(network) => {
            network.addr().is_loopback() || network.addr().is_unicast_link_local()
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_network_that_every_interface_has_says_nothing() {
        let of = |networks: &[&str]| {
            let networks = networks.iter().map(|network| network.parse().unwrap());
            LocalNetworks::new(networks.collect())
        };
        for unknown in [
            &[][..],
            &["fe80::1234/64"],
            &["127.0.0.0/8", "::1/128"],
            &["169.254.3.0/16"],
        ] {
            assert!(!of(unknown).known(), "{unknown:?}");
        }
        assert!(of(&["fe80::/64", "192.168.1.0/24"]).known());
        // What it names is local all the same.
        assert!(of(&["127.0.0.0/8"]).contains([127, 0, 0, 1].into()));
    }

    #[test]
    fn the_host_is_the_local_client() {
        let [local, public, other]: [IpAddr; 3] = [
            [10, 0, 0, 1].into(),
            [198, 51, 100, 1].into(),
            [203, 0, 113, 9].into(),
        ];
        let guessed = LocalNetworks::default();
        assert_eq!(guessed.host(local, public), Some(local));
        assert_eq!(guessed.host(public, local), None);
        assert_eq!(guessed.host(public, other), Some(public));
        let given = LocalNetworks::new(vec!["203.0.113.0/24".parse().unwrap()]);
        assert_eq!(given.host(public, other), None);
        assert_eq!(given.host(other, public), Some(other));
    }

    proptest! {
        /// `ipnet` as oracle, near the edges of what is given.
        #[test]
        fn contains_what_any_network_contains(
            given in prop::collection::vec((any::<u128>(), any::<bool>(), 0..=128_u8), 0..6),
            at in any::<prop::sample::Index>(),
            flipped in 0..128_u32,
        ) {
            let network = |&(bits, v4, len): &(u128, bool, u8)| {
                let address = match v4 {
                    true => IpAddr::from((bits as u32).to_be_bytes()),
                    false => IpAddr::from(bits.to_be_bytes()),
                };
                IpNet::new(address, if v4 { len % 33 } else { len }).unwrap()
            };
            let local = LocalNetworks::new(given.iter().map(network).collect());
            let all: Vec<IpNet> = local.networks().collect();
            let address = match all[at.index(all.len())].addr() {
                IpAddr::V4(address) => IpAddr::from((address.to_bits() ^ 1 << (flipped % 32)).to_be_bytes()),
                IpAddr::V6(address) => IpAddr::from((address.to_bits() ^ 1 << flipped).to_be_bytes()),
            };
            let expected = all.iter().any(|network| network.contains(&address));
            prop_assert_eq!(local.contains(address), expected);
        }
    }
}
