//! IPv4 and IPv6 headers by `etherparse`, with the extension headers of IPv6 and the authentication header of both.
//!
//! Lengths on the wire come from the IP header, so link padding and trailers never count as payload; one that says more
//! than the frame holds counts as the frame's. A length of zero stands for a packet that the network card will still
//! cut up (segmentation offload): then the frame's own length counts.
//!
//! Extension headers are walked here because the walk has to go on behind a reassembled payload. A routing header's
//! remaining hops are not looked at: the target is the one of the IP header.

use std::net::IpAddr;

use etherparse::err::{ipv4, ipv6};
use etherparse::{Ipv4HeaderSlice, Ipv6HeaderSlice};

use super::cursor::{Cursor, as_u32};
use super::fragments::{Key, Place};
use crate::model::Undecoded;

/// Extension headers read in one packet: each kind at most once, destination options twice (RFC 8200, section 4.1)
/// makes eight; twice that leaves room, and bounds the work. More are [`Undecoded::IpHeader`].
pub const MAX_EXTENSIONS: usize = 16;

const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const AUTHENTICATION: u8 = 51;
const DESTINATION_OPTIONS: u8 = 60;
const MOBILITY: u8 = 135;
const HOST_IDENTITY: u8 = 139;
const SHIM6: u8 = 140;
const FRAGMENT_LEN: usize = 8;

/// An IP packet up to its payload.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ip<'a> {
    pub src: IpAddr,
    pub dst: IpAddr,
    /// Hop limit or time to live.
    pub hop_limit: u8,
    /// What the payload is; in a fragment of IPv6, what its fragment header says.
    pub protocol: u8,
    pub payload: Cursor<'a>,
    /// Which piece of a larger payload this one is, if it is one.
    pub fragment: Option<(Key, Place)>,
}

impl<'a> Ip<'a> {
    /// Reads the header at a cursor, and extension headers up to a fragment's.
    #[inline]
    pub fn read(at: Cursor<'a>) -> Result<Self, Undecoded> {
        match at.u8(0)? >> 4 {
            4 => Self::v4(at),
            6 => Self::v6(at),
            _ => Err(Undecoded::IpHeader),
        }
    }

    /// The same packet with its fragments joined.
    pub fn joined(self, protocol: u8, payload: &'a [u8]) -> Result<Self, Undecoded> {
        let ip = Self {
            protocol,
            payload: Cursor::whole(payload),
            fragment: None,
            ..self
        }
        .behind_extensions()?;
        match ip.fragment {
            None => Ok(ip),
            Some(_) => Err(Undecoded::Fragment), // fragments of fragments: no sender makes them
        }
    }

    #[inline]
    fn v4(at: Cursor<'a>) -> Result<Self, Undecoded> {
        let header = Ipv4HeaderSlice::from_slice(at.bytes).map_err(|error| match error {
            ipv4::HeaderSliceError::Len(_) => Undecoded::Cut,
            ipv4::HeaderSliceError::Content(_) => Undecoded::IpHeader,
        })?;
        let header_len = header.slice().len();
        let payload = match usize::from(header.total_len()) {
            0 => at.skip(header_len)?,
            total if total < header_len => return Err(Undecoded::IpHeader),
            total => at.limit(as_u32(total)).skip(header_len)?,
        };
        let (src, dst) = (
            IpAddr::V4(header.source_addr()),
            IpAddr::V4(header.destination_addr()),
        );
        let protocol = header.protocol().0;
        let place = Place {
            offset: u32::from(header.fragments_offset().value()) * 8,
            more: header.more_fragments(),
        };
        let key = Key {
            src,
            dst,
            protocol,
            id: u32::from(header.identification()),
        };
        let ip = Self {
            src,
            dst,
            hop_limit: header.ttl(),
            protocol,
            payload,
            fragment: place.is_part().then_some((key, place)),
        };
        if ip.fragment.is_some() || protocol != AUTHENTICATION {
            return Ok(ip);
        }
        ip.behind_extensions()
    }

    #[inline]
    fn v6(at: Cursor<'a>) -> Result<Self, Undecoded> {
        let header = Ipv6HeaderSlice::from_slice(at.bytes).map_err(|error| match error {
            ipv6::HeaderSliceError::Len(_) => Undecoded::Cut,
            ipv6::HeaderSliceError::Content(_) => Undecoded::IpHeader,
        })?;
        let behind = at.skip(header.slice().len())?;
        let payload = match header.payload_length() {
            0 => behind,
            len => behind.limit(u32::from(len)),
        };
        Self {
            src: IpAddr::V6(header.source_addr()),
            dst: IpAddr::V6(header.destination_addr()),
            hop_limit: header.hop_limit(),
            protocol: header.next_header().0,
            payload,
            fragment: None,
        }
        .behind_extensions()
    }

    /// Steps over extension headers, up to one that says the payload is a fragment.
    fn behind_extensions(mut self) -> Result<Self, Undecoded> {
        for _ in 0..=MAX_EXTENSIONS {
            let at = self.payload;
            let len = match self.protocol {
                AUTHENTICATION => (usize::from(at.u8(1)?) + 2) * 4,
                _ if self.src.is_ipv4() => return Ok(self),
                HOP_BY_HOP | ROUTING | DESTINATION_OPTIONS | MOBILITY | HOST_IDENTITY | SHIM6 => {
                    (usize::from(at.u8(1)?) + 1) * 8
                }
                FRAGMENT => {
                    let field = at.u16(2)?;
                    let place = Place {
                        offset: u32::from(field & !7),
                        more: field & 1 == 1,
                    };
                    let key = Key {
                        src: self.src,
                        dst: self.dst,
                        protocol: 0, // not part of the identity (RFC 8200, section 4.5): the first fragment says it
                        id: at.u32(4)?,
                    };
                    // Alone it is a whole packet, whatever others of the same id say (RFC 6946).
                    self.fragment = place.is_part().then_some((key, place));
                    FRAGMENT_LEN
                }
                _ => return Ok(self),
            };
            self.protocol = at.u8(0)?;
            self.payload = at.skip(len)?;
            if self.fragment.is_some() {
                return Ok(self);
            }
        }
        Err(Undecoded::IpHeader)
    }
}

/// Whether an IP header stands here whose lengths agree with what there is. For places where nothing announced IP.
pub(super) fn is_sound(at: Cursor<'_>) -> bool {
    match at.u8(0).map(|byte| byte >> 4) {
        Ok(4) => Ipv4HeaderSlice::from_slice(at.bytes).is_ok_and(|header| {
            let total = u32::from(header.total_len());
            as_u32(header.slice().len()) <= total && total <= at.wire_len
        }),
        Ok(6) => Ipv6HeaderSlice::from_slice(at.bytes).is_ok_and(|header| {
            as_u32(header.slice().len()) + u32::from(header.payload_length()) <= at.wire_len
        }),
        _ => false,
    }
}

/// Whether an IPv4 header with the right checksum stands here.
pub(super) fn is_right_v4(at: Cursor<'_>) -> bool {
    Ipv4HeaderSlice::from_slice(at.bytes).is_ok_and(|header| {
        let words = header.slice().chunks_exact(2);
        let sum: u32 = words
            .map(|word| u32::from(word[0]) << 8 | u32::from(word[1]))
            .sum();
        (sum >> 16) + (sum & 0xffff) == 0xffff // at most 30 words, so one carry folds all
    })
}
