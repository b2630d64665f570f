//! Messages of DHCPv4 (RFC 2131, section 2).

use std::net::{IpAddr, Ipv4Addr};

use super::name;
use super::options4::{
    CLIENT_FQDN, CLIENT_ID, HOST_NAME, LEASE_TIME, MESSAGE_TYPE, Options, REQUESTED_ADDRESS,
    RESOLVERS, ROUTERS, VENDOR_CLASS,
};
use crate::dissect::{Reader, Short, is_host};
use crate::model::{
    Claim, Client, ClientId, ClientMac, DomainName, IdentityFact, Intent, Lease, LeasedAddress,
    Mac, MacSource, WireText,
};

const REQUEST: u8 = 1;
const REPLY: u8 = 2;
/// What stands before the options (RFC 2131, section 3).
const MAGIC: [u8; 4] = [99, 130, 83, 99];
const ETHERNET: u8 = 1;
const CHADDR_LEN: usize = 16;
const SERVER_NAME_LEN: usize = 64;
const FILE_LEN: usize = 128;

/// Types of message (RFC 2132, section 9.6).
const DISCOVER: u8 = 1;
const REQUEST_ADDRESS: u8 = 3;
const DECLINE: u8 = 4;
const ACK: u8 = 5;
const RELEASE: u8 = 7;
const INFORM: u8 = 8;

/// The name in option 81 is written as labels, not as text (RFC 4702, section 2.1).
const FQDN_AS_LABELS: u8 = 0x04;

/// What a whole datagram to or from a DHCPv4 server says; `None` where it is no such message, is damaged, or says nothing
/// that lasts.
///
/// Whoever gives neither a hardware address of Ethernet nor an identifier says it of nobody.
pub fn v4(datagram: &[u8]) -> Option<IdentityFact> {
    let message = Message::read(datagram).ok()??;
    let options = &message.options;
    let client = message.client();
    if client.mac.is_none() && client.id.is_none() {
        return None;
    }
    let &[kind] = options.value(MESSAGE_TYPE)? else {
        return None;
    };
    let requested = options.address(REQUESTED_ADDRESS);
    let claim = |address: Option<Ipv4Addr>, intent| {
        let address = address.map(IpAddr::from).filter(|&it| is_host(it));
        IdentityFact::Claim(Claim {
            client: client.clone(),
            addresses: address.into_iter().collect(),
            intent,
        })
    };
    match (message.op, kind) {
        (REQUEST, DISCOVER | REQUEST_ADDRESS | INFORM) => {
            Some(claim(requested.or(Some(message.ciaddr)), Intent::Use))
        }
        (REQUEST, RELEASE) => Some(claim(Some(message.ciaddr), Intent::Release)),
        (REQUEST, DECLINE) => Some(claim(requested, Intent::Decline)),
        (REPLY, ACK) => Some(IdentityFact::Lease(message.lease(client))),
        _ => None,
    }
}

/// A message, its header apart from what has no meaning here.
struct Message<'a> {
    op: u8,
    mac: Option<Mac>,
    /// The address that the client says it has.
    ciaddr: Ipv4Addr,
    /// The address that the server gives.
    yiaddr: Ipv4Addr,
    options: Options<'a>,
}

impl<'a> Message<'a> {
    /// `Ok(None)`: certainly no DHCPv4.
    fn read(datagram: &'a [u8]) -> Result<Option<Self>, Short> {
        let mut reader = Reader::new(datagram);
        let [op, hardware, hardware_len, _hops] = reader.array()?;
        let _transaction_seconds_flags: [u8; 8] = reader.array()?;
        let (ciaddr, yiaddr): ([u8; 4], [u8; 4]) = (reader.array()?, reader.array()?);
        let _next_server_and_relay: [u8; 8] = reader.array()?;
        let chaddr = reader.take(CHADDR_LEN)?;
        let server_name = reader.take(SERVER_NAME_LEN)?;
        let file = reader.take(FILE_LEN)?;
        if reader.array()? != MAGIC {
            return Ok(None);
        }
        let mac = match (hardware, chaddr.get(..usize::from(hardware_len))) {
            (ETHERNET, Some(bytes)) => Mac::of_device(bytes),
            _ => None,
        };
        Ok(Some(Self {
            op,
            mac,
            ciaddr: ciaddr.into(),
            yiaddr: yiaddr.into(),
            options: Options::read(reader.rest(), file, server_name)?,
        }))
    }

    fn client(&self) -> Client {
        let options = &self.options;
        let id = options.value(CLIENT_ID).and_then(ClientId::new);
        Client {
            mac: self.mac.map(|mac| ClientMac {
                mac,
                source: MacSource::Header,
            }),
            duid: id.as_ref().and_then(ClientId::duid),
            id,
            host_name: options.value(HOST_NAME).and_then(name::text),
            fqdn: options.value(CLIENT_FQDN).and_then(fqdn),
            vendor_class: options.value(VENDOR_CLASS).and_then(WireText::new),
        }
    }

