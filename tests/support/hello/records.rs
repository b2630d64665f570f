//! TLS records, and those that a server sends.

use super::super::noise::Noise;
use super::{LEGACY_VERSION, vec8, vec16};

/// Longest plaintext record (RFC 8446, section 5.1).
pub(super) const MAX_RECORD_LEN: usize = 1 << 14;

const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;

const ALERT_WARNING: u8 = 1;
const ALERT_FATAL: u8 = 2;

const SERVER_HELLO: u8 = 2;

/// A handshake message in records of at most `size` bytes. The first flight says TLS 1.0, as clients still do.
pub fn handshake_records(message: &[u8], size: usize) -> Vec<u8> {
    let parts = message.chunks(size);
    parts
        .flat_map(|part| record(HANDSHAKE, [3, 1], part))
        .collect()
}

/// A ServerHello that chooses TLS 1.3, the change of cipher that comes with it, and one encrypted record: what a
/// server answers at once.
pub fn server_hello() -> Vec<u8> {
    let mut stream = record(HANDSHAKE, LEGACY_VERSION, &server_hello_message());
    stream.extend(change_cipher_spec());
    stream.extend(application_data(64));
    stream
}

/// The ServerHello alone, as QUIC carries it.
pub fn server_hello_message() -> Vec<u8> {
    let mut noise = Noise::new(0x5e);
    let mut body = LEGACY_VERSION.to_vec();
    body.extend(noise.bytes(32)); // random
    body.extend(vec8(&noise.bytes(32))); // session id
    body.extend([0x13, 0x01, 0]); // suite, no compression
    let mut extensions = vec![0, 43, 0, 2, 3, 4]; // TLS 1.3
    let share = [&[0, 29][..], &vec16(&noise.bytes(32))].concat();
    extensions.extend([0, 51]);
    extensions.extend(vec16(&share));
    body.extend(vec16(&extensions));
    handshake(SERVER_HELLO, &body)
}

/// The record that TLS 1.3 sends for the sake of middleboxes (RFC 8446, appendix D.4).
pub fn change_cipher_spec() -> Vec<u8> {
    record(CHANGE_CIPHER_SPEC, LEGACY_VERSION, &[1])
}

/// Encrypted records with `len` bytes of content altogether, each as long as allowed.
pub fn application_data(len: usize) -> Vec<u8> {
    let content = Noise::new(len as u64).bytes(len);
    let parts = content.chunks(MAX_RECORD_LEN);
    parts
        .flat_map(|part| record(APPLICATION_DATA, LEGACY_VERSION, part))
        .collect()
}

/// A fatal alert; 40 is handshake failure, 112 unrecognized name (RFC 8446, section 6).
pub fn fatal_alert(description: u8) -> Vec<u8> {
    record(ALERT, LEGACY_VERSION, &[ALERT_FATAL, description])
}

/// A warning alert; 0 says that the sender closes, 112 that it does not know the name but goes on.
pub fn warning_alert(description: u8) -> Vec<u8> {
    record(ALERT, LEGACY_VERSION, &[ALERT_WARNING, description])
}

/// A handshake message: type, length in three bytes, body.
pub(super) fn handshake(kind: u8, body: &[u8]) -> Vec<u8> {
    let [_, length @ ..] = (body.len() as u32).to_be_bytes();
    [&[kind][..], &length, body].concat()
}

fn record(kind: u8, version: [u8; 2], content: &[u8]) -> Vec<u8> {
    [&[kind][..], &version, &vec16(content)].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Kind and content length of each record.
    fn records(mut stream: &[u8]) -> Vec<(u8, usize)> {
        let mut list = Vec::new();
        while let [kind, 3, _, high, low, rest @ ..] = stream {
            let len = usize::from(u16::from_be_bytes([*high, *low]));
            list.push((*kind, len));
            stream = &rest[len..];
        }
        assert!(stream.is_empty(), "the last record is whole");
        list
    }

    #[test]
    fn a_server_answers_in_three_records() {
        let kinds: Vec<u8> = records(&server_hello())
            .iter()
            .map(|&(kind, _)| kind)
            .collect();
        assert_eq!(kinds, [HANDSHAKE, CHANGE_CIPHER_SPEC, APPLICATION_DATA]);
    }

    #[test]
    fn data_is_cut_into_records() {
        let data = application_data(40_000);
        let expected = [16_384, 16_384, 7_232].map(|len| (APPLICATION_DATA, len));
        assert_eq!(records(&data), expected);
        assert!(application_data(0).is_empty());
    }

    #[test]
    fn alerts() {
        assert_eq!(fatal_alert(40), [21, 3, 3, 0, 2, 2, 40]);
        assert_eq!(warning_alert(112), [21, 3, 3, 0, 2, 1, 112]);
    }
}
