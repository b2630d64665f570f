//! What a server says on one connection, each answer to what was asked for in its turn.

use std::collections::VecDeque;

use super::answer::{Heard, Said};
use super::foreign::Foreign;
use crate::dissect::http::{self, Body};
use crate::dissect::{Dissection, tls};
use crate::flows::{Budget, Step, Stream};
use crate::model::{Segment, Signal};

/// Things asked for before any answer. Clients that do not wait send a handful.
const MAX_ASKED: usize = 32;
/// How far behind the expected byte a reset may stand: resets that middleboxes inject are not always exact.
const MAX_WINDOW: u32 = 1 << 20;

/// Something that was asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question {
    /// Which of the flow's matched names it was for, if any.
    pub(super) name: Option<usize>,
    /// How it was asked.
    pub(super) signal: Signal,
    /// Whether the answer has no body, whatever it says.
    pub(super) head: bool,
    /// Whether a proxy was asked, by an absolute target.
    pub(super) absolute: bool,
    /// Whether it is the flow's first: of a later one what does not look like an answer may be the rest of another.
    pub(super) first: bool,
}

/// The server's direction, as far as answers are awaited.
#[derive(Debug, Default)]
pub(super) struct Answers {
    stream: Stream,
    asked: VecDeque<Question>,
    comes: Comes,
    /// Whether what was said to the first question was told already.
    told: bool,
    /// Answers that are not the vendor's.
    foreign: Foreign,
}

/// What the server sends next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Comes {
    /// An answer to the first question.
    #[default]
    Answer,
    /// A chunk of an answer's body.
    Chunk,
}

impl Answers {
    /// Something is asked for while the server stands at `seq`. If the end of its last answer is known, the next one
    /// stands behind that; otherwise it begins here.
    pub(super) fn ask(&mut self, question: Question, seq: Option<u32>, budget: &mut Budget) {
        let in_step = !self.stream.is_stopped()
            && match (self.stream.position(), seq) {
                (Some(position), Some(seq)) => position.wrapping_sub(seq) < u32::MAX / 2,
                _ => !self.asked.is_empty(),
            };
        if !in_step {
            self.stream.restart(budget);
            self.foreign.stop();
            self.asked.clear();
            self.comes = Comes::Answer;
            self.told = false;
            if let Some(seq) = seq {
                self.stream.start_at(seq);
            }
        }
        if self.asked.len() < MAX_ASKED {
            // Most ask once: no room for four.
            if self.asked.is_empty() {
                self.asked.reserve_exact(1);
            }
            self.asked.push_back(question);
        }
    }

    /// The name whose answer the server's next bytes are.
    pub(super) fn awaited(&self) -> Option<usize> {
        self.asked.front()?.name
    }

    /// A name left the list: those behind it move up.
    pub(super) fn forget_name(&mut self, at: usize) {
        for question in &mut self.asked {
            question.name = without(question.name, at);
        }
    }

    /// Whether a reset lies where the server's next byte is expected, or within a window behind it.
    pub(super) fn plausible_reset(&self, seq: u32) -> bool {
        let next = self.stream.next();
        next.is_none_or(|next| seq.wrapping_sub(next) <= MAX_WINDOW)
    }

    /// The server opens the connection.
    pub(super) fn opened(&mut self, seq: u32) {
        self.stream.start_at(seq.wrapping_add(1));
    }

    /// How many of the server's bytes before sequence number `next` are not the vendor's, and were not told before.
    pub(super) fn foreign_bytes(&mut self, next: u32) -> u64 {
        self.foreign.take(next)
    }

    /// Takes a segment of the server, and tells what became clear by it.
    pub(super) fn take(
        &mut self,
        segment: &Segment<'_>,
        block_pages: &[String],
        budget: &mut Budget,
        mut tell: impl FnMut(usize, Said),
    ) {
        let Self {
            stream,
            asked,
            comes,
            told,
            foreign,
        } = self;
        // Where the bytes stand that the stream gives.
        let mut at = stream.position().unwrap_or(segment.seq);
        let whole = stream.feed(
            segment.seq,
            segment.payload,
            http::MAX_HEAD_LEN,
            budget,
            |bytes| {
                let step = read_answer(bytes, asked, comes, told, block_pages, |name, said| {
                    if said != Said::Talk {
                        foreign.begin(at);
                    }
                    if let Some(name) = name {
                        tell(name, said);
                    }
                });
                if let Step::Take(count) = step {
                    // Sequence numbers count modulo 2^32, which is what the cut keeps.
                    at = at.wrapping_add((count & u64::from(u32::MAX)) as u32);
                    if !*told {
                        foreign.end(at);
                    }
                }
                step
            },
        );
        // An answer that is longer than any refusal is none.
        if !whole
            && !self.told
            && let Some(name) = self.awaited()
        {
            tell(name, Said::Talk);
        }
    }

