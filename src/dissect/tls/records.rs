//! A ClientHello at the start of a stream: joined from its records.

use super::hello::{body_len, cut_message};
use super::{
    ClientHello, Dissection, HANDSHAKE_HEADER_LEN, MAJOR_VERSION, MAX_HELLO_LEN, MAX_MINOR_VERSION,
    MAX_RECORD_LEN, RECORD_HANDSHAKE, RECORD_HEADER_LEN, client_hello_message, sslv2,
};

/// Records that one hello may span. Clients use one to three; a sender that wants to be overlooked uses one for each
/// byte, and today's hellos of up to 2 KiB are read even then.
///
/// What an attacker can make of it: every segment repeats the walk over the records, which takes a few steps a record
/// and copies nothing; bytes are joined once, when the hello is whole. The worst, one-byte records in one-byte segments,
/// took 5 µs a segment on average, 65 ms for all of the 12,288 segments that the cap lets through; without the cap it
/// would be no more than twice that, because the stream has one too ([`super::MAX_STREAM_LEN`]).
pub const MAX_RECORDS: usize = 2048;

/// Reads a ClientHello from the first bytes of a client's stream. A hello in the form of SSL 2 (RFC 5246, appendix
/// E.2) is found too; it has no name.
pub fn client_hello(stream: &[u8]) -> Dissection<ClientHello> {
    // A record of TLS starts with a small number, a hello of SSL 2 with the high bit set.
    if sslv2::may_start(stream) {
        return sslv2::client_hello(stream);
    }
    let mut records = Records::new(stream);
    let Some(first) = records.next() else {
        return records.verdict();
    };
    // Nearly every hello is one record: read it where it stands.
    match client_hello_message(first.bytes) {
        Dissection::NeedMore => {}
        settled => return settled,
    }
    if !first.whole() {
        return Dissection::NeedMore;
    }
    match measure(stream) {
        Dissection::Found(len) => client_hello_message(&join(stream, len)),
        Dissection::NotThis => Dissection::NotThis,
        Dissection::NeedMore => Dissection::NeedMore,
    }
}

/// What can be read of a hello whose rest will never come, because the capture cut the packet: the server name if its
/// extension is wholly there. `None` where it is no hello, or too little of it is there to say so.
pub fn cut_client_hello(stream: &[u8]) -> Option<ClientHello> {
    if sslv2::may_start(stream) {
        return sslv2::cut_client_hello(stream);
    }
    cut_message(&join(stream, HANDSHAKE_HEADER_LEN + MAX_HELLO_LEN))
}

/// The length of the message in these records, header included, once it is wholly there.
fn measure(stream: &[u8]) -> Dissection<usize> {
    let mut records = Records::new(stream);
    let mut head = Head::default();
    let mut needed = None;
    let mut held = 0;
    for (count, record) in records.by_ref().enumerate() {
        if count >= MAX_RECORDS {
            return Dissection::NotThis;
        }
        held += record.bytes.len();
        if needed.is_none() {
            head.push(record.bytes);
            match body_len(head.bytes()) {
                Dissection::Found(len) => needed = Some(HANDSHAKE_HEADER_LEN + len),
                Dissection::NotThis => return Dissection::NotThis,
                Dissection::NeedMore => {}
            }
        }
        if let Some(needed) = needed.filter(|&needed| held >= needed) {
            return Dissection::Found(needed);
        }
    }
    records.verdict()
}

/// The first `len` bytes in the records, as far as they are there.
fn join(stream: &[u8], len: usize) -> Vec<u8> {
    let mut joined = Vec::with_capacity(len.min(stream.len()));
    for record in Records::new(stream).take(MAX_RECORDS) {
        let wanted = len - joined.len();
        joined.extend(record.bytes.iter().take(wanted));
        if joined.len() == len {
            break;
        }
    }
    joined
}

