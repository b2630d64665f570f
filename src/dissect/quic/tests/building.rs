//! Makes the datagrams of a QUIC client and server. The vectors of the RFCs pin the key code that it uses.

use crate::dissect::Dissection;
use crate::dissect::quic::keys::{InitialKeys, Sender};
use crate::dissect::quic::versions::{PacketKind, Version};
use crate::dissect::quic::{Connection, Scratch};
use crate::dissect::tls::ClientHello;

pub(super) const V1: u32 = 1;
pub(super) const V2: u32 = 0x6b33_43cf;
/// A client's first id, and an id that a server chose.
pub(super) const FIRST_ID: &[u8] = b"first-id";
pub(super) const SERVER_ID: &[u8] = b"srv";
pub(super) const CLIENT_ID: &[u8] = b"cli";

/// One side of a connection: whose keys, and what its headers say.
#[derive(Clone, Copy)]
pub(super) struct Talker<'a> {
    pub(super) version: u32,
    /// Id that the keys are derived from.
    pub(super) first_id: &'a [u8],
    pub(super) sender: Sender,
    pub(super) to: &'a [u8],
    pub(super) from: &'a [u8],
    pub(super) token: &'a [u8],
}

/// A client of version 1 with its first id.
pub(super) fn client<'a>() -> Talker<'a> {
    Talker {
        version: V1,
        first_id: FIRST_ID,
        sender: Sender::Client,
        to: FIRST_ID,
        from: CLIENT_ID,
        token: &[],
    }
}

/// The server that answers it.
pub(super) fn server<'a>() -> Talker<'a> {
    Talker {
        sender: Sender::Server,
        to: CLIENT_ID,
        from: SERVER_ID,
        ..client()
    }
}

impl Talker<'_> {
    /// An Initial packet, as long as its frames make it.
    pub(super) fn initial(&self, number: u32, frames: &[u8]) -> Vec<u8> {
        let version = Version::of(self.version).unwrap();
        let mut header = self.header(PacketKind::Initial);
        header.extend(varint(self.token.len()));
        header.extend(self.token);
        header.extend(varint(4 + frames.len() + 16));
        header.extend(number.to_be_bytes());
        let keys = InitialKeys::derive(version, self.first_id, self.sender).unwrap();
        keys.seal(&header, u64::from(number), 4, frames)
    }

    /// An Initial padded to a datagram of 1200 bytes.
    pub(super) fn datagram(&self, number: u32, frames: &[u8]) -> Vec<u8> {
        let mut frames = frames.to_vec();
        frames.resize(frames.len().max(1100), 0);
        let mut datagram = self.initial(number, &frames);
        datagram.resize(datagram.len().max(1200), 0);
        datagram
    }

    /// A packet of another kind with bytes that nobody can open.
    pub(super) fn opaque(&self, kind: PacketKind, len: usize) -> Vec<u8> {
        let mut packet = self.header(kind);
        if kind != PacketKind::Retry {
            packet.extend(varint(len));
        }
        packet.extend(vec![0xa5; len]);
        packet
    }

    fn header(&self, kind: PacketKind) -> Vec<u8> {
        let version = Version::of(self.version).unwrap();
        let first = (0..4).map(|bits| 0xc3 | bits << 4);
        let mut header: Vec<u8> = first.filter(|&first| version.kind(first) == kind).collect();
        header.extend(self.version.to_be_bytes());
        header.push(self.to.len() as u8);
        header.extend(self.to);
        header.push(self.from.len() as u8);
        header.extend(self.from);
        header
    }
}

/// A version negotiation packet in answer to a client.
pub(super) fn negotiation(versions: &[u32]) -> Vec<u8> {
    let mut packet = vec![0x8f, 0, 0, 0, 0, CLIENT_ID.len() as u8];
    packet.extend(CLIENT_ID);
    packet.push(FIRST_ID.len() as u8);
    packet.extend(FIRST_ID);
    packet.extend(versions.iter().flat_map(|version| version.to_be_bytes()));
    packet
}

pub(super) fn varint(value: usize) -> Vec<u8> {
    match value {
        0..=0x3f => vec![value as u8],
        0x40..=0x3fff => (value as u16 | 0x4000).to_be_bytes().to_vec(),
        _ => (value as u32 | 0x8000_0000).to_be_bytes().to_vec(),
    }
}

/// A CRYPTO frame with a part of the message.
pub(super) fn crypto(message: &[u8], part: std::ops::Range<usize>) -> Vec<u8> {
    let mut frame = vec![6];
    frame.extend(varint(part.start));
    frame.extend(varint(part.len()));
    frame.extend(&message[part]);
    frame
}

/// A hello with a key share of `share` bytes before the name.
pub(super) fn hello(name: &str, share: usize) -> Vec<u8> {
    let name_len = name.len() as u16;
    let mut extensions = vec![0, 51];
    extensions.extend((share as u16).to_be_bytes());
    extensions.extend((0..share).map(|byte| (byte % 253) as u8));
    extensions.extend([0, 0]);
    for len in [name_len + 5, name_len + 3] {
        extensions.extend(len.to_be_bytes());
    }
    extensions.push(0);
    extensions.extend(name_len.to_be_bytes());
    extensions.extend(name.as_bytes());
    let mut body = vec![3, 3];
    body.extend([7; 32]);
    body.extend([0, 0, 2, 0x13, 1, 1, 0]);
    body.extend((extensions.len() as u16).to_be_bytes());
    body.extend(extensions);
    let mut message = vec![1, 0];
    message.extend((body.len() as u16).to_be_bytes());
    message.extend(body);
    message
}

/// Offers datagrams in order: the verdict of the one that settles it.
pub(super) fn offer(connection: &mut Connection, datagrams: &[Vec<u8>]) -> Dissection<ClientHello> {
    let mut scratch = Scratch::default();
    for datagram in datagrams {
        match connection.datagram(datagram, datagram.len(), &mut scratch) {
            Dissection::NeedMore => {}
            settled => return settled,
        }
    }
    Dissection::NeedMore
}

/// The name that the datagrams tell.
pub(super) fn name(datagrams: &[Vec<u8>]) -> Option<String> {
    match offer(&mut Connection::default(), datagrams) {
        Dissection::Found(hello) => hello
            .server_name
            .map(|name| String::from_utf8(name).unwrap()),
        _ => None,
    }
}
