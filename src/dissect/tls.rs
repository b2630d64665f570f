//! TLS: the ClientHello with its server name, and the first thing a server says back.
//!
//! RFC 8446 (records: section 5.1, ClientHello: 4.1.2, extensions: 4.2), RFC 6066 section 3 (server name), RFC 7301
//! (ALPN), RFC 9849 (Encrypted ClientHello).
//!
//! Assumptions: the input is the start of one direction of a stream, in order. A hello may span any number of records.
//! Not handled: SSLv2-compatible hellos; DTLS, which never looks like this.

use super::{Dissection, Reader, Short};

const RECORD_HANDSHAKE: u8 = 22;
const RECORD_ALERT: u8 = 21;
const RECORD_HEADER_LEN: usize = 5;
/// RFC 8446, section 5.1: a plaintext record holds at most 2^14 bytes.
const MAX_RECORD_LEN: usize = 1 << 14;
const HANDSHAKE_CLIENT_HELLO: u8 = 1;
pub(super) const HANDSHAKE_HEADER_LEN: usize = 4;
const ALERT_WARNING: u8 = 1;

const EXTENSION_SERVER_NAME: u16 = 0;
const EXTENSION_ALPN: u16 = 16;
const EXTENSION_ECH: u16 = 0xfe0d;
const NAME_TYPE_HOST: u8 = 0;

/// Longest ClientHello that is read, in bytes. Post-quantum key shares make about 2 KiB; 64 KiB of extensions is legal,
/// but nobody sends it, and every byte waited for is memory held for a stranger.
pub const MAX_HELLO_LEN: usize = 16 * 1024;

/// Records that one hello may span: clients use one to three. The walk over them is repeated with each segment.
const MAX_RECORDS: usize = 256;

/// Bytes of a stream that can be needed to read the longest hello: with records of one byte it would be five times
/// more, which only a hostile sender makes.
pub const MAX_STREAM_LEN: usize = MAX_HELLO_LEN + 64 * RECORD_HEADER_LEN;

/// What a ClientHello tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientHello {
    /// Server name as sent, any bytes; `None` where the extension is absent or empty.
    pub server_name: Option<Vec<u8>>,
    /// First protocol offered by ALPN.
    pub alpn: Option<Vec<u8>>,
    /// Whether an Encrypted ClientHello extension is present; it may be a decoy (GREASE).
    pub ech: bool,
}

/// Reads a ClientHello from the first bytes of a client's stream.
pub fn client_hello(stream: &[u8]) -> Dissection<ClientHello> {
    let mut records = Records::new(stream);
    let Some(first) = records.next() else {
        return records.verdict();
    };
    // Nearly every hello is one record: read it where it stands.
    match client_hello_message(first.bytes) {
        Dissection::NeedMore => {}
        settled => return settled,
    }
    if !first.whole {
        return Dissection::NeedMore;
    }
    let mut joined = first.bytes.to_vec();
    for (count, record) in records.by_ref().enumerate() {
        if count >= MAX_RECORDS
            || joined.len() + record.bytes.len() > MAX_HELLO_LEN + HANDSHAKE_HEADER_LEN
        {
            return Dissection::NotThis;
        }
        joined.extend_from_slice(record.bytes);
        match client_hello_message(&joined) {
            Dissection::NeedMore => {}
            settled => return settled,
        }
    }
    records.verdict()
}

/// What a server said first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerReply {
    /// A fatal alert: the server, or something that speaks for it, refused.
    FatalAlert,
    /// Anything else: the server talks.
    Talk,
}

/// Reads the first bytes of a server's stream after the client's hello was seen.
/// A warning alert settles nothing: what follows it decides.
pub fn server_reply(stream: &[u8]) -> Dissection<ServerReply> {
    let mut reader = Reader::new(stream);
    loop {
        match reader.u8() {
            Err(Short) => return Dissection::NeedMore,
            Ok(RECORD_ALERT) => {}
            Ok(_) => return Dissection::Found(ServerReply::Talk),
        }
        let alert = (|| {
            let major = reader.u8()?;
            reader.u8()?;
            let body = reader.vec16()?.rest();
            Ok((major, body))
        })();
        match alert {
            Err(Short) => return Dissection::NeedMore,
            Ok((3, &[ALERT_WARNING, _])) => {}
            Ok((3, _)) => return Dissection::Found(ServerReply::FatalAlert),
            Ok(_) => return Dissection::Found(ServerReply::Talk),
        }
    }
}

/// The handshake records at the start of a stream, the last of them perhaps cut.
struct Records<'a> {
    rest: &'a [u8],
    broken: bool,
}

struct Record<'a> {
    bytes: &'a [u8],
    whole: bool,
}

