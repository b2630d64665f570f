//! A day of a site, as a ring of recordings.
//!
//! What is assumed of a host: once an hour it looks its vendor's name up and asks the server whether there is anything new,
//! which is a short answer; twice a day there is, 40,000 bytes. 85 % of the hosts have one such product, 10 % two and 5 %
//! three, so 1.2 on average. The stragglers have the restricted vendor's, all others and all further ones those of
//! replacements. Nothing else is in it: what hosts do besides costs packets, which the benches `replay` and `live` measure,
//! and leaves nothing in the store.

use std::fs;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use super::support::dns_messages::A;
use super::support::{
    ClientHello, Frame, Link, Message, Noise, Pcap, Talk, application_data, seconds, server_hello,
};

/// Monday, 30 September 2024, 00:00 UTC: the day after the cutoff of the built-in pack.
const MIDNIGHT: u64 = 1_727_654_400;
const HOURS: u32 = 24;
const NANOS_OF_HOUR: u64 = 3_600 * 1_000_000_000;
/// A name of the restricted vendor, then of replacements, with the address that it has.
const PRODUCTS: [(&str, [u8; 4]); 4] = [
    ("s07.upd.kaspersky.com", [203, 0, 113, 7]),
    ("update.eset.com", [203, 0, 113, 21]),
    ("x.wdcp.microsoft.com", [203, 0, 113, 35]),
    ("engine.2d585.cdn.bitdefender.net", [203, 0, 113, 49]),
];
const RESOLVER: [u8; 4] = [10, 64, 0, 1];
/// In the hours in which something is new.
const DOWNLOAD: usize = 40_000;
const SHORT_ANSWER: usize = 400;
/// Exchanges in one recording, so that its rows find place in one batch of the store.
const EXCHANGES_OF_FILE: u32 = 4_000;

/// Who is there.
#[derive(Clone, Copy, Debug)]
pub struct Day {
    pub hosts: u32,
    /// The first of the hosts.
    pub stragglers: u32,
}

/// What was written.
pub struct Written {
    pub frames: u64,
    pub bytes: u64,
    pub exchanges: u64,
}

/// An exchange of a host with a vendor, and how many came before it in the hour.
struct Turn {
    host: u32,
    product: usize,
    place: u64,
}

impl Day {
    /// Writes the recordings into a new folder; their names are in the order of time.
    pub fn write(&self, ring: &Path) -> io::Result<Written> {
        fs::create_dir_all(ring)?;
        let turns = self.turns();
        let pcap = Pcap::new(Link::ethernet().link_type());
        let mut noise = Noise::new(1);
        let mut written = Written {
            frames: 0,
            bytes: 0,
            exchanges: 0,
        };
        for hour in 0..HOURS {
            for (part, some) in turns.chunks(EXCHANGES_OF_FILE as usize).enumerate() {
                let path = ring.join(format!("{hour:02}-{part:03}.pcap"));
                let mut file = pcap.create(&path)?;
                for turn in some {
                    // Whole ones one behind the other, so that frames are in the order of time.
                    let step = NANOS_OF_HOUR / turns.len() as u64;
                    let start =
                        seconds(MIDNIGHT) + u64::from(hour) * NANOS_OF_HOUR + turn.place * step;
                    for frame in exchange(turn, hour, start, &mut noise) {
                        file.frame(&frame)?;
                        written.frames += 1;
                    }
                    written.exchanges += 1;
                }
                file.finish()?;
                written.bytes += fs::metadata(&path)?.len();
            }
        }
        Ok(written)
    }

    /// Another recording: what one straggler does some days later.
    pub fn write_later(&self, path: &Path, days: u64) -> io::Result<()> {
        let turn = Turn {
            host: 0,
            product: 0,
            place: 0,
        };
        let start = seconds(MIDNIGHT + days * 86_400);
        let frames: Vec<Frame> = exchange(&turn, 1, start, &mut Noise::new(2)).collect();
        Pcap::new(Link::ethernet().link_type()).write(path, &frames)
    }

    /// Combinations of host and vendor.
    pub fn usages(&self) -> u64 {
        self.turns().len() as u64
    }

    /// What happens within one hour, in order.
    fn turns(&self) -> Vec<Turn> {
        let pairs = (0..self.hosts).flat_map(|host| {
            let first = usize::from(host >= self.stragglers);
            (first..first + products_of(host)).map(move |product| (host, product))
        });
        let turns = (0..).zip(pairs);
        let turns = turns.map(|(place, (host, product))| Turn {
            host,
            product,
            place,
        });
        turns.collect()
    }
}

/// Addresses of a host.
pub fn address(host: u32) -> IpAddr {
    let [_, b, c, d] = (host + 256).to_be_bytes();
    IpAddr::from([10, 65 + b, c, d])
}

/// Of 20 hosts 17 have one product, 2 two and 1 three.
fn products_of(host: u32) -> usize {
    match host % 20 {
        0..17 => 1,
        17..19 => 2,
        _ => 3,
    }
}

fn exchange(turn: &Turn, hour: u32, start: u64, noise: &mut Noise) -> impl Iterator<Item = Frame> {
    let (name, server) = PRODUCTS[turn.product];
    let (client, server) = (address(turn.host), IpAddr::from(server));
    let mut port = || 0x8000 | noise.u16();
    let (asks_from, connects_from) = (port(), port());
    let query = Message::query(noise.u16(), name, A);
    let answer = query.response().address(name, server);
    let resolver = SocketAddr::from((RESOLVER, 53));
    let look_up = Talk::udp(SocketAddr::new(client, asks_from), resolver)
        .at(start)
        .asks(&query)
        .answers(&answer);
    let has_news = hour % 12 == turn.host % 12;
    let content = if has_news { DOWNLOAD } else { SHORT_ANSWER };
    let fetch = Talk::tcp_from(
        SocketAddr::new(client, connects_from),
        SocketAddr::new(server, 443),
        noise.u32(),
        noise.u32(),
    )
    .at(look_up.now())
    .gap(Duration::from_micros(200))
    .acknowledged_every(8)
    .open()
    .client(&ClientHello::to(name).stream())
    .server(&server_hello())
    .client(&application_data(300))
    .server(&application_data(content))
    .close();
    let link = Link::ethernet();
    let packets = [look_up.into_packets(), fetch.into_packets()].concat();
    packets
        .into_iter()
        .flat_map(move |packet| link.frames(&[packet]))
}
