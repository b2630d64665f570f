//! Answers that do not come from the vendor: of a sinkhole, of a proxy for itself, of a block page. None of them is a
//! contact, and none of their bytes are the vendor's.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps says what it expects; the panic is its report"
)]

mod findings;
mod support;

use std::io::Write;

use findings::{findings, verdict};
use serde_json::Value;
use support::initials::{Initial, crypto};
use support::{ClientHello, Talk, application_data, server_hello};

/// An hour after 2024-09-29T00:00:00-04:00, in nanoseconds since 1970.
const AFTER: u64 = (1_727_582_400 + 3_600) * 1_000_000_000;
const UPDATE: &str = "s07.upd.kaspersky.com";
const VENDOR: &str = "198.51.100.7";
const PROXY: &str = "10.0.0.5:3128";
const BLOCKED: &str = "blocked by sinkhole";

/// Status, and by what it is blocked, of the one finding of a talk; and the bytes that came from the vendor. They are the
/// same where the kernel passes only what tells outcomes.
fn outcome(talk: &Talk) -> (String, u64) {
    let full = outcome_of(talk, "full");
    assert_eq!(outcome_of(talk, "signals"), full, "in mode signals");
    full
}

fn outcome_of(talk: &Talk, mode: &str) -> (String, u64) {
    let mut config = tempfile::NamedTempFile::with_suffix(".toml").unwrap();
    let text = format!(
        "block_addresses = [\"10.0.0.9\", \"198.18.0.1\"]\nblock_pages = [\"block.example\"]\nlocal_networks = [\"10.0.0.0/8\"]\n\
         [capture]\nmode = \"{mode}\"\n"
    );
    config.write_all(text.as_bytes()).unwrap();
    let path = config.path().to_str().unwrap();
    let mut found = findings(talk.packets(), &["--config", path]);
    assert_eq!(found.len(), 1, "{found:#?}");
    let finding = found.remove(0);
    let verdict = verdict(&finding);
    let by = finding["last_blocked"]["by"].as_str();
    let verdict = match (verdict.as_str(), by) {
        ("blocked", Some(by)) => format!("blocked by {by}"),
        _ => verdict,
    };
    let bytes = |finding: &Value| finding["bytes_received"].as_u64().unwrap();
    (verdict, bytes(&finding))
}

fn to(server: &str) -> Talk {
    Talk::tcp("10.0.0.1:50000", server).at(AFTER).open()
}

fn tls(server: &str) -> Talk {
    to(format!("{server}:443").as_str())
        .client(&ClientHello::to(UPDATE).stream())
        .server(&server_hello())
        .server(&application_data(40_000))
        .close()
}

fn get() -> String {
    format!("GET /a HTTP/1.1\r\nHost: {UPDATE}\r\n\r\n")
}

fn absolute() -> String {
    format!("GET http://{UPDATE}/a HTTP/1.1\r\nHost: {UPDATE}\r\n\r\n")
}

fn connect() -> String {
    format!("CONNECT {UPDATE}:443 HTTP/1.1\r\n\r\n")
}

/// An answer with a body of so many bytes; its head is 39 bytes and what the status and the length take.
fn answer(status: &str, len: usize) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {len}\r\n\r\n").into_bytes();
    [head, vec![b'x'; len]].concat()
}

