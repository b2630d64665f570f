//! A sensor on both sides of a gateway, or one whose capture shows each frame more than once, counts a flow once.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says what it expects; the panic is its report"
)]

mod support;

use std::sync::{Arc, LazyLock};

use straggler::ledger::{self, Ledger};
use straggler::model::{Frame, LinkType, Snapshot, Timestamp};
use straggler::rules::{Library, RuleSet};
use straggler::tracker::{Settings, Tracker};
use support::dns_messages::{A, Message};
use support::initials::{Initial, crypto};
use support::{ClientHello, Link, Side, Talk, TimedPacket, application_data, merge, server_hello};

const SECOND: u64 = 1_000_000_000;
/// An hour after 2024-09-29T00:00:00-04:00, in nanoseconds since 1970.
const START: u64 = (1_727_582_400 + 3_600) * SECOND;
const UPDATE: &str = "s07.upd.kaspersky.com";
const SERVER: &str = "198.51.100.7:443";

static RULES: LazyLock<Arc<RuleSet>> =
    LazyLock::new(|| Arc::new(Library::load(None).unwrap().compile(|_| true)));

/// Workers, each with an interface of its own, and the one ledger.
struct Sensor {
    trackers: Vec<Tracker>,
    ledger: Ledger,
}

impl Sensor {
    fn on(interfaces: &[&str]) -> Self {
        let trackers = interfaces.iter().map(|interface| {
            let settings = Settings {
                interface: Some(Arc::from(*interface)),
                one_of_several: interfaces.len() > 1,
                ..Settings::default()
            };
            let mut tracker = Tracker::new(settings, Arc::clone(&RULES));
            tracker.begin();
            tracker
        });
        Self {
            trackers: trackers.collect(),
            ledger: Ledger::new(ledger::Settings::default(), &RULES.packs).unwrap(),
        }
    }

    /// What each interface sees, and every how many packets each worker reports.
    fn see(mut self, packets: &[Vec<TimedPacket>], report_every: &[usize]) -> Outcome {
        let longest = packets.iter().map(Vec::len).max().unwrap_or(0);
        for at in 0..longest {
            for (worker, packets) in packets.iter().enumerate() {
                let Some(packet) = packets.get(at) else {
                    continue;
                };
                let bytes = Link::vlan(&[0x8100]).wrap(&packet.bytes);
                let frame = Frame {
                    time: Timestamp::from_nanos(i64::try_from(packet.time).unwrap()),
                    link: LinkType::ETHERNET,
                    wire_len: u32::try_from(bytes.len()).unwrap(),
                    bytes: &bytes,
                };
                self.trackers[worker].ingest(&frame, &mut ());
                if at % report_every[worker] == 0 {
                    self.report(worker);
                }
            }
        }
        for worker in 0..self.trackers.len() {
            self.report(worker);
            self.trackers[worker].settle();
            self.report(worker);
        }
        let trackers = self.trackers.iter();
        let datagrams = trackers.map(|tracker| tracker.stats().seen.duplicate_datagrams);
        Outcome {
            datagrams: datagrams.sum(),
            duplicates: self.ledger.stats().duplicate_flows,
            snapshot: self.ledger.snapshot(),
        }
    }

    fn report(&mut self, worker: usize) {
        let batch = self.trackers[worker].drain();
        self.ledger.absorb(&batch);
        self.trackers[worker].watch(self.ledger.watch_list());
    }
}

struct Outcome {
    snapshot: Snapshot,
    duplicates: u64,
    /// Copies of datagrams that one worker saw.
    datagrams: u64,
}

impl Outcome {
    /// Sightings after the cutoff, and bytes each way, of each host.
    fn sums(&self) -> Vec<(String, u64, u64, u64)> {
        let findings = self.snapshot.findings.iter();
        findings
            .map(|finding| {
                (
                    format!("{} {} {}", finding.host, finding.status, finding.straggler),
                    finding.after_cutoff_sightings,
                    finding.after_cutoff_received,
                    finding.after_cutoff_sent,
                )
            })
            .collect()
    }
}

fn download(port: u16, time: u64) -> Talk {
    Talk::tcp(format!("10.0.0.1:{port}").as_str(), SERVER)
        .at(time)
        .open()
        .client(&ClientHello::to(UPDATE).stream())
        .server(&server_hello())
        .server(&application_data(60_000))
        .close()
}

fn requests() -> Talk {
    let request =
        format!("GET /u0607g.xml HTTP/1.1\r\nHost: {UPDATE}\r\nUser-Agent: Updater/21\r\n\r\n");
    let answer = [
        &b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n"[..],
        &[b'x'; 5_000],
    ]
    .concat();
    Talk::tcp("10.0.0.2:50001", "198.51.100.8:80")
        .at(START)
        .open()
        .client(request.as_bytes())
        .server(&answer)
        .client(request.as_bytes())
        .server(&answer)
        .close()
}

