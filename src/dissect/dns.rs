//! DNS messages: the questions, without allocation; and of an answer whatever is readable.
//!
//! RFC 1035 (message format: section 4.1), RFC 2181, RFC 3596 (AAAA). Only standard queries (opcode 0) ask for names.
//!
//! The hot path walks the header and the questions. Records of answers that matter are decoded by `hickory-proto`,
//! one at a time: a message cut by the snap length, or with one broken record, keeps the records before it.

use std::net::IpAddr;

use hickory_proto::rr::{RData, Record};
use hickory_proto::serialize::binary::{BinDecodable, BinDecoder};

use super::Dissection;
use crate::model::{DomainName, NameBuf};

/// Standard DNS port.
pub const PORT: u16 = 53;

/// Questions read in one message. Real messages have one; a few tools send more.
pub const MAX_QUESTIONS: u16 = 16;

/// Records of an answer that are decoded: enough for any real address answer, and a bound for hostile ones.
const MAX_RECORDS: u16 = 64;
/// Aliases followed from the name asked to the last one.
const MAX_ALIASES: usize = 16;
/// Compression pointers followed within one name; each must point further back, so this bounds work, not correctness.
const MAX_POINTERS: usize = 32;

const HEADER_LEN: usize = 12;
const FLAG_RESPONSE: u8 = 0x80;

/// Header of a standard query or of its response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Whether this is a response.
    pub response: bool,
    /// Response code (RFC 1035, section 4.1.1); without the EDNS extension.
    pub rcode: u8,
    /// Number of questions that the message claims.
    pub questions: u16,
    /// Number of answer records that the message claims.
    pub answers: u16,
}

/// One question; its name is left in the caller's [`NameBuf`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// Query type.
    pub qtype: u16,
    /// Offset of what follows the question.
    pub end: usize,
}

/// What an answer section says about the name that was asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Aliases in order: the name asked is an alias of the first, that of the second, and so on.
    pub aliases: Vec<DomainName>,
    /// Addresses of the last name.
    pub addresses: Vec<IpAddr>,
    /// Whether every record that the header claims could be read.
    pub complete: bool,
}

/// Reads the header. Certainly not DNS: another opcode, reserved bits, or a count that no message has.
pub fn header(message: &[u8]) -> Dissection<Header> {
    let byte = |at: usize| message.get(at).copied();
    // Opcode in bits 3 to 6 of the third byte; the reserved bit Z is bit 6 of the fourth (RFC 1035, section 4.1.1).
    if byte(2).is_some_and(|flags| flags & 0x78 != 0)
        || byte(3).is_some_and(|flags| flags & 0x40 != 0)
    {
        return Dissection::NotThis;
    }
    let Some(head) = message.get(..HEADER_LEN) else {
        return Dissection::NeedMore;
    };
    let u16_at = |at: usize| u16::from_be_bytes([head[at], head[at + 1]]);
    let header = Header {
        response: head[2] & FLAG_RESPONSE != 0,
        rcode: head[3] & 0x0f,
        questions: u16_at(4),
        answers: u16_at(6),
    };
    if header.questions == 0 || (!header.response && header.rcode != 0) {
        return Dissection::NotThis;
    }
    Dissection::Found(header)
}

/// Reads the question that starts at `at` (the first starts behind the header: [`first_question`]).
pub fn question(message: &[u8], at: usize, name: &mut NameBuf) -> Dissection<Question> {
    let end = match walk_name(message, at, name) {
        Dissection::Found(end) => end,
        Dissection::NotThis => return Dissection::NotThis,
        Dissection::NeedMore => return Dissection::NeedMore,
    };
    let Some(&[type_high, type_low, _, _]) = message.get(end..end + 4) else {
        return Dissection::NeedMore;
    };
    Dissection::Found(Question {
        qtype: u16::from_be_bytes([type_high, type_low]),
        end: end + 4,
    })
}

/// Where the first question starts.
pub const fn first_question() -> usize {
    HEADER_LEN
}

