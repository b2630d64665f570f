//! Who is there: the hosts of the office, and the sites they talk to.
//!
//! All addresses are private, or set aside for documentation or benchmarks; the sites have names that cannot exist, but
//! for the few servers that the rules are about.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::super::links::mac_of;
use super::super::noise::Noise;

/// Names that some hosts fetch updates from, or report to.
const VENDOR_SERVERS: [&str; 5] = [
    "s07.upd.kaspersky.com",
    "dnl-07.geo.kaspersky.com",
    "ksn-file-geo.kaspersky-labs.com",
    "ksn-stat-geo.kaspersky-labs.com",
    "dc1.ksn.kaspersky-labs.com",
];
/// One host in this many does so.
const VENDOR_HOSTS: u16 = 60;
/// One scene in this many of such a host goes there.
const VENDOR_SHARE: u64 = 4;
/// One host in this many is in a VLAN of its own, whose tags the capture has.
const TAGGED_HOSTS: u16 = 5;

const SITES: u64 = 1500;
const PARTS: [&str; 8] = [
    "www",
    "api",
    "cdn",
    "static",
    "images",
    "login",
    "mail",
    "telemetry.eu",
];

/// Router and resolver.
pub const GATEWAY_V4: Ipv4Addr = Ipv4Addr::new(10, 20, 0, 1);
/// Router and resolver.
pub const GATEWAY_V6: Ipv6Addr = Ipv6Addr::new(0xfd20, 0x20, 0, 0, 0, 0, 0, 1);

/// A host of the office.
#[derive(Clone, Copy, Debug)]
pub struct Host {
    /// Its IPv4 address.
    pub v4: Ipv4Addr,
    /// Its IPv6 address, if it has one.
    pub v6: Option<Ipv6Addr>,
    /// Whether its frames have a VLAN tag.
    pub tagged: bool,
    uses_vendor: bool,
}

/// A name on the Internet and its addresses.
#[derive(Clone, Debug)]
pub struct Site {
    /// In lower case.
    pub name: String,
    /// The names along which the resolver finds it; the first is its own.
    pub aliases: Vec<String>,
    /// Its IPv4 address.
    pub v4: Ipv4Addr,
    /// Its IPv6 address.
    pub v6: Ipv6Addr,
}

/// All hosts.
pub struct Network {
    hosts: Vec<Host>,
}

impl Network {
    /// An office with this many hosts, at most 60,000.
    pub fn new(hosts: u16) -> Self {
        assert!(
            (1..=60_000).contains(&hosts),
            "the addresses must be enough"
        );
        let hosts = (0..hosts).map(|index| {
            let [high, low] = (index + 0x0100).to_be_bytes();
            Host {
                v4: Ipv4Addr::new(10, 20, high, low),
                // Printers, phones and the like know IPv4 only.
                v6: (index % 4 != 3)
                    .then(|| Ipv6Addr::new(0xfd20, 0x20, 0, 0, 0, 0, 1, index + 0x0100)),
                tagged: index % TAGGED_HOSTS == 2,
                uses_vendor: index % VENDOR_HOSTS == 1,
            }
        });
        Self {
            hosts: hosts.collect(),
        }
    }

    /// Any of the hosts.
    pub fn host(&self, noise: &mut Noise) -> &Host {
        noise.pick(&self.hosts)
    }
}

impl Host {
    /// Its address on the link, the same for IPv4 and IPv6.
    pub fn mac(&self) -> [u8; 6] {
        mac_of(self.v4.into())
    }

    /// Its address in the family of `other`, which it must have.
    pub fn address_like(&self, other: IpAddr) -> IpAddr {
        match (other, self.v6) {
            (IpAddr::V6(_), Some(v6)) => v6.into(),
            _ => self.v4.into(),
        }
    }

    /// The resolver it asks: over IPv6 now and then.
    pub fn resolver(&self, noise: &mut Noise) -> IpAddr {
        if self.v6.is_some() && noise.chance(30) {
            GATEWAY_V6.into()
        } else {
            GATEWAY_V4.into()
        }
    }

    /// A site it wants: mostly one of the popular ones.
    pub fn site(&self, noise: &mut Noise) -> Site {
        if self.uses_vendor && noise.below(VENDOR_SHARE) == 0 {
            return vendor_server(noise.below(VENDOR_SERVERS.len() as u64));
        }
        // The product of two dice is low more often than high.
        let number = noise.below(SITES) * noise.below(SITES) / SITES;
        site(number, noise.below(PARTS.len() as u64))
    }

    /// The site's address for this host: IPv6 where both have it, most of the time.
    pub fn reaches(&self, site: &Site, noise: &mut Noise) -> IpAddr {
        if self.v6.is_some() && noise.chance(60) {
            site.v6.into()
        } else {
            site.v4.into()
        }
    }
}

fn vendor_server(number: u64) -> Site {
    let name = VENDOR_SERVERS[number as usize];
    Site {
        name: name.to_owned(),
        aliases: vec![name.to_owned()],
        v4: Ipv4Addr::new(203, 0, 113, 7 + number as u8),
        v6: Ipv6Addr::new(0x2001, 0xdb8, 0x203, 0, 0, 0, 0, 7 + number as u16),
    }
}

fn site(number: u64, part: u64) -> Site {
    let name = format!("{}.site{number:04}.example", PARTS[part as usize]);
    let mut aliases = vec![name.clone()];
    // Every second site hides behind a delivery network.
    if number.is_multiple_of(2) {
        aliases.push(format!("site{number:04}.edge.delivery.example"));
        aliases.push(format!("pop{}.delivery.example", number % 16));
    }
    let index = (number * PARTS.len() as u64 + part) as u16;
    let [high, low] = index.to_be_bytes();
    Site {
        name,
        aliases,
        v4: Ipv4Addr::new(198, 18, high, low),
        v6: Ipv6Addr::new(0x2001, 0xdb8, 0x198, 0, 0, 0, 0, index),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn addresses_are_distinct() {
        let network = Network::new(1000);
        let addresses: HashSet<IpAddr> = network
            .hosts
            .iter()
            .flat_map(|host| [Some(host.v4.into()), host.v6.map(IpAddr::from)])
            .flatten()
            .collect();
        assert_eq!(addresses.len(), 1000 + 750);
        assert!(!addresses.contains(&GATEWAY_V4.into()));
    }

    #[test]
    fn a_few_hosts_use_the_vendor() {
        let network = Network::new(300);
        let using = network.hosts.iter().filter(|host| host.uses_vendor);
        assert_eq!(using.count(), 5);
    }
}
