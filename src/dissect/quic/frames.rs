//! Frames of an Initial packet (RFC 9000, sections 12.4 and 19).

use super::google;
use super::headers::varint;
use super::versions::Version;
use crate::dissect::{Reader, Short};

const PADDING: u8 = 0x00;
const PING: u64 = 0x01;
const ACK: u64 = 0x02;
const ACK_ECN: u64 = 0x03;
const CRYPTO: u64 = 0x06;
const CONNECTION_CLOSE: u64 = 0x1c;

/// What matters of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Frame<'a> {
    /// Part of the handshake.
    Crypto { offset: u64, bytes: &'a [u8] },
    /// The sender gives the connection up.
    Close,
    /// PADDING, PING or ACK.
    Other,
}

impl<'a> Frame<'a> {
    /// RFC 9000, section 19.6, behind the type.
    pub(super) fn crypto(reader: &mut Reader<'a>) -> Result<Self, Short> {
        let offset = varint(reader)?;
        let len = varint(reader)?;
        let bytes = reader.take(usize::try_from(len).map_err(|_| Short)?)?;
        Ok(Self::Crypto { offset, bytes })
    }
}

/// The frames up to the end, or to one that an Initial must not carry: its length is unknown.
pub(super) fn frames(version: Version, payload: &[u8]) -> impl Iterator<Item = Frame<'_>> {
    let mut reader = Reader::new(payload);
    std::iter::from_fn(move || {
        if reader.is_empty() {
            return None;
        }
        let frame = next(version, &mut reader);
        if frame.is_err() {
            reader = Reader::new(&[]);
        }
        frame.ok()
    })
}

/// Padding at the front. Line by line, because most of a first packet is padding.
fn padding_len(bytes: &[u8]) -> usize {
    const LINE: usize = 32;
    let (lines, _) = bytes.as_chunks::<LINE>();
    let is_padding = |line: &&[u8; LINE]| **line == [PADDING; LINE];
    let whole = LINE * lines.iter().take_while(is_padding).count();
    let rest = bytes[whole..].iter();
    whole + rest.take_while(|byte| **byte == PADDING).count()
}

fn next<'a>(version: Version, reader: &mut Reader<'a>) -> Result<Frame<'a>, Short> {
    let padding = padding_len(reader.rest());
    if padding > 0 {
        reader.take(padding)?;
        return Ok(Frame::Other);
    }
    if version.has_google_frames() {
        return google::next(reader);
    }
    match varint(reader)? {
        PING => Ok(Frame::Other),
        kind @ (ACK | ACK_ECN) => {
            acknowledgement(reader, kind == ACK_ECN)?;
            Ok(Frame::Other)
        }
        CRYPTO => Frame::crypto(reader),
        CONNECTION_CLOSE => {
            varint(reader)?; // error code
            varint(reader)?; // type of the frame to blame
            let reason = varint(reader)?;
            reader.take(usize::try_from(reason).map_err(|_| Short)?)?;
            Ok(Frame::Close)
        }
        _ => Err(Short),
    }
}

/// RFC 9000, section 19.3. Each range takes at least two bytes, so a count that lies soon runs out of them.
fn acknowledgement(reader: &mut Reader<'_>, ecn: bool) -> Result<(), Short> {
    varint(reader)?; // largest
    varint(reader)?; // delay
    let ranges = varint(reader)?;
    varint(reader)?; // first range
    for _ in 0..ranges {
        varint(reader)?; // gap
        varint(reader)?; // range
    }
    if ecn {
        for _ in 0..3 {
            varint(reader)?;
        }
    }
    Ok(())
}
