//! WireGuard ("WireGuard: Next Generation Kernel Network Tunnel", section 5.4): four messages, each with a type of one
//! byte, three zero bytes, and, but for data, one length only.

const PORT: u16 = 51820;

const RESERVED: [u8; 3] = [0; 3];
/// Section 5.4.2: type, sender, ephemeral key, encrypted static key and timestamp, two MACs.
const INITIATION: Form = Form {
    kind: 1,
    len: 4 + 4 + 32 + (32 + 16) + (12 + 16) + 16 + 16,
    random: 8..40,
};
/// Section 5.4.3: type, sender, receiver, ephemeral key, encrypted nothing, two MACs.
const RESPONSE: Form = Form {
    kind: 2,
    len: 4 + 4 + 4 + 32 + 16 + 16 + 16,
    random: 12..44,
};
/// Section 5.4.7: type, receiver, nonce, encrypted cookie.
const COOKIE_REPLY: Form = Form {
    kind: 3,
    len: 4 + 4 + 24 + (16 + 16),
    random: 8..32,
};
/// Section 5.4.6: type, receiver, counter; then encrypted data, padded to 16 bytes.
const KIND_DATA: u8 = 4;
const DATA_HEADER_LEN: usize = 4 + 4 + 8;
const DATA_UNIT: usize = 16;

/// Different values among the bytes of a key or nonce. Of 24 random bytes fewer than 16 are different once in 10^5;
/// counters, texts and padding have hardly any.
const MIN_VALUES: usize = 16;

/// A message of fixed length.
struct Form {
    kind: u8,
    len: usize,
    /// Where random bytes stand.
    random: std::ops::Range<usize>,
}

/// Whether it is a message of WireGuard: of the handshake on any port, of data on WireGuard's own.
pub(super) fn fits(datagram: &[u8], wire_len: usize, ports: [u16; 2]) -> bool {
    let Some((&kind, rest)) = datagram.split_first() else {
        return false;
    };
    if !rest.starts_with(&RESERVED) {
        return false;
    }
    if kind == KIND_DATA {
        return ports.contains(&PORT) && is_data(datagram, wire_len);
    }
    [INITIATION, RESPONSE, COOKIE_REPLY]
        .into_iter()
        .any(|form| {
            form.kind == kind
                && form.len == wire_len
                && datagram.get(form.random).is_some_and(looks_random)
        })
}

fn is_data(datagram: &[u8], wire_len: usize) -> bool {
    // The counter is little-endian, and nobody sends 2^48 packets with one key.
    wire_len >= DATA_HEADER_LEN + DATA_UNIT
        && wire_len.is_multiple_of(DATA_UNIT)
        && datagram.get(DATA_HEADER_LEN - 2..DATA_HEADER_LEN) == Some(&[0, 0])
}

fn looks_random(bytes: &[u8]) -> bool {
    let mut seen = [false; 256];
    for &byte in bytes {
        seen[usize::from(byte)] = true;
    }
    seen.into_iter().filter(|&seen| seen).count() >= MIN_VALUES
}

#[cfg(test)]
mod tests {
    use super::super::{Vpn, tunnel};

    /// A message whose encrypted parts are all different.
    fn message(kind: u8, len: usize) -> Vec<u8> {
        let mut message = vec![kind, 0, 0, 0];
        message.extend((4..len).map(|at| (at * 89 + 41) as u8));
        message
    }

    #[test]
    fn handshakes_are_known_on_any_port() {
        for (kind, len) in [(1, 148), (2, 92), (3, 64)] {
            let whole = message(kind, len);
            let is = |bytes: &[u8], wire_len| tunnel(bytes, wire_len, 40000, 443);
            assert_eq!(is(&whole, len), Some(Vpn::WireGuard));
            // Cut behind what is random.
            assert_eq!(is(&whole[..44], len), Some(Vpn::WireGuard));
            assert_eq!(is(&whole[..20], len), None);
            assert_eq!(is(&message(kind, len + 1), len + 1), None);
            assert_eq!(is(&message(kind % 3 + 1, len), len), None);
            let mut reserved = whole.clone();
            reserved[3] = 1;
            assert_eq!(is(&reserved, len), None);
            let mut dull = whole;
            dull[8..44].fill(0);
            assert_eq!(is(&dull, len), None);
        }
    }

    #[test]
    fn data_is_known_on_its_own_port() {
        let mut data = message(4, 96);
        data[8..16].copy_from_slice(&7u64.to_le_bytes());
        assert_eq!(tunnel(&data, 96, 40000, 51820), Some(Vpn::WireGuard));
        assert_eq!(tunnel(&data, 1456, 51820, 40000), Some(Vpn::WireGuard));
        assert_eq!(tunnel(&data[..32], 32, 40000, 51820), Some(Vpn::WireGuard));
        assert_eq!(tunnel(&data, 97, 40000, 51820), None);
        assert_eq!(tunnel(&data[..16], 16, 40000, 51820), None);
        assert_eq!(tunnel(&data, 96, 40000, 443), None);
        data[15] = 1;
        assert_eq!(tunnel(&data, 96, 40000, 51820), None);
    }
}
