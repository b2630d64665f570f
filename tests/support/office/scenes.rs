//! What happens in the office, one scene at a time.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::super::dns_messages::{A, AAAA, HTTPS, Message, NXDOMAIN, PTR};
use super::super::links::ethernet::{Ethernet, arp_reply, arp_request};
use super::super::links::mac_of;
use super::super::noise::Noise;
use super::super::savefile::Frame;
use super::super::talk::{Side, Talk};
use super::network::{GATEWAY_V4, Host, Network, Site};
use super::{Scheduled, Told};

const DNS_PORT: u16 = 53;
/// Standard port of HTTPS.
pub const HTTPS_PORT: u16 = 443;

/// One scene, beginning at `start`: its frames, not yet sorted by time, with the names they complete.
pub fn any(network: &Network, start: u64, noise: &mut Noise) -> Vec<Scheduled> {
    let mut scene = Scene {
        host: network.host(noise),
        start,
        noise,
        frames: Vec::new(),
    };
    match scene.noise.below(100) {
        0..70 => scene.page(),
        70..78 => scene.cached_page(),
        78..82 => scene.only_asked(),
        82..84 => scene.unknown_name(),
        84..86 => scene.reverse(),
        86..88 => scene.nobody_there(),
        88..93 => scene.quic(),
        _ => scene.arp(network),
    }
    scene.frames
}

/// A scene that is being played.
pub struct Scene<'a> {
    pub(super) host: &'a Host,
    pub(super) start: u64,
    pub(super) noise: &'a mut Noise,
    frames: Vec<Scheduled>,
}

