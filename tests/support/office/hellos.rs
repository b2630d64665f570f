//! ClientHellos of the browsers of today.

use super::super::hello::{ClientHello, POST_QUANTUM_SHARE};
use super::scenes::Scene;

/// A number that nobody may know, so that servers learn to live with those (RFC 8701).
const GREASE: u16 = 0x5a5a;
const QUIC_TRANSPORT_PARAMETERS: u16 = 57;

/// In how many of 100 hellos there is a post-quantum key share, with which they need a second segment.
const POST_QUANTUM: u64 = 50;

impl Scene<'_> {
    /// A hello for TLS over TCP.
    pub(super) fn hello(&mut self, name: &str) -> ClientHello {
        self.browser_hello(name).alpn(&["h2", "http/1.1"])
    }

    /// A hello for QUIC.
    pub(super) fn quic_hello(&mut self, name: &str) -> ClientHello {
        let len = self.noise.between(50, 90) as usize;
        let parameters = self.noise.bytes(len);
        self.browser_hello(name)
            .alpn(&["h3"])
            .extension(QUIC_TRANSPORT_PARAMETERS, &parameters)
    }

    /// One segment or two, with the name anywhere in it.
    fn browser_hello(&mut self, name: &str) -> ClientHello {
        let mut hello = ClientHello::to(name)
            .seed(self.noise.bits())
            .extension(GREASE, &[]);
        if self.noise.chance(POST_QUANTUM) {
            hello = hello.key_share(POST_QUANTUM_SHARE);
        }
        if self.noise.chance(50) {
            hello = hello.ech();
        }
        if self.noise.chance(30) {
            hello = hello.name_last();
        }
        hello
    }
}
