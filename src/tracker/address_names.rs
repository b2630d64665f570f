//! Which addresses were seen with which name: one that serves several tells nothing about a flow without a name.

use std::net::IpAddr;
use std::time::Duration;

use super::digest::Digest;
use crate::model::{Match, Name, Timestamp};

/// Addresses remembered, 24 bytes each, so 1.5 MiB. One that finds its place taken overwrites it.
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
            None => Digest::new(0).bytes(name.as_bytes()),
        };
        Self(digest.value())
    }
}

/// Two or more.
const SEVERAL: Owner = Owner(0);

/// What is remembered.
#[derive(Debug)]
pub(super) struct AddressNames(Vec<Place>);

/// The table is looked at for each address of each answer, so it has to be small: a digest stands for the address.
#[derive(Clone, Copy, Debug)]
struct Place {
    address: u64,
    owner: Owner,
    time: Timestamp,
}

impl Default for AddressNames {
    fn default() -> Self {
        let nothing = Place {
            address: 0,
            owner: SEVERAL,
            time: Timestamp::MIN,
        };
        Self(vec![nothing; PLACES])
    }
}

impl AddressNames {
    /// An address was seen with a name.
    pub(super) fn note(&mut self, address: IpAddr, owner: Owner, time: Timestamp) {
        let digest = Digest::new(0).address(address);
        let known = &mut self.0[digest.place(PLACES)];
        if known.address == digest.value() && time.since(known.time) <= MEMORY {
            if known.owner != owner {
                known.owner = SEVERAL;
            }
            known.time = known.time.max(time);
        } else {
            *known = Place {
                address: digest.value(),
                owner,
                time,
            };
        }
    }

    /// Whether an address was seen with another name than this.
    pub(super) fn shared(&self, address: IpAddr, owner: Owner, time: Timestamp) -> bool {
        let digest = Digest::new(0).address(address);
        let known = self.0[digest.place(PLACES)];
        known.address == digest.value() && time.since(known.time) <= MEMORY && known.owner != owner
    }
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
