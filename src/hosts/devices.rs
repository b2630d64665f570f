//! Devices by their hardware addresses: what they say they are, and which of them front others.

use std::net::IpAddr;
use std::time::Duration;

use hashbrown::HashMap;

use crate::model::{Client, DomainName, HostKey, Line, Mac, Rank, Span, Standing, Timestamp};

/// Devices kept at once, about 200 bytes each and 32 an address, so 8 MiB; with as many addresses each as a device can have
/// without being taken for one that fronts others, 40 MiB.
const MAX_DEVICES: usize = 28_672;
/// Addresses of one device within [`RECENT`]: one that has more fronts others. Of IPv6 a device makes itself new ones with
/// each connection to a network, and this is one every 45 minutes, day and night. What tells a repeater is that the
/// devices behind it have an IPv4 or a link-local address each: a device has one of them, seldom two.
const MAX_OF_ONE: usize = 32;
const MAX_STEADY_OF_ONE: usize = 4;
const RECENT: Duration = Duration::from_secs(86_400);

/// All devices.
#[derive(Debug, Default)]
pub(super) struct Devices {
    devices: HashMap<Mac, Device>,
    evictions: u64,
}

/// What is known of a device.
#[derive(Clone, Debug, Default)]
pub(super) struct Device {
    pub name: Option<DomainName>,
    pub vendor_class: Option<String>,
    /// The key that it had first.
    pub key: Option<HostKey>,
    /// Whether what comes from it is, or may be, others'.
    pub fronts_others: bool,
    /// Its addresses of late.
    addresses: Vec<(IpAddr, Timestamp)>,
    /// When it was first and last heard of.
    heard: Option<Span>,
}

impl Devices {
    pub(super) fn get(&self, mac: Mac) -> Option<&Device> {
        self.devices.get(&mac)
    }

    pub(super) fn fronts_others(&self, mac: Mac) -> bool {
        self.get(mac).is_some_and(|device| device.fronts_others)
    }

    /// The device, made if it is new.
    pub(super) fn at(&mut self, mac: Mac, time: Timestamp) -> &mut Device {
        if self.devices.len() >= MAX_DEVICES && !self.devices.contains_key(&mac) {
            self.make_room();
        }
        let device = self.devices.entry(mac).or_default();
        // Of one that is spoken of without a time nothing is known.
        if time != Timestamp::MIN {
            device.heard.get_or_insert(Span::at(time)).cover(time);
        }
        device
    }

    /// Devices now, and those forgotten.
    pub(super) fn stats(&self) -> (u64, u64) {
        (self.devices.len() as u64, self.evictions)
    }

    /// Forgets a tenth, sparing those with a key, and those that front others, while there are more. Of one class half of
    /// those that stay are known for longest, half were heard last.
    fn make_room(&mut self) {
        let rank = |mac: &Mac, device: &Device| Rank {
            class: u8::from(device.key.is_some() || device.fronts_others),
            standing: device.heard.map(Standing::of).unwrap_or_default(),
            last: device.heard.map_or(Timestamp::MIN, |heard| heard.last),
            id: *mac,
        };
        let ranks = self.devices.iter().map(|(mac, device)| rank(mac, device));
        let line = Line::draw(ranks, MAX_DEVICES - MAX_DEVICES / 10);
        let before = self.devices.len();
        self.devices
            .retain(|mac, device| line.keeps(&rank(mac, device)));
        self.evictions += (before - self.devices.len()) as u64;
    }
}

impl Device {
    /// Takes what is said of it by DHCP.
    pub(super) fn describe(&mut self, client: &Client) {
        let name = client.fqdn.as_ref().or(client.host_name.as_ref());
        self.name = name.cloned().or_else(|| self.name.take());
        let class = client.vendor_class.as_ref().map(ToString::to_string);
        self.vendor_class = class.or_else(|| self.vendor_class.take());
    }

    /// It has an address. True if that shows for the first time that it fronts others.
    pub(super) fn has(&mut self, address: IpAddr, time: Timestamp) -> bool {
        match self
            .addresses
            .iter_mut()
            .find(|(known, _)| *known == address)
        {
            Some((_, last)) => *last = time.max(*last),
            None => self.addresses.push((address, time)),
        }
        self.addresses
            .retain(|(_, last)| *last > time.before(RECENT));
        let count = |is_one: fn(&IpAddr) -> bool| {
            let those = self.addresses.iter().filter(|(known, _)| is_one(known));
            those.count()
        };
        let too_many = count(IpAddr::is_ipv4) > MAX_STEADY_OF_ONE
            || count(is_link_local_v6) > MAX_STEADY_OF_ONE
            || self.addresses.len() > MAX_OF_ONE;
        // One that fronts others needs no list of them.
        self.addresses.truncate(MAX_OF_ONE + 1);
        too_many && !std::mem::replace(&mut self.fronts_others, true)
    }

    /// Its addresses of late.
    pub(super) fn addresses(&self) -> Vec<IpAddr> {
        self.addresses.iter().map(|(address, _)| *address).collect()
    }
}

fn is_link_local_v6(address: &IpAddr) -> bool {
    matches!(address, IpAddr::V6(address) if address.is_unicast_link_local())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_addresses_at_once_are_those_of_others() {
        let at = |hour: i64| Timestamp::from_unix(hour * 3_600, 0);
        let v4 = |n: u8| IpAddr::from([10, 0, 0, n]);
        let v6 = |n: u16| IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, n]);
        let mut few = Device::default();
        assert!((1..=4).all(|n| !few.has(v4(n), at(0))));
        assert!(few.has(v4(5), at(0)) && few.fronts_others);
        assert!(!few.has(v4(6), at(0)), "told once");
        // A new one every two hours, for a month.
        let mut private = Device::default();
        assert!((0..360).all(|n| !private.has(v6(n), at(2 * i64::from(n)))));
        assert!(!private.fronts_others);
        let mut many = Device::default();
        assert!((0..32).all(|n| !many.has(v6(n), at(0))));
        assert!(many.has(v6(32), at(0)));
        // A device that joins its network again and again, and three behind a repeater.
        let local = |n: u16| IpAddr::from([0xfe80, 0, 0, 0, 0, 0, 0, n]);
        let mut busy = Device::default();
        assert!(!busy.has(local(0), at(0)) && (0..20).all(|n| !busy.has(v6(n), at(n.into()))));
        let mut repeater = Device::default();
        assert!((0..4).all(|n| !repeater.has(local(n), at(0)) && !repeater.has(v6(n), at(0))));
        assert!(repeater.has(local(4), at(0)));
    }

    #[test]
    fn a_flood_of_devices_leaves_those_with_a_key() {
        let mut devices = Devices::default();
        let mac = |n: u32| {
            let [a, b, c, d] = n.to_be_bytes();
            Mac::new([2, 0, a, b, c, d])
        };
        devices.at(mac(0), Timestamp::MIN).key = Some(HostKey::from_mac(mac(0)));
        for n in 1..200_000 {
            devices.at(mac(n), Timestamp::from_unix(i64::from(n), 0));
        }
        let (entries, evictions) = devices.stats();
        assert!(entries <= MAX_DEVICES as u64 && entries + evictions == 200_000);
        assert!(devices.get(mac(0)).is_some() && devices.get(mac(1)).is_none());
    }
}
