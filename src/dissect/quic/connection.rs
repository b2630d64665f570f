//! One UDP flow until its hello is read.

use super::attempt::{Attempt, ConnectionId};
use super::headers::{self, FirstPacket, Long, MIN_FIRST_ID_LEN, coalesced};
use super::server::Server;
use super::versions::{PacketKind, Version};
use crate::dissect::Dissection;
use crate::dissect::tls::ClientHello;

/// Key derivations for one flow, each some microseconds. A flow has one first connection id, another after a Retry and
/// another after a version negotiation; one more is for a stray. If none of them opens a packet, the flow is given up.
const MAX_ATTEMPTS: usize = 4;
/// Initials that no key opens, before the flow is given up: each costs up to [`MAX_ATTEMPTS`] decryptions.
const MAX_FAILURES: u8 = 16;
/// Datagrams looked at before the flow is given up. The longest hello takes 14; the rest is for those sent again.
const MAX_DATAGRAMS: u8 = 64;

/// Room to decrypt in, one for all connections.
#[derive(Debug, Default)]
pub struct Scratch(pub(super) Vec<u8>);

/// What is known of a flow whose hello is still to be read.
///
/// It holds keys and a crypto stream for each connection id that a client's Initial went to first, so that bytes of
/// two hellos (before and after a version negotiation, or forged) never mix. At most 4 of them, of about 1 KiB for keys
/// and 32 KiB for the longest hello each; [`Connection::held`] tells how much it is now.
#[derive(Debug, Default)]
pub struct Connection {
    attempts: Vec<Attempt>,
    datagrams: u8,
    failures: u8,
    recognised: Recognised,
    settled: bool,
    /// Where the hello was found: what the server's keys are derived from.
    found: Option<(Version, ConnectionId)>,
}

/// How far the flow was told to be QUIC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Recognised {
    #[default]
    No,
    /// Only packets of versions that are not read.
    UnknownVersion,
    KnownVersion,
}

impl Connection {
    /// Takes a datagram of the side that may be the client; `wire_len` is its length on the wire, of which the capture
    /// may have cut some. "Not this" is final: the flow is not QUIC, or it is given up. After it, or after the hello
    /// was found, nothing is held and nothing more is read.
    pub fn datagram(
        &mut self,
        datagram: &[u8],
        wire_len: usize,
        scratch: &mut Scratch,
    ) -> Dissection<ClientHello> {
        if self.settled {
            return Dissection::NotThis;
        }
        let verdict = self.read(datagram, wire_len, scratch);
        self.datagrams += 1;
        if verdict == Dissection::NeedMore && !self.is_spent() {
            return Dissection::NeedMore;
        }
        self.settled = true;
        self.attempts = Vec::new();
        match verdict {
            Dissection::Found(hello) => Dissection::Found(hello),
            _ => Dissection::NotThis,
        }
    }

    /// Memory held beyond the value itself, in bytes.
    pub fn held(&self) -> usize {
        let streams: usize = self.attempts.iter().map(Attempt::held_by_stream).sum();
        streams + self.attempts.capacity() * size_of::<Attempt>()
    }

    /// Whether the client spoke only versions that are not read.
    pub fn is_unknown_version(&self) -> bool {
        self.recognised == Recognised::UnknownVersion
    }

    /// Whether any packet was opened: then it is certain that the sender is a client.
    pub fn has_opened(&self) -> bool {
        self.found.is_some() || self.attempts.iter().any(Attempt::has_opened)
    }

    /// What is needed to read the server's answer; `None` before the hello was found.
    pub fn server(&self) -> Option<Server> {
        let (version, first_id) = self.found?;
        Some(Server::new(version, first_id))
    }

    fn read(
        &mut self,
        datagram: &[u8],
        wire_len: usize,
        scratch: &mut Scratch,
    ) -> Dissection<ClientHello> {
        if self.recognised != Recognised::KnownVersion {
            match headers::first_flight(datagram, wire_len) {
                Dissection::Found(FirstPacket::Known(_)) => {
                    self.recognised = Recognised::KnownVersion;
                }
                Dissection::Found(FirstPacket::UnknownVersion(_)) => {
                    self.recognised = Recognised::UnknownVersion;
                }
                Dissection::NotThis if self.recognised == Recognised::No => {
                    return Dissection::NotThis;
                }
                _ => {}
            }
        }
        for (long, packet) in coalesced(datagram, wire_len) {
            if long.kind != PacketKind::Initial {
                continue;
            }
            let verdict = match packet {
                Some(packet) => self.initial(&long, packet, scratch),
                None => Dissection::NotThis, // cut by the capture
            };
            match verdict {
                Dissection::Found(hello) => return Dissection::Found(hello),
                Dissection::NeedMore => {}
                Dissection::NotThis => self.failures += 1,
            }
            if self.is_spent() {
                break;
            }
        }
        Dissection::NeedMore
    }

    /// Whether more of this flow is not worth reading.
    fn is_spent(&self) -> bool {
        let opened = || self.has_opened();
        self.datagrams >= MAX_DATAGRAMS
            || self.failures >= MAX_FAILURES
            || (self.attempts.len() == MAX_ATTEMPTS && !opened())
    }

    /// Takes an Initial: the hello if it completes it, "not this" where no key opens it.
    fn initial(
        &mut self,
        long: &Long<'_>,
        packet: &[u8],
        scratch: &mut Scratch,
    ) -> Dissection<ClientHello> {
        // Keys stay while the connection id changes to the one that the server chose (RFC 9001, section 5.2).
        for attempt in &mut self.attempts {
            if attempt.version != long.version {
                continue;
            }
            if let Some(verdict) = attempt.packet(packet, long.number_at, scratch) {
                if matches!(verdict, Dissection::Found(_)) {
                    self.found = Some((attempt.version, attempt.first_id));
                }
                return verdict;
            }
        }
        // Otherwise the id may be a client's first, or the first after a Retry.
        let derived = |attempt: &Attempt| attempt.is_for(long);
        if long.to.len() < MIN_FIRST_ID_LEN
            || self.attempts.len() == MAX_ATTEMPTS
            || self.attempts.iter().any(derived)
        {
            return Dissection::NotThis;
        }
        let Some(mut attempt) = Attempt::new(long) else {
            return Dissection::NotThis;
        };
        let verdict = attempt.packet(packet, long.number_at, scratch);
        if let Some(found @ Dissection::Found(_)) = verdict {
            // Nearly all: it is not kept, because nothing more is read.
            self.found = Some((attempt.version, attempt.first_id));
            return found;
        }
        // Kept even if it opens nothing, so that the next packet for the same id costs no derivation.
        // And mostly the only one.
        self.attempts.reserve_exact(1);
        self.attempts.push(attempt);
        verdict.unwrap_or(Dissection::NotThis)
    }
}
