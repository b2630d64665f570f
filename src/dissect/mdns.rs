//! Names that devices give themselves on their link: Multicast DNS (RFC 6762) and LLMNR (RFC 4795).
//!
//! A name is believed only where one of its address records is the address from which the message comes, because repeaters
//! and sleep proxies speak for others; the other addresses that the message gives this name are the device's too. What a
//! message says of other names is not read.
//!
//! Only responses are read. Queries hold other people's records (known answers), or a name that is still being tried out
//! (RFC 6762, section 8.1). Not read: reverse names, services, and LLMNR over TCP. Nothing is signed: whoever is on the
//! link can claim any name.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::dns::{
    CLASS_IN, HEADER_LEN, MAX_QUESTIONS, RawRecord, Records, TYPE_A, TYPE_AAAA, skip_name,
    walk_name,
};
use super::{Dissection, Reader, is_host};
use crate::model::{AnnouncedBy, Announcement, DomainName, Endpoint, Name, NameBuf, WireText};

/// UDP port of Multicast DNS.
pub const MDNS_PORT: u16 = 5353;
/// UDP port of LLMNR.
pub const LLMNR_PORT: u16 = 5355;
/// Other addresses kept of one name. A device with many temporary addresses has a dozen.
pub const MAX_OTHERS: usize = 15;

/// Response, opcode and response code: the two latter are zero in whatever is read (RFC 6762, section 18; RFC 4795,
/// section 2.1.1).
const RESPONSE: u16 = 0x8000;
const OPCODE_AND_RCODE: u16 = 0x780f;
/// LLMNR: the name is not one device's alone, or is not yet known to be (RFC 4795, section 2.1.1).
const CONFLICT_OR_TENTATIVE: u16 = 0x0500;
const TYPE_TXT: u16 = 16;
/// mDNS: the sender says that these are all records there are (RFC 6762, section 10.2).
const CACHE_FLUSH: u16 = 0x8000;

const LOCAL: &str = ".local";
const DEVICE_INFO: &str = "._device-info._tcp.local";
const MODEL: &[u8] = b"model=";

/// The name that the sender of a datagram gives itself. `from` and its port are the datagram's: responders answer from the
/// protocol's own port (RFC 6762, section 6; RFC 4795, section 2.5), whatever port the question came from.
///
/// Records that are wholly there are read of a datagram that is cut.
pub fn announcement(datagram: &[u8], from: Endpoint) -> Option<Announcement> {
    let protocol = match from.port {
        MDNS_PORT => AnnouncedBy::Mdns,
        LLMNR_PORT => AnnouncedBy::Llmnr,
        _ => return None,
    };
    let message = Message::read(datagram, protocol)?;
    let mut scratch = NameBuf::default();
    let own = message
        .addresses()
        .find(|&(_, address)| address == from.addr && is_host(address));
    let (record, address) = own?;
    let name = name_at(datagram, record.name_at, &mut scratch)?;
    let fits = match protocol {
        AnnouncedBy::Mdns => name.as_str().ends_with(LOCAL),
        AnnouncedBy::Llmnr => !name.as_str().contains('.'), // RFC 4795, section 3
    };
    if !fits {
        return None;
    }
    let mut others = Vec::new();
    for (record, other) in message.addresses() {
        let is_new = other != address && is_host(other) && !others.contains(&other);
        if is_new
            && others.len() < MAX_OTHERS
            && name_at(datagram, record.name_at, &mut scratch).as_ref() == Some(&name)
        {
            others.push(other);
        }
    }
    let model = match protocol {
        AnnouncedBy::Mdns => message.model(&mut scratch),
        AnnouncedBy::Llmnr => None,
    };
    Some(Announcement {
        protocol,
        name,
        address,
        others,
        model,
        ttl: record.ttl,
    })
}

/// A response, its records apart.
struct Message<'m> {
    bytes: &'m [u8],
    records: Records<'m>,
}

