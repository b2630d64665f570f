//! What the tracker keeps for each flow: what is still to be read, what was read, and how far matched names got.

use std::num::NonZeroU16;

use super::answer::Said;
use super::names::Names;
use super::reading::Reading;
use super::rollup::Rollup;
use crate::dissect::quic;
use crate::flows::Budget;
use crate::model::{FlowProtocol, Mac, ReplyKind, Side, Timestamp};

/// State of one flow.
#[derive(Debug)]
pub struct Conversation {
    /// Capture time of the first packet.
    pub(super) started: Timestamp,
    /// The VLAN of the first packet, where it stands on its own link.
    pub(super) vlan: Option<NonZeroU16>,
    /// The hardware address from which each side's packets came, where their frames were its own.
    pub(super) macs: [Option<Mac>; 2],
    /// Minute of the latest packet from each side, to tell presence once a minute only.
    minutes: [i32; 2],
    /// Payload bytes from each side before a name was matched.
    pub(super) unnamed_bytes: [u64; 2],
    /// What is still to be read over TCP.
    pub(super) reading: Reading,
    /// How far a UDP flow was read as QUIC.
    pub(super) quic: Quic,
    /// Digest of the connection id that the latest connection began with: some clients use one socket for many.
    pub(super) quic_id: u32,
    /// Connections read in the flow, or tried.
    pub(super) quic_connections: u8,
    /// The server's next sequence number when it was last asked for something.
    pub(super) asked_at: Option<u32>,
    /// What it was asked for since it last said something.
    pub(super) unanswered: u8,
    /// The matched names, if any was read.
    pub(super) names: Option<Box<Names>>,
    /// What is known of it for the count of blind spots.
    pub(super) traits: Traits,
}

impl Default for Conversation {
    fn default() -> Self {
        Self {
            started: Timestamp::MIN,
            vlan: None,
            macs: [None; 2],
            minutes: [i32::MIN; 2],
            unnamed_bytes: [0; 2],
            reading: Reading::Unopened,
            quic: Quic::Fresh,
            quic_id: 0,
            quic_connections: 0,
            asked_at: None,
            unanswered: 0,
            names: None,
            traits: Traits::default(),
        }
    }
}

/// How far a UDP flow was read as QUIC.
#[derive(Debug, Default)]
pub(super) enum Quic {
    /// Nothing was seen of it.
    #[default]
    Fresh,
    /// Its first packets were QUIC; the hello is being read.
    Client(Box<ClientReading>),
    /// The hello matched; the server's answer is awaited.
    Server(Box<quic::Server>),
    /// Nothing more is to be read.
    Settled,
}

/// A client's hello on its way.
#[derive(Debug)]
pub(super) struct ClientReading {
    pub(super) connection: quic::Connection,
    /// Who seems to be the client.
    pub(super) side: Side,
    /// Whether the flow had another connection before.
    pub(super) again: bool,
}

/// What is known of a flow, for the count of blind spots.
#[derive(Clone, Copy, Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own, in any combination"
)]
pub(super) struct Traits {
    /// From which side packets came.
    pub(super) sides: [bool; 2],
    /// What it speaks, once that is clear.
    pub(super) speaks: Option<FlowProtocol>,
    /// Which side is the client, where what was read tells it.
    pub(super) client: Option<Side>,
    /// A name was read that says where the flow goes.
    pub(super) named: bool,
    /// Its hello hides the name behind another: Encrypted Client Hello.
    pub(super) ech: bool,
    /// A hello or a request was whole and had no name.
    pub(super) no_name: bool,
    /// A proxy was asked for a connection: what follows is inside it.
    pub(super) connect: bool,
    /// It carries encrypted DNS.
    pub(super) encrypted_dns: bool,
    /// It is QUIC of a version that is not read.
    pub(super) unknown_version: bool,
    /// A hello or a request was begun and lost.
    pub(super) incomplete: bool,
    /// The first packet that was seen is not its first.
    pub(super) midstream: bool,
    /// What the client said first was not captured.
    pub(super) start_missed: bool,
    /// It is of a kind whose start tells a name: what was seen of it looks so, or its port.
    pub(super) readable_kind: bool,
    /// What the server said to a hello or a request that named nobody.
    pub(super) answered: Option<Said>,
    /// It carries other traffic, encrypted.
    pub(super) tunnel: bool,
    /// It was counted.
    pub(super) judged: bool,
    /// What refused it before anything was said.
    pub(super) refused: Option<(Timestamp, ReplyKind)>,
}

impl Conversation {
    /// Whether this is a side's first packet in its minute.
    pub(super) fn minute_began(&mut self, side: Side, time: Timestamp) -> bool {
        // Beyond 4,000 years minutes are all the same, and so are the packets.
        let now = i32::try_from(time.minute()).unwrap_or(i32::MAX);
        std::mem::replace(&mut self.minutes[side.index()], now) != now
    }

    /// Gives kept bytes back.
    pub(super) fn release(&mut self, budget: &mut Budget) {
        self.reading.finish(budget);
        if let Some(names) = &mut self.names {
            names.release(budget);
        }
    }

    /// Reports the matched names' bytes.
    pub(super) fn report_bytes(&mut self, rollup: &mut Rollup) {
        if let Some(names) = &mut self.names {
            names.report_bytes(rollup);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flows::Flow;

    /// The documented memory of the flow table rests on this.
    #[test]
    fn a_flow_stays_small() {
        let bytes = size_of::<Option<Flow<Conversation>>>();
        assert!(bytes <= 256, "{bytes} bytes");
    }
}
