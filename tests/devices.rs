//! Who a device is, by what it and the network's servers say: packets in, findings out.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says what it expects; the panic is its report"
)]

mod findings;
mod support;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use findings::{finding, findings, of_frames};
use serde_json::Value;
use support::dhcp::{Dhcp4, Dhcp6, duid_of};
use support::dns_messages::{A, Message};
use support::links::ethernet::{self, Ethernet};
use support::links::mac_of;
use support::{
    ClientHello, Discovery, Frame, Ip, Link, Talk, TimedPacket, application_data, merge,
    server_hello,
};

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

const V4: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 17);

/// A neighbour solicitation of the device that has [`V4`], from another address of its own.
fn solicitation(from: Ipv6Addr, time: u64) -> Frame {
    let mac = mac_of(V4.into());
    let target: Ipv6Addr = "fd00::1".parse().unwrap();
    let packet = Ip::between(from.into(), target.into())
        .hop_limit(255)
        .packet(&Discovery::solicitation(target).source_mac(mac));
    Frame::whole(time, Ethernet::default().source(mac).packet(&packet))
}

/// A transfer by an address of the device that has [`V4`], in frames of its own.
fn transfer(address: IpAddr, time: u64) -> Vec<Frame> {
    let (client, server) = match address {
        IpAddr::V4(_) => (format!("{address}:50000"), "198.51.100.7:443"),
        IpAddr::V6(_) => (format!("[{address}]:50000"), "[2001:db8::7]:443"),
    };
    let talk = Talk::tcp(client.as_str(), server)
        .at(time)
        .open()
        .client(&ClientHello::to(NAME).stream())
        .server(&server_hello())
        .server(&application_data(40_000));
    let own = Ethernet::default().source(mac_of(V4.into()));
    let is_own = |packet: &TimedPacket| {
        let from = |at: usize, octets: &[u8]| packet.bytes[at..].starts_with(octets);
        match address {
            IpAddr::V4(address) => from(12, &address.octets()),
            IpAddr::V6(address) => from(8, &address.octets()),
        }
    };
    let frame = |packet: &TimedPacket| {
        let bytes = if is_own(packet) {
            own.packet(&packet.bytes)
        } else {
            Link::ethernet().wrap(&packet.bytes)
        };
        Frame::whole(packet.time, bytes)
    };
    talk.packets().iter().map(frame).collect()
}

/// Whether its hardware address is known before or after, a device with addresses of both families, one of them new, is one
/// host with one sum; only the key is another.
#[test]
fn all_addresses_of_a_device_are_one_host() {
    let addresses: [IpAddr; 3] =
        ["10.0.0.17", "fd00::17", "fd00::8d1:22:af3:9"].map(|address| address.parse().unwrap());
    let [_, IpAddr::V6(stable), IpAddr::V6(private)] = addresses else {
        unreachable!()
    };
    let proof = |time: u64| {
        let arp = ethernet::arp_request(V4, Ipv4Addr::new(10, 0, 0, 1));
        let arp = Frame::whole(time, arp);
        vec![
            arp,
            solicitation(stable, time + 1),
            solicitation(private, time + 2),
        ]
    };
    let traffic = |time: u64| {
        (0..)
            .zip(addresses)
            .flat_map(move |(n, address)| transfer(address, time + n * SECOND))
    };
    for (proof_at, key) in [(0, "mac-02:04:0a:00:00:11"), (60, "ip-10.0.0.17")] {
        let mut frames: Vec<Frame> = proof(AFTER + proof_at * SECOND);
        frames.extend(traffic(AFTER + 10 * SECOND));
        // What comes later is the same host's.
        frames.extend(
            transfer(addresses[2], AFTER + 90 * SECOND)
                .into_iter()
                .take(3),
        );
        frames.sort_by_key(|frame| frame.time);
        let found = of_frames(&frames, &[]);
        assert_eq!(found.len(), 1, "{found:#?}");
        let found = &found[0];
        assert_eq!(found["host"], key);
        assert_eq!(found["addresses"].as_array().unwrap().len(), 3);
        assert_eq!(found["host_macs"], Value::from(vec!["02:04:0a:00:00:11"]));
        assert_eq!(found["host_confidence"], "hardware");
        let one = of_frames(&transfer(addresses[0], AFTER), &[]);
        let sum = 3 * one[0]["bytes_received"].as_u64().unwrap();
        assert_eq!(found["bytes_received"], sum);
        assert_eq!(found["after_cutoff"]["bytes_received"], sum);
        let sightings = one[0]["after_cutoff"]["sightings"].as_u64().unwrap();
        assert_eq!(found["after_cutoff"]["sightings"], 3 * sightings);
    }
}

/// Without a word on the link nobody is joined, whatever frames carry.
#[test]
fn frames_alone_prove_nothing() {
    let frames = [V4, Ipv4Addr::new(10, 0, 0, 18)].map(|address| transfer(address.into(), AFTER));
    let mut frames = frames.concat();
    frames.sort_by_key(|frame| frame.time);
    assert_eq!(of_frames(&frames, &[]).len(), 2);
}

