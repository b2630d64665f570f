//! The versions whose Initial packets can be read, and what differs between them: the salt, the labels, and in
//! version 2 the bits of the packet type.
//!
//! RFC 9001 section 5.2 (version 1; drafts 22 to 34 of it have salts of their own), RFC 9369 section 3 (version 2).
//! Facebook's mvfst speaks version 1 or a draft under its own numbers. Google's T050 and T051 have a
//! draft's packets with their own salts and frames; Google's Q versions carry no TLS and are not read.

/// How a version protects its Initial packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// Draft 22.
    Draft22,
    /// Drafts 23 to 28.
    Draft23,
    /// Drafts 29 to 32.
    Draft29,
    /// Version 1, which has the salt of drafts 33 and 34.
    One,
    /// The draft of version 2 that was deployed (0x709a50c4).
    TwoDraft,
    /// Version 2.
    Two,
    /// Google T050.
    Google50,
    /// Google T051.
    Google51,
}

/// Type of a long header packet (RFC 9000, section 17.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PacketKind {
    /// The first packets of both sides: hello and its answer.
    Initial,
    /// A client's early data.
    ZeroRtt,
    /// The rest of the handshake.
    Handshake,
    /// A server's demand to prove the address; proves no service behind it.
    Retry,
}

/// HKDF-Expand-Label arguments (RFC 8446, section 7.1) as they are hashed: length, label, empty context.
pub(super) struct Labels {
    pub(super) key: &'static [u8],
    pub(super) iv: &'static [u8],
    pub(super) header: &'static [u8],
}

impl Version {
    /// The version of a number; `None` for one that is not read.
    pub(super) fn of(number: u32) -> Option<Self> {
        Some(match number {
            0x0000_0001 | 0xff00_0021 | 0xff00_0022 => Self::One,
            0x6b33_43cf => Self::Two,
            0x709a_50c4 => Self::TwoDraft,
            0xff00_0016 => Self::Draft22,
            0xff00_0017..=0xff00_001c => Self::Draft23,
            0xff00_001d..=0xff00_0020 => Self::Draft29,
            // mvfst: an early one on draft 22, two aliases of version 1, the rest kept the salt of draft 23.
            0xface_b001 => Self::Draft22,
            0xface_b003 | 0xface_b004 => Self::One,
            0xface_b002 | 0xface_b00d..=0xface_b015 => Self::Draft23,
            0x5430_3530 => Self::Google50,
            0x5430_3531 => Self::Google51,
            _ => return None,
        })
    }

    pub(super) fn salt(self) -> &'static [u8; 20] {
        match self {
            Self::Draft22 => {
                b"\x7f\xbc\xdb\x0e\x7c\x66\xbb\xe9\x19\x3a\x96\xcd\x21\x51\x9e\xbd\x7a\x02\x64\x4a"
            }
            Self::Draft23 => {
                b"\xc3\xee\xf7\x12\xc7\x2e\xbb\x5a\x11\xa7\xd2\x43\x2b\xb4\x63\x65\xbe\xf9\xf5\x02"
            }
            Self::Draft29 => {
                b"\xaf\xbf\xec\x28\x99\x93\xd2\x4c\x9e\x97\x86\xf1\x9c\x61\x11\xe0\x43\x90\xa8\x99"
            }
            Self::One => {
                b"\x38\x76\x2c\xf7\xf5\x59\x34\xb3\x4d\x17\x9a\xe6\xa4\xc8\x0c\xad\xcc\xbb\x7f\x0a"
            }
            Self::TwoDraft => {
                b"\xa7\x07\xc2\x03\xa5\x9b\x47\x18\x4a\x1d\x62\xca\x57\x04\x06\xea\x7a\xe3\xe5\xd3"
            }
            Self::Two => {
                b"\x0d\xed\xe3\xde\xf7\x00\xa6\xdb\x81\x93\x81\xbe\x6e\x26\x9d\xcb\xf9\xbd\x2e\xd9"
            }
            Self::Google50 => {
                b"\x7f\xf5\x79\xe5\xac\xd0\x72\x91\x55\x80\x30\x4c\x43\xa2\x36\x7c\x60\x48\x83\x10"
            }
            Self::Google51 => {
                b"\x7a\x4e\xde\xf4\xe7\xcc\xee\x5f\xa4\x50\x6c\x19\x12\x4f\xc8\xcc\xda\x6e\x03\x3d"
            }
        }
    }

    pub(super) fn labels(self) -> &'static Labels {
        match self {
            Self::Two | Self::TwoDraft => &Labels {
                key: b"\0\x10\x10tls13 quicv2 key\0",
                iv: b"\0\x0c\x0ftls13 quicv2 iv\0",
                header: b"\0\x10\x0ftls13 quicv2 hp\0",
            },
            _ => &Labels {
                key: b"\0\x10\x0etls13 quic key\0",
                iv: b"\0\x0c\x0dtls13 quic iv\0",
                header: b"\0\x10\x0dtls13 quic hp\0",
            },
        }
    }

    /// Whether the frames are Google's own.
    pub(super) fn has_google_frames(self) -> bool {
        matches!(self, Self::Google50 | Self::Google51)
    }

    /// The packet type by the first byte of a long header; version 2 turned the bits by one (RFC 9369, section 3.2).
    pub(super) fn kind(self, first: u8) -> PacketKind {
        let bits = first >> 4 & 3;
        let turn = u8::from(matches!(self, Self::Two | Self::TwoDraft));
        match bits.wrapping_sub(turn) & 3 {
            0 => PacketKind::Initial,
            1 => PacketKind::ZeroRtt,
            2 => PacketKind::Handshake,
            _ => PacketKind::Retry,
        }
    }
}

/// Whether a number is one of those that exist only to be refused (RFC 9000, section 15).
pub(super) fn is_reserved(number: u32) -> bool {
    number & 0x0f0f_0f0f == 0x0a0a_0a0a
}
