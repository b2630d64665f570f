//! Savefiles through one tracker and one ledger, in one thread: the same input gives the same findings, every time.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::capture::{CaptureError, FrameSource, Inputs, Pumped, Savefile, SignalFilter, Thinner};
use crate::ledger::{self, Ledger};
use crate::model::{Accepted, Frame, Happening, LinkType, Snapshot, Span, Timestamp};
use crate::rules::RuleSet;
use crate::tracker::{self, Tracker, Witness};

/// Frames read before what they told goes to the ledger.
const BATCH: usize = 4096;

/// How captures are judged.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The tracker's.
    pub tracker: tracker::Settings,
    /// The ledger's.
    pub ledger: ledger::Settings,
    /// What the kernel would pass; `None` for all. Frames that it would drop are left out, and tell the time only.
    pub filter: Option<SignalFilter>,
    /// Judge as of this instant: later frames are left out, and the window ends here.
    pub at: Option<Timestamp>,
}

/// What a replay came to.
pub struct Replayed {
    /// The findings.
    pub snapshot: Snapshot,
    /// The tracker's counters.
    pub tracker: tracker::Stats,
    /// The ledger's counters.
    pub ledger: ledger::Stats,
    /// What was read, in its order.
    pub files: Vec<FileRead>,
    /// Captures that could not be read to their end.
    pub faults: Vec<CaptureError>,
    /// What the ledger accepted at the very end, where its settings say that somebody takes it.
    pub accepted: Accepted,
    /// Frames later than the instant asked for, left out.
    pub later_frames: u64,
    /// By how much a lone last packet lies after all others; its time was not taken for engine time.
    pub wild_last_packet: Option<Duration>,
}

/// What was read of one file.
#[derive(Clone, Debug)]
pub struct FileRead {
    /// Its path, `-` for standard input.
    pub path: PathBuf,
    /// Frames that were taken.
    pub frames: u64,
    /// Their link types, in the order in which they came.
    pub links: Vec<LinkType>,
    /// The stretch of capture time that counts as looked at; `None` where no time could be believed.
    pub looked: Option<Span>,
}

/// Where a replay stands, for whoever shows it, and what came of it since the last word, for whoever keeps it.
#[derive(Debug)]
pub struct Progress {
    /// Bytes read of all files as they lie on the disk.
    pub bytes: u64,
    /// What the ledger accepted, where its settings say that somebody takes it.
    pub accepted: Accepted,
}

/// How much engine time may pass before it is looked whether a state changed although nothing was seen.
const COMPARE_EVERY: Duration = Duration::from_secs(600);

/// How much engine time may pass before what was seen goes to the ledger: a host that comes and goes within one batch would
/// be missed, and what is found must not rest on whether anybody asks for events.
const HAND_OVER_EVERY: Duration = Duration::from_secs(10);

/// Takes what happens.
pub type Sink = Box<dyn FnMut(Happening) + Send>;

/// A replay under way.
pub struct Replay {
    tracker: Tracker,
    ledger: Ledger,
    thinner: Option<Thinner>,
    at: Option<Timestamp>,
    sink: Option<Sink>,
    /// When it was last looked what happened.
    compared: Option<Timestamp>,
    /// Engine time of the latest hand-over.
    handed_over: Option<Timestamp>,
    /// Bytes of the files that were read.
    bytes: u64,
    later_frames: u64,
    files: Vec<FileRead>,
    faults: Vec<CaptureError>,
}

impl Replay {
    /// A replay with an empty tracker and ledger.
    pub fn new(
        settings: Settings,
        rules: Arc<RuleSet>,
    ) -> Result<Self, crate::evidence::UnknownCutoff> {
        Ok(Self {
            ledger: Ledger::new(settings.ledger, &rules.packs)?,
            tracker: Tracker::new(settings.tracker, rules),
            thinner: settings.filter.map(Thinner::new),
            at: settings.at,
            sink: None,
            compared: None,
            handed_over: None,
            bytes: 0,
            later_frames: 0,
            files: Vec::new(),
            faults: Vec::new(),
        })
    }

    /// Gives what happens to `sink`, as it happens. The settings of tracker and ledger have to ask for events.
    pub fn tell(&mut self, sink: Sink) {
        self.sink = Some(sink);
    }

