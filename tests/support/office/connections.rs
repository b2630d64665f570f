//! TLS connections of all sizes, from the first segment to the last.

use std::net::SocketAddr;
use std::time::Duration;

use super::super::hello::{
    ClientHello, POST_QUANTUM_SHARE, application_data, change_cipher_spec, server_hello,
};
use super::super::talk::{Side, Talk};
use super::network::Site;
use super::scenes::{HTTPS_PORT, Scene};

/// Sizes of what a connection brings, in bytes, with the share of connections in percent: most are small, and most
/// bytes come in the few large ones.
const DOWNLOADS: [(u64, u64, u64); 4] = [
    (55, 1_000, 12_000),
    (33, 12_000, 80_000),
    (11, 80_000, 500_000),
    (1, 500_000, 5_000_000),
];

impl Scene<'_> {
    /// A TLS connection from its first segment to its last.
    pub(super) fn connect(&mut self, site: &Site) {
        let server = self.host.reaches(site, self.noise);
        let client = self.port_of(self.host.address_like(server));
        let round_trip = Duration::from_micros(self.noise.between(2_000, 60_000));
        let (ours, theirs) = (self.noise.u32(), self.noise.u32());
        let server = SocketAddr::new(server, HTTPS_PORT);
        // An IPv6 header is 20 bytes longer, which the segments have to make up for.
        let mss = if server.is_ipv4() { 1460 } else { 1440 };
        let talk = Talk::tcp_from(client, server, ours, theirs).mss(mss);
        let talk = self.begin(talk).open().pause(round_trip);

        let talk = talk.client(&self.hello(&site.name));
        let mut packets = talk.packets().iter();
        let hello_end = packets.rposition(|packet| packet.from == Side::Client);
        let told = self.told("tls", client.ip(), &site.name);
        let told = (hello_end.expect("the hello was sent"), told);

        if self.noise.chance(2) {
            let talk = talk.pause(round_trip).reset_by_server();
            return self.play(&talk, &[told]);
        }
        let certificate = application_data(self.noise.between(2_500, 4_500) as usize);
        let mut talk = talk
            .pause(round_trip)
            .server(&[server_hello(), certificate].concat())
            .client(&[change_cipher_spec(), application_data(74)].concat());
        let requests = self.noise.between(1, 5);
        let size = self.download() / requests;
        for _ in 0..requests {
            let request = self.upload();
            talk = talk
                .client(&application_data(request))
                .pause(round_trip)
                .server(&application_data(size as usize));
        }
        let end = match self.noise.below(10) {
            0 => talk.reset_by_client(),
            1 => talk, // stays open
            _ => talk.close(),
        };
        self.play(&end, &[told]);
    }

    /// A hello of today, in one segment or two, with the name anywhere in it.
    fn hello(&mut self, name: &str) -> Vec<u8> {
        let mut hello = ClientHello::to(name)
            .alpn(&["h2", "http/1.1"])
            .seed(self.noise.bits());
        if self.noise.chance(60) {
            hello = hello.key_share(POST_QUANTUM_SHARE);
        }
        if self.noise.chance(50) {
            hello = hello.ech();
        }
        if self.noise.chance(30) {
            hello = hello.name_last();
        }
        hello.stream()
    }

    fn download(&mut self) -> u64 {
        let mut die = self.noise.below(100);
        for (share, low, high) in DOWNLOADS {
            if die < share {
                return self.noise.between(low, high);
            }
            die -= share;
        }
        unreachable!("the shares make 100")
    }

    /// Requests are small, but now and then something is sent up.
    fn upload(&mut self) -> usize {
        let size = match self.noise.below(100) {
            0 => self.noise.between(50_000, 1_000_000),
            _ => self.noise.between(150, 2_500),
        };
        size as usize
    }
}
