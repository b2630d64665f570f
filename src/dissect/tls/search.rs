//! Where in a client's stream another protocol gives way to TLS.
//!
//! Mail, directories, databases and proxies speak their own protocol first and turn to TLS on the same connection:
//! STARTTLS (RFC 3207, RFC 2595, RFC 2830), SOCKS (RFC 1928), the SSLRequest of PostgreSQL, the prelogin of TDS. What the
//! client says before differs; the hello does not, so it is looked for by what it is.

use super::hello::body_len;
use super::records::{Head, Records};
use super::{Dissection, HANDSHAKE_HEADER_LEN, MAJOR_VERSION, MAX_MINOR_VERSION, RECORD_HANDSHAKE};

/// Shortest body of a ClientHello: version, random, no session id, one cipher suite, one compression method.
const MIN_BODY_LEN: usize = 2 + 32 + 1 + (2 + 2) + (1 + 1);

/// The offset at which a ClientHello in TLS records starts, or may be starting: what is there may fit and end too early
/// to tell. A caller may drop everything before the offset, all of it for `None`, append what comes next and search
/// again: no hello is missed. A start that stays possible is at most 35 bytes long.
///
/// [`super::client_hello`] at the offset decides. Where it says "not this", as it does for a signature that stands in
/// other data by chance (1 in 2^60) or on purpose, search on behind the offset.
///
/// The signature: handshake records of SSL 3 or TLS, of lengths that fit, in them the header of a ClientHello whose
/// length neither ends inside its first records nor is too short for one, and a version of SSL 3 or TLS. It takes at
/// most six records to see that much, so that the search takes time linear in the bytes.
pub fn find_client_hello(bytes: &[u8]) -> Option<usize> {
    let mut starts = (0..bytes.len()).filter(|&at| bytes[at] == RECORD_HANDSHAKE);
    starts.find(|&at| signature(&bytes[at..]) != Dissection::NotThis)
}

fn signature(bytes: &[u8]) -> Dissection<()> {
    let mut records = Records::new(bytes);
    let mut head = Head::default();
    let mut claimed = 0;
    for record in records.by_ref() {
        head.push(record.bytes);
        claimed += record.len;
        let fits = match body_len(head.bytes()) {
            // Nothing else may stand in the records of a hello (RFC 8446, section 5.1).
            Dissection::Found(len) => len >= MIN_BODY_LEN && claimed <= HANDSHAKE_HEADER_LEN + len,
            Dissection::NeedMore => true,
            Dissection::NotThis => false,
        };
        let version = &head.bytes()[HANDSHAKE_HEADER_LEN.min(head.bytes().len())..];
        if !fits || !may_be_version(version) {
            return Dissection::NotThis;
        }
        if head.is_full() {
            return Dissection::Found(());
        }
    }
    records.verdict()
}

