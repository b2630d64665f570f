//! DNS messages: the questions, without allocation; and of an answer whatever is readable.
//!
//! RFC 1035 (message format: section 4.1, TCP: 4.2.2), RFC 2181, RFC 3596 (AAAA), RFC 6891 (EDNS), RFC 9460 (HTTPS and
//! SVCB). Only standard queries (opcode 0) ask for names.
//!
//! The hot path walks the header ([`header`]) and the questions ([`question`]), and over the addresses of any answer
//! ([`addresses`]) and aliases ([`leads_to`]). An answer that matters is read in full ([`answer()`]), the data of its records by `hickory-proto`, one
//! at a time: a message cut by the snap length, or with one broken record, keeps the others. [`stream_message`] takes
//! messages from a stream.

mod answer;
#[cfg(test)]
mod building;
mod message;
mod name;
mod records;
mod stream;
mod targets;

pub use answer::{Answer, answer};
pub(super) use message::may_be_message;
pub use message::{Header, Question, first_question, header, question};
pub(super) use name::{skip_name, walk_name};
pub use records::addresses;
pub(super) use records::{CLASS_IN, RawRecord, Records, TYPE_A, TYPE_AAAA};
pub use stream::{Framed, MAX_MESSAGE_LEN, stream_message};
pub use targets::leads_to;

/// Standard DNS port.
pub const PORT: u16 = 53;

/// Questions read in one message. Real messages have one; a few tools send more.
pub const MAX_QUESTIONS: u16 = 16;

/// Records of a section that are read: enough for any real address answer, and a bound for hostile ones.
const MAX_RECORDS: u16 = 64;

/// Octets before the first question.
pub(super) const HEADER_LEN: usize = 12;

const TYPE_CNAME: u16 = 5;
const TYPE_SVCB: u16 = 64;
const TYPE_HTTPS: u16 = 65;
