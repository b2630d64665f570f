//! A decoded frame: the innermost IP header and what it carries, or an ARP message; borrowed from the frame.

use std::net::IpAddr;

use super::closed::closed_list;
use super::{Endpoint, Mac, Protocol};

/// What stands in a frame.
#[derive(Clone, Copy, Debug)]
pub enum Decoded<'a> {
    /// An IP packet.
    Packet(Packet<'a>),
    /// An ARP message.
    Arp(Arp<'a>),
}

/// Who sends a frame to whom on the wire that is captured.
///
/// Only of Ethernet, and only where nothing but VLAN tags stands between it and what it carries: behind PPPoE, MPLS, a
/// provider's backbone tag or a tunnel, the hardware addresses are not those of the packet's ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkEnds {
    /// The sender, as the frame says.
    pub src: Mac,
    /// The receiver, often a group.
    pub dst: Mac,
    /// Number of the outermost VLAN; a tag that has only a priority (number 0) is none.
    pub vlan: Option<u16>,
}

/// An ARP message that is not inside a tunnel.
#[derive(Clone, Copy, Debug)]
pub struct Arp<'a> {
    /// The frame's ends, of Ethernet.
    pub link: Option<LinkEnds>,
    /// The message, and padding behind it; at least as long as a message of Ethernet and IPv4.
    pub message: &'a [u8],
}

/// Network and transport layer of one frame.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// Source address of the innermost IP header.
    pub src: IpAddr,
    /// Destination address of the innermost IP header.
    pub dst: IpAddr,
    /// Hop limit or time to live of the innermost IP header.
    pub hop_limit: u8,
    /// The frame's ends, where they are those of this packet on its link: not of a packet in a tunnel.
    pub link: Option<LinkEnds>,
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
    /// An ICMP error: a packet sent earlier did not reach its target.
    Unreachable(Unreachable),
    /// A message of IPv6 neighbour discovery (router or neighbour, solicitation or advertisement; RFC 4861, section 4): all
    /// of the ICMPv6 message that was captured. Never from a tunnel, where it is about another link, nor from fragments,
    /// which its receivers ignore (RFC 6980, section 5).
    Neighbour(&'a [u8]),
    /// A fragment that waits for the rest of its datagram. With the last one comes the datagram.
    Fragment,
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

/// A TCP or UDP packet that could not be delivered, as an ICMP error quotes it. Nothing was sent between these ends
/// by the frame that was decoded; the packet's own source is who refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreachable {
    /// Protocol of the quoted packet.
    pub protocol: Protocol,
    /// Who had sent it, and is told so.
    pub src: Endpoint,
    /// Whom it did not reach.
    pub dst: Endpoint,
    /// Why not.
    pub refusal: Refusal,
}

closed_list! {
    /// What an ICMP error says of why a packet did not reach its target.
    Refusal {
        /// No route to the target's network.
        Network = "network",
        /// The host does not answer on its network.
        Host = "host",
        /// The host does not speak the protocol.
        Protocol = "protocol",
        /// Nobody listens on the port; firewalls that reject say this too.
        Port = "port",
        /// A rule forbids it ("administratively prohibited").
        Prohibited = "prohibited",
    }
}

closed_list! {
    /// Why no network or transport layer was read in a frame; one counter each.
    Undecoded {
        /// The capture's link type is not one that is read.
        LinkType = "link_type",
        /// The frame ends before its IP or transport header does.
        Cut = "cut",
        /// Reverse ARP, or ARP inside a tunnel: no IP inside, nothing is missed. Other ARP is read.
        Arp = "arp",
        /// IEEE 802.3 length and LLC, spanning tree, LLDP, EAPOL and the like: no IP inside, nothing is missed.
        LinkControl = "link_control",
        /// MPLS labels with neither IP nor an Ethernet frame with IP behind them.
        Mpls = "mpls",
        /// More MPLS labels than the cap.
        MplsDepth = "mpls_depth",
        /// A PPPoE session whose header contradicts itself.
        Pppoe = "pppoe",
        /// Encrypted on the link (IEEE 802.1AE).
        Macsec = "macsec",
        /// More VLAN tags than the cap.
        VlanDepth = "vlan_depth",
        /// Any other EtherType or PPP protocol.
        EtherType = "ethertype",
        /// The IP header contradicts itself, or has more extension headers than the cap.
        IpHeader = "ip_header",
        /// The TCP or UDP header contradicts itself.
        TransportHeader = "transport_header",
        /// A fragment of an IP packet whose other fragments did not come in time or had no room, or that no sender makes.
        Fragment = "fragment",
        /// A fragment that overlaps another: the whole packet is refused (RFC 5722).
        FragmentOverlap = "fragment_overlap",
        /// GRE that carries nothing that is read.
        Tunnel = "tunnel",
        /// More tunnels in each other than the cap.
        TunnelDepth = "tunnel_depth",
    }
}
