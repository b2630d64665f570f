//! Who makes room in a full book.

use super::{Book, MAX_USAGES, UsageKey};
use crate::evidence::Usage;
use crate::evidence::names::MAX_NAMES;
use crate::model::{Line, Rank, Standing};

/// Names kept for all usages together, those put aside included: at most about 1 KiB each with a long name and as published,
/// so 24 MiB, of which the first ones of usages are a part. Three quarters of them are more than there are usages.
const MAX_NAMES_IN_ALL: usize = 24_576;

impl Book {
    /// Forgets a tenth: those that were never stragglers first. Of others half of those that stay are in contact for
    /// longest, half were seen last.
    pub(super) fn make_room(&mut self) {
        let rank = |key: &UsageKey, usage: &Usage| Rank {
            class: u8::from(usage.ever_straggler),
            standing: usage.contacts.map(Standing::of).unwrap_or_default(),
            last: usage.span.last,
            id: key.clone(),
        };
        let ranks = self.usages.iter().map(|(key, usage)| rank(key, usage));
        let line = Line::draw(ranks, MAX_USAGES - MAX_USAGES / 10);
        let before = self.usages.len();
        self.usages
            .retain(|key, usage| line.keeps(&rank(key, usage)));
        self.stats.usage_evictions += (before - self.usages.len()) as u64;
        self.count_names();
    }

    /// Where there are too many names of all usages together: those that have most give up what they have beyond an equal
    /// share, those that were never stragglers before the others, so that nobody's names push out another's last one.
    pub(super) fn spread_names(&mut self) {
        if self.names <= MAX_NAMES_IN_ALL {
            return;
        }
        let room = MAX_NAMES_IN_ALL - MAX_NAMES_IN_ALL / 4;
        let kept = |usage: &Usage| usage.names_kept();
        let (proven, others): (Vec<&Usage>, Vec<&Usage>) = self
            .usages
            .values()
            .chain(self.aside.values())
            .partition(|usage| usage.ever_straggler);
        let of_proven: usize = proven.iter().copied().map(kept).sum();
        let of_others = room
            .checked_sub(of_proven)
            .and_then(|room| equal_share(others.iter().copied().map(kept), room));
        let (share, of_proven) = match of_others {
            Some(share) => (share, MAX_NAMES),
            None => {
                let all = proven.into_iter().chain(others).map(kept);
                let share = equal_share(all, room).unwrap_or(1);
                (share, share)
            }
        };
        for usage in self.usages.values_mut().chain(self.aside.values_mut()) {
            let most = if usage.ever_straggler {
                of_proven
            } else {
                share
            };
            self.stats.names_left_out += usage.forget_names(most) as u64;
        }
        self.count_names();
    }

    /// Counts the names anew, after many usages changed at once.
    pub(super) fn count_names(&mut self) {
        let usages = self.usages.values().chain(self.aside.values());
        self.names = usages.map(Usage::names_kept).sum();
        self.weak_names = self.weak.values().map(|weak| weak.names.len()).sum();
    }
}

/// The most names that each may keep, if all together keep at most so many.
fn equal_share(names: impl Iterator<Item = usize>, room: usize) -> Option<usize> {
    let mut usages_with = [0_usize; MAX_NAMES + 1];
    for kept in names {
        usages_with[kept.min(MAX_NAMES)] += 1;
    }
    let kept_by_all = |share: usize| -> usize {
        let kept = usages_with.iter().enumerate();
        kept.map(|(names, usages)| names.min(share) * usages).sum()
    };
    (1..=MAX_NAMES)
        .rev()
        .find(|&share| kept_by_all(share) <= room)
}
