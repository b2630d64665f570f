//! The handle of the store's thread.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, SyncSender, TrySendError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Result;
use arc_swap::{ArcSwap, ArcSwapOption};

use super::super::thread;
use super::writer::{Writer, send};
use super::{Back, Plan, Work};
use crate::events::Handle;
use crate::metrics::StoreScene;
use crate::store::Operation;

/// Events that wait for a disk that does not answer; beyond they go out without it.
const MAX_HELD: usize = 1_024;
/// A write that takes longer stalls: a disk that is merely slow takes a second.
const STALLED_AFTER: Duration = Duration::from_secs(10);
const STALLED: &str = "the disk does not answer: a write that was begun more than 10 s ago is not done; rows wait in memory";

const ENDED: &str = "its thread has ended; nothing is kept until a restart";

/// Since when the thread waits for the disk, if it does.
pub(super) type Writing = Arc<ArcSwapOption<Instant>>;

/// The thread's handle.
pub(super) struct Keeper {
    work: SyncSender<Work>,
    back: Receiver<Back>,
    scene: Arc<ArcSwap<StoreScene>>,
    thread: JoinHandle<()>,
    outputs: Option<Handle>,
    waiting: Work,
    /// What the thread cannot say while it waits.
    writing: Writing,
    is_stalled: bool,
    stalls: u64,
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
        let writing = Writing::default();
        let told = (Arc::clone(&scene), Arc::clone(&writing));
        let mut writer = Writer::new(plan, outputs.clone(), sender, told);
        let thread = thread("store", move || writer.run(&receiver))?;
        Ok(Self {
            work,
            back,
            scene,
            thread,
            outputs,
            waiting: Work::default(),
            writing,
            is_stalled: false,
            stalls: 0,
        })
    }

    /// What came back since, without waiting.
    pub(super) fn try_back(&mut self) -> Option<Back> {
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
        self.look_at_the_disk();
        match self.work.try_send(std::mem::take(&mut self.waiting)) {
            Ok(()) => {}
            Err(TrySendError::Full(work) | TrySendError::Disconnected(work)) => {
                self.waiting = work;
                // They tell somebody of what happens now.
                if self.is_stalled || self.waiting.messages.len() >= MAX_HELD {
                    send(self.outputs.as_ref(), &mut self.waiting.messages);
                }
            }
        }
    }

    /// The thread says what goes wrong, but not that it hangs.
    fn look_at_the_disk(&mut self) {
        let began = self.writing.load_full();
        let is_stalled = began.is_some_and(|began| began.elapsed() >= STALLED_AFTER);
        match (self.is_stalled, is_stalled) {
            (false, true) => {
                self.stalls += 1;
                tracing::error!("store: {STALLED}");
            }
            (true, false) => tracing::info!("store: the disk answers again"),
            _ => {}
        }
        self.is_stalled = is_stalled;
    }

    /// Whether the thread is there. It may wait for the disk.
    pub(super) fn has_writer(&self) -> bool {
        !self.thread.is_finished()
    }

    /// What is wrong that the thread itself cannot tell.
    pub(super) fn fault(&self) -> Option<&'static str> {
        match () {
            () if !self.has_writer() => Some(ENDED),
            () if self.is_stalled => Some(STALLED),
            () => None,
        }
    }

    /// How the store is.
    pub(super) fn scene(&self) -> StoreScene {
        let mut scene = StoreScene::clone(&self.scene.load());
        scene.waiting += self.waiting.batch.len() as u64;
        scene.lost.add(self.waiting.batch.lost());
        scene.errors[Operation::Write as usize] += self.stalls;
        scene.fault = self.fault().map(str::to_owned).or(scene.fault);
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
