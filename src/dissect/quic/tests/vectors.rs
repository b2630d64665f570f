//! Vectors of RFC 9000, RFC 9001 and RFC 9369.

use crate::dissect::quic::headers::{Packet, packet, varint};
use crate::dissect::quic::keys::{InitialKeys, Len, Opened, Sender, secret, whole_number};
use crate::dissect::quic::versions::{PacketKind, Version};
use crate::dissect::quic::{Connection, FirstPacket, Scratch, ServerReply, first_flight};
use crate::dissect::{Dissection, Reader};

/// Connection id of all the examples.
const ID: &[u8] = b"\x83\x94\xc8\xf0\x3e\x51\x57\x08";
/// The CRYPTO frame of the client's Initial; PADDING up to 1162 bytes follows.
const CLIENT_FRAME: &str = "
    060040f1010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e86804fe3a47f06a2b69484c
    00000413011302010000c000000010000e00000b6578616d706c652e636f6dff01000100000a00080006
    001d0017001800100007000504616c706e000500050100000000003300260024001d00209370b2c9caa4
    7fbabaf4559fedba753de171fa71f50f1ce15d43e994ec74d748002b0003020304000d0010000e040305
    0306030203080408050806002d00020101001c00024001003900320408ffffffffffffffff05048000ff
    ff07048000ffff0801100104800075300901100f088394c8f03e51570806048000ffff";
/// The ACK and CRYPTO frames of the server's Initial.
const SERVER_FRAMES: &str = "
    02000000000600405a020000560303eefce7f7b37ba1d1632e96677825ddf73988cfc79825df566dc543
    0b9a045a1200130100002e00330024001d00209d3c940d89690b84d08a60993c144eca684d1081287c83
    4d5311bcf32bb9da1a002b00020304";

