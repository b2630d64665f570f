//! What sensors have seen before the laboratory began: who fetched, and for how long it was looked.

use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::site::{CLIENTS, GONE, Site};
use crate::support::{
    ClientHello, Dhcp4, Link, Pcap, Talk, TimedPacket, application_data, links::mac_of, merge,
    server_hello,
};

/// Hosts that once fetched, all in the hour in which the recording begins.
const USERS: [&str; 4] = ["mover", "veteran", "both", GONE.0];
/// How far back the recording begins: further than what is judged.
const BEGAN_BEFORE: Duration = Duration::from_secs(30 * 3_600);
/// Where the sensor that was away stopped to look.
const LOOKED_FOR: Duration = Duration::from_secs(4 * 3_600);

/// Nanoseconds between two words of somebody whom nothing concerns: there is always something on a network.
const SOMETHING_EVERY: usize = 600 * 1_000_000_000;

/// Two recordings.
pub(crate) struct SeenBefore {
    /// From then until now.
    pub(crate) whole: PathBuf,
    /// The beginning of it.
    pub(crate) early: PathBuf,
}

/// Writes what was seen until `now`.
pub(crate) fn write(site: &Site, now: SystemTime) -> SeenBefore {
    let end = nanos(now);
    let start = end - u64::try_from(BEGAN_BEFORE.as_nanos()).unwrap();
    let until = start + u64::try_from(LOOKED_FOR.as_nanos()).unwrap();
    let users = USERS.iter().zip(1..).flat_map(|(name, minute)| {
        let mut numbers = CLIENTS.iter().chain([&GONE]);
        let number = numbers.find(|(other, _)| other == name).unwrap().1;
        fetches(number, start + minute * 60_000_000_000)
    });
    let mut packets: Vec<TimedPacket> = users.collect();
    let now_and_then = (start..=end).step_by(SOMETHING_EVERY).chain([until, end]);
    packets.extend(now_and_then.flat_map(somebody_else));
    packets.sort_by_key(|packet| packet.time);
    let write = |name: &str, end: u64| {
        let path = site.file(name);
        let link = Link::ethernet();
        let until_then = packets.iter().filter(|packet| packet.time <= end);
        let pcap = Pcap::new(link.link_type()).nanos();
        pcap.write(&path, &link.frames(until_then)).unwrap();
        path
    };
    SeenBefore {
        early: write("early.pcap", until),
        whole: write("whole.pcap", end),
    }
}

fn nanos(time: SystemTime) -> u64 {
    u64::try_from(time.duration_since(UNIX_EPOCH).unwrap().as_nanos()).unwrap()
}

/// A client is leased its address and downloads.
fn fetches(number: u8, time: u64) -> Vec<TimedPacket> {
    let address = [10, 98, 0, number].into();
    let ack = Dhcp4::ack(mac_of([10, 98, 0, number].into()), address, 3_600);
    merge([
        Talk::udp("10.98.0.1:67", format!("{address}:68").as_str())
            .at(time)
            .client(&ack.bytes()),
        Talk::tcp(format!("{address}:50000").as_str(), "203.0.113.10:443")
            .at(time + 1_000_000_000)
            .open()
            .client(&ClientHello::to("s07.upd.kaspersky.com").stream())
            .server(&server_hello())
            .server(&application_data(50_000))
            .close(),
    ])
}

/// A word that concerns nobody.
fn somebody_else(time: u64) -> Vec<TimedPacket> {
    Talk::udp("10.98.0.99:50000", "203.0.113.99:9999")
        .at(time)
        .client(b"hello")
        .into_packets()
}
