//! IPv4 and IPv6 with extension headers, TCP and UDP, by `etherparse`.
//!
//! Lengths on the wire come from the IP header, so link padding and trailers never count as payload. A header length
//! of zero stands for a frame that the network card will still cut up (segmentation offload): then the frame's own
//! length counts.

use std::net::IpAddr;

use etherparse::err::ip::LaxHeaderSliceError;
use etherparse::{IpNumber, Ipv6Header, LaxIpSlice, LenSource, TcpSlice, UdpSlice};

use crate::model::{Datagram, Endpoint, Packet, Segment, TcpFlags, Transport, Undecoded};

const IP_IN_IP: u8 = 4;
const IPV6_IN_IP: u8 = 41;
const GRE: u8 = 47;
const UDP_HEADER_LEN: u32 = 8;

/// Decodes a packet that starts at `bytes` and has `wire_len` bytes on the wire, link trailers included.
pub(super) fn packet(bytes: &[u8], wire_len: u32) -> Result<Packet<'_>, Undecoded> {
    let (ip, stopped) = LaxIpSlice::from_slice(bytes).map_err(|error| match error {
        LaxHeaderSliceError::Len(_) => Undecoded::Cut,
        LaxHeaderSliceError::Content(_) => Undecoded::IpHeader,
    })?;
    let (src, dst) = (ip.source_addr(), ip.destination_addr());
    let payload = ip.payload();
    if payload.fragmented {
        return Err(Undecoded::Fragment);
    }
    if stopped.is_some() {
        return Err(if payload.incomplete {
            Undecoded::Cut
        } else {
            Undecoded::IpHeader
        });
    }
    let payload_wire_len = match (payload.len_source, payload.incomplete) {
        (LenSource::Slice, cut) => {
            // The payload then reaches to the end of the captured bytes, so what stands before it is its headers.
            let headers = as_u32(bytes.len() - payload.payload.len());
            let total = if cut { declared_len(&ip) } else { wire_len };
            total.saturating_sub(headers)
        }
        _ => as_u32(payload.payload.len()),
    };
    let transport = transport(
        src,
        dst,
        payload.ip_number,
        payload.payload,
        payload_wire_len,
    )?;
    Ok(Packet {
        src,
        dst,
        transport,
    })
}

/// Length of the whole packet by its own header.
fn declared_len(ip: &LaxIpSlice<'_>) -> u32 {
    match ip {
        LaxIpSlice::Ipv4(v4) => u32::from(v4.header().total_len()),
        LaxIpSlice::Ipv6(v6) => as_u32(Ipv6Header::LEN) + u32::from(v6.header().payload_length()),
    }
}

fn as_u32(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

fn transport(
    src: IpAddr,
    dst: IpAddr,
    protocol: IpNumber,
    bytes: &[u8],
    wire_len: u32,
) -> Result<Transport<'_>, Undecoded> {
    let ends = |src_port, dst_port| {
        (
            Endpoint {
                addr: src,
                port: src_port,
            },
            Endpoint {
                addr: dst,
                port: dst_port,
            },
        )
    };
    match protocol {
        IpNumber::TCP => {
            let tcp = TcpSlice::from_slice(bytes).map_err(|error| match error {
                etherparse::err::tcp::HeaderSliceError::Len(_) => Undecoded::Cut,
                etherparse::err::tcp::HeaderSliceError::Content(_) => Undecoded::TransportHeader,
            })?;
            let header_len = u32::from(tcp.data_offset()) * 4;
            let (src, dst) = ends(tcp.source_port(), tcp.destination_port());
            Ok(Transport::Tcp(Segment {
                src,
                dst,
                seq: tcp.sequence_number(),
                ack: tcp.acknowledgment_number(),
                flags: TcpFlags {
                    syn: tcp.syn(),
                    ack: tcp.ack(),
                    fin: tcp.fin(),
                    rst: tcp.rst(),
                },
                payload: tcp.payload(),
                wire_len: at_least(wire_len.saturating_sub(header_len), tcp.payload()),
            }))
        }
        IpNumber::UDP => {
            let udp = UdpSlice::from_slice_lax(bytes).map_err(|_| Undecoded::Cut)?;
            let (src, dst) = ends(udp.source_port(), udp.destination_port());
            Ok(Transport::Udp(Datagram {
                src,
                dst,
                payload: udp.payload(),
                wire_len: at_least(wire_len.saturating_sub(UDP_HEADER_LEN), udp.payload()),
            }))
        }
        IpNumber(IP_IN_IP | IPV6_IN_IP | GRE) => Err(Undecoded::Tunnel),
        IpNumber(other) => Ok(Transport::Other(other)),
    }
}

/// The wire length, never below what was captured.
fn at_least(wire_len: u32, captured: &[u8]) -> u32 {
    wire_len.max(as_u32(captured.len()))
}
