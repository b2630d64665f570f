use proptest::prelude::*;

use super::*;

fn key(id: u32) -> Key {
    Key {
        src: [10, 0, 0, 1].into(),
        dst: [10, 0, 0, 2].into(),
        protocol: 17,
        id,
    }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix(seconds, 0)
}

fn place(offset: u32, more: bool) -> Place {
    Place { offset, more }
}

/// Offers a piece of `payload` for packet `id` at second 0.
fn offer(
    fragments: &mut Fragments,
    payload: &[u8],
    from: usize,
    to: usize,
) -> Result<Offered, Undecoded> {
    let place = place(from as u32, to < payload.len());
    fragments.offer(at(0), key(1), place, 17, &payload[from..to])
}

fn payload() -> Vec<u8> {
    (0..100).collect()
}

#[test]
fn every_order_gives_the_whole_and_leaves_nothing() {
    let payload = payload();
    let cuts = [(0, 40), (40, 80), (80, 100)];
    for order in [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ] {
        let mut fragments = Fragments::default();
        let mut offered = Offered::Held;
        for index in order {
            assert_eq!(offered, Offered::Held);
            let (from, to) = cuts[index];
            offered = offer(&mut fragments, &payload, from, to).unwrap();
        }
        let whole = Offered::Whole {
            protocol: 17,
            payload: payload.clone(),
        };
        assert_eq!(offered, whole);
        assert_eq!(fragments.stats(), FragmentStats::default());
    }
}

#[test]
fn the_same_fragment_again_is_tolerated() {
    let payload = payload();
    let mut fragments = Fragments::default();
    for (from, to) in [(0, 40), (0, 40), (80, 100), (80, 100)] {
        assert_eq!(offer(&mut fragments, &payload, from, to), Ok(Offered::Held));
    }
    assert_eq!(fragments.stats().bytes, 60);
    let last = offer(&mut fragments, &payload, 40, 80).unwrap();
    assert!(matches!(last, Offered::Whole { .. }));
    assert_eq!(fragments.stats(), FragmentStats::default());
}

#[test]
fn an_overlap_refuses_all_of_the_packet() {
    let payload = payload();
    let other: Vec<u8> = payload.iter().map(|byte| byte ^ 1).collect();
    // Inside, across the start, across the end, the same place with other bytes.
    for (from, to) in [(40, 48), (32, 48), (72, 88), (40, 80)] {
        let mut fragments = Fragments::default();
        offer(&mut fragments, &payload, 40, 80).unwrap();
        let refused = Err(Undecoded::FragmentOverlap);
        assert_eq!(offer(&mut fragments, &other, from, to), refused);
        assert_eq!(offer(&mut fragments, &payload, 0, 40), refused);
        assert_eq!(offer(&mut fragments, &payload, 80, 100), refused);
        let stats = fragments.stats();
        assert_eq!((stats.overlaps, stats.lost_to_overlap), (1, 1));
        assert_eq!((stats.bytes, stats.entries, stats.lost), (0, 1, 0));
        fragments.expire(at(31));
        assert_eq!(
            fragments.stats(),
            FragmentStats {
                entries: 0,
                ..stats
            }
        );
    }
}

#[test]
fn contradictions_about_the_end_refuse_the_packet() {
    let bytes = [0; 16];
    let cases: [[Place; 2]; 4] = [
        [place(16, false), place(32, true)],
        [place(16, false), place(32, false)],
        [place(32, true), place(16, false)],
        [place(16, true), place(16, false)],
    ];
    for [first, second] in cases {
        let mut fragments = Fragments::default();
        let mut offer = |place| fragments.offer(at(0), key(1), place, 17, &bytes);
        assert_eq!(offer(first), Ok(Offered::Held));
        assert_eq!(offer(second), Err(Undecoded::FragmentOverlap));
    }
}

#[test]
fn fragments_that_no_sender_makes_are_refused_alone() {
    let mut fragments = Fragments::default();
    let long = vec![0; 65_535];
    for (place, bytes) in [
        (place(0, true), &[][..]),
        (place(8, true), &long[..12]),
        (place(65_528, false), &long[..8]),
        (place(8, false), &long),
    ] {
        let refused = fragments.offer(at(0), key(1), place, 17, bytes);
        assert_eq!(refused, Err(Undecoded::Fragment));
    }
    assert_eq!(fragments.stats(), FragmentStats::default());
}

