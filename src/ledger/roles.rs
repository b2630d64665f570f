//! Which part hosts play in their network, by what was seen in the window.
//!
//! - `resolver`: it answered DNS for at least 3 other local hosts.
//! - `relay`, suspected: it had a transfer of a vendor's updates, and at least 3 other local hosts opened flows to it on
//!   ports on which that vendor's relays listen.
//! - `scanner`: it asked for at least 50 names of one pack, and did nothing but ask.
//! - `gateway`: one of its addresses is the sensor's own.
//! - `nat`, a warning: nearly all sightings are its own, and it opens connections as systems of different kinds do. That
//!   it is the only user of a vendor is no sign of others behind it; those of one kind stay hidden.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::evidence::WINDOW;
use crate::model::{
    Category, Evidence, FIRST_HOPS, Finding, HostKey, HostRole, HostView, Pack, RoleSign,
    TimedRoleSign, Timestamp, VendorId,
};

/// Addresses of which signs are kept: with clients at most 700 bytes each, so 11 MiB.
const MAX_ADDRESSES: usize = 16_384;
/// Clients kept of each: those seen last. More than the criterion asks for, because one host may have several addresses.
const MAX_CLIENTS: usize = 8;
/// Hosts for which a resolver or relay works.
const ENOUGH_CLIENTS: usize = 3;
/// Names of one pack that nobody asks for who uses the product: it asks for a few dozen.
const SCANNED_NAMES: usize = 50;
/// Below so many sightings a share says nothing.
const NAT_SIGHTINGS: u64 = 20;

/// Signs of the window.
#[derive(Debug, Default)]
pub(super) struct Roles {
    addresses: BTreeMap<IpAddr, Signs>,
    refused: u64,
}

/// Signs of one address.
#[derive(Debug, Default)]
struct Signs {
    answered: Vec<(IpAddr, Timestamp)>,
    opened_to: Vec<((u16, IpAddr), Timestamp)>,
    first_hops: [Option<Timestamp>; FIRST_HOPS.len()],
    reached: Option<Timestamp>,
}

impl Signs {
    fn latest(&self) -> Option<Timestamp> {
        let answered = self.answered.iter().map(|(_, time)| *time);
        let opened = self.opened_to.iter().map(|(_, time)| *time);
        let hops = self.first_hops.iter().flatten().copied();
        answered.chain(opened).chain(hops).chain(self.reached).max()
    }
}

/// Notes that something was seen, among those seen last.
fn remember<K: PartialEq>(list: &mut Vec<(K, Timestamp)>, key: K, time: Timestamp) {
    if let Some((_, last)) = list.iter_mut().find(|(known, _)| *known == key) {
        *last = time.max(*last);
    } else if list.len() < MAX_CLIENTS {
        list.push((key, time));
    } else if let Some(oldest) = list.iter_mut().min_by_key(|(_, last)| *last)
        && oldest.1 < time
    {
        *oldest = (key, time);
    }
}

impl Roles {
    /// Takes what a worker tells.
    pub(super) fn note(&mut self, &(sign, time): &TimedRoleSign) {
        let address = match sign {
            RoleSign::AnsweredDns { server, .. } | RoleSign::OpenedToRelay { server, .. } => server,
            RoleSign::FirstHops { host, .. } | RoleSign::Reached { host } => host,
        };
        if self.addresses.len() >= MAX_ADDRESSES && !self.addresses.contains_key(&address) {
            self.refused += 1;
            return;
        }
        let signs = self.addresses.entry(address).or_default();
        match sign {
            RoleSign::AnsweredDns { client, .. } => remember(&mut signs.answered, client, time),
            RoleSign::OpenedToRelay { client, port, .. } => {
                remember(&mut signs.opened_to, (port, client), time);
            }
            RoleSign::FirstHops { at, .. } => {
                if let Some(last) = signs.first_hops.get_mut(usize::from(at)) {
                    *last = (*last).max(Some(time));
                }
            }
            RoleSign::Reached { .. } => signs.reached = signs.reached.max(Some(time)),
        }
    }

