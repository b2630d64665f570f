//! DNS over TCP: messages behind their lengths (RFC 1035, section 4.2.2; RFC 7766, section 8).

use super::{HEADER_LEN, header};
use crate::dissect::Dissection;

/// How much of a message in a stream is read, in bytes. All questions that are read fit, and the 64 records of an
/// ordinary answer; what comes after them in a longer one (a zone transfer, signatures, many TXT records) tells nothing
/// here, and waiting for 64 KiB would be memory held for a stranger.
pub const MAX_MESSAGE_LEN: usize = 4096;

const PREFIX_LEN: usize = 2;

/// A message at the start of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Framed<'a> {
    /// The message, of a long one the first [`MAX_MESSAGE_LEN`] bytes.
    pub message: &'a [u8],
    /// Bytes of the stream up to the next message: the two of the length, and all of this message, whether it is there
    /// or not.
    pub whole_len: usize,
}

/// Takes the message that stands at the start of a stream, as soon as all of it that is read is there. Not DNS: a length
/// that no header fits, or a header that is none of a standard query or its response.
///
/// A header is a weak signature: whoever reads streams of any port should ask [`crate::dissect::tls::client_hello`] first,
/// because one TLS record in thirty has a length that reads like the flags of a response.
///
/// Later messages of a zone transfer may have no question (RFC 5936, section 2.2), and a session may send messages of
/// another kind (RFC 8490, RFC 1996). The stream is not read behind one of those; nobody asks for a name there.
pub fn stream_message(stream: &[u8]) -> Dissection<Framed<'_>> {
    let Some((&prefix, rest)) = stream.split_first_chunk::<PREFIX_LEN>() else {
        return Dissection::NeedMore;
    };
    let len = usize::from(u16::from_be_bytes(prefix));
    if len < HEADER_LEN {
        return Dissection::NotThis;
    }
    match header(&rest[..len.min(rest.len())]) {
        Dissection::NotThis => return Dissection::NotThis,
        Dissection::NeedMore => return Dissection::NeedMore,
        Dissection::Found(_) => {}
    }
    match rest.get(..len.min(MAX_MESSAGE_LEN)) {
        None => Dissection::NeedMore,
        Some(message) => Dissection::Found(Framed {
            message,
            whole_len: PREFIX_LEN + len,
        }),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::building::{query_bytes, response_bytes};
    use super::*;

    fn framed(message: &[u8]) -> Vec<u8> {
        [&(message.len() as u16).to_be_bytes()[..], message].concat()
    }

    #[test]
    fn every_prefix_needs_more_until_the_message_is_whole() {
        let (query, response) = (query_bytes("a.example."), response_bytes());
        let stream = [framed(&query), framed(&response)].concat();
        let first_end = 2 + query.len();
        for end in 0..first_end {
            let prefix = &stream[..end];
            assert_eq!(stream_message(prefix), Dissection::NeedMore, "{end}");
        }
        for end in first_end..=stream.len() {
            let Dissection::Found(found) = stream_message(&stream[..end]) else {
                panic!("{end}")
            };
            assert_eq!((found.message, found.whole_len), (&query[..], first_end));
        }
        let Dissection::Found(second) = stream_message(&stream[first_end..]) else {
            panic!()
        };
        assert_eq!(second.message, response);
    }

    #[test]
    fn of_a_long_message_the_first_part_is_read_and_all_of_it_skipped() {
        let mut long = query_bytes("a.example.");
        long.resize(60_000, 7);
        let stream = framed(&long);
        let needed = 2 + MAX_MESSAGE_LEN;
        assert_eq!(stream_message(&stream[..needed - 1]), Dissection::NeedMore);
        for end in [needed, needed + 1, stream.len()] {
            let expected = Framed {
                message: &long[..MAX_MESSAGE_LEN],
                whole_len: 60_002,
            };
            assert_eq!(stream_message(&stream[..end]), Dissection::Found(expected));
        }
    }

    #[test]
    fn other_protocols_settle_early() {
        for other in [
            &b"\x00\x0b"[..],                                            // shorter than a header
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\x07\x07\x07", // TLS
            b"SSH-2.0",
            b"GET / HTTP/1.1\r\n",
            b"\x00\x1d\x07\x07\x28",                     // another opcode
            b"\x00\x0c\x07\x07\x01\x00\0\0\0\0\0\0\0\0", // no question
        ] {
            assert_eq!(stream_message(other), Dissection::NotThis, "{other:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_settle_once(bytes in prop::collection::vec(prop_oneof![any::<u8>(), Just(0)], 0..80)) {
            let mut settled = Dissection::NeedMore;
            for end in 0..=bytes.len() {
                let now = stream_message(&bytes[..end]);
                if settled != Dissection::NeedMore {
                    prop_assert_eq!(&now, &settled);
                }
                settled = now;
            }
        }
    }
}
