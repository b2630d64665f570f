//! Header and questions.

use super::name::walk_name;
use super::{HEADER_LEN, MAX_QUESTIONS};
use crate::dissect::Dissection;
use crate::model::NameBuf;

const FLAG_RESPONSE: u8 = 0x80;

/// Header of a standard query or of its response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// What ties an answer to its question.
    pub id: u16,
    /// Whether this is a response.
    pub response: bool,
    /// Response code (RFC 1035, section 4.1.1), the four bits that stand in the header. Codes of EDNS have more: such a
    /// code shows here as another (BADVERS as "no error"). [`super::Answer::rcode`] has all of it.
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
        id: u16_at(0),
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

/// Whether bytes could be a DNS message, for dissectors whose own signature is weaker than its form.
pub(in crate::dissect) fn may_be_message(message: &[u8]) -> bool {
    match header(message) {
        Dissection::NotThis => false,
        Dissection::NeedMore => true,
        Dissection::Found(header) => {
            header.questions <= MAX_QUESTIONS
                && question(message, first_question(), &mut NameBuf::default())
                    != Dissection::NotThis
        }
    }
}

#[cfg(test)]
mod tests {
    use hickory_proto::op::Message;
    use proptest::prelude::*;

    use super::super::building::{query_bytes, read_question};
    use super::super::name::normal;
    use super::*;

    #[test]
    fn every_prefix_needs_more_until_the_question_is_whole() {
        let message = query_bytes("S07.upd.Kaspersky.com.");
        for end in 0..message.len() {
            let prefix = &message[..end];
            assert_eq!(read_question(prefix), Dissection::NeedMore, "{end}");
            assert!(may_be_message(prefix));
        }
        assert_eq!(
            read_question(&message),
            Dissection::Found(("s07.upd.kaspersky.com".to_owned(), 1))
        );
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
    }
}
