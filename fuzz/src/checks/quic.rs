//! The datagrams of one QUIC flow, sealed as their ends would: what authenticates can be made by anybody.
//!
//! Input: a byte nobody reads, then a part for each datagram, by the bits of its `how`:
//! 0: its bytes are the datagram as it is, else the frames of an Initial packet; 1 and 2: the version; 3: from the
//! server; 4: the client began with another connection id; 5: to the id that the server chose; 6: behind the packet
//! before it in the same datagram; 7: cut by the snap length.

use straggler::dissect::Dissection;
use straggler::dissect::quic::{Connection, Scratch, Server, first_flight};

use super::parts::parts;
use crate::support::Initial;
use crate::support::initials::{V1, V2};

/// The datagram is given as it is.
pub const RAW: u8 = 1;
/// In version 2.
pub const SECOND_VERSION: u8 = 1 << 1;
/// From the server.
pub const FROM_SERVER: u8 = 1 << 3;
/// To the id that the server chose.
pub const TO_SERVER_ID: u8 = 1 << 5;
/// Behind the packet before it.
pub const COALESCED: u8 = 1 << 6;

/// Memory of one flow beyond the value itself: four attempts, each with keys, the longest hello twice and which of its
/// bytes came.
const MAX_HELD: usize = 4 * (2 + 3 * 16) * 1024;

/// Offers the datagrams of an input.
pub fn check(input: &[u8]) {
    hello_found(input);
}

/// The same, and says whether a hello was found.
pub fn hello_found(input: &[u8]) -> bool {
    let mut flow = Flow::default();
    let mut datagram: Option<(bool, Vec<u8>, usize)> = None;
    for (number, part) in parts(input.get(1..).unwrap_or_default()).enumerate() {
        let bytes = match part.how & RAW {
            0 => initial(part.how).number(number as u32).packet(part.bytes),
            _ => part.bytes.to_vec(),
        };
        let from_server = part.how & FROM_SERVER != 0;
        let cut = usize::from(part.how >> 7) * 100;
        match &mut datagram {
            Some((_, before, more)) if part.how & COALESCED != 0 => {
                before.extend(bytes);
                *more = cut;
            }
            _ => {
                if let Some((from_server, bytes, cut)) = datagram.take() {
                    flow.take(from_server, &bytes, bytes.len() + cut);
                }
                datagram = Some((from_server, bytes, cut));
            }
        }
    }
    if let Some((from_server, bytes, cut)) = datagram {
        flow.take(from_server, &bytes, bytes.len() + cut);
    }
    flow.server.is_some()
}

fn initial(how: u8) -> Initial {
    let first_id: &[u8] = if how & 1 << 4 == 0 {
        b"first-id"
    } else {
        b"other-id"
    };
    let initial = if how & FROM_SERVER == 0 {
        Initial::client(first_id)
    } else {
        Initial::server(first_id)
    };
    // The third is one that exists only to be refused, the fourth one that has salts of its own.
    let version = [V1, V2, 0x1a2a_3a4a, 0x5430_3531][usize::from(how >> 1 & 3)];
    let initial = initial.version(version);
    if how & TO_SERVER_ID == 0 {
        initial
    } else {
        initial.to(b"srv")
    }
}

#[derive(Default)]
struct Flow {
    connection: Connection,
    scratch: Scratch,
    server: Option<Server>,
    settled: bool,
}

impl Flow {
    fn take(&mut self, from_server: bool, datagram: &[u8], wire_len: usize) {
        let _ = super::settles_once(datagram, |prefix| first_flight(prefix, wire_len));
        if from_server {
            if let Some(server) = &mut self.server {
                let reply = server.reply(datagram, wire_len, &mut self.scratch);
                assert_ne!(reply, Dissection::NotThis);
            }
            return;
        }
        let read = self
            .connection
            .datagram(datagram, wire_len, &mut self.scratch);
        if self.settled {
            assert_eq!(read, Dissection::NotThis, "read on behind its answer");
        }
        if let Dissection::Found(_) = read {
            self.server = self.connection.server();
            assert!(self.server.is_some(), "nobody to read the answer");
        }
        self.settled |= read != Dissection::NeedMore;
        let held = self.connection.held();
        assert!(
            held <= if self.settled { 0 } else { MAX_HELD },
            "{held} bytes"
        );
    }
}
