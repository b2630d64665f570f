//! What traffic says of who devices are, weighed.

use std::net::IpAddr;

use hashbrown::HashSet;

use super::addresses::Proof;
use super::{Hosts, LeaseRecord, Listings};
use crate::model::{
    Client, IdentityFact, Intent, Lease, LeasedAddress, Mac, MacSource, Neighbour, NeighbourSource,
    RouterAdvert, Timestamp,
};

/// Resolvers and routers handed out that are remembered, of each.
const MAX_HANDED_OUT: usize = 64;

impl Hosts {
    /// Takes what traffic says of who a device is.
    pub fn learn(&mut self, fact: &IdentityFact, time: Timestamp) {
        self.settle(time);
        match fact {
            IdentityFact::Claim(claim) => {
                self.describe(&claim.client, time);
                // What a client asks for is not what it has; what it gives back it has no more.
                if claim.intent == Intent::Release
                    && let Some(mac) = interface_of(&claim.client)
                {
                    for &address in &claim.addresses {
                        if let Some(entry) = self.addresses.get_mut(address) {
                            entry.release(mac);
                        }
                    }
                }
            }
            IdentityFact::Lease(lease) => self.lease(lease, time),
            IdentityFact::Announcement(said) => self.names.announced(said),
            IdentityFact::Neighbour(neighbour) => self.neighbour(neighbour, time),
            IdentityFact::RouterAdvert(advert) => self.router(advert, time),
        }
    }

    /// Puts in force what files say, at engine time `now`. What a former reading said of an address and this one does not
    /// is no longer held against others, and stays until somebody else is there.
    pub fn set_listings(&mut self, listings: Listings, now: Option<Timestamp>) {
        self.set_inventory(listings.inventory);
        let before = std::mem::replace(&mut self.leases, listings.leases);
        let before: HashSet<(IpAddr, Option<Mac>)> = before
            .iter()
            .map(|lease| (lease.address, lease.mac))
            .collect();
        for lease in self.leases.clone() {
            let is_new = !before.contains(&(lease.address, lease.mac));
            self.recorded(&lease, now.filter(|_| is_new));
        }
    }

    /// Takes what a server wrote down. A file does not say since when a device has an address, only when it was last
    /// confirmed; so the first that is known of an address holds from the beginning, and every proof from traffic is later.
    fn recorded(&mut self, lease: &LeaseRecord, now: Option<Timestamp>) {
        let Some(mac) = lease.mac else {
            self.names.given(lease.address, lease.name.as_ref(), None);
            return;
        };
        let known = self.addresses.get(lease.address);
        let owner = known.and_then(|entry| entry.owner);
        let time = owner.and(lease.from.or(now)).unwrap_or(Timestamp::MIN);
        if let Some(name) = &lease.name {
            let device = self.devices.at(mac, time);
            device.name.get_or_insert_with(|| name.clone());
        }
        self.claim(lease.address, mac, Proof::Lease(lease.until), time);
    }

    fn lease(&mut self, lease: &Lease, time: Timestamp) {
        self.describe(&lease.client, time);
        for &router in &lease.routers {
            note(&mut self.routers, router);
            if let Some(mac) = self.owner(router, Timestamp::MAX) {
                self.front(mac, time);
            }
        }
        for &resolver in &lease.resolvers {
            note(&mut self.resolvers, resolver);
        }
        let Some(client) = &lease.client.mac else {
            return;
        };
        for leased in &lease.addresses {
            if client.source == MacSource::Duid {
                // It may be that of another interface, so it names the address and proves nothing.
                let device = self.devices.get(client.mac).cloned().unwrap_or_default();
                let (name, class) = (device.name.as_ref(), device.vendor_class);
                self.names.given(leased.address, name, class);
            } else if leased.lifetime != Some(0) {
                let proof = Proof::Lease(ends(leased, time));
                self.claim(leased.address, client.mac, proof, time);
            }
        }
    }

    /// What a message of a neighbour says of its own sender is proof. What is said in an answer may be a proxy's word.
    fn neighbour(&mut self, neighbour: &Neighbour, time: Timestamp) {
        let Neighbour { address, mac, .. } = *neighbour;
        if neighbour.source == NeighbourSource::Tentative {
            return self.tries_out(neighbour, time);
        }
        self.is_there(neighbour);
        if neighbour.router {
            self.front(mac, time);
        }
        if neighbour.source.is_own_word() {
            self.attached.neighbour(address, time);
            self.claim(address, mac, Proof::OwnWord, time);
        }
    }

    fn router(&mut self, advert: &RouterAdvert, time: Timestamp) {
        if let Some(mac) = advert.mac.filter(|_| advert.lifetime > 0) {
            self.front(mac, time);
        }
        for prefix in &advert.prefixes {
            if prefix.on_link && prefix.valid > 0 && prefix.network.prefix_len() == 64 {
                self.attached.add(prefix.network.into(), time);
            }
        }
        for &resolver in &advert.resolvers {
            note(&mut self.resolvers, resolver);
        }
    }

    fn describe(&mut self, client: &Client, time: Timestamp) {
        if let Some(mac) = client.mac.as_ref().map(|client| client.mac) {
            self.devices.at(mac, time).describe(client);
        }
    }
}

/// The hardware address of the interface that asks.
fn interface_of(client: &Client) -> Option<Mac> {
    let mac = client.mac.as_ref()?;
    (mac.source != MacSource::Duid).then_some(mac.mac)
}

/// Until when a lease holds. One of which the server only took note promises nothing.
fn ends(leased: &LeasedAddress, time: Timestamp) -> Timestamp {
    let seconds = u64::from(leased.lifetime.unwrap_or(0));
    time.after(std::time::Duration::from_secs(seconds))
}

fn note(known: &mut Vec<IpAddr>, address: IpAddr) {
    if known.len() < MAX_HANDED_OUT && !known.contains(&address) {
        known.push(address);
    }
}
