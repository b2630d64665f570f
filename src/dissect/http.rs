//! HTTP/1: the host of a request, where the next one starts, and what a response's status means.
//!
//! RFC 9112 (request line: section 3, absolute form: 3.2.2, authority form: 3.2.3, message body length: 6.3, chunked: 7.1),
//! RFC 9110 (Host: section 7.2). Heads are parsed by `httparse`.
//!
//! Assumptions: the input starts at a message. Not handled: HTTP/2 and later, whose names are in TLS or QUIC hellos.

use httparse::{ParserConfig, Status};

use super::Dissection;

/// Longest head that is read, in bytes: twice what common servers accept.
pub const MAX_HEAD_LEN: usize = 16 * 1024;

/// Headers of one head.
const MAX_HEADERS: usize = 128;
/// Longest User-Agent kept.
const MAX_USER_AGENT: usize = 256;

/// A request's head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Host asked for, without port: of the target in absolute or authority form, else of the Host header.
    pub host: Option<Vec<u8>>,
    /// Whether it is a CONNECT: what follows is another protocol.
    pub connect: bool,
    /// Whether its target is in absolute form, which is for proxies.
    pub absolute: bool,
    /// Whether it is a HEAD: the answer has no body.
    pub head: bool,
    /// The User-Agent header, cut at 256 bytes.
    pub user_agent: Option<Vec<u8>>,
    /// Length of the head.
    pub len: usize,
    /// What follows the head.
    pub body: Body,
}

/// The body of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// So many bytes.
    Length(u64),
    /// Chunks, then trailers.
    Chunked,
    /// Contradictory: nothing behind it can be found.
    Unknown,
}

/// Reads a request's head.
pub fn request(stream: &[u8]) -> Dissection<Request> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut parsed = httparse::Request::new(&mut headers);
    let mut config = ParserConfig::default();
    // A broken header loses that header, not the host.
    config.ignore_invalid_headers_in_requests(true);
    match config.parse_request(&mut parsed, stream) {
        // Of more than is read the first part is; the next request is found where one begins.
        Err(httparse::Error::TooManyHeaders) => long_request(stream),
        Err(_) => Dissection::NotThis,
        Ok(Status::Partial) if stream.len() >= MAX_HEAD_LEN => long_request(stream),
        Ok(Status::Partial) => Dissection::NeedMore,
        Ok(Status::Complete(len)) => {
            let connect = parsed.method == Some("CONNECT");
            let target = parsed.path.unwrap_or_default();
            let header = |name: &str| {
                let mut found = parsed.headers.iter();
                found
                    .find(|header| header.name.eq_ignore_ascii_case(name))
                    .map(|header| header.value)
            };
            let absolute = absolute(target).filter(|_| !connect);
            let authority = if connect {
                Some(target.as_bytes())
            } else {
                absolute.or_else(|| header("host"))
            };
            Dissection::Found(Request {
                host: authority.and_then(host_of),
                connect,
                absolute: absolute.is_some(),
                head: parsed.method == Some("HEAD"),
                user_agent: header("user-agent")
                    .map(|agent| agent[..agent.len().min(MAX_USER_AGENT)].to_vec()),
                len,
                // Whether a body comes that waits for "100 Continue", the answer decides.
                body: match header("expect") {
                    Some(_) => Body::Unknown,
                    None => body(header("content-length"), header("transfer-encoding"))
                        .unwrap_or(Body::Length(0)),
                },
            })
        }
    }
}

/// Reads the status code of a response (RFC 9112, section 4).
pub fn status(stream: &[u8]) -> Dissection<u16> {
    const FORM: &[u8; 12] = b"HTTP/1.d ddd";
    for (at, form) in FORM.iter().enumerate() {
        let Some(byte) = stream.get(at) else {
            return Dissection::NeedMore;
        };
        let fits = if *form == b'd' {
            byte.is_ascii_digit()
        } else {
            byte == form
        };
        if !fits {
            return Dissection::NotThis;
        }
    }
    let code = stream[9..12]
        .iter()
        .fold(0, |code, digit| code * 10 + u16::from(digit - b'0'));
    Dissection::Found(code)
}

/// What a response's head says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// Status code.
    pub code: u16,
    /// Host of the Location header, if there is one.
    pub location: Option<Vec<u8>>,
    /// Length of the head.
    pub len: usize,
    /// What follows the head; `None` where it ends with the connection. A response to HEAD has no body all the same.
    pub body: Option<Body>,
}