#[test]
fn an_address_that_a_server_gives_to_another_device_is_another_host() {
    let address = "10.0.0.17".parse().unwrap();
    let lease = |mac, time| {
        let ack = Dhcp4::ack(mac, address, 3_600).host_name(&format!("pc-{}", mac[5]));
        datagram("10.0.0.1:67", "10.0.0.17:68", time, &ack.bytes())
    };
    let fetch_at = |port: u16, time, bytes| {
        Talk::tcp(format!("10.0.0.17:{port}").as_str(), "198.51.100.7:443")
            .at(time)
            .open()
            .client(&ClientHello::to(NAME).stream())
            .server(&server_hello())
            .server(&application_data(bytes))
            .close()
    };
    let other = [0, 0x11, 0x22, 0x33, 0x44, 0x66];
    // Whether both use it within one second, one hour, or on two days: nothing of one is the other's.
    for gap in [
        SECOND,
        20 * 60 * SECOND,
        7_200 * SECOND,
        30 * 3_600 * SECOND,
    ] {
        let packets = merge([
            lease(MAC, AFTER),
            fetch_at(50_001, AFTER + SECOND, 50_000),
            lease(other, AFTER + 2 * SECOND + gap),
            fetch_at(50_002, AFTER + 3 * SECOND + gap, 1_000),
        ]);
        let mut hosts: Vec<_> = findings(&packets, &[])
            .iter()
            .map(|found| {
                let received = found["bytes_received"].as_u64().unwrap();
                let name = found["host_name"].to_string();
                (found["host"].to_string(), name, received > 40_000)
            })
            .collect();
        hosts.sort();
        let expected = [
            (
                "\"mac-00:11:22:33:44:55\"".to_owned(),
                "\"pc-85\"".to_owned(),
                true,
            ),
            (
                "\"mac-00:11:22:33:44:66\"".to_owned(),
                "\"pc-102\"".to_owned(),
                false,
            ),
        ];
        assert_eq!(hosts, expected, "{gap}");
    }
}

/// The same address in two VLANs: one device fetches, the other one is quiet. Whoever speaks first, and whether the other one
/// speaks of itself at all.
#[test]
fn the_same_address_in_two_vlans_is_two_devices() {
    let quiet = [2, 0, 0, 0, 0, 1];
    let fetching = [2, 0, 0, 0, 0, 2];
    let tagged = || Ethernet::default().source(fetching).tags(&[0x8100]);
    let says = |mac: [u8; 6], time| {
        // An ARP request for 10.0.0.1 (RFC 826).
        let message = [
            &[0, 1, 8, 0, 6, 4, 0, 1],
            &mac[..],
            &V4.octets(),
            &[0; 6],
            &[10, 0, 0, 1],
        ]
        .concat();
        let link = if mac == fetching {
            tagged()
        } else {
            Ethernet::default().source(mac)
        };
        Frame::whole(time, link.other(0x0806, &message))
    };
    let is_own = |packet: &TimedPacket| packet.bytes[12..].starts_with(&V4.octets());
    let talk = || {
        let talk = Talk::tcp("10.0.0.17:50000", "198.51.100.7:443")
            .at(AFTER + 10 * SECOND)
            .open()
            .client(&ClientHello::to(NAME).stream())
            .server(&server_hello())
            .server(&application_data(40_000));
        let frame = |packet: &TimedPacket| {
            let link = if is_own(packet) {
                tagged()
            } else {
                Ethernet::default().target(fetching)
            };
            Frame::whole(packet.time, link.packet(&packet.bytes))
        };
        talk.packets().iter().map(frame).collect::<Vec<_>>()
    };
    let query = Message::query(7, NAME, A);
    let look_up = || {
        let asks = Talk::udp("10.0.0.17:40000", "10.0.0.53:53")
            .at(AFTER + 20 * SECOND)
            .asks(&query)
            .answers(&query.response());
        let frame = |packet: &TimedPacket| {
            let link = if is_own(packet) {
                tagged()
            } else {
                Ethernet::default()
            };
            Frame::whole(packet.time, link.packet(&packet.bytes))
        };
        asks.packets().iter().map(frame).collect::<Vec<_>>()
    };
    for (what, spoken, key, confidence) in [
        (
            "the quiet one first",
            vec![quiet, fetching],
            "mac-02:00:00:00:00:02",
            "hardware",
        ),
        (
            "the other one first",
            vec![fetching, quiet],
            "mac-02:00:00:00:00:02",
            "hardware",
        ),
        ("the quiet one only", vec![quiet], "ip-10.0.0.17", "address"),
    ] {
        for traffic in [talk(), look_up()] {
            let mut frames: Vec<Frame> = (0..)
                .zip(&spoken)
                .map(|(n, &mac)| says(mac, AFTER + n * SECOND))
                .collect();
            frames.extend(traffic);
            let found = of_frames(&frames, &[]);
            assert_eq!(found.len(), 1, "{what}: {found:#?}");
            assert_eq!(found[0]["host"], key, "{what}");
            assert_eq!(found[0]["host_confidence"], confidence, "{what}");
        }
    }
}

