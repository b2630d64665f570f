//! OpenVPN: the resets with which a session starts.
//!
//! "OpenVPN Protocol" (openvpn.net, from `ssl.h`), `doc_protocol_overview.h`, `tls-crypt-v2.txt`. A reset is an opcode, the
//! sender's session id, and then by configuration one of:
//!
//! - plain: acknowledgements, number of the message;
//! - `tls-auth`: a HMAC, counter and time against replay; then as plain;
//! - `tls-crypt`: counter and time against replay, a HMAC of 32 bytes; then as plain, but encrypted;
//! - `tls-crypt-v2`: the same, then the client's wrapped key, whose length stands at its end.

use crate::dissect::{Dissection, Reader, Short};

const PORT: u16 = 1194;

/// Opcodes stand in the upper five bits; the lower three are the key's number, 0 in a reset.
const CLIENT_V2: u8 = 7 << 3;
const SERVER_V2: u8 = 8 << 3;
const CLIENT_V3: u8 = 10 << 3;

const SESSION_ID_LEN: usize = 8;
/// Opcode, session id, no acknowledgement, number of the message.
const MIN_LEN: usize = 1 + SESSION_ID_LEN + 1 + 4;
/// Digests that `tls-auth` can use: MD5, SHA-1, and those of SHA-2.
const HMAC_LENS: [usize; 6] = [16, 20, 28, 32, 48, 64];
const REPLAY_LEN: usize = 4 + 4;
const CRYPT_HMAC_LEN: usize = 32;
const CRYPT_LEN: usize = MIN_LEN + REPLAY_LEN + CRYPT_HMAC_LEN;
/// An acknowledgement: the message's number, and the session id of the one who sent it.
const ACK_LEN: usize = 4 + SESSION_ID_LEN;
/// What servers of version 2.6 add for `tls-crypt-v2`: type, length and flags.
const EARLY_NEGOTIATION_LEN: usize = 2 + 2 + 2;
/// HMAC, two keys, and the length itself; metadata may stand between.
const MIN_WRAPPED_KEY_LEN: usize = 32 + 256 + 2;
const MAX_WRAPPED_KEY_LEN: usize = 1024;
const MAX_LEN: usize = CRYPT_LEN + MAX_WRAPPED_KEY_LEN;

/// Counters start at 1, or behind this number in clients of version 2.6 with `tls-crypt-v2`; resets are the first to count.
const EARLY_NEGOTIATION_START: u32 = 0x0f00_0000;
const MAX_RESETS: u32 = 255;
/// September 2001, before which there was no OpenVPN; and the end of signed time.
const TIMES: std::ops::RangeInclusive<u32> = 1_000_000_000..=0x7fff_ffff;

/// How much a reset shows of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fit {
    /// At least 40 bits are as they must be.
    Sure,
    /// Fewer, or in a packet that QUIC could send with any content.
    Likely,
}

/// Whether it is a reset: a sure one on any port, a likely one on OpenVPN's.
pub(super) fn fits(datagram: &[u8], wire_len: usize, ports: [u16; 2]) -> bool {
    // Lengths are half of what is known, so what was cut is not judged.
    datagram.len() == wire_len
        && match reset(datagram) {
            Some(Fit::Sure) => true,
            Some(Fit::Likely) => ports.contains(&PORT),
            None => false,
        }
}

/// Tells whether a TCP stream, of either side, starts a session of OpenVPN: packets there stand behind their lengths.
pub fn openvpn_stream(stream: &[u8]) -> Dissection<()> {
    let [high, low, opcode] = [0, 1, 2].map(|at| stream.get(at).copied());
    let longest = (MAX_LEN as u16).to_be_bytes();
    if high.is_some_and(|high| high > longest[0])
        || opcode.is_some_and(|opcode| ![CLIENT_V2, SERVER_V2, CLIENT_V3].contains(&opcode))
    {
        return Dissection::NotThis;
    }
    let (Some(high), Some(low)) = (high, low) else {
        return Dissection::NeedMore;
    };
    let len = usize::from(u16::from_be_bytes([high, low]));
    if !(MIN_LEN..=MAX_LEN).contains(&len) {
        return Dissection::NotThis;
    }
    match stream[2..].get(..len).map(reset) {
        None => Dissection::NeedMore,
        Some(None) => Dissection::NotThis,
        Some(Some(_)) => Dissection::Found(()),
    }
}

