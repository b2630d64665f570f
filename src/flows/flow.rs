//! One flow: who opened it, and to which connection a SYN on its ports belongs.

use std::time::Duration;

use super::sequence::Sequence;
use crate::model::{Endpoint, Protocol, Side, TcpFlags, Timestamp};

/// How late a SYN may come behind its own connection's first packets, in bytes and time.
const REORDERED_BYTES: u32 = 64 * 1024;
const REORDERED_TIME: Duration = Duration::from_secs(3);

/// One flow.
#[derive(Debug)]
pub struct Flow<S> {
    /// Who opened it.
    pub initiator: Endpoint,
    /// The other end.
    pub responder: Endpoint,
    /// Transport protocol.
    pub protocol: Protocol,
    /// Latest capture time.
    pub last_seen: Timestamp,
    /// Engine time at the latest packet: a recording may lie behind another that was read before it.
    pub(super) touched: Timestamp,
    /// What the user of the table keeps.
    pub state: S,
    pub(super) sequences: [Sequence; 2],
    /// Sequence number of the initiator's SYN, to tell a new connection on the same ports.
    pub(super) syn: Option<u32>,
    /// Whether the answer to a SYN was seen.
    pub(super) syn_answered: bool,
    /// Sequence number of a SYN that came while the connection was alive: forged, or of a new connection; what follows
    /// tells.
    pub(super) rival: Option<(Side, u32)>,
    /// From which side segments were seen.
    pub(super) sides: [bool; 2],
    pub(super) fins: [bool; 2],
    pub(super) closed: bool,
}

impl<S> Flow<S> {
    /// Sequence number behind the furthest byte seen from a side, once any was.
    pub fn next_seq(&self, side: Side) -> Option<u32> {
        self.sequences[side.index()].next()
    }

    /// Whether the initiator's SYN was seen.
    pub fn syn_seen(&self) -> bool {
        self.syn.is_some()
    }

    /// Sequence number of the initiator's SYN, if it was seen: it tells a connection from others on the same ports.
    pub fn opened_with(&self) -> Option<u32> {
        self.syn
    }

    /// Whether the SYN or the answer to it was seen: then it is known who opened the connection, and what it said first.
    pub fn opening_seen(&self) -> bool {
        self.syn.is_some() || self.syn_answered
    }
}

impl<S> Flow<S> {
    /// A flow that the packet opens; `reversed` where its sender is the responder.
    pub(super) fn opened_by(header: Header, protocol: Protocol, reversed: bool) -> Self
    where
        S: Default,
    {
        let (initiator, responder) = if reversed {
            (header.dst, header.src)
        } else {
            (header.src, header.dst)
        };
        Self {
            initiator,
            responder,
            protocol,
            last_seen: header.time,
            touched: header.now,
            state: S::default(),
            sequences: [Sequence::default(); 2],
            syn: None,
            syn_answered: false,
            rival: None,
            sides: [false; 2],
            fins: [false; 2],
            closed: false,
        }
    }

    /// Whether it is the flow between two ends, whichever opened it.
    #[inline]
    pub(super) fn is_between(&self, a: Endpoint, b: Endpoint, protocol: Protocol) -> bool {
        let ends = (self.initiator, self.responder);
        (ends == (a, b) || ends == (b, a)) && self.protocol == protocol
    }

    /// Which side an end is.
    pub(super) fn side_of(&self, src: Endpoint) -> Side {
        if src == self.initiator {
            Side::Initiator
        } else {
            Side::Responder
        }
    }

    /// Whether a SYN is this connection's own: repeated, or, where none was seen, one that comes late: then its later
    /// packets came a moment ago, and what the sender sent lies just behind the SYN.
    pub(super) fn owns_syn(&self, src: Endpoint, seq: u32, silent: Duration) -> bool {
        let sent = self.sequences[self.side_of(src).index()].next();
        let late = self.syn.is_none()
            && silent <= REORDERED_TIME
            && sent.is_none_or(|next| next.wrapping_sub(seq) <= REORDERED_BYTES);
        self.syn == Some(seq) || late
    }

    /// The number of a rival's SYN, where this segment shows that it opened a connection: its answer, or what its sender
    /// sends behind it.
    pub(super) fn confirms_rival(
        &self,
        header: Header,
        seq: u32,
        ack: u32,
        flags: TcpFlags,
    ) -> Option<u32> {
        let (client, syn) = self.rival?;
        let side = self.side_of(header.src);
        let first = syn.wrapping_add(1);
        let confirmed = if side == client {
            seq == first && !flags.syn && !flags.rst
        } else {
            flags.syn && flags.ack && ack == first
        };
        confirmed.then_some(syn)
    }
}

/// A packet's header fields that the table needs.
#[derive(Clone, Copy, Debug)]
pub struct Header {
    /// Capture time.
    pub time: Timestamp,
    /// Engine time, not before the capture time.
    pub now: Timestamp,
    /// Sender.
    pub src: Endpoint,
    /// Receiver.
    pub dst: Endpoint,
    /// Payload bytes on the wire.
    pub wire_len: u32,
    /// Whether a filter leaves out segments of the receiver: then what the sender acknowledges tells what came, even where
    /// some of it was seen.
    pub thinned: bool,
}
