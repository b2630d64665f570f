//! Several devices at one address: the same private address in two VLANs, or one configured twice.
//!
//! One device has an address; who else uses it is kept beside it. A packet whose frame came from one of them is that one's,
//! if it said itself that it has the address. Of others nothing but the address is known, so they are hosts of their own by
//! it: bonded interfaces send from several hardware addresses too. Frames tell this only where the network is known to be on
//! the link, and never those of a device that fronts others.

use std::net::IpAddr;
use std::time::Duration;

use super::Hosts;
use super::addresses::Entry;
use super::resolve::{Made, Place, Whose};
use crate::model::{HostKey, Mac, Timestamp};

/// Devices kept beside the one that has an address; of more the one heard longest ago goes.
const MAX_CLAIMANTS: usize = 4;
/// For how long after another's own word it is open whose a packet is that does not tell who sent it: ARP is repeated far
/// more often.
const OPEN: Duration = Duration::from_secs(3_600);

/// A device that uses an address which another one has.
#[derive(Clone, Debug)]
pub(super) struct Claimant {
    pub mac: Mac,
    /// Since when it is proven by more than frames.
    pub proven: Option<Timestamp>,
    /// Its latest own word against the one that has the address.
    claimed: Timestamp,
    /// Its key, where it is known by the address alone.
    pub by_address: Option<HostKey>,
    last: Timestamp,
}

/// From which hardware addresses the packets came that were put down to an address before it had an owner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Senders {
    /// They did not tell.
    #[default]
    Unknown,
    /// All that told.
    One(Mac),
    /// More than one.
    Several,
}

impl Senders {
    /// Notes that a packet was put down to the address.
    pub(super) fn note(&mut self, mac: Option<Mac>) {
        *self = match (*self, mac) {
            (known, None) => known,
            (Self::Unknown, Some(mac)) => Self::One(mac),
            (Self::One(known), Some(mac)) if known == mac => *self,
            (_, Some(_)) => Self::Several,
        };
    }
}

impl Entry {
    /// A device that uses the address beside its owner, made if it is new.
    pub(super) fn claimant_at(&mut self, mac: Mac, time: Timestamp) -> &mut Claimant {
        let known = self.claimants.iter().position(|known| known.mac == mac);
        let at = known.unwrap_or_else(|| {
            if self.claimants.len() >= MAX_CLAIMANTS {
                let times = self.claimants.iter().map(|known| known.last).zip(0..);
                if let Some((_, oldest)) = times.min() {
                    self.claimants.remove(oldest);
                }
            }
            self.claimants.push(Claimant {
                mac,
                proven: None,
                claimed: Timestamp::MIN,
                by_address: None,
                last: time,
            });
            self.claimants.len() - 1
        });
        let claimant = &mut self.claimants[at];
        claimant.last = claimant.last.max(time);
        claimant
    }

    pub(super) fn claimant(&self, mac: Mac) -> Option<&Claimant> {
        self.claimants.iter().find(|known| known.mac == mac)
    }

    /// It has the address now, or is no more beside the one that has.
    pub(super) fn take_claimant(&mut self, mac: Mac) -> Option<Claimant> {
        let at = self.claimants.iter().position(|known| known.mac == mac)?;
        Some(self.claimants.remove(at))
    }

    /// Which device had it at an instant, as far as it is known now who had it last.
    fn holder(&self, at: Timestamp) -> Option<Mac> {
        match self.former {
            Some((mac, _, until)) if at < until => Some(mac),
            _ => self.owner.map(|owner| owner.mac),
        }
    }
}

impl Hosts {
    /// A device says that it has an address which is another one's.
    pub(super) fn refused(&mut self, address: IpAddr, mac: Mac, time: Timestamp) {
        self.conflicts += 1;
        let claimant = self.addresses.at(address).claimant_at(mac, time);
        claimant.claimed = claimant.claimed.max(time);
        let is_first = claimant.proven.is_none();
        claimant.proven.get_or_insert(time);
        if let Some(key) = claimant.by_address.clone().filter(|_| is_first) {
            self.tie(address, mac, &key);
        }
        self.several_at(address);
    }

