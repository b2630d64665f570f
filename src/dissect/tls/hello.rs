//! The ClientHello message itself, without the records around it.

use super::{
    Dissection, HANDSHAKE_CLIENT_HELLO, HANDSHAKE_HEADER_LEN, MAJOR_VERSION, MAX_HELLO_LEN, Reader,
    Short,
};

const EXTENSION_SERVER_NAME: u16 = 0;
const EXTENSION_ALPN: u16 = 16;
const EXTENSION_ECH: u16 = 0xfe0d;
const NAME_TYPE_HOST: u8 = 0;
const RANDOM_LEN: usize = 32;

/// Bytes of the list of ALPN protocols that are kept. Browsers send 12, the longest of real programs about 60.
const MAX_PROTOCOLS_LEN: usize = 256;

/// What a ClientHello tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientHello {
    /// Server name as sent, any bytes; `None` where the extension is absent or empty.
    pub server_name: Option<Vec<u8>>,
    /// All protocols offered by ALPN, each behind its length (RFC 7301, section 3.1), as far as 256 bytes hold them
    /// whole. Ask [`ClientHello::offers`].
    pub protocols: Vec<u8>,
    /// Whether an Encrypted ClientHello extension is present; it may be a decoy (GREASE).
    pub ech: bool,
}

impl ClientHello {
    /// First protocol offered by ALPN.
    pub fn alpn(&self) -> Option<&[u8]> {
        protocols(&self.protocols).next()
    }

    /// Whether ALPN offers the protocol, by its exact identifier: `h2` for DNS over HTTPS (RFC 8484, as for any web
    /// page), `dot` over TLS (RFC 7858), `doq` over QUIC (RFC 9250).
    pub fn offers(&self, protocol: &[u8]) -> bool {
        protocols(&self.protocols).any(|offered| offered == protocol)
    }

    /// The hello that these extensions make. A field inside an extension that is malformed loses that extension, not
    /// the hello; of a repeated extension the first that can be read counts.
    fn of(extensions: &mut Extensions<'_>) -> Self {
        let mut hello = Self::default();
        for (kind, content) in extensions {
            match kind {
                EXTENSION_SERVER_NAME if hello.server_name.is_none() => {
                    hello.server_name = server_name(content).unwrap_or(None);
                }
                EXTENSION_ALPN if hello.protocols.is_empty() => {
                    let list = alpn(content).unwrap_or_default();
                    hello.protocols = list[..whole_protocols_len(list)].to_vec();
                }
                EXTENSION_ECH => hello.ech = true,
                _ => {}
            }
        }
        hello
    }
}

/// Reads a ClientHello from a handshake message that is not in records, as QUIC carries it (RFC 9001, section 4).
/// Bytes behind the message are not looked at.
pub fn client_hello_message(bytes: &[u8]) -> Dissection<ClientHello> {
    let len = match body_len(bytes) {
        Dissection::Found(len) => len,
        Dissection::NotThis => return Dissection::NotThis,
        Dissection::NeedMore => return Dissection::NeedMore,
    };
    let Some(body) = bytes[HANDSHAKE_HEADER_LEN..].get(..len) else {
        return Dissection::NeedMore;
    };
    // The whole message is there, so a field that runs out now is a lie, not a lack.
    match whole_body(Reader::new(body)) {
        Ok(hello) => Dissection::Found(hello),
        Err(Short) => Dissection::NotThis,
    }
}

/// Length of the body that a ClientHello's header announces (RFC 8446, section 4).
pub(super) fn body_len(message: &[u8]) -> Dissection<usize> {
    if message
        .first()
        .is_some_and(|&kind| kind != HANDSHAKE_CLIENT_HELLO)
    {
        return Dissection::NotThis;
    }
    let header = message.get(1..HANDSHAKE_HEADER_LEN);
    let Some(Ok(len)) = header.map(|len| Reader::new(len).u24()) else {
        return Dissection::NeedMore;
    };
    if len > MAX_HELLO_LEN {
        return Dissection::NotThis;
    }
    Dissection::Found(len)
}

/// Reads what there is of a message of which nothing more will come. `None` unless it is a ClientHello for sure: its
/// header and version stand in front, and nothing that is wholly there lies.
pub(super) fn cut_message(bytes: &[u8]) -> Option<ClientHello> {
    let Dissection::Found(len) = body_len(bytes) else {
        return None;
    };
    let body = &bytes[HANDSHAKE_HEADER_LEN..];
    if let Some(whole) = body.get(..len) {
        return whole_body(Reader::new(whole)).ok();
    }
    let mut body = Reader::new(body);
    version(&mut body).ok()?;
    let mut extensions = Extensions::default();
    if behind_version(&mut body).is_ok()
        && let Ok(len) = body.u16()
    {
        let there = body.rest();
        let len = usize::from(len).min(there.len());
        extensions = Extensions::new(Reader::new(&there[..len]));
    }
    Some(ClientHello::of(&mut extensions))
}

/// RFC 8446, section 4.1.2; a hello of SSL 3 or early TLS may end before the extensions.
fn whole_body(mut body: Reader<'_>) -> Result<ClientHello, Short> {
    version(&mut body)?;
    behind_version(&mut body)?;
    if body.is_empty() {
        return Ok(ClientHello::default());
    }
    let mut extensions = Extensions::new(body.vec16()?);
    let hello = ClientHello::of(&mut extensions);
    if extensions.broken {
        return Err(Short);
    }
    Ok(hello)
}

