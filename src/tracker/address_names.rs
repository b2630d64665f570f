//! Which addresses were seen with which name: one that serves several tells nothing about a flow without a name.

use std::net::IpAddr;
use std::time::Duration;

use super::digest::Digest;
use crate::model::{Match, Name, Timestamp};

/// Addresses remembered, 48 bytes each, so 3 MiB. One that finds its place taken overwrites it.
const PLACES: usize = 65_536;
/// How long it is remembered.
const MEMORY: Duration = Duration::from_secs(24 * 3600);

/// A name, or the service that a rule matches it to: the names of one service are one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Owner(u64);

impl Owner {
    /// Of a name and the rule that matches it.
    pub(super) fn of(name: Name<'_>, matched: Option<&Match>) -> Self {
        let digest = match matched {
            Some(matched) => Digest::new(1)
                .bytes(matched.service.vendor.as_str().as_bytes())
                .bytes(matched.service.id.as_str().as_bytes()),
            None => Digest::new(0).bytes(name.as_str().as_bytes()),
        };
        Self(digest.value())
    }
}

/// What is remembered.
#[derive(Debug)]
pub(super) struct AddressNames(Vec<Option<Place>>);

#[derive(Clone, Copy, Debug)]
struct Place {
    address: IpAddr,
    /// `None` once there were several.
    owner: Option<Owner>,
    time: Timestamp,
}

impl Default for AddressNames {
    fn default() -> Self {
        Self(vec![None; PLACES])
    }
}

impl AddressNames {
    /// An address was seen with a name.
    pub(super) fn note(&mut self, address: IpAddr, owner: Owner, time: Timestamp) {
        let place = &mut self.0[place(address)];
        match place {
            Some(known) if known.address == address && time.since(known.time) <= MEMORY => {
                if known.owner != Some(owner) {
                    known.owner = None;
                }
                known.time = known.time.max(time);
            }
            _ => {
                *place = Some(Place {
                    address,
                    owner: Some(owner),
                    time,
                });
            }
        }
    }

    /// Whether an address was seen with another name than this.
    pub(super) fn shared(&self, address: IpAddr, owner: Owner, time: Timestamp) -> bool {
        self.0[place(address)].is_some_and(|known| {
            known.address == address
                && time.since(known.time) <= MEMORY
                && known.owner != Some(owner)
        })
    }
}

fn place(address: IpAddr) -> usize {
    Digest::new(0).address(address).place(PLACES)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::DomainName;

    #[test]
    fn a_second_name_makes_an_address_shared() {
        let owner = |name: &str| Owner::of(DomainName::parse(name).unwrap().as_name(), None);
        let (ours, other) = (owner("a.example"), owner("b.example"));
        let address = IpAddr::from([198, 51, 100, 7]);
        let at = |second| Timestamp::from_unix(second, 0);
        let mut names = AddressNames::default();
        assert!(!names.shared(address, ours, at(0)));
        names.note(address, ours, at(0));
        assert!(!names.shared(address, ours, at(0)) && names.shared(address, other, at(0)));
        names.note(address, other, at(10));
        assert!(names.shared(address, ours, at(10)));
        // After a day without it nothing is known any more.
        assert!(!names.shared(address, ours, at(86_411)));
        names.note(address, ours, at(86_411));
        assert!(!names.shared(address, ours, at(86_411)));
    }
}
