//! Configuration and packs, read again: when asked to, and when a file changes. Either all of it comes into force, or nothing.
//!
//! The thread reads and checks; what is sound goes to the ledger and then to the workers, and the next reading waits until
//! it is in force.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, SyncSender};
use std::time::{Duration, Instant};

use anyhow::Result;
use arc_swap::ArcSwap;

use super::in_force::{Change, InForce, RuleBoard};
use super::settling::Settling;
use super::thread;
use super::wall::wall_clock;
use crate::config::{Config, DeviceFiles, Refused};
use crate::metrics::ReloadScene;
use crate::model::{Pack, Strength};
use crate::web::{Reload, ReloadAnswer};
use crate::{ledger, tracker};

/// How often files are looked at.
const EVERY: Duration = Duration::from_secs(2);
/// How often what was refused is read again although no file has changed: the process may have been out of descriptors.
const AGAIN_EVERY: Duration = Duration::from_secs(30);
/// Askers that wait: whoever comes later is told to come again. One reading answers all that wait.
const MAX_ASKERS: usize = 16;

/// How the last reading went.
pub(super) type ReloadBoard = ArcSwap<ReloadScene>;

/// Somebody asks for a reading, and may wait for what comes of it.
type Ask = Option<ReloadAnswer>;

/// Asks for readings.
#[derive(Clone)]
pub(super) struct Asker(SyncSender<Ask>);

impl Asker {
    /// Asks without waiting. Where many wait already, theirs will do.
    pub(super) fn ask(&self) {
        let _ = self.0.try_send(None);
    }

    /// The same for the server.
    pub(super) fn of_web(self) -> Reload {
        Reload(Arc::new(move |answer| {
            self.0.try_send(Some(answer)).is_ok()
        }))
    }
}

/// Where what is read goes.
pub(super) struct Ways {
    pub rules: Arc<RuleBoard>,
    pub changes: Sender<Change>,
    /// Told by the ledger when a change is in force.
    pub changed: Receiver<()>,
    pub told: Arc<ReloadBoard>,
    pub device_files: Arc<ArcSwap<DeviceFiles>>,
}

/// The settings of tracker and ledger that a configuration comes to on this machine.
pub(super) type SettingsOf = Box<dyn Fn(&Config) -> (tracker::Settings, ledger::Settings) + Send>;

/// Reads again what was read at start.
pub(super) struct Reloader {
    config: Arc<Config>,
    settings_of: SettingsOf,
    ways: Ways,
}

impl Reloader {
    /// Starts the thread; it ends when nobody is left who could ask.
    pub(super) fn start(config: Arc<Config>, settings_of: SettingsOf, ways: Ways) -> Result<Asker> {
        let (sender, asks) = mpsc::sync_channel(MAX_ASKERS);
        let reloader = Self {
            config,
            settings_of,
            ways,
        };
        thread("reload", move || reloader.run(&asks))?;
        Ok(Asker(sender))
    }

