//! Hellos for the tests of this folder.

use super::ClientHello;

pub(super) const SERVER_NAME: u16 = 0;
pub(super) const ALPN: u16 = 16;
const ECH: u16 = 0xfe0d;

/// A ClientHello as handshake message, with the extensions given.
pub(super) fn hello_message(extensions: &[(u16, Vec<u8>)]) -> Vec<u8> {
    let mut list = Vec::new();
    for (kind, content) in extensions {
        list.extend(kind.to_be_bytes());
        list.extend((content.len() as u16).to_be_bytes());
        list.extend(content);
    }
    let mut body = vec![3, 3];
    body.extend([7; 32]);
    body.push(0);
    body.extend([0, 2, 0x13, 0x01]);
    body.extend([1, 0]);
    body.extend((list.len() as u16).to_be_bytes());
    body.extend(list);
    let mut message = vec![1, 0];
    message.extend((body.len() as u16).to_be_bytes());
    message.extend(body);
    message
}

/// The extension that carries a server name.
pub(super) fn sni(name: &str) -> (u16, Vec<u8>) {
    let mut content = Vec::new();
    content.extend((name.len() as u16 + 3).to_be_bytes());
    content.push(0);
    content.extend((name.len() as u16).to_be_bytes());
    content.extend(name.as_bytes());
    (SERVER_NAME, content)
}

/// The message in records of at most `size` bytes.
pub(super) fn records(message: &[u8], size: usize) -> Vec<u8> {
    let mut stream = Vec::new();
    for part in message.chunks(size) {
        stream.extend([22, 3, 1]);
        stream.extend((part.len() as u16).to_be_bytes());
        stream.extend(part);
    }
    stream
}

/// A hello with everything in it, of more than one segment.
pub(super) fn example() -> Vec<u8> {
    hello_message(&[
        (ECH, vec![0, 1, 2]),
        (10, vec![0; 1200]),
        sni("S07.upd.kaspersky.com"),
        (ALPN, vec![0, 3, 2, b'h', b'2']),
    ])
}

/// What [`example`] tells.
pub(super) fn expected() -> ClientHello {
    ClientHello {
        server_name: Some(b"S07.upd.kaspersky.com".to_vec()),
        protocols: b"\x02h2".to_vec(),
        ech: true,
    }
}

/// The same over DTLS (RFC 6347, section 4.1 and 4.2.2), in a record of that version.
pub(super) fn dtls_hello(version: [u8; 2]) -> Vec<u8> {
    let message = example();
    let (head, body) = message.split_at(4);
    let mut datagram = vec![22];
    datagram.extend(version);
    datagram.extend([0; 8]); // epoch and sequence number
    datagram.extend((message.len() as u16 + 8).to_be_bytes());
    datagram.extend(head);
    datagram.extend([0; 5]); // message number, offset of the fragment
    datagram.extend(&head[1..]); // length of the fragment
    datagram.extend(version);
    datagram.extend(&body[2..]);
    datagram
}
