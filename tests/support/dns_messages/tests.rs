use super::*;

const HEADER_LEN: usize = 12;

#[test]
fn query_is_written_in_full() {
    let bytes = Message::query(0x1234, "www.a.example.", HTTPS).bytes();
    assert_eq!(bytes[..12], [0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    assert_eq!(bytes[12..], *b"\x03www\x01a\x07example\x00\x00\x41\x00\x01");
}

#[test]
fn edns_is_one_additional_record() {
    let query = Message::query(1, "a.example", A).edns(4096);
    let bytes = query.bytes();
    assert_eq!(bytes[10..12], [0, 1]);
    assert!(bytes.ends_with(&[0, 0, 41, 16, 0, 0, 0, 0, 0, 0, 0]));
    assert_eq!(query.response().bytes()[10..12], [0, 1]);
}

#[test]
fn a_chain_points_back_at_names_already_written() {
    let address = IpAddr::from([192, 0, 2, 7]);
    let message = Message::query(1, "www.a.example", A)
        .response()
        .chain(&["www.a.example", "edge.cdn.example"], &[address]);
    let bytes = message.bytes();
    let question_end = HEADER_LEN + 15 + 4;
    // The alias: a pointer to the question; its target ends in a pointer to "example" within the question.
    let alias = &bytes[question_end..];
    assert_eq!(alias[..4], [0xc0, 12, 0, 5]);
    assert_eq!(alias[10..12], [0, 11]);
    assert_eq!(alias[12..23], *b"\x04edge\x03cdn\xc0\x12");
    // The address: a pointer into the alias.
    let target_at = (question_end + 12) as u8;
    assert_eq!(alias[23..27], [0xc0, target_at, 0, 1]);
    assert!(bytes.ends_with(&[0, 4, 192, 0, 2, 7]));
    assert_eq!(bytes[2..4], [0x81, 0x80]);
    assert_eq!(bytes[6..8], [0, 2]);
}

#[test]
fn a_negative_answer_has_its_code_and_the_zone() {
    let message = Message::query(1, "no.a.example", AAAA)
        .response()
        .rcode(NXDOMAIN)
        .soa("a.example");
    let bytes = message.bytes();
    assert_eq!(bytes[2..4], [0x81, 0x83]);
    assert_eq!(bytes[8..10], [0, 1]);
    // The zone is a suffix of the question, so it is a pointer as well.
    assert_eq!(bytes[30..34], [0xc0, 15, 0, 6]);
}

#[test]
fn tcp_puts_the_length_first() {
    let message = Message::query(1, "a.example", A);
    let bytes = message.tcp_bytes();
    assert_eq!(bytes[..2], [0, message.bytes().len() as u8]);
    assert_eq!(bytes[2..], message.bytes());
}

#[test]
fn case_is_kept() {
    let bytes = Message::query(1, "S07.Upd.Example", A).bytes();
    assert_eq!(bytes[12..20], *b"\x03S07\x03Upd");
}

#[test]
#[should_panic(expected = "1 to 63 bytes")]
fn an_empty_label_is_refused() {
    let _ = Message::query(1, "a..example", A).bytes();
}
