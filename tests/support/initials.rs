//! QUIC Initial packets: the protection of RFC 9001, section 5 (version 2: RFC 9369), whatever frames they carry.

use std::ops::Range;

use ring::aead::{self, Aad, LessSafeKey, Nonce, UnboundKey, quic};
use ring::hkdf;

/// Version 1.
pub const V1: u32 = 1;
/// Version 2.
pub const V2: u32 = 0x6b33_43cf;

const SALT_V1: [u8; 20] =
    *b"\x38\x76\x2c\xf7\xf5\x59\x34\xb3\x4d\x17\x9a\xe6\xa4\xc8\x0c\xad\xcc\xbb\x7f\x0a";
const SALT_V2: [u8; 20] =
    *b"\x0d\xed\xe3\xde\xf7\x00\xa6\xdb\x81\x93\x81\xbe\x6e\x26\x9d\xcb\xf9\xbd\x2e\xd9";
/// Every packet number is written in four bytes.
const NUMBER_LEN: usize = 4;
const SAMPLE_LEN: usize = 16;
const TAG_LEN: usize = 16;
/// Length of a client's datagrams with Initial packets (RFC 9000, section 14.1).
const DATAGRAM: usize = 1200;

/// An Initial packet's header. Default: a client's first packet in version 1.
#[derive(Clone, Debug)]
pub struct Initial {
    version: u32,
    from_server: bool,
    first_id: Vec<u8>,
    to: Vec<u8>,
    from: Vec<u8>,
    token: Vec<u8>,
    number: u32,
}

impl Initial {
    /// A client's first packet, to the connection id that it made up.
    pub fn client(first_id: &[u8]) -> Self {
        Self {
            version: V1,
            from_server: false,
            first_id: first_id.to_vec(),
            to: first_id.to_vec(),
            from: b"client".to_vec(),
            token: Vec::new(),
            number: 0,
        }
    }

    /// The server's answer to a client that began with this connection id.
    pub fn server(first_id: &[u8]) -> Self {
        Self {
            from_server: true,
            to: b"client".to_vec(),
            from: b"server".to_vec(),
            ..Self::client(first_id)
        }
    }

    /// In this version; one but [`V2`] is protected as version 1.
    #[must_use]
    pub fn version(mut self, number: u32) -> Self {
        self.version = number;
        self
    }

    /// To this connection id; the keys stay.
    #[must_use]
    pub fn to(mut self, id: &[u8]) -> Self {
        self.to = id.to_vec();
        self
    }

    /// With a token from an earlier Retry.
    #[must_use]
    pub fn token(mut self, token: &[u8]) -> Self {
        self.token = token.to_vec();
        self
    }

    /// With this packet number.
    #[must_use]
    pub fn number(mut self, number: u32) -> Self {
        self.number = number;
        self
    }

    /// The packet with these frames, of which it must hold some.
    pub fn packet(&self, frames: &[u8]) -> Vec<u8> {
        // The sample for the header's protection needs four bytes behind the number.
        let mut sealed = frames.to_vec();
        sealed.resize(frames.len().max(NUMBER_LEN), 0);
        let mut header = self.header();
        header.extend(varint(NUMBER_LEN + sealed.len() + TAG_LEN));
        let number_at = header.len();
        header.extend(self.number.to_be_bytes());

        let keys = self.keys();
        let mut nonce = keys.iv;
        let number = u64::from(self.number).to_be_bytes();
        for (byte, number) in nonce[4..].iter_mut().zip(number) {
            *byte ^= number;
        }
        let nonce = Nonce::assume_unique_for_key(nonce);
        keys.payload
            .seal_in_place_append_tag(nonce, Aad::from(&header), &mut sealed)
            .expect("a packet is short enough to seal");
        let mut packet = [header, sealed].concat();
        let sample_at = number_at + 4;
        let sample = &packet[sample_at..sample_at + SAMPLE_LEN];
        let mask = keys
            .header
            .new_mask(sample)
            .expect("a sample of its length");
        packet[0] ^= mask[0] & 0x0f;
        for (byte, mask) in packet[number_at..number_at + NUMBER_LEN]
            .iter_mut()
            .zip(&mask[1..])
        {
            *byte ^= mask;
        }
        packet
    }

    /// Bytes of frames that fill a datagram of the length that a client's have.
    pub fn room(&self) -> usize {
        const LENGTH_LEN: usize = 2;
        DATAGRAM - self.header().len() - LENGTH_LEN - NUMBER_LEN - TAG_LEN
    }

