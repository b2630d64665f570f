//! The table itself.
//!
//! Expiry is a hand that goes round the slots, a few with each packet, so no packet pays for many. When the table is full
//! the hand takes, of the next few slots, the one that was silent longest. Neither depends on hash order, so a capture
//! replayed twice gives the same.

use std::time::Duration;

use super::flow::{Flow, Header};
use super::slots::Slots;
use crate::model::{Endpoint, Protocol, Side, TcpFlags, Timestamp};

/// Bounds of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Flows kept at once. A slot takes at most 256 bytes, so the default is 16 MiB; a matched name in a
    /// flow takes about 500 more, so a flood of them 32 MiB.
    pub max_flows: usize,
    /// Silence after which a TCP flow is forgotten. Agents keep one connection open for hours; a keep-alive holds it.
    pub tcp_idle: Duration,
    /// Silence after which a UDP flow is forgotten.
    pub udp_idle: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_flows: 65_536,
            tcp_idle: Duration::from_secs(3600),
            udp_idle: Duration::from_secs(120),
        }
    }
}

impl Settings {
    /// When a flow was silent too long, if nothing more comes.
    fn over<S>(&self, flow: &Flow<S>) -> Timestamp {
        let limit = match flow.protocol {
            _ if flow.closed => CLOSED_LINGER,
            Protocol::Tcp => self.tcp_idle,
            Protocol::Udp | Protocol::Esp => self.udp_idle,
        };
        flow.touched.after(limit)
    }
}

/// How long a closed TCP flow stays, for late and repeated segments.
const CLOSED_LINGER: Duration = Duration::from_secs(10);
/// Slots looked at with each packet for expiry: two go round a full table faster than it can fill.
const EXPIRY_STRIDE: usize = 2;
/// Silence after which a connection is taken for over when a SYN comes on its ports.
const ALIVE: Duration = Duration::from_secs(60);

/// Counters of the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Flows now.
    pub entries: u64,
    /// Flows evicted because the table was full.
    pub evictions: u64,
}

/// The flow of a packet.
#[derive(Debug)]
pub struct Touched<'t, S> {
    /// The flow.
    pub flow: &'t mut Flow<S>,
    /// Which end sent the packet.
    pub side: Side,
    /// Whether the packet opened the flow.
    pub new: bool,
    /// Payload bytes by which the sender's direction advanced.
    pub advanced: u64,
    /// Payload bytes of the other side that the segment acknowledges, where no packet of that side was seen, or not all
    /// were to be: proof that they came (TCP).
    pub acknowledged: u64,
    /// Sequence number that the sender's next byte had before this segment, once known (TCP).
    pub expected: Option<u32>,
    /// Where the flow stands; [`Table::at`] finds it there as long as it lives.
    pub slot: usize,
}

/// The flows.
pub struct Table<S> {
    settings: Settings,
    slots: Slots<S>,
    evictions: u64,
}

