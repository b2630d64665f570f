//! The first bytes of a TLS stream, of the client's side and of the server's.

use straggler::dissect::Dissection;
use straggler::dissect::tls::{MAX_HELLO_LEN, client_hello, client_hello_message, server_reply};

/// How the records are cut when a message is put in them again.
const RECORD_LENS: [usize; 3] = [7, 100, 16 * 1024];

/// Input: the stream.
pub fn check(input: &[u8]) {
    let _ = super::settles_once(input, server_reply);
    let hello = super::settles_once(input, client_hello);
    if let Dissection::Found(hello) = &hello {
        let name = hello.server_name.as_ref().map_or(0, Vec::len);
        assert!(name + hello.protocols.len() <= input.len());
    }
    // The same bytes as a message of its own: in records it tells the same, however they are cut.
    let message = super::settles_once(input, client_hello_message);
    let most_records = 256;
    for len in RECORD_LENS {
        if input.is_empty() || input.len() > MAX_HELLO_LEN || input.len() > most_records * len {
            continue;
        }
        assert_eq!(
            client_hello(&records(input, len)),
            message,
            "records of {len}"
        );
    }
}

fn records(message: &[u8], len: usize) -> Vec<u8> {
    let record = |part: &[u8]| {
        let [high, low] = u16::try_from(part.len()).unwrap_or(u16::MAX).to_be_bytes();
        [&[22, 3, 1, high, low], part].concat()
    };
    message.chunks(len).flat_map(record).collect()
}
