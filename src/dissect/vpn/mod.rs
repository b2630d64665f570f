//! Tunnels whose inside cannot be read: WireGuard, IPsec over UDP, OpenVPN.
//!
//! What goes through one is a blind spot, and this says so: nothing more is read than that it is a tunnel. So a wrong
//! "yes" hides a flow that could have been named, and a wrong "no" only leaves it unexplained: where both are possible
//! the answer is no. Ports count here more than elsewhere, because most of these bytes are random by design.
//!
//! Assumptions: the first datagrams of a flow are offered; later ones of OpenVPN, and of WireGuard on a port of its own
//! choosing, show nothing that could be recognised. Not handled: IPsec without UDP (protocols 50 and 51, which `decode`
//! sees), IKE over TCP (RFC 9329), OpenVPN with a static key or scrambled, variants of WireGuard with other types or
//! reserved bytes (Cloudflare WARP, AmneziaWG), and all that looks like TLS from outside.

mod ipsec;
mod openvpn;
mod wireguard;

pub use openvpn::openvpn_stream;

use super::{Dissection, dns, quic};

/// What kind of tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vpn {
    /// WireGuard, and what is built on it unchanged (Tailscale, most commercial services).
    WireGuard,
    /// IKE, or ESP in UDP.
    IpSec,
    /// OpenVPN.
    OpenVpn,
}

/// Tells whether a UDP payload belongs to a tunnel. `wire_len` is its length on the wire, of which the capture may have
/// cut some. DNS, QUIC, STUN, RTP and DTLS are never taken for one.
pub fn tunnel(datagram: &[u8], wire_len: usize, src_port: u16, dst_port: u16) -> Option<Vpn> {
    let ports = [src_port, dst_port];
    if wire_len < datagram.len() {
        return None; // what the capture says of itself is wrong
    }
    let vpn = if wireguard::fits(datagram, wire_len, ports) {
        Vpn::WireGuard
    } else if openvpn::fits(datagram, wire_len, ports) {
        Vpn::OpenVpn
    } else if ipsec::is_keepalive(datagram, wire_len, ports) {
        return Some(Vpn::IpSec);
    } else if ipsec::fits(datagram, wire_len, ports) {
        Vpn::IpSec
    } else {
        return None;
    };
    (!is_another(datagram, wire_len)).then_some(vpn)
}

/// Whether it could be a protocol that has a signature of its own.
fn is_another(datagram: &[u8], wire_len: usize) -> bool {
    dns::may_be_message(datagram)
        || quic::first_flight(datagram, wire_len) != Dissection::NotThis
        || is_stun(datagram)
        || is_dtls(datagram)
}

/// RFC 8489, section 5: two zero bits, and the magic cookie.
fn is_stun(datagram: &[u8]) -> bool {
    const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
    datagram.first().is_some_and(|first| first & 0xc0 == 0)
        && datagram.get(4..8) == Some(&MAGIC_COOKIE)
}