fn version(body: &mut Reader<'_>) -> Result<(), Short> {
    if body.u16()?.to_be_bytes()[0] == MAJOR_VERSION {
        Ok(())
    } else {
        Err(Short)
    }
}

/// Steps over what stands between version and extensions.
fn behind_version(body: &mut Reader<'_>) -> Result<(), Short> {
    body.take(RANDOM_LEN)?;
    body.vec8()?; // session id
    body.vec16()?; // cipher suites
    body.vec8()?; // compression methods
    Ok(())
}

/// The extensions that are wholly there, each with its content.
#[derive(Default)]
struct Extensions<'a> {
    rest: Reader<'a>,
    /// Whether the list ended inside an extension.
    broken: bool,
}

impl<'a> Extensions<'a> {
    fn new(list: Reader<'a>) -> Self {
        Self {
            rest: list,
            broken: false,
        }
    }
}

impl<'a> Iterator for Extensions<'a> {
    type Item = (u16, Reader<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.broken || self.rest.is_empty() {
            return None;
        }
        let mut one = || Ok((self.rest.u16()?, self.rest.vec16()?));
        let extension: Result<_, Short> = one();
        self.broken = extension.is_err();
        extension.ok()
    }
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

/// RFC 7301, section 3.1: the list of protocols, each behind its length.
fn alpn(mut content: Reader<'_>) -> Result<&[u8], Short> {
    Ok(content.vec16()?.rest())
}

/// The protocols of a list that are wholly there.
fn protocols(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Reader::new(list);
    std::iter::from_fn(move || rest.vec8().ok().map(|protocol| protocol.rest()))
}

/// How much of a list is kept: whole protocols, up to the cap.
fn whole_protocols_len(list: &[u8]) -> usize {
    let mut end = 0;
    for protocol in protocols(list) {
        let next = end + 1 + protocol.len();
        if next > MAX_PROTOCOLS_LEN {
            break;
        }
        end = next;
    }
    end
}

#[cfg(test)]
mod tests {
    use super::super::building::{ALPN, SERVER_NAME, example, expected, hello_message, sni};
    use super::*;

    #[test]
    fn every_prefix_needs_more_until_the_message_is_whole() {
        let message = example();
        for end in 0..message.len() {
            let prefix = &message[..end];
            assert_eq!(client_hello_message(prefix), Dissection::NeedMore, "{end}");
        }
        assert_eq!(
            client_hello_message(&[&message[..], b"more"].concat()),
            Dissection::Found(expected())
        );
    }

    #[test]
    fn no_name_is_found_as_no_name() {
        for extensions in [
            vec![],
            vec![(SERVER_NAME, vec![])],
            vec![(SERVER_NAME, vec![0, 3, 0, 0, 0])],
            vec![(SERVER_NAME, vec![0, 9, 0, 0, 200, b'x'])],
        ] {
            let Dissection::Found(hello) = client_hello_message(&hello_message(&extensions)) else {
                panic!("{extensions:?}");
            };
            assert_eq!(hello.server_name, None, "{extensions:?}");
        }
    }

    #[test]
    fn lengths_that_lie_inside_the_hello_are_no_hello() {
        let mut message = hello_message(&[sni("a.example")]);
        message[4 + 2 + 32] = 255; // the session id claims more than the message holds
        assert_eq!(client_hello_message(&message), Dissection::NotThis);
    }

    #[test]
    fn a_version_of_dtls_is_no_hello() {
        let mut message = example();
        message[4..6].copy_from_slice(&[0xfe, 0xfd]);
        assert_eq!(client_hello_message(&message), Dissection::NotThis);
        assert_eq!(cut_message(&message), None);
        assert_eq!(cut_message(&message[..60]), None);
    }

    #[test]
    fn protocols_are_asked_by_their_exact_name() {
        let hello = |list: &[u8]| {
            let mut content = (list.len() as u16).to_be_bytes().to_vec();
            content.extend(list);
            match client_hello_message(&hello_message(&[(ALPN, content)])) {
                Dissection::Found(hello) => hello,
                other => panic!("{other:?}"),
            }
        };
        let resolver = hello(b"\x03dot\x02h2\x08http/1.1");
        assert_eq!(resolver.alpn(), Some(&b"dot"[..]));
        assert!(resolver.offers(b"dot") && resolver.offers(b"h2") && resolver.offers(b"http/1.1"));
        assert!(!resolver.offers(b"doq") && !resolver.offers(b"h") && !resolver.offers(b""));
        // A list that lies keeps what it truly holds.
        assert!(hello(b"\x03doq\xffx").offers(b"doq"));
        assert_eq!(hello(b"\x09x").alpn(), None);
        // Nothing is kept in parts.
        let long = hello(&[b"\x02h2".repeat(85), b"\x03dot".to_vec()].concat());
        assert_eq!(long.protocols.len(), 255);
        assert!(long.offers(b"h2") && !long.offers(b"dot"));
    }

    #[test]
    fn a_cut_hello_gives_what_is_wholly_there() {
        let message = example();
        let name = expected().server_name;
        let name_end = {
            let bytes = name.as_deref().unwrap();
            let at = message.windows(bytes.len()).position(|part| part == bytes);
            at.unwrap() + bytes.len()
        };
        for end in 0..message.len() {
            let cut = cut_message(&message[..end]);
            assert_eq!(cut.is_some(), end >= 6, "{end}");
            let read = cut.and_then(|hello| hello.server_name);
            assert_eq!(read.is_some(), end >= name_end, "{end}");
            assert!(read.is_none() || read == name);
        }
        assert_eq!(cut_message(&message), Some(expected()));
    }
}