fn look_up(time: u64) -> Talk {
    let query = Message::query(1, UPDATE, A);
    let answer = query
        .response()
        .address(UPDATE, "198.51.100.7".parse().unwrap());
    Talk::udp("10.0.0.1:40000", "9.9.9.9:53")
        .at(time)
        .asks(&query)
        .answers(&answer)
}

fn quic() -> Talk {
    let hello = ClientHello::to(UPDATE).message();
    let answer = server_hello()[5..].to_vec();
    let mut talk = Talk::udp("10.0.0.3:40001", SERVER)
        .at(START)
        .client(&Initial::client(&[1; 8]).datagram(&crypto(&hello, 0..hello.len())))
        .server(&Initial::server(&[1; 8]).datagram(&crypto(&answer, 0..answer.len())));
    for number in 0..50 {
        // No two packets of QUIC are alike.
        let data = [&[0x45, number][..], &[9; 998]].concat();
        talk = talk.server(&data).client(&data[..40]);
    }
    talk
}

/// Without a name: known by the address of an answer.
fn nameless() -> Vec<Talk> {
    let talk = Talk::tcp("10.0.0.1:50009", SERVER)
        .at(START + 30 * SECOND)
        .open()
        .client(b"\x00\x01\x02binary")
        .server(&[7; 3_000]);
    vec![look_up(START), talk]
}

/// The same packets a little later, as the gateway passes them on.
fn behind_gateway(packets: &[TimedPacket]) -> Vec<TimedPacket> {
    let later = packets.iter().map(|packet| TimedPacket {
        time: packet.time + 200_000,
        from: packet.from,
        bytes: packet.bytes.clone(),
    });
    later.collect()
}

/// Whatever is seen, in whatever order it is reported, is what one interface alone would have seen.
#[test]
fn both_sides_of_a_gateway_are_one() {
    let cases: Vec<(&str, Vec<Talk>, u64)> = vec![
        ("a download", vec![download(50_000, START)], 1),
        ("requests on one connection", vec![requests()], 1),
        (
            "look-ups",
            (0..5)
                .map(|nth| look_up(START + nth * 7 * SECOND))
                .collect(),
            5,
        ),
        ("QUIC", vec![quic()], 1),
        (
            "the same ports again",
            vec![
                download(50_000, START),
                download(50_000, START + 300 * SECOND),
            ],
            2,
        ),
        (
            "many at once",
            (0..40).map(|nth| download(50_000 + nth, START)).collect(),
            40,
        ),
        ("no name", nameless(), 2),
    ];
    for (case, talks, duplicates) in cases {
        let packets = merge(talks);
        let behind = behind_gateway(&packets);
        let alone = Sensor::on(&["eth0"]).see(std::slice::from_ref(&packets), &[1]);
        assert!(!alone.sums().is_empty(), "{case}");
        assert_eq!(alone.duplicates, 0, "{case}");
        for reports in [[1, 1], [1, 1_000], [1_000, 1], [3, 7], [1_000, 1_000]] {
            let both =
                Sensor::on(&["eth0", "eth1"]).see(&[packets.clone(), behind.clone()], &reports);
            assert_eq!(both.sums(), alone.sums(), "{case}, reports {reports:?}");
            assert_eq!(both.duplicates, duplicates, "{case}, reports {reports:?}");
        }
    }
}

