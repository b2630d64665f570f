//! What it costs to find a packet's flow, and to open one.
//!
//! ```text
//! cargo bench --bench flows
//! ```
//!
//! Flows are asked for in an order that finds nothing in the processor's caches, as packets of many hosts do. Their states
//! are as large as those of the tracker, and empty.

use std::net::{IpAddr, Ipv4Addr};

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};

#[path = "../tests/support/mod.rs"]
mod support;

use straggler::flows::{Flow, Header, Settings, Table};
use straggler::model::{Endpoint, Protocol, TcpFlags, Timestamp};
use support::Noise;

/// Flows that are there.
const FLOWS: u32 = 100_000;
/// As many as there may be if no setting says otherwise.
const DEFAULT_CAP: u32 = 65_536;
/// Flows touched in one sample.
const TOUCHED: usize = 10_000;

/// With it a flow takes about what a slot of the tracker may: 256 bytes.
type State = [u64; 10];

const OPENS: TcpFlags = TcpFlags {
    syn: true,
    ack: false,
    fin: false,
    rst: false,
};
const GOES_ON: TcpFlags = TcpFlags {
    syn: false,
    ack: true,
    ..OPENS
};

fn main() {
    assert!(size_of::<Option<Flow<State>>>() <= 256);
    divan::main();
}

#[divan::bench]
fn tcp_touched_among_100_000(bencher: Bencher) {
    let mut table = filled(FLOWS as usize);
    touch(bencher, move |number, seq| {
        let touched = table.touch_tcp(header(number), seq, 0, GOES_ON, &mut |_| {});
        assert!(!touched.new);
    });
}

#[divan::bench]
fn udp_touched_among_100_000(bencher: Bencher) {
    let mut table = Table::<State>::new(room_for(FLOWS as usize));
    let udp = |table: &mut Table<State>, number| {
        let touched = table.touch_datagram(header(number), Protocol::Udp, &mut |_| {});
        touched.new
    };
    for number in 0..FLOWS {
        assert!(udp(&mut table, number));
    }
    touch(bencher, move |number, _| assert!(!udp(&mut table, number)));
}

/// Each packet has a look at two other flows, whether they are silent for too long.
#[divan::bench]
fn expiry_among_100_000(bencher: Bencher) {
    let mut table = filled(FLOWS as usize);
    let now = header(0).now;
    touch(bencher, move |_, _| {
        table.expire(now, &mut |_| panic!("all are young"));
    });
}

#[divan::bench]
fn tcp_opened_where_there_is_room(bencher: Bencher) {
    bencher
        .counter(ItemsCount::new(TOUCHED))
        .with_inputs(|| Table::<State>::new(room_for(TOUCHED)))
        .bench_local_refs(|table| (0..TOUCHED as u32).for_each(|number| open(table, number)));
}

/// The table is full: for each flow that is opened another is given up.
#[divan::bench(args = [DEFAULT_CAP, FLOWS])]
fn tcp_opened_by_eviction(bencher: Bencher, cap: u32) {
    let mut table = filled(cap as usize);
    let mut number = cap;
    bencher
        .counter(ItemsCount::new(TOUCHED))
        .bench_local(move || {
            for _ in 0..TOUCHED {
                open(&mut table, number);
                number += 1;
            }
            assert_eq!(table.stats().entries, u64::from(cap));
        });
}

/// Calls with numbers of flows in an order without order, and sequence numbers that grow.
fn touch(bencher: Bencher, mut each: impl FnMut(u32, u32)) {
    let mut noise = Noise::new(1);
    let mut seq = 0_u32;
    bencher
        .counter(ItemsCount::new(TOUCHED))
        .with_inputs(|| -> Vec<u32> {
            let numbers = (0..TOUCHED).map(|_| noise.below(FLOWS.into()) as u32);
            numbers.collect()
        })
        .bench_local_refs(|numbers| {
            for &mut number in numbers {
                seq = seq.wrapping_add(1_460);
                each(black_box(number), seq);
            }
        });
}

fn room_for(max_flows: usize) -> Settings {
    Settings {
        max_flows,
        ..Settings::default()
    }
}

/// A table that is full.
fn filled(flows: usize) -> Table<State> {
    let mut table = Table::new(room_for(flows));
    (0..flows as u32).for_each(|number| open(&mut table, number));
    table
}

fn open(table: &mut Table<State>, number: u32) {
    let touched = table.touch_tcp(header(number), 0, 0, OPENS, &mut |flow| {
        black_box(flow);
    });
    assert!(touched.new);
}

/// A full segment from the client of a flow to its server.
fn header(number: u32) -> Header {
    let time = Timestamp::from_unix(1_727_683_200, 0);
    let end = |address: u32, port| Endpoint {
        addr: IpAddr::V4(Ipv4Addr::from_bits(address)),
        port,
    };
    Header {
        time,
        now: time,
        // Neighbours in number are none in the table.
        src: end(
            0x0a00_0000 | number.wrapping_mul(0x9e37_79b1) >> 12,
            (number >> 4) as u16,
        ),
        dst: end(0xc612_0000 | (number & 0xffff), 443),
        wire_len: 1_460,
        thinned: false,
    }
}
