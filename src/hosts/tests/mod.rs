//! Keys: what is said of devices in, whose an address is out. What the tests of it share.

mod floods;
mod listings;
mod proof;
mod restart;
mod routers;
mod shared;

use std::net::IpAddr;

use super::*;
use crate::model::{
    AddressBinding, AdvertisedPrefix, Claim, Client, ClientMac, DomainName, HostView, IdentityFact,
    Intent, KeyConfidence, Lease, LeasedAddress, MacSource, Neighbour, NeighbourSource,
    RouterAdvert,
};

const X: &str = "10.0.0.5";
const Y: &str = "10.0.0.6";
const A: Mac = Mac::new([2, 0, 0, 0, 0, 0xa]);
const B: Mac = Mac::new([2, 0, 0, 0, 0, 0xb]);
const C: Mac = Mac::new([2, 0, 0, 0, 0, 0xc]);

fn at(second: i64) -> Timestamp {
    Timestamp::from_unix(second, 0)
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn neighbour(text: &str, mac: Mac, source: NeighbourSource) -> IdentityFact {
    IdentityFact::Neighbour(Neighbour {
        address: address(text),
        mac,
        source,
        router: false,
    })
}

fn client(mac: Mac, source: MacSource) -> Client {
    Client {
        mac: Some(ClientMac { mac, source }),
        ..Client::default()
    }
}

fn lease(text: &str, mac: Mac, source: MacSource, seconds: u32) -> Lease {
    Lease {
        client: client(mac, source),
        addresses: vec![LeasedAddress {
            address: address(text),
            lifetime: Some(seconds),
        }],
        routers: Vec::new(),
        resolvers: Vec::new(),
    }
}

/// What happens, as tests write it.
impl Hosts {
    fn own_word(&mut self, text: &str, mac: Mac, second: i64) {
        let fact = neighbour(text, mac, NeighbourSource::ArpRequest);
        self.learn(&fact, at(second));
    }

    fn leased(&mut self, text: &str, mac: Mac, second: i64) {
        let fact = IdentityFact::Lease(lease(text, mac, MacSource::Header, 3_600));
        self.learn(&fact, at(second));
    }

    fn sends(&mut self, text: &str, way: Way, second: i64) {
        self.present(&Presence {
            host: address(text),
            time: at(second),
            way,
        });
    }

    /// The key to which a sighting is put down.
    fn key(&mut self, text: &str, second: i64) -> String {
        self.key_from(None, text, second)
    }

    /// The same, of packets in frames from a hardware address.
    fn key_from(&mut self, mac: impl Into<Option<Mac>>, text: &str, second: i64) -> String {
        let span = Span::at(at(second));
        self.sight(address(text), mac.into(), span, Strength::Strong)
            .to_string()
    }

    /// The host that somebody means by a key, an alias, an address or a hardware address.
    fn find(&self, text: &str) -> Option<HostKey> {
        let by_key = self.register.find(&HostKey::restored(text));
        let by_mac = || {
            let mac: Mac = text.parse().ok()?;
            self.register.find(&HostKey::from_mac(mac))
        };
        let by_address = || {
            let key = self.key_at(text.parse().ok()?, Timestamp::MAX);
            self.register.find(&key)
        };
        by_key.or_else(by_mac).or_else(by_address)
    }

    fn aliases(&self, key: &str) -> Vec<String> {
        let view = self.view(&HostKey::restored(key)).unwrap();
        view.aliases.iter().map(ToString::to_string).collect()
    }
}