/// Judges a whole packet.
fn reset(packet: &[u8]) -> Option<Fit> {
    let (head, rest) = packet.split_at_checked(1 + SESSION_ID_LEN)?;
    let (&opcode, session) = head.split_first()?;
    if session == [0; SESSION_ID_LEN] {
        return None;
    }
    match opcode {
        CLIENT_V2 | SERVER_V2 if is_plain(rest, opcode) || is_authenticated(rest, opcode) => {
            Some(Fit::Sure)
        }
        CLIENT_V2 => (packet.len() == CRYPT_LEN && starts_with_replay(rest)).then_some(Fit::Sure),
        SERVER_V2 => {
            let lens = [0, ACK_LEN, ACK_LEN + EARLY_NEGOTIATION_LEN];
            let fits = lens.map(|more| CRYPT_LEN + more).contains(&packet.len());
            (fits && starts_with_replay(rest)).then_some(Fit::Likely)
        }
        CLIENT_V3 => {
            (starts_with_replay(rest) && ends_with_wrapped_key(packet)).then_some(Fit::Sure)
        }
        _ => None,
    }
}

/// No acknowledgement, or that of a client's first message by the server; then the number of the first message.
fn is_plain(rest: &[u8], opcode: u8) -> bool {
    let [count, rest @ ..] = rest else {
        return false;
    };
    let number = match count {
        0 => rest,
        1 if opcode == SERVER_V2 && rest.len() > ACK_LEN => {
            let (ack, number) = rest.split_at(ACK_LEN);
            if ack[..4] != [0; 4] || ack[4..] == [0; SESSION_ID_LEN] {
                return false;
            }
            number
        }
        _ => return false,
    };
    number == [0; 4]
}

fn is_authenticated(rest: &[u8], opcode: u8) -> bool {
    HMAC_LENS.iter().any(|&len| {
        let behind = rest.get(len..).unwrap_or_default();
        starts_with_replay(behind) && is_plain(&behind[REPLAY_LEN..], opcode)
    })
}

/// Whether counter and time against replay stand here, as in the first packets of a session.
fn starts_with_replay(bytes: &[u8]) -> bool {
    let Some((&[a, b, c, d, e, f, g, h], _)) = bytes.split_first_chunk::<REPLAY_LEN>() else {
        return false;
    };
    let counter = u32::from_be_bytes([a, b, c, d]);
    let first = |start: u32| (start + 1..=start + MAX_RESETS).contains(&counter);
    (first(0) || first(EARLY_NEGOTIATION_START))
        && TIMES.contains(&u32::from_be_bytes([e, f, g, h]))
}

