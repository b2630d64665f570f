//! The hosts that have to be shown whatever floods the sensor: products that fetch updates after the cutoff.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::support::dns_messages::A;
use crate::support::links::ethernet::arp_announcement;
use crate::support::{ClientHello, Message, Talk, application_data, server_hello};
use crate::wire::Wire;

/// The network's resolver, and a server of the vendor.
const RESOLVER: Ipv4Addr = Ipv4Addr::new(10, 255, 0, 53);
const SERVERS: [&str; 2] = ["203.0.113.7:443", "[2001:db8:51::7]:443"];
const NAME: &str = "s07.upd.kaspersky.com";
/// A run of an update fetches file after file.
pub(crate) const FILES: u32 = 4;
/// What a link of 1,500 bytes takes in either family.
const MSS: usize = 1_400;
/// Seconds between two files.
const BETWEEN: u64 = 5;

/// A host whose product fetches an update.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Real(pub(crate) IpAddr);

impl Real {
    /// One of the files of an update: question, answer, hello, transfer. By IPv6 it asks nobody, and says nothing on the
    /// link of whose address it is.
    fn fetches(&self, wire: &mut Wire, file: u16) {
        let server = SERVERS[usize::from(self.0.is_ipv6())];
        let port = 50_000 + file;
        if let IpAddr::V4(address) = self.0 {
            wire.frame(arp_announcement(address));
            let query = Message::query(file, NAME, A);
            let end: SocketAddr = server.parse().unwrap();
            let answer = query.response().address(NAME, end.ip());
            let asked = Talk::udp(
                SocketAddr::new(self.0, port),
                SocketAddr::from((RESOLVER, 53)),
            );
            wire.talk(asked.asks(&query).answers(&answer));
        }
        wire.talk(
            Talk::tcp(SocketAddr::new(self.0, port), server)
                .mss(MSS)
                .open()
                .client(&ClientHello::to(NAME).stream())
                .server(&server_hello())
                .server(&application_data(40_000))
                .close(),
        );
    }
}

/// An update of these hosts, with what `meanwhile` sends between two of its files.
pub(crate) fn update(hosts: &[Real], wire: &mut Wire, mut meanwhile: impl FnMut(&mut Wire)) {
    for file in 0..FILES {
        for host in hosts {
            host.fetches(wire, file as u16);
        }
        wire.wait(BETWEEN);
        meanwhile(wire);
    }
}