struct Vectors {
    version: Version,
    /// Of each side: secret, key, iv, header protection key.
    client_keys: [&'static str; 4],
    server_keys: [&'static str; 4],
    client_header: &'static str,
    client_packet: &'static str,
    server_header: &'static str,
    server_packet: &'static str,
    retry: &'static str,
}

const RFC_9001: Vectors = Vectors {
    version: Version::One,
    client_keys: [
        "c00cf151ca5be075ed0ebfb5c80323c42d6b7db67881289af4008f1f6c357aea",
        "1f369613dd76d5467730efcbe3b1a22d",
        "fa044b2f42a3fd3b46fb255c",
        "9f50449e04a0e810283a1e9933adedd2",
    ],
    server_keys: [
        "3c199828fd139efd216c155ad844cc81fb82fa8d7446fa7d78be803acdda951b",
        "cf3a5331653c364c88f0f379b6067e37",
        "0ac1493ca1905853b0bba03e",
        "c206b8d9b9f0f37644430b490eeaa314",
    ],
    client_header: "c300000001088394c8f03e5157080000449e00000002",
    client_packet: include_str!("rfc9001_a2.hex"),
    server_header: "c1000000010008f067a5502a4262b50040750001",
    server_packet: "
        cf000000010008f067a5502a4262b5004075c0d95a482cd0991cd25b0aac406a5816b6394100f37a
        1c69797554780bb38cc5a99f5ede4cf73c3ec2493a1839b3dbcba3f6ea46c5b7684df3548e7ddeb9
        c3bf9c73cc3f3bded74b562bfb19fb84022f8ef4cdd93795d77d06edbb7aaf2f58891850abbdca3d
        20398c276456cbc42158407dd074ee",
    retry: "ff000000010008f067a5502a4262b5746f6b656e04a265ba2eff4d829058fb3f0f2496ba",
};

const RFC_9369: Vectors = Vectors {
    version: Version::Two,
    client_keys: [
        "14ec9d6eb9fd7af83bf5a668bc17a7e283766aade7ecd0891f70f9ff7f4bf47b",
        "8b1a0bc121284290a29e0971b5cd045d",
        "91f73e2351d8fa91660e909f",
        "45b95e15235d6f45a6b19cbcb0294ba9",
    ],
    server_keys: [
        "0263db1782731bf4588e7e4d93b7463907cb8cd8200b5da55a8bd488eafc37c1",
        "82db637861d55e1d011f19ea71d5d2a7",
        "dd13c276499c0249d3310652",
        "edf6d05c83121201b436e16877593c3a",
    ],
    client_header: "d36b3343cf088394c8f03e5157080000449e00000002",
    client_packet: include_str!("rfc9369_a2.hex"),
    server_header: "d16b3343cf0008f067a5502a4262b50040750001",
    server_packet: "
        dc6b3343cf0008f067a5502a4262b5004075d92faaf16f05d8a4398c47089698baeea26b91eb761d
        9b89237bbf87263017915358230035f7fd3945d88965cf17f9af6e16886c61bfc703106fbaf3cb4c
        fa52382dd16a393e42757507698075b2c984c707f0a0812d8cd5a6881eaf21ceda98f4bd23f6fe1a
        3e2c43edd9ce7ca84bed8521e2e140",
    retry: "cf6b3343cf0008f067a5502a4262b5746f6b656ec8646ce8bfe33952d955543665dcc7b6",
};

#[test]
fn rfc_9001_appendix_a_1_keys() {
    RFC_9001.check_keys();
}

#[test]
fn rfc_9001_appendix_a_2_client_initial() {
    RFC_9001.check_client_initial();
}

#[test]
fn rfc_9001_appendix_a_3_server_initial() {
    RFC_9001.check_server_initial();
}

#[test]
fn rfc_9001_appendix_a_4_retry() {
    RFC_9001.check_retry();
}

#[test]
fn rfc_9369_appendix_a_1_keys() {
    RFC_9369.check_keys();
}

#[test]
fn rfc_9369_appendix_a_2_client_initial() {
    RFC_9369.check_client_initial();
}

#[test]
fn rfc_9369_appendix_a_3_server_initial() {
    RFC_9369.check_server_initial();
}

#[test]
fn rfc_9369_appendix_a_4_retry() {
    RFC_9369.check_retry();
}

#[test]
fn rfc_9000_appendix_a_1_variable_length_integers() {
    for (encoded, value) in [
        ("c2197c5eff14e88c", 151_288_809_941_952_652),
        ("9d7f3e7d", 494_878_333),
        ("7bbd", 15_293),
        ("25", 37),
        ("4025", 37),
    ] {
        assert_eq!(varint(&mut Reader::new(&hex(encoded))), Ok(value));
    }
}

#[test]
fn rfc_9000_appendix_a_3_packet_number() {
    assert_eq!(whole_number(0x9b32, 2, Some(0xa82f_30ea)), 0xa82f_9b32);
    assert_eq!(whole_number(0, 1, Some(255)), 256);
    assert_eq!(whole_number(255, 1, Some(256)), 255);
    assert_eq!(whole_number(3, 1, None), 3);
    assert_eq!(whole_number(0xffff_ffff, 4, None), 0xffff_ffff);
}

impl Vectors {
    fn check_keys(&self) {
        for (sender, [whole, key, iv, header]) in [
            (Sender::Client, self.client_keys),
            (Sender::Server, self.server_keys),
        ] {
            let label: &[u8] = match sender {
                Sender::Client => b"\0\x20\x0ftls13 client in\0",
                Sender::Server => b"\0\x20\x0ftls13 server in\0",
            };
            let salt = ring::hkdf::Salt::new(ring::hkdf::HKDF_SHA256, self.version.salt());
            assert_eq!(expanded(&salt.extract(ID), label, 32), hex(whole));
            let secret = secret(self.version, ID, sender).unwrap();
            let labels = self.version.labels();
            assert_eq!(expanded(&secret, labels.key, 16), hex(key));
            assert_eq!(expanded(&secret, labels.iv, 12), hex(iv));
            assert_eq!(expanded(&secret, labels.header, 16), hex(header));
        }
    }

    fn check_client_initial(&self) {
        let mut frames = hex(CLIENT_FRAME);
        frames.resize(1162, 0);
        let sealed = hex(self.client_packet);
        assert_eq!(sealed.len(), 1200);
        self.check_initial(Sender::Client, self.client_header, 2, 4, &frames, &sealed);
        let Dissection::Found(hello) =
            Connection::default().datagram(&sealed, sealed.len(), &mut Scratch::default())
        else {
            panic!("no hello");
        };
        assert_eq!(hello.server_name.as_deref(), Some(&b"example.com"[..]));
        assert_eq!(hello.alpn(), Some(&b"alpn"[..]));
    }

    fn check_server_initial(&self) {
        let sealed = hex(self.server_packet);
        let frames = hex(SERVER_FRAMES);
        self.check_initial(Sender::Server, self.server_header, 1, 2, &frames, &sealed);
        let mut scratch = Scratch::default();
        let mut connection = Connection::default();
        let hello = hex(self.client_packet);
        connection.datagram(&hello, hello.len(), &mut scratch);
        let mut server = connection.server().unwrap();
        assert_eq!(
            server.reply(&sealed, sealed.len(), &mut scratch),
            Dissection::Found(ServerReply::Talk)
        );
    }

    fn check_retry(&self) {
        let retry = hex(self.retry);
        assert_eq!(
            first_flight(&retry, retry.len()),
            Dissection::Found(FirstPacket::Known(PacketKind::Retry))
        );
        let Dissection::Found(Packet::Known(long)) = packet(&retry, retry.len()) else {
            panic!("no packet");
        };
        assert_eq!(long.from, hex("f067a5502a4262b5"));
    }

    /// Sealing gives the packet of the RFC; opening that gives the frames.
    fn check_initial(
        &self,
        sender: Sender,
        header: &str,
        number: u64,
        number_len: usize,
        frames: &[u8],
        sealed: &[u8],
    ) {
        let keys = InitialKeys::derive(self.version, ID, sender).unwrap();
        let header = hex(header);
        assert_eq!(keys.seal(&header, number, number_len, frames), sealed);
        assert_eq!(
            first_flight(sealed, sealed.len()),
            Dissection::Found(FirstPacket::Known(PacketKind::Initial))
        );
        let opened = keys.open(sealed, header.len() - number_len, None, &mut Vec::new())
            == Some(Opened { number, frames });
        assert!(opened);
    }
}

fn expanded(secret: &ring::hkdf::Prk, label: &[u8], len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    let labels = [label];
    secret
        .expand(&labels, Len(len))
        .unwrap()
        .fill(&mut bytes)
        .unwrap();
    bytes
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .chars()
        .filter_map(|digit| digit.to_digit(16))
        .map(|digit| digit as u8)
        .collect();
    digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect()
}
