//! Names under vendors' domains that no service describes, since the program was started.
//!
//! They are kept in memory only: they say what a pack lacks, and prove nothing of a host.

use std::collections::BTreeMap;

use crate::model::{
    DomainName, HostKey, Line, MAX_UNCOVERED_HOSTS, Rank, Span, Standing, UncoveredName,
    UncoveredView, VendorId,
};

/// Names of all vendors together, each vendor with an equal share: more than anybody reads. At most 1 KiB each, so 2 MiB,
/// and as much in each state that is published.
const MAX_NAMES: usize = 2_048;

/// What the packs in force do not describe.
#[derive(Debug)]
pub(super) struct Uncovered {
    vendors: BTreeMap<VendorId, OfVendor>,
    /// Names that one vendor may have.
    share: usize,
    evictions: u64,
}

#[derive(Debug, Default)]
struct OfVendor {
    readings: u64,
    names: BTreeMap<DomainName, Known>,
}

#[derive(Debug)]
struct Known {
    span: Span,
    count: u64,
    hosts: Vec<HostKey>,
    more_hosts: bool,
}

impl Uncovered {
    /// Nothing yet, for the vendors in force.
    pub(super) fn new(vendors: impl Iterator<Item = VendorId>) -> Self {
        let vendors: BTreeMap<_, _> = vendors.map(|id| (id, OfVendor::default())).collect();
        Self {
            share: MAX_NAMES / vendors.len().max(1),
            vendors,
            evictions: 0,
        }
    }

    /// These vendors are in force, each with whether its pack is the one of before: what another did not describe says
    /// nothing of it. How often names were read goes on being counted.
    pub(super) fn reload(&mut self, vendors: impl Iterator<Item = (VendorId, bool)>) {
        let mut before = std::mem::take(&mut self.vendors);
        for (vendor, is_same) in vendors {
            let mut of_vendor = before.remove(&vendor).unwrap_or_default();
            if !is_same {
                of_vendor.names.clear();
            }
            self.vendors.insert(vendor, of_vendor);
        }
        self.share = MAX_NAMES / self.vendors.len().max(1);
        for of_vendor in self.vendors.values_mut() {
            if of_vendor.names.len() > self.share {
                self.evictions += of_vendor.make_room(self.share);
            }
        }
    }

    /// A worker counted readings of a vendor.
    pub(super) fn count(&mut self, vendor: &VendorId, readings: u64) {
        if let Some(of_vendor) = self.vendors.get_mut(vendor) {
            of_vendor.readings += readings;
        }
    }

    /// Takes a name that a worker reports, with the hosts of its askers.
    pub(super) fn note(&mut self, read: &UncoveredName, hosts: impl Iterator<Item = HostKey>) {
        let Some(of_vendor) = self.vendors.get_mut(&read.vendor) else {
            return;
        };
        if of_vendor.names.len() >= self.share && !of_vendor.names.contains_key(&read.name) {
            self.evictions += of_vendor.make_room(self.share);
        }
        let name = read.name.clone();
        let known = of_vendor.names.entry(name).or_insert_with(|| Known {
            span: read.span,
            count: 0,
            hosts: Vec::new(),
            more_hosts: false,
        });
        known.span.cover(read.span.first);
        known.span.cover(read.span.last);
        known.count += read.count;
        known.more_hosts |= read.more_hosts;
        for host in hosts {
            known.asked_by(host);
        }
    }

    /// Two keys turned out to be one host.
    pub(super) fn join(&mut self, survivor: &HostKey, other: &HostKey) {
        let of_vendors = self.vendors.values_mut();
        for known in of_vendors.flat_map(|of_vendor| of_vendor.names.values_mut()) {
            let before = known.hosts.len();
            known.hosts.retain(|host| host != other);
            if known.hosts.len() < before {
                known.asked_by(survivor.clone());
            }
        }
    }

    /// How often such a name of a vendor was read.
    pub(super) fn readings(&self, vendor: &VendorId) -> u64 {
        self.vendors
            .get(vendor)
            .map_or(0, |of_vendor| of_vendor.readings)
    }

    /// The names: by vendor, then the most read first.
    pub(super) fn views(&self) -> Vec<UncoveredView> {
        let mut views = Vec::new();
        for (vendor, of_vendor) in &self.vendors {
            let mut names: Vec<_> = of_vendor.names.iter().collect();
            // The sort keeps the order by name.
            names.sort_by_key(|(_, known)| std::cmp::Reverse(known.count));
            views.extend(names.into_iter().map(|(name, known)| {
                let mut hosts = known.hosts.clone();
                hosts.sort_unstable();
                UncoveredView {
                    vendor: vendor.clone(),
                    name: name.clone(),
                    count: known.count,
                    hosts,
                    more_hosts: known.more_hosts,
                    first_seen: known.span.first,
                    last_seen: known.span.last,
                }
            }));
        }
        views
    }