    /// Forgets what left the window.
    pub(super) fn expire(&mut self, now: Timestamp) {
        let since = now.before(WINDOW);
        self.addresses
            .retain(|_, signs| signs.latest() > Some(since));
    }

    /// Addresses now, and signs that found no place.
    pub(super) fn stats(&self) -> (u64, u64) {
        (self.addresses.len() as u64, self.refused)
    }

    /// Whether somebody was answered by one of these addresses: what it asks, others may have asked it.
    pub(super) fn answers(&self, addresses: &[IpAddr], now: Timestamp) -> bool {
        let mut signs = self.signs(addresses);
        signs.any(|signs| signs.answered.iter().any(|(_, time)| in_window(*time, now)))
    }

    /// Whether a packet from outside towards one of these addresses was seen in the window.
    pub(super) fn reached(&self, addresses: &[IpAddr], now: Timestamp) -> bool {
        let mut reached = self.signs(addresses).filter_map(|signs| signs.reached);
        reached.any(|time| in_window(time, now))
    }

    /// The roles of hosts, by what they did; `key_at` tells whose an address was.
    pub(super) fn of_hosts(
        &self,
        views: &BTreeMap<HostKey, HostView>,
        findings: &[Finding],
        packs: &[Pack],
        now: Timestamp,
        key_at: impl Fn(IpAddr, Timestamp) -> HostKey,
    ) -> BTreeMap<HostKey, BTreeSet<HostRole>> {
        let mut by_host: BTreeMap<&HostKey, Vec<&Finding>> = BTreeMap::new();
        for finding in findings {
            by_host.entry(&finding.host).or_default().push(finding);
        }
        let total: u64 = findings.iter().map(|one| sightings(one, now)).sum();
        let mut roles: BTreeMap<HostKey, BTreeSet<HostRole>> = BTreeMap::new();
        for (key, view) in views {
            let own = by_host.get(key).map_or(&[][..], Vec::as_slice);
            let clients = |seen: &mut dyn Iterator<Item = (IpAddr, Timestamp)>| -> usize {
                let keys = seen
                    .filter(|(_, time)| in_window(*time, now))
                    .map(|(address, time)| key_at(address, time))
                    .filter(|client| client != key);
                keys.collect::<BTreeSet<_>>().len()
            };
            let mut answered = self
                .signs(&view.addresses)
                .flat_map(|signs| signs.answered.iter().copied());
            let resolver = clients(&mut answered) >= ENOUGH_CLIENTS;
            let relay = packs.iter().any(|pack| {
                let mut opened = self
                    .signs(&view.addresses)
                    .flat_map(|signs| signs.opened_to.iter())
                    .filter(|((port, _), _)| pack.relay_ports.contains(port))
                    .map(|((_, client), time)| (*client, *time));
                fetched(own, &pack.vendor, now) && clients(&mut opened) >= ENOUGH_CLIENTS
            });
            let share: u64 = own.iter().map(|finding| sightings(finding, now)).sum();
            let nearly_all = share >= NAT_SIGHTINGS && share * 10 >= total * 9;
            let held = [
                (HostRole::Resolver, resolver),
                (HostRole::Relay, relay),
                (HostRole::Scanner, scans(own, now)),
                (
                    HostRole::Nat,
                    nearly_all && self.mixed(&view.addresses, now),
                ),
            ];
            let held: BTreeSet<HostRole> = held
                .into_iter()
                .filter_map(|(role, holds)| holds.then_some(role))
                .collect();
            roles.insert(key.clone(), held);
        }
        roles
    }

    fn signs(&self, addresses: &[IpAddr]) -> impl Iterator<Item = &Signs> {
        addresses
            .iter()
            .filter_map(|address| self.addresses.get(address))
    }

