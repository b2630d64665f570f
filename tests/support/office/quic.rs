//! QUIC connections: protected Initials as browsers send them, the server's first answer, and bulk behind it.

use super::super::hello::server_hello_message;
use super::super::initials::{Initial, crypto, handshake_packet};
use super::super::noise::Noise;
use super::super::talk::Talk;
use super::network::Site;
use super::scenes::{Scene, last_of_client};
use super::tls::HTTPS_PORT;

/// An acknowledgement of packet 0 and nothing else (RFC 9000, section 19.3).
const ACK: [u8; 5] = [0x02, 0, 0, 0, 0];
const PING: u8 = 0x01;
/// Type, offset and length of a CRYPTO frame take so many bytes at most.
const CRYPTO_HEADER: usize = 5;
/// Bytes that datagrams of bulk have.
const FULL: (u64, u64) = (1_200, 1_350);

impl Scene<'_> {
    /// A connection that brings something.
    pub(super) fn quic(&mut self, site: &Site) {
        let (talk, told) = self.quic_handshake_talk(site);
        let round_trip = self.round_trip();
        let bytes = self.download();
        let talk = self.bulk(talk.pause(round_trip), bytes / FULL.0 + 1);
        self.play(&talk, &[told]);
    }

    /// A connection that ends when both know each other.
    pub(super) fn quic_handshake(&mut self, site: &Site) {
        let (talk, told) = self.quic_handshake_talk(site);
        self.play(&talk, &[told]);
    }

    /// Datagrams of a connection whose beginning is long past: short headers, so nothing in them can be read.
    pub(super) fn quic_underway(&mut self) {
        let site = self.site();
        let (client, server) = self.ends(&site, HTTPS_PORT);
        let talk = self.begin(Talk::udp(client, server));
        let datagrams = self.noise.between(20, 250);
        let talk = self.bulk(talk, datagrams);
        self.play(&talk, &[]);
    }

    /// The client's hello and the server's, and the packet that completes the name.
    fn quic_handshake_talk(&mut self, site: &Site) -> (Talk, (usize, super::Told)) {
        let (client, server) = self.ends(site, HTTPS_PORT);
        let round_trip = self.round_trip();
        let hello = self.quic_hello(&site.name).message();
        let first_id = self.noise.bits().to_be_bytes();
        let mut talk = self.begin(Talk::udp(client, server));
        for datagram in self.hello_datagrams(&first_id, &hello) {
            talk = talk.client(&datagram);
        }
        let told = (last_of_client(&talk), self.told("quic", client, &site.name));
        let answer = server_hello_message();
        let frames = [&ACK[..], &crypto(&answer, 0..answer.len())].concat();
        let initial = Initial::server(&first_id).packet(&frames);
        let handshake = handshake_packet(&self.noise.bytes(1_000));
        let talk = talk
            .pause(round_trip)
            .server(&[initial, handshake].concat());
        (talk, told)
    }

    /// The hello in as many datagrams as it needs; in some of them it is cut into pieces that are out of order.
    fn hello_datagrams(&mut self, first_id: &[u8], hello: &[u8]) -> Vec<Vec<u8>> {
        let initial = Initial::client(first_id);
        // Three pieces at most.
        let size = initial.room() - 3 * CRYPTO_HEADER - 1;
        let scattered = self.noise.chance(40);
        let starts = (0..hello.len()).step_by(size);
        starts
            .zip(0..)
            .map(|(start, number)| {
                let end = hello.len().min(start + size);
                let frames = if scattered {
                    let third = (end - start) / 3;
                    let (first, second) = (start + third, start + 2 * third);
                    let pieces = [second..end, start..first, first..second];
                    let pieces = pieces.map(|piece| crypto(hello, piece));
                    [&pieces[0], &[PING][..], &pieces[1], &pieces[2]].concat()
                } else {
                    crypto(hello, start..end)
                };
                initial.clone().number(number).filled(&frames)
            })
            .collect()
    }

    /// So many full datagrams from the server, and some from the client that acknowledge them.
    fn bulk(&mut self, mut talk: Talk, datagrams: u64) -> Talk {
        for _ in 0..datagrams {
            let len = self.noise.between(FULL.0, FULL.1);
            talk = talk.server(&short_header(self.noise, len));
            if self.noise.chance(20) {
                let len = self.noise.between(30, 80);
                talk = talk.client(&short_header(self.noise, len));
            }
        }
        talk
    }
}

/// A QUIC packet with a short header (RFC 9000, section 17.3): the fixed bit set, the rest cipher text.
fn short_header(noise: &mut Noise, len: u64) -> Vec<u8> {
    let mut packet = noise.bytes(len as usize);
    packet[0] = 0x40 | packet[0] & 0x3f;
    packet
}
