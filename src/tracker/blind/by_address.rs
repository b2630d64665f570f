//! A flow without a name, towards an address that an answer gave for a matched name: it is put down to that name.

use std::num::NonZeroU16;

use crate::flows::Flow;
use crate::model::{Endpoint, FlowProtocol, Protocol, Side, Signal};
use crate::tracker::Insides;
use crate::tracker::answer::Said;
use crate::tracker::conversation::Conversation;
use crate::tracker::named::{Ends, MORE_THAN_AN_ALERT};
use crate::tracker::names::Manner;
use crate::tracker::rollup::Subject;

impl Insides {
    /// A flow without a name, towards an address that an answer gave this host for a matched name.
    pub(super) fn attribute(
        &mut self,
        flow: &mut Flow<Conversation>,
        client_side: Side,
        client: Endpoint,
        server: Endpoint,
        slot: Option<usize>,
    ) {
        let called = flow.syn_seen() && client_side == Side::Responder;
        let host = self.settings.local.host(client.addr, server.addr);
        let Some(host) = host.filter(|_| !called) else {
            return;
        };
        // One that was under way before may be anything that the address served earlier.
        let began_here = match flow.protocol {
            Protocol::Tcp => flow.opening_seen(),
            Protocol::Udp => flow.state.traits.speaks == Some(FlowProtocol::Quic),
            Protocol::Esp => false,
        };
        if !began_here {
            return;
        }
        let began = flow.state.started;
        let Some(known) = self.watch.explain(host, server.addr, began) else {
            return;
        };
        let subject = Subject {
            host,
            mac: flow.state.macs[client_side.index()],
            matched: known.matched.clone(),
            name: known.name.clone(),
            signal: Signal::Ip,
            server: Some(server.addr),
            flow: self.flow_id(flow, client, server),
        };
        let ends = Ends {
            client,
            server,
            client_side,
            protocol: flow.protocol,
            vlan: flow.state.vlan.map(NonZeroU16::get),
            // Such an address is never watched.
            sinkhole: false,
        };
        self.stats.seen.named_flows[Signal::Ip.index()] += 1;
        flow.state.traits.named = true;
        let answer = nameless_answer(&flow.state, client_side);
        let names = flow.state.names.get_or_insert_default();
        let (rollup, budget) = (&mut self.rollup, &mut self.budget);
        // What the server says later is read from its next byte on; what it said so far is counted.
        let manner = Manner {
            signal: Signal::Ip,
            head: false,
            absolute: false,
            first: true,
            server_seq: None,
            user_agent: None,
        };
        let named = names.turn_to(subject, ends, manner, began, rollup, budget);
        let mut bytes = flow.state.unnamed_bytes;
        let refused = matches!(answer, Some(Said::Refusal(_) | Said::Unclear));
        if refused {
            // Those of a refusal are not the vendor's.
            bytes[client_side.other().index()] = 0;
        }
        let unreported = named.count_earlier(bytes, began, rollup);
        match answer {
            Some(Said::Talk) => {
                named.server_talks(flow.last_seen, rollup);
                named.weigh(self.settings.transfer_threshold, flow.last_seen, rollup);
            }
            Some(Said::Refusal(kind)) => named.server_refuses(kind, flow.last_seen, rollup),
            Some(Said::Unclear) => {}
            None => {
                if let Some((time, kind)) = flow.state.traits.refused {
                    named.server_refuses(kind, time, rollup);
                }
            }
        }
        if unreported && let Some(slot) = slot {
            self.unreported.push(slot);
        }
        if flow.state.traits.sides[client_side.other().index()] {
            names.had_heard();
        }
        if refused {
            names.leave(budget);
        }
    }
}

/// What the server of a flow without a name said. To a hello or a request it is what was read; of anything else the
/// amount tells, as it does where the server's side is not seen.
fn nameless_answer(state: &Conversation, client_side: Side) -> Option<Said> {
    let traits = &state.traits;
    let server_seen = traits.sides[client_side.other().index()];
    let read = traits.client.is_some() && server_seen;
    let much = state.unnamed_bytes[client_side.other().index()] >= MORE_THAN_AN_ALERT;
    traits.answered.or_else(|| {
        (!read && much && traits.speaks != Some(FlowProtocol::Quic)).then_some(Said::Talk)
    })
}
