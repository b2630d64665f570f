//! What an answer says about the name that was asked: aliases, addresses, and what HTTPS records add to them.

use std::net::IpAddr;

use hickory_proto::rr::rdata::SVCB;
use hickory_proto::rr::rdata::svcb::SvcParamValue;
use hickory_proto::rr::{RData, RecordType};
use hickory_proto::serialize::binary::{BinDecoder, Restrict};

use super::name::{normal, walk_name};
use super::records::{CLASS_IN, RawRecord, Records, TYPE_A, TYPE_AAAA};
use super::{HEADER_LEN, Header, TYPE_CNAME, TYPE_HTTPS, TYPE_SVCB};
use crate::dissect::{Dissection, ech};
use crate::model::{DomainName, Name, NameBuf};

/// Aliases followed from the name asked to the last one.
const MAX_ALIASES: usize = 16;
/// Hints of one answer. An HTTPS record has a handful.
const MAX_HINTS: usize = 64;
/// Public names of one answer. Real ones have one.
const MAX_PUBLIC_NAMES: usize = 16;

const TYPE_OPT: u16 = 41;

/// What an answer section says about the name that was asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Aliases in order: the name asked is an alias of the first, that of the second, and so on. By CNAME, or by an HTTPS
    /// or SVCB record in AliasMode (RFC 9460, section 2.4.2).
    pub aliases: Vec<DomainName>,
    /// Addresses of the last name, of A and AAAA records.
    pub addresses: Vec<IpAddr>,
    /// Addresses that HTTPS and SVCB records of the last name hint at (RFC 9460, section 7.3). Clients connect to them
    /// until the records proper are there. They are kept apart, because they are not what a resolver that blocks by
    /// address rewrites: a hint does not make a sinkhole of an answer, nor a good answer of a sinkhole.
    pub hints: Vec<IpAddr>,
    /// Names that Encrypted ClientHellos to the last name show instead of it.
    pub ech_public_names: Vec<DomainName>,
    /// For how many seconds all of this holds: the smallest TTL on the way from the name asked to its addresses (where
    /// there are none, to its hints). 0 if there was no record on the way.
    pub ttl: u32,
    /// Response code with the bits that EDNS adds (RFC 6891, section 6.1.3), if the records up to there are whole;
    /// otherwise that of the header.
    pub rcode: u16,
    /// Whether every record that the header claims could be read.
    pub complete: bool,
}

/// Reads the answer records that start at `at`, as far as they can be read, for the name `asked`.
pub fn answer(message: &[u8], header: &Header, at: usize, asked: &DomainName) -> Answer {
    let mut records = Records::new(message, at, header.answers);
    let mut facts = Facts::default();
    let mut scratch = NameBuf::default();
    let mut readable = true;
    for record in records.by_ref() {
        readable &= facts.take(message, &record, &mut scratch).is_ok();
    }
    let mut answer = facts.about(asked);
    answer.complete = readable && records.end().is_some();
    let extension = records.end().and_then(|end| extended_rcode(message, end));
    answer.rcode = u16::from(extension.unwrap_or(0)) << 4 | u16::from(header.rcode);
    answer
}

/// The upper bits of the response code, of the first OPT record behind the answers.
fn extended_rcode(message: &[u8], answers_end: usize) -> Option<u8> {
    let &[a, b, c, d] = message.get(HEADER_LEN - 4..HEADER_LEN)? else {
        return None;
    };
    let others = u16::from_be_bytes([a, b]).saturating_add(u16::from_be_bytes([c, d]));
    let opt = Records::new(message, answers_end, others).find(|record| record.kind == TYPE_OPT)?;
    Some(opt.ttl.to_be_bytes()[0])
}

/// Something that a record says about its owner.
struct Fact<T> {
    owner: DomainName,
    ttl: u32,
    what: T,
}

/// A record whose data does not hold what its type promises.
struct Unreadable;

/// All that the records say, whomever about.
#[derive(Default)]
struct Facts {
    cnames: Vec<Fact<DomainName>>,
    alias_modes: Vec<Fact<DomainName>>,
    addresses: Vec<Fact<IpAddr>>,
    services: Vec<Fact<SVCB>>,
}