    fn run(mut self, asks: &Receiver<Ask>) {
        let mut settling = Settling::known(self.config.read_when.clone());
        let mut read = Instant::now();
        loop {
            match asks.recv_timeout(EVERY) {
                Ok(ask) => {
                    let answers: Vec<Ask> = std::iter::once(ask).chain(asks.try_iter()).collect();
                    let stamps = self.config.stamps();
                    let outcome = self.take(self.config.again());
                    read = Instant::now();
                    settling = match &outcome {
                        Ok(()) => Settling::known(self.config.read_when.clone()),
                        Err(_) => Settling::known(stamps),
                    };
                    for answer in answers.into_iter().flatten() {
                        // Whoever asked may be gone.
                        let _ = answer.send(outcome.clone());
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    let config = Arc::clone(&self.config);
                    let mut reading = settling.look(config.stamps(), || config.again());
                    let is_refused = self.ways.told.load().fault.is_some();
                    if reading.is_none() && is_refused && read.elapsed() >= AGAIN_EVERY {
                        // What is still wrong was told.
                        reading = config.again().ok().map(Ok);
                        read = Instant::now();
                    }
                    if let Some(reading) = reading
                        && self.take(reading).is_ok()
                    {
                        settling = Settling::known(self.config.read_when.clone());
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Puts a reading in force, or says why it is refused.
    fn take(&mut self, reading: Result<Config, Refused>) -> Result<(), String> {
        let told = &self.ways.told;
        match reading {
            Ok(config) => {
                self.put_in_force(config);
                Ok(())
            }
            Err(refused) => {
                tracing::error!("reload refused: {refused}; what was in force stays in force");
                // Page and events must not tell of devices that pseudonyms stand for.
                let words = match self.config.pseudonyms(&[]) {
                    Some(_) => refused.discreet(),
                    None => refused.to_string(),
                };
                let fault = format!("reload refused: {words}; what was in force stays in force");
                told.store(Arc::new(ReloadScene {
                    fault: Some(fault.clone()),
                    ..ReloadScene::clone(&told.load())
                }));
                Err(fault)
            }
        }
    }

    fn put_in_force(&mut self, config: Config) {
        let now = Arc::new(config.rule_set());
        let (tracker, ledger) = (self.settings_of)(&config);
        let before = self.ways.rules.load_full();
        let packs = difference(&before.rules.packs, &now.packs);
        let change = Change {
            rules: Arc::clone(&now),
            settings: ledger,
        };
        if self.ways.changes.send(change).is_err() {
            return;
        }
        self.ways.rules.store(Arc::new(InForce {
            generation: before.generation + 1,
            rules: Arc::clone(&now),
            settings: tracker,
        }));
        if self.ways.changed.recv().is_err() {
            // The daemon is stopping.
            return;
        }
        self.ways
            .device_files
            .store(Arc::new(config.device_files()));
        self.ways.told.store(Arc::new(ReloadScene {
            succeeded_at: wall_clock().as_seconds(),
            fault: None,
        }));
        self.config = Arc::new(config);
        tracing::info!(packs, "configuration and packs are read again and in force");
        let risen = risen(&before.rules.packs, &now.packs);
        if !risen.is_empty() {
            tracing::warn!(
                services = risen,
                "strong now and weak before: what hosts did with these until now is told after a restart with a store only"
            );
        }
    }
}

/// What is another pack than before, in words.
fn difference(before: &[Pack], now: &[Pack]) -> String {
    let find = |packs: &[Pack], pack: &Pack| {
        let mut packs = packs.iter();
        packs.find(|known| known.vendor == pack.vendor).cloned()
    };
    let come = now.iter().filter_map(|pack| match find(before, pack) {
        None => Some(format!("+{} {}", pack.vendor, pack.version)),
        Some(known) if known.digest != pack.digest => Some(format!(
            "{} {} ({}) to {} ({})",
            pack.vendor, known.version, known.digest, pack.version, pack.digest
        )),
        Some(_) => None,
    });
    let gone = before.iter().filter(|pack| find(now, pack).is_none());
    let changes: Vec<String> = come
        .chain(gone.map(|pack| format!("-{}", pack.vendor)))
        .collect();
    match changes.is_empty() {
        true => "as before".to_owned(),
        false => changes.join(", "),
    }
}

/// Services that are strong now and were weak.
fn risen(before: &[Pack], now: &[Pack]) -> String {
    let services = |packs: &[Pack], strength: Strength| {
        let services = packs.iter().flat_map(|pack| &pack.services);
        let of_strength = services.filter(|service| service.strength == strength);
        let ids = of_strength.map(|service| format!("{}/{}", service.vendor, service.id));
        ids.collect::<BTreeSet<String>>()
    };
    let (weak, strong) = (
        services(before, Strength::Weak),
        services(now, Strength::Strong),
    );
    let risen: Vec<&str> = weak.intersection(&strong).map(String::as_str).collect();
    risen.join(", ")
}
