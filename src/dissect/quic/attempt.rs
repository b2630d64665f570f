//! One way to read a flow: the keys of a first connection id, and what they opened.

use super::connection::Scratch;
use super::crypto::CryptoStream;
use super::frames::{Frame, frames};
use super::headers::{Long, MAX_ID_LEN};
use super::keys::{InitialKeys, Sender};
use super::versions::Version;
use crate::dissect::Dissection;
use crate::dissect::tls::{self, ClientHello};

/// A first connection id with what it opened.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) version: Version,
    pub(super) first_id: ConnectionId,
    keys: InitialKeys,
    /// Largest packet number opened.
    opened: Option<u64>,
    stream: CryptoStream,
    /// Whether the stream began with another message than a ClientHello.
    spent: bool,
}

impl Attempt {
    pub(super) fn new(long: &Long<'_>) -> Option<Self> {
        Some(Self {
            version: long.version,
            first_id: ConnectionId::new(long.to)?,
            keys: InitialKeys::derive(long.version, long.to, Sender::Client)?,
            opened: None,
            stream: CryptoStream::default(),
            spent: false,
        })
    }

    /// Whether its keys are those of the packet's own version and id.
    pub(super) fn is_for(&self, long: &Long<'_>) -> bool {
        self.version == long.version && self.first_id.bytes() == long.to
    }

    /// Whether a packet was opened.
    pub(super) fn has_opened(&self) -> bool {
        self.opened.is_some()
    }

    /// Memory held by the crypto stream, in bytes.
    pub(super) fn held_by_stream(&self) -> usize {
        self.stream.held()
    }

    /// Takes a packet; `None` where it does not open, and then nothing has changed.
    pub(super) fn packet(
        &mut self,
        packet: &[u8],
        number_at: usize,
        scratch: &mut Scratch,
    ) -> Option<Dissection<ClientHello>> {
        let opened = self
            .keys
            .open(packet, number_at, self.opened, &mut scratch.0)?;
        self.opened = self.opened.max(Some(opened.number));
        let verdict = if self.spent {
            Dissection::NotThis
        } else {
            take_frames(&mut self.stream, frames(self.version, opened.frames))
        };
        if verdict == Dissection::NotThis {
            self.spent = true;
            self.stream = CryptoStream::default();
        }
        Some(verdict)
    }
}

fn take_frames<'a>(
    stream: &mut CryptoStream,
    frames: impl Iterator<Item = Frame<'a>>,
) -> Dissection<ClientHello> {
    for frame in frames {
        let Frame::Crypto { offset, bytes } = frame else {
            continue;
        };
        // Most hellos are one frame: read it where it stands.
        if offset == 0 && stream.is_empty() {
            match tls::client_hello_message(bytes) {
                Dissection::NeedMore => {}
                settled => return settled,
            }
        }
        stream.insert(offset, bytes);
    }
    stream.hello()
}

/// A connection id, held without allocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ConnectionId {
    bytes: [u8; MAX_ID_LEN],
    len: u8,
}

impl ConnectionId {
    pub(super) fn new(id: &[u8]) -> Option<Self> {
        let mut bytes = [0; MAX_ID_LEN];
        bytes.get_mut(..id.len())?.copy_from_slice(id);
        let len = u8::try_from(id.len()).ok()?;
        Some(Self { bytes, len })
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}