/// What is behind an address that resolvers give instead of a blocked name is not the vendor, whatever it says.
#[test]
fn a_sinkhole_is_not_the_vendor() {
    let quic = |server: &str| {
        let hello = ClientHello::to(UPDATE).message();
        let reply = server_hello()[5..].to_vec();
        Talk::udp("10.0.0.1:40000", format!("{server}:443").as_str())
            .at(AFTER)
            .client(&Initial::client(&[1; 8]).datagram(&crypto(&hello, 0..hello.len())))
            .server(&Initial::server(&[1; 8]).datagram(&crypto(&reply, 0..reply.len())))
            .server(&[&[0x45][..], &[9; 999]].concat())
    };
    let http = |server: &str, request: &str| {
        to(server)
            .client(request.as_bytes())
            .server(&answer("200 OK", 40_000))
    };
    let tunnel = |server: &str| {
        to(server)
            .client(connect().as_bytes())
            .server(b"HTTP/1.1 200 OK\r\n\r\n")
            .client(&ClientHello::to(UPDATE).stream())
            .server(&server_hello())
            .server(&application_data(40_000))
    };
    let mut cases: Vec<(String, Talk, &str)> = Vec::new();
    for server in ["10.0.0.9", "198.18.0.1", "127.0.0.1", "0.0.0.0"] {
        cases.push((format!("TLS to {server}"), tls(server), BLOCKED));
        cases.push((format!("QUIC to {server}"), quic(server), BLOCKED));
        let port = format!("{server}:80");
        cases.push((format!("HTTP to {server}"), http(&port, &get()), BLOCKED));
    }
    let v6 = Talk::tcp("[fd00::1]:50000", "[::1]:443")
        .at(AFTER)
        .open()
        .client(&ClientHello::to(UPDATE).stream())
        .server(&server_hello());
    cases.push(("TLS to ::1".to_owned(), v6, BLOCKED));
    let other = "10.0.0.9:443";
    let mut more = vec![
        (
            "the hello alone",
            to(other).client(&ClientHello::to(UPDATE).stream()),
            BLOCKED,
        ),
        (
            "a block page that says so",
            to("10.0.0.9:80")
                .client(get().as_bytes())
                .server(&answer("403 Forbidden", 5_000)),
            BLOCKED,
        ),
        (
            "the same request again",
            http("10.0.0.9:80", &get())
                .client(get().as_bytes())
                .server(&answer("200 OK", 40_000)),
            BLOCKED,
        ),
        // A client that asks a proxy knows it for one: what the proxy says counts, wherever it is.
        (
            "a proxy there that connects",
            tunnel("10.0.0.9:3128"),
            "fetching, straggler",
        ),
        (
            "a proxy on the machine itself",
            tunnel("127.0.0.1:3128"),
            "fetching, straggler",
        ),
        (
            "a proxy there that fetches",
            http("10.0.0.9:3128", &absolute()),
            "fetching, straggler",
        ),
        (
            "SOCKS there",
            to("127.0.0.1:1080")
                .client(&[5, 1, 0])
                .server(&[5, 0])
                .client(&[5, 1, 0, 1, 198, 51, 100, 7, 1, 187])
                .server(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0])
                .client(&ClientHello::to(UPDATE).stream())
                .server(&server_hello()),
            "contacting, straggler",
        ),
        (
            "a proxy there that refuses",
            to("10.0.0.9:3128")
                .client(connect().as_bytes())
                .server(b"HTTP/1.1 403 Forbidden\r\n\r\n"),
            "blocked by proxy_refusal",
        ),
        ("another address", tls("10.0.0.8"), "fetching, straggler"),
    ];
    cases.extend(
        more.drain(..)
            .map(|(case, talk, expected)| (case.to_owned(), talk, expected)),
    );
    for (case, talk, expected) in cases {
        let (verdict, received) = outcome(&talk);
        assert_eq!(verdict, expected, "{case}");
        let refused = expected.starts_with("blocked");
        assert!(!refused || received == 0, "{case}: {received} bytes");
    }
}

/// A proxy that did not get through says so itself; a gateway says that the server behind it did not answer.
#[test]
fn what_a_gateway_says_for_itself_is_no_contact() {
    let exchange = |request: &str, status: &str| {
        to(PROXY)
            .client(request.as_bytes())
            .server(&answer(status, 400))
            .reset_by_server()
    };
    let (get, absolute, connect) = (get(), absolute(), connect());
    let cases = [
        (&absolute, "500 Internal Server Error", "asking"),
        (&absolute, "502 Bad Gateway", "asking"),
        (&absolute, "503 Service Unavailable", "asking"),
        (&absolute, "504 Gateway Timeout", "asking"),
        (&absolute, "403 Forbidden", "blocked by http_block"),
        (&absolute, "200 OK", "contacting, straggler"),
        (&absolute, "404 Not Found", "contacting, straggler"),
        (&get, "500 Internal Server Error", "contacting, straggler"),
        (&get, "502 Bad Gateway", "asking"),
        (&get, "503 Service Unavailable", "contacting, straggler"),
        (&get, "504 Gateway Timeout", "asking"),
        (
            &connect,
            "503 Service Unavailable",
            "blocked by proxy_refusal",
        ),
    ];
    for (request, status, expected) in cases {
        let (verdict, _) = outcome(&exchange(request, status));
        assert_eq!(verdict, expected, "{request}{status}");
    }
    // A hundred of such pages are no transfer, and do not hide an answer that comes at last.
    let pages = |last: &[u8]| {
        let tries = (0..100).fold(to(PROXY), |talk, _| {
            let talk = talk.client(absolute.as_bytes());
            talk.server(&answer("503 Service Unavailable", 400))
        });
        tries.client(absolute.as_bytes()).server(last)
    };
    let (verdict, _) = outcome(&pages(&answer("504 Gateway Timeout", 400)));
    assert_eq!(verdict, "asking");
    let (verdict, _) = outcome(&pages(&answer("200 OK", 400)));
    assert_eq!(verdict, "contacting, straggler");
    // Both at once: each answer belongs to its own request.
    let both = to(PROXY)
        .client(format!("{absolute}{absolute}").as_bytes())
        .server(&answer("503 Service Unavailable", 400))
        .server(&answer("200 OK", 40_000));
    assert_eq!(outcome(&both).0, "fetching, straggler");
}

