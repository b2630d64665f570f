//! Community ID, version 1: one text for a flow that other monitors (Zeek, Suricata, Elastic, Wireshark) write alike.
//!
//! <https://github.com/corelight/community-id-spec>. The seed is 0, the default everywhere. TCP, UDP and protocols without
//! ports are covered; ICMP is not, because no sighting is one.

use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};

use super::super::{Endpoint, Protocol};

const SEED: [u8; 2] = [0, 0];

/// The id of the flow between two ends; which of them began does not matter.
pub fn community_id(one: Endpoint, other: Endpoint, protocol: Protocol) -> String {
    // Protocol numbers as IANA assigns them.
    let (number, ports) = match protocol {
        Protocol::Tcp => (6, true),
        Protocol::Udp => (17, true),
        Protocol::Esp => (50, false),
    };
    hash(one, other, number, ports)
}

fn hash(one: Endpoint, other: Endpoint, number: u8, ports: bool) -> String {
    let order = |end: &Endpoint| (octets(end.addr), end.port);
    let (low, high) = if order(&one) <= order(&other) {
        (one, other)
    } else {
        (other, one)
    };
    let mut sha = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
    sha.update(&SEED);
    sha.update(&octets(low.addr));
    sha.update(&octets(high.addr));
    // A zero byte pads the number to 16 bits.
    sha.update(&[number, 0]);
    if ports {
        sha.update(&low.port.to_be_bytes());
        sha.update(&high.port.to_be_bytes());
    }
    format!("1:{}", STANDARD.encode(sha.finish()))
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Those of the specification's `baseline/baseline_deflt.json` whose protocols concern us: protocol number, source,
    /// destination, id.
    const BASELINE: &[(u8, &str, &str, &str)] = &[
        (
            6,
            "[2001:470:e5bf:dead:4957:2174:e82c:4887]:63943",
            "[2607:f8b0:400c:c03::1a]:25",
            "1:/qFaeAR+gFe1KYjMzVDsMv+wgU4=",
        ),
        (
            6,
            "128.232.110.120:34855",
            "66.35.250.204:80",
            "1:LQU9qZlK+B5F3KDmev6m5PMibrg=",
        ),
        (
            17,
            "192.168.1.52:54585",
            "8.8.8.8:53",
            "1:d/FP5EW3wiY1vCndhwleRRKHowQ=",
        ),
        (
            132,
            "192.168.170.8:7",
            "192.168.170.56:7",
            "1:MP2EtRCAUIZvTw6MxJHLV7N7JDs=",
        ),
        (
            46,
            "10.1.12.1:0",
            "10.1.12.2:0",
            "1:KHlLkgoJW7ifUTyTSgyVfkFHzKw=",
        ),
    ];

    fn end(text: &str) -> Endpoint {
        let socket: std::net::SocketAddr = text.parse().unwrap();
        Endpoint {
            addr: socket.ip(),
            port: socket.port(),
        }
    }

    #[test]
    fn the_vectors_of_the_specification() {
        for &(number, one, other, id) in BASELINE {
            let ports = number != 46;
            assert_eq!(hash(end(one), end(other), number, ports), id);
            assert_eq!(hash(end(other), end(one), number, ports), id);
        }
        let udp = community_id(end("8.8.8.8:53"), end("192.168.1.52:54585"), Protocol::Udp);
        assert_eq!(udp, BASELINE[2].3);
    }

    /// RFC 4648, section 10.
    #[test]
    fn equal_addresses_are_told_by_their_ports() {
        let (one, other) = (end("10.0.0.1:1000"), end("10.0.0.1:2000"));
        assert_eq!(
            community_id(one, other, Protocol::Tcp),
            community_id(other, one, Protocol::Tcp)
        );
    }
}