/// Reads a response's head.
pub fn response(stream: &[u8]) -> Dissection<Response> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut parsed = httparse::Response::new(&mut headers);
    let mut config = ParserConfig::default();
    config
        .ignore_invalid_headers_in_responses(true)
        .allow_obsolete_multiline_headers_in_responses(true)
        .allow_multiple_spaces_in_response_status_delimiters(true);
    match config.parse_response(&mut parsed, stream) {
        Err(_) => Dissection::NotThis,
        Ok(Status::Partial) if stream.len() >= MAX_HEAD_LEN => Dissection::NotThis,
        Ok(Status::Partial) => Dissection::NeedMore,
        Ok(Status::Complete(len)) => {
            let header = |name: &str| {
                let mut found = parsed.headers.iter();
                found
                    .find(|header| header.name.eq_ignore_ascii_case(name))
                    .map(|header| header.value)
            };
            let code = parsed.code.unwrap_or(0);
            Dissection::Found(Response {
                code,
                location: header("location")
                    .and_then(|value| std::str::from_utf8(value).ok())
                    .and_then(absolute)
                    .and_then(host_of),
                len,
                // RFC 9112, section 6.3.
                body: match code {
                    100..200 | 204 | 304 => Some(Body::Length(0)),
                    _ => body(header("content-length"), header("transfer-encoding")),
                },
            })
        }
    }
}

/// What is readable of a request whose rest is known never to come, because the snap length cut it: the headers that are
/// whole. `None` where not even the request line is, or where no host stands in what is there.
pub fn cut_request(stream: &[u8]) -> Option<Request> {
    let end = stream.windows(2).rposition(|pair| pair == b"\r\n")?;
    let mut head = stream.get(..end)?.to_vec();
    head.extend(b"\r\n\r\n");
    match request(&head) {
        Dissection::Found(request) if request.host.is_some() => Some(request),
        _ => None,
    }
}

/// The first part of a request that is longer than what is read.
fn long_request(stream: &[u8]) -> Dissection<Request> {
    let mut lines = stream
        .iter()
        .enumerate()
        .filter(|(_, byte)| **byte == b'\n');
    let enough = lines
        .nth(MAX_HEADERS / 2)
        .map_or(stream.len(), |(at, _)| at + 1);
    match cut_request(&stream[..enough.min(MAX_HEAD_LEN / 2)]) {
        Some(request) => Dissection::Found(Request {
            len: enough,
            body: Body::Unknown,
            ..request
        }),
        None => Dissection::NotThis,
    }
}

/// Whether these bytes begin like a request: a method of RFC 9110, section 9, or PATCH, and a space.
pub fn starts_request(bytes: &[u8]) -> bool {
    const METHODS: [&[u8]; 9] = [
        b"GET ",
        b"POST ",
        b"HEAD ",
        b"PUT ",
        b"CONNECT ",
        b"OPTIONS ",
        b"DELETE ",
        b"PATCH ",
        b"TRACE ",
    ];
    METHODS.iter().any(|method| {
        let len = method.len().min(bytes.len());
        len > 0 && bytes[..len] == method[..len]
    })
}

/// A chunk's size line (RFC 9112, section 7.1): how many bytes to go on, and whether the body is over.
pub fn chunk(stream: &[u8]) -> Dissection<(u64, bool)> {
    match httparse::parse_chunk_size(stream) {
        Err(_) => Dissection::NotThis,
        Ok(Status::Partial) => Dissection::NeedMore,
        // Where trailers follow, the reader of the next request finds none there and looks further.
        Ok(Status::Complete((line, 0))) => Dissection::Found((line as u64 + 2, true)),
        Ok(Status::Complete((line, size))) => match size.checked_add(line as u64 + 2) {
            Some(whole) => Dissection::Found((whole, false)),
            None => Dissection::NotThis,
        },
    }
}

/// The authority of a target in absolute form.
fn absolute(target: &str) -> Option<&[u8]> {
    let (scheme, rest) = target.split_once("://")?;
    let known = ["http", "https", "ftp", "ws", "wss"];
    if !known.iter().any(|word| scheme.eq_ignore_ascii_case(word)) {
        return None;
    }
    rest.split(['/', '?', '#']).next().map(str::as_bytes)
}

/// The host of an authority: without user, port and brackets. `None` for an address, which is no name, for nothing, and for
/// what has spaces, which is no host anywhere (RFC 3986, section 3.2.2).
fn host_of(authority: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(authority).ok()?.trim();
    let text = text.rsplit_once('@').map_or(text, |(_, host)| host);
    if text.starts_with('[') {
        return None;
    }
    let host = match text.split_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        Some(_) => return None,
        None => text,
    };
    let is_address = host.parse::<std::net::IpAddr>().is_ok();
    let has_space = host.contains(char::is_whitespace);
    (!host.is_empty() && !is_address && !has_space).then(|| host.as_bytes().to_vec())
}