impl Facts {
    /// Keeps what a record says, if it is of a kind that matters.
    fn take(
        &mut self,
        message: &[u8],
        record: &RawRecord<'_>,
        scratch: &mut NameBuf,
    ) -> Result<(), Unreadable> {
        let matters = [TYPE_A, TYPE_AAAA, TYPE_CNAME, TYPE_SVCB, TYPE_HTTPS];
        if record.class != CLASS_IN || !matters.contains(&record.kind) {
            return Ok(());
        }
        let Dissection::Found(_) = walk_name(message, record.name_at, scratch) else {
            return Err(Unreadable);
        };
        let Some(owner) = scratch.as_name().map(Name::to_owned) else {
            return Ok(()); // the root
        };
        // RFC 2181, section 8: a TTL with its highest bit set is one of 0.
        let ttl = i32::try_from(record.ttl).map_or(0, i32::cast_unsigned);
        match decode(message, record)? {
            RData::A(address) => self.addresses.push(Fact {
                owner,
                ttl,
                what: address.0.into(),
            }),
            RData::AAAA(address) => self.addresses.push(Fact {
                owner,
                ttl,
                what: address.0.into(),
            }),
            RData::CNAME(target) => {
                if let Some(what) = normal(&target.0, scratch) {
                    self.cnames.push(Fact { owner, ttl, what });
                }
            }
            RData::HTTPS(record) => self.take_service(owner, ttl, record.0, scratch),
            RData::SVCB(record) => self.take_service(owner, ttl, record, scratch),
            _ => {}
        }
        Ok(())
    }

    /// RFC 9460, section 2.4.1: priority 0 is AliasMode; with the target "." it says that there is no service.
    fn take_service(&mut self, owner: DomainName, ttl: u32, record: SVCB, scratch: &mut NameBuf) {
        if record.svc_priority != 0 {
            let what = record;
            self.services.push(Fact { owner, ttl, what });
        } else if let Some(what) = normal(&record.target_name, scratch) {
            self.alias_modes.push(Fact { owner, ttl, what });
        }
    }

    /// Follows the aliases from `asked`, and gathers what is said about the last name.
    fn about(mut self, asked: &DomainName) -> Answer {
        let mut answer = Answer::default();
        let mut last = asked.clone();
        let mut ttls = Vec::new();
        while answer.aliases.len() < MAX_ALIASES {
            // Taking each alias once ends a loop of them.
            let Some(alias) = take_of(&mut self.cnames, &last).or_else(|| {
                // An answer to "any" may hold both; the addresses are where a client without HTTPS records goes.
                let has_addresses = self.addresses.iter().any(|fact| fact.owner == last);
                (!has_addresses).then(|| take_of(&mut self.alias_modes, &last))?
            }) else {
                break;
            };
            ttls.push(alias.ttl);
            last = alias.what;
            answer.aliases.push(last.clone());
        }
        for fact in self.addresses.iter().filter(|fact| fact.owner == last) {
            ttls.push(fact.ttl);
            answer.addresses.push(fact.what);
        }
        for fact in self.services.iter().filter(|fact| fact.owner == last) {
            if answer.addresses.is_empty() {
                ttls.push(fact.ttl);
            }
            answer.add_service(&fact.what);
        }
        answer.ttl = ttls.into_iter().min().unwrap_or(0);
        answer
    }
}

impl Answer {
    /// What a record in ServiceMode adds (RFC 9460, section 2.4.3).
    fn add_service(&mut self, record: &SVCB) {
        for (_, value) in &record.svc_params {
            match value {
                SvcParamValue::Ipv4Hint(hint) => {
                    self.add_hints(hint.0.iter().map(|address| address.0.into()));
                }
                SvcParamValue::Ipv6Hint(hint) => {
                    self.add_hints(hint.0.iter().map(|address| address.0.into()));
                }
                SvcParamValue::EchConfigList(list) => {
                    for name in ech::public_names(&list.0) {
                        let room = self.ech_public_names.len() < MAX_PUBLIC_NAMES;
                        if room && !self.ech_public_names.contains(&name) {
                            self.ech_public_names.push(name);
                        }
                    }
                }
                _ => {}
            }
        }
    }

