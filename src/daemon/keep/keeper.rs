//! The handle of the store's thread.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, SyncSender, TrySendError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Result;
use arc_swap::ArcSwap;

use super::super::thread;
use super::writer::{Writer, send};
use super::{Back, Plan, Work};
use crate::events::Handle;
use crate::metrics::StoreScene;

/// Events that wait for a disk that does not answer; beyond they go out without it.
const MAX_HELD: usize = 1_024;
/// How long the thread may take for what it was given last: large batches take seconds, so does pruning.
const STALLS_AFTER: Duration = Duration::from_secs(30);

/// The thread's handle.
pub(super) struct Keeper {
    work: SyncSender<Work>,
    back: Receiver<Back>,
    scene: Arc<ArcSwap<StoreScene>>,
    thread: JoinHandle<()>,
    outputs: Option<Handle>,
    waiting: Work,
    /// Since when it takes nothing.
    stalled: Option<Instant>,
}

impl Keeper {
    /// Starts the thread. What the store has comes by [`Keeper::back`].
    pub(super) fn start(plan: Plan, outputs: Option<Handle>) -> Result<Self> {
        let (work, receiver) = mpsc::sync_channel(1);
        let (sender, back) = mpsc::sync_channel(4);
        let scene = Arc::new(ArcSwap::from_pointee(StoreScene {
            folder: plan.folder.display().to_string(),
            ..StoreScene::default()
        }));
        let mut writer = Writer::new(plan, outputs.clone(), sender, Arc::clone(&scene));
        let thread = thread("store", move || writer.run(&receiver))?;
        Ok(Self {
            work,
            back,
            scene,
            thread,
            outputs,
            waiting: Work::default(),
            stalled: None,
        })
    }

    /// What came back since, without waiting.
    pub(super) fn try_back(&mut self) -> Option<Back> {
        let back = self.back.try_recv().ok();
        if back.is_some() {
            // It waits for nobody but us.
            self.stalled = None;
        }
        back
    }

    /// Waits for what comes back.
    pub(super) fn back(&self) -> Option<Back> {
        self.back.recv().ok()
    }

    /// What is to be written next.
    pub(super) fn waiting(&mut self) -> &mut Work {
        &mut self.waiting
    }

    /// Hands over what waits, if the thread is free; otherwise it goes on waiting here, under the batch's caps.
    pub(super) fn hand_over(&mut self) {
        match self.work.try_send(std::mem::take(&mut self.waiting)) {
            Ok(()) => self.stalled = None,
            Err(TrySendError::Full(work) | TrySendError::Disconnected(work)) => {
                self.waiting = work;
                self.stalled.get_or_insert_with(Instant::now);
                if self.waiting.messages.len() >= MAX_HELD {
                    send(self.outputs.as_ref(), &mut self.waiting.messages);
                }
            }
        }
    }

    /// Whether the thread is there. It may wait for the disk.
    pub(super) fn has_writer(&self) -> bool {
        !self.thread.is_finished()
    }

    /// What is wrong that the thread itself cannot tell.
    pub(super) fn fault(&self) -> Option<String> {
        if !self.has_writer() {
            return Some("its thread has ended; nothing is kept until a restart".to_owned());
        }
        let stalled = self.stalled?;
        (stalled.elapsed() > STALLS_AFTER).then(|| {
            let seconds = STALLS_AFTER.as_secs();
            format!(
                "the disk has taken nothing for {seconds} seconds; what is found waits in memory"
            )
        })
    }

    /// How the store is.
    pub(super) fn scene(&self) -> StoreScene {
        let mut scene = StoreScene::clone(&self.scene.load());
        scene.waiting += self.waiting.batch.len() as u64;
        scene.lost.add(self.waiting.batch.lost());
        scene.fault = self.fault().or(scene.fault);
        scene
    }

    /// Writes what waits, as far as that is possible, and ends.
    pub(super) fn stop(self) {
        let Self {
            work,
            thread,
            waiting,
            back,
            ..
        } = self;
        // Nobody waits for rows any more.
        drop(back);
        let _ = work.send(waiting);
        drop(work);
        if thread.join().is_err() {
            tracing::error!("the store's thread panicked; what it had not written is lost");
        }
    }
}
