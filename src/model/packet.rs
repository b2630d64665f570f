//! A decoded packet: the innermost IP header and what it carries, borrowed from the frame.

use std::net::IpAddr;

use super::Endpoint;
use super::closed::closed_list;

/// Network and transport layer of one frame.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// Source address of the innermost IP header.
    pub src: IpAddr,
    /// Destination address of the innermost IP header.
    pub dst: IpAddr,
    /// What the IP packet carries.
    pub transport: Transport<'a>,
}

/// Transport layer.
#[derive(Clone, Copy, Debug)]
pub enum Transport<'a> {
    /// A TCP segment.
    Tcp(Segment<'a>),
    /// A UDP datagram.
    Udp(Datagram<'a>),
    /// Another IP protocol, by its number.
    Other(u8),
}

/// A TCP segment.
#[derive(Clone, Copy, Debug)]
pub struct Segment<'a> {
    /// Sender's address and port.
    pub src: Endpoint,
    /// Receiver's address and port.
    pub dst: Endpoint,
    /// Sequence number of the first payload byte (of the SYN, where that is set).
    pub seq: u32,
    /// Acknowledgement number; meaningful only with the ACK flag.
    pub ack: u32,
    /// Control flags.
    pub flags: TcpFlags,
    /// The captured payload.
    pub payload: &'a [u8],
    /// Payload length on the wire in bytes, at least the captured length.
    pub wire_len: u32,
}

/// TCP control flags that matter here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpFlags {
    /// Synchronise sequence numbers.
    pub syn: bool,
    /// The acknowledgement number is valid.
    pub ack: bool,
    /// No more data from the sender.
    pub fin: bool,
    /// Reset the connection.
    pub rst: bool,
}

/// A UDP datagram.
#[derive(Clone, Copy, Debug)]
pub struct Datagram<'a> {
    /// Sender's address and port.
    pub src: Endpoint,
    /// Receiver's address and port.
    pub dst: Endpoint,
    /// The captured payload.
    pub payload: &'a [u8],
    /// Payload length by the IP length in bytes, at least the captured length.
    pub wire_len: u32,
}

closed_list! {
    /// Why no network or transport layer was read in a frame; one counter each.
    Undecoded {
        /// The capture's link type is not one that is read.
        LinkType = "link_type",
        /// The frame ends before its IP or transport header does.
        Cut = "cut",
        /// ARP: no IP inside, nothing is missed.
        Arp = "arp",
        /// IEEE 802.3 length and LLC, spanning tree, LLDP, EAPOL and the like: no IP inside, nothing is missed.
        LinkControl = "link_control",
        /// MPLS labels.
        Mpls = "mpls",
        /// PPPoE session.
        Pppoe = "pppoe",
        /// Encrypted on the link (IEEE 802.1AE).
        Macsec = "macsec",
        /// More VLAN tags than the cap.
        VlanDepth = "vlan_depth",
        /// Any other EtherType or PPP protocol.
        EtherType = "ethertype",
        /// The IP header contradicts itself.
        IpHeader = "ip_header",
        /// The TCP or UDP header contradicts itself.
        TransportHeader = "transport_header",
        /// A fragment of an IP packet; reassembly is not done.
        Fragment = "fragment",
        /// An IP packet or frame inside an IP tunnel (IP in IP, 6in4, GRE).
        Tunnel = "tunnel",
    }
}
