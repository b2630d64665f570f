//! The thread of the store: opens it, gives back what it has, writes about once a second.
//!
//! A store that cannot be opened or written does not stop the sensor: batches wait in memory under their caps, the fault
//! shows in log, metrics and page, and it is tried again.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender, TrySendError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Result;
use arc_swap::ArcSwap;

use super::thread;
use crate::events::{Handle, Message};
use crate::history::SEEN;
use crate::metrics::StoreScene;
use crate::model::Timestamp;
use crate::store::{Batch, Notice, Operation, Settings, Store, StoreError, Stored};

/// Rows that are handed over at once when restoring.
const CHUNK: usize = 512;
/// How long after a failed opening the next try comes.
const OPEN_EVERY: Duration = Duration::from_secs(30);
/// How often old rows are looked for.
const PRUNE_EVERY: Duration = Duration::from_secs(60);
/// Under which name the outbox knows the outputs: what was given to them needs not be given again.
const OUTPUTS: &str = "outputs";
/// Under which name the sequence of the latest event is remembered.
const SEQUENCE: &str = "sequence";
/// Events read at once when those are sent that an earlier run could not send.
const RESEND: usize = 256;

/// How the store is used.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// The folder.
    pub folder: PathBuf,
    /// Its bounds.
    pub settings: Settings,
    /// For how long rows are kept, in capture time.
    pub retention: Duration,
}

/// What is to be written, and the events that may be sent once it is.
#[derive(Debug, Default)]
pub(super) struct Work {
    pub batch: Batch,
    pub messages: Vec<(u64, Message)>,
    /// Engine time.
    pub now: Option<Timestamp>,
}

/// What comes back from the store.
pub(super) enum Back {
    /// Some rows.
    Rows(Vec<Stored>),
    /// All of them; what earlier runs had seen, and the sequence of their latest event.
    Done { seen: Option<String>, sequence: u64 },
    /// There is no store for now.
    NotOpen,
}

