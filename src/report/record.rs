//! What a report tells, whoever asks for it: a replay, the store or the daemon.

use std::time::Duration;

use ipnet::IpNet;

use super::{Filter, LeftOut, Zone};
use crate::model::{LinkType, PackKind, Seen, Snapshot, Span, Timestamp};

/// A pause in the capture shorter than this minute is not listed: between two files of a ring there is always one.
pub const SHORTEST_GAP: Duration = Duration::from_secs(60);

/// Everything that a report tells.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The findings, as far as the filters leave them.
    pub snapshot: Snapshot,
    /// How much was looked at, and what could not be read. No filter narrows it.
    pub seen: Seen,
    /// What was asked.
    pub asked: Asked,
    /// How the sensor was placed.
    pub sensor: Sensor,
    /// When it looked.
    pub watched: Watched,
    /// Payload bytes from the server that make a transfer.
    pub transfer_threshold: u64,
    /// Rule packs in force.
    pub packs: Vec<PackUsed>,
    /// Version of the program.
    pub version: String,
    /// What else has to be known: files that could not be read to their end, frames that were left aside.
    pub remarks: Vec<String>,
}

/// What was asked.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// The instant at which to judge; `None` for the latest that was captured.
    pub at: Option<Timestamp>,
    /// Which findings to tell.
    pub filter: Filter,
    /// What the filter left out.
    pub left_out: LeftOut,
    /// The zone in which times are shown.
    pub zone: Zone,
}

/// How the sensor was placed.
#[derive(Clone, Debug, Default)]
pub struct Sensor {
    /// What it captured, or what was replayed.
    pub sources: Vec<Source>,
    /// Local networks that were configured or that interfaces have; empty where nobody said which they are.
    pub local_networks: Vec<IpNet>,
}

/// Where frames came from.
#[derive(Clone, Debug)]
pub struct Source {
    /// What it is.
    pub kind: SourceKind,
    /// Name of the interface, or path of the file.
    pub name: String,
    /// Link types of its frames.
    pub links: Vec<LinkType>,
    /// Frames that were taken. `None` where that is not kept for each.
    pub frames: Option<u64>,
    /// Frames lost in the kernel, and in the interface or its driver. `None` where nobody counted.
    pub drops: Option<(u64, u64)>,
}

/// Kind of a [`Source`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceKind {
    /// An interface.
    Interface,
    /// A savefile.
    File,
    /// A savefile on standard input.
    StandardInput,
}

/// The stretches of capture time that the sensor looked at, sorted, none touching another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Watched(Vec<Span>);

/// A rule pack that was in force.
#[derive(Clone, Debug)]
pub struct PackUsed {
    /// Id.
    pub id: String,
    /// For people.
    pub name: String,
    /// What it is about.
    pub kind: PackKind,
    /// Version.
    pub version: String,
    /// First 12 hexadecimal digits of the SHA-256 of the file.
    pub digest: String,
    /// Day on which somebody last read it against its sources.
    pub reviewed: String,
    /// `built in` or a path.
    pub origin: String,
}

impl Report {
    /// Leaves only what the filter asks for. To be called once.
    #[must_use]
    pub fn filtered(mut self, filter: Filter) -> Self {
        self.asked.left_out = filter.narrow(&mut self.snapshot);
        self.asked.filter = filter;
        self
    }

    /// Whether a straggler is left in it.
    pub fn has_stragglers(&self) -> bool {
        self.snapshot.stragglers().next().is_some()
    }
}

impl Watched {
    /// The union of stretches in any order.
    pub fn new(mut spans: Vec<Span>) -> Self {
        spans.sort_unstable_by_key(|span| span.first);
        let mut stretches: Vec<Span> = Vec::new();
        for span in spans {
            match stretches.last_mut() {
                Some(last) if span.first <= last.last => last.cover(span.last),
                _ => stretches.push(span),
            }
        }
        Self(stretches)
    }

    /// From the first instant that was looked at to the last; `None` where nothing was.
    pub fn whole(&self) -> Option<Span> {
        let (first, last) = (self.0.first()?, self.0.last()?);
        Some(Span {
            first: first.first,
            last: last.last,
        })
    }

    /// All stretches together.
    pub fn total(&self) -> Duration {
        let lengths = self.0.iter().map(|span| span.last.since(span.first));
        lengths.sum()
    }

    /// Pauses between stretches that last at least [`SHORTEST_GAP`].
    pub fn gaps(&self) -> Vec<Span> {
        let pairs = self.0.iter().zip(self.0.iter().skip(1));
        pairs
            .map(|(before, after)| Span {
                first: before.last,
                last: after.first,
            })
            .filter(|gap| gap.last.since(gap.first) >= SHORTEST_GAP)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(first: i64, last: i64) -> Span {
        Span {
            first: Timestamp::from_unix(first, 0),
            last: Timestamp::from_unix(last, 0),
        }
    }

    #[test]
    fn stretches_join_and_long_pauses_are_gaps() {
        let spans = [(900, 1000), (0, 100), (50, 200), (230, 300), (100, 150)];
        let watched = Watched::new(spans.iter().map(|&(a, b)| span(a, b)).collect());
        assert_eq!(watched.whole(), Some(span(0, 1000)));
        assert_eq!(watched.total(), Duration::from_secs(200 + 70 + 100));
        assert_eq!(watched.gaps(), [span(300, 900)]);
        assert_eq!(Watched::default().whole(), None);
        assert_eq!(Watched::default().gaps(), []);
    }
}