#[test]
fn what_is_not_whole_in_time_is_given_up() {
    let payload = payload();
    let mut fragments = Fragments::default();
    offer(&mut fragments, &payload, 0, 40).unwrap();
    offer(&mut fragments, &payload, 0, 40).unwrap();
    let second = fragments.offer(at(30), key(2), place(0, true), 17, &[0; 8]);
    assert_eq!(second, Ok(Offered::Held));
    assert_eq!(fragments.stats().entries, 2);
    let late = fragments.offer(at(31), key(1), place(40, false), 17, &[0; 8]);
    assert_eq!(late, Ok(Offered::Held));
    let stats = fragments.stats();
    assert_eq!((stats.timed_out, stats.lost, stats.entries), (1, 2, 2));
    fragments.end();
    let stats = fragments.stats();
    assert_eq!((stats.timed_out, stats.lost), (3, 4));
    assert_eq!((stats.entries, stats.bytes), (0, 0));
}

#[test]
fn floods_are_bounded_and_counted() {
    let mut fragments = Fragments::default();
    for id in 0..10_000 {
        let held = fragments.offer(at(0), key(id), place(0, true), 17, &[0; 8]);
        assert_eq!(held, Ok(Offered::Held));
    }
    let stats = fragments.stats();
    assert_eq!(stats.entries, MAX_DATAGRAMS as u64);
    assert_eq!(stats.evictions, 10_000 - MAX_DATAGRAMS as u64);
    assert!(fragments.order.len() <= 2 * MAX_DATAGRAMS);

    let mut fragments = Fragments::default();
    for id in 0..1_000 {
        let _ = fragments.offer(at(0), key(id), place(0, true), 17, &[0; 32_768]);
    }
    let stats = fragments.stats();
    assert_eq!(stats.bytes, MAX_BYTES as u64);
    assert_eq!(stats.entries + stats.evictions, 1_000);
}

#[test]
fn many_whole_packets_behind_one_that_waits_leave_nothing() {
    let mut fragments = Fragments::default();
    let _ = fragments.offer(at(0), key(0), place(0, true), 17, &[0; 8]);
    for id in 1..30_000 {
        let _ = fragments.offer(at(0), key(id), place(0, true), 17, &[0; 8]);
        let whole = fragments.offer(at(0), key(id), place(8, false), 17, &[0; 8]);
        assert!(matches!(whole, Ok(Offered::Whole { .. })));
    }
    assert_eq!(fragments.stats().entries, 1);
    assert!(fragments.order.len() <= 2 * MAX_DATAGRAMS);
}

#[test]
fn too_many_pieces_give_the_packet_up() {
    let mut fragments = Fragments::default();
    for number in 0..=MAX_PIECES as u32 {
        let offered = fragments.offer(at(0), key(1), place(number * 16, true), 17, &[0; 8]);
        let expected = if number < MAX_PIECES as u32 {
            Ok(Offered::Held)
        } else {
            Err(Undecoded::Fragment)
        };
        assert_eq!(offered, expected);
    }
    let stats = fragments.stats();
    assert_eq!((stats.evictions, stats.lost), (1, MAX_PIECES as u64));
    assert_eq!(stats.bytes, 0);
}

proptest! {
    /// Whatever is offered: nothing panics, bytes and entries add up, and a whole packet is the one that was cut.
    #[test]
    fn any_fragments_add_up(
        offers in prop::collection::vec((0..3u32, 0..20u32, any::<bool>(), 0..4usize, 0..80i64), 0..60)
    ) {
        let mut fragments = Fragments::default();
        for (id, eight, more, eights, second) in offers {
            let bytes: Vec<u8> = (0..eights * 8).map(|at| (eight as usize * 8 + at) as u8).collect();
            let offered = fragments.offer(at(second), key(id), place(eight * 8, more), 17, &bytes);
            if let Ok(Offered::Whole { payload, .. }) = offered {
                let expected: Vec<u8> = (0..payload.len()).map(|at| at as u8).collect();
                prop_assert_eq!(payload, expected);
            }
            let held: usize = fragments.waiting.values().map(|it| it.bytes.len()).sum();
            prop_assert_eq!(fragments.stats().bytes, held as u64);
            prop_assert!(fragments.order.len() >= fragments.waiting.len());
        }
        fragments.end();
        prop_assert_eq!(fragments.stats().bytes, 0);
        prop_assert_eq!(fragments.stats().entries, 0);
    }
}
