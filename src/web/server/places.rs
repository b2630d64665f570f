//! A place for each connection, and who gives way where there is none: never whoever comes, or clients that hold connections
//! open and ask nothing would keep a scraper out.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::Notify;

use crate::metrics::ServerScene;

/// Connections at once. A few Prometheus servers and some browsers have a dozen.
pub(super) const MAX_CONNECTIONS: usize = 64;
/// Connections of one client at once: a quarter, so that no single one fills the places of all.
const MAX_OF_CLIENT: usize = 16;
/// The same for an address of this machine: a proxy there speaks for many. The last quarter is for others all the same.
const MAX_OF_THIS_MACHINE: usize = 48;

/// Who has a place.
pub(super) struct Places {
    held: Mutex<Held>,
    told: Arc<ServerScene>,
}

/// The place of a connection, given back when this is dropped.
pub(super) struct Place {
    places: Arc<Places>,
    number: u64,
    go: Arc<Notify>,
    asked: AtomicBool,
}

#[derive(Default)]
struct Held {
    /// At most [`MAX_CONNECTIONS`].
    connections: Vec<Connection>,
    next: u64,
}

struct Connection {
    number: u64,
    client: Client,
    standing: Standing,
    /// When it got this standing.
    since: Instant,
    go: Arc<Notify>,
}

/// What counts as one client. Of IPv6 it is a /64, because whoever has an address there has all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Client(IpAddr);

/// How far a connection got. Who stands first gives way first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Standing {
    /// Nothing came of it that let it in.
    Stranger,
    /// It was let in, and is not being answered.
    LetIn,
    /// Its answer is being made.
    Answered,
}

impl Places {
    /// All are free. What becomes of them is counted there.
    pub(super) fn new(told: Arc<ServerScene>) -> Arc<Self> {
        Arc::new(Self {
            held: Mutex::default(),
            told,
        })
    }

    /// A place for a connection from there. If there is none, another connection is told to go.
    pub(super) fn take(self: &Arc<Self>, from: IpAddr) -> Place {
        let client = Client::of(from);
        let go = Arc::new(Notify::new());
        let number = self.with(|held| {
            if let Some(gone) = held.to_give_way(client) {
                let gone = held.connections.swap_remove(gone);
                gone.go.notify_one();
                self.told.connection_gave_way();
            }
            let number = held.next;
            held.next += 1;
            held.connections.push(Connection {
                number,
                client,
                standing: Standing::Stranger,
                since: Instant::now(),
                go: Arc::clone(&go),
            });
            number
        });
        Place {
            places: Arc::clone(self),
            number,
            go,
            asked: AtomicBool::new(false),
        }
    }

    fn with<T>(&self, body: impl FnOnce(&mut Held) -> T) -> T {
        // Nothing in it is half done when a thread panics.
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let result = body(&mut held);
        self.told.set_connections(held.connections.len());
        result
    }
}

impl Place {
    /// A whole head of a request is there.
    pub(super) fn asks(&self) {
        self.asked.store(true, Ordering::Relaxed);
    }

    pub(super) fn has_asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }

    /// What it asks for may be answered, and is.
    pub(super) fn is_answered(&self) {
        self.stand(|_| Some(Standing::Answered));
    }

    /// What there was to answer is made. Whoever does not read it is as good as idle.
    pub(super) fn rests(&self) {
        self.stand(|now| (now == Standing::Answered).then_some(Standing::LetIn));
    }

    /// Waits until the place is needed for another one.
    pub(super) async fn gives_way(&self) {
        self.go.notified().await;
    }

    fn stand(&self, next: impl FnOnce(Standing) -> Option<Standing>) {
        self.places.with(|held| {
            let mut all = held.connections.iter_mut();
            // It may have given way in this moment.
            if let Some(own) = all.find(|held| held.number == self.number)
                && let Some(standing) = next(own.standing)
            {
                own.standing = standing;
                own.since = Instant::now();
            }
        });
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.with(|held| {
            held.connections.retain(|held| held.number != self.number);
        });
    }
}

impl Held {
    /// Where the connection stands that gives way to one more of this client, if one must.
    ///
    /// Within a standing it is one of the client that has most, so that a crowd of its own does not cost others theirs; of
    /// those the one longest there.
    fn to_give_way(&self, client: Client) -> Option<usize> {
        let mut counts: HashMap<Client, usize> = HashMap::new();
        for held in &self.connections {
            *counts.entry(held.client).or_default() += 1;
        }
        let own = counts.get(&client).copied().unwrap_or_default();
        let has_too_many = own >= client.most();
        if !has_too_many && self.connections.len() < MAX_CONNECTIONS {
            return None;
        }
        let all = self.connections.iter().enumerate();
        let asked = all.filter(|(_, held)| !has_too_many || held.client == client);
        let first = asked
            .min_by_key(|(_, held)| (held.standing, Reverse(counts[&held.client]), held.since));
        first.map(|(at, _)| at)
    }
}

