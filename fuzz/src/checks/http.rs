//! The first bytes of an HTTP/1 stream, of the client's side and of the server's.

use straggler::dissect::Dissection;
use straggler::dissect::http::{MAX_HEAD_LEN, request, status};

/// Input: the stream.
pub fn check(input: &[u8]) {
    if let Dissection::Found(status) = super::settles_once(input, status) {
        assert!(status < 1000, "{status}");
    }
    let read = super::settles_once(input, request);
    if let Dissection::Found(request) = &read
        && let Some(host) = &request.host
    {
        assert!(!host.is_empty() && !host.contains(&b':') && !host.starts_with(b"["));
        let inside = input.windows(host.len()).any(|part| part == host);
        assert!(inside, "{host:?} does not stand in the head");
        let text = str::from_utf8(host).expect("a host is text");
        assert_eq!(text.trim(), text);
        assert!(
            text.parse::<std::net::IpAddr>().is_err(),
            "an address: {text}"
        );
    }
    if input.len() >= MAX_HEAD_LEN {
        assert_ne!(read, Dissection::NeedMore, "it would wait for ever");
    }
}