    /// What the server confirms. It answers an INFORM without an address of its own giving (RFC 2131, section 4.3.5).
    fn lease(&self, client: Client) -> Lease {
        let given = [self.yiaddr, self.ciaddr].map(IpAddr::from);
        let address = given.into_iter().find(|&address| is_host(address));
        let seconds: Option<[u8; 4]> = self
            .options
            .value(LEASE_TIME)
            .and_then(|it| it.try_into().ok());
        let all = |code| self.options.addresses(code).map(IpAddr::from).collect();
        Lease {
            client,
            addresses: address
                .map(|address| LeasedAddress {
                    address,
                    lifetime: seconds.map(u32::from_be_bytes),
                })
                .into_iter()
                .collect(),
            routers: all(ROUTERS),
            resolvers: all(RESOLVERS),
        }
    }
}

/// Option 81 (RFC 4702, section 2): flags, two obsolete bytes, the name.
fn fqdn(value: &[u8]) -> Option<DomainName> {
    match value {
        [flags, _, _, labels @ ..] if flags & FQDN_AS_LABELS != 0 => name::labels(labels),
        [_, _, _, text @ ..] => name::text(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use dhcproto::v4::{DhcpOption, Message as Theirs, MessageType, Opcode};
    use dhcproto::{Decodable, Encodable};
    use proptest::prelude::*;

    use super::*;

    const MAC: [u8; 6] = [0x02, 0x04, 10, 0, 0, 7];

    fn message(op: Opcode, kind: MessageType, options: Vec<DhcpOption>) -> Theirs {
        let [none, own, given] = [[0; 4], [10, 0, 0, 7], [10, 0, 0, 8]].map(Ipv4Addr::from);
        let (ciaddr, yiaddr) = match kind {
            MessageType::Ack => (none, given),
            MessageType::Discover | MessageType::Decline => (none, none),
            _ => (own, none),
        };
        let mut message = Theirs::new_with_id(7, ciaddr, yiaddr, none, none, &MAC);
        message.set_opcode(op);
        message.opts_mut().insert(DhcpOption::MessageType(kind));
        for option in options {
            message.opts_mut().insert(option);
        }
        message
    }

    fn bytes(op: Opcode, kind: MessageType, options: Vec<DhcpOption>) -> Vec<u8> {
        message(op, kind, options).to_vec().unwrap()
    }

    fn ack() -> Vec<u8> {
        let options = vec![
            DhcpOption::AddressLeaseTime(3600),
            DhcpOption::Router(vec![[10, 0, 0, 1].into()]),
            DhcpOption::DomainNameServer(vec![[10, 0, 0, 53].into(), [10, 0, 0, 54].into()]),
            DhcpOption::Hostname("PC-17".to_owned()),
            DhcpOption::ClientIdentifier([&[1][..], &MAC].concat()),
        ];
        bytes(Opcode::BootReply, MessageType::Ack, options)
    }

    fn mac() -> Option<ClientMac> {
        Some(ClientMac {
            mac: Mac::new(MAC),
            source: MacSource::Header,
        })
    }

    #[test]
    fn an_ack_is_a_lease() {
        let Some(IdentityFact::Lease(lease)) = v4(&ack()) else {
            panic!("no lease")
        };
        assert_eq!(lease.client.mac, mac());
        assert_eq!(lease.client.host_name, DomainName::parse("pc-17").ok());
        assert_eq!(lease.client.id.unwrap().to_string(), "0102040a000007");
        let leased = LeasedAddress {
            address: [10, 0, 0, 8].into(),
            lifetime: Some(3600),
        };
        assert_eq!(lease.addresses, [leased]);
        assert_eq!(lease.routers, [IpAddr::from([10, 0, 0, 1])]);
        assert_eq!(lease.resolvers.len(), 2);
    }

    #[test]
    fn an_ack_without_a_lease_tells_of_the_network() {
        let options = vec![DhcpOption::DomainNameServer(vec![[10, 0, 0, 53].into()])];
        let mut theirs = message(Opcode::BootReply, MessageType::Ack, options);
        theirs.set_yiaddr([0, 0, 0, 0]).set_ciaddr([10, 0, 0, 7]);
        let Some(IdentityFact::Lease(lease)) = v4(&theirs.to_vec().unwrap()) else {
            panic!("no lease")
        };
        let leased = LeasedAddress {
            address: [10, 0, 0, 7].into(),
            lifetime: None,
        };
        assert_eq!(lease.addresses, [leased]);
    }

    #[test]
    fn a_client_speaks_of_itself() {
        let requested = || DhcpOption::RequestedIpAddress([10, 0, 0, 9].into());
        for (kind, address, intent) in [
            (MessageType::Discover, Some(9), Intent::Use),
            (MessageType::Request, Some(9), Intent::Use),
            (MessageType::Inform, Some(9), Intent::Use),
            (MessageType::Release, Some(7), Intent::Release),
            (MessageType::Decline, Some(9), Intent::Decline),
        ] {
            let class = DhcpOption::ClassIdentifier(b"MSFT 5.0".to_vec());
            let options = vec![requested(), class];
            let Some(IdentityFact::Claim(claim)) = v4(&bytes(Opcode::BootRequest, kind, options))
            else {
                panic!("no claim in {kind:?}")
            };
            let address = address.map(|last| IpAddr::from([10, 0, 0, last]));
            assert_eq!(claim.addresses, Vec::from_iter(address), "{kind:?}");
            assert_eq!((claim.intent, claim.client.mac), (intent, mac()));
            assert_eq!(claim.client.vendor_class.unwrap().as_str(), "MSFT 5.0");
        }
        let Some(IdentityFact::Claim(claim)) =
            v4(&bytes(Opcode::BootRequest, MessageType::Request, vec![]))
        else {
            panic!("no claim")
        };
        assert_eq!(claim.addresses, [IpAddr::from([10, 0, 0, 7])], "it renews");
    }

    #[test]
    fn other_messages_say_nothing() {
        for (op, kind) in [
            (Opcode::BootReply, MessageType::Offer),
            (Opcode::BootReply, MessageType::Nak),
            (Opcode::BootReply, MessageType::Request),
            (Opcode::BootRequest, MessageType::Ack),
        ] {
            assert_eq!(v4(&bytes(op, kind, vec![])), None, "{op:?} {kind:?}");
        }
        let mut wrong_magic = ack();
        wrong_magic[236] = 0;
        assert_eq!(v4(&wrong_magic), None);
    }

    #[test]
    fn a_hardware_address_is_one_of_ethernet() {
        for (hardware, len) in [(1, 0), (1, 7), (1, 16), (1, 17), (1, 255), (32, 6)] {
            let mut bytes = ack();
            (bytes[1], bytes[2]) = (hardware, len);
            let Some(IdentityFact::Lease(lease)) = v4(&bytes) else {
                panic!("no lease")
            };
            assert_eq!(lease.client.mac, None, "{hardware}, {len}");
        }
    }

    #[test]
    fn names_with_a_domain() {
        for (value, name) in [
            (&b"\x04\0\0\x02PC\x04corp\0"[..], Some("pc.corp")),
            (b"\x01\xff\xffPC.corp", Some("pc.corp")),
            (b"\x05\0\0", None),
            (b"\x01\0", None),
        ] {
            let name = name.and_then(|name| DomainName::parse(name).ok());
            assert_eq!(fqdn(value), name);
        }
    }

    fn read_every_prefix(bytes: &[u8]) {
        for end in 0..=bytes.len() {
            if let Some(IdentityFact::Lease(lease)) = v4(&bytes[..end]) {
                assert!(
                    lease.addresses.len() <= 1
                        && lease.resolvers.len() <= super::super::MAX_SERVERS
                );
            }
        }
    }

    #[test]
    fn every_prefix_is_read() {
        read_every_prefix(&ack());
        assert_eq!(v4(&ack()[..245]), None, "cut within an option");
    }

    proptest! {
        /// `dhcproto` as oracle: what it writes we read alike.
        #[test]
        fn agrees_with_the_oracle(
            name in "[a-z][a-z0-9-]{0,40}",
            class in prop::collection::vec(b' '..=b'[', 1..255),
            routers in prop::collection::vec(any::<[u8; 4]>(), 1..20),
            seconds in any::<u32>(),
            given in any::<[u8; 4]>(),
        ) {
            let options = vec![
                DhcpOption::Hostname(name.clone()),
                DhcpOption::ClassIdentifier(class.clone()),
                DhcpOption::Router(routers.iter().map(|&it| it.into()).collect()),
                DhcpOption::AddressLeaseTime(seconds),
            ];
            let mut theirs = message(Opcode::BootReply, MessageType::Ack, options);
            theirs.set_yiaddr(given);
            let bytes = theirs.to_vec().unwrap();
            prop_assert_eq!(&Theirs::from_bytes(&bytes).unwrap(), &theirs);
            let Some(IdentityFact::Lease(lease)) = v4(&bytes) else { panic!("no lease") };
            prop_assert_eq!(lease.client.host_name.unwrap().to_string(), name);
            prop_assert_eq!(lease.client.vendor_class, WireText::new(&class));
            let hosts = |list: &[[u8; 4]]| -> Vec<IpAddr> {
                list.iter().map(|&it| it.into()).filter(|&it| is_host(it)).collect()
            };
            let mut expected = hosts(&routers);
            expected.truncate(super::super::MAX_SERVERS);
            prop_assert_eq!(lease.routers, expected);
            let addresses: Vec<IpAddr> = lease.addresses.iter().map(|it| it.address).collect();
            prop_assert_eq!(addresses, hosts(&[given]));
            prop_assert!(lease.addresses.iter().all(|it| it.lifetime == Some(seconds)));
        }

        #[test]
        fn any_options_are_read_without_panic(options in prop::collection::vec(prop_oneof![any::<u8>(), 0..13u8, 50..82u8], 0..300)) {
            let start = bytes(Opcode::BootReply, MessageType::Ack, vec![]);
            read_every_prefix(&[&start[..240], &options].concat());
        }

        #[test]
        fn changed_bytes_are_read_without_panic(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
            let mut bytes = ack();
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            read_every_prefix(&bytes);
        }
    }
}
