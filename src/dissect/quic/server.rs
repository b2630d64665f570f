//! What a server said after the hello was read.

use super::attempt::ConnectionId;
use super::connection::Scratch;
use super::frames::{Frame, frames};
use super::headers::{Long, coalesced};
use super::keys::{InitialKeys, Sender};
use super::versions::{PacketKind, Version};
use crate::dissect::Dissection;

/// Key derivations for one server: its version may differ from the client's (RFC 9368), and a Retry changes the id.
const MAX_DERIVATIONS: u8 = 3;

/// What a server's Initial or Handshake packets mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerReply {
    /// It goes on with the handshake.
    Talk,
    /// It, or something that saw the client's first packet and speaks for it, closed the connection at once.
    Refused,
}

/// Reads a server's answer with the keys of the connection whose hello was found.
#[derive(Debug)]
pub struct Server {
    first_id: ConnectionId,
    version: Version,
    keys: Option<Box<InitialKeys>>,
    derivations: u8,
    retried: bool,
    largest: Option<u64>,
}

impl Server {
    pub(super) fn new(version: Version, first_id: ConnectionId) -> Self {
        Self {
            first_id,
            version,
            keys: None,
            derivations: 0,
            retried: false,
            largest: None,
        }
    }

    /// Takes a datagram of the server. Retry and version negotiation settle nothing: whoever sees the client's packet
    /// can send them. An Initial counts if it authenticates, a Handshake packet, which nobody can check, by its header.
    pub fn reply(
        &mut self,
        datagram: &[u8],
        wire_len: usize,
        scratch: &mut Scratch,
    ) -> Dissection<ServerReply> {
        for (long, packet) in coalesced(datagram, wire_len) {
            match long.kind {
                PacketKind::Handshake => return Dissection::Found(ServerReply::Talk),
                PacketKind::Retry => self.retry(&long),
                PacketKind::ZeroRtt => {}
                PacketKind::Initial => {
                    let settled = packet.and_then(|packet| self.initial(&long, packet, scratch));
                    if let Some(reply) = settled {
                        return Dissection::Found(reply);
                    }
                }
            }
        }
        Dissection::NeedMore
    }

    /// RFC 9001, section 5.2: keys after a Retry come from the id that it gave. A client takes one Retry at most.
    fn retry(&mut self, long: &Long<'_>) {
        if self.retried {
            return;
        }
        if let Some(id) = ConnectionId::new(long.from).filter(|id| *id != self.first_id) {
            (self.first_id, self.keys, self.retried) = (id, None, true);
        }
    }

    fn initial(
        &mut self,
        long: &Long<'_>,
        packet: &[u8],
        scratch: &mut Scratch,
    ) -> Option<ServerReply> {
        if self.version != long.version {
            (self.version, self.keys) = (long.version, None);
        }
        if self.keys.is_none() && self.derivations < MAX_DERIVATIONS {
            self.derivations += 1;
            let keys = InitialKeys::derive(self.version, self.first_id.bytes(), Sender::Server);
            self.keys = keys.map(Box::new);
        }
        let keys = self.keys.as_ref()?;
        let opened = keys.open(packet, long.number_at, self.largest, &mut scratch.0)?;
        self.largest = self.largest.max(Some(opened.number));
        let closes = |frame| frame == Frame::Close;
        let talks = |frame| matches!(frame, Frame::Crypto { .. });
        if frames(self.version, opened.frames).any(talks) {
            Some(ServerReply::Talk)
        } else if frames(self.version, opened.frames).any(closes) {
            Some(ServerReply::Refused)
        } else {
            None // an acknowledgement alone: the rest follows
        }
    }
}
