use super::*;

fn v4() -> Ip {
    Ip::between([10, 0, 0, 5].into(), [192, 0, 2, 7].into())
}

fn v6() -> Ip {
    let end = |last| IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, last]);
    Ip::between(end(5), end(7))
}

#[test]
fn v4_header_sums_to_zero_and_tells_its_lengths() {
    let packet = v4()
        .options(&[0x94, 4, 0, 0, 1])
        .packet(&Datagram::new(1000, 53).payload(b"hello"));
    assert_eq!(packet[0], 0x47); // 20 bytes of header, 8 of options
    assert_eq!(packet.len(), 28 + 8 + 5);
    assert_eq!(packet[2..4], [0, 41]);
    assert_eq!(Checksum::of(&packet[..28]), 0);
}

#[test]
fn known_v4_header_checksum() {
    // Summed by hand: 4500 0014 0000 4000 4006 0a00 0005 c000 0207 make 19126, folded 9127, inverted 6ed8.
    assert_eq!(v4().carry(6, &[])[IPV4_CHECKSUM], [0x6e, 0xd8]);
}

#[test]
fn v6_extension_headers_are_chained_in_order() {
    let packet = v6()
        .extension(Extension::hop_by_hop(8))
        .extension(Extension::routing(24))
        .extension(Extension::destination_options(16))
        .packet(&Segment::new(1000, 443).flags(SYN));
    assert_eq!(packet[4..6], [0, 8 + 24 + 16 + 20]);
    assert_eq!(packet[6], HOP_BY_HOP);
    assert_eq!(packet[40..48], [ROUTING, 0, 1, 4, 0, 0, 0, 0]);
    assert_eq!(packet[48..52], [DESTINATION_OPTIONS, 2, 253, 0]);
    assert_eq!(packet[72..76], [6, 1, 1, 12]);
    assert_eq!(packet.len(), 40 + 48 + 20);
}

#[test]
fn fragments_of_both_families_join_to_the_payload() {
    let datagram = Datagram::new(1000, 53).payload(&[7; 100]);
    let joined = |fragments: &[Vec<u8>], header: usize| -> Vec<u8> {
        let pieces = fragments.iter().map(|fragment| &fragment[header..]);
        pieces.flatten().copied().collect()
    };

    let four = v4().fragments(&datagram, 50, 9);
    assert_eq!(four.len(), 3); // 48 + 48 + 12 of 108 bytes
    assert_eq!(joined(&four, 20), v4().packet(&datagram)[20..]);
    let places: Vec<&[u8]> = four.iter().map(|fragment| &fragment[6..8]).collect();
    assert_eq!(places, [[0x20, 0], [0x20, 6], [0, 12]]);

    let six = v6().fragments(&datagram, 48, 9);
    assert_eq!(joined(&six, 48), v6().packet(&datagram)[40..]);
    assert_eq!(six[1][40..48], [17, 0, 0, 49, 0, 0, 0, 9]);
    assert_eq!(six[2][40..48], [17, 0, 0, 96, 0, 0, 0, 9]);
}

#[test]
fn padding_fills_any_length() {
    for len in 0..600 {
        assert_eq!(padding(len).len(), len);
    }
}

#[test]
#[should_panic(expected = "one family")]
fn families_do_not_mix() {
    let _ = Ip::between([10, 0, 0, 5].into(), [0; 16].into());
}