/// What is read in an answer that refuses, however it is cut, comes from whoever refuses.
#[test]
fn the_bytes_of_a_refusal_are_not_the_vendors() {
    let web = || to(format!("{VENDOR}:80").as_str());
    let asks = |talk: Talk| talk.client(get().as_bytes());
    let page = answer("403 Forbidden", 60_000);
    let moved = {
        let head =
            "HTTP/1.1 302 Found\r\nLocation: http://block.example/\r\nContent-Length: 5000\r\n\r\n";
        [head.as_bytes(), &[b'x'; 5_000]].concat()
    };
    let good = answer("200 OK", 5_000);
    let endless = [&b"HTTP/1.1 403 Forbidden\r\n\r\n"[..], &[b'x'; 50_000]].concat();
    let chunks = {
        let head = b"HTTP/1.1 451 No\r\nTransfer-Encoding: chunked\r\n\r\n";
        let chunk = [&b"1388\r\n"[..], &[b'x'; 5_000], b"\r\n"].concat();
        [&head[..], &chunk, &chunk, b"0\r\n\r\n"].concat()
    };
    let quic = {
        let hello = ClientHello::to(UPDATE).message();
        // CONNECTION_CLOSE (RFC 9000, section 19.19): error 0x128, no frame type, no reason; padded.
        let close = [0x1c, 0x41, 0x28, 0, 0];
        Talk::udp("10.0.0.1:40000", "198.51.100.7:443")
            .at(AFTER)
            .client(&Initial::client(&[1; 8]).datagram(&crypto(&hello, 0..hello.len())))
            .server(&Initial::server(&[1; 8]).datagram(&close))
            .server(&[&[0x45][..], &[9; 59]].concat())
    };
    let cases: Vec<(&str, Talk, &str, usize)> = vec![
        (
            "a page",
            asks(web()).server(&page).close(),
            "blocked by http_block",
            0,
        ),
        (
            "a page in small segments",
            asks(web()).mss(7).server(&answer("403 Forbidden", 600)),
            "blocked by http_block",
            0,
        ),
        (
            "a page that ends with the connection",
            asks(web()).server(&endless),
            "blocked by http_block",
            0,
        ),
        (
            "a page in chunks, then an answer",
            asks(asks(web()).server(&chunks)).server(&good),
            "contacting, straggler",
            good.len(),
        ),
        (
            "a redirect to the block page",
            asks(web()).mss(30).server(&moved),
            "blocked by http_block",
            0,
        ),
        (
            "a proxy's page",
            to(PROXY).client(connect().as_bytes()).server(&page),
            "blocked by proxy_refusal",
            0,
        ),
        (
            "a page, then an answer",
            asks(asks(web()).server(&page)).server(&good),
            "contacting, straggler",
            good.len(),
        ),
        (
            "an answer, then a page",
            asks(asks(web()).server(&good)).server(&page),
            "contacting, straggler",
            good.len(),
        ),
        (
            "both in one segment",
            asks(asks(asks(web()))).mss(65_000).server(
                &[
                    &answer("403 Forbidden", 600)[..],
                    &answer("403 Forbidden", 700),
                    &good,
                ]
                .concat(),
            ),
            "contacting, straggler",
            good.len(),
        ),
        (
            "a fatal alert",
            to(format!("{VENDOR}:443").as_str())
                .client(&ClientHello::to(UPDATE).stream())
                .server(&support::fatal_alert(40)),
            "blocked by tls_alert",
            0,
        ),
        ("a QUIC close, sent again", quic, "blocked by quic_close", 0),
    ];
    for (case, talk, expected, bytes) in cases {
        let (verdict, received) = outcome(&talk);
        assert_eq!(
            (verdict.as_str(), received),
            (expected, bytes as u64),
            "{case}"
        );
    }
}
