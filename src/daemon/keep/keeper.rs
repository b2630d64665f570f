//! The handle of the store's thread.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, SyncSender, TrySendError};
use std::thread::JoinHandle;

use anyhow::Result;
use arc_swap::ArcSwap;

use super::super::thread;
use super::writer::{Writer, send};
use super::{Back, Plan, Work};
use crate::events::Handle;
use crate::metrics::StoreScene;

/// Events that wait for a disk that does not answer; beyond they go out without it.
const MAX_HELD: usize = 1_024;

/// The thread's handle.
pub(super) struct Keeper {
    work: SyncSender<Work>,
    back: Receiver<Back>,
    scene: Arc<ArcSwap<StoreScene>>,
    thread: JoinHandle<()>,
    outputs: Option<Handle>,
    waiting: Work,
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
        })
    }

    /// What came back since, without waiting.
    pub(super) fn try_back(&self) -> Option<Back> {
        self.back.try_recv().ok()
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
            Ok(()) => {}
            Err(TrySendError::Full(work) | TrySendError::Disconnected(work)) => {
                self.waiting = work;
                if self.waiting.messages.len() >= MAX_HELD {
                    send(self.outputs.as_ref(), &mut self.waiting.messages);
                }
            }
        }
    }

    /// How the store is.
    pub(super) fn scene(&self) -> StoreScene {
        let mut scene = StoreScene::clone(&self.scene.load());
        scene.waiting += self.waiting.batch.len() as u64;
        scene.lost.add(self.waiting.batch.lost());
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
