//! A scene: what one host does at one time, and the frames that it leaves on the wire.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::super::links::ethernet::{Ethernet, arp_reply, arp_request};
use super::super::links::mac_of;
use super::super::noise::Noise;
use super::super::savefile::Frame;
use super::super::talk::{Side, Talk};
use super::network::{GATEWAY_V4, Host, Network, Site};
use super::{Scheduled, Told};

const TAG_VLAN: u16 = 0x8100;

/// A scene that is being played.
pub struct Scene<'a> {
    pub(super) host: &'a Host,
    pub(super) start: u64,
    pub(super) noise: &'a mut Noise,
    /// Ports that the host took: two of its connections at once to one server must differ.
    ports: Vec<u16>,
    frames: Vec<Scheduled>,
}

impl<'a> Scene<'a> {
    /// A scene of any of the hosts, in which nothing happened yet.
    pub(super) fn new(network: &'a Network, start: u64, noise: &'a mut Noise) -> Self {
        Self {
            host: network.host(noise),
            start,
            noise,
            ports: Vec::new(),
            frames: Vec::new(),
        }
    }

    /// Its frames, not yet sorted by time, with the names they complete.
    pub(super) fn into_frames(self) -> Vec<Scheduled> {
        self.frames
    }

    /// A site that the host wants.
    pub(super) fn site(&mut self) -> Site {
        self.host.site(self.noise)
    }

    /// Three SYNs without an answer.
    pub(super) fn nobody_there(&mut self, port: u16) {
        let site = self.site();
        let (client, server) = self.ends(&site, port);
        let (ours, theirs) = (self.noise.u32(), self.noise.u32());
        let syn = Talk::tcp_from(client, server, ours, theirs);
        for wait in [0, 1, 3] {
            let again = syn.clone().at(self.start + wait * 1_000_000_000).syn();
            self.play(&again, &[]);
        }
    }

    /// Someone looks for a neighbour, and refreshes the entry of the router.
    pub(super) fn arp(&mut self, network: &Network) {
        let own = self.host.v4;
        for asked in [network.host(self.noise).v4, GATEWAY_V4] {
            let answer_at = self.start + self.noise.between(100_000, 900_000);
            let request = Frame::whole(self.start, arp_request(own, asked));
            let reply = Frame::whole(answer_at, arp_reply(asked, own));
            self.frames.extend([(request, None), (reply, None)]);
            self.start += 1_000_000;
        }
    }

    /// The client's end and the server's of something new between the host and a site.
    pub(super) fn ends(&mut self, site: &Site, port: u16) -> (SocketAddr, SocketAddr) {
        let server = self.host.reaches(site, self.noise);
        let client = self.port_of(self.host.address_like(server));
        (client, SocketAddr::new(server, port))
    }

    /// A TCP connection that is about to be opened.
    pub(super) fn tcp(&mut self, client: SocketAddr, server: SocketAddr) -> Talk {
        let (ours, theirs) = (self.noise.u32(), self.noise.u32());
        // An IPv6 header is 20 bytes longer, which the segments have to make up for.
        let mss = if server.is_ipv4() { 1460 } else { 1440 };
        let talk = Talk::tcp_from(client, server, ours, theirs).mss(mss);
        self.begin(talk)
    }

    /// The talk begins now.
    pub(super) fn begin(&mut self, talk: Talk) -> Talk {
        // Between the pace of a fast line and that of a busy wireless network.
        let gap = self.noise.between(15_000, 200_000);
        talk.at(self.start).gap(Duration::from_nanos(gap))
    }

    /// How long the way to a server and back takes.
    pub(super) fn round_trip(&mut self) -> Duration {
        Duration::from_micros(self.noise.between(2_000, 60_000))
    }

    pub(super) fn told(&self, signal: &'static str, client: SocketAddr, name: &str) -> Told {
        Told {
            signal,
            client: client.ip(),
            name: name.to_lowercase(),
        }
    }

    /// An end of the host's with a port of its own.
    pub(super) fn port_of(&mut self, address: IpAddr) -> SocketAddr {
        let mut port = self.noise.between(32_768, 60_999) as u16;
        while self.ports.contains(&port) {
            port = self.noise.between(32_768, 60_999) as u16;
        }
        self.ports.push(port);
        SocketAddr::new(address, port)
    }

    /// Puts a talk on the wire between the host and the router, with the names that its packets complete.
    pub(super) fn play(&mut self, talk: &Talk, names: &[(usize, Told)]) {
        let (host, gateway) = (self.host.mac(), mac_of(GATEWAY_V4.into()));
        let tags: &[u16] = if self.host.tagged { &[TAG_VLAN] } else { &[] };
        let link = Ethernet::default().tags(tags);
        let upward = link.clone().source(host).target(gateway);
        let downward = link.source(gateway).target(host);
        for (index, packet) in talk.packets().iter().enumerate() {
            let ethernet = match packet.from {
                Side::Client => &upward,
                Side::Server => &downward,
            };
            let frame = Frame::whole(packet.time, ethernet.packet(&packet.bytes));
            let name = names.iter().find(|(at, _)| *at == index);
            self.frames
                .push((frame, name.map(|(_, told)| told.clone())));
        }
    }
}

/// Where the client's last packet so far stands in a talk.
pub(super) fn last_of_client(talk: &Talk) -> usize {
    let mut packets = talk.packets().iter();
    let last = packets.rposition(|packet| packet.from == Side::Client);
    last.expect("the client said something")
}
