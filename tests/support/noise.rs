//! Numbers that look random and are the same on every run.

/// A generator of reproducible noise: the same seed gives the same numbers on every machine.
///
/// The step is SplitMix64 (Steele, Lea, Flood: "Fast Splittable Pseudorandom Number Generators", 2014).
#[derive(Clone, Debug)]
pub struct Noise(u64);

impl Noise {
    /// Starts at a seed; any number will do.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, which must not be 0.
    pub fn below(&mut self, end: u64) -> u64 {
        // The bias of the remainder is far below anything a test could see.
        self.bits() % end
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    /// True in `percent` of 100 calls.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// A random 16-bit number: a DNS id, a port.
    pub fn u16(&mut self) -> u16 {
        (self.bits() >> 48) as u16
    }

    /// A random 32-bit number: an initial sequence number.
    pub fn u32(&mut self) -> u32 {
        (self.bits() >> 32) as u32
    }

    /// One of the items; there must be one.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len() as u64) as usize]
    }

    /// Bytes like those of an encrypted payload.
    pub fn bytes(&mut self, len: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(len + 7);
        while bytes.len() < len {
            bytes.extend(self.bits().to_le_bytes());
        }
        bytes.truncate(len);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_seed_same_noise() {
        assert_eq!(Noise::new(7).bytes(100), Noise::new(7).bytes(100));
        assert_ne!(Noise::new(7).bytes(100), Noise::new(8).bytes(100));
    }

    #[test]
    fn bytes_have_the_length_asked() {
        for len in [0, 1, 7, 8, 9, 1460] {
            assert_eq!(Noise::new(1).bytes(len).len(), len);
        }
    }

    #[test]
    fn between_includes_both_ends() {
        let mut noise = Noise::new(3);
        let mut seen = [false; 3];
        for _ in 0..100 {
            seen[noise.between(4, 6) as usize - 4] = true;
        }
        assert_eq!(seen, [true; 3]);
    }
}
