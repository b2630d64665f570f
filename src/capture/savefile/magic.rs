//! What a file is, by its first bytes.

/// Bytes needed to tell.
pub(super) const LEN: usize = 8;

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Pcap,
    Pcapng,
    Packed(Packing),
    /// Packed in a way that is not read here, with the name of the way and the command that unpacks it.
    Foreign(&'static str, &'static str),
    Empty,
    Unknown,
}

/// The compressions that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    Gzip,
    Zstd,
}

/// pcap in micro- and nanoseconds, and the "modified" one with longer frame headers, in both byte orders.
const PCAP: [[u8; 4]; 6] = [
    [0xd4, 0xc3, 0xb2, 0xa1],
    [0xa1, 0xb2, 0xc3, 0xd4],
    [0x4d, 0x3c, 0xb2, 0xa1],
    [0xa1, 0xb2, 0x3c, 0x4d],
    [0x34, 0xcd, 0xb2, 0xa1],
    [0xa1, 0xb2, 0xcd, 0x34],
];
const PCAPNG: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];

/// RFC 1952, section 2.3.1.
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// RFC 8878, section 3.1.1.
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// Frames to be skipped, which some tools put first: 0x184d2a50 to 0x184d2a5f (RFC 8878, section 3.1.2).
const ZSTD_SKIPPED: [u8; 3] = [0x2a, 0x4d, 0x18];

const FOREIGN: [(&[u8], &str, &str); 3] = [
    (&[0xfd, b'7', b'z', b'X', b'Z'], "xz", "xz -dc"),
    (b"BZh", "bzip2", "bzip2 -dc"),
    (&[0x04, 0x22, 0x4d, 0x18], "lz4", "lz4 -dc"),
];

impl Kind {
    /// Tells by the first [`LEN`] bytes, or all bytes of a shorter file.
    pub(super) fn of(head: &[u8]) -> Self {
        if head.is_empty() {
            Self::Empty
        } else if PCAP.iter().any(|magic| head.starts_with(magic)) {
            Self::Pcap
        } else if head.starts_with(&PCAPNG) {
            Self::Pcapng
        } else if head.starts_with(&GZIP) {
            Self::Packed(Packing::Gzip)
        } else if head.starts_with(&ZSTD)
            || (head[0] & 0xf0 == 0x50 && head[1..].starts_with(&ZSTD_SKIPPED))
        {
            Self::Packed(Packing::Zstd)
        } else {
            let foreign = FOREIGN.iter().find(|(magic, ..)| head.starts_with(magic));
            foreign.map_or(Self::Unknown, |(_, method, tool)| {
                Self::Foreign(method, tool)
            })
        }
    }

    pub(super) fn is_capture(self) -> bool {
        matches!(self, Self::Pcap | Self::Pcapng)
    }
}

impl Packing {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_strange_heads() {
        assert_eq!(Kind::of(b""), Kind::Empty);
        assert_eq!(Kind::of(&[0x50]), Kind::Unknown);
        assert_eq!(Kind::of(&[0x0a, 0x0d]), Kind::Unknown);
        assert_eq!(
            Kind::of(&[0x5e, 0x2a, 0x4d, 0x18, 4, 0, 0, 0]),
            Kind::Packed(Packing::Zstd)
        );
        assert_eq!(Kind::of(b"BZh91AY&"), Kind::Foreign("bzip2", "bzip2 -dc"));
    }
}
