//! The watch list as one worker sees it: what the ledger published, and the worker's own latest answers, which the
//! ledger does not have yet.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::model::{DomainName, Match, Name, Resolution, Timestamp, WatchList};

/// Own answers kept until the ledger has published them: some seconds of traffic for matched names.
const MAX_OWN: usize = 1024;
/// Own answers that wait for the ledger; a stalled one loses the rest, and with them flows without a name.
const MAX_WAITING: usize = 16_384;
/// Addresses seen with other names that wait for the ledger.
const MAX_CONTRADICTED: usize = 4_096;
/// How long a host may go on using an address beyond its time to live: applications keep what they once resolved.
const GRACE: Duration = Duration::from_secs(600);

/// What is watched.
#[derive(Debug, Default)]
pub(super) struct Watch {
    published: Arc<WatchList>,
    own: VecDeque<Resolution>,
    waiting: Vec<Resolution>,
    contradicted: Vec<IpAddr>,
    refused: u64,
}

impl Watch {
    /// Takes what the ledger published; own answers that it has by now are dropped.
    pub(super) fn publish(&mut self, list: Arc<WatchList>) {
        let has = |own: &Resolution| {
            let mut known = list.of(own.address).iter();
            known.any(|known| known.host == own.host && known.name == own.name)
        };
        self.own.retain(|own| !has(own));
        self.published = list;
    }

    /// Whether there is nothing to compare with.
    pub(super) fn is_empty(&self) -> bool {
        self.own.is_empty() && self.published.is_empty()
    }

    /// An answer gave a host addresses for a matched name.
    pub(super) fn resolved(
        &mut self,
        host: IpAddr,
        name: &DomainName,
        matched: &Match,
        addresses: &[IpAddr],
        ttl: u32,
        time: Timestamp,
    ) {
        for &address in addresses {
            let resolution = Resolution {
                host,
                name: name.clone(),
                matched: matched.clone(),
                address,
                since: time,
                until: time.after(Duration::from_secs(u64::from(ttl))).after(GRACE),
            };
            if self.waiting.len() >= MAX_WAITING {
                self.refused += 1;
                continue;
            }
            if self.own.len() >= MAX_OWN {
                self.own.pop_front();
            }
            self.own.push_back(resolution.clone());
            self.waiting.push(resolution);
        }
    }

    /// What a flow without a name is, by the answers that its host got.
    pub(super) fn explain(
        &self,
        host: IpAddr,
        server: IpAddr,
        began: Timestamp,
    ) -> Option<&Resolution> {
        let mut known = self.of(server);
        known.find(|resolution| resolution.explains(host, began))
    }

    /// The rule behind a name that is an alias of a matched one, by the answers that this host got.
    pub(super) fn aliased(
        &self,
        host: IpAddr,
        server: IpAddr,
        name: Name<'_>,
        time: Timestamp,
    ) -> Option<&Match> {
        self.of(server)
            .find(|known| known.name.as_name() == name && known.explains(host, time))
            .map(|known| &known.matched)
    }

    /// A name was read together with an address. Another name on a watched one makes it worthless.
    pub(super) fn named(&mut self, address: IpAddr, name: Name<'_>, matched: Option<&Match>) {
        let service = matched.map(|matched| &matched.service);
        let contradicts = self
            .of(address)
            .any(|known| known.name.as_name() != name && service != Some(&known.matched.service));
        let room = self.contradicted.len() < MAX_CONTRADICTED;
        if contradicts && room && !self.contradicted.contains(&address) {
            self.own.retain(|known| known.address != address);
            self.contradicted.push(address);
        }
    }

    fn of(&self, address: IpAddr) -> impl Iterator<Item = &Resolution> {
        let own = self.own.iter().rev();
        own.filter(move |known| known.address == address)
            .chain(self.published.of(address))
    }

    /// Entries of its own.
    pub(super) fn len(&self) -> usize {
        self.own.len()
    }

    /// Answers that found no place.
    pub(super) fn refused(&self) -> u64 {
        self.refused
    }

    /// Hands over new answers, and addresses that were seen with other names.
    pub(super) fn take(&mut self) -> (Vec<Resolution>, Vec<IpAddr>) {
        (
            std::mem::take(&mut self.waiting),
            std::mem::take(&mut self.contradicted),
        )
    }
}
