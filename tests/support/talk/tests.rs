use super::super::dns_messages::A;
use super::*;

const CLIENT: &str = "10.0.0.5:50000";
const SERVER: &str = "192.0.2.7:443";

/// Sender, sequence number, acknowledgement number, flags, payload length of each IPv4 packet.
fn told(packets: &[TimedPacket]) -> Vec<(Side, u32, u32, u8, usize)> {
    let tell = |packet: &TimedPacket| {
        let tcp = &packet.bytes[20..];
        let number = |at: usize| {
            let bytes = tcp[at..at + 4].try_into().expect("four bytes");
            u32::from_be_bytes(bytes)
        };
        let header_len = usize::from(tcp[12] >> 4) * 4;
        (
            packet.from,
            number(4),
            number(8),
            tcp[13],
            tcp.len() - header_len,
        )
    };
    packets.iter().map(tell).collect()
}

#[test]
fn a_connection_from_open_to_close() {
    use Side::{Client, Server};
    let talk = Talk::tcp_from(CLIENT, SERVER, 99, u32::MAX)
        .mss(100)
        .open()
        .client(b"hello")
        .server(&[7; 250])
        .close();
    let expected = [
        (Client, 99, 0, SYN, 0),
        (Server, u32::MAX, 100, SYN | ACK, 0),
        (Client, 100, 0, ACK, 0),
        (Client, 100, 0, PSH | ACK, 5),
        (Server, 0, 105, ACK, 0),
        (Server, 0, 105, ACK, 100),
        (Server, 100, 105, ACK, 100),
        (Client, 105, 200, ACK, 0),
        (Server, 200, 105, PSH | ACK, 50),
        (Client, 105, 250, ACK, 0),
        (Client, 105, 250, FIN | ACK, 0),
        (Server, 250, 106, FIN | ACK, 0),
        (Client, 106, 251, ACK, 0),
    ];
    assert_eq!(told(talk.packets()), expected);
}

#[test]
fn resets_and_silence() {
    let talk = Talk::tcp(CLIENT, SERVER).open().client(b"hello");
    let reset = talk.clone().reset_by_server();
    assert_eq!(reset.packets().len(), talk.packets().len() + 1);
    let last = told(reset.packets())[5];
    assert_eq!(last, (Side::Server, 2_000_001, 1_000_006, RST | ACK, 0));
    assert_eq!(Talk::tcp(CLIENT, SERVER).syn().packets().len(), 1);
}

#[test]
fn times_follow_the_script() {
    let talk = Talk::tcp(CLIENT, SERVER)
        .at(seconds(10))
        .gap(Duration::from_nanos(3))
        .open()
        .pause(Duration::from_secs(2))
        .client(b"x");
    let times: Vec<u64> = talk.packets().iter().map(|packet| packet.time).collect();
    let (start, later) = (seconds(10), seconds(12));
    assert_eq!(times, [start, start + 3, start + 6, later + 9, later + 12]);
}

#[test]
fn a_look_up_is_two_datagrams_in_either_family() {
    let query = Message::query(7, "a.example", A);
    let response = query.response().address("a.example", [192, 0, 2, 7].into());
    for (client, resolver, header) in [
        ("10.0.0.5:40000", "10.0.0.1:53", 28),
        ("[2001:db8::5]:40000", "[2001:db8::1]:53", 48),
    ] {
        let talk = Talk::udp(client, resolver).asks(&query).answers(&response);
        let payloads: Vec<&[u8]> = talk
            .packets()
            .iter()
            .map(|packet| &packet.bytes[header..])
            .collect();
        assert_eq!(payloads, [query.bytes(), response.bytes()]);
    }
}

#[test]
fn merged_talks_are_in_time_order() {
    let talk = |start| Talk::tcp(CLIENT, SERVER).at(seconds(start)).open();
    let packets = merge([talk(5), talk(1), talk(3)]);
    assert!(packets.is_sorted_by_key(|packet| packet.time));
    assert_eq!(packets.len(), 9);
}

#[test]
fn one_direction_only() {
    let talk = Talk::tcp(CLIENT, SERVER).open().client(b"x").close();
    let client = talk.only(Side::Client);
    assert!(client.iter().all(|packet| packet.from == Side::Client));
    assert_eq!(
        client.len() + talk.only(Side::Server).len(),
        talk.packets().len()
    );
}

#[test]
#[should_panic(expected = "datagrams neither open")]
fn udp_does_not_open() {
    let _ = Talk::udp(CLIENT, SERVER).open();
}
