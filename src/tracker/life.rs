//! The life of a flow: what its first packet and each side's packets mean for hosts, and what is told when it ends.

use std::net::IpAddr;
use std::num::NonZeroU16;

use super::Insides;
use super::conversation::Conversation;
use crate::dissect::dns;
use crate::flows::{self, Flow};
use crate::model::{Endpoint, FlowId, FlowProtocol, Protocol, Side, Timestamp, Way};

impl Insides {
    /// Notes that the sender of a packet was there, if it is a host: on the local side, or by what [`crate::model::LocalNetworks::host`]
    /// makes of the one who opened the flow.
    pub(super) fn note_presence(
        &mut self,
        sender: IpAddr,
        receiver: IpAddr,
        opened: bool,
        time: Timestamp,
    ) {
        let local = &self.settings.local;
        if local.contains(sender) || (opened && local.host(sender, receiver).is_some()) {
            let news = self.presence.note(sender, self.way, time);
            if news && matches!(self.way, Way::Direct(_)) {
                self.rollup.owner_told(sender, time);
            }
        }
    }

    /// Which flow it is, where the ledger has to know.
    pub(super) fn flow_id(
        &self,
        flow: &Flow<Conversation>,
        client: Endpoint,
        server: Endpoint,
    ) -> Option<FlowId> {
        self.settings.one_of_several.then(|| FlowId {
            client,
            server,
            protocol: flow.protocol,
            opened: flow.opened_with(),
        })
    }

    /// A packet came from one side of a flow.
    pub(super) fn begin(
        &mut self,
        flow: &mut Flow<Conversation>,
        new: bool,
        side: Side,
        slot: usize,
        header: flows::Header,
    ) {
        let time = header.time;
        if new {
            flow.state.started = time;
            flow.state.vlan = self.vlan.and_then(NonZeroU16::new);
            self.waiting.push(header.now, time, slot);
            self.flows_on_dns_port += usize::from(is_on_dns_port(flow));
            if flow.protocol != Protocol::Tcp || flow.syn_seen() {
                let ends = (flow.initiator.addr, flow.responder.addr);
                let (port, local) = (flow.responder.port, &self.settings.local);
                self.role_log.opened(ends, port, local, time);
            }
        }
        flow.state.traits.sides[side.index()] = true;
        if let Some(mac) = self.way.mac() {
            flow.state.macs[side.index()].get_or_insert(mac);
        }
        if flow.state.minute_began(side, time) {
            let ends = [flow.initiator.addr, flow.responder.addr];
            let (sender, receiver) = (ends[side.index()], ends[side.other().index()]);
            self.note_presence(sender, receiver, side == Side::Initiator, time);
            let local = &self.settings.local;
            let presence = &mut self.presence;
            self.role_log
                .reached(sender, receiver, local, presence, time);
        }
    }

    /// A flow left the table.
    pub(super) fn end(&mut self, flow: &mut Flow<Conversation>) {
        self.flows_on_dns_port -= usize::from(is_on_dns_port(flow));
        self.count_flow(flow, None);
        self.speaks(flow, FlowProtocol::Other);
        flow.state.report_bytes(&mut self.rollup);
        self.tell_end(flow);
        flow.state.release(&mut self.budget);
        self.quic_readings.end(&mut flow.state);
    }
}

fn is_on_dns_port(flow: &Flow<Conversation>) -> bool {
    flow.protocol == Protocol::Udp
        && (flow.initiator.port == dns::PORT || flow.responder.port == dns::PORT)
}
