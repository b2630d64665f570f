//! Which DNS questions were seen: an answer that nobody asked for is no proof of anything.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use crate::model::{Endpoint, Timestamp};

/// Questions remembered, 16 bytes each. One that finds its place taken overwrites it.
const PLACES: usize = 16_384;
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The latest questions, by a digest of who asked whom and under which number.
#[derive(Debug)]
pub(super) struct Questions {
    places: Vec<(u64, Timestamp)>,
    any: bool,
}

impl Default for Questions {
    fn default() -> Self {
        Self {
            places: vec![(0, Timestamp::MIN); PLACES],
            any: false,
        }
    }
}

impl Questions {
    /// A question was seen.
    pub(super) fn note(&mut self, client: Endpoint, resolver: Endpoint, id: u16, time: Timestamp) {
        let digest = digest(client, resolver, id);
        self.any = true;
        self.places[place(digest)] = (digest, time);
    }

    /// Whether the question to an answer was seen.
    pub(super) fn asked(
        &self,
        client: Endpoint,
        resolver: Endpoint,
        id: u16,
        time: Timestamp,
    ) -> bool {
        let digest = digest(client, resolver, id);
        let (known, asked) = self.places[place(digest)];
        known == digest && time.since(asked) <= PATIENCE && asked.since(time) <= PATIENCE
    }

    /// Whether any question was seen at all: a capture of the resolvers' side alone shows none.
    pub(super) fn any(&self) -> bool {
        self.any
    }
}

fn digest(client: Endpoint, resolver: Endpoint, id: u16) -> u64 {
    let mut hasher = DefaultHasher::new();
    (client, resolver, id).hash(&mut hasher);
    hasher.finish()
}

fn place(digest: u64) -> usize {
    (digest % PLACES as u64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_belongs_to_its_question() {
        let end = |last: u8, port| Endpoint {
            addr: [10, 0, 0, last].into(),
            port,
        };
        let at = |second| Timestamp::from_unix(second, 0);
        let mut questions = Questions::default();
        assert!(!questions.any());
        questions.note(end(1, 40_000), end(53, 53), 7, at(100));
        assert!(questions.any());
        assert!(questions.asked(end(1, 40_000), end(53, 53), 7, at(101)));
        for (client, resolver, id, second) in [
            (end(2, 40_000), end(53, 53), 7, 101),
            (end(1, 40_001), end(53, 53), 7, 101),
            (end(1, 40_000), end(54, 53), 7, 101),
            (end(1, 40_000), end(53, 53), 8, 101),
            (end(1, 40_000), end(53, 53), 7, 131),
        ] {
            assert!(!questions.asked(client, resolver, id, at(second)));
        }
    }
}
