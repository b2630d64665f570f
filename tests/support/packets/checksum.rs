//! The Internet checksum (RFC 1071).

use std::net::IpAddr;

use super::octets;

/// A checksum that is being summed up.
#[derive(Clone, Copy, Debug, Default)]
pub struct Checksum(u64);

impl Checksum {
    /// The checksum of some bytes; 0 where they contain a right one.
    pub fn of(bytes: &[u8]) -> u16 {
        Self::default().and(bytes).finish()
    }

    /// The checksum of a segment or datagram with its pseudo-header (RFC 9293, section 3.1; RFC 8200, section 8.1).
    pub fn of_transport(source: IpAddr, target: IpAddr, protocol: u8, bytes: &[u8]) -> u16 {
        // The length has 16 bits in one pseudo-header and 32 in the other, which makes no difference to the sum.
        Self::default()
            .and(&octets(source))
            .and(&octets(target))
            .and(&u32::from(protocol).to_be_bytes())
            .and(&(bytes.len() as u32).to_be_bytes())
            .and(bytes)
            .finish()
    }

    fn and(self, bytes: &[u8]) -> Self {
        let words = bytes.chunks_exact(2);
        let odd = words
            .remainder()
            .first()
            .map_or(0, |&byte| u64::from(byte) << 8);
        let sum: u64 = words
            .map(|word| u64::from(u16::from_be_bytes([word[0], word[1]])))
            .sum();
        Self(self.0 + sum + odd)
    }

    fn finish(self) -> u16 {
        let mut sum = self.0;
        while sum > 0xffff {
            sum = (sum >> 16) + (sum & 0xffff);
        }
        !(sum as u16)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn carries_fold_back_in() {
        assert_eq!(Checksum::of(&[0xff, 0xff, 0, 2]), !2);
        assert_eq!(Checksum::of(&[0x12, 0x34, 0x56]), !(0x1234 + 0x5600));
        assert_eq!(Checksum::of(&[]), 0xffff);
    }

    #[test]
    fn a_right_checksum_makes_zero() {
        let bytes = [1, 2, 3, 4, 5, 6];
        let sum = Checksum::of(&bytes).to_be_bytes();
        assert_eq!(Checksum::of(&[&bytes[..], &sum].concat()), 0);
    }
}
