//! Names under a vendor's domains that no service describes, counted and rolled up until they are handed over.
//!
//! Whoever makes up names under one vendor's domains fills that vendor's share of the table and no other's. The count of
//! readings is exact all the same.

use std::collections::BTreeMap;

use crate::model::{
    Asker, DomainName, MAX_UNCOVERED_HOSTS, Name, Pack, Span, Uncovered, UncoveredName, VendorId,
};

/// Names between two batches, of all vendors together: a site has some dozen. At most 700 bytes each, so 3 MiB.
const MAX_NAMES: usize = 4_096;

/// What the ledger was not told yet.
#[derive(Debug)]
pub(super) struct UncoveredNames {
    /// In the order of the packs in force.
    vendors: Vec<OfVendor>,
    /// Names that one vendor may have.
    share: usize,
    refused: u64,
}

#[derive(Debug)]
struct OfVendor {
    vendor: VendorId,
    readings: u64,
    names: BTreeMap<DomainName, Asked>,
}

/// How a name was asked for.
#[derive(Debug)]
struct Asked {
    span: Span,
    count: u64,
    hosts: Vec<Asker>,
    more_hosts: bool,
}

impl UncoveredNames {
    /// An empty table for the packs in force.
    pub(super) fn new(packs: &[Pack]) -> Self {
        Self {
            vendors: packs
                .iter()
                .map(|pack| OfVendor {
                    vendor: pack.vendor.clone(),
                    readings: 0,
                    names: BTreeMap::new(),
                })
                .collect(),
            share: MAX_NAMES / packs.len().max(1),
            refused: 0,
        }
    }

    /// Other packs are in force; what was noted was handed over.
    pub(super) fn reload(&mut self, packs: &[Pack]) {
        *self = Self {
            refused: self.refused,
            ..Self::new(packs)
        };
    }

    /// A host asked for a name that is a gap of these packs. Allocates for a name's first reading in a batch, and for its
    /// hosts.
    pub(super) fn note(&mut self, gap_of: &[usize], name: Name<'_>, asker: Asker) {
        for &at in gap_of {
            let Some(of_vendor) = self.vendors.get_mut(at) else {
                continue;
            };
            of_vendor.readings += 1;
            if let Some(asked) = of_vendor.names.get_mut(name.as_str()) {
                asked.note(asker);
            } else if of_vendor.names.len() < self.share {
                let asked = Asked::first(asker);
                of_vendor.names.insert(name.to_owned(), asked);
            } else {
                self.refused += 1;
            }
        }
    }

    /// Names in the table.
    pub(super) fn len(&self) -> u64 {
        let lengths = self.vendors.iter().map(|of_vendor| of_vendor.names.len());
        lengths.sum::<usize>() as u64
    }

    /// Readings of names that found no place; they are counted.
    pub(super) fn refused(&self) -> u64 {
        self.refused
    }

    /// Hands everything over.
    pub(super) fn take(&mut self) -> Uncovered {
        let mut taken = Uncovered::default();
        for of_vendor in &mut self.vendors {
            let readings = std::mem::take(&mut of_vendor.readings);
            if readings == 0 {
                continue;
            }
            let vendor = &of_vendor.vendor;
            taken.readings.push((vendor.clone(), readings));
            let names = std::mem::take(&mut of_vendor.names).into_iter();
            taken.names.extend(names.map(|(name, asked)| UncoveredName {
                vendor: vendor.clone(),
                name,
                span: asked.span,
                count: asked.count,
                hosts: asked.hosts,
                more_hosts: asked.more_hosts,
            }));
        }
        taken
    }
}

impl Asked {
    fn first(asker: Asker) -> Self {
        Self {
            span: Span::at(asker.time),
            count: 1,
            hosts: vec![asker],
            more_hosts: false,
        }
    }

    fn note(&mut self, asker: Asker) {
        self.span.cover(asker.time);
        self.count += 1;
        // One address behind two hardware addresses may be two hosts: that is for the ledger to say.
        let is_known = |known: &Asker| (known.host, known.mac) == (asker.host, asker.mac);
        if self.hosts.iter().any(is_known) {
            return;
        }
        if self.hosts.len() < MAX_UNCOVERED_HOSTS {
            self.hosts.push(asker);
        } else {
            self.more_hosts = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Timestamp;
    use crate::rules::Library;

    fn asker(host: u8, second: i64) -> Asker {
        Asker {
            host: [10, 0, 0, host].into(),
            mac: None,
            time: Timestamp::from_unix(second, 0),
        }
    }

    fn names() -> UncoveredNames {
        let library = Library::load(None).unwrap();
        UncoveredNames::new(&library.compile(|_| true).packs)
    }

    fn note(names: &mut UncoveredNames, vendors: &[usize], name: &str, asker: Asker) {
        let name = DomainName::parse(name).unwrap();
        names.note(vendors, name.as_name(), asker);
    }

    #[test]
    fn readings_of_a_name_are_one_record() {
        let mut names = names();
        for (host, second) in [(1, 10), (2, 5), (1, 20)] {
            note(&mut names, &[0, 2], "a.example", asker(host, second));
        }
        assert_eq!(names.len(), 2);
        let taken = names.take();
        assert_eq!((taken.readings.len(), taken.names.len()), (2, 2));
        assert_eq!(taken.readings[0].1, 3);
        let name = &taken.names[0];
        assert_eq!(
            (name.count, name.hosts.as_slice(), name.more_hosts),
            (3, &[asker(1, 10), asker(2, 5)][..], false)
        );
        let [first, last] = [5, 20].map(|second| Timestamp::from_unix(second, 0));
        assert_eq!(name.span, Span { first, last });
        assert_eq!((names.len(), names.take().names.len()), (0, 0));
    }

    #[test]
    fn hosts_beyond_some_are_only_told_of() {
        let mut names = names();
        for host in 0..20 {
            note(&mut names, &[0], "a.example", asker(host, 1));
        }
        let name = names.take().names.remove(0);
        assert_eq!(
            (name.count, name.hosts.len(), name.more_hosts),
            (20, MAX_UNCOVERED_HOSTS, true)
        );
    }

    #[test]
    fn a_flood_is_bounded_counted_and_leaves_others_their_share() {
        let mut names = names();
        for n in 0..10_000 {
            note(&mut names, &[0], &format!("x{n}.example"), asker(1, 1));
        }
        note(&mut names, &[1], "a.example", asker(2, 1));
        let share = MAX_NAMES / names.vendors.len();
        assert_eq!(
            (names.len(), names.refused()),
            (share as u64 + 1, 10_000 - share as u64)
        );
        let taken = names.take();
        assert_eq!(taken.readings[0].1, 10_000);
        assert_eq!(taken.names.last().unwrap().name.as_str(), "a.example");
    }
}