fn may_be_version(version: &[u8]) -> bool {
    let [major, minor] = [0, 1].map(|at| version.get(at));
    major.is_none_or(|&major| major == MAJOR_VERSION)
        && minor.is_none_or(|&minor| minor <= MAX_MINOR_VERSION)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::building::{example, expected, records};
    use super::super::client_hello;
    use super::*;

    /// Feeds a stream in parts as a caller does, dropping what is before the offset; the hello, once it is there.
    fn search(stream: &[u8], sizes: &[usize]) -> Option<Vec<u8>> {
        let mut kept: Vec<u8> = Vec::new();
        let mut rest = stream;
        let mut sizes = sizes.iter().copied().chain(std::iter::repeat(1500));
        while !rest.is_empty() {
            let (part, later) = rest.split_at(sizes.next()?.clamp(1, rest.len()));
            kept.extend(part);
            rest = later;
            let start = find_client_hello(&kept).unwrap_or(kept.len());
            kept.drain(..start);
            if let Dissection::Found(hello) = client_hello(&kept) {
                assert_eq!(hello, expected());
                return Some(kept);
            }
        }
        None
    }

    #[test]
    fn protocols_that_turn_to_tls() {
        for before in [
            &b""[..],
            b"EHLO a.example\r\nSTARTTLS\r\n",
            b"a1 CAPABILITY\r\na2 STARTTLS\r\n",
            b"AUTH TLS\r\n",
            b"\0\0\0\x08\x04\xd2\x16\x2f", // PostgreSQL: its code holds a 22
            b"\x05\x01\x00\x05\x01\x00\x03\x09a.example\x01\xbb",
            b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037", // LDAP: so does its length
            b"\x03\0\0\x13\x0e\xe0\0\0\0\0\0\x01\0\x08\0\x03\0\0\0",       // RDP
        ] {
            for size in [16384, 600, 3, 1] {
                let stream = [before, &records(&example(), size)].concat();
                assert_eq!(find_client_hello(&stream), Some(before.len()));
                assert!(search(&stream, &[]).is_some());
                assert!(search(&stream, &[1; 100]).is_some());
            }
        }
    }

    #[test]
    fn what_only_resembles_a_hello_is_passed_over() {
        let hello = records(&example(), 16384);
        for (at, wrong) in [
            (1, 2),    // another protocol version
            (2, 5),    // likewise
            (3, 0x50), // a record longer than the limit
            (3, 0),    // fits, because a hello may go on in further records
            (5, 2),    // a ServerHello
            (6, 1),    // a hello longer than is read
            (7, 0),    // a hello that ends inside its record
            (9, 2),    // another version inside
            (10, 5),   // likewise
        ] {
            let mut changed = hello.clone();
            changed[at] = wrong;
            let expected = ((at, wrong) == (3, 0)).then_some(0);
            assert_eq!(find_client_hello(&changed), expected, "{at}: {wrong}");
        }
        // Every prefix may become one.
        for end in 1..hello.len() {
            assert_eq!(find_client_hello(&hello[..end]), Some(0));
        }
        assert_eq!(find_client_hello(b""), None);
    }

    #[test]
    fn the_search_goes_on_behind_a_signature_that_was_none() {
        let hello = records(&example(), 16384);
        let mut lie = hello.clone();
        lie[5 + 4 + 2 + 32 + 1] = 255; // the cipher suites are longer than their hello
        let stream = [&lie[..], &hello].concat();
        assert_eq!(find_client_hello(&stream), Some(0));
        assert_eq!(client_hello(&stream), Dissection::NotThis);
        assert_eq!(find_client_hello(&stream[1..]), Some(lie.len() - 1));
    }

    /// Bytes that like to look like the start of a record.
    fn text() -> impl Strategy<Value = Vec<u8>> {
        let byte = prop_oneof![
            4 => any::<u8>(),
            1 => prop::sample::select(&[22, 3, 1, 0, 4][..]),
        ];
        let end = prop_oneof![
            Just(&b"\x16\x03\x01\x02\0"[..]),
            Just(&b"\x16\x03"[..]),
            Just(&b"x"[..])
        ];
        (prop::collection::vec(byte, 0..120), end).prop_map(|(text, end)| [&text, end].concat())
    }

    proptest! {
        #[test]
        fn a_hello_is_found_behind_any_text(before in text(), size in 1..2000usize, sizes in prop::collection::vec(1..40usize, 0..80)) {
            let hello = records(&example(), size);
            let stream = [&before[..], &hello].concat();
            // Text may hold a signature of its own only with the first bytes of the hello behind it.
            prop_assume!(find_client_hello(&stream) == Some(before.len()));
            let found = search(&stream, &sizes);
            prop_assert!(found.is_some_and(|kept| hello.starts_with(&kept)));
        }

        /// What is dropped is never needed: in parts the same place is found as in one piece.
        #[test]
        fn dropping_loses_nothing(bytes in text(), cut in 0..130usize) {
            let (first, second) = bytes.split_at(cut.min(bytes.len()));
            let start = find_client_hello(first).unwrap_or(first.len());
            let later = [&first[start..], second].concat();
            prop_assert_eq!(
                find_client_hello(&later).map(|at| at + start),
                find_client_hello(&bytes)
            );
        }
    }
}
