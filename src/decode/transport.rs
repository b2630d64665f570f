//! TCP and UDP by `etherparse`.

use std::net::IpAddr;

use etherparse::err::tcp::HeaderSliceError;
use etherparse::{TcpSlice, UdpSlice};

use super::cursor::{Cursor, as_u32};
use super::ip::Ip;
use crate::model::{Datagram, Endpoint, Segment, TcpFlags, Undecoded};

const UDP_HEADER_LEN: u32 = 8;
const TCP_HEADER_LEN: usize = 20;
/// Where the upper half of a byte tells the header's length in words (RFC 9293, section 3.1).
const TCP_DATA_OFFSET: usize = 12;

/// Reads a TCP segment.
pub(super) fn tcp<'a>(ip: &Ip<'a>) -> Result<Segment<'a>, Undecoded> {
    let at = ip.payload;
    match TcpSlice::from_slice(at.bytes) {
        Ok(tcp) => Ok(segment(ip, &tcp, tcp.data_offset(), tcp.payload())),
        Err(HeaderSliceError::Content(_)) => Err(Undecoded::TransportHeader),
        Err(HeaderSliceError::Len(_)) => without_options(ip).ok_or(Undecoded::Cut),
    }
}

/// Reads a segment of which the capture has the header, but not all of its options: captures of headers alone often end
/// there, and nothing of what is needed stands in options.
fn without_options<'a>(ip: &Ip<'a>) -> Option<Segment<'a>> {
    let mut header = *ip.payload.bytes.first_chunk::<TCP_HEADER_LEN>()?;
    let data_offset = header[TCP_DATA_OFFSET] >> 4;
    header[TCP_DATA_OFFSET] = 5 << 4;
    let tcp = TcpSlice::from_slice(&header).ok()?;
    let cut = as_u32(ip.payload.bytes.len()) < ip.payload.wire_len;
    (cut && data_offset > 5).then(|| segment(ip, &tcp, data_offset, &[]))
}

fn segment<'a>(ip: &Ip<'a>, tcp: &TcpSlice<'_>, data_offset: u8, payload: &'a [u8]) -> Segment<'a> {
    let header_len = u32::from(data_offset) * 4;
    Segment {
        src: endpoint(ip.src, tcp.source_port()),
        dst: endpoint(ip.dst, tcp.destination_port()),
        seq: tcp.sequence_number(),
        ack: tcp.acknowledgment_number(),
        flags: TcpFlags {
            syn: tcp.syn(),
            ack: tcp.ack(),
            fin: tcp.fin(),
            rst: tcp.rst(),
        },
        payload,
        wire_len: at_least(ip.payload.wire_len.saturating_sub(header_len), payload),
    }
}

/// Reads a UDP datagram. The cursor is on its payload, which ends where UDP's own length says.
pub(super) fn udp<'a>(ip: &Ip<'a>) -> Result<(Datagram<'a>, Cursor<'a>), Undecoded> {
    let udp = UdpSlice::from_slice_lax(ip.payload.bytes).map_err(|_| Undecoded::Cut)?;
    let wire_len = at_least(
        ip.payload.wire_len.saturating_sub(UDP_HEADER_LEN),
        udp.payload(),
    );
    let datagram = Datagram {
        src: endpoint(ip.src, udp.source_port()),
        dst: endpoint(ip.dst, udp.destination_port()),
        payload: udp.payload(),
        wire_len,
    };
    let inside = Cursor {
        bytes: udp.payload(),
        wire_len,
    };
    // A length of zero stands for one above 64 KiB (RFC 2675, section 4) or for offload.
    Ok((
        datagram,
        match u32::from(udp.length()).checked_sub(UDP_HEADER_LEN) {
            Some(own) => inside.limit(own),
            None => inside,
        },
    ))
}

fn endpoint(addr: IpAddr, port: u16) -> Endpoint {
    Endpoint { addr, port }
}

/// The wire length, never below what was captured.
fn at_least(wire_len: u32, captured: &[u8]) -> u32 {
    wire_len.max(as_u32(captured.len()))
}