/// Reads the answer records that start at `at`, as far as they can be read, for the name `asked`.
pub fn answer(message: &[u8], header: &Header, at: usize, asked: &DomainName) -> Answer {
    let mut answer = Answer::default();
    let Some(start) = u16::try_from(at).ok().filter(|_| at <= message.len()) else {
        return answer;
    };
    let mut decoder = BinDecoder::new(message).clone(start);
    let mut aliases = Vec::new();
    let mut addresses = Vec::new();
    let mut scratch = NameBuf::default();
    let mut read = 0;
    for _ in 0..header.answers.min(MAX_RECORDS) {
        let Ok(record) = Record::read(&mut decoder) else {
            break;
        };
        read += 1;
        let Some(owner) = normal(&record.name, &mut scratch) else {
            continue;
        };
        match &record.data {
            RData::CNAME(target) => {
                if let Some(target) = normal(&target.0, &mut scratch) {
                    aliases.push((owner, target));
                }
            }
            RData::A(address) => addresses.push((owner, IpAddr::V4(address.0))),
            RData::AAAA(address) => addresses.push((owner, IpAddr::V6(address.0))),
            _ => {}
        }
    }
    answer.complete = read == header.answers;
    let mut last = asked.clone();
    while answer.aliases.len() < MAX_ALIASES {
        let Some(at) = aliases.iter().position(|(owner, _)| *owner == last) else {
            break;
        };
        // Taking each alias once ends a loop of them.
        last = aliases.swap_remove(at).1;
        answer.aliases.push(last.clone());
    }
    answer.addresses = addresses
        .into_iter()
        .filter(|(owner, _)| *owner == last)
        .map(|(_, address)| address)
        .collect();
    answer
}

/// Walks a name, following compression pointers (RFC 1035, section 4.1.4), and returns the offset behind it.
fn walk_name(message: &[u8], start: usize, name: &mut NameBuf) -> Dissection<usize> {
    name.clear();
    let mut at = start;
    let mut end = None;
    // A pointer must lead before everything read so far; so a loop is impossible.
    let mut limit = start;
    let mut pointers = 0;
    loop {
        let Some(&len) = message.get(at) else {
            return Dissection::NeedMore;
        };
        match len {
            0 => return Dissection::Found(end.unwrap_or(at + 1)),
            1..=63 => {
                let Some(label) = message.get(at + 1..at + 1 + usize::from(len)) else {
                    return Dissection::NeedMore;
                };
                if name.push_label(label).is_err() {
                    return Dissection::NotThis;
                }
                at += 1 + usize::from(len);
            }
            0xc0..=0xff => {
                let Some(&low) = message.get(at + 1) else {
                    return Dissection::NeedMore;
                };
                let target = usize::from(u16::from_be_bytes([len & 0x3f, low]));
                pointers += 1;
                if target >= limit || target < HEADER_LEN || pointers > MAX_POINTERS {
                    return Dissection::NotThis;
                }
                end.get_or_insert(at + 2);
                limit = target;
                at = target;
            }
            // 0x40 and 0x80 are reserved (RFC 6891, section 5 retired the one use).
            _ => return Dissection::NotThis,
        }
    }
}

