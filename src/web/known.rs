//! Whom and what a request may mean: the vendors of which anything is known, and the hosts that a text stands for.
//!
//! What nobody knows must not read like what nobody does.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::Kept;
use crate::model::{AddressBinding, HostKey, HostView, Mac, Snapshot, VendorId};
use crate::store::{Reader, StoreError, Stored};

/// Vendors whose pack is in force, and those of which something is remembered though it is not.
pub(super) fn vendors(snapshot: &Snapshot) -> BTreeSet<VendorId> {
    let in_force = snapshot.vendors.iter().map(|view| &view.id);
    let found = snapshot.findings.iter().map(|finding| &finding.vendor);
    let weak = snapshot.weak.iter().map(|weak| &weak.vendor);
    in_force.chain(found).chain(weak).cloned().collect()
}

/// A text that may be a key of a host, an address in any form, a hardware address, or a name.
struct Text<'a> {
    text: &'a str,
    address: Option<IpAddr>,
}

impl<'a> Text<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            address: text
                .parse()
                .ok()
                .map(|address: IpAddr| address.to_canonical()),
        }
    }

    fn is_key(&self, key: &HostKey) -> bool {
        key.as_str() == self.text
    }

    fn is_key_of(&self, view: &HostView) -> bool {
        self.is_key(&view.key) || view.aliases.iter().any(|alias| self.is_key(alias))
    }

    fn is_address(&self, address: IpAddr) -> bool {
        self.address == Some(address)
    }

    fn is_mac(&self, mac: Mac) -> bool {
        let written = self.text.replace('-', ":");
        mac.to_string().eq_ignore_ascii_case(&written)
    }

    fn is_of(&self, view: &HostView) -> bool {
        let name = view.name.as_deref();
        name.is_some_and(|name| name.eq_ignore_ascii_case(self.text))
            || view
                .addresses
                .iter()
                .any(|&address| self.is_address(address))
            || view.macs.iter().any(|&mac| self.is_mac(mac))
    }

    fn is_bound(&self, binding: &AddressBinding) -> bool {
        self.is_address(binding.address) || binding.mac.is_some_and(|mac| self.is_mac(mac))
    }
}

/// The hosts of which a text is a key, an older one too; where there is none, all that have it as address, hardware address
/// or name.
pub(super) fn hosts(snapshot: &Snapshot, text: &str) -> BTreeSet<HostKey> {
    let text = Text::new(text);
    let mut named = Named::default();
    for view in &snapshot.hosts {
        named.take(&view.key, text.is_key_of(view), text.is_of(view));
    }
    for finding in &snapshot.findings {
        let mut addresses = finding.addresses.iter();
        let has = addresses.any(|&address| text.is_address(address));
        named.take(&finding.host, text.is_key(&finding.host), has);
    }
    named.meant()
}

/// The keys under which a store has the hosts that a text stands for, those of the snapshot too; addresses count that a host
/// had at any time. None where nobody knows such a host.
pub(super) fn stored_hosts(
    kept: &Kept,
    reader: &Reader,
    snapshot: &Snapshot,
    text: &str,
) -> Result<BTreeSet<HostKey>, StoreError> {
    let key = HostKey::restored(text);
    if kept.pseudonyms.is_none() && reader.knows(&key)? {
        return Ok(BTreeSet::from([key]));
    }
    let shown = hosts(snapshot, text);
    let text = Text::new(text);
    let mut named = Named::default();
    if kept.pseudonyms.is_none() {
        for key in &shown {
            named.take(key, text.is_key(key), true);
        }
    }
    // Whoever has no key to the pseudonyms asks by tokens, so what the store has is compared as it is shown.
    for key in reader.host_keys()? {
        let token = kept.shown(&key);
        named.take(&key, text.is_key(&token), shown.contains(&token));
    }
    reader.described(&mut |stored| match stored {
        Stored::Host(record) => {
            let key = record.key.clone();
            let mut view = HostView::from(record);
            if let Some(pseudonyms) = &kept.pseudonyms {
                pseudonyms.hide_host(&mut view);
            }
            named.take(&key, text.is_key_of(&view), text.is_of(&view));
        }
        Stored::Binding(mut binding) => {
            let key = binding.host.clone();
            if let Some(pseudonyms) = &kept.pseudonyms {
                pseudonyms.hide_binding(&mut binding);
            }
            named.take(&key, false, text.is_bound(&binding));
        }
        Stored::Looked(_) | Stored::Sighting(_) | Stored::Reply(_) => {}
    })?;
    Ok(named.meant())
}