    /// Whether a segment stands behind a hole.
    pub(super) fn is_behind_hole(&self, seq: u32) -> bool {
        let next = self.stream.next();
        next.is_some_and(|next| seq != next && seq.wrapping_sub(next) < u32::MAX / 2)
    }

    /// How the first question was asked.
    pub(super) fn signal(&self) -> Option<Signal> {
        self.asked.front().map(|question| question.signal)
    }

    /// The first question is settled in another way.
    pub(super) fn settle(&mut self, budget: &mut Budget) {
        self.asked.clear();
        self.stream.stop(budget);
    }

    /// Gives kept bytes back.
    pub(super) fn release(&mut self, budget: &mut Budget) {
        self.stream.stop(budget);
    }
}

/// Reads what stands at the server's position. Tells what an answer says, and the name that it is for.
/// Where a name stands in a list once another left it; `None` for the one that left.
pub(super) fn without(name: Option<usize>, left: usize) -> Option<usize> {
    match name? {
        name if name == left => None,
        name if name > left => Some(name - 1),
        name => Some(name),
    }
}

fn read_answer(
    bytes: &[u8],
    asked: &mut VecDeque<Question>,
    comes: &mut Comes,
    told: &mut bool,
    block_pages: &[String],
    tell: impl FnOnce(Option<usize>, Said),
) -> Step {
    let Some(question) = asked.front().copied() else {
        return match http::status(bytes) {
            Dissection::NeedMore => Step::More,
            // An error that answers nothing closes a connection on which nobody asks any more (408).
            Dissection::Found(400..) => {
                *told = true;
                tell(None, Said::Unclear);
                Step::Stop
            }
            _ => Step::Stop,
        };
    };
    if *comes == Comes::Chunk {
        return match http::chunk(bytes) {
            Dissection::NeedMore => Step::More,
            Dissection::NotThis => Step::Stop,
            Dissection::Found((len, last)) => {
                if last {
                    *comes = Comes::Answer;
                    *told = false;
                    asked.pop_front();
                }
                Step::Take(len)
            }
        };
    }
    if !question.first && is_no_http(question.signal, bytes) {
        return Step::Stop;
    }
    match Said::read(question.signal, question.absolute, bytes, block_pages) {
        Dissection::NeedMore => return Step::More,
        Dissection::NotThis => return Step::Stop,
        Dissection::Found(Heard::Interim(len)) => return Step::Take(len),
        Dissection::Found(Heard::Said(said)) => {
            if !std::mem::replace(told, true) {
                tell(question.name, said);
            }
        }
    }
    let step = behind(question, bytes, comes);
    if let Step::Take(_) = step
        && *comes == Comes::Answer
    {
        *told = false;
        asked.pop_front();
    }
    step
}

/// Whether an answer was to be HTTP and is not.
fn is_no_http(signal: Signal, bytes: &[u8]) -> bool {
    matches!(signal, Signal::Http | Signal::Connect) && http::status(bytes) == Dissection::NotThis
}

/// Where the next answer stands, once it is clear what this one says. TLS has no second one; nor has an answer that ends
/// with the connection.
fn behind(question: Question, bytes: &[u8], comes: &mut Comes) -> Step {
    if !matches!(question.signal, Signal::Http | Signal::Connect)
        || bytes.starts_with(&tls::RECORD_START)
    {
        return Step::Stop;
    }
    let response = match http::response(bytes) {
        Dissection::NeedMore => return Step::More,
        Dissection::NotThis => return Step::Stop,
        Dissection::Found(response) => response,
    };
    let head = response.len as u64;
    let tunnel = question.signal == Signal::Connect && (200..300).contains(&response.code);
    match response.body {
        _ if question.head || tunnel => Step::Take(head),
        Some(Body::Length(len)) => Step::Take(head.saturating_add(len)),
        Some(Body::Chunked) => {
            *comes = Comes::Chunk;
            Step::Take(head)
        }
        Some(Body::Unknown) | None => Step::Stop,
    }
}
