//! Which DNS questions were seen: an answer that nobody asked for is no proof of anything.

use std::time::Duration;

use super::digest::Digest;
use crate::model::{Endpoint, Timestamp, Way};

/// Questions remembered, 32 bytes each. One that finds its place taken overwrites it.
const PLACES: usize = 16_384;
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The latest questions, by a digest of who asked whom and under which number.
#[derive(Debug)]
pub(super) struct Questions {
    places: Vec<(u64, Timestamp, Way)>,
    any: bool,
}

impl Default for Questions {
    fn default() -> Self {
        Self {
            places: vec![(0, Timestamp::MIN, Way::Unknown); PLACES],
            any: false,
        }
    }
}

impl Questions {
    /// A question was seen, that came this way.
    pub(super) fn note(
        &mut self,
        client: Endpoint,
        resolver: Endpoint,
        id: u16,
        way: Way,
        time: Timestamp,
    ) {
        let digest = digest(client, resolver, id);
        self.any = true;
        self.places[digest.place(PLACES)] = (digest.value(), time, way);
    }

    /// Whether the question to an answer was seen, and which way it came.
    pub(super) fn asked(
        &self,
        client: Endpoint,
        resolver: Endpoint,
        id: u16,
        time: Timestamp,
    ) -> Option<Way> {
        let digest = digest(client, resolver, id);
        let (known, asked, way) = self.places[digest.place(PLACES)];
        let is_its = known == digest.value()
            && time.since(asked) <= PATIENCE
            && asked.since(time) <= PATIENCE;
        is_its.then_some(way)
    }

    /// Whether any question was seen at all: a capture of the resolvers' side alone shows none.
    pub(super) fn any(&self) -> bool {
        self.any
    }
}

fn digest(client: Endpoint, resolver: Endpoint, id: u16) -> Digest {
    Digest::new(u64::from(id))
        .endpoint(client)
        .endpoint(resolver)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Mac;

    #[test]
    fn an_answer_belongs_to_its_question() {
        let end = |last: u8, port| Endpoint {
            addr: [10, 0, 0, last].into(),
            port,
        };
        let at = |second| Timestamp::from_unix(second, 0);
        let mut questions = Questions::default();
        assert!(!questions.any());
        let way = Way::Direct(Mac::new([2, 0, 0, 0, 0, 1]));
        questions.note(end(1, 40_000), end(53, 53), 7, way, at(100));
        assert!(questions.any());
        let asked = questions.asked(end(1, 40_000), end(53, 53), 7, at(101));
        assert_eq!(asked, Some(way));
        for (client, resolver, id, second) in [
            (end(2, 40_000), end(53, 53), 7, 101),
            (end(1, 40_001), end(53, 53), 7, 101),
            (end(1, 40_000), end(54, 53), 7, 101),
            (end(1, 40_000), end(53, 53), 8, 101),
            (end(1, 40_000), end(53, 53), 7, 131),
        ] {
            assert_eq!(questions.asked(client, resolver, id, at(second)), None);
        }
    }
}