/// A capture that shows each frame more than once: of all interfaces, of a mirror's both ports, merged.
#[test]
fn copies_in_one_capture_count_once() {
    let later = |packet: &TimedPacket, micros: u64| TimedPacket {
        time: packet.time + micros * 1_000,
        ..packet.clone()
    };
    // As a router passes it on: one hop fewer.
    let routed = |packet: &TimedPacket| {
        let mut copy = later(packet, 200);
        copy.bytes[8] -= 1;
        copy
    };
    type Copies<'c> = Box<dyn Fn(&[TimedPacket]) -> Vec<TimedPacket> + 'c>;
    let shapes: Vec<(&str, usize, Copies<'_>)> = vec![
        (
            "each at once",
            1,
            Box::new(|packets| {
                let twice = packets
                    .iter()
                    .flat_map(|packet| [packet.clone(), later(packet, 10)]);
                twice.collect()
            }),
        ),
        (
            "three times",
            2,
            Box::new(|packets| {
                let copies = |packet: &TimedPacket| [0, 5, 10].map(|micros| later(packet, micros));
                packets.iter().flat_map(copies).collect()
            }),
        ),
        (
            "on both sides of a router",
            1,
            Box::new(|packets| {
                let twice = packets
                    .iter()
                    .flat_map(|packet| [packet.clone(), routed(packet)]);
                twice.collect()
            }),
        ),
        (
            "in bursts",
            1,
            Box::new(|packets| {
                let bursts = packets.chunks(64);
                bursts.flat_map(|burst| [burst, burst].concat()).collect()
            }),
        ),
        (
            "merged, with clocks that differ",
            1,
            Box::new(|packets| {
                let copies = packets.iter().map(|packet| later(packet, 30_000));
                let mut all: Vec<TimedPacket> = packets.iter().cloned().chain(copies).collect();
                all.sort_by_key(|packet| packet.time);
                all
            }),
        ),
    ];
    let talks: Vec<(&str, Vec<Talk>, bool)> = vec![
        ("a download", vec![download(50_000, START)], false),
        ("requests", vec![requests()], false),
        ("look-ups", vec![look_up(START)], false),
        ("QUIC", vec![quic()], true),
    ];
    for (what, talks, is_quic) in talks {
        let packets = merge(talks);
        let alone = Sensor::on(&["any"]).see(std::slice::from_ref(&packets), &[7]);
        assert_eq!(alone.datagrams, 0, "{what}");
        for (shape, copies, copied) in &shapes {
            let seen = Sensor::on(&["any"]).see(&[copied(&packets)], &[7]);
            assert_eq!(seen.sums(), alone.sums(), "{what}, {shape}");
            let expected = if is_quic { packets.len() * copies } else { 0 };
            assert_eq!(seen.datagrams, expected as u64, "{what}, {shape}");
        }
    }
}

/// A hello over two Initials that begin alike, with the same token, is no copy of itself.
#[test]
fn packets_that_begin_alike_are_no_copies() {
    let hello = ClientHello::to(UPDATE).key_share(1_200).message();
    let half = hello.len() / 2;
    let initial = || Initial::client(&[1; 8]).token(&[7; 64]);
    let talk = Talk::udp("10.0.0.3:40001", SERVER)
        .at(START)
        .client(&initial().number(0).datagram(&crypto(&hello, 0..half)))
        .client(
            &initial()
                .number(1)
                .datagram(&crypto(&hello, half..hello.len())),
        );
    let seen = Sensor::on(&["eth0"]).see(&[talk.into_packets()], &[1]);
    assert_eq!((seen.sums().len(), seen.datagrams), (1, 0));
}

/// An interface that sees less takes nothing away from one that sees more, whichever reports first.
#[test]
fn an_interface_that_sees_one_side_takes_nothing_away() {
    let talk = download(50_000, START);
    let whole = talk.packets().to_vec();
    let alone = Sensor::on(&["eth0"]).see(std::slice::from_ref(&whole), &[1]);
    for side in [Side::Client, Side::Server] {
        let half = talk.only(side);
        for reports in [[1, 1], [1_000, 1], [1, 1_000]] {
            for swap in [false, true] {
                let mut seen = [whole.clone(), half.clone()];
                if swap {
                    seen.reverse();
                }
                let both = Sensor::on(&["eth0", "eth1"]).see(&seen, &reports);
                let case = format!("{side:?} {reports:?} {swap}");
                let (both, alone) = (both.sums(), alone.sums());
                assert_eq!((&both[0].0, both[0].1), (&alone[0].0, alone[0].1), "{case}");
                // The acknowledgement of a FIN, of which no packet was seen, counts as a byte.
                assert!(both[0].2.abs_diff(alone[0].2) <= 1, "{case}: {both:?}");
                assert!(both[0].3.abs_diff(alone[0].3) <= 1, "{case}: {both:?}");
            }
        }
    }
}

/// Two hosts that ask the same on two networks are two.
#[test]
fn different_flows_stay_apart() {
    let other = Talk::tcp("10.0.0.9:50000", SERVER)
        .at(START)
        .open()
        .client(&ClientHello::to(UPDATE).stream())
        .server(&server_hello());
    let packets = [download(50_000, START).into_packets(), other.into_packets()];
    let both = Sensor::on(&["eth0", "eth1"]).see(&packets, &[1, 1]);
    assert_eq!((both.sums().len(), both.duplicates), (2, 0));
}

/// A sample says where it was seen, and what the host says that it is.
#[test]
fn a_sample_says_where() {
    let seen = Sensor::on(&["eth0"]).see(&[requests().into_packets()], &[1]);
    let sample = &seen.snapshot.findings[0].names[0].samples[0].sample;
    assert_eq!(sample.interface.as_deref(), Some("eth0"));
    assert!(sample.vlan.is_some());
    let agent = sample
        .user_agent
        .as_ref()
        .map(straggler::model::WireText::as_str);
    assert_eq!(agent, Some("Updater/21"));
}
