//! The table itself.
//!
//! Slots live in one vector; a hash table maps a five-tuple to its slot. Expiry is a hand that goes round the slots, a
//! few with each packet, so no packet pays for many. When the table is full the hand takes, of the next few slots, the
//! one that was silent longest. Neither depends on hash order, so a capture replayed twice gives the same.

use std::hash::{BuildHasher, Hash};
use std::time::Duration;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::sequence::Sequence;
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

/// How long a closed TCP flow stays, for late and repeated segments.
const CLOSED_LINGER: Duration = Duration::from_secs(10);
/// Slots looked at with each packet for expiry: two go round a full table faster than it can fill.
const EXPIRY_STRIDE: usize = 2;
/// How late a SYN may come behind its own connection's first packets, in bytes and time.
const REORDERED_BYTES: u32 = 64 * 1024;
const REORDERED_TIME: Duration = Duration::from_secs(3);
/// Silence after which a connection is taken for over when a SYN comes on its ports.
const ALIVE: Duration = Duration::from_secs(60);
/// Slots compared for eviction.
const EVICTION_SAMPLE: usize = 16;

/// Counters of the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Flows now.
    pub entries: u64,
    /// Flows evicted because the table was full.
    pub evictions: u64,
}

/// One flow.
#[derive(Debug)]
pub struct Flow<S> {
    /// Who opened it.
    pub initiator: Endpoint,
    /// The other end.
    pub responder: Endpoint,
    /// Transport protocol.
    pub protocol: Protocol,
    /// Latest capture time.
    pub last_seen: Timestamp,
    /// Engine time at the latest packet: a recording may lie behind another that was read before it.
    touched: Timestamp,
    /// What the user of the table keeps.
    pub state: S,
    sequences: [Sequence; 2],
    /// Sequence number of the initiator's SYN, to tell a new connection on the same ports.
    syn: Option<u32>,
    /// Whether the answer to a SYN was seen.
    syn_answered: bool,
    /// Sequence number of a SYN that came while the connection was alive: forged, or of a new connection; what follows
    /// tells.
    rival: Option<(Side, u32)>,
    /// From which side segments were seen.
    sides: [bool; 2],
    fins: [bool; 2],
    closed: bool,
}

impl<S> Flow<S> {
    /// Sequence number behind the furthest byte seen from a side, once any was.
    pub fn next_seq(&self, side: Side) -> Option<u32> {
        self.sequences[side.index()].next()
    }

    /// Whether the initiator's SYN was seen.
    pub fn syn_seen(&self) -> bool {
        self.syn.is_some()
    }

    /// Sequence number of the initiator's SYN, if it was seen: it tells a connection from others on the same ports.
    pub fn opened_with(&self) -> Option<u32> {
        self.syn
    }

    /// Whether the SYN or the answer to it was seen: then it is known who opened the connection, and what it said first.
    pub fn opening_seen(&self) -> bool {
        self.syn.is_some() || self.syn_answered
    }
}

impl<S> Flow<S> {
    /// Whether a SYN is this connection's own: repeated, or, where none was seen, one that comes late: then its later
    /// packets came a moment ago, and what the sender sent lies just behind the SYN.
    fn owns_syn(&self, src: Endpoint, seq: u32, silent: Duration) -> bool {
        let sent = self.sequences[side_of(self, src).index()].next();
        let late = self.syn.is_none()
            && silent <= REORDERED_TIME
            && sent.is_none_or(|next| next.wrapping_sub(seq) <= REORDERED_BYTES);
        self.syn == Some(seq) || late
    }

    /// The number of a rival's SYN, where this segment shows that it opened a connection: its answer, or what its sender
    /// sends behind it.
    fn confirms_rival(&self, header: Header, seq: u32, ack: u32, flags: TcpFlags) -> Option<u32> {
        let (client, syn) = self.rival?;
        let side = side_of(self, header.src);
        let first = syn.wrapping_add(1);
        let confirmed = if side == client {
            seq == first && !flags.syn && !flags.rst
        } else {
            flags.syn && flags.ack && ack == first
        };
        confirmed.then_some(syn)
    }
}