impl<S: Default> Table<S> {
    /// An empty table.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            slots: Slots::new(),
            evictions: 0,
        }
    }

    /// Counters.
    pub fn stats(&self) -> Stats {
        Stats {
            entries: self.slots.flows() as u64,
            evictions: self.evictions,
        }
    }

    /// Finds or opens the flow of a TCP segment (`ack` counts only with the flag). Flows that end by this are given to `ended`.
    pub fn touch_tcp(
        &mut self,
        header: Header,
        seq: u32,
        ack: u32,
        flags: TcpFlags,
        ended: &mut dyn FnMut(&mut Flow<S>),
    ) -> Touched<'_, S> {
        let opens = flags.syn && !flags.ack;
        if opens {
            self.weigh_syn(header, seq, ended);
        }
        // A SYN with ACK is the answer: its sender is the responder.
        let reversed = flags.syn && flags.ack;
        let (mut slot, mut new) = self.slot(header, Protocol::Tcp, reversed, ended);
        let successor = self
            .slots
            .occupied(slot)
            .confirms_rival(header, seq, ack, flags);
        if successor.is_some() {
            self.slots.end(slot, ended);
            (slot, new) = self.slot(header, Protocol::Tcp, reversed, ended);
        }
        let flow = self.slots.occupied(slot);
        let side = flow.side_of(header.src);
        let rival = flow.rival == Some((side, seq)) && opens;
        if opens && side == Side::Initiator && !rival {
            flow.syn = Some(seq);
        }
        if let Some(syn) = successor {
            flow.syn = Some(syn);
            flow.sequences[Side::Initiator.index()].advance(syn, true, 0);
        }
        flow.syn_answered |= reversed;
        flow.sides[side.index()] = true;
        let unseen = !flow.sides[side.other().index()];
        let acknowledged = if (unseen || header.thinned) && flags.ack && !flags.rst {
            flow.sequences[side.other().index()].acknowledged(ack)
        } else {
            0
        };
        let expected = flow.sequences[side.index()].next();
        let advanced = if rival {
            0
        } else {
            flow.sequences[side.index()].advance(seq, flags.syn, header.wire_len)
        };
        if flags.fin {
            flow.sequences[side.index()].ends(seq.wrapping_add(header.wire_len));
        }
        flow.fins[side.index()] |= flags.fin;
        let was_closed = flow.closed;
        flow.closed |= flags.rst || flow.fins == [true, true];
        let closes = flow.closed && !was_closed;
        flow.last_seen = flow.last_seen.max(header.time);
        flow.touched = flow.touched.max(header.now);
        if closes {
            // It goes sooner than was thought.
            let over = flow.touched.after(CLOSED_LINGER);
            self.slots.look_at(slot, over);
        }
        Touched {
            flow: self.slots.occupied(slot),
            side,
            new,
            advanced,
            acknowledged,
            expected,
            slot,
        }
    }

    /// Finds or opens the flow of a datagram. Flows that end by this are given to `ended`.
    pub fn touch_datagram(
        &mut self,
        header: Header,
        protocol: Protocol,
        ended: &mut dyn FnMut(&mut Flow<S>),
    ) -> Touched<'_, S> {
        let (slot, new) = self.slot(header, protocol, false, ended);
        let flow = self.slots.occupied(slot);
        let side = flow.side_of(header.src);
        flow.last_seen = flow.last_seen.max(header.time);
        flow.touched = flow.touched.max(header.now);
        Touched {
            flow,
            side,
            new,
            advanced: u64::from(header.wire_len),
            acknowledged: 0,
            expected: None,
            slot,
        }
    }

    /// Looks at a few slots and gives flows that were silent too long, by engine time, to `ended`.
    pub fn expire(&mut self, now: Timestamp, ended: &mut dyn FnMut(&mut Flow<S>)) {
        for _ in 0..EXPIRY_STRIDE.min(self.slots.len()) {
            let slot = self.slots.advance_hand();
            if !self.slots.is_to_be_looked_at(slot, now) {
                continue;
            }
            let Some(flow) = self.slots.get(slot) else {
                continue;
            };
            let over = self.settings.over(flow);
            if now <= over {
                self.slots.look_at(slot, over);
            } else {
                self.slots.end(slot, ended);
            }
        }
    }

    /// The flow between two ends, if it is there.
    pub fn between(
        &mut self,
        a: Endpoint,
        b: Endpoint,
        protocol: Protocol,
    ) -> Option<&mut Flow<S>> {
        let slot = self.slots.find(a, b, protocol)?;
        self.at(slot)
    }

    /// Slots that [`Table::at`] may find a flow in.
    pub fn slots(&self) -> usize {
        self.slots.len()
    }

    /// The flow that stands in a slot now.
    pub fn at(&mut self, slot: usize) -> Option<&mut Flow<S>> {
        self.slots.get_mut(slot)
    }

    /// A SYN on ports that an older connection has ends that at once where it is over or was silent for long; else only
    /// what confirms the SYN does, because one is easily forged. The SYN with which a connection was opened that has just
    /// ended is a copy: no other begins with its number so soon (RFC 9293, section 3.4.1).
    fn weigh_syn(&mut self, header: Header, seq: u32, ended: &mut dyn FnMut(&mut Flow<S>)) {
        let Some(slot) = self.slots.find(header.src, header.dst, Protocol::Tcp) else {
            return;
        };
        let flow = self.slots.occupied(slot);
        let silent = header.time.since(flow.last_seen);
        let opened = flow.syn_answered && flow.initiator == header.src && flow.syn == Some(seq);
        if opened && silent <= CLOSED_LINGER {
            return;
        }
        if flow.closed || silent > ALIVE {
            self.slots.end(slot, ended);
        } else if !flow.owns_syn(header.src, seq, silent) {
            flow.rival = Some((flow.side_of(header.src), seq));
        }
    }

    fn slot(
        &mut self,
        header: Header,
        protocol: Protocol,
        reversed: bool,
        ended: &mut dyn FnMut(&mut Flow<S>),
    ) -> (usize, bool) {
        if let Some(slot) = self.slots.find(header.src, header.dst, protocol) {
            return (slot, false);
        }
        if self.slots.flows() >= self.settings.max_flows.max(1) {
            self.evictions += 1;
            let victim = self.slots.oldest_of_next();
            self.slots.end(victim, ended);
        }
        let flow = Flow::opened_by(header, protocol, reversed);
        // Not sooner, because by then it is in no cache any more.
        let over = self.settings.over(&flow);
        (self.slots.insert(flow, over), true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(last: u8, port: u16) -> Endpoint {
        Endpoint {
            addr: [10, 0, 0, last].into(),
            port,
        }
    }

    fn header(second: i64, src: Endpoint, dst: Endpoint, wire_len: u32) -> Header {
        Header {
            time: Timestamp::from_unix(second, 0),
            now: Timestamp::from_unix(second, 0),
            src,
            dst,
            wire_len,
            thinned: false,
        }
    }

    const SYN: TcpFlags = TcpFlags {
        syn: true,
        ack: false,
        fin: false,
        rst: false,
    };
    const SYN_ACK: TcpFlags = TcpFlags { ack: true, ..SYN };
    const ACK: TcpFlags = TcpFlags {
        syn: false,
        ..SYN_ACK
    };
    const RST: TcpFlags = TcpFlags { rst: true, ..ACK };

    fn table(max_flows: usize) -> Table<u32> {
        Table::new(Settings {
            max_flows,
            ..Settings::default()
        })
    }

    #[test]
    fn the_sender_of_the_syn_is_the_initiator_even_if_the_answer_comes_first() {
        let (client, server) = (end(1, 40000), end(2, 443));
        let mut flows = table(8);
        let answer = flows.touch_tcp(header(1, server, client, 0), 5, 10, SYN_ACK, &mut |_| {});
        assert!(answer.new && answer.side == Side::Responder && answer.flow.initiator == client);
        let syn = flows.touch_tcp(header(1, client, server, 0), 9, 0, SYN, &mut |_| {});
        assert!(!syn.new && syn.side == Side::Initiator && syn.flow.syn_seen());
    }

    #[test]
    fn a_new_syn_on_used_ports_is_a_new_flow_and_a_repeated_one_is_not() {
        let (client, server) = (end(1, 40000), end(2, 443));
        let mut flows = table(8);
        let mut ended = 0;
        // The second connection's SYN is believed when its answer comes.
        for (seq, new, total) in [(1, true, 0), (1, false, 0), (7, false, 0)] {
            let touched = flows.touch_tcp(header(1, client, server, 0), seq, 0, SYN, &mut |_| {
                ended += 1;
            });
            assert_eq!(touched.new, new);
            assert_eq!(ended, total);
        }
        let answer = flows.touch_tcp(header(1, server, client, 0), 70, 8, SYN_ACK, &mut |_| {
            ended += 1;
        });
        assert!(answer.new && answer.flow.syn_seen() && answer.flow.initiator == client);
        let data = flows.touch_tcp(header(1, client, server, 5), 8, 71, ACK, &mut |_| {});
        assert_eq!(
            (data.new, data.advanced, data.expected),
            (false, 5, Some(8))
        );
        assert_eq!((ended, flows.stats().entries), (1, 1));
    }

    #[test]
    fn a_copy_of_a_whole_connection_is_none_of_its_own() {
        let (client, server) = (end(1, 40000), end(2, 443));
        let fin = TcpFlags { fin: true, ..ACK };
        let mut flows = table(8);
        let ended = &mut |_: &mut Flow<u32>| panic!("ended");
        let mut bytes = 0;
        for copy in 0..2 {
            let syn = flows.touch_tcp(header(1, client, server, 0), 7, 0, SYN, ended);
            assert_eq!(syn.new, copy == 0);
            flows.touch_tcp(header(1, server, client, 0), 70, 8, SYN_ACK, ended);
            let data = flows.touch_tcp(header(1, client, server, 5), 8, 71, ACK, ended);
            bytes += data.advanced;
            flows.touch_tcp(header(1, client, server, 0), 13, 71, fin, ended);
            flows.touch_tcp(header(1, server, client, 0), 71, 14, fin, ended);
        }
        assert_eq!(bytes, 5);
        // Another number, or the same one later, opens another.
        for (second, seq) in [(2, 9), (20, 9)] {
            let mut over = 0;
            let syn = flows.touch_tcp(header(second, client, server, 0), seq, 0, SYN, &mut |_| {
                over += 1;
            });
            assert!(syn.new);
            assert_eq!(over, 1);
            flows.touch_tcp(
                header(second, client, server, 0),
                seq + 1,
                0,
                RST,
                &mut |_| {},
            );
        }
        // One that was refused may be tried again with the same number, as some systems do.
        let again = flows.touch_tcp(header(21, client, server, 0), 9, 0, SYN, &mut |_| {});
        assert!(again.new);
    }

    #[test]
    fn of_a_thinned_connection_acknowledgements_tell_what_was_left_out() {
        let (client, server) = (end(1, 40000), end(2, 443));
        let fin = TcpFlags { fin: true, ..ACK };
        for (thinned, expected) in [(true, [500, 8_000, 12]), (false, [0, 0, 0])] {
            let mut flows = table(8);
            let ended = &mut |_: &mut Flow<u32>| panic!("ended");
            let from_client = Header {
                thinned,
                ..header(1, client, server, 0)
            };
            flows.touch_tcp(from_client, 7, 0, SYN, ended);
            flows.touch_tcp(header(1, server, client, 0), 70, 8, SYN_ACK, ended);
            // The first segment of the answer is seen, and acknowledged with more.
            let hello = flows.touch_tcp(header(1, server, client, 100), 71, 8, ACK, ended);
            assert_eq!(hello.advanced, 100);
            let mut acknowledged = Vec::new();
            for ack in [671, 8_671] {
                let touched = flows.touch_tcp(from_client, 8, ack, ACK, ended);
                acknowledged.push(touched.acknowledged);
            }
            let end = flows.touch_tcp(header(1, server, client, 0), 8_683, 8, fin, ended);
            assert_eq!(end.advanced, 0);
            let last = flows.touch_tcp(from_client, 8, 8_684, ACK, ended);
            acknowledged.push(last.acknowledged);
            assert_eq!(acknowledged, expected);
        }
    }

    #[test]
    fn a_forged_syn_ends_no_connection() {
        let (client, server) = (end(1, 40000), end(2, 443));
        let mut flows = table(8);
        let ended = &mut |_: &mut Flow<u32>| panic!("ended");
        flows.touch_tcp(header(1, client, server, 0), 1, 0, SYN, ended);
        flows.touch_tcp(header(1, server, client, 0), 9, 2, SYN_ACK, ended);
        for (from, to) in [(client, server), (server, client)] {
            let forged = flows.touch_tcp(header(2, from, to, 0), 7_777, 0, SYN, ended);
            assert!(!forged.new && forged.advanced == 0);
            let more = flows.touch_tcp(header(2, server, client, 50), 10, 2, ACK, ended);
            assert!(!more.new && more.flow.initiator == client);
        }
        // After a long silence a SYN is believed.
        let mut over = 0;
        flows.touch_tcp(header(90, client, server, 0), 9, 0, SYN, &mut |_| over += 1);
        assert_eq!(over, 1);
    }

    #[test]
    fn a_closed_flow_goes_soon_and_an_idle_one_later() {
        let mut flows = table(8);
        flows.touch_tcp(header(0, end(1, 1), end(2, 443), 0), 1, 0, RST, &mut |_| {});
        flows.touch_tcp(header(0, end(1, 2), end(2, 443), 0), 1, 0, ACK, &mut |_| {});
        let mut ended = Vec::new();
        for second in [9, 11, 3599, 3601] {
            for _ in 0..4 {
                flows.expire(Timestamp::from_unix(second, 0), &mut |flow| {
                    ended.push((second, flow.initiator.port));
                });
            }
        }
        assert_eq!(ended, [(11, 1), (3601, 2)]);
    }

    #[test]
    fn a_full_table_evicts_the_most_silent_and_counts() {
        let mut flows = table(3);
        let mut ended = Vec::new();
        for (second, port) in [(5, 1), (1, 2), (6, 3), (7, 4)] {
            flows.touch_datagram(
                header(second, end(1, port), end(2, 443), 1),
                Protocol::Udp,
                &mut |flow| {
                    ended.push(flow.initiator.port);
                },
            );
        }
        assert_eq!(ended, [2]);
        assert_eq!(
            flows.stats(),
            Stats {
                entries: 3,
                evictions: 1
            }
        );
    }

    #[test]
    fn many_flows_stay_within_the_cap() {
        let mut flows = table(100);
        let mut ended = 0;
        for port in 0..5_000 {
            flows.touch_datagram(
                header(i64::from(port), end(1, port), end(2, 443), 1),
                Protocol::Udp,
                &mut |_| {
                    ended += 1;
                },
            );
        }
        assert_eq!(flows.stats().entries, 100);
        assert_eq!(ended, 4_900);
        assert!(flows.slots.len() <= 100);
    }
}