/// The first bytes of a message that may be scattered over records: its header and the version behind it.
#[derive(Default)]
pub(super) struct Head {
    kept: [u8; HANDSHAKE_HEADER_LEN + 2],
    len: usize,
}

impl Head {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let room = &mut self.kept[self.len..];
        let count = bytes.len().min(room.len());
        room[..count].copy_from_slice(&bytes[..count]);
        self.len += count;
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.kept[..self.len]
    }

    pub(super) fn is_full(&self) -> bool {
        self.len == self.kept.len()
    }
}

/// The handshake records at the start of a stream, the last of them perhaps cut.
pub(super) struct Records<'a> {
    rest: &'a [u8],
    broken: bool,
}

/// A record of which at least one byte is there.
pub(super) struct Record<'a> {
    pub(super) bytes: &'a [u8],
    /// Length that the record's header claims.
    pub(super) len: usize,
}

impl Record<'_> {
    fn whole(&self) -> bool {
        self.bytes.len() == self.len
    }
}

impl<'a> Records<'a> {
    pub(super) fn new(stream: &'a [u8]) -> Self {
        Self {
            rest: stream,
            broken: false,
        }
    }

    /// What the end of the records means.
    pub(super) fn verdict<T>(&self) -> Dissection<T> {
        if self.broken {
            Dissection::NotThis
        } else {
            Dissection::NeedMore
        }
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        // Every byte is judged as soon as it is there, so that other protocols settle at once.
        let header = &self.rest[..self.rest.len().min(RECORD_HEADER_LEN)];
        let wrong = |at: usize, ok: fn(u8) -> bool| header.get(at).is_some_and(|&byte| !ok(byte));
        if wrong(0, |kind| kind == RECORD_HANDSHAKE)
            || wrong(1, |major| major == MAJOR_VERSION)
            || wrong(2, |minor| minor <= MAX_MINOR_VERSION)
        {
            self.broken = true;
            return None;
        }
        let &[_, _, _, high, low] = header else {
            return None;
        };
        let len = usize::from(u16::from_be_bytes([high, low]));
        if len == 0 || len > MAX_RECORD_LEN {
            self.broken = true;
            return None;
        }
        let body = &self.rest[RECORD_HEADER_LEN..];
        let bytes = &body[..len.min(body.len())];
        self.rest = &body[bytes.len()..];
        // A record of which nothing is there yet says nothing yet.
        (!bytes.is_empty()).then_some(Record { bytes, len })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::building::{dtls_hello, example, expected, hello_message, records, sni};
    use super::super::{MAX_STREAM_LEN, find_client_hello};
    use super::*;

    #[test]
    fn every_prefix_needs_more_until_the_whole_is_found() {
        for size in [MAX_RECORD_LEN, 700, 100, 3] {
            let stream = records(&example(), size);
            for end in 0..stream.len() {
                assert_eq!(
                    client_hello(&stream[..end]),
                    Dissection::NeedMore,
                    "prefix of {end} bytes, records of {size}"
                );
            }
            assert_eq!(client_hello(&stream), Dissection::Found(expected()));
            let mut more = stream.clone();
            more.extend([20, 3, 3, 0, 1, 1]);
            assert_eq!(client_hello(&more), Dissection::Found(expected()));
        }
    }

    #[test]
    fn a_hello_of_today_is_read_from_records_of_one_byte() {
        let big = hello_message(&[(51, vec![0; 1800]), sni("a.example")]);
        let stream = records(&big, 1);
        assert!(big.len() <= MAX_RECORDS && stream.len() <= MAX_STREAM_LEN);
        let Dissection::Found(hello) = client_hello(&stream) else {
            panic!("not found");
        };
        assert_eq!(hello.server_name.as_deref(), Some(&b"a.example"[..]));
        assert_eq!(cut_client_hello(&stream), Some(hello));
    }

    #[test]
    fn more_records_than_the_cap_are_no_hello() {
        let stream = records(&hello_message(&[(51, vec![0; MAX_RECORDS])]), 1);
        let settles = (MAX_RECORDS + 1) * 6;
        assert_eq!(client_hello(&stream[..settles - 1]), Dissection::NeedMore);
        assert_eq!(client_hello(&stream[..settles]), Dissection::NotThis);
        assert_eq!(client_hello(&stream), Dissection::NotThis);
    }

    #[test]
    fn other_protocols_settle_at_once() {
        for other in [
            &b"GET / HTTP/1.1\r\n"[..],
            b"SSH-2.0-x",
            b"\x16\x02\x00",
            b"\x16\x03\x01\x00\x00",                 // an empty record
            b"\x16\x03\x01\xff\xff",                 // a record longer than the limit
            b"\x16\x03\x03\x00\x04\x02",             // a ServerHello
            b"\x16\x03\x01\x40\x00\x01\xff\x00\x00", // a hello longer than the cap
        ] {
            assert_eq!(client_hello(other), Dissection::NotThis, "{other:?}");
            assert_eq!(cut_client_hello(other), None, "{other:?}");
        }
        // The length has two more bytes to come.
        assert_eq!(
            client_hello(b"\x16\x03\x01\x40\x00\x01\xff"),
            Dissection::NeedMore
        );
    }

    #[test]
    fn dtls_is_never_tls() {
        // Versions 1.0, 1.2, that of OpenSSL before the standard; a hello of 1.3 says 1.2.
        for version in [[0xfe, 0xff], [0xfe, 0xfd], [0x01, 0x00]] {
            let datagram = dtls_hello(version);
            assert_eq!(client_hello(&datagram[..3]), Dissection::NotThis);
            assert_eq!(client_hello(&datagram), Dissection::NotThis);
            assert_eq!(cut_client_hello(&datagram), None);
            assert_eq!(find_client_hello(&datagram), None);
        }
    }

    #[test]
    fn a_cut_stream_gives_its_name_once_that_is_there() {
        for size in [MAX_RECORD_LEN, 700, 3] {
            let stream = records(&example(), size);
            let mut named = false;
            for end in 0..stream.len() {
                let cut = cut_client_hello(&stream[..end]);
                let name = cut.and_then(|hello| hello.server_name);
                assert!(name.is_some() >= named, "{end}: the name was lost again");
                assert!(name.is_none() || name == expected().server_name);
                named = name.is_some();
            }
            assert!(named && cut_client_hello(&stream) == Some(expected()));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_settle_once(bytes in prop::collection::vec(prop_oneof![any::<u8>(), Just(0), Just(1), Just(3), Just(22), Just(128)], 0..200)) {
            check_settles(&bytes);
        }

        #[test]
        fn a_changed_hello_settles_once(at in 0..1300usize, byte in any::<u8>(), size in 1..1500usize) {
            let mut stream = records(&example(), size);
            let at = at % stream.len();
            stream[at] = byte;
            check_settles(&stream);
        }

        /// Nothing that was cut away is needed to agree with the whole.
        #[test]
        fn a_cut_hello_agrees_with_the_whole(cut in 0..2000usize, size in 1..1500usize) {
            let stream = records(&example(), size);
            let whole = expected();
            if let Some(hello) = cut_client_hello(&stream[..cut.min(stream.len())]) {
                prop_assert!(hello.server_name.is_none() || hello.server_name == whole.server_name);
                prop_assert!(hello.alpn().is_none() || hello.alpn() == whole.alpn());
                prop_assert!(!hello.ech || whole.ech);
            }
        }
    }

    /// Over all prefixes the answer starts at "need more", settles, and never changes.
    fn check_settles(bytes: &[u8]) {
        let mut settled = Dissection::NeedMore;
        for end in 0..=bytes.len() {
            let now = client_hello(&bytes[..end]);
            if settled != Dissection::NeedMore {
                assert_eq!(now, settled, "changed at {end}");
            }
            settled = now;
            cut_client_hello(&bytes[..end]);
        }
    }
}