    /// The ledger, to give it what an earlier run had concluded.
    pub fn ledger(&mut self) -> &mut Ledger {
        &mut self.ledger
    }

    /// What was read so far, in its order.
    pub fn files(&self) -> &[FileRead] {
        &self.files
    }

    /// Reads captures in their order. One that cannot be read to its end is noted and does not stop the others.
    pub fn read(
        &mut self,
        inputs: &Inputs,
        witness: &mut impl Witness,
        progress: &mut dyn FnMut(Progress),
    ) {
        for file in &inputs.files {
            self.tracker.begin();
            self.files.push(FileRead {
                path: file.clone(),
                frames: 0,
                links: Vec::new(),
                looked: None,
            });
            if let Err(fault) = self.read_file(file, witness, progress) {
                self.faults.push(fault);
            }
            self.hand_over();
        }
    }

    /// The findings so far.
    pub fn finish(mut self) -> Replayed {
        // Twice: what is counted at the end rests on the answers that were handed over before.
        self.hand_over();
        let wild_last_packet = self.tracker.settle();
        self.hand_over();
        if let Some(at) = self.at {
            self.ledger.set_time(at);
        }
        let snapshot = self.ledger.snapshot();
        if let Some(sink) = &mut self.sink {
            self.ledger
                .happened_last(&snapshot)
                .into_iter()
                .for_each(sink);
        }
        Replayed {
            accepted: self.ledger.accepted(),
            snapshot,
            tracker: self.tracker.stats(),
            ledger: self.ledger.stats(),
            files: self.files,
            faults: self.faults,
            later_frames: self.later_frames,
            wild_last_packet,
        }
    }

    fn read_file(
        &mut self,
        file: &Path,
        witness: &mut impl Witness,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<(), CaptureError> {
        let mut source = Savefile::open(file)?;
        loop {
            let pumped = source.pump(BATCH, &mut |frame| self.take(&frame, witness));
            self.hand_over();
            progress(Progress {
                bytes: self.bytes + source.position(),
                accepted: self.ledger.accepted(),
            });
            if !matches!(pumped, Ok(Pumped::Frames(_) | Pumped::Idle)) {
                self.bytes += source.position();
                return pumped.map(drop);
            }
        }
    }

    fn take(&mut self, frame: &Frame<'_>, witness: &mut impl Witness) {
        let thinner = self.thinner.as_mut();
        if self.at.is_some_and(|at| frame.time > at) {
            self.later_frames += 1;
        } else if thinner.is_some_and(|thinner| !thinner.passes(frame)) {
            self.tracker.pass_over(frame.time);
        } else {
            if let Some(file) = self.files.last_mut() {
                file.frames += 1;
                if !file.links.contains(&frame.link) {
                    file.links.push(frame.link);
                }
            }
            self.tracker.ingest(frame, witness);
            let (now, last) = (self.tracker.now(), self.handed_over);
            let is_due =
                now.is_some_and(|now| last.is_none_or(|last| now.since(last) >= HAND_OVER_EVERY));
            if is_due || self.tracker.is_filling() {
                self.hand_over();
            }
        }
    }

    fn hand_over(&mut self) {
        let batch = self.tracker.drain();
        self.handed_over = batch.clock;
        if let Some(file) = self.files.last_mut() {
            // A batch tells all of the stretch since the file began.
            file.looked = batch.looked.or(file.looked);
        }
        self.ledger.absorb(&batch);
        self.tracker.watch(self.ledger.watch_list());
        let seen = !batch.sightings.is_empty() || !batch.flow_ends.is_empty();
        self.tell_what_happened(seen, batch.clock);
    }

    /// By the capture's own time and content, so that the same capture tells the same.
    fn tell_what_happened(&mut self, seen: bool, now: Option<Timestamp>) {
        let (Some(sink), Some(now)) = (&mut self.sink, now) else {
            return;
        };
        let due = self
            .compared
            .is_none_or(|compared| now.since(compared) >= COMPARE_EVERY);
        if seen || due {
            self.compared = Some(now);
            let snapshot = self.ledger.snapshot();
            self.ledger.happened(&snapshot).into_iter().for_each(sink);
        }
    }
}
