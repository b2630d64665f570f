//! What tells who a device is: DHCP, and what it says on its link.

use crate::checks::identity;
use crate::support::dhcp::{duid_of, relay_forward, relay_reply};
use crate::support::dns_messages::{A, Message, TXT};
use crate::support::links::{ethernet, mac_of};
use crate::support::packets::Transport;
use crate::support::{Dhcp4, Dhcp6, Discovery};

/// Of both families, from clients, servers and relays.
pub(super) fn dhcp_messages() -> Vec<(String, Vec<u8>)> {
    let (own, mac) = (identity::SENDER, mac_of(identity::SENDER.into()));
    let duid = duid_of(mac);
    let leased = [0xfd00, 7, 0, 0, 0, 0, 0, 8].into();
    let resolver = [0xfd00, 7, 0, 0, 0, 0, 0, 0x53].into();
    let discover = Dhcp4::discover(mac).host_name("PC-17");
    let request = Dhcp4::request(mac, own)
        .host_name("PC-17")
        .fqdn("pc-17.corp.example")
        .vendor_class("MSFT 5.0")
        .duid(&duid);
    let ack = Dhcp4::ack(mac, own, 3600)
        .routers(&[[10, 0, 0, 1].into()])
        .resolvers(&[[10, 0, 0, 53].into(), [10, 0, 0, 54].into()]);
    let in_pieces = discover
        .clone()
        .option(60, b"android-")
        .option(60, b"dhcp-14");
    let asks = Dhcp6::request(&duid)
        .address(leased, 0)
        .fqdn("pc-17.corp.example")
        .vendor_class("MSFT 5.0");
    let reply = Dhcp6::reply(&duid)
        .address(leased, 3600)
        .resolvers(&[resolver]);
    let seeds = [
        ("v4 discover", discover.bytes()),
        ("v4 request", request.bytes()),
        ("v4 request overloaded", request.overloaded_bytes()),
        ("v4 in pieces", in_pieces.bytes()),
        ("v4 ack", ack.bytes()),
        ("v4 release", Dhcp4::release(mac, own).bytes()),
        ("v4 decline", Dhcp4::decline(mac, own).bytes()),
        ("v6 solicit", Dhcp6::solicit(&duid).bytes()),
        ("v6 request", asks.bytes()),
        ("v6 relayed", relay_forward(mac, &asks.bytes())),
        ("v6 reply", reply.bytes()),
        (
            "v6 reply relayed",
            relay_reply(&relay_reply(&reply.bytes())),
        ),
        (
            "v6 release",
            Dhcp6::release(&duid).address(leased, 0).bytes(),
        ),
    ];
    seeds.map(|(name, bytes)| (name.to_owned(), bytes)).into()
}

/// Messages of neighbour discovery, one of each kind.
pub(super) fn discovery_messages() -> [(&'static str, Discovery); 4] {
    let (own, mac) = (identity::SENDER_V6, mac_of(identity::SENDER_V6.into()));
    let network = [0xfd00, 7, 0, 0, 0, 0, 0, 0].into();
    let solicits = Discovery::router_solicitation().source_mac(mac);
    let router = Discovery::router_advertisement(1800)
        .source_mac(mac)
        .prefix(network, 64)
        .resolvers(&[[0xfd00, 7, 0, 0, 0, 0, 0, 0x53].into()]);
    [
        ("router solicitation", solicits),
        ("router advertisement", router),
        ("solicitation", Discovery::solicitation(own).source_mac(mac)),
        (
            "advertisement",
            Discovery::advertisement(own, 0x20).target_mac(mac),
        ),
    ]
}

/// What a device says on its link.
pub(super) fn link_messages() -> Vec<(String, Vec<u8>)> {
    let own = identity::SENDER;
    let behind_link = |frame: Vec<u8>| frame[14..].to_vec();
    let model = b"\x0dmodel=Mac14,2";
    let described = Message::announcement()
        .address("desk-7.local", own.into())
        .address("desk-7.local", identity::SENDER_V6.into())
        .record("desk._device-info._tcp.local", TXT, model);
    let asked = Message::query(7, "pc-17", A).response();
    let llmnr = asked.without_recursion().address("pc-17", own.into());
    let mut seeds = vec![
        (
            "arp request",
            identity::ARP,
            behind_link(ethernet::arp_request(own, [10, 0, 0, 1].into())),
        ),
        (
            "arp reply",
            identity::ARP,
            behind_link(ethernet::arp_reply(own, [10, 0, 0, 1].into())),
        ),
        (
            "arp announcement",
            identity::ARP,
            behind_link(ethernet::arp_announcement(own)),
        ),
        ("mdns", identity::MDNS, described.bytes()),
        ("llmnr", identity::LLMNR, llmnr.bytes()),
    ];
    let (src, dst) = (identity::SENDER_V6.into(), identity::ALL.into());
    for (name, message) in discovery_messages() {
        seeds.push((name, identity::DISCOVERY, message.bytes(src, dst)));
    }
    seeds
        .into_iter()
        .map(|(name, how, bytes)| (name.to_owned(), [&[how], &bytes[..]].concat()))
        .collect()
}
