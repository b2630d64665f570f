//! Rows of the inventory that name a device by its address, where more than one device is proven to have had it.
//!
//! A row says who has an address, not when. So as soon as two devices are proven at it, it names none of them, for it cannot
//! be both, and the host that had its id goes by its hardware address; the id stays as an older key. Rows that name a
//! hardware address are never in dispute.

use std::net::IpAddr;

use super::Hosts;
use crate::model::{Dispute, HostKey, Mac};

impl Hosts {
    /// The inventory's id of who has an address. Its hardware address says more than its address, and a row names by the
    /// address only where no hardware address speaks against it.
    pub(super) fn listed(&self, address: IpAddr, mac: Option<Mac>) -> Option<HostKey> {
        let by_mac = mac.and_then(|mac| self.inventory.by_mac(mac));
        let by_address = || {
            let several = self
                .addresses
                .get(address)
                .is_some_and(|entry| entry.several);
            self.inventory
                .by_address(address)
                .filter(|row| !several && row.may_be_of(mac))
                .map(|row| row.listed.as_ref())
        };
        let listed = by_mac.or_else(by_address)?;
        self.is_free(&listed.id).then(|| listed.id.clone())
    }

    /// Whether an id of the inventory may become a key: one that another device had before stays that one's older key.
    pub(super) fn is_free(&self, id: &HostKey) -> bool {
        self.register.canonical(id) == id
    }

    /// More than one device was proven to have an address: a row names none of them by it.
    pub(super) fn several_at(&mut self, address: IpAddr) {
        self.addresses.at(address).several = true;
        self.dispute(address);
    }

    /// Takes the id of a disputed row from a host that has it by nothing else.
    pub(super) fn dispute(&mut self, address: IpAddr) {
        let Some(row) = self.inventory.by_address(address) else {
            return;
        };
        let id = row.listed.id.clone();
        let Some(record) = self.register.get(&id).filter(|_| self.is_free(&id)) else {
            return;
        };
        let mut macs = record.macs.iter();
        if let (Some(&mac), None) = (macs.next(), macs.next())
            && self.inventory.by_mac(mac).is_none()
            && row.may_be_of(None)
        {
            self.register.rename(&id, &HostKey::from_mac(mac));
        }
    }

    /// Rows in dispute, sorted.
    pub fn disputes(&self) -> Vec<Dispute> {
        let mut disputes: Vec<Dispute> = self
            .inventory
            .rows_by_address()
            .filter(|(address, row)| {
                let entry = self.addresses.get(**address);
                entry.is_some_and(|entry| {
                    let owner = entry.owner.map(|owner| owner.mac);
                    let is_other = owner.is_some_and(|mac| {
                        !row.may_be_of(Some(mac)) && !self.devices.fronts_others(mac)
                    });
                    is_other || (entry.several && row.may_be_of(None))
                })
            })
            .map(|(_, row)| Dispute { line: row.line })
            .collect();
        disputes.sort_unstable();
        disputes
    }
}