impl<'a> Records<'a> {
    fn new(stream: &'a [u8]) -> Self {
        Self {
            rest: stream,
            broken: false,
        }
    }

    /// What the end of the records means.
    fn verdict<T>(&self) -> Dissection<T> {
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
            || wrong(1, |major| major == 3)
            || wrong(2, |minor| minor <= 4)
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
        let whole = body.len() >= len;
        let bytes = &body[..len.min(body.len())];
        self.rest = &body[bytes.len()..];
        // A record of which nothing is there yet says nothing yet.
        (!bytes.is_empty()).then_some(Record { bytes, whole })
    }
}

/// Reads a ClientHello from a handshake message that is not in records, as QUIC carries it (RFC 9001, section 4).
/// Bytes behind the message are not looked at.
pub fn client_hello_message(bytes: &[u8]) -> Dissection<ClientHello> {
    match bytes.first() {
        None => return Dissection::NeedMore,
        Some(&HANDSHAKE_CLIENT_HELLO) => {}
        Some(_) => return Dissection::NotThis,
    }
    let mut reader = Reader::new(bytes);
    let header = (|| {
        reader.u8()?;
        reader.u24()
    })();
    let Ok(len) = header else {
        return Dissection::NeedMore;
    };
    if len > MAX_HELLO_LEN {
        return Dissection::NotThis;
    }
    let Some(body) = reader.rest().get(..len) else {
        return Dissection::NeedMore;
    };
    // The whole message is there, so a field that runs out now is a lie, not a lack.
    match hello_body(Reader::new(body)) {
        Ok(hello) => Dissection::Found(hello),
        Err(Short) => Dissection::NotThis,
    }
}

/// RFC 8446, section 4.1.2; a hello of SSL 3 or early TLS may end before the extensions.
fn hello_body(mut body: Reader<'_>) -> Result<ClientHello, Short> {
    let version = body.u16()?;
    if version >> 8 != 3 {
        return Err(Short);
    }
    body.take(32)?; // random
    body.vec8()?; // session id
    body.vec16()?; // cipher suites
    body.vec8()?; // compression methods
    let mut hello = ClientHello {
        server_name: None,
        alpn: None,
        ech: false,
    };
    if body.is_empty() {
        return Ok(hello);
    }
    let mut extensions = body.vec16()?;
    while !extensions.is_empty() {
        let kind = extensions.u16()?;
        let content = extensions.vec16()?;
        // A field inside an extension that is malformed loses that extension, not the hello.
        match kind {
            EXTENSION_SERVER_NAME if hello.server_name.is_none() => {
                hello.server_name = server_name(content).unwrap_or(None);
            }
            EXTENSION_ALPN if hello.alpn.is_none() => hello.alpn = first_alpn(content).ok(),
            EXTENSION_ECH => hello.ech = true,
            _ => {}
        }
    }
    Ok(hello)
}

/// RFC 6066, section 3: the first host name of the list.
fn server_name(mut content: Reader<'_>) -> Result<Option<Vec<u8>>, Short> {
    if content.is_empty() {
        return Ok(None);
    }
    let mut list = content.vec16()?;
    while !list.is_empty() {
        let kind = list.u8()?;
        let name = list.vec16()?;
        if kind == NAME_TYPE_HOST && !name.is_empty() {
            return Ok(Some(name.rest().to_vec()));
        }
    }
    Ok(None)
}

