//! A DNS message: the answer settles over its prefixes, and the names are those that `hickory-proto` reads.

use hickory_proto::op::Message;
use straggler::dissect::Dissection;
use straggler::dissect::dns::{Header, MAX_QUESTIONS, answer, first_question, header, question};
use straggler::model::{DomainName, Name, NameBuf};

/// Input: the message.
pub fn check(input: &[u8]) {
    let head = match super::settles_once(input, header) {
        Dissection::Found(head) => head,
        _ => return,
    };
    let mut at = first_question();
    let mut names = Vec::new();
    for _ in 0..head.questions.min(MAX_QUESTIONS) {
        let read = super::settles_once(input, |prefix| {
            let mut name = NameBuf::default();
            match question(prefix, at, &mut name) {
                Dissection::Found(question) => {
                    let name = name.as_name().map(Name::to_owned);
                    Dissection::Found((name, question.qtype, question.end))
                }
                Dissection::NotThis => Dissection::NotThis,
                Dissection::NeedMore => Dissection::NeedMore,
            }
        });
        let Dissection::Found((name, qtype, end)) = read else {
            break;
        };
        assert!(at < end && end <= input.len(), "a question of {at}..{end}");
        at = end;
        if let Some(name) = &name {
            name_holds(name);
            answer_holds(input, &head, name);
        }
        names.push((name, qtype));
    }
    if let Ok(theirs) = Message::from_vec(input) {
        for (ours, theirs) in names.iter().zip(&theirs.queries) {
            let mut name = NameBuf::default();
            let fits = theirs
                .name()
                .iter()
                .all(|label| name.push_label(label).is_ok());
            assert!(fits, "hickory reads a name that is too long: {theirs:?}");
            let name = name.as_name().map(Name::to_owned);
            assert_eq!(*ours, (name, theirs.query_type().into()));
        }
    }
}

/// Whatever is claimed and wherever one begins to read, an answer holds no more than its records.
fn answer_holds(input: &[u8], head: &Header, name: &DomainName) {
    for at in [first_question(), input.len() / 2, input.len()] {
        let answer = answer(input, head, at, name);
        let most = usize::from(head.answers);
        assert!(answer.addresses.len() <= most && answer.aliases.len() <= most);
        answer.aliases.iter().for_each(name_holds);
    }
}

/// Printable, in lower case, and its own normal form where nothing in it is escaped.
pub fn name_holds(name: &DomainName) {
    let text = name.as_str();
    assert!(!text.is_empty() && text.len() <= 4 * 255, "{text:?}");
    let printable = |byte: u8| byte.is_ascii_graphic() && !byte.is_ascii_uppercase();
    assert!(text.bytes().all(printable), "{text:?}");
    if !text.contains('\\') {
        assert_eq!(DomainName::parse(text).as_ref(), Ok(name));
    }
}
