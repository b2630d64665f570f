//! Which entries of a full table stay.
//!
//! A flood of forged hosts looks like real ones, packet for packet, and it can make as many as it likes. What it cannot
//! make is time that has passed. So of entries of one class half of the places go to those that are known for longest, and
//! half to those seen last: the first cannot be pushed out by newcomers, the second let a real newcomer in.

use super::{Span, Timestamp};

/// For how long something is known, by powers of two of milliseconds: coarse, so that among those of about one age the
/// latest wins, and fine enough to part what comes twice within a second from what a flood makes once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Standing(u32);

impl Standing {
    /// Of something that was first and last seen then.
    pub fn of(span: Span) -> Self {
        let milliseconds = span.last.since(span.first).as_millis();
        Self(u128::BITS - milliseconds.leading_zeros())
    }
}

/// What is compared of an entry.
#[derive(Clone, Debug)]
pub struct Rank<K> {
    /// Those of a lower class go first, whatever else they are.
    pub class: u8,
    /// For how long it is known.
    pub standing: Standing,
    /// When it was last seen.
    pub last: Timestamp,
    /// Parts those that are alike, so that the choice is the same in every run.
    pub id: K,
}

/// Where the line is drawn between entries that stay and those that go.
#[derive(Clone, Debug)]
pub enum Line<K> {
    /// There are places for all.
    AllStay,
    /// The last of those that stay because of their standing, and of those that stay because they were seen last.
    Between(Option<ByStanding<K>>, Option<ByTime<K>>),
}

type ByStanding<K> = (u8, Standing, Timestamp, K);
type ByTime<K> = (u8, Timestamp, K);

impl<K: Ord + Clone> Rank<K> {
    fn by_standing(&self) -> ByStanding<K> {
        (self.class, self.standing, self.last, self.id.clone())
    }

    fn by_time(&self) -> ByTime<K> {
        (self.class, self.last, self.id.clone())
    }
}

impl<K: Ord + Clone> Line<K> {
    /// The line below as many of these as there are places.
    pub fn draw(ranks: impl IntoIterator<Item = Rank<K>>, places: usize) -> Self {
        let mut ranks: Vec<Rank<K>> = ranks.into_iter().collect();
        if ranks.len() <= places {
            return Self::AllStay;
        }
        let old = places / 2;
        if old > 0 {
            ranks.select_nth_unstable_by(old - 1, |a, b| b.by_standing().cmp(&a.by_standing()));
        }
        let (known, rest) = ranks.split_at_mut(old);
        let new = places - old;
        if new > 0 {
            rest.select_nth_unstable_by(new - 1, |a, b| b.by_time().cmp(&a.by_time()));
        }
        let latest = rest[..new].last();
        Self::Between(
            known.last().map(Rank::by_standing),
            latest.map(Rank::by_time),
        )
    }

    /// Whether an entry stays.
    pub fn keeps(&self, rank: &Rank<K>) -> bool {
        match self {
            Self::AllStay => true,
            Self::Between(standing, time) => {
                standing
                    .as_ref()
                    .is_some_and(|limit| rank.by_standing() >= *limit)
                    || time.as_ref().is_some_and(|limit| rank.by_time() >= *limit)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rank(class: u8, first: i64, last: i64, id: u32) -> Rank<u32> {
        let [first, last] = [first, last].map(|second| Timestamp::from_unix(second, 0));
        let standing = Standing::of(Span { first, last });
        Rank {
            class,
            standing,
            last,
            id,
        }
    }

    fn kept(ranks: &[Rank<u32>], places: usize) -> Vec<u32> {
        let line = Line::draw(ranks.to_vec(), places);
        let kept = ranks.iter().filter(|rank| line.keeps(rank));
        kept.map(|rank| rank.id).collect()
    }

    #[test]
    fn a_flood_pushes_out_neither_the_old_nor_the_newest() {
        let mut ranks = vec![rank(1, 0, 100, 0)];
        ranks.extend((1..1_000).map(|id| rank(1, i64::from(id) + 100, i64::from(id) + 100, id)));
        let stay = kept(&ranks, 10);
        assert_eq!(stay.len(), 10);
        assert!(stay.contains(&0) && stay.contains(&999));
    }

    #[test]
    fn a_lower_class_goes_first_however_old() {
        let ranks = [
            rank(0, 0, 900, 1),
            rank(1, 800, 800, 2),
            rank(1, 700, 700, 3),
        ];
        assert_eq!(kept(&ranks, 2), [2, 3]);
    }

    #[test]
    fn as_many_stay_as_there_are_places() {
        let ranks: Vec<_> = (0..50).map(|id| rank(1, 7, 7, id)).collect();
        for places in [0, 1, 2, 3, 49, 50, 51] {
            assert_eq!(kept(&ranks, places).len(), places.min(50), "{places}");
        }
    }

    #[test]
    fn standing_is_coarse() {
        let of = |nanos: i64| {
            let [first, last] = [0, nanos].map(|nanos| Timestamp::from_unix(0, nanos));
            Standing::of(Span { first, last })
        };
        let milli = |count: i64| of(count * 1_000_000);
        assert_eq!(of(0), of(999_999));
        assert!(of(0) < milli(1) && milli(1) < milli(2) && milli(3) < milli(4));
        assert_eq!(milli(2), milli(3));
    }
}