    /// A datagram with these frames and, as real clients send it, padding frames up to its length.
    pub fn filled(&self, frames: &[u8]) -> Vec<u8> {
        let mut padded = frames.to_vec();
        padded.resize(frames.len().max(self.room()), 0);
        self.packet(&padded)
    }

    /// The packet followed by zeros up to the length that a client's datagrams have.
    pub fn datagram(&self, frames: &[u8]) -> Vec<u8> {
        let mut datagram = self.packet(frames);
        datagram.resize(datagram.len().max(DATAGRAM), 0);
        datagram
    }

    /// The header up to the length.
    fn header(&self) -> Vec<u8> {
        let mut header = vec![if self.version == V2 { 0xd3 } else { 0xc3 }];
        header.extend(self.version.to_be_bytes());
        for id in [&self.to, &self.from] {
            header.push(u8::try_from(id.len()).expect("a short connection id"));
            header.extend(id);
        }
        header.extend(varint(self.token.len()));
        header.extend(&self.token);
        header
    }

    fn keys(&self) -> Keys {
        let (salt, key, iv, header) = if self.version == V2 {
            (SALT_V2, "quicv2 key", "quicv2 iv", "quicv2 hp")
        } else {
            (SALT_V1, "quic key", "quic iv", "quic hp")
        };
        let initial = hkdf::Salt::new(hkdf::HKDF_SHA256, &salt).extract(&self.first_id);
        let side = if self.from_server {
            "server in"
        } else {
            "client in"
        };
        let secret: hkdf::Prk = initial
            .expand(&[&label(32, side)], hkdf::HKDF_SHA256)
            .expect("HKDF gives 32 bytes")
            .into();
        let key: UnboundKey = secret
            .expand(&[&label(16, key)], &aead::AES_128_GCM)
            .expect("HKDF gives 16 bytes")
            .into();
        let header: quic::HeaderProtectionKey = secret
            .expand(&[&label(16, header)], &quic::AES_128)
            .expect("HKDF gives 16 bytes")
            .into();
        let mut nonce = [0; aead::NONCE_LEN];
        secret
            .expand(&[&label(12, iv)], NonceLen)
            .and_then(|okm| okm.fill(&mut nonce))
            .expect("HKDF gives 12 bytes");
        Keys {
            payload: LessSafeKey::new(key),
            header,
            iv: nonce,
        }
    }
}

struct Keys {
    payload: LessSafeKey,
    header: quic::HeaderProtectionKey,
    iv: [u8; aead::NONCE_LEN],
}

/// Length of what is expanded to a nonce.
struct NonceLen;

impl hkdf::KeyType for NonceLen {
    fn len(&self) -> usize {
        aead::NONCE_LEN
    }
}

/// Argument of HKDF-Expand-Label (RFC 8446, section 7.1), without context.
fn label(len: u8, text: &str) -> Vec<u8> {
    let text = format!("tls13 {text}");
    let mut label = vec![0, len, u8::try_from(text.len()).expect("a short label")];
    label.extend(text.bytes());
    label.push(0);
    label
}

/// A Handshake packet as a server sends it behind its Initial (RFC 9000, section 17.2.4), in version 1, to the client's usual id;
/// the number and what follows are cipher text, which nobody but the two can read.
pub fn handshake_packet(sealed: &[u8]) -> Vec<u8> {
    let Initial { to, from, .. } = Initial::server(&[]);
    let mut packet = vec![0xe3];
    packet.extend(V1.to_be_bytes());
    for id in [to, from] {
        packet.push(id.len() as u8);
        packet.extend(id);
    }
    packet.extend(varint(sealed.len()));
    packet.extend(sealed);
    packet
}

/// A CRYPTO frame with a part of the message (RFC 9000, section 19.6).
pub fn crypto(message: &[u8], part: Range<usize>) -> Vec<u8> {
    let mut frame = vec![6];
    frame.extend(varint(part.start));
    frame.extend(varint(part.len()));
    frame.extend(&message[part]);
    frame
}

/// A number of up to 30 bits (RFC 9000, section 16).
fn varint(number: usize) -> Vec<u8> {
    let number = u32::try_from(number).expect("a number of 30 bits");
    match number {
        0..=0x3f => vec![number as u8],
        0x40..=0x3fff => (number as u16 | 0x4000).to_be_bytes().to_vec(),
        _ => (number | 0x8000_0000).to_be_bytes().to_vec(),
    }
}
