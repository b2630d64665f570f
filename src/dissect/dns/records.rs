//! The records of a message, cut apart but not read; and the addresses among them, without allocation.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::name::skip_name;
use super::{Header, MAX_RECORDS};
use crate::dissect::{Reader, Short};

pub(in crate::dissect) const TYPE_A: u16 = 1;
pub(in crate::dissect) const TYPE_AAAA: u16 = 28;
pub(in crate::dissect) const CLASS_IN: u16 = 1;

/// The addresses in the answer section that starts at `at`, whoever's they are, in order: of the first 64 records, up to
/// the first that cannot be read.
pub fn addresses<'m>(
    message: &'m [u8],
    header: &Header,
    at: usize,
) -> impl Iterator<Item = IpAddr> + use<'m> {
    Records::new(message, at, header.answers)
        .map_while(|record| match (record.class, record.kind) {
            (CLASS_IN, TYPE_A) => {
                let octets: [u8; 4] = record.data.try_into().ok()?;
                Some(Some(Ipv4Addr::from(octets).into()))
            }
            (CLASS_IN, TYPE_AAAA) => {
                let octets: [u8; 16] = record.data.try_into().ok()?;
                Some(Some(Ipv6Addr::from(octets).into()))
            }
            _ => Some(None),
        })
        .flatten()
}

/// One record (RFC 1035, section 4.1.3).
#[derive(Clone, Copy, Debug)]
pub(in crate::dissect) struct RawRecord<'m> {
    /// Where its owner's name starts.
    pub(in crate::dissect) name_at: usize,
    pub(in crate::dissect) kind: u16,
    pub(in crate::dissect) class: u16,
    pub(in crate::dissect) ttl: u32,
    /// Where its data starts.
    pub(in crate::dissect) data_at: usize,
    pub(in crate::dissect) data: &'m [u8],
}

/// Records that are wholly there, as many as are claimed, [`MAX_RECORDS`] at most.
#[derive(Clone, Debug)]
pub(in crate::dissect) struct Records<'m> {
    message: &'m [u8],
    at: usize,
    /// Records claimed that were not given.
    left: u16,
    budget: u16,
}

impl<'m> Records<'m> {
    pub(in crate::dissect) fn new(message: &'m [u8], at: usize, claimed: u16) -> Self {
        Self {
            message,
            at,
            left: claimed,
            budget: MAX_RECORDS,
        }
    }

    /// Offset behind the last record, once all that were claimed have been given.
    pub(in crate::dissect) fn end(&self) -> Option<usize> {
        (self.left == 0).then_some(self.at)
    }

    fn read(&self) -> Result<RawRecord<'m>, Short> {
        let name_end = skip_name(self.message, self.at).ok_or(Short)?;
        let mut reader = Reader::new(self.message.get(name_end..).ok_or(Short)?);
        let [kind, class, ttl_high, ttl_low] =
            [reader.u16()?, reader.u16()?, reader.u16()?, reader.u16()?];
        let data = reader.vec16()?.rest();
        Ok(RawRecord {
            name_at: self.at,
            kind,
            class,
            ttl: u32::from(ttl_high) << 16 | u32::from(ttl_low),
            data_at: name_end + FIXED_LEN,
            data,
        })
    }
}

/// Type, class, TTL and the length of the data.
const FIXED_LEN: usize = 2 + 2 + 4 + 2;

impl<'m> Iterator for Records<'m> {
    type Item = RawRecord<'m>;