impl Client {
    fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(address) if !address.is_loopback() => {
                let network = u128::from(address) >> 64 << 64;
                IpAddr::V6(Ipv6Addr::from(network))
            }
            other => other,
        })
    }

    fn most(self) -> usize {
        if self.0.is_loopback() {
            MAX_OF_THIS_MACHINE
        } else {
            MAX_OF_CLIENT
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places() -> (Arc<Places>, Arc<ServerScene>) {
        let told = Arc::new(ServerScene::default());
        (Places::new(Arc::clone(&told)), told)
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn is_there(place: &Place) -> bool {
        let number = place.number;
        place
            .places
            .with(|held| held.connections.iter().any(|held| held.number == number))
    }

    fn remaining(places: &[Place]) -> usize {
        places.iter().filter(|place| is_there(place)).count()
    }

    #[test]
    fn one_client_takes_no_more_than_its_share() {
        let (places, told) = places();
        let other = places.take(address("192.0.2.2"));
        for (from, most) in [
            ("192.0.2.1", MAX_OF_CLIENT),
            ("2001:db8::1", MAX_OF_CLIENT),
            ("127.0.0.1", MAX_OF_THIS_MACHINE),
            ("::1", MAX_OF_THIS_MACHINE),
        ] {
            let before = told.connections_given_way();
            let many: Vec<Place> = (0..100).map(|_| places.take(address(from))).collect();
            assert_eq!(remaining(&many), most, "{from}");
            // Those that came last.
            assert_eq!(remaining(&many[100 - most..]), most, "{from}");
            assert_eq!(told.connections_given_way() - before, 100 - most as u64);
        }
        assert!(is_there(&other));
        assert_eq!(told.connections(), 1);
    }

    #[test]
    fn an_ipv6_network_is_one_client_and_a_mapped_address_its_own() {
        assert_eq!(
            Client::of(address("2001:db8::1")),
            Client::of(address("2001:db8::ffff:2"))
        );
        assert_ne!(
            Client::of(address("2001:db8::1")),
            Client::of(address("2001:db8:0:1::1"))
        );
        assert_eq!(
            Client::of(address("::ffff:192.0.2.1")),
            Client::of(address("192.0.2.1"))
        );
        assert_ne!(
            Client::of(address("::ffff:192.0.2.1")),
            Client::of(address("::ffff:192.0.2.2"))
        );
    }

    #[test]
    fn who_was_let_in_stays_while_strangers_come() {
        let (places, _) = places();
        let scraper = places.take(address("192.0.2.1"));
        scraper.is_answered();
        scraper.rests();
        let new = places.take(address("192.0.2.2"));
        let crowd: Vec<Place> = (0..=255)
            .map(|last| places.take(IpAddr::from([198, 51, 100, last])))
            .collect();
        assert!(is_there(&scraper));
        assert!(!is_there(&new), "it stayed away for 256 others");
        assert_eq!(remaining(&crowd), MAX_CONNECTIONS - 1);
    }

    #[test]
    fn a_crowd_of_few_clients_costs_a_single_one_nothing() {
        let (places, _) = places();
        let new = places.take(address("192.0.2.2"));
        let crowd: Vec<Place> = (0..1_000)
            .map(|n| places.take(IpAddr::from([198, 51, 100, n as u8 % 40])))
            .collect();
        assert!(is_there(&new));
        assert_eq!(remaining(&crowd), MAX_CONNECTIONS - 1);
    }

    #[test]
    fn strangers_go_first_then_the_idle_then_those_that_are_answered() {
        let (places, _) = places();
        let from = address("192.0.2.1");
        let mut own: Vec<Place> = (0..MAX_OF_CLIENT).map(|_| places.take(from)).collect();
        for place in &own {
            place.is_answered();
        }
        own[3].rests();
        // One that was never let in does not become it by resting.
        let stranger = places.take(from);
        assert!(!is_there(&own[3]));
        stranger.rests();
        let last = places.take(from);
        assert!(!is_there(&stranger));
        last.is_answered();
        let next = places.take(from);
        assert!(!is_there(&own[0]), "the one answered longest");
        own.clear();
        assert_eq!(remaining(&[last, next]), 2);
    }
}