/// RFC 7301, section 3.1.
fn first_alpn(mut content: Reader<'_>) -> Result<Vec<u8>, Short> {
    Ok(content.vec16()?.vec8()?.rest().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A ClientHello as handshake message, with the extensions given.
    fn hello_message(extensions: &[(u16, Vec<u8>)]) -> Vec<u8> {
        let mut list = Vec::new();
        for (kind, content) in extensions {
            list.extend(kind.to_be_bytes());
            list.extend((content.len() as u16).to_be_bytes());
            list.extend(content);
        }
        let mut body = vec![3, 3];
        body.extend([7; 32]);
        body.push(0);
        body.extend([0, 2, 0x13, 0x01]);
        body.extend([1, 0]);
        body.extend((list.len() as u16).to_be_bytes());
        body.extend(list);
        let mut message = vec![1, 0];
        message.extend((body.len() as u16).to_be_bytes());
        message.extend(body);
        message
    }

    fn sni(name: &str) -> (u16, Vec<u8>) {
        let mut content = Vec::new();
        content.extend((name.len() as u16 + 3).to_be_bytes());
        content.push(0);
        content.extend((name.len() as u16).to_be_bytes());
        content.extend(name.as_bytes());
        (EXTENSION_SERVER_NAME, content)
    }

    /// The message in records of at most `size` bytes.
    fn records(message: &[u8], size: usize) -> Vec<u8> {
        let mut stream = Vec::new();
        for part in message.chunks(size) {
            stream.extend([22, 3, 1]);
            stream.extend((part.len() as u16).to_be_bytes());
            stream.extend(part);
        }
        stream
    }

    fn example() -> Vec<u8> {
        hello_message(&[
            (EXTENSION_ECH, vec![0, 1, 2]),
            (10, vec![0; 1200]),
            sni("S07.upd.kaspersky.com"),
            (EXTENSION_ALPN, vec![0, 3, 2, b'h', b'2']),
        ])
    }

    fn expected() -> ClientHello {
        ClientHello {
            server_name: Some(b"S07.upd.kaspersky.com".to_vec()),
            alpn: Some(b"h2".to_vec()),
            ech: true,
        }
    }

    #[test]
    fn every_prefix_needs_more_until_the_whole_is_found() {
        for size in [MAX_RECORD_LEN, 700, 100] {
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
    fn records_of_one_byte_are_read() {
        let short = hello_message(&[sni("a.example")]);
        let Dissection::Found(hello) = client_hello(&records(&short, 1)) else {
            panic!("not found");
        };
        assert_eq!(hello.server_name.as_deref(), Some(&b"a.example"[..]));
    }

    #[test]
    fn no_name_is_found_as_no_name() {
        for extensions in [
            vec![],
            vec![(EXTENSION_SERVER_NAME, vec![])],
            vec![(EXTENSION_SERVER_NAME, vec![0, 3, 0, 0, 0])],
            vec![(EXTENSION_SERVER_NAME, vec![0, 9, 0, 0, 200, b'x'])],
        ] {
            let stream = records(&hello_message(&extensions), 500);
            let Dissection::Found(hello) = client_hello(&stream) else {
                panic!("{extensions:?}");
            };
            assert_eq!(hello.server_name, None, "{extensions:?}");
        }
    }

    #[test]
    fn other_protocols_settle_at_once() {
        for other in [
            &b"GET / HTTP/1.1\r\n"[..],
            b"SSH-2.0-x",
            b"\x16\x02\x00",
            b"\x16\xfe\xfd\0\0\0\0",         // DTLS
            b"\x16\x03\x01\x00\x00",         // an empty record
            b"\x16\x03\x01\xff\xff",         // a record longer than the limit
            b"\x16\x03\x03\x00\x04\x02",     // a ServerHello
            b"\x16\x03\x01\x40\x00\x01\xff", // a hello longer than the cap
        ] {
            let cut = other.len().min(7);
            let verdict = client_hello(&other[..cut]);
            if other == b"\x16\x03\x01\x40\x00\x01\xff" {
                // The length has two more bytes to come.
                assert_eq!(verdict, Dissection::NeedMore);
                assert_eq!(
                    client_hello(b"\x16\x03\x01\x40\x00\x01\xff\0\0"),
                    Dissection::NotThis
                );
            } else {
                assert_eq!(verdict, Dissection::NotThis, "{other:?}");
            }
        }
    }

    #[test]
    fn lengths_that_lie_inside_the_hello_are_no_hello() {
        let mut message = hello_message(&[sni("a.example")]);
        message[4 + 2 + 32] = 255; // the session id claims more than the message holds
        assert_eq!(client_hello(&records(&message, 900)), Dissection::NotThis);
    }

    #[test]
    fn server_replies() {
        let fatal = [21, 3, 3, 0, 2, 2, 40];
        for end in 0..fatal.len() {
            assert_eq!(server_reply(&fatal[..end]), Dissection::NeedMore);
        }
        assert_eq!(
            server_reply(&fatal),
            Dissection::Found(ServerReply::FatalAlert)
        );
        assert_eq!(server_reply(&[22]), Dissection::Found(ServerReply::Talk));
        assert_eq!(server_reply(b"HTTP"), Dissection::Found(ServerReply::Talk));
        let warning = [21, 3, 3, 0, 2, 1, 112];
        assert_eq!(server_reply(&warning), Dissection::NeedMore);
        let mut both = warning.to_vec();
        both.extend([22, 3, 3]);
        assert_eq!(server_reply(&both), Dissection::Found(ServerReply::Talk));
    }

    proptest! {
        #[test]
        fn any_bytes_settle_once(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            check_settles(&bytes);
        }

        #[test]
        fn a_changed_hello_settles_once(at in 0..1300usize, byte in any::<u8>(), size in 1..1500usize) {
            let mut stream = records(&example(), size);
            let at = at % stream.len();
            stream[at] = byte;
            check_settles(&stream);
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
        }
    }
}