    fn add_hints(&mut self, hints: impl Iterator<Item = IpAddr>) {
        for hint in hints {
            if self.hints.len() >= MAX_HINTS {
                return;
            }
            if !self.hints.contains(&hint) {
                self.hints.push(hint);
            }
        }
    }
}

/// Takes out the first fact about `owner`.
fn take_of<T>(facts: &mut Vec<Fact<T>>, owner: &DomainName) -> Option<Fact<T>> {
    let at = facts.iter().position(|fact| fact.owner == *owner)?;
    Some(facts.remove(at))
}

/// The data of one record; names in it may point back into the message.
fn decode(message: &[u8], record: &RawRecord<'_>) -> Result<RData, Unreadable> {
    let (Ok(at), Ok(len)) = (
        u16::try_from(record.data_at),
        u16::try_from(record.data.len()),
    ) else {
        return Err(Unreadable); // no message is as long
    };
    // Not a byte behind the data, so that a field that lies cannot take its neighbour's.
    let end = record.data_at + record.data.len();
    let mut decoder = BinDecoder::new(&message[..end]).clone(at);
    let kind = RecordType::from(record.kind);
    RData::read(&mut decoder, kind, Restrict::new(len)).map_err(|_| Unreadable)
}

#[cfg(test)]
mod tests {
    use hickory_proto::op::Message;
    use hickory_proto::rr::Record;
    use hickory_proto::rr::rdata::svcb::{EchConfigList, IpHint, SvcParamKey};
    use hickory_proto::rr::rdata::{A, AAAA, HTTPS, OPT, TXT};
    use proptest::prelude::*;

    use super::super::building::{a, cname, head_of, name, response_bytes, response_with};
    use super::*;

    fn read(message: &[u8], asked: &str) -> Answer {
        let (header, at) = head_of(message);
        answer(message, &header, at, &DomainName::parse(asked).unwrap())
    }

    fn read_message(message: &Message, asked: &str) -> Answer {
        read(&message.to_vec().unwrap(), asked)
    }

    fn names(names: &[DomainName]) -> Vec<&str> {
        names.iter().map(DomainName::as_str).collect()
    }

    fn https(owner: &str, priority: u16, target: &str, params: Vec<SvcParamValue>) -> Record {
        let params = params.into_iter().map(|value| {
            let key = match value {
                SvcParamValue::Ipv4Hint(_) => SvcParamKey::Ipv4Hint,
                SvcParamValue::Ipv6Hint(_) => SvcParamKey::Ipv6Hint,
                _ => SvcParamKey::EchConfigList,
            };
            (key, value)
        });
        let record = SVCB::new(priority, name(target), params.collect());
        Record::from_rdata(name(owner), 120, RData::HTTPS(HTTPS(record)))
    }

    fn hint(last: u8) -> SvcParamValue {
        SvcParamValue::Ipv4Hint(IpHint(vec![A::new(198, 51, 100, last)]))
    }

    #[test]
    fn an_answer_keeps_what_is_readable_of_every_prefix() {
        let message = response_bytes();
        let (header, at) = head_of(&message);
        let asked = DomainName::parse("s07.upd.kaspersky.com").unwrap();
        let whole = answer(&message, &header, at, &asked);
        assert!(whole.complete);
        assert_eq!(names(&whole.aliases), ["edge.cdn.example"]);
        assert_eq!(whole.addresses, [IpAddr::from([198, 51, 100, 7])]);
        assert_eq!(whole.ttl, 60);
        let mut seen_alias_alone = false;
        for end in at..message.len() {
            let part = answer(&message[..end], &header, at, &asked);
            assert!(!part.complete && part.addresses.is_empty());
            assert_eq!(part.ttl, if part.aliases.is_empty() { 0 } else { 300 });
            seen_alias_alone |= !part.aliases.is_empty();
        }
        assert!(seen_alias_alone);
    }

    #[test]
    fn an_alias_loop_ends() {
        let loops = vec![
            cname("a.example.", 1, "b.example."),
            cname("b.example.", 1, "a.example."),
        ];
        let answer = read_message(&response_with("a.example.", loops), "a.example");
        assert_eq!(answer.aliases.len(), 2);
    }