    /// Names now, and those that went because their vendor's share was full.
    pub(super) fn stats(&self) -> (u64, u64) {
        let lengths = self.vendors.values().map(|of_vendor| of_vendor.names.len());
        (lengths.sum::<usize>() as u64, self.evictions)
    }
}

impl OfVendor {
    /// Lets a tenth of the names go: what comes again and again stays, what was made up once does not. Says how many went.
    fn make_room(&mut self, share: usize) -> u64 {
        let rank = |name: &DomainName, known: &Known| Rank {
            class: 0,
            standing: Standing::of(known.span),
            last: known.span.last,
            id: name.clone(),
        };
        let before = self.names.len();
        let places = share.saturating_sub((share / 10).max(1));
        let line = Line::draw(
            self.names.iter().map(|(name, known)| rank(name, known)),
            places,
        );
        self.names
            .retain(|name, known| line.keeps(&rank(name, known)));
        (before - self.names.len()) as u64
    }
}

impl Known {
    fn asked_by(&mut self, host: HostKey) {
        if self.hosts.contains(&host) {
            return;
        }
        if self.hosts.len() < MAX_UNCOVERED_HOSTS {
            self.hosts.push(host);
        } else {
            self.more_hosts = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Timestamp;

    fn table() -> (Uncovered, Vec<VendorId>) {
        let ids = (10..30).map(|n| VendorId::parse(&format!("vendor-{n}")).unwrap());
        let vendors: Vec<VendorId> = ids.collect();
        (Uncovered::new(vendors.iter().cloned()), vendors)
    }

    fn host(n: u8) -> HostKey {
        HostKey::from_address([10, 0, 0, n].into())
    }

    fn read(vendor: &VendorId, name: &str, second: i64) -> UncoveredName {
        UncoveredName {
            vendor: vendor.clone(),
            name: DomainName::parse(name).unwrap(),
            span: Span::at(Timestamp::from_unix(second, 0)),
            count: 1,
            hosts: Vec::new(),
            more_hosts: false,
        }
    }

    #[test]
    fn reports_of_a_name_are_summed_up_and_the_most_read_stands_first() {
        let (mut table, vendors) = table();
        table.note(&read(&vendors[0], "a.example", 5), [host(1)].into_iter());
        table.note(&read(&vendors[0], "b.example", 7), [host(2)].into_iter());
        table.note(&read(&vendors[0], "b.example", 6), [host(3)].into_iter());
        table.count(&vendors[0], 3);
        let views = table.views();
        let told: Vec<_> = views
            .iter()
            .map(|view| (view.name.as_str(), view.count, view.hosts.as_slice()))
            .collect();
        assert_eq!(
            told,
            [
                ("b.example", 2, &[host(2), host(3)][..]),
                ("a.example", 1, &[host(1)][..])
            ]
        );
        let [first, last] = [6, 7].map(|second| Timestamp::from_unix(second, 0));
        assert_eq!((views[0].first_seen, views[0].last_seen), (first, last));
        assert_eq!(table.readings(&vendors[0]), 3);
        table.join(&host(2), &host(3));
        assert_eq!(table.views()[0].hosts, [host(2)]);
    }

    #[test]
    fn hosts_beyond_some_are_only_told_of() {
        let (mut table, vendors) = table();
        table.note(&read(&vendors[0], "a.example", 5), (0..20).map(host));
        let view = table.views().remove(0);
        assert_eq!(
            (view.hosts.len(), view.more_hosts),
            (MAX_UNCOVERED_HOSTS, true)
        );
    }

    #[test]
    fn a_flood_leaves_others_their_share_and_pushes_out_nothing_that_comes_again() {
        let (mut table, vendors) = table();
        let nobody = || std::iter::empty();
        table.note(&read(&vendors[1], "other.example", 0), nobody());
        for n in 0..20_000 {
            // It comes again before as many were made up as half of the share.
            if n % 5_000 == 0 || n == 10 {
                table.note(&read(&vendors[0], "real.example", n), nobody());
            }
            table.note(&read(&vendors[0], &format!("x{n}.example"), n), nobody());
        }
        let share = MAX_NAMES / vendors.len();
        let (names, evictions) = table.stats();
        assert!(names <= share as u64 + 1, "{names}");
        assert!(evictions >= 20_000 - share as u64);
        let views = table.views();
        assert_eq!(
            (views[0].name.as_str(), views[0].count),
            ("real.example", 5)
        );
        assert_eq!(views.last().unwrap().name.as_str(), "other.example");
    }
}
