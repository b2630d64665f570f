//! What hosts ask the resolver.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::super::dns_messages::{A, AAAA, HTTPS, Message, NXDOMAIN, PTR};
use super::super::talk::Talk;
use super::network::Site;
use super::scenes::Scene;

const DNS_PORT: u16 = 53;

impl Scene<'_> {
    /// A site is looked up and nothing more comes of it.
    pub(super) fn only_asked(&mut self) {
        let site = self.site();
        self.ask(&site);
    }

    /// Looks the site up as browsers do: both families, and many of them for HTTPS too.
    pub(super) fn ask(&mut self, site: &Site) {
        let aliases: Vec<&str> = site.aliases.iter().map(String::as_str).collect();
        // Some clients mix the case, to make forged answers harder.
        let asked = if self.noise.chance(5) {
            site.name.to_uppercase()
        } else {
            site.name.clone()
        };
        let mut kinds = vec![A, AAAA];
        if self.noise.chance(40) {
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

    /// A name that does not exist; the answer to the second query is lost.
    pub(super) fn unknown_name(&mut self) {
        let number = self.noise.below(1000);
        let name = format!("intranet{number}.office.example");
        let query = self.query(&name, A);
        let response = query.response().rcode(NXDOMAIN).soa("office.example");
        self.look_up(&name, &query, Some(&response));
        let query = self.query(&name, AAAA);
        self.look_up(&name, &query, None);
    }

    /// Which name does this address have?
    pub(super) fn reverse(&mut self) {
        let [a, b, c, d] = self.host.v4.octets();
        let name = format!("{d}.{c}.{b}.{a}.in-addr.arpa");
        let query = self.query(&name, PTR);
        let response = query.response().rcode(NXDOMAIN).soa("20.10.in-addr.arpa");
        self.look_up(&name, &query, Some(&response));
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
        self.play(&talk, &[(0, self.told("dns", client, name))]);
        self.start += 50_000;
    }
}