impl<'m> Message<'m> {
    fn read(bytes: &'m [u8], protocol: AnnouncedBy) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let [_id, flags, questions, answers, authority, additional] = [
            reader.u16().ok()?,
            reader.u16().ok()?,
            reader.u16().ok()?,
            reader.u16().ok()?,
            reader.u16().ok()?,
            reader.u16().ok()?,
        ];
        let refused = match protocol {
            AnnouncedBy::Mdns => OPCODE_AND_RCODE,
            AnnouncedBy::Llmnr => OPCODE_AND_RCODE | CONFLICT_OR_TENTATIVE,
        };
        if flags & RESPONSE == 0 || flags & refused != 0 || questions > MAX_QUESTIONS {
            return None;
        }
        let mut at = HEADER_LEN;
        for _ in 0..questions {
            at = skip_name(bytes, at)? + 4; // type and class
        }
        let claimed = answers.saturating_add(authority).saturating_add(additional);
        Some(Self {
            bytes,
            records: Records::new(bytes, at, claimed),
        })
    }

    /// Records that hold. A TTL of zero takes one back (RFC 6762, section 10.1).
    fn records(&self) -> impl Iterator<Item = RawRecord<'m>> + use<'m> {
        let records = self.records.clone();
        records.filter(|it| it.class & !CACHE_FLUSH == CLASS_IN && it.ttl != 0)
    }

    /// Addresses, and the records that give them.
    fn addresses(&self) -> impl Iterator<Item = (RawRecord<'m>, IpAddr)> + use<'m> {
        self.records().filter_map(|record| {
            let address = match record.kind {
                TYPE_A => Ipv4Addr::from(<[u8; 4]>::try_from(record.data).ok()?).into(),
                TYPE_AAAA => Ipv6Addr::from(<[u8; 16]>::try_from(record.data).ok()?).into(),
                _ => return None,
            };
            Some((record, address))
        })
    }

    /// The model of the one device that the message describes, if it describes one.
    fn model(&self, scratch: &mut NameBuf) -> Option<WireText> {
        let mut devices = self.records().filter(|record| {
            let mut owner = || name_at(self.bytes, record.name_at, scratch);
            record.kind == TYPE_TXT && owner().is_some_and(|it| it.as_str().ends_with(DEVICE_INFO))
        });
        let device = devices.next()?;
        if devices.next().is_some() {
            return None;
        }
        // Texts, each behind its length (RFC 6763, section 6.1).
        let mut texts = Reader::new(device.data);
        while let Ok(text) = texts.vec8() {
            if let Some(model) = text.rest().strip_prefix(MODEL) {
                return WireText::new(model);
            }
        }
        None
    }
}