    /// Whether one of these addresses opens connections as systems of different kinds do.
    fn mixed(&self, addresses: &[IpAddr], now: Timestamp) -> bool {
        self.signs(addresses).any(|signs| {
            let kinds = signs.first_hops.iter().flatten();
            kinds.filter(|time| in_window(**time, now)).count() > 1
        })
    }
}

fn in_window(time: Timestamp, now: Timestamp) -> bool {
    time > now.before(WINDOW) && time <= now
}

/// Strong sightings of names that were seen in the window.
fn sightings(finding: &Finding, now: Timestamp) -> u64 {
    let names = finding.names.iter();
    names
        .filter(|name| in_window(name.last_seen, now))
        .map(|name| name.sightings)
        .sum()
}

/// Whether a host had a transfer of a vendor's updates.
fn fetched(findings: &[&Finding], vendor: &VendorId, now: Timestamp) -> bool {
    findings.iter().any(|finding| {
        let transfer = finding.last_by_evidence[Evidence::Transfer.index()];
        finding.vendor == *vendor
            && finding.category == Category::Update
            && transfer.is_some_and(|time| in_window(time, now))
    })
}

/// Whether a host asked for many names of a vendor and did nothing but ask. A usage keeps the 64 names seen last, so what
/// is counted is exact up to more than what is asked for.
fn scans(findings: &[&Finding], now: Timestamp) -> bool {
    let mut names: BTreeMap<&VendorId, usize> = BTreeMap::new();
    let mut users: BTreeSet<&VendorId> = BTreeSet::new();
    for finding in findings {
        let [_, tries @ ..] = finding.last_by_evidence;
        if tries.iter().flatten().any(|time| in_window(*time, now)) {
            users.insert(&finding.vendor);
        }
        let seen = finding.names.iter();
        *names.entry(&finding.vendor).or_default() +=
            seen.filter(|name| in_window(name.last_seen, now)).count();
    }
    names
        .iter()
        .any(|(vendor, count)| *count >= SCANNED_NAMES && !users.contains(vendor))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        [10, 0, 0, last].into()
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_unix(second, 0)
    }

    #[test]
    fn signs_count_in_the_window_only() {
        let mut roles = Roles::default();
        let sign = RoleSign::AnsweredDns {
            server: address(1),
            client: address(2),
        };
        roles.note(&(sign, at(100)));
        roles.note(&(RoleSign::Reached { host: address(2) }, at(200)));
        let day = 86_400;
        assert!(roles.answers(&[address(1)], at(100)));
        assert!(!roles.answers(&[address(1)], at(99)));
        assert!(!roles.answers(&[address(1)], at(100 + day)));
        assert!(!roles.answers(&[address(2)], at(100)));
        assert!(roles.reached(&[address(2)], at(200)));
        assert!(!roles.reached(&[address(1)], at(200)));
        roles.expire(at(100 + day));
        assert_eq!(roles.stats(), (1, 0));
    }

    #[test]
    fn those_seen_last_stay() {
        let mut list = Vec::new();
        for (key, second) in (0..20).map(|n| (n, i64::from(n))).chain([(0, 3), (15, 99)]) {
            remember(&mut list, key, at(second));
        }
        list.sort_unstable();
        let keys: Vec<i32> = list.iter().map(|(key, _)| *key).collect();
        assert_eq!(keys, [12, 13, 14, 15, 16, 17, 18, 19]);
    }

    #[test]
    fn a_flood_of_addresses_is_bounded_and_counted() {
        let mut roles = Roles::default();
        for n in 0..20_000u32 {
            let host = std::net::Ipv4Addr::from(n).into();
            roles.note(&(RoleSign::Reached { host }, at(1)));
        }
        assert_eq!(
            roles.stats(),
            (MAX_ADDRESSES as u64, 20_000 - MAX_ADDRESSES as u64)
        );
    }
}
