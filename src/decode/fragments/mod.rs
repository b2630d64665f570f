//! Fragments of IPv4 and IPv6 packets, kept until the packet is whole (RFC 791, section 3.2; RFC 8200, section 4.5).
//!
//! - A fragment that overlaps another, or lies beyond the last, refuses the whole packet, with all that may still come
//!   (RFC 5722, for IPv4 too). The very same fragment again is tolerated.
//! - A packet that is not whole 30 seconds after its first fragment is given up; so is the oldest one where there is no
//!   room for a new one.
//! - Small fragments are joined like others: hosts do so, and what a host reads has to be seen here. A fragment with no
//!   payload, or one before the last whose length is no multiple of 8, is made by no sender and is refused alone.
//!
//! Memory grows with the bytes received, never with what an offset claims.

mod waiting;

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Duration;

use hashbrown::HashMap;

use crate::model::{Timestamp, Undecoded};
pub use waiting::MAX_PIECES;
pub(super) use waiting::Place;
use waiting::Waiting;

/// Packets that wait for fragments at once. A busy gateway has dozens; lost fragments leave theirs for 30 seconds.
pub const MAX_DATAGRAMS: usize = 4_096;
/// Payload bytes of all waiting fragments: room for 128 packets of the greatest size, or for all at 2 KiB each.
pub const MAX_BYTES: usize = 8 * 1024 * 1024;
/// How long a packet waits. RFC 8200 says 60 seconds, Linux does 30 for IPv4; ids come back sooner than after 60.
const WAIT: Duration = Duration::from_secs(30);
/// The greatest payload that an IP header can tell.
const MAX_PAYLOAD: u32 = 65_535;

/// Whose fragments belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub src: IpAddr,
    pub dst: IpAddr,
    /// 0 for IPv6, where it is not part of the identity.
    pub protocol: u8,
    pub id: u32,
}

/// What became of a fragment.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Offered {
    /// It waits.
    Held,
    /// It was the last one missing.
    Whole { protocol: u8, payload: Vec<u8> },
}

/// Counters of reassembly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FragmentStats {
    /// Packets that wait now, refused ones included.
    pub entries: u64,
    /// Bytes of their fragments.
    pub bytes: u64,
    /// Packets given up because there was no room, or because they had too many fragments.
    pub evictions: u64,
    /// Packets refused because fragments overlapped.
    pub overlaps: u64,
    /// Packets given up because they were not whole in time.
    pub timed_out: u64,
    /// Fragments that were held and then given up, for want of the others.
    pub lost: u64,
    /// Fragments that were held and then refused with an overlapping one.
    pub lost_to_overlap: u64,
}

/// Packets that wait, and the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Fragments {
    waiting: HashMap<Key, Waiting>,
    /// First fragments, oldest first. An entry whose serial is not that of the waiting packet is done with.
    order: VecDeque<(Timestamp, u64, Key)>,
    serial: u64,
    stats: FragmentStats,
}

impl Fragments {
    /// Takes a fragment. An error means that this fragment is lost.
    pub fn offer(
        &mut self,
        time: Timestamp,
        key: Key,
        place: Place,
        protocol: u8,
        bytes: &[u8],
    ) -> Result<Offered, Undecoded> {
        self.expire(time);
        let len = u32::try_from(bytes.len()).map_err(|_| Undecoded::Fragment)?;
        let uneven = place.more && len % 8 != 0;
        if len == 0 || uneven || place.offset + len > MAX_PAYLOAD {
            return Err(Undecoded::Fragment);
        }
        while self.stats.bytes + u64::from(len) > MAX_BYTES as u64 {
            self.evict();
        }
        if !self.waiting.contains_key(&key) {
            self.admit(time, key);
        }
        let Some(waiting) = self.waiting.get_mut(&key) else {
            return Err(Undecoded::Fragment); // admitted above
        };
        if let Some(cause) = waiting.refused {
            return Err(cause);
        }
        match waiting.add(place, protocol, bytes) {
            Ok(added) => self.stats.bytes += added,
            Err(cause) => {
                self.refuse(key, cause);
                return Err(cause);
            }
        }
        if !waiting.is_whole() {
            return Ok(Offered::Held);
        }
        let Some(whole) = self.waiting.remove(&key) else {
            return Ok(Offered::Held); // it was there above
        };
        self.stats.bytes -= whole.bytes.len() as u64;
        Ok(Offered::Whole {
            protocol: whole.protocol,
            payload: whole.joined(),
        })
    }

    /// Gives up all that waits.
    pub fn end(&mut self) {
        while let Some(count) = self.give_up_oldest() {
            self.stats.timed_out += count;
        }
    }

    pub fn stats(&self) -> FragmentStats {
        FragmentStats {
            entries: self.waiting.len() as u64,
            ..self.stats
        }
    }

    fn expire(&mut self, now: Timestamp) {
        while let Some(&(first, serial, key)) = self.order.front() {
            let is_over = now.since(first) > WAIT;
            let is_done = self.waiting.get(&key).is_none_or(|it| it.serial != serial);
            if is_done {
                self.order.pop_front();
            } else if is_over {
                self.stats.timed_out += self.give_up_oldest().unwrap_or_default();
            } else {
                break;
            }
        }
    }

    fn admit(&mut self, time: Timestamp, key: Key) {
        if self.waiting.len() >= MAX_DATAGRAMS {
            self.evict();
        }
        if self.order.len() >= 2 * MAX_DATAGRAMS {
            // Done with are then at least half, so this costs each new packet no more than two steps.
            let waiting = &self.waiting;
            self.order
                .retain(|(_, serial, key)| waiting.get(key).is_some_and(|it| it.serial == *serial));
        }
        self.serial += 1;
        self.order.push_back((time, self.serial, key));
        self.waiting.insert(key, Waiting::new(self.serial));
    }

    fn evict(&mut self) {
        self.stats.evictions += self.give_up_oldest().unwrap_or_default();
    }

    /// Gives up the packet that has waited longest, and says how many that is to be counted: none where it was refused
    /// before, as that was counted then. `None` where no packet waits.
    fn give_up_oldest(&mut self) -> Option<u64> {
        while let Some((_, serial, key)) = self.order.pop_front() {
            let waits = |it: &Waiting| it.serial == serial;
            if self.waiting.get(&key).is_some_and(waits) {
                let waiting = self.waiting.remove(&key)?;
                self.stats.bytes -= waiting.bytes.len() as u64;
                self.stats.lost += waiting.fragments;
                return Some(u64::from(waiting.refused.is_none()));
            }
        }
        None
    }

    /// Forgets what is held of a packet, and refuses what may still come.
    fn refuse(&mut self, key: Key, cause: Undecoded) {
        let Some(waiting) = self.waiting.get_mut(&key) else {
            return;
        };
        self.stats.bytes -= waiting.bytes.len() as u64;
        if cause == Undecoded::FragmentOverlap {
            self.stats.overlaps += 1;
            self.stats.lost_to_overlap += waiting.fragments;
        } else {
            self.stats.evictions += 1;
            self.stats.lost += waiting.fragments;
        }
        *waiting = Waiting::refusing(waiting.serial, cause);
    }
}

#[cfg(test)]
mod tests;
