//! What an interface description block of a pcapng says: link type, snap length, and the clock of its frames.

use pcap_parser::{InterfaceDescriptionBlock, OptionCode};

use super::order::Order;
use crate::model::{LinkType, Timestamp};

const NANOS_PER_SECOND: u128 = 1_000_000_000;
/// Decimal places of a second in a nanosecond.
const NANO_PLACES: u32 = 9;
/// Microseconds, where the option is missing.
const DEFAULT_RESOLUTION: u8 = 6;
/// Set where the resolution is a power of two, not of ten.
const RESOLUTION_BINARY: u8 = 0x80;

/// An interface of a section.
#[derive(Clone, Copy, Debug)]
pub(super) struct Interface {
    pub(super) link: LinkType,
    /// Bytes kept of each frame; 0 where there is no limit.
    pub(super) snap: u32,
    clock: Clock,
}

/// How ticks become time (`if_tsresol`, `if_tsoffset`).
#[derive(Clone, Copy, Debug)]
struct Clock {
    resolution: u8,
    offset_seconds: i64,
}

impl Interface {
    /// Takes what is needed of a block. The parser reads `if_tsoffset` in little-endian only, so that is read here.
    pub(super) fn of(block: &InterfaceDescriptionBlock<'_>, order: Order) -> Self {
        let option = |code: OptionCode| {
            let found = block.options.iter().find(|option| option.code == code);
            found.and_then(|option| option.as_bytes().ok())
        };
        let resolution = match option(OptionCode::IfTsresol) {
            Some(&[octet]) => octet,
            _ => DEFAULT_RESOLUTION,
        };
        let offset = option(OptionCode::IfTsoffset).and_then(|bytes| bytes.try_into().ok());
        Self {
            link: link_type(block.linktype.0),
            snap: block.snaplen,
            clock: Clock {
                resolution,
                offset_seconds: offset.map_or(0, |bytes| order.i64(bytes)),
            },
        }
    }

    /// Time of a frame by its ticks.
    pub(super) fn time(&self, ticks: u64) -> Timestamp {
        self.clock.time(ticks)
    }
}

impl Clock {
    /// Rounded down to nanoseconds; times outside the range saturate. Resolutions that leave nothing of 64 bits give
    /// the offset alone: absurd, but a frame with a wrong time is better than a file that is not read.
    fn time(self, ticks: u64) -> Timestamp {
        let ticks = u128::from(ticks);
        let exponent = u32::from(self.resolution & !RESOLUTION_BINARY);
        let nanos = if self.resolution & RESOLUTION_BINARY != 0 {
            (ticks * NANOS_PER_SECOND) >> exponent // exponents are at most 127
        } else if exponent <= NANO_PLACES {
            ticks * 10_u128.pow(NANO_PLACES - exponent)
        } else {
            let divisor = 10_u128.checked_pow(exponent - NANO_PLACES);
            divisor.map_or(0, |divisor| ticks / divisor)
        };
        // Ticks are below 2^64, so at most 2^64 · 10^9 < 2^94 nanoseconds; the offset adds less than as much.
        let offset = i128::from(self.offset_seconds) * NANOS_PER_SECOND as i128;
        let nanos = nanos as i128 + offset;
        let clamped = nanos.clamp(i128::from(i64::MIN), i128::from(i64::MAX));
        Timestamp::from_nanos(clamped as i64)
    }
}

/// The link type that libpcap gives for the number in a savefile: of those that are decoded only raw IP differs.
pub(super) fn link_type(number: i32) -> LinkType {
    match LinkType(number) {
        LinkType::RAW_FILE => LinkType::RAW,
        same => same,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(resolution: u8, offset_seconds: i64, ticks: u64) -> i64 {
        let clock = Clock {
            resolution,
            offset_seconds,
        };
        clock.time(ticks).as_nanos()
    }

    #[test]
    fn ticks_of_both_kinds_become_nanoseconds() {
        assert_eq!(time(6, 0, 1_500_000), 1_500_000_000);
        assert_eq!(time(9, 0, 7), 7);
        assert_eq!(time(12, 0, 7_999), 7);
        assert_eq!(time(0, 0, 3), 3_000_000_000);
        assert_eq!(time(0x80 | 1, 0, 3), 1_500_000_000);
        assert_eq!(time(0x80 | 20, 0, 1 << 20), 1_000_000_000);
        assert_eq!(time(6, -2, 1_500_000), -500_000_000);
    }

    #[test]
    fn no_resolution_or_offset_panics() {
        for resolution in 0..=u8::MAX {
            for offset in [i64::MIN, -1, 0, i64::MAX] {
                for ticks in [0, 1, u64::MAX] {
                    time(resolution, offset, ticks);
                }
            }
        }
        assert_eq!(time(0, i64::MAX, u64::MAX), i64::MAX);
        assert_eq!(time(127, 5, u64::MAX), 5_000_000_000);
    }
}
