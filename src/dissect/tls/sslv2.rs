//! A ClientHello in the form of SSL 2 (RFC 5246, appendix E.2), which clients of about 2000 to 2010 sent so that servers
//! of either kind would understand it. It has no extensions, so no name; but it is TLS, and the flow is one that
//! cannot be named rather than one that is something else.
//!
//! Its record starts with a length whose high bit is set. Before TLS over TCP that can be DNS (RFC 1035, section 4.2.2)
//! only with a message of 32 KiB, which no client sends; and the third byte, there the first of the message's
//! identifier, and the lengths must fit too. So little else fits by chance: about 1 in 2^40 of random bytes.

use super::{ClientHello, Dissection, MAJOR_VERSION, MAX_MINOR_VERSION, Reader, Short};

const LENGTH_FLAG: u16 = 0x8000;
const MSG_CLIENT_HELLO: u8 = 1;
const VERSION_SSL2: [u8; 2] = [0, 2];
/// Length, type, version, and the three lengths of what follows.
const HEADER_LEN: usize = 2 + 1 + 2 + 3 * 2;
/// Cipher specs of one hello. All that were ever given a number in SSL 2, SSL 3 and TLS 1.0 are fewer.
const MAX_SPECS: usize = 256;
const SPEC_LEN: usize = 3;
const SESSION_ID_LEN: usize = 16;
const MAX_CHALLENGE_LEN: usize = 32;
const MIN_CHALLENGE_LEN: usize = 16;
/// Longest message, without the two bytes of its own length.
const MAX_LEN: usize = HEADER_LEN - 2 + MAX_SPECS * SPEC_LEN + SESSION_ID_LEN + MAX_CHALLENGE_LEN;

/// Whether the first byte leads here and not to a record of TLS.
pub(super) fn may_start(stream: &[u8]) -> bool {
    stream.first().is_some_and(|&first| first & 0x80 != 0)
}

/// Finds the hello once it is whole.
pub(super) fn client_hello(stream: &[u8]) -> Dissection<ClientHello> {
    match header(stream) {
        Dissection::Found(len) if stream.len() >= len => Dissection::Found(ClientHello::default()),
        Dissection::Found(_) | Dissection::NeedMore => Dissection::NeedMore,
        Dissection::NotThis => Dissection::NotThis,
    }
}

/// Finds the hello if its header is there, which is all that says what it is.
pub(super) fn cut_client_hello(stream: &[u8]) -> Option<ClientHello> {
    matches!(header(stream), Dissection::Found(_)).then(ClientHello::default)
}

