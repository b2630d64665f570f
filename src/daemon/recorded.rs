//! Savefiles, replayed and then served.

use std::path::PathBuf;
use std::sync::mpsc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result, bail};
use tokio::sync::watch;

use super::keep::KeptReplay;
use super::teller::Teller;
use super::{Daemon, Ended, Served, thread};
use crate::capture::{self, CaptureError};
use crate::metrics::Scene;
use crate::replay::{self, Replay, Replayed};
use crate::{ledger, tracker};

impl Daemon {
    /// Replays captures, gives what came of it to `show`, and serves it until told to stop.
    pub fn run_replay(
        self,
        files: &[PathBuf],
        show: impl FnOnce(&Replayed) + Send + 'static,
    ) -> Result<Ended> {
        let inputs = capture::find_inputs(files)?;
        if inputs.files.is_empty() {
            bail!("there is no capture in what was named");
        }
        let rules = Arc::new(self.config.rule_set());
        let settings = self.config.replay();
        let has_outputs = self.config.file.events.has_outputs();
        let settings = replay::Settings {
            tracker: tracker::Settings {
                events: has_outputs,
                ..settings.tracker
            },
            ledger: ledger::Settings {
                events: has_outputs,
                keep: self.config.file.state_dir.is_some(),
                ..settings.ledger
            },
            ..settings
        };
        // Threads have what this one has left.
        let captures = inputs.files.iter().cloned();
        self.protect(self.enter_sandbox(captures)?)?;
        let mut replay = Replay::new(settings, Arc::clone(&rules))?;
        let pseudonyms = self.config.pseudonyms(&[]);
        let hidden = pseudonyms.clone();
        let teller = Teller::replaying(
            &self.config.sensor(),
            &self.config.file.events,
            pseudonyms.clone(),
        )?;
        let teller = Arc::new(Mutex::new(teller));
        let mut keeping = self
            .plan(&[])
            .map(|plan| KeptReplay::open(plan, &rules, &mut replay))
            .transpose()?;
        if lock(&teller).is_on() {
            let teller = Arc::clone(&teller);
            replay.tell(Box::new(move |happening| lock(&teller).tell(happening)));
        }
        let told = Arc::clone(&teller);
        let board = Arc::clone(&self.board);
        // Kept here too, because a channel that closes would end the server.
        let (nothing_read, ended) = watch::channel(false);
        let tell_ended = nothing_read.clone();
        let (sender, faults) = mpsc::channel();
        thread("replay", move || {
            let replayed = match &mut keeping {
                None => {
                    replay.read(&inputs, &mut (), &mut |_| {});
                    Ok(replay.finish())
                }
                Some(keeping) => keeping.replay(replay, &inputs),
            };
            let mut replayed = match replayed {
                Ok(replayed) => replayed,
                Err(error) => {
                    let _ = sender.send(error.to_string());
                    tell_ended.send_replace(true);
                    return;
                }
            };
            if let Some(pseudonyms) = hidden {
                replayed.snapshot = pseudonyms.hide(replayed.snapshot);
            }
            let is_skipped = keeping.as_ref().is_some_and(KeptReplay::has_skipped);
            if !is_skipped && replayed.tracker.seen.frames == 0 && !replayed.faults.is_empty() {
                // There is nothing to serve; whoever waits for the end gets the reasons.
                let _ = sender.send(lines(&replayed.faults));
                tell_ended.send_replace(true);
                return;
            }
            lock(&told).settle();
            show(&replayed);
            let before = board.load_full();
            board.store(Arc::new(Scene {
                snapshot: replayed.snapshot,
                tracker: replayed.tracker,
                ledger: replayed.ledger,
                interfaces: Vec::new(),
                events: lock(&told).counts(),
                store: keeping.as_ref().map(KeptReplay::scene),
                faults: replayed.faults.iter().map(ToString::to_string).collect(),
                ready: true,
                reload: before.reload.clone(),
                server: Arc::clone(&before.server),
                sandbox: before.sandbox,
            }));
        })?;
        self.tell_ready()?;
        // When the program is told to stop the thread may still be reading; it holds nothing that would be lost.
        let served = Served {
            outputs: lock(&teller).handle(),
            pseudonyms,
            reload: None,
        };
        let asked = self.serve(ended, served)?;
        drop(nothing_read);
        lock(&teller).stop();
        if asked {
            return Ok(Ended::Asked);
        }
        bail!(
            "{}",
            faults.recv().context("the replay ended without a word")?
        );
    }
}

/// A thread that panicked leaves the teller sound: nothing in it is half done.
fn lock(teller: &Mutex<Teller>) -> MutexGuard<'_, Teller> {
    teller.lock().unwrap_or_else(PoisonError::into_inner)
}

fn lines(faults: &[CaptureError]) -> String {
    let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
    lines.join("\n")
}
