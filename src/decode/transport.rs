//! TCP and UDP by `etherparse`.

use std::net::IpAddr;

use etherparse::{TcpSlice, UdpSlice};

use super::cursor::{Cursor, as_u32};
use super::ip::Ip;
use crate::model::{Datagram, Endpoint, Segment, TcpFlags, Undecoded};

const UDP_HEADER_LEN: u32 = 8;

/// Reads a TCP segment.
pub(super) fn tcp<'a>(ip: &Ip<'a>) -> Result<Segment<'a>, Undecoded> {
    let at = ip.payload;
    let tcp = TcpSlice::from_slice(at.bytes).map_err(|error| match error {
        etherparse::err::tcp::HeaderSliceError::Len(_) => Undecoded::Cut,
        etherparse::err::tcp::HeaderSliceError::Content(_) => Undecoded::TransportHeader,
    })?;
    let header_len = u32::from(tcp.data_offset()) * 4;
    Ok(Segment {
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
        payload: tcp.payload(),
        wire_len: at_least(at.wire_len.saturating_sub(header_len), tcp.payload()),
    })
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
