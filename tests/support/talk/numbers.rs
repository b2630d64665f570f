//! Sequence and acknowledgement numbers of a TCP connection without loss.

use super::super::packets::{ACK, FIN, SYN, Segment};
use super::Side;

/// TCP options of a SYN: a segment holds 1460 bytes, selective acknowledgements, windows are scaled by 128.
const SYN_OPTIONS: [u8; 12] = [2, 4, 5, 0xb4, 4, 2, 1, 3, 3, 7, 1, 1];

/// The next sequence number of each side.
#[derive(Clone, Copy, Debug)]
pub(super) struct Numbers {
    pub(super) client: u32,
    pub(super) server: u32,
}

impl Numbers {
    /// Fills a segment in and moves its sender's number on: SYN and FIN count as a byte each.
    pub(super) fn advance(
        &mut self,
        side: Side,
        flags: u8,
        payload: &[u8],
        segment: Segment,
    ) -> Segment {
        let (own, other) = match side {
            Side::Client => (&mut self.client, self.server),
            Side::Server => (&mut self.server, self.client),
        };
        let ack = if flags & ACK == 0 { 0 } else { other };
        let segment = segment.seq(*own).ack(ack).flags(flags).payload(payload);
        let marks = u32::from(flags & SYN != 0) + u32::from(flags & FIN != 0);
        *own = own.wrapping_add(payload.len() as u32).wrapping_add(marks);
        if flags & SYN == 0 {
            segment
        } else {
            segment.options(&SYN_OPTIONS)
        }
    }
}