fn name_at(message: &[u8], at: usize, scratch: &mut NameBuf) -> Option<DomainName> {
    match walk_name(message, at, scratch) {
        Dissection::Found(_) => scratch.as_name().map(Name::to_owned),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use hickory_proto::op::{Message as Theirs, MessageType, OpCode, Query, ResponseCode};
    use hickory_proto::rr::rdata::{A, AAAA, PTR, TXT};
    use hickory_proto::rr::{Name as TheirName, RData, Record, RecordType};
    use proptest::prelude::*;
    use std::str::FromStr;

    use super::*;

    const OWN: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 7));

    fn own_v6() -> IpAddr {
        "fe80::7".parse().unwrap()
    }

    fn record(owner: &str, ttl: u32, data: RData) -> Record {
        Record::from_rdata(TheirName::from_str(owner).unwrap(), ttl, data)
    }

    fn address(owner: &str, address: IpAddr) -> Record {
        let data = match address {
            IpAddr::V4(it) => RData::A(A(it)),
            IpAddr::V6(it) => RData::AAAA(AAAA(it)),
        };
        record(owner, 120, data)
    }

    fn response(records: Vec<Record>) -> Theirs {
        let mut message = Theirs::new(0, MessageType::Response, OpCode::Query);
        message.add_answers(records);
        message
    }

    fn read(message: &Theirs, from: IpAddr, port: u16) -> Option<Announcement> {
        announcement(&message.to_vec().unwrap(), Endpoint { addr: from, port })
    }

    fn by_mdns(records: Vec<Record>) -> Option<Announcement> {
        read(&response(records), OWN, MDNS_PORT)
    }

    fn device() -> Vec<Record> {
        let model = TXT::new(vec!["osxvers=22".to_owned(), "model=Mac14,2".to_owned()]);
        let host = TheirName::from_str("Desk-7.local.").unwrap();
        vec![
            record("7.0.0.10.in-addr.arpa.", 120, RData::PTR(PTR(host))),
            address("Desk-7.local.", own_v6()),
            address("Desk-7.local.", OWN),
            address("other.local.", [10, 0, 0, 9].into()),
            record("Desk._device-info._tcp.local.", 4500, RData::TXT(model)),
        ]
    }

    #[test]
    fn a_device_names_itself() {
        let expected = |address, other| Announcement {
            protocol: AnnouncedBy::Mdns,
            name: DomainName::parse("desk-7.local").unwrap(),
            address,
            others: vec![other],
            model: WireText::new(b"Mac14,2"),
            ttl: 120,
        };
        assert_eq!(by_mdns(device()), Some(expected(OWN, own_v6())));
        let from_v6 = read(&response(device()), own_v6(), MDNS_PORT);
        assert_eq!(from_v6, Some(expected(own_v6(), OWN)));
        let mut split = response(vec![]);
        split.add_additionals(device());
        assert_eq!(read(&split, OWN, MDNS_PORT), Some(expected(OWN, own_v6())));
    }

    #[test]
    fn nobody_speaks_for_others() {
        let message = response(device());
        assert_eq!(read(&message, [10, 0, 0, 8].into(), MDNS_PORT), None);
        assert_eq!(read(&message, OWN, 40_000), None, "not a responder's port");
        let mut query = message.clone();
        query.metadata.message_type = MessageType::Query;
        assert_eq!(read(&query, OWN, MDNS_PORT), None);
        let mut failed = message.clone();
        failed.metadata.response_code = ResponseCode::NXDomain;
        assert_eq!(read(&failed, OWN, MDNS_PORT), None);
        let goodbye = record("desk.local.", 0, RData::A(A::new(10, 0, 0, 7)));
        assert_eq!(by_mdns(vec![goodbye]), None);
        assert_eq!(by_mdns(vec![address("desk.example.", OWN)]), None);
        assert_eq!(by_mdns(vec![address(".", OWN)]), None);
    }

    #[test]
    fn two_devices_in_one_message_have_no_model() {
        let second = TXT::new(vec!["model=TV".to_owned()]);
        let second = record("TV._device-info._tcp.local.", 4500, RData::TXT(second));
        let both = [device(), vec![second]].concat();
        assert_eq!(by_mdns(both).unwrap().model, None);
    }

    #[test]
    fn llmnr_names_have_one_label() {
        let answer = |owner: &str| {
            let mut message = response(vec![address(owner, OWN)]);
            let asked = TheirName::from_str(owner).unwrap();
            message.add_query(Query::query(asked, RecordType::A));
            message
        };
        let read_one = read(&answer("PC-17."), OWN, LLMNR_PORT).unwrap();
        assert_eq!(read_one.name.as_str(), "pc-17");
        assert_eq!(read_one.protocol, AnnouncedBy::Llmnr);
        assert_eq!(read(&answer("pc-17.local."), OWN, LLMNR_PORT), None);
        let mut bytes = answer("PC-17.").to_vec().unwrap();
        let from = Endpoint {
            addr: OWN,
            port: LLMNR_PORT,
        };
        for flag in [0x04, 0x01] {
            bytes[2] |= flag;
            assert_eq!(announcement(&bytes, from), None, "{flag}");
            bytes[2] &= !flag;
        }
        assert!(announcement(&bytes, from).is_some());
    }

    #[test]
    fn the_cache_flush_bit_is_no_class() {
        let mut message = response(vec![address("desk.local.", OWN)])
            .to_vec()
            .unwrap();
        let class = message.len() - 4 - 2 - 4 - 2;
        assert_eq!(message[class..class + 2], [0, 1]);
        let from = Endpoint {
            addr: OWN,
            port: MDNS_PORT,
        };
        message[class] = 0x80;
        assert!(announcement(&message, from).is_some());
        message[class] = 0x40;
        assert_eq!(announcement(&message, from), None);
    }

    #[test]
    fn many_addresses_end_at_the_cap() {
        let mut records = vec![address("desk.local.", OWN)];
        records.extend((1..=60).map(|last| address("desk.local.", [10, 0, 1, last].into())));
        assert_eq!(by_mdns(records).unwrap().others.len(), MAX_OTHERS);
    }

    proptest! {
        #[test]
        fn changed_bytes_are_read_without_panic(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8), port in prop::sample::select(vec![MDNS_PORT, LLMNR_PORT])) {
            let mut bytes = response(device()).to_vec().unwrap();
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            for end in 0..=bytes.len() {
                if let Some(it) = announcement(&bytes[..end], Endpoint { addr: OWN, port }) {
                    prop_assert_eq!(it.address, OWN);
                    prop_assert!(it.others.len() <= MAX_OTHERS);
                }
            }
        }
    }
}
