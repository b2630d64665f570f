use super::*;

fn place(stream: &[u8], what: &[u8]) -> Option<usize> {
    stream.windows(what.len()).position(|window| window == what)
}

#[test]
fn lengths_nest() {
    let message = ClientHello::to("a.example").alpn(&["h2"]).ech().message();
    assert_eq!(message[..2], [1, 0]);
    let len = usize::from(u16::from_be_bytes([message[2], message[3]]));
    assert_eq!(len, message.len() - 4);
    // Version, random, session id, suites, compression: the extensions begin behind them and end the message.
    let at = 4 + 2 + 32 + 33 + 2 + 2 * CIPHER_SUITES.len() + 2;
    let len = usize::from(u16::from_be_bytes([message[at], message[at + 1]]));
    assert_eq!(at + 2 + len, message.len());
}

#[test]
fn a_post_quantum_hello_needs_two_segments() {
    let hello = ClientHello::to("a.example");
    assert!(hello.stream().len() < 400);
    let long = hello.key_share(POST_QUANTUM_SHARE).stream();
    assert!((1461..2920).contains(&long.len()));
}

#[test]
fn the_name_can_be_first_last_or_missing() {
    let name = b"a.example";
    let hello = ClientHello::to("a.example").key_share(POST_QUANTUM_SHARE);
    assert!(place(&hello.stream(), name).is_some_and(|at| at < 200));
    let last = hello.name_last().stream();
    assert_eq!(place(&last, name), Some(last.len() - name.len()));
    assert_eq!(place(&ClientHello::unnamed().stream(), name), None);
}

#[test]
fn records_are_no_longer_than_asked() {
    let hello = ClientHello::to("a.example").record_size(50);
    let stream = hello.stream();
    let records = hello.message().len().div_ceil(50);
    assert_eq!(stream.len(), hello.message().len() + 5 * records);
    assert_eq!(stream[55..60], [22, 3, 1, 0, 50]);
}