/// A packet's header fields that the table needs.
#[derive(Clone, Copy, Debug)]
pub struct Header {
    /// Capture time.
    pub time: Timestamp,
    /// Engine time, not before the capture time.
    pub now: Timestamp,
    /// Sender.
    pub src: Endpoint,
    /// Receiver.
    pub dst: Endpoint,
    /// Payload bytes on the wire.
    pub wire_len: u32,
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
    /// Payload bytes of the other side that the segment acknowledges, where no packet of that side was seen: proof that
    /// they came (TCP).
    pub acknowledged: u64,
    /// Sequence number that the sender's next byte had before this segment, once known (TCP).
    pub expected: Option<u32>,
    /// Where the flow stands; [`Table::at`] finds it there as long as it lives.
    pub slot: usize,
}

/// A five-tuple without direction: the smaller end first.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    low: Endpoint,
    high: Endpoint,
    protocol: Protocol,
}

impl Key {
    fn new(a: Endpoint, b: Endpoint, protocol: Protocol) -> Self {
        let (low, high) = if a <= b { (a, b) } else { (b, a) };
        Self {
            low,
            high,
            protocol,
        }
    }

    fn of<S>(flow: &Flow<S>) -> Self {
        Self::new(flow.initiator, flow.responder, flow.protocol)
    }
}

/// The flows.
pub struct Table<S> {
    settings: Settings,
    slots: Vec<Option<Flow<S>>>,
    free: Vec<u32>,
    index: HashTable<u32>,
    hasher: DefaultHashBuilder,
    hand: usize,
    evictions: u64,
}