/// What was known of a host when it was found stays with it, and what its address says later is another one's: a lease moves
/// the address, with and without events, which make batches smaller.
#[test]
fn who_gave_its_address_up_keeps_its_name_and_excuses_nobody() {
    let address = "10.0.0.17".parse().unwrap();
    let other = [0, 0x11, 0x22, 0x33, 0x44, 0x66];
    let lease = |mac, name: &str, time| {
        let request = Dhcp4::request(mac, address).host_name(name);
        let ack = Dhcp4::ack(mac, address, 600);
        merge([
            datagram("0.0.0.0:68", "255.255.255.255:67", time, &request.bytes()),
            datagram("10.0.0.1:67", "10.0.0.17:68", time + 1, &ack.bytes()),
        ])
    };
    let packets = |announced: bool| {
        let query = Message::query(0, "alice.local", A);
        let said = query.response().address("alice.local", address.into());
        let mut packets = lease(MAC, if announced { "" } else { "alice-pc" }, AFTER);
        if announced {
            let said = datagram(
                "10.0.0.17:5353",
                "224.0.0.251:5353",
                AFTER + 2,
                &said.bytes(),
            );
            packets.extend(merge([said]));
        }
        packets.extend(merge([contact("10.0.0.17")]));
        packets.extend(lease(other, "", AFTER + 7_200 * SECOND));
        packets
    };
    let folder = tempfile::tempdir().unwrap();
    let config = |text: &str| {
        let path = folder.path().join("c.toml");
        std::fs::write(&path, text).unwrap();
        path
    };
    let excepted = "[[exception]]\nhosts = [\"10.0.0.17\"]\nuntil = 2030-01-01T00:00:00Z\nreason = \"a\"\nby = \"b\"\n";
    let events = format!(
        "[[events.file]]\npath = {:?}\n",
        folder.path().join("events")
    );
    for text in ["", excepted, &events] {
        for (announced, name) in [(false, "alice-pc"), (true, "alice.local")] {
            let config = config(text);
            let more = ["--config", config.to_str().unwrap(), "--host", name];
            let found = findings(&packets(announced), &more);
            assert_eq!(found.len(), 1, "{text} {name}: {found:#?}");
            assert_eq!(found[0]["host_name"], name);
            assert_eq!(
                found[0]["host_macs"],
                Value::from(vec!["00:11:22:33:44:55"])
            );
            assert_eq!(found[0]["host_confidence"], "hardware");
            assert_eq!(found[0]["status"], "contacting", "{text}");
        }
    }
}

/// A device tries new addresses out before it uses them; where another one objects, also a second time within the minute, it
/// does not get them.
#[test]
fn addresses_that_a_device_tried_out_are_its_own() {
    let mac = mac_of(V4.into());
    let private: [Ipv6Addr; 3] =
        ["fd00::a1", "fd00::a2", "fd00::a3"].map(|text| text.parse().unwrap());
    let tries = |target: Ipv6Addr, time| {
        let [.., a, b, c] = target.octets();
        let group: Ipv6Addr = format!("ff02::1:ff{a:02x}:{b:02x}{c:02x}").parse().unwrap();
        let packet = Ip::between(Ipv6Addr::UNSPECIFIED.into(), group.into())
            .hop_limit(255)
            .packet(&Discovery::solicitation(target));
        Frame::whole(time, Ethernet::default().source(mac).packet(&packet))
    };
    let objects = |target: Ipv6Addr, time| {
        let all: Ipv6Addr = "ff02::1".parse().unwrap();
        let other = [2, 0, 0, 0, 0, 9];
        let packet = Ip::between(target.into(), all.into())
            .hop_limit(255)
            .packet(&Discovery::advertisement(target, 0x20).target_mac(other));
        Frame::whole(time, Ethernet::default().source(other).packet(&packet))
    };
    for (objected, hosts) in [(false, 1), (true, 2)] {
        let mut frames = Vec::new();
        for (n, &target) in (0..).zip(&private) {
            let time = AFTER + n * 120 * SECOND;
            if objected && n == 2 {
                frames.push(objects(target, time - 5 * SECOND));
            }
            frames.push(tries(target, time));
            if objected && n == 2 {
                frames.push(objects(target, time + SECOND / 10));
            }
            // Who objected sends; frames of its own would prove the device's address whatever was said.
            let talk = transfer(target.into(), time + 5 * SECOND);
            let strip = |frame: Frame| match objected && n == 2 {
                true => Frame {
                    bytes: [
                        &frame.bytes[..6],
                        &[2, 0, 0, 0, 0, 7][..],
                        &frame.bytes[12..],
                    ]
                    .concat(),
                    ..frame
                },
                false => frame,
            };
            frames.extend(talk.into_iter().map(strip));
        }
        frames.sort_by_key(|frame| frame.time);
        let found = of_frames(&frames, &[]);
        assert_eq!(found.len(), hosts, "{objected}: {found:#?}");
    }
}
