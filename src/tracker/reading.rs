//! What a TCP flow says, both directions in order: hellos, requests, DNS messages; and what is still to be read.
//!
//! A port is a hint for DNS only. A flow whose client speaks something else first is looked through for a hello that
//! comes later: behind STARTTLS, a SOCKS greeting, a database's request for TLS.

use super::expects::{Expects, Words};
use crate::dissect::{http, tls};
use crate::flows::{Budget, Stream};
use crate::model::{Side, Signal};

/// Bytes of one direction that are held while something is not whole yet: the longest hello.
pub(super) const READ_AHEAD: usize = tls::MAX_STREAM_LEN;

/// What is still to be read in a TCP flow.
#[derive(Debug, Default)]
pub(super) enum Reading {
    /// No payload came yet.
    #[default]
    Unopened,
    /// Both directions are read.
    Open(Box<[Direction; 2]>),
    /// Nothing more.
    Settled,
}

/// Whether a part of a direction that matters will never be whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lost {
    /// No.
    Nothing,
    /// Its start: it may have been a hello, a request, or anything else.
    Start,
    /// A hello or a request that was begun.
    Words,
}

/// A segment's payload in its direction.
#[derive(Clone, Copy)]
pub(super) struct Piece<'p> {
    pub(super) side: Side,
    /// Sequence number of the first payload byte.
    pub(super) seq: u32,
    pub(super) payload: &'p [u8],
    /// Whether the snap length cut the payload.
    pub(super) cut: bool,
    /// Where the direction stood before this segment, if known.
    pub(super) expected: Option<u32>,
    /// Whether the sender may be the client: it opened the flow, or nobody saw who did.
    pub(super) may_be_client: bool,
    /// Whether one of the ports is that of DNS.
    pub(super) dns: bool,
}

impl Reading {
    /// Takes a segment, and leaves in `words` what became whole by it. Says what will never be.
    pub(super) fn take(
        &mut self,
        piece: Piece<'_>,
        budget: &mut Budget,
        words: &mut Vec<Words>,
    ) -> Lost {
        // Most flows say all that is read in their first segment: what holds the rest of the others is made only then.
        let mut fresh = None;
        let directions = match self {
            Self::Unopened => fresh.insert(<[Direction; 2]>::default()),
            Self::Open(directions) => &mut **directions,
            Self::Settled => return Lost::Nothing,
        };
        let direction = &mut directions[piece.side.index()];
        let lost = direction.take(piece, budget, words);
        // Who said one of these is the client; the other end has none to say.
        let other = &mut directions[piece.side.other().index()];
        for words in words.iter() {
            match words {
                Words::Hello { hello, .. } if hello.server_name.is_none() => {
                    other.expect_answer(Signal::Tls);
                }
                Words::Request(request) if request.host.is_none() => {
                    other.expect_answer(Signal::Http);
                }
                Words::Hello { .. } | Words::Request(_) | Words::Tunnel => other.finish(budget),
                Words::Dns(_) | Words::Answer(_) | Words::Lost => {}
            }
        }
        if directions
            .iter()
            .all(|direction| direction.expects == Expects::Nothing)
        {
            *self = Self::Settled;
        } else if let Some(fresh) = fresh {
            *self = Self::Open(Box::new(fresh));
        }
        lost
    }

    /// Whether a hello or a request was begun and is not whole.
    pub(super) fn is_half_way(&self) -> bool {
        let Self::Open(directions) = self else {
            return false;
        };
        directions.iter().any(Direction::is_half_way)
    }

    /// Whether payload was seen, and of this side not the start.
    pub(super) fn start_is_missing(&self, side: Side) -> bool {
        match self {
            Self::Open(directions) => directions[side.index()].start_is_missing(),
            Self::Unopened | Self::Settled => false,
        }
    }

    /// Gives kept bytes back; nothing more is read.
    pub(super) fn finish(&mut self, budget: &mut Budget) {
        if let Self::Open(directions) = self {
            for direction in directions.iter_mut() {
                direction.finish(budget);
            }
        }
        *self = Self::Settled;
    }
}

/// One direction of a TCP flow.
#[derive(Debug, Default)]
pub(super) struct Direction {
    stream: Stream,
    expects: Expects,
}

impl Direction {
    fn take(&mut self, piece: Piece<'_>, budget: &mut Budget, words: &mut Vec<Words>) -> Lost {
        let Self { stream, expects } = self;
        if let Some(expected) = piece.expected {
            stream.start_at(expected);
        }
        let whole = stream.feed(piece.seq, piece.payload, READ_AHEAD, budget, |bytes| {
            expects.read(bytes, piece, words)
        });
        if whole && !piece.cut {
            return Lost::Nothing;
        }
        if piece.cut && !stream.held().is_empty() {
            expects.read_cut(stream.held(), words);
        }
        self.pass_hole(budget)
    }

    /// What came is more than can be held, or a part of it will never come.
    fn pass_hole(&mut self, budget: &mut Budget) -> Lost {
        let lost = match self.expects {
            _ if self.is_half_way() => Lost::Words,
            Expects::FirstWords => Lost::Start,
            _ => Lost::Nothing,
        };
        match self.expects {
            Expects::Request | Expects::AnyRequest | Expects::Chunk => {
                self.expects = Expects::AnyRequest;
                self.stream.restart(budget);
                Lost::Nothing
            }
            Expects::LateHello { .. } => {
                self.stream.restart(budget);
                lost
            }
            Expects::FirstWords | Expects::DnsMessage | Expects::Answer(_) | Expects::Nothing => {
                self.finish(budget);
                lost
            }
        }
    }

    fn is_half_way(&self) -> bool {
        let held = self.stream.held();
        let begun =
            held.starts_with(&tls::RECORD_START) || (held.len() > 3 && http::starts_request(held));
        match self.expects {
            Expects::FirstWords
            | Expects::LateHello { .. }
            | Expects::Request
            | Expects::AnyRequest => begun,
            Expects::Chunk | Expects::DnsMessage | Expects::Answer(_) | Expects::Nothing => false,
        }
    }

    /// What comes next is the server's answer to something without a name.
    fn expect_answer(&mut self, signal: Signal) {
        if self.expects == Expects::FirstWords && self.stream.held().is_empty() {
            self.expects = Expects::Answer(signal);
        }
    }

    /// Whether what comes first is missing although something came.
    fn start_is_missing(&self) -> bool {
        self.expects == Expects::FirstWords && self.stream.held().is_empty()
    }

    fn finish(&mut self, budget: &mut Budget) {
        self.expects = Expects::Nothing;
        self.stream.stop(budget);
    }
}
