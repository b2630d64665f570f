//! TLS: a client's hello with all that tests want to vary, and what a server says back.
//!
//! RFC 8446 (records: section 5.1, ClientHello: 4.1.2), RFC 6066 (server name), RFC 7301 (ALPN), RFC 9849 (ECH).

mod records;

use super::noise::Noise;
pub use records::{
    application_data, change_cipher_spec, fatal_alert, handshake_records, server_hello,
    server_hello_message, warning_alert,
};

const CLIENT_HELLO: u8 = 1;
const LEGACY_VERSION: [u8; 2] = [3, 3];
/// Those of TLS 1.3, then the usual ones of TLS 1.2.
const CIPHER_SUITES: [u16; 14] = [
    0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c,
    0x009d, 0x002f,
];
const SIGNATURE_SCHEMES: [u16; 8] = [
    0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601,
];

const SERVER_NAME: u16 = 0;
const STATUS_REQUEST: u16 = 5;
const SUPPORTED_GROUPS: u16 = 10;
const SIGNATURE_ALGORITHMS: u16 = 13;
const ALPN: u16 = 16;
const CERTIFICATE_TIMESTAMPS: u16 = 18;
const PADDING: u16 = 21;
const EXTENDED_MASTER_SECRET: u16 = 23;
const COMPRESS_CERTIFICATE: u16 = 27;
const SESSION_TICKET: u16 = 35;
const SUPPORTED_VERSIONS: u16 = 43;
const PSK_KEY_EXCHANGE_MODES: u16 = 45;
const KEY_SHARE: u16 = 51;
const ENCRYPTED_CLIENT_HELLO: u16 = 0xfe0d;
const RENEGOTIATION_INFO: u16 = 0xff01;

const GROUP_X25519: u16 = 0x001d;
/// The hybrid of ML-KEM 768 and X25519; its share of 1216 bytes is why hellos no longer fit one segment.
const GROUP_X25519_MLKEM768: u16 = 0x11ec;
/// Length of a post-quantum key share; clients send one of X25519 beside it.
pub const POST_QUANTUM_SHARE: usize = 1216;

/// A ClientHello. Default: TLS 1.3 and 1.2, an X25519 key share, the name first, one record.
#[derive(Clone, Debug)]
pub struct ClientHello {
    server_name: Option<Vec<u8>>,
    alpn: Vec<String>,
    ech: bool,
    key_share: usize,
    padding: Option<usize>,
    extra: Vec<(u16, Vec<u8>)>,
    name_last: bool,
    record_size: usize,
    seed: u64,
}

impl ClientHello {
    /// A hello that names this server.
    pub fn to(server_name: &str) -> Self {
        Self::to_bytes(server_name.as_bytes())
    }

    /// A hello whose server name is these bytes, whatever they are.
    pub fn to_bytes(server_name: &[u8]) -> Self {
        Self {
            server_name: Some(server_name.to_vec()),
            ..Self::unnamed()
        }
    }

    /// A hello without the server name extension.
    pub fn unnamed() -> Self {
        Self {
            server_name: None,
            alpn: Vec::new(),
            ech: false,
            key_share: 32,
            padding: None,
            extra: Vec::new(),
            name_last: false,
            record_size: records::MAX_RECORD_LEN,
            seed: 0,
        }
    }

    /// Offers these protocols by ALPN, in order.
    #[must_use]
    pub fn alpn(mut self, protocols: &[&str]) -> Self {
        self.alpn = protocols.iter().map(|&name| name.to_owned()).collect();
        self
    }

    /// With an Encrypted ClientHello extension (outer form); the name given is then the public one.
    #[must_use]
    pub fn ech(mut self) -> Self {
        self.ech = true;
        self
    }

    /// Length of the key share: 32 is X25519, [`POST_QUANTUM_SHARE`] the hybrid, anything else is nonsense of that size.
    #[must_use]
    pub fn key_share(mut self, len: usize) -> Self {
        self.key_share = len;
        self
    }

    /// With this many bytes of padding (RFC 7685).
    #[must_use]
    pub fn padding(mut self, len: usize) -> Self {
        self.padding = Some(len);
        self
    }

    /// With one more extension, behind the usual ones; it may repeat one of them.
    #[must_use]
    pub fn extension(mut self, kind: u16, content: &[u8]) -> Self {
        self.extra.push((kind, content.to_vec()));
        self
    }

    /// With the server name as the last extension, so that every segment is needed to read it.
    #[must_use]
    pub fn name_last(mut self) -> Self {
        self.name_last = true;
        self
    }