    #[test]
    fn the_shortest_life_on_the_way_counts() {
        let records = vec![
            a("other.example.", 1, [198, 51, 100, 1]),
            cname("a.example.", 40, "b.example."),
            a("b.example.", 50, [198, 51, 100, 2]),
            a("b.example.", 45, [198, 51, 100, 3]),
        ];
        let answer = read_message(&response_with("a.example.", records), "a.example");
        assert_eq!((answer.ttl, answer.addresses.len()), (40, 2));
        // RFC 2181, section 8.
        let odd = response_with("a.example.", vec![a("a.example.", 1 << 31, [1; 4])]);
        assert_eq!(read_message(&odd, "a.example").ttl, 0);
    }

    #[test]
    fn service_records_give_hints_and_public_names() {
        let ech =
            SvcParamValue::EchConfigList(EchConfigList(ech::tests::list(&["public.example"])));
        let v6 = "2001:db8::7".parse().unwrap();
        let params = vec![
            hint(7),
            ech,
            SvcParamValue::Ipv6Hint(IpHint(vec![AAAA(v6)])),
        ];
        let records = vec![
            cname("a.example.", 300, "b.example."),
            https("b.example.", 1, ".", params),
            https("b.example.", 2, "c.example.", vec![hint(7)]),
            https("other.example.", 1, ".", vec![hint(9)]),
        ];
        let answer = read_message(&response_with("a.example.", records), "a.example");
        assert_eq!(names(&answer.aliases), ["b.example"]);
        assert!(answer.addresses.is_empty() && answer.complete);
        assert_eq!(answer.hints, [IpAddr::from([198, 51, 100, 7]), v6.into()]);
        assert_eq!(names(&answer.ech_public_names), ["public.example"]);
        assert_eq!(answer.ttl, 120);
    }

    #[test]
    fn alias_mode_leads_on_unless_there_are_addresses() {
        let alias = https("a.example.", 0, "b.example.", vec![]);
        let ignored = https("a.example.", 1, ".", vec![hint(1)]);
        let service = https("b.example.", 1, ".", vec![hint(2)]);
        let none = https("c.example.", 0, ".", vec![]);
        let records = vec![alias.clone(), ignored, service, none];
        let answer = read_message(&response_with("a.example.", records), "a.example");
        assert_eq!(names(&answer.aliases), ["b.example"]);
        assert_eq!(answer.hints, [IpAddr::from([198, 51, 100, 2])]);
        let any = vec![alias, a("a.example.", 9, [198, 51, 100, 3])];
        let answer = read_message(&response_with("a.example.", any), "a.example");
        assert_eq!(answer.addresses, [IpAddr::from([198, 51, 100, 3])]);
    }

    #[test]
    fn a_record_that_lies_loses_itself_alone() {
        let text = RData::TXT(TXT::new(vec!["text".to_owned()]));
        let records = vec![
            Record::from_rdata(name("a.example."), 9, text),
            cname("a.example.", 9, "b.example."),
            a("b.example.", 9, [198, 51, 100, 3]),
        ];
        let bytes = response_with("a.example.", records).to_vec().unwrap();
        let whole = read(&bytes, "a.example");
        assert!(whole.complete);
        let text_at = bytes
            .windows(5)
            .position(|part| part == b"\x04text")
            .unwrap();
        let mut lie = bytes.clone();
        lie[text_at] = 99; // not read at all
        assert_eq!(read(&lie, "a.example"), whole);
        lie[text_at - 10 + 1] = 1; // an address of five bytes
        let part = read(&lie, "a.example");
        assert_eq!(part.addresses, whole.addresses);
        assert!(!part.complete);
    }

