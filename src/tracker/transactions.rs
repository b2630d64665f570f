//! DNS transactions: host, name and resolver within five seconds are one, whatever is asked about the name.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Duration;

use hashbrown::HashMap;

use crate::model::{DomainName, Mac, Timestamp};

/// Questions within this time of the first belong to its transaction.
const SPAN: Duration = Duration::from_secs(5);
/// Transactions open at once; only names that a rule matched get here. About 150 bytes each, so 2.5 MiB.
const MAX_OPEN: usize = 16_384;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    host: IpAddr,
    resolver: IpAddr,
    name: DomainName,
}

/// Open transactions, oldest first.
#[derive(Debug, Default)]
pub struct Transactions {
    /// With the hardware addresses from which was asked: devices that have one address ask apart.
    open: HashMap<Key, Vec<Option<Mac>>>,
    order: VecDeque<(Timestamp, Key, Option<Mac>)>,
    evictions: u64,
}

impl Transactions {
    /// Whether this message opens a transaction (and is counted), or belongs to one that is open.
    pub fn opens(
        &mut self,
        (host, mac): (IpAddr, Option<Mac>),
        resolver: IpAddr,
        name: &DomainName,
        time: Timestamp,
    ) -> bool {
        while let Some((started, ..)) = self.order.front() {
            // One from the far future is a wild time: it would stand in front for ever.
            let over = time.since(*started) > SPAN || started.since(time) > SPAN;
            let full = self.order.len() >= MAX_OPEN;
            if !over && !full {
                break;
            }
            self.evictions += u64::from(full && !over);
            if let Some((_, key, mac)) = self.order.pop_front() {
                self.close(&key, mac);
            }
        }
        let key = Key {
            host,
            resolver,
            name: name.clone(),
        };
        let from = self.open.entry(key.clone()).or_default();
        // Behind a router a question is seen again, and nobody sees whose it is.
        let is_known = |other: &Option<Mac>| *other == mac || other.is_none() || mac.is_none();
        let opens = !from.iter().any(is_known);
        if opens {
            from.push(mac);
            self.order.push_back((time, key, mac));
        }
        opens
    }

    fn close(&mut self, key: &Key, mac: Option<Mac>) {
        if let Some(from) = self.open.get_mut(key) {
            from.retain(|other| *other != mac);
            if from.is_empty() {
                self.open.remove(key);
            }
        }
    }

    /// Transactions open now.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Transactions closed early because there were too many.
    pub fn evictions(&self) -> u64 {
        self.evictions
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_seconds_from_the_first_question() {
        let mut transactions = Transactions::default();
        let (host, resolver) = ([10, 0, 0, 1].into(), [10, 0, 0, 53].into());
        let name = DomainName::parse("a.example").unwrap();
        let mut opened = Vec::new();
        for second in [0, 1, 5, 6, 7, 12] {
            if transactions.opens(
                (host, None),
                resolver,
                &name,
                Timestamp::from_unix(second, 0),
            ) {
                opened.push(second);
            }
        }
        assert_eq!(opened, [0, 6, 12]);
        assert!(transactions.opens(
            (host, None),
            [9, 9, 9, 9].into(),
            &name,
            Timestamp::from_unix(12, 0)
        ));
    }

    #[test]
    fn devices_with_one_address_ask_apart_and_a_router_in_between_hides_which() {
        let name = DomainName::parse("a.example").unwrap();
        let macs = [1, 2].map(|last| Some(Mac::new([2, 0, 0, 0, 0, last])));
        for (from, expected) in [
            (vec![macs[0], macs[1], macs[0]], [true, true, false]),
            (vec![macs[0], None, macs[0]], [true, false, false]),
            (vec![None, macs[0], None], [true, false, false]),
        ] {
            let mut transactions = Transactions::default();
            let mut ask = |mac, second| {
                let (host, resolver) = ([10, 0, 0, 1].into(), [10, 0, 0, 53].into());
                let time = Timestamp::from_unix(second, 0);
                transactions.opens((host, mac), resolver, &name, time)
            };
            let opened: Vec<bool> = from.iter().map(|mac| ask(*mac, 0)).collect();
            assert_eq!(opened, expected);
            assert!(ask(from[0], 6), "closed after five seconds");
        }
    }

    #[test]
    fn a_flood_is_bounded_and_counted() {
        let mut transactions = Transactions::default();
        let name = DomainName::parse("a.example").unwrap();
        for host in 0..20_000u32 {
            transactions.opens(
                (std::net::Ipv4Addr::from(host).into(), None),
                [10, 0, 0, 53].into(),
                &name,
                Timestamp::from_unix(1, 0),
            );
        }
        assert_eq!(transactions.len(), MAX_OPEN);
        assert_eq!(transactions.evictions(), 20_000 - MAX_OPEN as u64);
        assert_eq!(transactions.open.len(), MAX_OPEN);
    }
}