    /// Whose a packet was that came from this hardware address, where that is not who had the address.
    pub(super) fn beside(
        &self,
        entry: &Entry,
        address: IpAddr,
        at: Timestamp,
        mac: Mac,
    ) -> Option<Whose> {
        let holder = entry.holder(at)?;
        if holder == mac
            || [holder, mac]
                .iter()
                .any(|&it| self.devices.fronts_others(it))
            || !self.attached.contains(address, Timestamp::MAX)
        {
            return None;
        }
        let again = || HostKey::from_address_again(address, entry.generation + 1);
        let claimant = entry.claimant(mac);
        let by_address = claimant.and_then(|claimant| claimant.by_address.clone());
        // Who took it over later sent before it said so.
        let took_over = entry
            .owner
            .filter(|owner| owner.mac == mac)
            .map(|owner| owner.from);
        let proven = claimant.and_then(|claimant| claimant.proven).or(took_over);
        let is_proven = proven.is_some_and(|since| since <= at) || took_over.is_some();
        let by_mac = || self.devices.get(mac)?.key.clone();
        let known = by_address.or_else(|| by_mac().filter(|_| is_proven));
        let (key, made) = match known {
            Some(key) => (key, Made::Known),
            None if is_proven && !entry.was_key => (HostKey::from_mac(mac), Made::ByMac),
            None if is_proven => (again(), Made::ByMacAgain),
            None => (again(), Made::ByAddress),
        };
        Some(Whose {
            key,
            made,
            mac: Some(mac).filter(|_| is_proven),
            likely: Some(mac).filter(|_| proven.is_some()),
            place: Place::Beside(mac),
        })
    }

    /// Whether nobody can say whose a packet was that does not tell who sent it: another device said that the address is
    /// its own, and no server's word stands against that.
    pub(super) fn is_open(&self, entry: &Entry, at: Timestamp) -> bool {
        let is_leased = entry.owner.is_some_and(|owner| at <= owner.lease_until);
        !is_leased
            && entry.claimants.iter().any(|claimant| {
                claimant.proven.is_some_and(|since| since <= at)
                    && at <= claimant.claimed.after(OPEN)
                    && !self.devices.fronts_others(claimant.mac)
            })
    }
}

impl Hosts {
    /// An address of which something was put down to `key` has its first owner: that is the same host, unless the packets
    /// came from another device.
    pub(super) fn first_owner(
        &mut self,
        address: IpAddr,
        mac: Mac,
        time: Timestamp,
        key: &HostKey,
    ) {
        // Elsewhere frames tell nothing, for or against.
        let is_here = self.attached.contains(address, Timestamp::MAX);
        let entry = self.addresses.at(address);
        match entry.senders {
            _ if !is_here => self.tie(address, mac, key),
            Senders::One(other) if other != mac && !self.devices.fronts_others(other) => {
                entry.by_address = None;
                entry.claimant_at(other, time).by_address = Some(key.clone());
            }
            // Of both of them, and nobody can part it any more.
            Senders::Several => entry.by_address = None,
            Senders::Unknown | Senders::One(_) => self.tie(address, mac, key),
        }
    }

    /// An address went from one device, with this key, to another. Packets of the former one may still come.
    pub(super) fn handed_over(
        &mut self,
        address: IpAddr,
        former: (Mac, HostKey),
        mac: Mac,
        time: Timestamp,
    ) {
        let (former, key) = former;
        let (announced, model) = self.names.take(address);
        let said = self.said_by(former);
        let name = said.name.or(announced.map(|name| name.to_string()));
        self.register.was_called(&key, name, said.device.or(model));
        self.register.gave_up(&key, address, time);
        let entry = self.addresses.at(address);
        let claimant = entry.take_claimant(mac);
        let by_address = claimant.and_then(|claimant| claimant.by_address);
        let former_key = std::mem::replace(&mut entry.by_address, by_address.clone());
        let kept = entry.claimant_at(former, time);
        kept.by_address = former_key;
        kept.proven = Some(Timestamp::MIN);
        entry.former = Some((former, key, time));
        entry.senders = Senders::One(mac);
        if let Some(key) = by_address {
            self.tie(address, mac, &key);
        }
        self.several_at(address);
    }
}