/// The thread's handle.
pub(super) struct Keeper {
    work: SyncSender<Work>,
    back: Receiver<Back>,
    scene: Arc<ArcSwap<StoreScene>>,
    thread: JoinHandle<()>,
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
        let mut writer = Writer {
            plan,
            outputs,
            back: sender,
            scene: Arc::clone(&scene),
            store: None,
            tried: None,
            pruned: Instant::now(),
            waiting: Work::default(),
            state: StoreScene::clone(&scene.load()),
        };
        let thread = thread("store", move || writer.run(&receiver))?;
        Ok(Self {
            work,
            back,
            scene,
            thread,
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

struct Writer {
    plan: Plan,
    outputs: Option<Handle>,
    back: SyncSender<Back>,
    scene: Arc<ArcSwap<StoreScene>>,
    store: Option<Store>,
    /// When opening was last tried.
    tried: Option<Instant>,
    pruned: Instant,
    waiting: Work,
    state: StoreScene,
}

impl Writer {
    fn run(&mut self, work: &Receiver<Work>) {
        self.open();
        self.publish();
        loop {
            let ended = match work.recv_timeout(Duration::from_secs(1)) {
                Ok(work) => {
                    self.absorb(work);
                    false
                }
                Err(RecvTimeoutError::Timeout) => false,
                Err(RecvTimeoutError::Disconnected) => true,
            };
            self.open();
            self.write();
            self.prune();
            self.publish();
            if ended {
                break;
            }
        }
        if !self.waiting.batch.is_empty() {
            let rows = self.waiting.batch.len();
            tracing::error!(rows, "the store could not be written; what waited is lost");
        }
    }

    fn absorb(&mut self, work: Work) {
        self.waiting.batch.absorb(work.batch);
        self.waiting.messages.extend(work.messages);
        self.waiting.now = self.waiting.now.max(work.now);
    }

    /// Opens the store if it is not, and gives back what it has.
    fn open(&mut self) {
        let is_due = self.tried.is_none_or(|tried| tried.elapsed() >= OPEN_EVERY);
        if self.store.is_some() || !is_due {
            return;
        }
        self.tried = Some(Instant::now());
        match Store::open(&self.plan.folder, self.plan.settings.clone()) {
            Ok((store, notice)) => {
                if let Some(notice) = notice {
                    tracing::warn!("{notice}");
                    self.state.notice = Some(notice.to_string());
                    if matches!(notice, Notice::SetAside { .. }) {
                        self.state.count(Operation::Open);
                    }
                }
                self.store = Some(store);
                self.cleared();
                let restored = self.restore();
                if restored.is_err() {
                    let _ = self.back.send(Back::NotOpen);
                }
                self.note(restored);
            }
            Err(error) => {
                self.state.count(Operation::Open);
                self.fault(&error);
                // Nobody may be there any more.
                let _ = self.back.send(Back::NotOpen);
            }
        }
    }

    fn restore(&mut self) -> Result<(), StoreError> {
        let Some(store) = &mut self.store else {
            return Ok(());
        };
        let outputs = self.outputs.as_ref().map(|_| OUTPUTS);
        store.set_outputs(outputs.as_slice())?;
        let mut rows = Vec::with_capacity(CHUNK);
        let back = &self.back;
        let restored = store.restore(Timestamp::MIN, &mut |row| {
            rows.push(row);
            if rows.len() == CHUNK {
                // A receiver that is gone wants no more of it.
                let _ = back.send(Back::Rows(std::mem::take(&mut rows)));
            }
        })?;
        let _ = back.send(Back::Rows(rows));
        if restored.damaged > 0 {
            let text = format!(
                "{} rows of the store could not be understood and are left out",
                restored.damaged
            );
            tracing::warn!("{text}");
            self.state.notice = Some(text);
        }
        let sequence = store.remembered(SEQUENCE)?;
        let seen = store.remembered(SEEN)?;
        let sequence = sequence.and_then(|text| text.parse().ok()).unwrap_or(0);
        let _ = back.send(Back::Done { seen, sequence });
        self.resend()
    }

    /// Sends what an earlier run had written and not given to the outputs.
    fn resend(&mut self) -> Result<(), StoreError> {
        let (Some(store), Some(outputs)) = (&mut self.store, &self.outputs) else {
            return Ok(());
        };
        let mut from = store.acknowledged(OUTPUTS)?;
        loop {
            let events = store.outbox_after(from, RESEND)?;
            let Some((last, _)) = events.last() else {
                return Ok(());
            };
            from = *last;
            for (_, event) in &events {
                if let Ok(message) = Message::of_line(&event.text) {
                    outputs.send(&message);
                }
            }
            self.waiting.batch.acknowledge(OUTPUTS, from);
        }
    }

    /// Writes what waits. What cannot be written waits on; its events do not: they tell somebody of what happens now.
    fn write(&mut self) {
        let sent = self.waiting.messages.last().map(|(sequence, _)| *sequence);
        if let Some(sequence) = sent {
            self.waiting.batch.remember(SEQUENCE, sequence.to_string());
        }
        if let Some(store) = &mut self.store {
            let written = store.write(&self.waiting.batch);
            if written.is_ok() {
                self.state.lost.add(self.waiting.batch.lost());
                self.waiting.batch = Batch::default();
            }
            let is_written = written.is_ok();
            self.note(written);
            if is_written && sent.is_some() {
                self.acknowledge();
            }
        }
        let messages = std::mem::take(&mut self.waiting.messages);
        if let Some(outputs) = &self.outputs {
            for (_, message) in &messages {
                outputs.send(message);
            }
        }
    }

    /// Says, with the next batch, that the outputs have all that is in the outbox now.
    fn acknowledge(&mut self) {
        let Some(store) = &mut self.store else { return };
        match store.outbox_last() {
            Ok(last) => self.waiting.batch.acknowledge(OUTPUTS, last),
            Err(error) => self.fault(&error),
        }
    }

    fn prune(&mut self) {
        let (Some(store), Some(now)) = (&mut self.store, self.waiting.now) else {
            return;
        };
        if self.pruned.elapsed() < PRUNE_EVERY || !self.waiting.batch.is_empty() {
            return;
        }
        match store.prune(now, self.plan.retention) {
            // The rest comes after the next batch.
            Ok(pruned) if pruned.more => {}
            Ok(_) => self.pruned = Instant::now(),
            Err(error) => {
                self.pruned = Instant::now();
                self.fault(&error);
            }
        }
    }

    /// A fault, told once until it is over or another one.
    fn note(&mut self, result: Result<(), StoreError>) {
        match result {
            Ok(()) => self.cleared(),
            Err(error) => {
                self.fault(&error);
                if matches!(error, StoreError::Corrupt { .. }) {
                    // Opening sets it aside and begins anew.
                    self.close();
                    self.tried = None;
                }
            }
        }
    }

    fn close(&mut self) {
        if let Some(store) = self.store.take() {
            self.state.closed(&store.stats());
        }
    }

    fn fault(&mut self, error: &StoreError) {
        let text = error.to_string();
        if self.state.fault.as_ref() != Some(&text) {
            tracing::error!("store: {text}");
            self.state.fault = Some(text);
        }
    }

    fn cleared(&mut self) {
        if self.state.fault.take().is_some() {
            tracing::info!("store: written again");
        }
    }

    fn publish(&mut self) {
        self.state.is_open = self.store.is_some();
        self.state.waiting = self.waiting.batch.len() as u64;
        let mut scene = self.state.clone();
        if let Some(store) = &self.store {
            scene.opened(&store.stats());
        }
        scene.lost.add(self.waiting.batch.lost());
        self.scene.store(Arc::new(scene));
    }
}
