//! Long headers: which version and type a packet has, and where it ends.
//!
//! RFC 8999 (what every version keeps), RFC 9000 section 17.2 (long headers of version 1). Short headers say nothing
//! that can be read without the keys of a connection, and could be any bytes.

use super::versions::{self, PacketKind, Version};
use crate::dissect::{Dissection, Reader, Short};

/// RFC 9000, section 17.2. Versions yet to come may have longer ones; nobody was seen to.
pub(super) const MAX_ID_LEN: usize = 20;
/// RFC 9000, section 7.2: a client invents at least 8 bytes for the server's first connection id.
pub(super) const MIN_FIRST_ID_LEN: usize = 8;
/// RFC 9000, section 14.1: a client's first datagrams are padded to at least this.
const MIN_CLIENT_DATAGRAM_LEN: usize = 1200;

const LONG_FORM: u8 = 0x80;
const FIXED_BIT: u8 = 0x40;
/// A sample for header protection is 16 bytes, 4 behind the start of the packet number (RFC 9001, section 5.4.2).
const MIN_PROTECTED_LEN: usize = 4 + 16;
/// Integrity tag at the end of a Retry (RFC 9000, section 17.2.5), and a token of at least one byte before it.
const MIN_RETRY_LEN: usize = 16 + 1;

/// What the first packet of a datagram is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstPacket {
    /// A packet of a version that is read.
    Known(PacketKind),
    /// A packet of another version, by its number; reserved numbers ("grease") are among them.
    UnknownVersion(u32),
    /// A server's list of versions, in answer to one that it does not speak.
    VersionNegotiation,
}

/// Tells by the header alone whether a UDP payload starts a QUIC flow; `wire_len` is its length on the wire, of which
/// the capture may have cut some. Without keys nothing is proven, so every length must fit, and an unknown version must
/// come in a datagram as large as a client's first has to be. Later packets of a flow may fail this test, because both
/// sides may clear the fixed bit then (RFC 9287): a server's answer is for [`super::Server`].
pub fn first_flight(datagram: &[u8], wire_len: usize) -> Dissection<FirstPacket> {
    let fixed_bit = datagram.first().is_some_and(|first| first & FIXED_BIT != 0);
    match packet(datagram, wire_len) {
        Dissection::Found(Packet::Negotiation) => {
            Dissection::Found(FirstPacket::VersionNegotiation)
        }
        Dissection::Found(_) if !fixed_bit => Dissection::NotThis,
        Dissection::Found(Packet::Known(long)) => Dissection::Found(FirstPacket::Known(long.kind)),
        Dissection::Found(Packet::Unknown { number, id_len })
            if id_len >= MIN_FIRST_ID_LEN && wire_len >= MIN_CLIENT_DATAGRAM_LEN =>
        {
            Dissection::Found(FirstPacket::UnknownVersion(number))
        }
        Dissection::Found(Packet::Unknown { .. }) | Dissection::NotThis => Dissection::NotThis,
        Dissection::NeedMore => Dissection::NeedMore,
    }
}

/// The connection id that a datagram's first Initial goes to: a client's first ones go to an id that it made up, one for
/// each connection.
pub fn initial_target(datagram: &[u8], wire_len: usize) -> Option<&[u8]> {
    coalesced(datagram, wire_len)
        .find(|(long, _)| long.kind == PacketKind::Initial)
        .map(|(long, _)| long.to)
}

/// A packet with a long header.
#[derive(Clone, Copy, Debug)]
pub(super) enum Packet<'a> {
    Known(Long<'a>),
    Unknown {
        number: u32,
        /// Length of the destination connection id.
        id_len: usize,
    },
    Negotiation,
}

/// The header of a packet whose version is known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Long<'a> {
    pub(super) version: Version,
    pub(super) kind: PacketKind,
    /// Destination connection id.
    pub(super) to: &'a [u8],
    /// Source connection id.
    pub(super) from: &'a [u8],
    /// Offset of the packet number, where the protected part begins.
    pub(super) number_at: usize,
    /// Offset of what follows the packet.
    pub(super) end: usize,
}

