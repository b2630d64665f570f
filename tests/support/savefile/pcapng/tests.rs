use super::*;

#[test]
fn ticks_of_every_resolution() {
    let nanos = 2_500_000_001;
    assert_eq!(Resolution::Decimal(0).ticks(nanos), 2);
    assert_eq!(Resolution::Decimal(6).ticks(nanos), 2_500_000);
    assert_eq!(Resolution::Decimal(9).ticks(nanos), nanos);
    assert_eq!(Resolution::Decimal(10).ticks(nanos), nanos * 10);
    assert_eq!(Resolution::Binary(1).ticks(nanos), 5);
    assert_eq!(Resolution::Binary(10).octet(), 0x8a);
}

#[test]
fn every_block_states_its_length_twice() {
    for order in Order::BOTH {
        let pcapng = Pcapng::new(vec![
            Interface::new(1).name("lan0"),
            Interface::new(113).resolution(Resolution::Decimal(9)),
        ])
        .order(order);
        let file = pcapng.bytes(&[Frame::whole(1, vec![1, 2, 3]).on(1)]);
        let mut kinds = Vec::new();
        let mut rest = file.as_slice();
        while !rest.is_empty() {
            let word = |at: usize| {
                (0..=u8::MAX as usize)
                    .map(|number| number as u32)
                    .find(|&number| rest[at..at + 4] == order.u32(number))
            };
            kinds.push(word(0));
            let len = word(4).expect("blocks here are short") as usize;
            assert_eq!(word(len - 4), Some(len as u32));
            rest = &rest[len..];
        }
        assert_eq!(kinds, [None, Some(1), Some(1), Some(6)]);
    }
}

#[test]
fn late_description_stands_before_the_first_frame() {
    let interfaces = vec![Interface::new(1), Interface::new(113)];
    let frames = [
        Frame::whole(0, vec![7; 4]),
        Frame::whole(1, vec![8; 4]).on(1),
    ];
    let early = Pcapng::new(interfaces.clone()).bytes(&frames);
    let late = Pcapng::new(interfaces).described_late().bytes(&frames);
    assert_eq!(early.len(), late.len());
    let at = |file: &[u8]| file.windows(4).position(|bytes| bytes == [7; 4]);
    assert!(at(&late) < at(&early));
}