/// RFC 6347, section 4.1: a content type, and a version of DTLS.
fn is_dtls(datagram: &[u8]) -> bool {
    matches!(datagram, [20..=63, 0xfe, 0xfc..=0xff, ..])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The ports on which something is told by less, and one of anybody.
    const PORTS: [u16; 5] = [500, 1194, 4500, 51820, 40000];

    fn claims(datagram: &[u8]) -> Option<Vpn> {
        // ESP is told by its ports alone, between two that nobody else uses together.
        let pairs = PORTS
            .iter()
            .flat_map(|&src| PORTS.map(|dst| (src, dst)))
            .filter(|&pair| pair != (4500, 4500));
        pairs
            .filter_map(|(src, dst)| tunnel(datagram, datagram.len(), src, dst))
            .next()
    }

    fn random(len: std::ops::Range<usize>) -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(any::<u8>(), len)
    }

    #[test]
    fn a_question_that_starts_like_wireguard_is_dns() {
        // Identifier 0x0100, no flags, one question; as long as a handshake.
        let mut query = vec![1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for label in 1..=8 {
            query.push(15);
            query.extend((0..15).map(|at| label * 20 + at));
        }
        query.push(2);
        query.extend(b"ab\0\0\x01\0\x01");
        assert_eq!(query.len(), 148);
        assert!(wireguard::fits(&query, 148, [40000, 53]));
        assert_eq!(tunnel(&query, 148, 40000, 53), None);
    }

    #[test]
    fn a_length_that_lies_is_no_tunnel() {
        assert_eq!(tunnel(&[0xff; 2], 1, 4500, 4500), None);
        assert_eq!(tunnel(&[], 0, 4500, 4500), None);
    }

    proptest! {
        #[test]
        fn dns_is_never_claimed(id in any::<u16>(), flags in prop::sample::select(vec![[1, 0], [0, 0], [1, 0x20], [0x81, 0x80], [0x80, 3]]), labels in prop::collection::vec("[a-z]{1,20}", 1..6), padding in 0..120usize) {
            let mut message = id.to_be_bytes().to_vec();
            message.extend(flags);
            message.extend([0, 1, 0, 0, 0, 0, 0, 0]);
            for label in labels {
                message.push(label.len() as u8);
                message.extend(label.as_bytes());
            }
            message.extend([0, 0, 1, 0, 1]);
            message.resize(message.len() + padding, 0);
            prop_assert_eq!(claims(&message), None);
        }

        #[test]
        fn stun_is_never_claimed(kind in 0..0x4000u16, rest in random(12..200)) {
            let mut message = kind.to_be_bytes().to_vec();
            message.extend((rest.len() as u16 - 12).to_be_bytes());
            message.extend([0x21, 0x12, 0xa4, 0x42]);
            message.extend(rest);
            prop_assert_eq!(claims(&message), None);
            prop_assert_eq!(tunnel(&message, message.len(), 4500, 4500), None);
        }

        #[test]
        fn rtp_is_never_claimed(first in 0x80..0xc0u8, rest in random(11..300)) {
            let packet = [&[first][..], &rest].concat();
            prop_assert_eq!(claims(&packet), None);
            let plain = [&[0x80][..], &rest].concat();
            prop_assert_eq!(tunnel(&plain, plain.len(), 4500, 4500), None);
        }

        #[test]
        fn dtls_is_never_claimed(kind in 20..=26u8, version in prop::sample::select(vec![0xff, 0xfd]), epoch in 0..3u8, body in random(1..300)) {
            let mut record = vec![kind, 0xfe, version, 0, epoch, 0, 0, 0, 0, 0, 7];
            record.extend((body.len() as u16).to_be_bytes());
            record.extend(body);
            prop_assert_eq!(claims(&record), None);
            prop_assert_eq!(tunnel(&record, record.len(), 4500, 4500), None);
        }

        #[test]
        fn quic_is_never_claimed(first in 0xc0..=0xffu8, version in prop::sample::select(vec![1u32, 0x6b33_43cf, 0]), ids in random(16..17), rest in random(1150..1160), short in 0x40..0x80u8) {
            let mut initial = vec![first & 0xcf];
            initial.extend(version.to_be_bytes());
            initial.push(8);
            initial.extend(&ids[..8]);
            initial.push(8);
            initial.extend(&ids[8..]);
            initial.push(0);
            initial.extend((0x4000 | rest.len() as u16).to_be_bytes());
            initial.extend(&rest);
            initial.resize(initial.len().max(1200), 0);
            prop_assert_eq!(claims(&initial), None);
            if version == 1 {
                prop_assert_eq!(tunnel(&initial, initial.len(), 4500, 4500), None);
            }
            for len in [14, 26, 50, 54, 64, 66, 92, 148, 400] {
                let packet = [&[short][..], &rest[..len - 1]].concat();
                prop_assert_eq!(claims(&packet), None);
            }
        }

        #[test]
        fn random_bytes_are_never_claimed(bytes in random(0..400), cut in any::<prop::sample::Index>()) {
            prop_assume!(bytes != [0xff]); // a keepalive
            prop_assert_eq!(claims(&bytes), None);
            let cut = &bytes[..cut.index(bytes.len() + 1)];
            for port in PORTS {
                tunnel(cut, bytes.len(), port, 4500);
            }
        }
    }
}