impl<S: Default> Table<S> {
    /// An empty table.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            slots: Vec::new(),
            free: Vec::new(),
            index: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            hand: 0,
            evictions: 0,
        }
    }

    /// Counters.
    pub fn stats(&self) -> Stats {
        Stats {
            entries: self.index.len() as u64,
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
        ended: &mut dyn FnMut(Flow<S>),
    ) -> Touched<'_, S> {
        let opens = flags.syn && !flags.ack;
        if opens {
            self.weigh_syn(header, seq, ended);
        }
        // A SYN with ACK is the answer: its sender is the responder.
        let reversed = flags.syn && flags.ack;
        let (mut slot, mut new) = self.slot(header, Protocol::Tcp, reversed, ended);
        let successor = occupied(&mut self.slots, slot).confirms_rival(header, seq, ack, flags);
        if successor.is_some() {
            self.remove(slot).map(&mut *ended);
            (slot, new) = self.slot(header, Protocol::Tcp, reversed, ended);
        }
        let flow = occupied(&mut self.slots, slot);
        let side = side_of(flow, header.src);
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
        let acknowledged = if unseen && flags.ack && !flags.rst {
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
        flow.fins[side.index()] |= flags.fin;
        flow.closed |= flags.rst || flow.fins == [true, true];
        flow.last_seen = flow.last_seen.max(header.time);
        flow.touched = flow.touched.max(header.now);
        Touched {
            flow,
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
        ended: &mut dyn FnMut(Flow<S>),
    ) -> Touched<'_, S> {
        let (slot, new) = self.slot(header, protocol, false, ended);
        let flow = occupied(&mut self.slots, slot);
        let side = side_of(flow, header.src);
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
    pub fn expire(&mut self, now: Timestamp, ended: &mut dyn FnMut(Flow<S>)) {
        for _ in 0..EXPIRY_STRIDE.min(self.slots.len()) {
            let slot = self.advance_hand();
            let stale = self.slots[slot].as_ref().is_some_and(|flow| {
                let limit = match flow.protocol {
                    _ if flow.closed => CLOSED_LINGER,
                    Protocol::Tcp => self.settings.tcp_idle,
                    Protocol::Udp | Protocol::Esp => self.settings.udp_idle,
                };
                now.since(flow.touched) > limit
            });
            if stale && let Some(flow) = self.remove(slot) {
                ended(flow);
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
        let slot = self.find(&Key::new(a, b, protocol))?;
        self.at(slot)
    }

    /// Slots that [`Table::at`] may find a flow in.
    pub fn slots(&self) -> usize {
        self.slots.len()
    }

    /// The flow that stands in a slot now.
    pub fn at(&mut self, slot: usize) -> Option<&mut Flow<S>> {
        self.slots.get_mut(slot)?.as_mut()
    }

    /// A SYN on ports that an older connection has ends that at once where it is over or was silent for long; else only
    /// what confirms the SYN does, because one is easily forged. The SYN with which a connection was opened that has just
    /// ended is a copy: no other begins with its number so soon (RFC 9293, section 3.4.1).
    fn weigh_syn(&mut self, header: Header, seq: u32, ended: &mut dyn FnMut(Flow<S>)) {
        let key = Key::new(header.src, header.dst, Protocol::Tcp);
        let Some(slot) = self.find(&key) else { return };
        let flow = occupied(&mut self.slots, slot);
        let silent = header.time.since(flow.last_seen);
        let opened = flow.syn_answered && flow.initiator == header.src && flow.syn == Some(seq);
        if opened && silent <= CLOSED_LINGER {
            return;
        }
        if flow.closed || silent > ALIVE {
            self.remove(slot).map(ended);
        } else if !flow.owns_syn(header.src, seq, silent) {
            flow.rival = Some((side_of(flow, header.src), seq));
        }
    }

    fn slot(
        &mut self,
        header: Header,
        protocol: Protocol,
        reversed: bool,
        ended: &mut dyn FnMut(Flow<S>),
    ) -> (usize, bool) {
        let key = Key::new(header.src, header.dst, protocol);
        if let Some(slot) = self.find(&key) {
            return (slot, false);
        }
        if self.index.len() >= self.settings.max_flows.max(1) {
            self.evictions += 1;
            let victim = self.oldest_of_sample();
            if let Some(flow) = self.remove(victim) {
                ended(flow);
            }
        }
        let (initiator, responder) = if reversed {
            (header.dst, header.src)
        } else {
            (header.src, header.dst)
        };
        let flow = Flow {
            initiator,
            responder,
            protocol,
            last_seen: header.time,
            touched: header.now,
            state: S::default(),
            sequences: [Sequence::default(); 2],
            syn: None,
            syn_answered: false,
            rival: None,
            sides: [false; 2],
            fins: [false; 2],
            closed: false,
        };
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None => {
                self.slots.push(None);
                u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
            }
        };
        self.slots[slot as usize] = Some(flow);
        let (slots, hasher) = (&self.slots, &self.hasher);
        self.index
            .insert_unique(hasher.hash_one(key), slot, |&slot| {
                slots[slot as usize]
                    .as_ref()
                    .map_or(0, |flow| hasher.hash_one(Key::of(flow)))
            });
        (slot as usize, true)
    }

    fn find(&self, key: &Key) -> Option<usize> {
        self.index
            .find(self.hasher.hash_one(key), |&slot| {
                self.slots[slot as usize]
                    .as_ref()
                    .is_some_and(|flow| Key::of(flow) == *key)
            })
            .map(|&slot| slot as usize)
    }

    fn remove(&mut self, slot: usize) -> Option<Flow<S>> {
        let flow = self.slots[slot].take()?;
        let hash = self.hasher.hash_one(Key::of(&flow));
        let place = u32::try_from(slot).unwrap_or(u32::MAX);
        if let Ok(entry) = self.index.find_entry(hash, |&other| other == place) {
            entry.remove();
        }
        self.free.push(place);
        Some(flow)
    }

    fn advance_hand(&mut self) -> usize {
        self.hand = (self.hand + 1) % self.slots.len();
        self.hand
    }

    /// Of the next few occupied slots the one silent longest. Called only on a full table, so there is one.
    fn oldest_of_sample(&mut self) -> usize {
        let mut oldest: Option<(Timestamp, usize)> = None;
        for _ in 0..EVICTION_SAMPLE.min(self.slots.len()) {
            let slot = self.advance_hand();
            if let Some(flow) = &self.slots[slot] {
                let candidate = (flow.touched, slot);
                oldest = Some(oldest.map_or(candidate, |best| best.min(candidate)));
            }
        }
        oldest.map_or(self.hand, |(_, slot)| slot)
    }
}

/// The flow in a slot that the index names: index and slots change together, so it is there.
#[expect(
    clippy::expect_used,
    reason = "index and slots are changed together in `slot` and `remove`"
)]
fn occupied<S>(slots: &mut [Option<Flow<S>>], slot: usize) -> &mut Flow<S> {
    slots[slot].as_mut().expect("an indexed slot is occupied")
}

fn side_of<S>(flow: &Flow<S>, src: Endpoint) -> Side {
    if src == flow.initiator {
        Side::Initiator
    } else {
        Side::Responder
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
        let ended = &mut |_| panic!("ended");
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
    fn a_forged_syn_ends_no_connection() {
        let (client, server) = (end(1, 40000), end(2, 443));
        let mut flows = table(8);
        let ended = &mut |_| panic!("ended");
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
