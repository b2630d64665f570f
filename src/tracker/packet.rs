//! From a decoded frame to whoever reads what it carries: TCP, DNS, other datagrams, tunnels, errors, claims of addresses.

use super::{Analysis, Witness, presence};
use crate::dissect::{Dissection, dns as dns_messages, quic as quic_packets};
use crate::flows;
use crate::model::{
    Datagram, Decoded, Endpoint, FlowProtocol, Frame, Packet, Protocol, ReplyKind, Transport,
    Undecoded, Way,
};

/// IP protocol number of Encapsulating Security Payload (RFC 4303).
const ESP: u8 = 50;

impl Analysis {
    /// Takes what a frame was decoded to.
    pub(super) fn packet(
        &mut self,
        decoded: Result<Decoded<'_>, Undecoded>,
        frame: &Frame<'_>,
        witness: &mut impl Witness,
    ) {
        self.insides.way = match &decoded {
            Ok(Decoded::Packet(packet)) => presence::way(packet),
            Ok(Decoded::Arp(_)) | Err(_) => Way::Unknown,
        };
        if let Ok(Decoded::Packet(packet)) = &decoded {
            self.insides.hops = packet.hop_limit;
        }
        let opened_flow = match decoded {
            Ok(Decoded::Packet(packet)) => match self.transport_of(&packet) {
                Transport::Tcp(segment) => self.tcp(&segment, frame.time, witness),
                Transport::Udp(datagram)
                    if (datagram.src.port == dns_messages::PORT
                        || datagram.dst.port == dns_messages::PORT)
                        && !self.is_other_flow(&datagram) =>
                {
                    match self.insides.dns_datagram(&datagram, frame.time, witness) {
                        Some(opened) => opened,
                        None => self.udp(&datagram, frame.time, witness),
                    }
                }
                Transport::Udp(datagram) => {
                    let insides = &mut self.insides;
                    let rollup = &mut insides.rollup;
                    insides.identity.datagram(&datagram, frame.time, rollup);
                    self.udp(&datagram, frame.time, witness)
                }
                Transport::Other(ESP) => self.esp(&packet, frame),
                Transport::Unreachable(refused) => {
                    let insides = &mut self.insides;
                    insides.note_presence(packet.src, packet.dst, false, frame.time);
                    let flow = self
                        .flows
                        .between(refused.src, refused.dst, refused.protocol);
                    if let Some(flow) = flow.filter(|flow| flow.initiator == refused.src) {
                        insides.refused(flow, ReplyKind::Unreachable, frame.time);
                    }
                    false
                }
                Transport::Neighbour(message) => {
                    let insides = &mut self.insides;
                    let rollup = &mut insides.rollup;
                    let identity = &mut insides.identity;
                    identity.discovery(&packet, message, frame.time, rollup);
                    insides.note_presence(packet.src, packet.dst, false, frame.time);
                    false
                }
                Transport::Fragment | Transport::Other(_) => {
                    self.insides
                        .note_presence(packet.src, packet.dst, false, frame.time);
                    false
                }
            },
            Ok(Decoded::Arp(arp)) => {
                let insides = &mut self.insides;
                let rollup = &mut insides.rollup;
                if let Some(sender) = insides.identity.arp(&arp, frame.time, rollup) {
                    insides.note_presence(sender, sender, false, frame.time);
                }
                false
            }
            Err(cause) => {
                self.insides.stats.seen.undecoded[cause.index()] += 1;
                false
            }
        };
        self.clock.observe(frame.time, opened_flow);
        if let Some(now) = self.clock.now() {
            let insides = &mut self.insides;
            self.flows.expire(now, &mut |flow| insides.end(flow));
            self.count_due_flows(now);
        }
    }

    /// What a packet carries; where it was seen is kept for what it tells.
    fn transport_of<'a>(&mut self, packet: &Packet<'a>) -> Transport<'a> {
        self.insides.vlan = packet.link.and_then(|link| link.vlan);
        packet.transport
    }

    /// Whether a datagram of the DNS port is something else: the port is a hint, and QUIC and tunnels hide there.
    fn is_other_flow(&mut self, datagram: &Datagram<'_>) -> bool {
        let wire_len = datagram.wire_len as usize;
        let starts_quic = matches!(
            quic_packets::first_flight(datagram.payload, wire_len),
            Dissection::Found(quic_packets::FirstPacket::Known(_))
        );
        let (src, dst) = (datagram.src, datagram.dst);
        starts_quic
            || (self.insides.flows_on_dns_port > 0
                && self.flows.between(src, dst, Protocol::Udp).is_some())
    }

    /// Takes a packet of IPsec; says whether it opened a flow.
    fn esp(&mut self, packet: &Packet<'_>, frame: &Frame<'_>) -> bool {
        let end = |addr| Endpoint { addr, port: 0 };
        let header = flows::Header {
            time: frame.time,
            now: self.clock.at_least(frame.time),
            src: end(packet.src),
            dst: end(packet.dst),
            wire_len: 0,
            thinned: false,
        };
        let insides = &mut self.insides;
        let touched = self
            .flows
            .touch_datagram(header, Protocol::Esp, &mut |flow| insides.end(flow));
        let (flow, new) = (touched.flow, touched.new);
        flow.state.traits.tunnel = true;
        insides.begin(flow, new, touched.side, touched.slot, header);
        insides.speaks(flow, FlowProtocol::Other);
        new
    }
}
