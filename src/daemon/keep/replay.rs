//! Savefiles into a store that lasts: what it has is restored, files that it knows are skipped, what is new is written.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, bail};
use sha2::{Digest, Sha256};

use super::super::wall_clock;
use super::Plan;
use crate::capture::{Inputs, STDIN};
use crate::history::{self, Recorder, Restorer, SEEN, Taken};
use crate::metrics::StoreScene;
use crate::model::{Pack, Timestamp};
use crate::replay::{FileRead, Replay, Replayed};
use crate::store::{Batch, FileRecord, Store};

/// Rows that wait before they are written although the last file is not read: half of what a batch takes.
const WRITE_AT: usize = 16_384;

/// A store and what is to be written to it.
pub(in crate::daemon) struct KeptReplay {
    store: Store,
    plan: Plan,
    recorder: Recorder,
    batch: Batch,
    skipped: usize,
    scene: StoreScene,
}

impl KeptReplay {
    /// Opens the store and gives the replay what it has.
    pub(in crate::daemon) fn open(plan: Plan, packs: &[Pack], replay: &mut Replay) -> Result<Self> {
        let (mut store, notice) = Store::open(&plan.folder, plan.settings.clone())?;
        let mut scene = StoreScene {
            folder: plan.folder.display().to_string(),
            is_open: true,
            ..StoreScene::default()
        };
        if let Some(notice) = notice {
            tracing::warn!("{notice}");
            scene.notice = Some(notice.to_string());
        }
        let mut restorer = Restorer::new(packs);
        store.restore(Timestamp::MIN, &mut |row| {
            restorer.take(replay.ledger(), row);
        })?;
        let around = store.remembered(SEEN)?;
        let around = around.as_deref().map(history::surroundings);
        let around = around.unwrap_or_default();
        restorer.finish(replay.ledger(), &around);
        let mut recorder = Recorder::new(packs);
        recorder.before(around);
        let mut batch = Batch::default();
        plan.mark(&mut batch);
        Ok(Self {
            store,
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
        for path in &inputs.files {
            let record = record(path)?;
            if let Some(record) = &record
                && self.store.has_file(&record.digest)?
            {
                tracing::info!(file = record.path, "was read before and is skipped");
                self.skipped += 1;
                continue;
            }
            self.file(&mut replay, path, record)?;
        }
        let replayed = replay.finish();
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
        let read = replay.files().last();
        if let Some(span) = read.and_then(|read| read.looked) {
            let taken = Taken {
                frames: read.map_or(0, |read| read.frames),
                ..Taken::default()
            };
            self.recorder.looked(&mut self.batch, &source, span, taken);
        }
        // A damaged file is known too: read again it would count again.
        if let Some(record) = record
            && read.is_some_and(|read: &FileRead| read.frames > 0)
        {
            self.batch.file(record);
        }
        if self.batch.len() >= WRITE_AT {
            self.write()?;
        }
        Ok(())
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
        self.batch = Batch::default();
        Ok(())
    }
}

fn name(path: &Path) -> Arc<str> {
    Arc::from(path.display().to_string())
}

/// What tells a file from others: its bytes. Standard input cannot be told beforehand.
fn record(path: &Path) -> Result<Option<FileRecord>> {
    // Nor can a pipe with a name, which gives its bytes but once.
    let is_file = std::fs::metadata(path).is_ok_and(|metadata| metadata.is_file());
    if path.as_os_str() == STDIN || !is_file {
        return Ok(None);
    }
    // A file that cannot be read is told by the replay.
    let Ok(mut file) = File::open(path) else {
        return Ok(None);
    };
    let mut hash = Hash(Sha256::new());
    let size = io::copy(&mut file, &mut hash)?;
    Ok(Some(FileRecord {
        digest: hash.0.finalize().into(),
        path: path.display().to_string(),
        size,
        time: wall_clock(),
    }))
}

struct Hash(Sha256);

impl io::Write for Hash {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
