//! Addresses: when each was seen, and which device has it.

use std::net::IpAddr;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use hashbrown::HashMap;

use super::claimants::{Claimant, Senders};
use super::standing;
use crate::model::{HostKey, Line, Mac, Timestamp};

/// Addresses kept at once: about 150 bytes each, as many again where something was put down to it, so 17 MiB. More local
/// addresses than this behind one sensor are spoofed.
/// Just below what makes the table take twice the memory, as are the other caps of hash tables here.
pub const MAX_ADDRESSES: usize = 57_344;
/// For how long the owner of an address must not have been heard before another's own word takes it over.
const QUIET: Duration = Duration::from_secs(600);
/// For how long a server's word holds at most against everybody's but a server's.
const LEASE_HOLDS: Duration = Duration::from_secs(86_400);

/// On what it rests that an address is a device's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// A server confirmed it until then.
    Lease(Timestamp),
    /// The device said so itself, on the link.
    OwnWord,
    /// A frame of the device carried a packet of the address, on the link.
    Frame,
}

/// What came of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Claimed {
    /// The address had no owner.
    First,
    /// The owner has it still.
    Again,
    /// It was another one's, with this hardware address.
    TakenOver(Mac),
    /// Another one has it.
    Refused,
    /// Older than what is known.
    Late,
}

/// What is known of an address.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// First and latest packet.
    pub first: Timestamp,
    pub last: Timestamp,
    /// The device that has it.
    pub owner: Option<Owner>,
    /// Since when its packets come through a router, if they do.
    pub forwarded: Option<Timestamp>,
    /// Whether anything strong was put down to it.
    pub used: bool,
    /// When it was first in contact with a vendor.
    pub contact: Option<Timestamp>,
    /// Kept apart, because of most addresses there is none of it, and read as if it stood here: each presence looks an entry
    /// up, and what is small stays in the processor's caches.
    keyed: Option<Box<Keyed>>,
}

/// What an address has to which something was put down, or which several devices use.
#[derive(Clone, Debug, Default)]
pub(super) struct Keyed {
    /// The key of the device that has it, where that was known by the address alone.
    pub by_address: Option<HostKey>,
    /// From where the packets came that were put down to that key.
    pub senders: Senders,
    /// The key of what came while nobody could say from whom of several devices.
    pub open: Option<HostKey>,
    /// Other devices that use it.
    pub claimants: Vec<Claimant>,
    /// Whether more than one device was proven to have it, then or later.
    pub several: bool,
    /// How many keys were made of it.
    pub generation: u16,
    /// Whether a device that had it was known by it.
    pub was_key: bool,
    /// Who had it before its owner: hardware address, key, until when.
    pub former: Option<(Mac, HostKey, Timestamp)>,
}

/// Of an address that has none.
static NOTHING: Keyed = Keyed {
    by_address: None,
    senders: Senders::Unknown,
    open: None,
    claimants: Vec::new(),
    several: false,
    generation: 0,
    was_key: false,
    former: None,
};

impl Deref for Entry {
    type Target = Keyed;

    fn deref(&self) -> &Keyed {
        self.keyed.as_deref().unwrap_or(&NOTHING)
    }
}

impl DerefMut for Entry {
    fn deref_mut(&mut self) -> &mut Keyed {
        self.keyed.get_or_insert_default()
    }
}

/// The device that has an address.
#[derive(Clone, Copy, Debug)]
pub(super) struct Owner {
    pub mac: Mac,
    pub from: Timestamp,
    last: Timestamp,
    pub lease_until: Timestamp,
}

/// All addresses.
#[derive(Debug, Default)]
pub(super) struct Addresses {
    /// Each by itself: the table of a large site stays small enough to look into, and growing moves none of them.
    entries: HashMap<IpAddr, Box<Entry>>,
    evictions: u64,
}

impl Addresses {
    /// Notes a packet.
    pub(super) fn see(&mut self, address: IpAddr, time: Timestamp) -> &mut Entry {
        let entry = self.at(address);
        entry.first = entry.first.min(time);
        entry.last = entry.last.max(time);
        entry
    }

    /// The entry of an address, made if it is new; of one that was only spoken of no packet is known.
    pub(super) fn at(&mut self, address: IpAddr) -> &mut Entry {
        if self.entries.len() >= MAX_ADDRESSES && !self.entries.contains_key(&address) {
            self.make_room();
        }
        self.entries.entry(address).or_insert_with(|| {
            Box::new(Entry {
                first: Timestamp::MAX,
                last: Timestamp::MIN,
                owner: None,
                forwarded: None,
                used: false,
                contact: None,
                keyed: None,
            })
        })
    }

    pub(super) fn get(&self, address: IpAddr) -> Option<&Entry> {
        self.entries.get(&address).map(Box::as_ref)
    }

    pub(super) fn get_mut(&mut self, address: IpAddr) -> Option<&mut Entry> {
        self.entries.get_mut(&address).map(Box::as_mut)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&IpAddr, &Entry)> {
        let entries = self.entries.iter();
        entries.map(|(address, entry)| (address, entry.as_ref()))
    }

    /// Addresses now, and those forgotten.
    pub(super) fn stats(&self) -> (u64, u64) {
        (self.entries.len() as u64, self.evictions)
    }

