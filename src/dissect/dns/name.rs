//! Names on the wire.

use super::HEADER_LEN;
use crate::dissect::Dissection;
use crate::model::{DomainName, MAX_NAME_OCTETS, Name, NameBuf};

/// Compression pointers followed within one name; each must point further back, so this bounds work, not correctness.
const MAX_POINTERS: usize = 32;

/// Walks a name, following compression pointers (RFC 1035, section 4.1.4), and returns the offset behind it.
pub(in crate::dissect) fn walk_name(
    message: &[u8],
    start: usize,
    name: &mut NameBuf,
) -> Dissection<usize> {
    name.clear();
    let mut at = start;
    let mut end = None;
    // A pointer must lead before everything read so far; so a loop is impossible.
    let mut limit = start;
    let mut pointers = 0;
    loop {
        let labels = labels_at(message, at);
        if name.push_labels(labels).is_err() {
            return Dissection::NotThis;
        }
        at += labels.len();
        let Some(&len) = message.get(at) else {
            return Dissection::NeedMore;
        };
        match len {
            0 => return Dissection::Found(end.unwrap_or(at + 1)),
            1..=63 => return Dissection::NeedMore,
            0xc0..=0xff => {
                let Some(&low) = message.get(at + 1) else {
                    return Dissection::NeedMore;
                };
                let target = usize::from(u16::from_be_bytes([len & 0x3f, low]));
                pointers += 1;
                if target >= limit || target < HEADER_LEN || pointers > MAX_POINTERS {
                    return Dissection::NotThis;
                }
                end.get_or_insert(at + 2);
                limit = target;
                at = target;
            }
            // 0x40 and 0x80 are reserved (RFC 6891, section 5 retired the one use).
            _ => return Dissection::NotThis,
        }
    }
}

/// Whole labels that stand one behind the other, each behind its length; not many more than a name may have.
fn labels_at(message: &[u8], start: usize) -> &[u8] {
    let mut at = start;
    while let Some(&len @ 1..=63) = message.get(at)
        && at - start <= MAX_NAME_OCTETS
        && message.len() - at > usize::from(len)
    {
        at += 1 + usize::from(len);
    }
    message.get(start..at).unwrap_or_default()
}

/// The offset behind a name, which is not read: where it points to makes no difference. `None` where it is cut.
pub(in crate::dissect) fn skip_name(message: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    loop {
        match *message.get(at)? {
            0 => return Some(at + 1),
            len @ 1..=63 => at += 1 + usize::from(len),
            0xc0..=0xff => return message.get(at + 1).map(|_| at + 2),
            _ => return None,
        }
    }
}

/// A name of `hickory-proto` in our normal form; `None` for the root.
pub(super) fn normal(name: &hickory_proto::rr::Name, scratch: &mut NameBuf) -> Option<DomainName> {
    scratch.clear();
    for label in name {
        scratch.push_label(label).ok()?;
    }
    scratch.as_name().map(Name::to_owned)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// What is walked to its end is skipped to the same place.
        #[test]
        fn skipping_agrees_with_walking(bytes in prop::collection::vec(prop_oneof![0..4u8, any::<u8>()], 0..80), start in 0..90usize) {
            if let Dissection::Found(end) = walk_name(&bytes, start, &mut NameBuf::default()) {
                prop_assert_eq!(skip_name(&bytes, start), Some(end));
            }
        }
    }
}