impl Scene<'_> {
    /// A page or a download: the look-ups, then one connection or two.
    fn page(&mut self) {
        let site = self.host.site(self.noise);
        self.ask(&site);
        self.connect(&site);
        if self.noise.chance(15) {
            self.connect(&site);
        }
    }

    /// The same without look-ups: the host still remembers the answers.
    fn cached_page(&mut self) {
        let site = self.host.site(self.noise);
        self.connect(&site);
    }

    fn only_asked(&mut self) {
        let site = self.host.site(self.noise);
        self.ask(&site);
    }

    /// A name that does not exist; the answer to the second query is lost.
    fn unknown_name(&mut self) {
        let number = self.noise.below(1000);
        let name = format!("intranet{number}.office.example");
        let query = self.query(&name, A);
        let response = query.response().rcode(NXDOMAIN).soa("office.example");
        self.look_up(&name, &query, Some(&response));
        let query = self.query(&name, AAAA);
        self.look_up(&name, &query, None);
    }

    /// Which name does this address have?
    fn reverse(&mut self) {
        let [a, b, c, d] = self.host.v4.octets();
        let name = format!("{d}.{c}.{b}.{a}.in-addr.arpa");
        let query = self.query(&name, PTR);
        let response = query.response().rcode(NXDOMAIN).soa("20.10.in-addr.arpa");
        self.look_up(&name, &query, Some(&response));
    }

    /// Three SYNs without an answer.
    fn nobody_there(&mut self) {
        let site = self.host.site(self.noise);
        let server = self.host.reaches(&site, self.noise);
        let client = self.port_of(self.host.address_like(server));
        let (ours, theirs) = (self.noise.u32(), self.noise.u32());
        let syn = Talk::tcp_from(client, SocketAddr::new(server, HTTPS_PORT), ours, theirs);
        for wait in [0, 1, 3] {
            let again = syn.clone().at(self.start + wait * 1_000_000_000).syn();
            self.play(&again, &[]);
        }
    }

    /// Datagrams of a connection whose beginning is long past: short headers, so nothing in them can be read.
    fn quic(&mut self) {
        let site = self.host.site(self.noise);
        let server = self.host.reaches(&site, self.noise);
        let client = self.port_of(self.host.address_like(server));
        let mut talk = self.begin(Talk::udp(client, SocketAddr::new(server, HTTPS_PORT)));
        for _ in 0..self.noise.between(20, 200) {
            let len = self.noise.between(1100, 1350);
            talk = talk.server(&short_header(self.noise, len));
            if self.noise.chance(40) {
                let len = self.noise.between(30, 80);
                talk = talk.client(&short_header(self.noise, len));
            }
        }
        self.play(&talk, &[]);
    }

    /// Someone looks for a neighbour, and refreshes the entry of the router.
    fn arp(&mut self, network: &Network) {
        let own = self.host.v4;
        for asked in [network.host(self.noise).v4, GATEWAY_V4] {
            let answer_at = self.start + self.noise.between(100_000, 900_000);
            let request = Frame::whole(self.start, arp_request(own, asked));
            let reply = Frame::whole(answer_at, arp_reply(asked, own));
            self.frames.extend([(request, None), (reply, None)]);
            self.start += 1_000_000;
        }
    }

    /// Looks the site up as browsers do: both families, and a third of them for HTTPS too.
    fn ask(&mut self, site: &Site) {
        let aliases: Vec<&str> = site.aliases.iter().map(String::as_str).collect();
        // Some clients mix the case, to make forged answers harder.
        let asked = if self.noise.chance(5) {
            site.name.to_uppercase()
        } else {
            site.name.clone()
        };
        let mut kinds = vec![A, AAAA];
        if self.noise.chance(33) {
            kinds.push(HTTPS);
        }
        for kind in kinds {
            let query = self.query(&asked, kind);
            let addresses: &[IpAddr] = match kind {
                A => &[site.v4.into()],
                AAAA => &[site.v6.into()],
                _ => &[],
            };
            let mut response = query.response();
            if kind != HTTPS {
                response = response.chain(&aliases, addresses);
            }
            self.look_up(&asked, &query, Some(&response));
        }
        self.start += self.noise.between(1_000_000, 40_000_000);
    }

    fn query(&mut self, name: &str, kind: u16) -> Message {
        let query = Message::query(self.noise.u16(), name, kind);
        if self.noise.chance(50) {
            query.edns(1232)
        } else {
            query
        }
    }

    fn look_up(&mut self, name: &str, query: &Message, response: Option<&Message>) {
        let resolver = self.host.resolver(self.noise);
        let client = self.port_of(self.host.address_like(resolver));
        let answer_after = Duration::from_micros(self.noise.between(200, 30_000));
        let resolver = SocketAddr::new(resolver, DNS_PORT);
        let mut talk = Talk::udp(client, resolver)
            .at(self.start)
            .asks(query)
            .pause(answer_after);
        if let Some(response) = response {
            talk = talk.answers(response);
        }
        self.play(&talk, &[(0, self.told("dns", client.ip(), name))]);
        self.start += 50_000;
    }

    pub(super) fn begin(&mut self, talk: Talk) -> Talk {
        // Between the pace of a fast line and that of a busy wireless network.
        let gap = self.noise.between(15_000, 200_000);
        talk.at(self.start).gap(Duration::from_nanos(gap))
    }

    pub(super) fn told(&self, signal: &'static str, client: IpAddr, name: &str) -> Told {
        Told {
            signal,
            client,
            name: name.to_lowercase(),
        }
    }

    pub(super) fn port_of(&mut self, address: IpAddr) -> SocketAddr {
        SocketAddr::new(address, self.noise.between(32_768, 60_999) as u16)
    }

    /// Puts a talk on the wire between the host and the router, with the names that its packets complete.
    pub(super) fn play(&mut self, talk: &Talk, names: &[(usize, Told)]) {
        let (host, gateway) = (self.host.mac(), mac_of(GATEWAY_V4.into()));
        let upward = Ethernet::default().source(host).target(gateway);
        let downward = Ethernet::default().source(gateway).target(host);
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

/// A QUIC packet with a short header (RFC 9000, section 17.3): the fixed bit set, the rest cipher text.
fn short_header(noise: &mut Noise, len: u64) -> Vec<u8> {
    let mut packet = noise.bytes(len as usize);
    packet[0] = 0x40 | packet[0] & 0x3f;
    packet
}
