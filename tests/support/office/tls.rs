//! TLS connections of all sizes, from the first segment to the last.

use super::super::hello::{application_data, change_cipher_spec, server_hello};
use super::super::talk::Talk;
use super::network::Site;
use super::scenes::{Scene, last_of_client};

/// Standard port of HTTPS.
pub const HTTPS_PORT: u16 = 443;
/// What the client encrypts behind its change of cipher: the end of its handshake.
const FINISHED: usize = 74;

/// Sizes of what a connection brings, in bytes, with the share of connections in percent: most are small, and most
/// bytes come in the few large ones.
const DOWNLOADS: [(u64, u64, u64); 4] = [
    (50, 1_000, 15_000),
    (33, 15_000, 100_000),
    (15, 100_000, 800_000),
    (2, 800_000, 4_000_000),
];

impl Scene<'_> {
    /// A connection that brings something.
    pub(super) fn connect(&mut self, site: &Site) {
        let round_trip = self.round_trip();
        let certificate = application_data(self.noise.between(2_500, 4_500) as usize);
        let (talk, told) = self.tls_up_to_hello(site, |talk| talk);
        if self.noise.chance(2) {
            let talk = talk.pause(round_trip).reset_by_server();
            return self.play(&talk, &[told]);
        }
        let mut talk = talk
            .pause(round_trip)
            .server(&[server_hello(), certificate].concat())
            .client(&[change_cipher_spec(), application_data(FINISHED)].concat());
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

    /// A connection that ends when both know each other: a session is taken up again, and then nobody needs it.
    pub(super) fn tls_handshake(&mut self, site: &Site) {
        let round_trip = self.round_trip();
        let (talk, told) = self.tls_up_to_hello(site, Talk::unacknowledged);
        let talk = talk
            .pause(round_trip)
            .server(&server_hello())
            .client(&[change_cipher_spec(), application_data(FINISHED)].concat());
        let end = match self.noise.below(10) {
            0..8 => talk.reset_by_client(),
            _ => talk.close(),
        };
        self.play(&end, &[told]);
    }

    /// The talk up to the hello, and the packet that completes the name.
    fn tls_up_to_hello(
        &mut self,
        site: &Site,
        manner: impl Fn(Talk) -> Talk,
    ) -> (Talk, (usize, super::Told)) {
        let (client, server) = self.ends(site, HTTPS_PORT);
        let round_trip = self.round_trip();
        let acknowledged_every = self.noise.between(2, 4) as usize;
        let talk = self
            .tcp(client, server)
            .acknowledged_every(acknowledged_every)
            .open()
            .pause(round_trip);
        let hello = self.hello(&site.name).stream();
        let talk = manner(talk).client(&hello);
        let told = self.told("tls", client, &site.name);
        let hello_end = last_of_client(&talk);
        (talk, (hello_end, told))
    }

    /// How many bytes something brings.
    pub(super) fn download(&mut self) -> u64 {
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