/// Whether what stands behind the encrypted part says of itself how long it is.
fn ends_with_wrapped_key(packet: &[u8]) -> bool {
    let len = packet.len().checked_sub(CRYPT_LEN);
    let Some(len) = len.filter(|len| (MIN_WRAPPED_KEY_LEN..=MAX_WRAPPED_KEY_LEN).contains(len))
    else {
        return false;
    };
    let claimed: Result<u16, Short> = Reader::new(&packet[packet.len() - 2..]).u16();
    claimed.is_ok_and(|claimed| usize::from(claimed) == len)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Vpn, tunnel};
    use super::*;

    const SESSION: [u8; 8] = [0x5d, 2, 3, 4, 5, 6, 7, 8];
    const NO_ACK: [u8; 5] = [0; 5];

    fn first_ack() -> Vec<u8> {
        [&[1, 0, 0, 0, 0][..], &[0xee; 8], &[0; 4]].concat()
    }

    fn replay(counter: u32) -> Vec<u8> {
        [counter.to_be_bytes(), 1_790_000_000u32.to_be_bytes()].concat()
    }

    fn packet(opcode: u8, parts: &[&[u8]]) -> Vec<u8> {
        [&[opcode][..], &SESSION, &parts.concat()].concat()
    }

    fn wrapped_key(len: u16) -> Vec<u8> {
        [&vec![0x77; usize::from(len) - 2][..], &len.to_be_bytes()].concat()
    }

    /// Resets of all configurations that are known on any port.
    fn sure() -> Vec<Vec<u8>> {
        let mut all = vec![
            packet(CLIENT_V2, &[&NO_ACK]),
            packet(SERVER_V2, &[&first_ack()]),
            packet(SERVER_V2, &[&NO_ACK]),
            packet(CLIENT_V2, &[&replay(1), &[0x99; 32], &[0x33; 5]]),
        ];
        for len in HMAC_LENS {
            let hmac = vec![0x99; len];
            all.push(packet(CLIENT_V2, &[&hmac, &replay(2), &NO_ACK]));
            all.push(packet(SERVER_V2, &[&hmac, &replay(1), &first_ack()]));
        }
        for (counter, len) in [(1, 290), (EARLY_NEGOTIATION_START + 1, 307), (3, 1024)] {
            let key = wrapped_key(len);
            all.push(packet(
                CLIENT_V3,
                &[&replay(counter), &[0x99; 32], &[0x33; 5], &key],
            ));
        }
        all
    }

    fn likely() -> Vec<Vec<u8>> {
        [5, 17, 23]
            .map(|len| packet(SERVER_V2, &[&replay(1), &[0x99; 32], &vec![0x33; len]]))
            .to_vec()
    }

    fn stream(packet: &[u8]) -> Vec<u8> {
        [&(packet.len() as u16).to_be_bytes()[..], packet].concat()
    }

    #[test]
    fn resets_are_known() {
        for packet in sure() {
            let len = packet.len();
            assert_eq!(tunnel(&packet, len, 40000, 443), Some(Vpn::OpenVpn));
            assert_eq!(tunnel(&packet[..len - 1], len, 40000, 1194), None);
        }
        for packet in likely() {
            let len = packet.len();
            assert_eq!(tunnel(&packet, len, 40000, 443), None);
            assert_eq!(tunnel(&packet, len, 1194, 40000), Some(Vpn::OpenVpn));
        }
    }

    #[test]
    fn what_does_not_fit_is_no_reset() {
        let key = wrapped_key(400);
        let mut short_key = packet(CLIENT_V3, &[&replay(1), &[0x99; 32], &[0x33; 5], &key]);
        short_key.pop();
        let old = [1u32.to_be_bytes(), 900_000_000u32.to_be_bytes()].concat();
        for packet in [
            [&[CLIENT_V2][..], &[0; 13]].concat(),           // no session
            packet(CLIENT_V2 | 1, &[&NO_ACK]),               // a later key
            packet(4 << 3, &[&NO_ACK]),                      // another opcode
            packet(CLIENT_V2, &[&first_ack()]),              // nothing to acknowledge yet
            packet(CLIENT_V2, &[&[0, 0, 0, 0, 1]]),          // a later message
            packet(CLIENT_V2, &[&NO_ACK, b"x"]),             // something behind it
            packet(CLIENT_V2, &[&replay(900), &[0x99; 37]]), // a later packet
            packet(CLIENT_V2, &[&old, &[0x99; 37]]),
            short_key,
        ] {
            assert_eq!(tunnel(&packet, packet.len(), 40000, 1194), None);
            assert_eq!(openvpn_stream(&stream(&packet)), Dissection::NotThis);
        }
    }

    #[test]
    fn every_prefix_of_a_stream_needs_more_until_the_reset_is_whole() {
        for packet in sure().into_iter().chain(likely()) {
            let stream = stream(&packet);
            for end in 0..stream.len() {
                assert_eq!(openvpn_stream(&stream[..end]), Dissection::NeedMore);
            }
            assert_eq!(openvpn_stream(&stream), Dissection::Found(()));
            let more = [&stream[..], b"more"].concat();
            assert_eq!(openvpn_stream(&more), Dissection::Found(()));
        }
    }

    #[test]
    fn other_streams_settle_early() {
        for other in [
            &b"\x16"[..],
            b"GET",
            b"SSH",
            b"\x00\x1d\x07",             // DNS
            b"\x00\x0d",                 // too short
            b"\x04\x37",                 // too long
            b"\x03\x00\x00\x13\x0e\xe0", // RDP
        ] {
            assert_eq!(openvpn_stream(other), Dissection::NotThis, "{other:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_settle_once(bytes in prop::collection::vec(any::<u8>(), 0..80), which in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
            let packets = sure();
            let mut changed = stream(&packets[which.index(packets.len())]);
            let at = at.index(changed.len());
            changed[at] = byte;
            for bytes in [bytes, changed] {
                let mut settled = Dissection::NeedMore;
                for end in 0..=bytes.len() {
                    let now = openvpn_stream(&bytes[..end]);
                    if settled != Dissection::NeedMore {
                        prop_assert_eq!(&now, &settled);
                    }
                    settled = now;
                }
            }
        }
    }
}
