//! Where flows stand: slots in one vector, and a hash table that maps a five-tuple to its slot.

use std::hash::BuildHasher;
use std::net::IpAddr;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::flow::Flow;
use crate::model::{Endpoint, Protocol, Timestamp};

/// Slots compared for eviction.
const EVICTION_SAMPLE: usize = 16;

/// The slots, and the hand that goes round them.
pub(super) struct Slots<S> {
    slots: Vec<Option<Flow<S>>>,
    /// For each slot an instant of engine time before which its flow need not be looked at for expiry. Eight of them stand
    /// in a line of the processor's cache, and a slot takes four.
    look_at: Vec<Timestamp>,
    free: Vec<u32>,
    index: HashTable<u32>,
    hasher: DefaultHashBuilder,
    hand: usize,
}

impl<S> Slots<S> {
    /// None yet.
    pub(super) fn new() -> Self {
        Self {
            slots: Vec::new(),
            look_at: Vec::new(),
            free: Vec::new(),
            index: HashTable::new(),
            hasher: DefaultHashBuilder::default(),
            hand: 0,
        }
    }

    /// Flows that stand in them.
    pub(super) fn flows(&self) -> usize {
        self.index.len()
    }

    /// Slots, free ones included.
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// The flow in a slot, if one stands there.
    pub(super) fn get(&self, slot: usize) -> Option<&Flow<S>> {
        self.slots.get(slot)?.as_ref()
    }

    /// The same, to change it.
    pub(super) fn get_mut(&mut self, slot: usize) -> Option<&mut Flow<S>> {
        self.slots.get_mut(slot)?.as_mut()
    }

    /// The flow in a slot that the index names: index and slots change together, so it is there.
    #[expect(
        clippy::expect_used,
        reason = "index and slots are changed together in `insert` and `remove`"
    )]
    pub(super) fn occupied(&mut self, slot: usize) -> &mut Flow<S> {
        self.slots[slot]
            .as_mut()
            .expect("an indexed slot is occupied")
    }

    /// Puts a flow into a free slot, which need not be looked at before `look_at`.
    pub(super) fn insert(&mut self, flow: Flow<S>, look_at: Timestamp) -> usize {
        let digest = digest_of(&self.hasher, &flow);
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None => {
                self.slots.push(None);
                self.look_at.push(look_at);
                u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
            }
        };
        self.slots[slot as usize] = Some(flow);
        self.look_at[slot as usize] = look_at;
        let (slots, hasher) = (&self.slots, &self.hasher);
        self.index.insert_unique(digest, slot, |&slot| {
            slots[slot as usize]
                .as_ref()
                .map_or(0, |flow| digest_of(hasher, flow))
        });
        slot as usize
    }

    /// Where the flow between two ends stands.
    #[inline]
    pub(super) fn find(&self, a: Endpoint, b: Endpoint, protocol: Protocol) -> Option<usize> {
        self.index
            .find(digest(&self.hasher, a, b, protocol), |&slot| {
                self.slots[slot as usize]
                    .as_ref()
                    .is_some_and(|flow| flow.is_between(a, b, protocol))
            })
            .map(|&slot| slot as usize)
    }

    /// Ends the flow in a slot, if one stands there, and gives it to `ended`: where it stands, because moving it costs more
    /// than all the rest.
    pub(super) fn end(&mut self, slot: usize, ended: &mut dyn FnMut(&mut Flow<S>)) {
        let Some(flow) = &mut self.slots[slot] else {
            return;
        };
        ended(flow);
        let place = u32::try_from(slot).unwrap_or(u32::MAX);
        let digest = digest_of(&self.hasher, flow);
        if let Ok(entry) = self.index.find_entry(digest, |&other| other == place) {
            entry.remove();
        }
        self.slots[slot] = None;
        self.free.push(place);
        self.look_at[slot] = Timestamp::MAX;
    }

    /// The next slot in turn. There must be one.
    pub(super) fn advance_hand(&mut self) -> usize {
        self.hand += 1;
        if self.hand >= self.slots.len() {
            self.hand = 0;
        }
        self.hand
    }

    /// Whether it is time to look at a slot.
    pub(super) fn is_to_be_looked_at(&self, slot: usize, now: Timestamp) -> bool {
        self.look_at
            .get(slot)
            .is_some_and(|look_at| *look_at <= now)
    }

    /// A slot need not be looked at before `time`.
    pub(super) fn look_at(&mut self, slot: usize, time: Timestamp) {
        if let Some(look_at) = self.look_at.get_mut(slot) {
            *look_at = time;
        }
    }

    /// Of the next few occupied slots the one silent longest. Called only on a full table, so there is one.
    pub(super) fn oldest_of_next(&mut self) -> usize {
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

/// A digest of a five-tuple without direction: the sum of both ends', so that neither has to be the first. The hasher's seed
/// is random, so nobody can choose ends that meet.
#[inline]
fn digest(hasher: &DefaultHashBuilder, a: Endpoint, b: Endpoint, protocol: Protocol) -> u64 {
    let of = |end: Endpoint| {
        let address = match end.addr {
            IpAddr::V4(address) => u128::from(address.to_bits()),
            IpAddr::V6(address) => address.to_bits(),
        };
        hasher.hash_one((address, u32::from(end.port) << 8 | protocol as u32))
    };
    of(a).wrapping_add(of(b))
}

fn digest_of<S>(hasher: &DefaultHashBuilder, flow: &Flow<S>) -> u64 {
    digest(hasher, flow.initiator, flow.responder, flow.protocol)
}
