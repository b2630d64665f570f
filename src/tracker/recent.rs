//! QUIC datagrams seen lately, to tell a copy of one from another.
//!
//! A capture of all interfaces, a mirror of both ports and merged recordings show the same datagram more than once. TCP
//! counts by its sequence numbers; QUIC's are encrypted, but for the same reason no two of its packets are alike: one
//! that is sent again has another number, and so other bytes (RFC 9000, section 12.3). Only the payload is compared: a
//! router changes hop limits and hardware addresses, a switch the VLAN.

use std::time::Duration;

use super::digest::Digest;
use crate::model::{Datagram, Side, Timestamp};

/// Datagrams remembered, 16 bytes each, so 256 KiB.
const PLACES: usize = 16_384;
/// Places that one digest may have, side by side in a line of the processor's cache. One that finds all taken overwrites the
/// oldest. Copies follow within milliseconds; at 100,000 datagrams a second ten milliseconds bring 1,000 others, of which
/// as many must meet here to push one out.
const WAYS: usize = 4;
/// How far apart copies may be. Clocks of recordings that were merged agree that well.
const SPAN: Duration = Duration::from_secs(1);
/// The shortest packet that is protected (RFC 9001, section 5.4.2).
const MIN_LEN: usize = 20;
/// Bytes of a short header's packet that are compared: a connection id of 20, a number of 4, and 24 that are encrypted.
const SHORT_LEN: usize = 48;

/// The latest datagrams, by a digest of the flow, the side and the bytes.
#[derive(Debug)]
pub(super) struct Recent {
    places: Vec<(u64, Timestamp)>,
}

impl Default for Recent {
    fn default() -> Self {
        Self {
            places: vec![(0, Timestamp::MIN); PLACES],
        }
    }
}

impl Recent {
    /// Whether a datagram of the flow in this slot is a copy of one that was seen lately.
    pub(super) fn repeats(
        &mut self,
        slot: usize,
        side: Side,
        datagram: &Datagram<'_>,
        time: Timestamp,
    ) -> bool {
        let bytes = datagram.payload;
        if bytes.len() < MIN_LEN {
            return false;
        }
        let flow = (slot as u64) << 1 | side.index() as u64;
        let digest = Digest::new(flow)
            .word(u64::from(datagram.wire_len))
            .bytes(compared(bytes));
        let first = digest.place(PLACES / WAYS) * WAYS;
        let digest = digest.value();
        let places = &mut self.places[first..first + WAYS];
        let near = |seen: Timestamp| time.since(seen) <= SPAN && seen.since(time) <= SPAN;
        let again = places
            .iter()
            .any(|(known, seen)| *known == digest && near(*seen));
        if !again && let Some(oldest) = places.iter_mut().min_by_key(|(_, seen)| *seen) {
            *oldest = (digest, time);
        }
        again
    }
}

/// The bytes that tell packets apart. Before a long header's packet is encrypted there may be a token of any length, the
/// same in all; such packets are few.
fn compared(bytes: &[u8]) -> &[u8] {
    let long_header = bytes.first().is_some_and(|first| first & 0x80 != 0);
    if long_header {
        bytes
    } else {
        &bytes[..bytes.len().min(SHORT_LEN)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Endpoint;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_nanos(1_730_000_000_000_000_000 + millis * 1_000_000)
    }

    fn repeats(recent: &mut Recent, slot: usize, payload: &[u8], millis: i64) -> bool {
        let end = Endpoint {
            addr: [10, 0, 0, 1].into(),
            port: 443,
        };
        let datagram = Datagram {
            src: end,
            dst: end,
            payload,
            wire_len: u32::try_from(payload.len()).unwrap(),
        };
        recent.repeats(slot, Side::Initiator, &datagram, at(millis))
    }

    #[test]
    fn a_copy_is_the_same_bytes_in_the_same_flow_within_a_second() {
        let mut recent = Recent::default();
        let mut short = vec![0x41; 900];
        let mut long = vec![0xc1; 1_200];
        for (packet, last) in [(&mut short, 47), (&mut long, 1_199)] {
            assert!(!repeats(&mut recent, 1, packet, 0));
            assert!(repeats(&mut recent, 1, packet, 0));
            assert!(repeats(&mut recent, 1, packet, 900), "a third");
            assert!(repeats(&mut recent, 1, packet, -900), "a clock behind");
            assert!(!repeats(&mut recent, 2, packet, 1), "another flow");
            assert!(!repeats(&mut recent, 1, &packet[1..], 2), "another length");
            packet[last] ^= 1;
            assert!(!repeats(&mut recent, 1, packet, 3), "another packet");
            packet[last] ^= 1;
            assert!(!repeats(&mut recent, 1, packet, 2_000), "long ago");
        }
        for _ in 0..2 {
            assert!(
                !repeats(&mut recent, 1, &[0x41; 19], 0),
                "too short to tell"
            );
        }
    }

    #[test]
    fn copies_that_come_hundreds_later_are_still_known() {
        let mut recent = Recent::default();
        let packet = |number: u32| [&[0x41; 8][..], &number.to_be_bytes(), &[7; 60]].concat();
        let mut missed = 0;
        for number in 0..20_000u32 {
            assert!(!repeats(&mut recent, 1, &packet(number), 0), "{number}");
            if let Some(earlier) = number.checked_sub(200) {
                missed += u32::from(!repeats(&mut recent, 1, &packet(earlier), 0));
            }
        }
        assert!(missed < 600, "{missed} of 20,000");
    }
}