/// The packets with long headers and known versions at the start of a datagram, each with its bytes; a packet that the
/// capture cut has none. After any other packet nothing can be read, because only these tell where they end.
pub(super) fn coalesced<'a>(
    mut datagram: &'a [u8],
    mut wire_len: usize,
) -> impl Iterator<Item = (Long<'a>, Option<&'a [u8]>)> {
    wire_len = wire_len.max(datagram.len());
    std::iter::from_fn(move || {
        let Dissection::Found(Packet::Known(long)) = packet(datagram, wire_len) else {
            return None;
        };
        let bytes = datagram.get(..long.end);
        datagram = datagram.get(long.end..).unwrap_or_default();
        wire_len -= long.end;
        Some((long, bytes))
    })
}

/// Reads the long header at the start of a datagram.
pub(super) fn packet(datagram: &[u8], wire_len: usize) -> Dissection<Packet<'_>> {
    match read(datagram, wire_len.max(datagram.len())) {
        Ok(packet) => Dissection::Found(packet),
        Err(Fault::Short) if datagram.len() < wire_len => Dissection::NeedMore,
        Err(Fault::Short | Fault::Wrong) => Dissection::NotThis,
    }
}

enum Fault {
    /// The header is not there to its end.
    Short,
    /// It cannot be one.
    Wrong,
}

impl From<Short> for Fault {
    fn from(_: Short) -> Self {
        Self::Short
    }
}

fn read(datagram: &[u8], wire_len: usize) -> Result<Packet<'_>, Fault> {
    let mut reader = Reader::new(datagram);
    let first = reader.u8()?;
    if first & LONG_FORM == 0 {
        return Err(Fault::Wrong);
    }
    let number = u32::from(reader.u16()?) << 16 | u32::from(reader.u16()?);
    let to = connection_id(&mut reader)?;
    let from = connection_id(&mut reader)?;
    let at = |reader: &Reader<'_>| datagram.len() - reader.rest().len();
    if number == 0 {
        return negotiation(from, reader.rest(), wire_len - at(&reader));
    }
    let Some(version) = Version::of(number) else {
        return Ok(Packet::Unknown {
            number,
            id_len: to.len(),
        });
    };
    let kind = version.kind(first);
    let (number_at, end) = if kind == PacketKind::Retry {
        let token_at = at(&reader);
        if wire_len - token_at < MIN_RETRY_LEN {
            return Err(Fault::Wrong);
        }
        (token_at, wire_len)
    } else {
        if kind == PacketKind::Initial {
            let token = usize::try_from(varint(&mut reader)?).map_err(|_| Fault::Wrong)?;
            if token > wire_len {
                return Err(Fault::Wrong);
            }
            reader.take(token)?;
        }
        let len = usize::try_from(varint(&mut reader)?).map_err(|_| Fault::Wrong)?;
        let number_at = at(&reader);
        if len < MIN_PROTECTED_LEN || len > wire_len - number_at {
            return Err(Fault::Wrong);
        }
        (number_at, number_at + len)
    };
    Ok(Packet::Known(Long {
        version,
        kind,
        to,
        from,
        number_at,
        end,
    }))
}

fn connection_id<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], Fault> {
    let len = usize::from(reader.u8()?);
    if len > MAX_ID_LEN {
        return Err(Fault::Wrong);
    }
    Ok(reader.take(len)?)
}

/// RFC 9000, section 17.2.1. Zeros are common in other protocols, so it must answer an id as a client invents it, and
/// list a version that is known or reserved.
fn negotiation<'a>(from: &[u8], list: &[u8], wire_len: usize) -> Result<Packet<'a>, Fault> {
    if from.len() < MIN_FIRST_ID_LEN || wire_len == 0 || !wire_len.is_multiple_of(4) {
        return Err(Fault::Wrong);
    }
    let (numbers, _) = list.as_chunks::<4>();
    let named = numbers
        .iter()
        .map(|bytes| u32::from_be_bytes(*bytes))
        .any(|number| Version::of(number).is_some() || versions::is_reserved(number));
    if named {
        Ok(Packet::Negotiation)
    } else {
        Err(Fault::Short)
    }
}

/// A variable-length integer (RFC 9000, section 16).
pub(super) fn varint(reader: &mut Reader<'_>) -> Result<u64, Short> {
    let first = reader.u8()?;
    let more = reader.take((1 << (first >> 6)) - 1)?;
    Ok(more.iter().fold(u64::from(first & 0x3f), |value, &byte| {
        value << 8 | u64::from(byte)
    }))
}