    fn next(&mut self) -> Option<RawRecord<'m>> {
        if self.left == 0 || self.budget == 0 {
            return None;
        }
        let Ok(record) = self.read() else {
            self.budget = 0; // nobody knows where the next one starts
            return None;
        };
        self.left -= 1;
        self.budget -= 1;
        self.at = record.data_at + record.data.len();
        Some(record)
    }
}

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    use hickory_proto::op::{Message, MessageType, OpCode, Query};
    use hickory_proto::rr::rdata::{A, AAAA, CNAME, TXT};
    use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType};
    use proptest::prelude::*;

    use super::super::building::{head_of, response_bytes};
    use super::*;

    fn read(message: &[u8]) -> Vec<IpAddr> {
        let (header, at) = head_of(message);
        addresses(message, &header, at).collect()
    }

    #[test]
    fn every_prefix_keeps_the_addresses_before_its_end() {
        let message = response_bytes();
        for end in 33..message.len() {
            assert!(read(&message[..end]).is_empty());
        }
        assert_eq!(read(&message), [IpAddr::from([198, 51, 100, 7])]);
    }

    #[test]
    fn many_records_are_read_up_to_the_cap() {
        let name = Name::from_str("a.example.").unwrap();
        let mut message = Message::new(7, MessageType::Response, OpCode::Query);
        message.add_query(Query::query(name.clone(), RecordType::A));
        for last in 0..200 {
            let address = RData::A(A::new(198, 51, 100, last));
            message.add_answer(Record::from_rdata(name.clone(), 1, address));
        }
        assert_eq!(
            read(&message.to_vec().unwrap()).len(),
            usize::from(MAX_RECORDS)
        );
    }

    fn record() -> impl Strategy<Value = Record> {
        let data = prop_oneof![
            3 => any::<[u8; 4]>().prop_map(|octets| RData::A(A(octets.into()))),
            3 => any::<[u8; 16]>().prop_map(|octets| RData::AAAA(AAAA(octets.into()))),
            1 => Just(RData::CNAME(CNAME(Name::from_str("b.a.example.").unwrap()))),
            1 => Just(RData::TXT(TXT::new(vec!["text".to_owned()]))),
        ];
        let owner = prop::sample::select(vec!["a.example.", "b.a.example.", "."]);
        let class = prop_oneof![4 => Just(DNSClass::IN), 1 => Just(DNSClass::CH)];
        (owner, data, class).prop_map(|(owner, data, class)| {
            let mut record = Record::from_rdata(Name::from_str(owner).unwrap(), 60, data);
            record.dns_class = class;
            record
        })
    }

    proptest! {
        /// `hickory-proto` as oracle: of every message that it reads, we give the same addresses; of a cut one, the first.
        #[test]
        fn agrees_with_the_oracle(records in prop::collection::vec(record(), 0..80), flip in any::<(prop::sample::Index, u8)>(), flips in any::<bool>(), cut in any::<prop::sample::Index>()) {
            let asked = Name::from_str("a.example.").unwrap();
            let mut message = Message::new(7, MessageType::Response, OpCode::Query);
            message.add_query(Query::query(asked, RecordType::A));
            message.add_answers(records);
            let mut bytes = message.to_vec().unwrap();
            if flips {
                let at = flip.0.index(bytes.len() - 12) + 12;
                bytes[at] ^= flip.1;
            }
            let Ok(message) = Message::from_vec(&bytes) else { return Ok(()) };
            // An empty record is a thing of updates (RFC 2136), which this is not.
            prop_assume!(!message.answers.iter().any(|record| matches!(record.data, RData::Update0(_))));
            let expected: Vec<IpAddr> = message
                .answers
                .iter()
                .take(usize::from(MAX_RECORDS))
                .filter(|record| record.dns_class == DNSClass::IN)
                .filter_map(|record| record.data.ip_addr())
                .collect();
            let (header, at) = head_of(&bytes);
            let whole: Vec<IpAddr> = addresses(&bytes, &header, at).collect();
            prop_assert_eq!(&whole, &expected);
            let part: Vec<IpAddr> = addresses(&bytes[..cut.index(bytes.len())], &header, at).collect();
            prop_assert!(whole.starts_with(&part));
        }

        #[test]
        fn any_bytes_are_walked_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), at in 0..400usize, answers in any::<u16>()) {
            let header = Header { id: 7, response: true, rcode: 0, questions: 1, answers };
            prop_assert!(addresses(&bytes, &header, at).count() <= usize::from(MAX_RECORDS));
        }
    }
}
