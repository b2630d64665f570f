//! The handles of one interface: the kernel gives each frame to one of them, to the one that the program says, from the first
//! frame on.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use straggler::capture::fanout::{Instruction, program};
use straggler::capture::{FrameSource, Live, Pumped, Settings};
use straggler::model::{Frame, LinkType};

use crate::kernel::Skb;
use crate::namespace::Namespace;
use crate::support::links::ethernet::pppoe;
use crate::support::{Datagram, Ip, Link, Segment};
use crate::wire::{Sender, Wire, inside};

const WORKERS: u32 = 4;
/// Stands before the number of a frame.
const MARK: &[u8] = b"straggler frame ";
/// Frames on the wire in a second.
const PER_SECOND: u32 = 5_000;
/// How long it is sent before the handles are opened, and behind that.
const BEFORE: Duration = Duration::from_millis(300);
const BEHIND: Duration = Duration::from_secs(1);

/// A frame that tells its number: of every shape, between many.
fn numbered(number: u32) -> Vec<u8> {
    let (host, server) = (number % 61, number % 17);
    let (client, server) = match number % 3 {
        0 => (
            format!("2001:db8::{host:x}"),
            format!("2001:db8:1::{server:x}"),
        ),
        _ => (format!("10.20.0.{host}"), format!("198.51.100.{server}")),
    };
    let mut ip = Ip::between(client.parse().unwrap(), server.parse().unwrap());
    if number % 2 == 1 {
        ip = Ip::between(server.parse().unwrap(), client.parse().unwrap());
    }
    let payload = [MARK, &number.to_be_bytes()].concat();
    let packet = match number % 5 {
        0 => ip.packet(&Datagram::new(50_000, 53).payload(&payload)),
        // The last of three fragments.
        1 => {
            let long = [vec![7; 640], payload].concat();
            let datagram = Datagram::new(53, 50_000).payload(&long);
            ip.fragments(&datagram, 320, number).pop().unwrap()
        }
        _ => ip.packet(&Segment::new(50_000, 443).payload(&payload)),
    };
    match number % 7 {
        0 => Link::vlan(&[0x8100]).wrap(&packet),
        1 => Link::vlan(&[0x88a8, 0x8100]).wrap(&packet),
        2 => pppoe(9, &packet),
        _ => Link::ethernet().wrap(&packet),
    }
}

fn number_of(frame: &[u8]) -> Option<u32> {
    let at = frame.windows(MARK.len()).position(|bytes| bytes == MARK)?;
    let number = frame.get(at + MARK.len()..)?.first_chunk()?;
    Some(u32::from_be_bytes(*number))
}

#[test]
fn each_frame_comes_to_one_handle_and_to_the_one_that_the_program_says() {
    let Some(wire) = Wire::lay() else {
        return;
    };
    // Received, sent, and on all interfaces at once, where the kernel has taken the link header away.
    for (end, interface) in [
        (&wire.right, "sg0"),
        (&wire.left, "sg0"),
        (&wire.right, "any"),
    ] {
        let seen = captured_while_sending(&wire.left, end, interface);
        let first = seen.iter().map(|handle| handle.keys().min().unwrap());
        let from = *first.max().unwrap();
        let mut all: Vec<u32> = seen.iter().flat_map(BTreeMap::keys).copied().collect();
        all.sort_unstable();
        let count = all.len();
        all.dedup();
        assert_eq!(
            count,
            all.len(),
            "{interface}: frames came to several handles"
        );
        // Once all of them take frames, none is left out.
        let last = *all.last().unwrap();
        assert!(
            last - from > PER_SECOND / 2,
            "{interface}: {from} to {last}"
        );
        let missing = (from..last).find(|number| all.binary_search(number).is_err());
        assert_eq!(missing, None, "{interface}: from {from} to {last}");
        for (at, handle) in seen.iter().enumerate() {
            assert!(handle.len() > count / 16, "{interface}: {at} has few");
            for (number, expected) in handle {
                assert_eq!(*expected as usize, at, "{interface}: {number}");
            }
        }
    }
}

/// By handle: the numbers of its frames, each with the handle that should have it. It is sent before, while and after the
/// handles are opened.
fn captured_while_sending(
    sender: &Namespace,
    end: &Namespace,
    interface: &str,
) -> Vec<BTreeMap<u32, u32>> {
    let done = AtomicBool::new(false);
    let program = program();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            inside(sender, || {
                let mut wire = Sender::new(PER_SECOND);
                let mut number = 0;
                while !done.load(Ordering::Relaxed) {
                    wire.send(&numbered(number));
                    number += 1;
                }
            });
        });
        std::thread::sleep(BEFORE);
        let seen = inside(end, || capture(interface, &program, &done));
        done.store(true, Ordering::Relaxed);
        seen
    })
}

fn capture(interface: &str, program: &[Instruction], done: &AtomicBool) -> Vec<BTreeMap<u32, u32>> {
    let settings = Settings {
        workers: WORKERS,
        ..Settings::default()
    };
    let opened = Live::open_shared(interface, &settings, None);
    let mut handles = opened.unwrap_or_else(|error| {
        done.store(true, Ordering::Relaxed);
        panic!("{error}")
    });
    assert_eq!(handles.len(), WORKERS as usize);
    std::thread::sleep(BEHIND);
    done.store(true, Ordering::Relaxed);
    let mut seen = vec![BTreeMap::new(); handles.len()];
    let start = Instant::now();
    // What was sent last is in a block that the kernel closes soon.
    while start.elapsed() < Duration::from_secs(1) {
        for (live, seen) in handles.iter_mut().zip(&mut seen) {
            let mut take = |frame: Frame<'_>| {
                if let Some(number) = number_of(frame.bytes) {
                    // By what was sent: on `any` the kernel takes tags out in part.
                    let sent = Skb::received(LinkType::ETHERNET, &numbered(number));
                    let worker = sent.run(program) % WORKERS;
                    assert_eq!(seen.insert(number, worker), None, "{number} came twice");
                }
            };
            while live.pump(1024, &mut take).unwrap() != Pumped::Idle {}
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    for live in &mut handles {
        assert_eq!(live.stats().kernel_drops, 0);
    }
    seen
}
