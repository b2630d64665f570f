//! The inventory: who devices are, as their owners wrote it down.

mod reading;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use super::Hosts;

use crate::model::{HostKey, Mac, Timestamp};
pub use reading::InventoryError;

/// What the inventory says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    by_mac: HashMap<Mac, Arc<Listed>>,
    by_address: HashMap<IpAddr, AddressRow>,
    by_id: HashMap<HostKey, Arc<Listed>>,
}

/// A row that has an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AddressRow {
    pub listed: Arc<Listed>,
    /// Its line in the file.
    pub line: u64,
    /// The hardware address beside it.
    mac: Option<Mac>,
}

impl AddressRow {
    /// Whether nothing in the row speaks against this hardware address, or none.
    pub(super) fn may_be_of(&self, mac: Option<Mac>) -> bool {
        match mac {
            Some(mac) => self.mac.is_none_or(|own| own == mac),
            None => self.mac.is_none(),
        }
    }
}

/// A device of the inventory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its key: the id as written, or `inv-` and its name.
    pub id: HostKey,
    /// Its name.
    pub name: Option<String>,
    /// Whose it is.
    pub owner: Option<String>,
    /// Where it is.
    pub site: Option<String>,
}

impl Inventory {
    /// Who has this hardware address.
    pub fn by_mac(&self, mac: Mac) -> Option<&Listed> {
        self.by_mac.get(&mac).map(AsRef::as_ref)
    }

    /// The row of this address.
    pub(super) fn by_address(&self, address: IpAddr) -> Option<&AddressRow> {
        self.by_address.get(&address)
    }

    /// All rows that have an address.
    pub(super) fn rows_by_address(&self) -> impl Iterator<Item = (&IpAddr, &AddressRow)> {
        self.by_address.iter()
    }

    /// The device with this key.
    pub fn by_id(&self, id: &HostKey) -> Option<&Listed> {
        self.by_id.get(id).map(AsRef::as_ref)
    }

    /// Whether a key is the inventory's.
    pub fn has_id(&self, id: &HostKey) -> bool {
        self.by_id.contains_key(id)
    }
}

impl Hosts {
    /// Puts an inventory in force. Hosts that it names get its key, and the keys that they had become aliases. A key of an
    /// earlier one stays with the hosts that have it, unless the new one names them otherwise.
    pub(super) fn set_inventory(&mut self, inventory: Inventory) {
        self.inventory = inventory;
        let listed: Vec<(HostKey, HostKey)> = self
            .inventory
            .by_mac
            .iter()
            .filter(|(mac, _)| !self.devices.fronts_others(**mac))
            .filter_map(|(mac, listed)| {
                Some((listed.id.clone(), self.devices.get(*mac)?.key.clone()?))
            })
            .chain(
                self.inventory
                    .by_address
                    .iter()
                    .filter_map(|(address, row)| {
                        let entry = self.addresses.get(*address)?;
                        let mac = self.owner(*address, Timestamp::MAX);
                        let by_mac = || self.devices.get(mac?)?.key.clone();
                        let key = entry.by_address.clone().or_else(by_mac)?;
                        let names_it = !entry.several && row.may_be_of(mac);
                        names_it.then(|| (row.listed.id.clone(), key))
                    }),
            )
            .collect();
        let mut listed = listed;
        listed.sort();
        for (id, key) in listed {
            if !self.inventory.has_id(self.register.canonical(&key))
                && self.register.get(&key).is_some()
                && self.is_free(&id)
            {
                self.register.join(&id, &key);
            }
        }
        let addresses: Vec<IpAddr> = self.inventory.by_address.keys().copied().collect();
        for address in addresses {
            if self
                .addresses
                .get(address)
                .is_some_and(|entry| entry.several)
            {
                self.dispute(address);
            }
        }
        for id in self.inventory.by_id.keys() {
            if self.register.get(id).is_some() {
                self.register.changed(id);
            }
        }
    }
}