/// The length of the whole hello, its own length included.
fn header(stream: &[u8]) -> Dissection<usize> {
    // Every byte is judged as soon as it is there.
    let byte = |at: usize| stream.get(at).copied();
    let [longest, _] = (LENGTH_FLAG | MAX_LEN as u16).to_be_bytes();
    if byte(0).is_some_and(|high| high & 0x80 == 0 || high > longest)
        || byte(2).is_some_and(|kind| kind != MSG_CLIENT_HELLO)
    {
        return Dissection::NotThis;
    }
    let versions = [VERSION_SSL2]
        .into_iter()
        .chain((0..=MAX_MINOR_VERSION).map(|minor| [MAJOR_VERSION, minor]));
    let there = stream.get(3..).unwrap_or_default();
    let mut fitting = versions.filter(|version| {
        let count = there.len().min(version.len());
        there[..count] == version[..count]
    });
    if fitting.next().is_none() {
        return Dissection::NotThis;
    }
    let mut reader = Reader::new(stream);
    let fields = (|| {
        let len = usize::from(reader.u16()? & !LENGTH_FLAG);
        reader.take(1 + 2)?;
        let [specs, session, challenge] = [reader.u16()?, reader.u16()?, reader.u16()?];
        Ok((len, [specs, session, challenge].map(usize::from)))
    })();
    let (len, [specs, session, challenge]) = match fields {
        Ok(fields) => fields,
        Err(Short) => return Dissection::NeedMore,
    };
    let fits = specs > 0
        && specs % SPEC_LEN == 0
        && specs <= MAX_SPECS * SPEC_LEN
        && (session == 0 || session == SESSION_ID_LEN)
        && (MIN_CHALLENGE_LEN..=MAX_CHALLENGE_LEN).contains(&challenge)
        && len + 2 == HEADER_LEN + specs + session + challenge;
    if fits {
        Dissection::Found(len + 2)
    } else {
        Dissection::NotThis
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{client_hello, cut_client_hello};
    use super::*;

    fn hello(version: [u8; 2], specs: u16, session: u16, challenge: u16) -> Vec<u8> {
        let mut hello = (LENGTH_FLAG | (9 + specs + session + challenge))
            .to_be_bytes()
            .to_vec();
        hello.push(1);
        hello.extend(version);
        for len in [specs, session, challenge] {
            hello.extend(len.to_be_bytes());
        }
        hello.resize(hello.len() + usize::from(specs + session + challenge), 7);
        hello
    }

    #[test]
    fn every_prefix_needs_more_until_the_whole_is_found_without_a_name() {
        for stream in [
            hello([3, 1], 75, 0, 32),
            hello([0, 2], 21, 16, 16),
            hello([3, 3], 3 * 256, 16, 32),
        ] {
            for end in 0..stream.len() {
                let prefix = &stream[..end];
                assert_eq!(client_hello(prefix), Dissection::NeedMore, "{end}");
                assert_eq!(cut_client_hello(prefix).is_some(), end >= 11, "{end}");
            }
            let found = Dissection::Found(ClientHello::default());
            assert_eq!(client_hello(&stream), found);
            assert_eq!(client_hello(&[&stream[..], b"more"].concat()), found);
        }
    }

    #[test]
    fn fields_that_do_not_fit_are_no_hello() {
        let mut longer = hello([3, 1], 75, 0, 32);
        longer[1] += 1;
        let mut server = hello([3, 1], 75, 0, 32);
        server[2] = 4;
        for stream in [
            longer,
            server,
            hello([3, 5], 75, 0, 32),
            hello([2, 0], 75, 0, 32),
            hello([0xfe, 0xfd], 75, 0, 32),
            hello([3, 1], 74, 0, 32),
            hello([3, 1], 0, 0, 32),
            hello([3, 1], 75, 8, 32),
            hello([3, 1], 75, 0, 15),
            hello([3, 1], 75, 0, 33),
            hello([3, 1], 3 * 257, 16, 32),
        ] {
            assert_eq!(client_hello(&stream[..11]), Dissection::NotThis);
            assert_eq!(cut_client_hello(&stream), None);
        }
        // Most else settles with its first byte or its third.
        assert_eq!(client_hello(&[0x84]), Dissection::NotThis);
        assert_eq!(client_hello(&[0x80, 0x2e, 2]), Dissection::NotThis);
        assert_eq!(client_hello(&[0x80, 0x2e, 1, 1]), Dissection::NotThis);
    }

    proptest! {
        #[test]
        fn random_bytes_are_none(mut bytes in prop::collection::vec(any::<u8>(), 11..60)) {
            bytes[0] |= 0x80;
            prop_assert_eq!(client_hello(&bytes), Dissection::NotThis);
        }

        #[test]
        fn a_changed_hello_settles_once(at in 0..60usize, byte in any::<u8>()) {
            let mut stream = hello([3, 1], 30, 0, 32);
            let at = at % stream.len();
            stream[at] = byte;
            let mut settled = Dissection::NeedMore;
            for end in 0..=stream.len() {
                let now = client_hello(&stream[..end]);
                if settled != Dissection::NeedMore {
                    prop_assert_eq!(&now, &settled);
                }
                settled = now;
            }
        }
    }
}
