//! DNS transactions: host, name and resolver within five seconds are one, whatever is asked about the name.

use std::collections::{HashSet, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use crate::model::{DomainName, Mac, Timestamp};

/// Questions within this time of the first belong to its transaction.
const SPAN: Duration = Duration::from_secs(5);
/// Transactions open at once; only names that a rule matched get here. About 150 bytes each, so 2.5 MiB.
const MAX_OPEN: usize = 16_384;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    host: IpAddr,
    mac: Option<Mac>,
    resolver: IpAddr,
    name: DomainName,
}

/// Open transactions, oldest first.
#[derive(Debug, Default)]
pub struct Transactions {
    open: HashSet<Key>,
    order: VecDeque<(Timestamp, Key)>,
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
        while let Some((started, _)) = self.order.front() {
            // One from the far future is a wild time: it would stand in front for ever.
            let over = time.since(*started) > SPAN || started.since(time) > SPAN;
            let full = self.order.len() >= MAX_OPEN;
            if !over && !full {
                break;
            }
            self.evictions += u64::from(full && !over);
            if let Some((_, key)) = self.order.pop_front() {
                self.open.remove(&key);
            }
        }
        let key = Key {
            host,
            mac,
            resolver,
            name: name.clone(),
        };
        let opens = self.open.insert(key.clone());
        if opens {
            self.order.push_back((time, key));
        }
        opens
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
