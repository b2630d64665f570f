//! Groups of hosts that other cutoffs bind than the packs' defaults: another country, another contract.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::model::{Cutoff, Pack};

/// One group as configured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// Its name in metrics and reports.
    pub name: String,
    /// Networks of its hosts.
    pub networks: Vec<IpNet>,
    /// Sites of its hosts, as the inventory writes them.
    pub sites: Vec<String>,
    /// Which cutoffs bind it: `id` in every pack that has it, or `vendor/id`. None where it is empty.
    pub cutoffs: Vec<String>,
}

impl Group {
    /// Whether a host with these addresses at this site is in it. One address inside a network suffices: a host has
    /// addresses of its own link too, and privacy addresses that nobody lists.
    pub fn holds(&self, addresses: &[IpAddr], site: Option<&str>) -> bool {
        let at_site = site.is_some_and(|site| self.sites.iter().any(|listed| listed == site));
        let inside = |address: &IpAddr| self.networks.iter().any(|net| net.contains(address));
        at_site || addresses.iter().any(inside)
    }

    /// The cutoffs of a pack that bind it. A pack of which it names none keeps what binds everybody, except where the
    /// list is empty: then nothing binds.
    pub(super) fn choose<'a>(&self, pack: &'a Pack) -> Option<Vec<&'a Cutoff>> {
        let named = |cutoff: &&Cutoff| self.cutoffs.iter().any(|id| names(id, pack, cutoff));
        let chosen: Vec<&Cutoff> = pack.cutoffs.iter().filter(named).collect();
        (!chosen.is_empty() || self.cutoffs.is_empty()).then_some(chosen)
    }

    /// The first id that no pack has.
    pub(super) fn unknown(&self, packs: &[Pack]) -> Option<&str> {
        let known = |id: &str| {
            packs
                .iter()
                .any(|pack| pack.cutoffs.iter().any(|cutoff| names(id, pack, cutoff)))
        };
        self.cutoffs
            .iter()
            .map(String::as_str)
            .find(|id| !known(id))
    }
}

/// Whether an id in a group is this cutoff.
fn names(id: &str, pack: &Pack, cutoff: &Cutoff) -> bool {
    match id.split_once('/') {
        Some((vendor, id)) => vendor == pack.vendor.as_str() && id == cutoff.id,
        None => id == cutoff.id,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_in_a_group_by_network_or_site() {
        let group = Group {
            name: "canada".to_owned(),
            networks: vec!["10.2.0.0/16".parse().unwrap()],
            sites: vec!["Montréal".to_owned()],
            cutoffs: Vec::new(),
        };
        for (addresses, site, expected) in [
            (&["10.2.3.4"][..], None, true),
            (&["10.1.3.4"], None, false),
            (&["fe80::1", "10.2.3.4"], Some("Boston"), true),
            (&["10.1.3.4"], Some("Montréal"), true),
            (&["10.1.3.4"], Some("montréal"), false),
            (&[], None, false),
        ] {
            let addresses: Vec<IpAddr> =
                addresses.iter().map(|text| text.parse().unwrap()).collect();
            assert_eq!(
                group.holds(&addresses, site),
                expected,
                "{addresses:?} {site:?}"
            );
        }
    }
}