/// Hosts by how surely they are meant.
#[derive(Default)]
struct Named {
    by_key: BTreeSet<HostKey>,
    otherwise: BTreeSet<HostKey>,
}

impl Named {
    fn take(&mut self, key: &HostKey, by_key: bool, otherwise: bool) {
        if by_key {
            self.by_key.insert(key.clone());
        } else if otherwise {
            self.otherwise.insert(key.clone());
        }
    }

    /// A key names one host: who else has it as a name is not meant.
    fn meant(self) -> BTreeSet<HostKey> {
        match self.by_key.is_empty() {
            true => self.otherwise,
            false => self.by_key,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{KeyConfidence, Span, Timestamp};
    use crate::privacy::Pseudonyms;
    use crate::store::{Batch, HostRecord, Settings, Store};

    const ADDRESS: &str = "10.0.0.7";

    fn kept(folder: &std::path::Path, pseudonyms: Option<Pseudonyms>) -> Kept {
        Kept::new(folder.to_owned(), pseudonyms)
    }

    fn found(kept: &Kept, text: &str) -> Vec<String> {
        let reader = Reader::open(&kept.folder).unwrap();
        let keys = stored_hosts(kept, &reader, &Snapshot::default(), text).unwrap();
        keys.iter().map(ToString::to_string).collect()
    }

    /// Two devices that had one address, of which the snapshot knows nothing any more; the name of the second is the key of
    /// the first.
    fn store() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(folder.path(), Settings::default()).unwrap().0;
        let time = Timestamp::from_unix(1_700_000_000, 0);
        let mut batch = Batch::default();
        for (key, alias, name, last) in [
            ("pc-1", "ip-10.0.0.7", "Desk", 1),
            ("pc-2", "mac-x", "pc-1", 2),
        ] {
            batch.host(HostRecord {
                key: HostKey::restored(key),
                aliases: vec![HostKey::restored(alias)],
                name: Some(name.to_owned()),
                owner: None,
                site: None,
                device: None,
                roles: Vec::new(),
                confidence: KeyConfidence::Inventory,
                span: Span::at(time),
            });
            batch.binding(AddressBinding {
                host: HostKey::restored(key),
                address: ADDRESS.parse().unwrap(),
                from: Timestamp::from_unix(1_700_000_000 + i64::from(last), 0),
                until: None,
                mac: Some(Mac::new([2, 0, 0, 0, 0, last])),
            });
        }
        store.write(&batch).unwrap();
        folder
    }

    #[test]
    fn the_store_knows_hosts_by_all_they_ever_had() {
        let folder = store();
        let kept = kept(folder.path(), None);
        for (text, expected) in [
            ("pc-1", &["pc-1"][..]),
            ("mac-x", &["mac-x"]),
            ("ip-10.0.0.7", &["ip-10.0.0.7"]),
            ("desk", &["pc-1"]),
            (ADDRESS, &["pc-1", "pc-2"]),
            ("02:00:00:00:00:02", &["pc-2"]),
            ("10.0.0.8", &[]),
            ("nobody", &[]),
        ] {
            assert_eq!(found(&kept, text), expected, "{text}");
        }
    }

    #[test]
    fn with_pseudonyms_only_tokens_find_anybody() {
        let folder = store();
        let pseudonyms = Pseudonyms::new(&[7; 32]);
        let kept = kept(folder.path(), Some(pseudonyms.clone()));
        for text in ["pc-1", "mac-x", "Desk", ADDRESS, "02:00:00:00:00:02"] {
            assert!(found(&kept, text).is_empty(), "{text}");
        }
        let key = pseudonyms.host_key(&HostKey::restored("pc-1"));
        let alias = pseudonyms.host_key(&HostKey::restored("mac-x"));
        let address = pseudonyms.address(ADDRESS.parse().unwrap()).to_string();
        for (token, expected) in [
            (key.as_str(), &["pc-1"][..]),
            (alias.as_str(), &["pc-2"]),
            (&pseudonyms.name("Desk"), &["pc-1"]),
            (&address, &["pc-1", "pc-2"]),
        ] {
            assert_eq!(found(&kept, token), expected, "{token}");
        }
    }
}
