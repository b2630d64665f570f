//! Which hosts and addresses stay when there are too many.

use crate::model::{Rank, Span, Standing, Timestamp};

/// The rank among others of what had something strong put down to it or not, was first in contact with a vendor then, and
/// was last heard then.
pub(super) fn rank<K>(strong: bool, contact: Option<Timestamp>, last: Timestamp, id: K) -> Rank<K> {
    let span = contact.map(|first| Span { first, last });
    Rank {
        class: u8::from(strong) + u8::from(contact.is_some()),
        standing: span.map(Standing::of).unwrap_or_default(),
        last,
        id,
    }
}
