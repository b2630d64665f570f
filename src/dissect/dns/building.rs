//! Messages for the tests of this folder.

use std::str::FromStr;

use hickory_proto::op::{Message, MessageType, OpCode, Query};
use hickory_proto::rr::rdata::{A, CNAME};
use hickory_proto::rr::{Name, RData, Record, RecordType};

use super::{Header, first_question, header, question};
use crate::dissect::Dissection;
use crate::model::NameBuf;

pub(super) fn name(text: &str) -> Name {
    Name::from_str(text).unwrap()
}

pub(super) fn query_bytes(name: &str) -> Vec<u8> {
    let mut message = Message::new(7, MessageType::Query, OpCode::Query);
    // From labels, because the text form refuses names that the wire allows.
    let labels = name.trim_end_matches('.').split('.').map(str::as_bytes);
    let name = Name::from_labels(labels).unwrap();
    message.add_query(Query::query(name, RecordType::A));
    message.to_vec().unwrap()
}

/// A response to a question for `asked` with these answers.
pub(super) fn response_with(asked: &str, answers: Vec<Record>) -> Message {
    let mut message = Message::new(7, MessageType::Response, OpCode::Query);
    message.add_query(Query::query(name(asked), RecordType::A));
    message.add_answers(answers);
    message
}

pub(super) fn cname(owner: &str, ttl: u32, target: &str) -> Record {
    Record::from_rdata(name(owner), ttl, RData::CNAME(CNAME(name(target))))
}

pub(super) fn a(owner: &str, ttl: u32, octets: [u8; 4]) -> Record {
    Record::from_rdata(name(owner), ttl, RData::A(A(octets.into())))
}

/// An alias and an address.
pub(super) fn response_bytes() -> Vec<u8> {
    let alias = cname("s07.upd.kaspersky.com.", 300, "edge.cdn.example.");
    let address = a("edge.cdn.example.", 60, [198, 51, 100, 7]);
    let message = response_with("s07.upd.kaspersky.com.", vec![alias, address]);
    message.to_vec().unwrap()
}

/// The header, and where the answers start.
pub(super) fn head_of(message: &[u8]) -> (Header, usize) {
    let Dissection::Found(header) = header(message) else {
        panic!("no header")
    };
    match question(message, first_question(), &mut NameBuf::default()) {
        Dissection::Found(question) => (header, question.end),
        _ => (header, message.len()),
    }
}

/// Header and first question: the name and its type.
pub(super) fn read_question(message: &[u8]) -> Dissection<(String, u16)> {
    let mut name = NameBuf::default();
    match header(message) {
        Dissection::Found(_) => {}
        Dissection::NotThis => return Dissection::NotThis,
        Dissection::NeedMore => return Dissection::NeedMore,
    }
    match question(message, first_question(), &mut name) {
        Dissection::Found(question) => {
            let name = name.as_name().map(|name| name.to_string());
            Dissection::Found((name.unwrap_or_default(), question.qtype))
        }
        Dissection::NotThis => Dissection::NotThis,
        Dissection::NeedMore => Dissection::NeedMore,
    }
}
