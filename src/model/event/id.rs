//! The id of an event: by it outputs and readers tell that they have an event already.

use std::fmt;

use ring::digest::{Context, SHA256};

use super::super::Timestamp;

/// Digits of Crockford's base 32, in the order of ASCII: so texts sort like numbers.
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const NANOS_PER_MILLI: i64 = 1_000_000;
const HASH_BITS: u32 = 60;

/// Which event it is: 26 characters that sort by capture time and are the same whenever the same traffic is judged.
///
/// The form is that of a ULID: 48 bits of milliseconds since 1970, then 80 bits. Of these the first 20 are the nanoseconds
/// within the millisecond, the other 60 begin the SHA-256 of sensor, action, key, time and ordinal. Nothing in it is random
/// and nothing is of the clock. Times before 1970 count as 1970 in the part that sorts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventId(u128);

impl EventId {
    /// The id of the event of this sensor, action and key at this time; `ordinal` tells apart those that have all four in
    /// common.
    pub fn derive(sensor: &str, action: &str, key: &[&str], time: Timestamp, ordinal: u32) -> Self {
        let mut sha = Context::new(&SHA256);
        for part in [sensor, action].iter().chain(key) {
            // With its length in front no part can pass for two.
            sha.update(&(part.len() as u64).to_be_bytes());
            sha.update(part.as_bytes());
        }
        sha.update(&time.as_nanos().to_be_bytes());
        sha.update(&ordinal.to_be_bytes());
        let digest = sha.finish();
        let hash = digest.as_ref()[..8]
            .iter()
            .fold(0u64, |number, &byte| number << 8 | u64::from(byte));
        let nanos = time.as_nanos().max(0);
        let millis = (nanos / NANOS_PER_MILLI).unsigned_abs();
        let within = (nanos % NANOS_PER_MILLI).unsigned_abs();
        Self(
            u128::from(millis) << 80
                | u128::from(within) << HASH_BITS
                | u128::from(hash >> (64 - HASH_BITS)),
        )
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text: String = (0..26)
            .rev()
            .map(|place| char::from(DIGITS[(self.0 >> (5 * place) & 0x1f) as usize]))
            .collect();
        f.pad(&text)
    }
}

impl serde::Serialize for EventId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(nanos: i64) -> EventId {
        EventId::derive("s", "a", &["k"], Timestamp::from_nanos(nanos), 0)
    }

    #[test]
    fn every_part_counts_and_none_runs_into_the_next() {
        let time = Timestamp::from_unix(1_727_600_000, 5);
        let id = EventId::derive("s", "a", &["k", "l"], time, 0);
        assert_eq!(id, EventId::derive("s", "a", &["k", "l"], time, 0));
        for other in [
            EventId::derive("t", "a", &["k", "l"], time, 0),
            EventId::derive("s", "b", &["k", "l"], time, 0),
            EventId::derive("s", "a", &["kl"], time, 0),
            EventId::derive("s", "a", &["k", "l", ""], time, 0),
            EventId::derive("s", "a", &["k", "l"], time, 1),
        ] {
            assert_ne!(id, other);
        }
        assert!(id.to_string().starts_with("01J8YFQZ00"), "{id}");
    }

    #[test]
    fn wild_times_have_an_id() {
        for nanos in [i64::MIN, -1, 0, i64::MAX] {
            assert_eq!(at(nanos).to_string().len(), 26);
        }
    }

    proptest! {
        #[test]
        fn ids_and_their_texts_sort_by_time(one in 0..i64::MAX, other in 0..i64::MAX) {
            prop_assume!(one != other);
            prop_assert_eq!(one < other, at(one) < at(other));
            prop_assert_eq!(one < other, at(one).to_string() < at(other).to_string());
        }
    }
}