    /// Forgets a tenth at once, so that a flood does not sort the table each time: those without a contact first, those to
    /// which nothing strong was put down before them. Of one class half of those that stay are known for longest, half were
    /// heard last.
    fn make_room(&mut self) {
        let rank = |address: &IpAddr, entry: &Entry| {
            standing::rank(entry.used, entry.contact, entry.last, *address)
        };
        let ranks = self
            .entries
            .iter()
            .map(|(address, entry)| rank(address, entry));
        let line = Line::draw(ranks, MAX_ADDRESSES - MAX_ADDRESSES / 10);
        let before = self.entries.len();
        self.entries
            .retain(|address, entry| line.keeps(&rank(address, entry)));
        self.evictions += (before - self.entries.len()) as u64;
    }
}

impl Entry {
    /// Whether nothing is known of it but when it was seen: whoever sends from it has the first key of the address.
    pub(super) fn is_bare(&self) -> bool {
        self.owner.is_none() && self.keyed.is_none()
    }

    /// A device claims the address. Another one's is taken over by a server's word at once, by its own word once the owner
    /// was silent and its lease has run out, and never by a frame: two that claim it in turn are in conflict.
    pub(super) fn claim(&mut self, mac: Mac, proof: Proof, time: Timestamp) -> Claimed {
        let lease_until = match proof {
            Proof::Lease(until) => until.min(time.after(LEASE_HOLDS)),
            Proof::OwnWord | Proof::Frame => Timestamp::MIN,
        };
        let owner = Owner {
            mac,
            from: time,
            last: time,
            lease_until,
        };
        let Some(known) = &mut self.owner else {
            self.owner = Some(owner);
            return Claimed::First;
        };
        if known.mac == mac {
            known.last = known.last.max(time);
            known.lease_until = known.lease_until.max(lease_until);
            return Claimed::Again;
        }
        if time < known.from {
            return Claimed::Late;
        }
        let is_free = time > known.last.after(QUIET) && time > known.lease_until;
        match proof {
            Proof::Lease(_) => {}
            Proof::OwnWord if is_free => {}
            Proof::OwnWord | Proof::Frame => return Claimed::Refused,
        }
        let former = known.mac;
        *known = owner;
        Claimed::TakenOver(former)
    }

    /// The owner gives it back: whoever speaks of it next has it.
    pub(super) fn release(&mut self, mac: Mac) {
        if let Some(owner) = self.owner.as_mut().filter(|owner| owner.mac == mac) {
            owner.last = Timestamp::MIN;
            owner.lease_until = Timestamp::MIN;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_changes_hands_by_proof_only() {
        let [a, b] = [1, 2].map(|last| Mac::new([2, 0, 0, 0, 0, last]));
        let at = |second| Timestamp::from_unix(second, 0);
        let lease = |until| Proof::Lease(at(until));
        for (before, proof, second, expected) in [
            (Proof::OwnWord, Proof::OwnWord, 700, Claimed::TakenOver(a)),
            (Proof::OwnWord, Proof::OwnWord, 500, Claimed::Refused),
            (Proof::OwnWord, Proof::Frame, 700, Claimed::Refused),
            (Proof::OwnWord, lease(900), 1, Claimed::TakenOver(a)),
            (lease(3_600), Proof::OwnWord, 700, Claimed::Refused),
            (lease(3_600), Proof::OwnWord, 3_601, Claimed::TakenOver(a)),
            (
                lease(999_999),
                Proof::OwnWord,
                86_401,
                Claimed::TakenOver(a),
            ),
            (Proof::OwnWord, Proof::OwnWord, -1, Claimed::Late),
        ] {
            let mut addresses = Addresses::default();
            let entry = addresses.see([10, 0, 0, 1].into(), at(0));
            assert_eq!(entry.claim(a, before, at(0)), Claimed::First);
            assert_eq!(entry.claim(b, proof, at(second)), expected, "{before:?}");
        }
    }

    #[test]
    fn what_was_given_back_is_free() {
        let [a, b] = [1, 2].map(|last| Mac::new([2, 0, 0, 0, 0, last]));
        let at = |second| Timestamp::from_unix(second, 0);
        let mut addresses = Addresses::default();
        let entry = addresses.see([10, 0, 0, 1].into(), at(0));
        entry.claim(a, Proof::Lease(at(3_600)), at(0));
        entry.release(b);
        assert_eq!(entry.claim(b, Proof::OwnWord, at(5)), Claimed::Refused);
        entry.release(a);
        assert_eq!(entry.claim(b, Proof::OwnWord, at(6)), Claimed::TakenOver(a));
    }

    #[test]
    fn a_flood_of_addresses_is_bounded_and_counted() {
        let mut addresses = Addresses::default();
        let total = MAX_ADDRESSES as u32 + 1_000;
        for n in 0..total {
            let address = std::net::Ipv4Addr::from(n).into();
            let entry = addresses.see(address, Timestamp::from_unix(i64::from(n), 0));
            entry.used = n == 7;
        }
        let (entries, evictions) = addresses.stats();
        assert!(entries <= MAX_ADDRESSES as u64);
        assert_eq!(entries + evictions, u64::from(total));
        assert!(addresses.get([0, 0, 0, 7].into()).is_some());
        assert!(addresses.get([0, 0, 0, 8].into()).is_none());
    }
}
