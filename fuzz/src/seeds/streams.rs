//! What a flow carries where names are read: DNS messages, TLS and HTTP.

use super::NAME;
use crate::support::dns_messages::{A, AAAA, Message};
use crate::support::hello::change_cipher_spec;
use crate::support::{ClientHello, fatal_alert, server_hello, warning_alert};

pub(super) fn messages() -> Vec<(String, Vec<u8>)> {
    let query = Message::query(7, NAME, A);
    let chain = ["a.vendor.example", "b.cdn.example"];
    let seeds = [
        ("query", query.bytes()),
        ("query edns", query.clone().edns(1232).bytes()),
        (
            "two questions",
            query.clone().question("vendor.example", AAAA).bytes(),
        ),
        ("root", Message::query(7, ".", 2).bytes()),
        (
            "answer",
            query
                .response()
                .address(NAME, [192, 0, 2, 7].into())
                .bytes(),
        ),
        (
            "chain",
            query
                .response()
                .chain(
                    &[NAME, chain[0], chain[1]],
                    &[[192, 0, 2, 7].into(), [192, 0, 2, 8].into()],
                )
                .bytes(),
        ),
        (
            "loop",
            query
                .response()
                .cname(NAME, chain[0])
                .cname(chain[0], NAME)
                .bytes(),
        ),
        (
            "no such name",
            query.response().rcode(3).soa("kaspersky.com").bytes(),
        ),
        (
            "odd record",
            query
                .response()
                .record(NAME, 65, &[0, 1, 0])
                .truncated()
                .bytes(),
        ),
    ];
    seeds.map(|(name, bytes)| (name.to_owned(), bytes)).to_vec()
}

pub(super) fn tls_streams() -> Vec<(String, Vec<u8>)> {
    let hello = || ClientHello::to(NAME);
    let seeds = [
        ("hello", hello().stream()),
        ("message", hello().message()),
        (
            "alpn",
            hello().alpn(&["h2", "http/1.1"]).name_last().stream(),
        ),
        ("ech", hello().ech().stream()),
        (
            "post-quantum",
            hello().key_share(1216).record_size(700).stream(),
        ),
        ("small records", hello().record_size(50).stream()),
        ("unnamed", ClientHello::unnamed().stream()),
        ("odd name", ClientHello::to_bytes(b"\0..x\xff").stream()),
        (
            "server hello",
            [server_hello(), change_cipher_spec()].concat(),
        ),
        ("alerts", [warning_alert(112), fatal_alert(40)].concat()),
    ];
    seeds.map(|(name, bytes)| (name.to_owned(), bytes)).to_vec()
}

pub(super) fn http_streams() -> Vec<(String, Vec<u8>)> {
    let seeds = [
        (
            "get",
            format!("GET /a HTTP/1.1\r\nHost: {NAME}:80\r\nUser-Agent: updater\r\n\r\n"),
        ),
        (
            "absolute",
            format!("GET http://user@{NAME}:80/a?b#c HTTP/1.1\r\nHost: other\r\n\r\n"),
        ),
        ("connect", format!("CONNECT {NAME}:443 HTTP/1.1\r\n\r\n")),
        (
            "address",
            "HEAD / HTTP/1.0\r\nHost: [2001:db8::1]:80\r\n\r\n".to_owned(),
        ),
        (
            "broken header",
            format!("POST / HTTP/1.1\r\na b: c\r\nhOST:\t{NAME} \r\n\r\n"),
        ),
        (
            "space behind the user",
            format!("GET / HTTP/1.1\r\nHost: user@\t{NAME}\r\n\r\n"),
        ),
        (
            "status",
            "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n".to_owned(),
        ),
    ];
    seeds
        .map(|(name, text)| (name.to_owned(), text.into_bytes()))
        .to_vec()
}
