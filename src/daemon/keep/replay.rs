//! Savefiles into a store that lasts: what it has is restored, files that it knows are skipped, what is new is written.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, bail};

use super::super::wall::wall_clock;
use super::Plan;
use super::digest::record;
use crate::capture::{CaptureError, FrameSource, Inputs, Pumped, STDIN, Savefile};
use crate::history::{self, AHEAD, Recorder, Restorer, SEEN, Taken, Wall};
use crate::metrics::StoreScene;
use crate::model::{Frame, Timestamp};
use crate::replay::{FileRead, Replay, Replayed};
use crate::rules::RuleSet;
use crate::store::{Batch, FileRecord, Notice, Operation, Store};

/// Rows that wait before they are written although the last file is not read: half of what a batch takes.
const WRITE_AT: usize = 16_384;
/// Frames looked at in one go.
const AT_ONCE: usize = 4_096;

/// A store and what is to be written to it.
pub(in crate::daemon) struct KeptReplay {
    store: Store,
    /// Captures that are later are not believed.
    limit: Timestamp,
    plan: Plan,
    recorder: Recorder,
    batch: Batch,
    skipped: usize,
    scene: StoreScene,
}

impl KeptReplay {
    /// Opens the store and gives the replay what it has.
    pub(in crate::daemon) fn open(
        plan: Plan,
        rules: &Arc<RuleSet>,
        replay: &mut Replay,
    ) -> Result<Self> {
        let (mut store, notice) = Store::open(&plan.folder, plan.settings.clone())?;
        let mut scene = StoreScene {
            folder: plan.folder.display().to_string(),
            is_open: true,
            ..StoreScene::default()
        };
        if let Some(notice) = notice {
            tracing::warn!("{notice}");
            scene.notice = Some(notice.to_string());
            if matches!(notice, Notice::SetAside { .. }) {
                scene.count(Operation::Open);
            }
        }
        let around = store.remembered(SEEN)?;
        let around = around.as_deref().map(history::surroundings);
        let around = around.unwrap_or_default();
        let limit = Wall::new(&rules.packs).bound(wall_clock(), AHEAD);
        let mut restorer = Restorer::new(Arc::clone(rules), around.clone(), limit);
        store.restore(Timestamp::MIN, &mut |row| {
            restorer.take(replay.ledger(), row);
        })?;
        restorer.finish(replay.ledger());
        let mut recorder = Recorder::new(&rules.packs);
        recorder.before(around);
        let mut batch = Batch::of_files();
        plan.mark(&mut batch);
        Ok(Self {
            store,
            limit,
            plan,
            recorder,
            batch,
            skipped: 0,
            scene,
        })
    }

    /// Reads the files that the store does not know, and writes what came of them.
    pub(in crate::daemon) fn replay(
        &mut self,
        mut replay: Replay,
        inputs: &Inputs,
    ) -> Result<Replayed> {
        let mut refused = Vec::new();
        for path in &inputs.files {
            let record = record(path)?;
            if let Some(record) = &record
                && self.store.has_file(&record.digest)?
            {
                tracing::info!(file = record.path, "was read before and is skipped");
                self.skipped += 1;
                continue;
            }
            if record.is_some()
                && let Some(last) = self.last_beyond(path)
            {
                refused.push(self.is_later(path, last));
                continue;
            }
            if record.is_none() {
                // What can be read but once shows only afterwards that it is not believed. What came before stands.
                self.write()?;
            }
            self.file(&mut replay, path, record)?;
        }
        let mut replayed = replay.finish();
        if let (Some(at), Some(path)) = (replayed.snapshot.at, inputs.files.last())
            && at > self.limit
        {
            bail!("{}", self.is_later(path, at));
        }
        for refused in refused {
            tracing::error!("{refused}");
            replayed.faults.push(refused);
        }
        // The last times are believed only at the end.
        for read in &replayed.files {
            self.looked(read);
        }
        let source = inputs
            .files
            .last()
            .map_or_else(|| Arc::from("-"), |path| name(path));
        self.recorder
            .accepted(&mut self.batch, replayed.accepted.clone(), &source);
        self.recorder
            .hosts(&mut self.batch, &replayed.snapshot, true);
        self.recorder
            .seen(&mut self.batch, &replayed.tracker.seen, &replayed.snapshot);
        self.write()?;
        if let Some(now) = replayed.snapshot.at {
            let now = now.min(wall_clock());
            while self.store.prune(now, self.plan.retention)?.more {}
        }
        self.scene.opened(&self.store.stats());
        Ok(replayed)
    }

    /// Whether files were skipped because they had been read before.
    pub(in crate::daemon) fn has_skipped(&self) -> bool {
        self.skipped > 0
    }

    /// How the store is.
    pub(in crate::daemon) fn scene(&self) -> StoreScene {
        self.scene.clone()
    }

    fn file(&mut self, replay: &mut Replay, path: &Path, record: Option<FileRecord>) -> Result<()> {
        let source = name(path);
        let one = Inputs {
            files: vec![path.to_owned()],
            left_out: 0,
        };
        let (recorder, batch) = (&self.recorder, &mut self.batch);
        replay.read(&one, &mut (), &mut |progress| {
            recorder.accepted(batch, progress.accepted, &source);
        });
        let read = replay.files().last().cloned();
        if let Some(read) = &read {
            if let Some(last) = read
                .looked
                .map(|span| span.last)
                .filter(|last| *last > self.limit)
            {
                bail!("{}", self.is_later(path, last));
            }
            self.looked(read);
        }
        // A damaged file is known too: read again it would count again.
        if let Some(record) = record
            && read.is_some_and(|read| read.frames > 0)
        {
            self.batch.file(record);
        }
        if self.batch.len() >= WRITE_AT {
            self.write()?;
        }
        Ok(())
    }

    /// The stretch of a file that counts as looked at.
    fn looked(&mut self, read: &FileRead) {
        if let Some(span) = read.looked {
            let taken = Taken {
                frames: read.frames,
                ..Taken::default()
            };
            let source = name(&read.path);
            self.recorder.looked(&mut self.batch, &source, span, taken);
        }
    }

    /// The latest time in a file, where several frames are later than is believed. The time of a lone one is its own fault,
    /// and moves nothing.
    fn last_beyond(&self, path: &Path) -> Option<Timestamp> {
        let mut source = Savefile::open(path).ok()?;
        let (mut beyond, mut last) = (0_u64, Timestamp::MIN);
        let mut look = |frame: Frame<'_>| {
            beyond += u64::from(frame.time > self.limit);
            last = last.max(frame.time);
        };
        // What cannot be read is told by the replay.
        while let Ok(Pumped::Frames(_)) = source.pump(AT_ONCE, &mut look) {}
        (beyond > 1).then_some(last)
    }

    fn is_later(&self, path: &Path, last: Timestamp) -> CaptureError {
        CaptureError::Later {
            source_name: path.display().to_string(),
            last,
            clock: wall_clock(),
        }
    }

    fn write(&mut self) -> Result<()> {
        let lost = self.batch.lost();
        if lost != Default::default() {
            bail!(
                "more was found than can wait to be written ({} sightings are left out); replay fewer files at once",
                lost.sightings
            );
        }
        self.store.write(&self.batch)?;
        self.batch = Batch::of_files();
        Ok(())
    }
}

/// What stands for a file where an interface would: always with a slash, which no interface has in its name.
fn name(path: &Path) -> Arc<str> {
    let text = path.display().to_string();
    match text.contains('/') || path.as_os_str() == STDIN {
        true => Arc::from(text),
        false => Arc::from(format!("./{text}")),
    }
}
