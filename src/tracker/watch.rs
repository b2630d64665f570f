//! The watch list as one worker sees it: what the ledger published, and the worker's own latest answers, which the
//! ledger does not have yet.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use hashbrown::HashMap;

use super::address_names::{AddressNames, Owner};
use crate::model::{Carry, DomainName, Match, Name, Resolution, Service, Timestamp, WatchList};

/// Own answers kept until the ledger has published them: some seconds of traffic for matched names.
const MAX_OWN: usize = 1024;
/// Own answers that wait for the ledger; a stalled one loses the rest, and with them flows without a name.
const MAX_WAITING: usize = 16_384;
/// Addresses seen with other names that wait for the ledger.
const MAX_CONTRADICTED: usize = 4_096;
/// How long a host may go on using an address beyond its time to live: applications keep what they once resolved.
const GRACE: Duration = Duration::from_secs(600);
/// The longest life that is believed: no vendor gives more, and a forged answer would stay for ever.
const MAX_LIFE: u32 = 86_400;

/// What is watched.
#[derive(Debug, Default)]
pub(super) struct Watch {
    published: Arc<WatchList>,
    own: HashMap<IpAddr, Vec<Resolution>>,
    /// Addresses of own answers, oldest first.
    order: VecDeque<IpAddr>,
    names: AddressNames,
    waiting: Vec<Resolution>,
    contradicted: Vec<IpAddr>,
    refused: u64,
}

/// An answer for a matched name.
pub(super) struct Answered<'a> {
    pub(super) host: IpAddr,
    pub(super) name: &'a DomainName,
    pub(super) matched: &'a Match,
    pub(super) ttl: u32,
    pub(super) time: Timestamp,
}

/// Owners of answers one behind the other. Thousands of hosts get the same address for names of one service, and each name
/// that is read with it is compared with all of these: only the first is worth a digest.
#[derive(Default)]
struct Owners<'a>(Option<(&'a Arc<Service>, Owner)>);

impl<'a> Owners<'a> {
    fn of(&mut self, known: &'a Resolution) -> Owner {
        let service = &known.matched.service;
        let owner = match self.0 {
            Some((same, owner)) if Arc::ptr_eq(same, service) => owner,
            _ => Owner::of(known.name.as_name(), Some(&known.matched)),
        };
        self.0 = Some((service, owner));
        owner
    }
}

impl Watch {
    /// Takes what the ledger published; own answers that it has by now are dropped.
    pub(super) fn publish(&mut self, list: Arc<WatchList>) {
        if Arc::ptr_eq(&self.published, &list) {
            return;
        }
        let known = |own: &Resolution| {
            let mut known = list.of(own.address).iter();
            known.any(|known| known.host == own.host && known.name == own.name)
        };
        self.own.retain(|_, own| {
            own.retain(|own| !known(own));
            !own.is_empty()
        });
        self.order.retain(|address| self.own.contains_key(address));
        // What this worker saw before may speak against what another learnt.
        let mut owners = Owners::default();
        for known in list.all() {
            let owner = owners.of(known);
            if self.names.shared(known.address, owner, known.since) {
                self.contradict(known.address);
            }
        }
        self.published = list;
    }

    /// Other rules are in force. With which names addresses were seen stays as it was: an address that served a name of
    /// another service under the former rules is no proof of anything.
    pub(super) fn carry(&mut self, carry: &Carry<'_>) {
        let holds = |known: &mut Resolution| known.matched.carry(known.name.as_name(), carry);
        self.own.retain(|_, own| {
            own.retain_mut(holds);
            !own.is_empty()
        });
        self.order.retain(|address| self.own.contains_key(address));
        let published = self.published.all().cloned();
        let carried =
            published.filter_map(|mut known| holds(Arc::make_mut(&mut known)).then_some(known));
        self.published = Arc::new(WatchList::new(carried));
    }

    /// Whether there is nothing to compare with.
    pub(super) fn is_empty(&self) -> bool {
        self.own.is_empty() && self.published.is_empty()
    }

    /// An answer gave a host an address for a matched name.
    pub(super) fn resolved(&mut self, address: IpAddr, answer: &Answered<'_>) {
        let owner = Owner::of(answer.name.as_name(), Some(answer.matched));
        self.names.note(address, owner, answer.time);
        if self.names.shared(address, owner, answer.time) {
            self.contradict(address);
            return;
        }
        if self.waiting.len() >= MAX_WAITING {
            self.refused += 1;
            return;
        }
        let life = Duration::from_secs(u64::from(answer.ttl.min(MAX_LIFE)));
        let resolution = Resolution {
            host: answer.host,
            name: answer.name.clone(),
            matched: answer.matched.clone(),
            address,
            since: answer.time,
            until: answer.time.after(life).after(GRACE),
        };
        if self.order.len() >= MAX_OWN
            && let Some(oldest) = self.order.pop_front()
        {
            self.own.remove(&oldest);
        }
        self.order.push_back(address);
        self.own
            .entry(address)
            .or_default()
            .push(resolution.clone());
        self.waiting.push(resolution);
    }

    /// A name was read together with an address. Another name on a watched one makes it worthless.
    pub(super) fn named(&mut self, address: IpAddr, name: Name<'_>, owner: Owner, time: Timestamp) {
        self.names.note(address, owner, time);
        if self.is_empty() {
            return;
        }
        let mut owners = Owners::default();
        let contradicts = self
            .of(address)
            .any(|known| owner != owners.of(known) && known.name.as_name() != name);
        if contradicts {
            self.contradict(address);
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

    fn of(&self, address: IpAddr) -> impl Iterator<Item = &Resolution> {
        let own = self.own.get(&address).into_iter().flatten().rev();
        own.chain(self.published.of(address).iter().map(Arc::as_ref))
    }

    fn contradict(&mut self, address: IpAddr) {
        if self.own.remove(&address).is_some() {
            self.order.retain(|known| *known != address);
        }
        let room = self.contradicted.len() < MAX_CONTRADICTED;
        if room && !self.contradicted.contains(&address) {
            self.contradicted.push(address);
        }
    }

    /// Entries of its own.
    pub(super) fn len(&self) -> usize {
        self.order.len()
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
