//! Who a device is, by what it and the network's servers say: packets in, findings out.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says what it expects; the panic is its report"
)]

mod findings;
mod support;

use findings::finding;
use serde_json::Value;
use support::dhcp::{Dhcp4, Dhcp6, duid_of};
use support::dns_messages::{A, Message};
use support::{ClientHello, Talk, TimedPacket, merge, server_hello};

/// An hour after the cutoff of the built-in pack.
const AFTER: u64 = (1_727_582_400 + 3_600) * SECOND;
const SECOND: u64 = 1_000_000_000;
const NAME: &str = "s07.upd.kaspersky.com";
const MAC: [u8; 6] = [0, 0x11, 0x22, 0x33, 0x44, 0x55];

fn contact(host: &str) -> Talk {
    let server = if host.contains('[') {
        "[2001:db8::7]:443"
    } else {
        "198.51.100.7:443"
    };
    Talk::tcp(format!("{host}:50000").as_str(), server)
        .at(AFTER + SECOND)
        .open()
        .client(&ClientHello::to(NAME).stream())
        .server(&server_hello())
}

fn datagram(from: &str, to: &str, time: u64, bytes: &[u8]) -> Talk {
    Talk::udp(from, to).at(time).client(bytes)
}

/// Name, device and hardware addresses of the one finding's host.
fn host(packets: &[TimedPacket]) -> (Value, Value, Value) {
    let mut found = finding(packets);
    let mut take = |key: &str| found[key].take();
    (take("host_name"), take("host_device"), take("host_macs"))
}

#[test]
fn a_lease_tells_name_kind_and_hardware_address() {
    let address = "10.0.0.17".parse().unwrap();
    let request = Dhcp4::request(MAC, address)
        .host_name("PC-17")
        .vendor_class("MSFT 5.0");
    let ack = Dhcp4::ack(MAC, address, 3_600);
    let packets = merge([
        datagram("0.0.0.0:68", "255.255.255.255:67", AFTER, &request.bytes()),
        datagram("10.0.0.1:67", "10.0.0.17:68", AFTER + 1, &ack.bytes()),
        contact("10.0.0.17"),
    ]);
    let expected = (
        "pc-17".into(),
        "MSFT 5.0".into(),
        vec!["00:11:22:33:44:55"].into(),
    );
    assert_eq!(host(&packets), expected);
    // What a client asks for is not what it has.
    let packets = merge([
        datagram("0.0.0.0:68", "255.255.255.255:67", AFTER, &request.bytes()),
        contact("10.0.0.17"),
    ]);
    assert_eq!(
        host(&packets),
        (Value::Null, Value::Null, Value::Array(vec![]))
    );
}

#[test]
fn a_lease_of_the_other_family_tells_the_same() {
    let address = "fd00::17".parse().unwrap();
    let reply = Dhcp6::reply(&duid_of(MAC))
        .address(address, 3_600)
        .fqdn("pc-17.office.example");
    let packets = merge([
        datagram("[fe80::1]:547", "[fe80::17]:546", AFTER, &reply.bytes()),
        contact("[fd00::17]"),
    ]);
    assert_eq!(host(&packets).0, Value::from("pc-17.office.example"));
}

#[test]
fn a_device_that_announces_itself_has_a_name() {
    let query = Message::query(0, "printer.local", A);
    let said = query
        .response()
        .address("printer.local", "10.0.0.17".parse().unwrap());
    let announce = |from: &str| {
        datagram(
            &format!("{from}:5353"),
            "224.0.0.251:5353",
            AFTER,
            &said.bytes(),
        )
    };
    let packets = merge([announce("10.0.0.17"), contact("10.0.0.17")]);
    assert_eq!(host(&packets).0, Value::from("printer.local"));
    // Nobody names others.
    let packets = merge([announce("10.0.0.66"), contact("10.0.0.17")]);
    assert_eq!(host(&packets).0, Value::Null);
}

/// Resolvers that the network hands out are no foreign ones.
#[test]
fn who_asks_what_it_was_told_to_ask_goes_past_nobody() {
    let query = Message::query(1, NAME, A);
    let ask = || {
        Talk::udp("10.0.0.17:40000", "198.51.100.53:53")
            .at(AFTER + SECOND)
            .asks(&query)
            .answers(&query.response())
    };
    let ack = Dhcp4::ack(MAC, "10.0.0.17".parse().unwrap(), 3_600)
        .resolvers(&["198.51.100.53".parse().unwrap()]);
    let lease = datagram("10.0.0.1:67", "10.0.0.17:68", AFTER, &ack.bytes());
    let past = |packets: &[TimedPacket]| {
        finding(packets)["resolver_bypass"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!(past(ask().packets()), 1);
    assert_eq!(past(&merge([lease, ask()])), 0);
}