/// A name of `hickory-proto` in our normal form; `None` for the root.
fn normal(name: &hickory_proto::rr::Name, scratch: &mut NameBuf) -> Option<DomainName> {
    scratch.clear();
    for label in name {
        scratch.push_label(label).ok()?;
    }
    scratch.as_name().map(crate::model::Name::to_owned)
}

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    use hickory_proto::op::{Message, MessageType, OpCode, Query};
    use hickory_proto::rr::rdata::{A, CNAME};
    use hickory_proto::rr::{Name, RecordType};
    use proptest::prelude::*;

    use super::*;

    fn query_bytes(name: &str) -> Vec<u8> {
        let mut message = Message::new(7, MessageType::Query, OpCode::Query);
        // From labels, because the text form refuses names that the wire allows.
        let labels = name.trim_end_matches('.').split('.').map(str::as_bytes);
        let name = Name::from_labels(labels).unwrap();
        message.add_query(Query::query(name, RecordType::A));
        message.to_vec().unwrap()
    }

    fn response_bytes() -> Vec<u8> {
        let asked = Name::from_str("s07.upd.kaspersky.com.").unwrap();
        let edge = Name::from_str("edge.cdn.example.").unwrap();
        let mut message = Message::new(7, MessageType::Response, OpCode::Query);
        message.add_query(Query::query(asked.clone(), RecordType::A));
        message.add_answer(Record::from_rdata(
            asked,
            60,
            RData::CNAME(CNAME(edge.clone())),
        ));
        message.add_answer(Record::from_rdata(
            edge,
            60,
            RData::A(A::new(198, 51, 100, 7)),
        ));
        message.to_vec().unwrap()
    }

    fn read_question(message: &[u8]) -> Dissection<(String, u16)> {
        let mut name = NameBuf::default();
        match header(message) {
            Dissection::Found(_) => {}
            Dissection::NotThis => return Dissection::NotThis,
            Dissection::NeedMore => return Dissection::NeedMore,
        }
        match question(message, first_question(), &mut name) {
            Dissection::Found(question) => Dissection::Found((
                name.as_name()
                    .map(|name| name.to_string())
                    .unwrap_or_default(),
                question.qtype,
            )),
            Dissection::NotThis => Dissection::NotThis,
            Dissection::NeedMore => Dissection::NeedMore,
        }
    }

    #[test]
    fn every_prefix_needs_more_until_the_question_is_whole() {
        let message = query_bytes("S07.upd.Kaspersky.com.");
        for end in 0..message.len() {
            assert_eq!(
                read_question(&message[..end]),
                Dissection::NeedMore,
                "{end}"
            );
        }
        assert_eq!(
            read_question(&message),
            Dissection::Found(("s07.upd.kaspersky.com".to_owned(), 1))
        );
    }

    #[test]
    fn an_answer_keeps_what_is_readable_of_every_prefix() {
        let message = response_bytes();
        let asked = DomainName::parse("s07.upd.kaspersky.com").unwrap();
        let Dissection::Found(header) = header(&message) else {
            panic!()
        };
        let mut name = NameBuf::default();
        let Dissection::Found(question) = question(&message, first_question(), &mut name) else {
            panic!()
        };
        let whole = answer(&message, &header, question.end, &asked);
        assert!(whole.complete);
        assert_eq!(
            whole.aliases,
            [DomainName::parse("edge.cdn.example").unwrap()]
        );
        assert_eq!(whole.addresses, [IpAddr::from([198, 51, 100, 7])]);
        let mut seen_alias_alone = false;
        for end in question.end..message.len() {
            let part = answer(&message[..end], &header, question.end, &asked);
            assert!(!part.complete && part.addresses.is_empty());
            seen_alias_alone |= !part.aliases.is_empty();
        }
        assert!(seen_alias_alone);
    }

    #[test]
    fn refuses_loops_and_lies() {
        let mut message = query_bytes("a.example.");
        message[12] = 0xc0; // a pointer to itself
        message[13] = 12;
        assert_eq!(read_question(&message), Dissection::NotThis);
        message[13] = 0; // a pointer into the header
        assert_eq!(read_question(&message), Dissection::NotThis);
        message[12] = 0x40; // a reserved label type
        assert_eq!(read_question(&message), Dissection::NotThis);
    }

    #[test]
    fn an_alias_loop_ends() {
        let mut message = Message::new(7, MessageType::Response, OpCode::Query);
        let (a, b) = (
            Name::from_str("a.example.").unwrap(),
            Name::from_str("b.example.").unwrap(),
        );
        message.add_query(Query::query(a.clone(), RecordType::A));
        message.add_answer(Record::from_rdata(
            a.clone(),
            1,
            RData::CNAME(CNAME(b.clone())),
        ));
        message.add_answer(Record::from_rdata(b, 1, RData::CNAME(CNAME(a))));
        let bytes = message.to_vec().unwrap();
        let Dissection::Found(header) = header(&bytes) else {
            panic!()
        };
        let mut name = NameBuf::default();
        let Dissection::Found(question) = question(&bytes, first_question(), &mut name) else {
            panic!()
        };
        let asked = DomainName::parse("a.example").unwrap();
        assert_eq!(
            answer(&bytes, &header, question.end, &asked).aliases.len(),
            2
        );
    }

    #[test]
    fn other_opcodes_are_not_questions() {
        let mut message = query_bytes("a.example.");
        message[2] |= 5 << 3; // dynamic update
        assert_eq!(header(&message), Dissection::NotThis);
    }

    proptest! {
        /// `hickory-proto` as oracle: what it reads as a standard query, we read alike.
        #[test]
        fn agrees_with_the_oracle(labels in prop::collection::vec("[a-zA-Z0-9_-]{1,20}", 1..6), cut in 0..200usize, flip in any::<(u8, u8)>()) {
            let mut bytes = query_bytes(&format!("{}.", labels.join(".")));
            let at = usize::from(flip.0) % bytes.len();
            bytes[at] ^= flip.1;
            bytes.truncate(cut.max(12));
            if let Ok(message) = Message::from_vec(&bytes)
                && let Some(query) = message.queries.first()
                && header(&bytes) != Dissection::NotThis
            {
                let mut scratch = NameBuf::default();
                let expected = normal(&query.name, &mut scratch).map(|name| name.to_string()).unwrap_or_default();
                prop_assert_eq!(read_question(&bytes), Dissection::Found((expected, u16::from(query.query_type))));
            }
        }

        #[test]
        fn any_bytes_settle_once(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
            let mut settled = Dissection::NeedMore;
            for end in 0..=bytes.len() {
                let now = read_question(&bytes[..end]);
                if settled != Dissection::NeedMore {
                    prop_assert_eq!(&now, &settled);
                }
                settled = now;
            }
        }

        #[test]
        fn answers_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), at in 0..400usize, answers in any::<u16>()) {
            let header = Header { response: true, rcode: 0, questions: 1, answers };
            answer(&bytes, &header, at, &DomainName::parse("a.example").unwrap());
        }
    }
}