    #[test]
    fn an_opt_record_disturbs_nowhere_and_gives_the_whole_code() {
        // A version that is not known: the code is 16, and 0 in the header.
        let opt = |owner: &str| {
            let data = RData::OPT(OPT::new(vec![]));
            let mut record = Record::from_rdata(name(owner), 1 << 24, data);
            record.dns_class = hickory_proto::rr::DNSClass::OPT(1232);
            record
        };
        let address = a("a.example.", 9, [198, 51, 100, 3]);
        for owner in [".", "a.example."] {
            let mut message = response_with("a.example.", vec![opt(owner), address.clone()]);
            let answer = read_message(&message, "a.example");
            assert!(answer.complete && answer.addresses.len() == 1 && answer.rcode == 0);
            message.add_authority(opt(owner));
            let answer = read_message(&message, "a.example");
            assert!(answer.complete && answer.addresses.len() == 1 && answer.rcode == 16);
        }
        let mut bytes = response_with("a.example.", vec![address]).to_vec().unwrap();
        bytes[3] |= 3;
        bytes[11] = 2; // records that are not there
        bytes.extend([0, 0, 41, 4, 208, 1, 0, 0, 0, 0, 0]);
        assert_eq!(read(&bytes, "a.example").rcode, 19);
        bytes.pop();
        assert_eq!(read(&bytes, "a.example").rcode, 3);
    }

    #[test]
    fn records_of_other_classes_are_none_of_the_internet() {
        let mut chaos = a("a.example.", 9, [198, 51, 100, 3]);
        chaos.dns_class = hickory_proto::rr::DNSClass::CH;
        let answer = read_message(&response_with("a.example.", vec![chaos]), "a.example");
        assert!(answer.addresses.is_empty() && answer.complete);
    }

    #[test]
    fn more_records_than_the_cap_are_not_complete() {
        let records = vec![a("a.example.", 9, [198, 51, 100, 3]); 65];
        let answer = read_message(&response_with("a.example.", records), "a.example");
        assert!(answer.addresses.len() == 64 && !answer.complete);
    }

    proptest! {
        /// `hickory-proto` as oracle: a chain that it wrote is followed to its end, in any order of records.
        #[test]
        fn a_chain_is_followed_in_any_order(ttls in prop::collection::vec(1..1000u32, 1..8), last in prop::collection::vec(any::<[u8; 4]>(), 0..5), seed in any::<prop::sample::Index>()) {
            let host = |at: usize| format!("h{at}.example.");
            let mut records: Vec<Record> = ttls.iter().enumerate().map(|(at, &ttl)| cname(&host(at), ttl, &host(at + 1))).collect();
            records.extend(last.iter().map(|&octets| a(&host(ttls.len()), 500, octets)));
            let first = seed.index(records.len());
            records.rotate_left(first);
            let answer = read_message(&response_with("h0.example.", records), "h0.example");
            prop_assert_eq!(answer.aliases.len(), ttls.len());
            let mut expected: Vec<IpAddr> = last.into_iter().map(IpAddr::from).collect();
            let mut addresses = answer.addresses.clone();
            expected.sort();
            addresses.sort();
            prop_assert_eq!(addresses, expected);
            let addresses_ttl = if answer.addresses.is_empty() { u32::MAX } else { 500 };
            prop_assert_eq!(answer.ttl, ttls.into_iter().min().unwrap().min(addresses_ttl));
            prop_assert!(answer.complete);
        }

        #[test]
        fn answers_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), at in 0..400usize, answers in any::<u16>()) {
            let header = Header { id: 7, response: true, rcode: 0, questions: 1, answers };
            answer(&bytes, &header, at, &DomainName::parse("a.example").unwrap());
        }

        #[test]
        fn a_changed_answer_never_panics(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>()) {
            let ech = SvcParamValue::EchConfigList(EchConfigList(ech::tests::list(&["public.example"])));
            let records = vec![
                cname("a.example.", 300, "b.example."),
                https("b.example.", 1, ".", vec![hint(1), ech]),
                a("b.example.", 9, [198, 51, 100, 3]),
            ];
            let mut bytes = response_with("a.example.", records).to_vec().unwrap();
            let changed = at.index(bytes.len());
            bytes[changed] = byte;
            let (header, start) = (Header { id: 7, response: true, rcode: 0, questions: 1, answers: 3 }, 27);
            let whole = answer(&bytes, &header, start, &DomainName::parse("a.example").unwrap());
            prop_assert!(whole.addresses.len() + whole.hints.len() <= 3);
            bytes.truncate(cut.index(bytes.len()));
            answer(&bytes, &header, start, &DomainName::parse("a.example").unwrap());
        }
    }
}