fn body(length: Option<&[u8]>, encoding: Option<&[u8]>) -> Option<Body> {
    if let Some(encoding) = encoding {
        let text = String::from_utf8_lossy(encoding).to_ascii_lowercase();
        let chunked = text.trim_end().ends_with("chunked");
        return Some(if chunked {
            Body::Chunked
        } else {
            Body::Unknown
        });
    }
    let text = std::str::from_utf8(length?).unwrap_or_default().trim();
    Some(text.parse().map_or(Body::Unknown, Body::Length))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn host(text: &str) -> Option<String> {
        match request(text.as_bytes()) {
            Dissection::Found(request) => request.host.map(|host| String::from_utf8(host).unwrap()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_prefix_needs_more_until_the_head_is_whole() {
        let text = b"GET /a HTTP/1.1\r\nHost: downloads.vendor.example:80\r\nUser-Agent: updater/1\r\n\r\n";
        for end in 0..text.len() {
            assert_eq!(request(&text[..end]), Dissection::NeedMore, "{end}");
        }
        let Dissection::Found(found) = request(&[&text[..], b"GET /b"].concat()) else {
            panic!()
        };
        assert_eq!(
            found.host.as_deref(),
            Some(&b"downloads.vendor.example"[..])
        );
        assert_eq!(found.user_agent.as_deref(), Some(&b"updater/1"[..]));
        assert_eq!(found.len, text.len());
    }

    #[test]
    fn hosts() {
        for (head, expected) in [
            (
                "GET http://a.example/x HTTP/1.1\r\nHost: b.example\r\n\r\n",
                Some("a.example"),
            ),
            (
                "GET http://u:p@a.example:8080?x HTTP/1.1\r\n\r\n",
                Some("a.example"),
            ),
            (
                "CONNECT a.example:443 HTTP/1.1\r\nHost: b.example\r\n\r\n",
                Some("a.example"),
            ),
            ("GET / HTTP/1.0\r\n\r\n", None),
            ("GET / HTTP/1.1\r\nHost: 198.51.100.7\r\n\r\n", None),
            ("GET / HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n\r\n", None),
            ("GET / HTTP/1.1\r\nHost:\r\n\r\n", None),
            ("GET / HTTP/1.1\r\nHost: a@\tb.example\r\n\r\n", None),
            ("GET / HTTP/1.1\r\nHost: \t b.example \t:80\r\n\r\n", None),
            (
                "GET / HTTP/1.1\r\nHost: \t b.example \t\r\n\r\n",
                Some("b.example"),
            ),
            (
                "GET / HTTP/1.1\r\nbad header\r\nHost: a.example\r\n\r\n",
                Some("a.example"),
            ),
        ] {
            assert_eq!(host(head).as_deref(), expected, "{head}");
        }
    }

    #[test]
    fn other_protocols_are_not_http() {
        for other in [
            &b"SSH-2.0-x\r\n"[..],
            b"\x16\x03\x01\x02\x00",
            b"EHLO a.example\r\n",
            b"GET / RTSP/1.0\r\n",
        ] {
            assert_eq!(request(other), Dissection::NotThis, "{other:?}");
        }
        assert_eq!(response(b"220 mail.example ESMTP\r\n"), Dissection::NotThis);
    }

    #[test]
    fn responses_and_bodies() {
        let Dissection::Found(found) =
            response(b"HTTP/1.1 302 Found\r\nLocation: https://block.example/x\r\n\r\n")
        else {
            panic!()
        };
        assert_eq!(
            (found.code, found.location.as_deref()),
            (302, Some(&b"block.example"[..]))
        );
        assert_eq!(body(Some(b"5"), None), Some(Body::Length(5)));
        assert_eq!(
            body(Some(b"5"), Some(b"gzip, chunked")),
            Some(Body::Chunked)
        );
        assert_eq!(body(Some(b"-5"), None), Some(Body::Unknown));
        assert_eq!(chunk(b"5\r\nhello\r\n"), Dissection::Found((10, false)));
        assert_eq!(chunk(b"0\r\n\r\n"), Dissection::Found((5, true)));
        assert_eq!(chunk(b"ffffffffffffffff\r\n"), Dissection::NotThis);
    }

    #[test]
    fn a_status_is_read_as_soon_as_it_is_there() {
        let text = b"HTTP/1.1 403 Forbidden\r\n";
        for end in 0..12 {
            assert_eq!(status(&text[..end]), Dissection::NeedMore, "{end}");
        }
        assert_eq!(status(text), Dissection::Found(403));
        assert_eq!(status(b"HTTP/2 200"), Dissection::NotThis);
    }

    #[test]
    fn a_cut_request_keeps_its_whole_headers() {
        let text = b"GET /a HTTP/1.1\r\nHost: a.example\r\nUser-Agent: updater/1\r\n\r\n";
        for end in 0..text.len() {
            let host = cut_request(&text[..end]).and_then(|request| request.host);
            let whole = end >= b"GET /a HTTP/1.1\r\nHost: a.example\r\n".len();
            assert_eq!(host.is_some(), whole, "{end}");
        }
        assert_eq!(cut_request(b"GET http://a.exa"), None);
    }

    #[test]
    fn starts_of_requests() {
        for (bytes, expected) in [
            (&b"GET / HTTP/1.1"[..], true),
            (b"PO", true),
            (b"POSTED", false),
            (b"", false),
            (b"\x81\x05hello", false),
        ] {
            assert_eq!(starts_request(bytes), expected, "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_settle_once(bytes in prop::collection::vec(prop_oneof![any::<u8>(), Just(b'\n'), Just(b' ')], 0..200)) {
            let mut settled = Dissection::NeedMore;
            for end in 0..=bytes.len() {
                let now = request(&bytes[..end]);
                if settled != Dissection::NeedMore {
                    prop_assert_eq!(&now, &settled);
                }
                settled = now;
            }
        }
    }
}