    /// In records of at most `len` bytes.
    #[must_use]
    pub fn record_size(mut self, len: usize) -> Self {
        self.record_size = len;
        self
    }

    /// Another seed gives another random and another key.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// What the client sends: the hello in its records.
    pub fn stream(&self) -> Vec<u8> {
        handshake_records(&self.message(), self.record_size)
    }

    /// The handshake message alone, as QUIC carries it.
    pub fn message(&self) -> Vec<u8> {
        let mut noise = Noise::new(self.seed);
        let mut body = LEGACY_VERSION.to_vec();
        body.extend(noise.bytes(32)); // random
        body.extend(vec8(&noise.bytes(32))); // session id
        body.extend(vec16(&words(&CIPHER_SUITES)));
        body.extend(vec8(&[0])); // no compression
        let extensions: Vec<u8> = self
            .extensions(&mut noise)
            .iter()
            .flat_map(|(kind, content)| [&kind.to_be_bytes()[..], &vec16(content)].concat())
            .collect();
        body.extend(vec16(&extensions));
        records::handshake(CLIENT_HELLO, &body)
    }

    fn extensions(&self, noise: &mut Noise) -> Vec<(u16, Vec<u8>)> {
        let mut list = Vec::new();
        if let Some(name) = &self.server_name {
            list.push((SERVER_NAME, server_name(name)));
        }
        let groups = if self.key_share == POST_QUANTUM_SHARE {
            vec![(GROUP_X25519_MLKEM768, self.key_share), (GROUP_X25519, 32)]
        } else {
            vec![(GROUP_X25519, self.key_share)]
        };
        let group_ids: Vec<u16> = groups.iter().map(|&(group, _)| group).collect();
        list.push((EXTENDED_MASTER_SECRET, Vec::new()));
        list.push((SESSION_TICKET, Vec::new()));
        list.push((STATUS_REQUEST, vec![1, 0, 0, 0, 0]));
        list.push((CERTIFICATE_TIMESTAMPS, Vec::new()));
        list.push((COMPRESS_CERTIFICATE, vec![2, 0, 2]));
        list.push((RENEGOTIATION_INFO, vec![0]));
        list.push((SUPPORTED_VERSIONS, vec8(&[3, 4, 3, 3])));
        list.push((SUPPORTED_GROUPS, vec16(&words(&group_ids))));
        list.push((SIGNATURE_ALGORITHMS, vec16(&words(&SIGNATURE_SCHEMES))));
        list.push((PSK_KEY_EXCHANGE_MODES, vec8(&[1])));
        if !self.alpn.is_empty() {
            let names = self.alpn.iter().flat_map(|name| vec8(name.as_bytes()));
            list.push((ALPN, vec16(&names.collect::<Vec<u8>>())));
        }
        let shares = groups.iter().flat_map(|(group, len)| {
            [&group.to_be_bytes()[..], &vec16(&noise.bytes(*len))].concat()
        });
        list.push((KEY_SHARE, vec16(&shares.collect::<Vec<u8>>())));
        if self.ech {
            list.push((ENCRYPTED_CLIENT_HELLO, outer_ech(noise)));
        }
        list.extend(self.extra.iter().cloned());
        if let Some(len) = self.padding {
            list.push((PADDING, vec![0; len]));
        }
        if self.name_last && self.server_name.is_some() {
            list.rotate_left(1);
        }
        list
    }
}

/// RFC 6066, section 3: a list of one host name.
fn server_name(name: &[u8]) -> Vec<u8> {
    vec16(&[&[0], &vec16(name)[..]].concat())
}

/// The outer form: HKDF-SHA256 with AES-128-GCM, a config id, an encapsulated key, the hidden hello.
fn outer_ech(noise: &mut Noise) -> Vec<u8> {
    let mut content = vec![0, 0, 1, 0, 1, 42];
    content.extend(vec16(&noise.bytes(32)));
    content.extend(vec16(&noise.bytes(176)));
    content
}

fn words(numbers: &[u16]) -> Vec<u8> {
    numbers
        .iter()
        .flat_map(|number| number.to_be_bytes())
        .collect()
}

/// Bytes behind their length in one byte.
fn vec8(bytes: &[u8]) -> Vec<u8> {
    let len = u8::try_from(bytes.len()).expect("fits a length of one byte");
    [&[len], bytes].concat()
}

/// Bytes behind their length in two bytes.
fn vec16(bytes: &[u8]) -> Vec<u8> {
    let len = u16::try_from(bytes.len()).expect("fits a length of two bytes");
    [&len.to_be_bytes()[..], bytes].concat()
}

#[cfg(test)]
mod tests;
