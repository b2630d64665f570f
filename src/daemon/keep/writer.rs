//! The thread of the store: opens it, gives back what it has, writes about once a second.
//!
//! A store that cannot be opened or written does not stop the sensor: batches wait in memory under their caps, the fault
//! shows in log, metrics and page, and it is tried again.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;

use super::super::wall::wall_clock;
use super::horizon::Horizon;
use super::keeper::Writing;
use super::{Back, Plan, SEQUENCE, Work};
use crate::events::{Handle, Message};
use crate::history::{self, SEEN};
use crate::metrics::StoreScene;
use crate::model::Timestamp;
use crate::store::{Batch, Notice, Operation, Store, StoreError};

/// Rows that are handed over at once when restoring.
const CHUNK: usize = 512;
/// How long after a failed opening the next try comes.
const OPEN_EVERY: Duration = Duration::from_secs(30);
/// How often old rows are looked for.
const PRUNE_EVERY: Duration = Duration::from_secs(60);
/// Under which name the outbox knows the outputs: what was given to them needs not be given again.
const OUTPUTS: &str = "outputs";
/// Events read at once when those are sent that an earlier run could not send.
const RESEND: usize = 256;

/// The thread's own.
pub(super) struct Writer {
    plan: Plan,
    outputs: Option<Handle>,
    back: SyncSender<Back>,
    scene: Arc<ArcSwap<StoreScene>>,
    writing: Writing,
    store: Option<Store>,
    /// Whether the ledger has what the store had: a store that is opened again must not be counted twice.
    is_restored: bool,
    /// When opening was last tried.
    tried: Option<Instant>,
    pruned: Instant,
    horizon: Horizon,
    waiting: Work,
    state: StoreScene,
}

impl Writer {
    pub(super) fn new(
        plan: Plan,
        outputs: Option<Handle>,
        back: SyncSender<Back>,
        (scene, writing): (Arc<ArcSwap<StoreScene>>, Writing),
    ) -> Self {
        Self {
            plan,
            outputs,
            back,
            state: StoreScene::clone(&scene.load()),
            scene,
            writing,
            store: None,
            is_restored: false,
            tried: None,
            pruned: Instant::now(),
            horizon: Horizon::new(None, Instant::now()),
            waiting: Work::default(),
        }
    }

    /// Until the handle is gone.
    pub(super) fn run(&mut self, work: &Receiver<Work>) {
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
            self.writing.store(Some(Arc::new(Instant::now())));
            self.write();
            self.prune();
            self.writing.store(None);
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
        // Not the latest: a clock that was set back takes engine time with it.
        self.waiting.now = work.now.or(self.waiting.now);
    }

    /// Opens the store if it is not, and gives back what it has.
    fn open(&mut self) {
        let is_due = self.tried.is_none_or(|tried| tried.elapsed() >= OPEN_EVERY);
        if self.store.is_some() || !is_due {
            return;
        }
        self.tried = Some(Instant::now());
        tracing::info!(folder = %self.plan.folder.display(), "opening the store");
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
                self.plan.mark(&mut self.waiting.batch);
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
        if std::mem::replace(&mut self.is_restored, true) {
            let _ = self.back.send(Back::Anew);
            return Ok(());
        }
        let sequence = store.remembered(SEQUENCE)?;
        let sequence = sequence.and_then(|text| text.parse().ok()).unwrap_or(0);
        let seen = store.remembered(SEEN)?;
        let around = seen.as_deref().map(history::surroundings);
        self.horizon = Horizon::new(around.and_then(|around| around.at), Instant::now());
        let mut rows = Vec::with_capacity(CHUNK);
        let back = &self.back;
        // A receiver that is gone wants no more of it, here and below.
        let _ = back.send(Back::Begin { seen });
        let restored = store.restore(Timestamp::MIN, &mut |row| {
            rows.push(row);
            if rows.len() == CHUNK {
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
        let _ = back.send(Back::Done { sequence });
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
        if let Some(store) = &mut self.store {
            let written = store.write(&self.waiting.batch);
            if written.is_ok() {
                self.state.lost.add(self.waiting.batch.lost());
                self.waiting.batch = Batch::default();
            }
            let is_written = written.is_ok();
            self.note(written);
            if is_written && !self.waiting.messages.is_empty() {
                self.acknowledge();
            }
        }
        send(self.outputs.as_ref(), &mut self.waiting.messages);
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
        let now = now.min(wall_clock());
        if !self.horizon.holds(now, Instant::now()) {
            self.pruned = Instant::now();
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
                if matches!(
                    error,
                    StoreError::Corrupt { .. } | StoreError::Replaced { .. }
                ) {
                    // Opening sets what is damaged aside and begins anew; that there is less now is told for good.
                    let store = self.close();
                    if let (StoreError::Replaced { .. }, Some(store)) = (&error, store) {
                        self.state.notice = Some(error.to_string());
                        store.leave();
                    }
                    self.tried = None;
                }
            }
        }
    }

    fn close(&mut self) -> Option<Store> {
        let store = self.store.take()?;
        self.state.closed(&store.stats());
        Some(store)
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

/// Gives events to the outputs, which never wait.
pub(super) fn send(outputs: Option<&Handle>, messages: &mut Vec<Message>) {
    for message in messages.drain(..) {
        if let Some(outputs) = outputs {
            outputs.send(&message);
        }
    }
}
