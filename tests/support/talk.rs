//! Conversations: who says what when, as IP packets with the right numbers.
//!
//! The packets stand in the order in which a capture near the client sees them, without loss. For losses, repeats and
//! packets out of order, change the list that [`Talk::into_packets`] gives.

mod ends;
mod numbers;

use std::net::SocketAddr;
use std::time::Duration;

use super::dns_messages::Message;
use super::packets::{ACK, Datagram, FIN, Ip, PSH, RST, SYN, Segment};
pub use ends::{End, Side, TimedPacket, seconds};
use numbers::Numbers;

/// A conversation over TCP or UDP that is being written down.
///
/// Default: begins in 1970, a packet every 500 µs, segments of 1460 bytes, every second one acknowledged.
#[derive(Clone, Debug)]
pub struct Talk {
    client: SocketAddr,
    server: SocketAddr,
    time: u64,
    gap: u64,
    mss: usize,
    /// Segments to one acknowledgement; 0 for none.
    acknowledged: usize,
    /// Next sequence numbers of both sides; `None` for UDP.
    numbers: Option<Numbers>,
    packets: Vec<TimedPacket>,
}

impl Talk {
    /// A TCP connection.
    pub fn tcp(client: impl Into<End>, server: impl Into<End>) -> Self {
        Self::tcp_from(client, server, 1_000_000, 2_000_000)
    }

    /// A TCP connection whose sides begin with these sequence numbers.
    pub fn tcp_from(
        client: impl Into<End>,
        server: impl Into<End>,
        client_seq: u32,
        server_seq: u32,
    ) -> Self {
        let numbers = Numbers {
            client: client_seq,
            server: server_seq,
        };
        Self::between(client.into(), server.into(), Some(numbers))
    }

    /// Datagrams between two ends.
    pub fn udp(client: impl Into<End>, server: impl Into<End>) -> Self {
        Self::between(client.into(), server.into(), None)
    }

    fn between(client: End, server: End, numbers: Option<Numbers>) -> Self {
        Self {
            client: client.0,
            server: server.0,
            time: 0,
            gap: 500_000,
            mss: 1460,
            acknowledged: 2,
            numbers,
            packets: Vec::new(),
        }
    }

    /// The next packet comes at this time, in nanoseconds since 1970; see [`seconds`].
    #[must_use]
    pub fn at(mut self, time: u64) -> Self {
        self.time = time;
        self
    }

    /// The next packet comes this much later than it would.
    #[must_use]
    pub fn pause(mut self, span: Duration) -> Self {
        self.time += span.as_nanos() as u64;
        self
    }

    /// From now on packets follow each other after this time.
    #[must_use]
    pub fn gap(mut self, span: Duration) -> Self {
        self.gap = span.as_nanos() as u64;
        self
    }

    /// From now on a segment holds at most this many bytes.
    #[must_use]
    pub fn mss(mut self, len: usize) -> Self {
        self.mss = len;
        self
    }

    /// From now on data is not acknowledged by segments of its own.
    #[must_use]
    pub fn unacknowledged(mut self) -> Self {
        self.acknowledged = 0;
        self
    }

    /// From now on one acknowledgement answers so many segments: receivers that get several at once merge theirs.
    #[must_use]
    pub fn acknowledged_every(mut self, segments: usize) -> Self {
        self.acknowledged = segments;
        self
    }

    /// The three segments that open a connection.
    #[must_use]
    pub fn open(self) -> Self {
        let mut talk = self.syn();
        talk.send(Side::Server, SYN | ACK, &[]);
        talk.send(Side::Client, ACK, &[]);
        talk
    }

    /// The client's SYN alone, so far without an answer.
    #[must_use]
    pub fn syn(mut self) -> Self {
        self.send(Side::Client, SYN, &[]);
        self
    }

    /// The client sends these bytes.
    #[must_use]
    pub fn client(mut self, bytes: &[u8]) -> Self {
        self.say(Side::Client, bytes);
        self
    }

    /// The server sends these bytes.
    #[must_use]
    pub fn server(mut self, bytes: &[u8]) -> Self {
        self.say(Side::Server, bytes);
        self
    }

    /// The client asks the resolver; over TCP the message's length goes before it.
    #[must_use]
    pub fn asks(self, query: &Message) -> Self {
        let bytes = self.carried(query);
        self.client(&bytes)
    }

    /// The resolver answers.
    #[must_use]
    pub fn answers(self, response: &Message) -> Self {
        let bytes = self.carried(response);
        self.server(&bytes)
    }

    /// The client ends the connection at once.
    #[must_use]
    pub fn reset_by_client(mut self) -> Self {
        self.send(Side::Client, RST | ACK, &[]);
        self
    }

    /// The server, or something that speaks for it, ends the connection at once.
    #[must_use]
    pub fn reset_by_server(mut self) -> Self {
        self.send(Side::Server, RST | ACK, &[]);
        self
    }

    /// Both sides end the connection, the client first.
    #[must_use]
    pub fn close(mut self) -> Self {
        self.send(Side::Client, FIN | ACK, &[]);
        self.send(Side::Server, FIN | ACK, &[]);
        self.send(Side::Client, ACK, &[]);
        self
    }

    /// When the next packet would come.
    pub fn now(&self) -> u64 {
        self.time
    }

    /// The packets so far, in time order.
    pub fn packets(&self) -> &[TimedPacket] {
        &self.packets
    }

    /// The packets, to be kept or changed.
    pub fn into_packets(self) -> Vec<TimedPacket> {
        self.packets
    }

    /// The packets of one side: what a capture of one direction sees.
    pub fn only(&self, side: Side) -> Vec<TimedPacket> {
        let packets = self.packets.iter().filter(|packet| packet.from == side);
        packets.cloned().collect()
    }

    fn carried(&self, message: &Message) -> Vec<u8> {
        match self.numbers {
            Some(_) => message.tcp_bytes(),
            None => message.bytes(),
        }
    }

    fn say(&mut self, side: Side, bytes: &[u8]) {
        if self.numbers.is_none() {
            return self.send(side, 0, bytes);
        }
        let last = bytes.len().div_ceil(self.mss);
        for (number, part) in (1..).zip(bytes.chunks(self.mss)) {
            let push = if number == last { PSH } else { 0 };
            self.send(side, push | ACK, part);
            if self.acknowledged > 0 && (number % self.acknowledged == 0 || number == last) {
                self.send(side.other(), ACK, &[]);
            }
        }
    }

    fn send(&mut self, side: Side, flags: u8, payload: &[u8]) {
        let (from, to) = match side {
            Side::Client => (self.client, self.server),
            Side::Server => (self.server, self.client),
        };
        let ip = Ip::between(from.ip(), to.ip());
        let bytes = match &mut self.numbers {
            None => {
                assert_eq!(flags, 0, "datagrams neither open nor close anything");
                ip.packet(&Datagram::new(from.port(), to.port()).payload(payload))
            }
            Some(numbers) => {
                let segment = Segment::new(from.port(), to.port());
                ip.packet(&numbers.advance(side, flags, payload, segment))
            }
        };
        self.packets.push(TimedPacket {
            time: self.time,
            from: side,
            bytes,
        });
        self.time += self.gap;
    }
}

/// Several talks in the order of time; at the same time, those named first come first.
pub fn merge(talks: impl IntoIterator<Item = Talk>) -> Vec<TimedPacket> {
    let mut packets: Vec<TimedPacket> = talks.into_iter().flat_map(Talk::into_packets).collect();
    packets.sort_by_key(|packet| packet.time);
    packets
}

#[cfg(test)]
mod tests;
