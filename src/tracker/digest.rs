//! Digests by which the tracker remembers much in little room: what was seen lately, at a place that the digest gives.
//!
//! The same in every run, so that a capture replayed twice gives the same. Whoever knows the function can make two things
//! meet at one place; the newer one then stands there, which is what each of these tables says of two that meet by chance.

use std::net::IpAddr;

use crate::model::Endpoint;

/// Odd and without pattern: from the fractional part of the golden ratio.
const MIX: u64 = 0x9e37_79b9_7f4a_7c15;

/// Words of long texts that are taken side by side.
const LANES: usize = 4;

/// A digest that grows word by word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Digest(u64);

impl Digest {
    /// Of nothing yet; `seed` parts what is told by another kind of thing.
    pub(super) fn new(seed: u64) -> Self {
        Self(mix(seed, MIX))
    }

    pub(super) fn word(self, word: u64) -> Self {
        Self(mix(self.0, word))
    }

    pub(super) fn bytes(self, bytes: &[u8]) -> Self {
        let (words, rest) = bytes.as_chunks::<8>();
        let word = |word: &[u8; 8]| u64::from_le_bytes(*word);
        let (lines, words) = words.as_chunks::<LANES>();
        let mixed = match lines {
            [] => self,
            _ => {
                // Side by side, because each step waits for the one before it.
                let mut lanes: [Self; LANES] = std::array::from_fn(|lane| self.word(lane as u64));
                for line in lines {
                    for (lane, bytes) in lanes.iter_mut().zip(line) {
                        *lane = lane.word(word(bytes));
                    }
                }
                lanes.iter().fold(self, |mixed, lane| mixed.word(lane.0))
            }
        };
        let mixed = words
            .iter()
            .fold(mixed, |mixed, bytes| mixed.word(word(bytes)));
        // The last eight, some of them for the second time: to copy what is left over costs more.
        let last = match bytes.last_chunk::<8>() {
            Some(last) => word(last),
            None => rest
                .iter()
                .fold(0, |last, &byte| last << 8 | u64::from(byte)),
        };
        // The length, so that zeros before the first are none of the bytes.
        mixed.word(last).word(bytes.len() as u64)
    }

    pub(super) fn address(self, address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => self.word(u64::from(address.to_bits())),
            IpAddr::V6(address) => {
                let bits = address.to_bits();
                self.word((bits >> 64) as u64).word(bits as u64)
            }
        }
    }

    pub(super) fn endpoint(self, end: Endpoint) -> Self {
        self.address(end.addr).word(u64::from(end.port))
    }

    /// All of it.
    pub(super) fn value(self) -> u64 {
        self.0
    }

    /// One of so many places.
    pub(super) fn place(self, places: usize) -> usize {
        (self.0 % places as u64) as usize
    }
}

fn mix(state: u64, word: u64) -> u64 {
    let product = u128::from(state ^ word ^ MIX) * u128::from(MIX);
    (product >> 64) as u64 ^ (product & u128::from(u64::MAX)) as u64
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn what_differs_has_another_digest() {
        let of = |bytes: &[u8]| Digest::new(1).bytes(bytes).value();
        let texts: [&[u8]; 6] = [b"", b"\0", b"a", b"a\0", b"abcdefgh", b"abcdefgh\0"];
        let digests: HashSet<u64> = texts.iter().map(|text| of(text)).collect();
        assert_eq!(digests.len(), texts.len());
        let long: Vec<[u8; 150]> = (0..150)
            .map(|at| std::array::from_fn(|byte| u8::from(byte == at)))
            .collect();
        let digests: HashSet<u64> = long.iter().map(|text| of(text)).collect();
        assert_eq!(
            digests.len(),
            long.len(),
            "each byte counts, wherever it stands"
        );
        assert_ne!(of(b"a"), Digest::new(2).bytes(b"a").value());
    }

    #[test]
    fn neighbours_stand_apart() {
        let places: HashSet<usize> = (0..1000_u32)
            .map(|host| {
                let address = IpAddr::from((0x0a00_0000 + host).to_be_bytes());
                Digest::new(0).address(address).place(65_536)
            })
            .collect();
        assert!(places.len() > 980, "{}", places.len());
    }
}
