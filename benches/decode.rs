//! What it costs to decode one frame.
//!
//! ```text
//! cargo bench --bench decode
//! ```
//!
//! The same frame again and again, so everything is in the caches: the instructions are measured and no waiting for memory.

use divan::{Bencher, Divan, black_box, black_box_drop};

#[path = "../tests/support/mod.rs"]
mod support;

use straggler::decode::Decoder;
use straggler::model::{Decoded, Frame, LinkType, Timestamp, Transport};
use support::{Link, Talk};

/// Calls that are timed together: single ones are as short as the clock's steps.
const CALLS: u32 = 1_000;
const TAG: u16 = 0x8100;
/// Payload of a full segment, and of a full QUIC datagram.
const FULL: [u8; 1_440] = [7; 1_440];

fn main() {
    let divan = Divan::default().sample_size(CALLS);
    divan.config_with_args().main();
}

#[divan::bench]
fn ipv4_tcp(bencher: Bencher) {
    let talk = Talk::tcp("10.0.0.5:50000", "192.0.2.7:443").server(&FULL);
    decode(bencher, &Link::ethernet(), &talk);
}

#[divan::bench]
fn ipv4_tcp_acknowledgement(bencher: Bencher) {
    let talk = Talk::tcp("10.0.0.5:50000", "192.0.2.7:443").reset_by_client();
    decode(bencher, &Link::ethernet(), &talk);
}

#[divan::bench]
fn ipv6_tcp(bencher: Bencher) {
    let talk = Talk::tcp("[2001:db8::5]:50000", "[2001:db8::7]:443").server(&FULL);
    decode(bencher, &Link::ethernet(), &talk);
}

#[divan::bench]
fn ipv4_udp(bencher: Bencher) {
    let talk = Talk::udp("10.0.0.5:50000", "192.0.2.7:443").server(&FULL);
    decode(bencher, &Link::ethernet(), &talk);
}

#[divan::bench]
fn vlan_ipv6_udp(bencher: Bencher) {
    let talk = Talk::udp("[2001:db8::5]:50000", "[2001:db8::7]:443").server(&FULL);
    decode(bencher, &Link::vlan(&[TAG]), &talk);
}

#[divan::bench]
fn cooked_ipv4_tcp(bencher: Bencher) {
    let talk = Talk::tcp("10.0.0.5:50000", "192.0.2.7:443").server(&FULL);
    decode(bencher, &Link::CookedV2, &talk);
}

/// Decodes the first frame of a talk.
fn decode(bencher: Bencher, link: &Link, talk: &Talk) {
    let bytes = link.wrap(&talk.packets()[0].bytes);
    let frame = Frame {
        time: Timestamp::from_unix(1_727_683_200, 0),
        link: LinkType(link.link_type().into()),
        bytes: &bytes,
        wire_len: bytes.len() as u32,
    };
    let mut decoder = Decoder::default();
    let Ok(Decoded::Packet(packet)) = decoder.decode(&frame) else {
        panic!("a packet");
    };
    assert!(matches!(
        packet.transport,
        Transport::Tcp(_) | Transport::Udp(_)
    ));
    bencher.bench_local(move || black_box_drop(decoder.decode(black_box(&frame))));
}
