//! Interfaces, captured until the daemon is told to stop.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, SyncSender};
use std::thread::JoinHandle;

use anyhow::{Context as _, Result, bail};
use arc_swap::ArcSwap;
use ipnet::IpNet;
use tokio::sync::watch;

use super::device_watch::{self, Reading};
use super::in_force::{InForce, RuleBoard};
use super::keep::Keeping;
use super::ledger_loop::{Boards, Given, Interfaces, LedgerLoop, WatchBoard};
use super::own_addresses::OwnAddresses;
use super::reload::{Asker, ReloadBoard, Reloader, Ways};
use super::reopening::Reopening;
use super::shared_interface::SharedInterface;
use super::teller::Teller;
use super::wall::live_bound;
use super::worker::{Report, Worker};
use super::{Daemon, Ended, Served, thread};
use crate::capture::{self, SignalFilter};
use crate::config::{Config, DeviceFiles};
use crate::flows;
use crate::history::Wall;
use crate::ledger::{self, Ledger};
use crate::sandbox::Sandbox;
use crate::tracker::{self, Tracker};

/// Reports that may wait for the ledger, up to 20 MiB each in a flood. When they do, workers go on rolling up.
const QUEUE: usize = 2;

/// What this machine is to what it captures.
#[derive(Clone)]
struct Machine {
    /// Networks of the captured interfaces.
    networks: Vec<IpNet>,
    addresses: Vec<IpAddr>,
}

impl Daemon {
    /// Captures interfaces and serves until told to stop; calls `started` once all of them are open.
    pub fn run_live(self, started: impl FnOnce()) -> Result<Ended> {
        let interfaces = &self.config.file.interfaces;
        let machine = Machine::of(interfaces)?;
        let rules = Arc::new(self.config.rule_set());
        let in_force = Arc::new(RuleBoard::from_pointee(InForce {
            generation: 0,
            rules: Arc::clone(&rules),
            settings: machine.tracker(&self.config),
        }));
        let watch_board = Arc::new(WatchBoard::default());
        let filter = self.config.signal_filter(&machine.networks);
        let own = Arc::new(OwnAddresses::from_pointee(machine.addresses.clone()));
        let workers = self.open(&in_force, &watch_board, &own, filter.as_ref())?;
        let each = self.config.file.capture.workers as usize;
        let up: Vec<bool> = workers.chunks(each).map(|of| of[0].is_up()).collect();
        // Before any other thread, because each has what the one has that starts it.
        let sandbox = self.enter_sandbox(std::iter::empty())?;
        let stop = Arc::new(AtomicBool::new(false));
        let (sender, receiver) = mpsc::sync_channel::<Report>(QUEUE);
        let captures = start_captures(workers, &sandbox, &sender, &stop)?;
        drop(sender);
        self.protect(sandbox)?;
        let mut ledger = Ledger::new(machine.ledger(&self.config), &rules.packs)?;
        let events = &self.config.file.events;
        let is_kept = self.config.file.state_dir.is_some();
        let pseudonyms = self.config.pseudonyms(&machine.networks);
        let mut teller = Teller::start(&self.config.sensor(), events, pseudonyms.clone(), is_kept)?;
        // Before any traffic: what was known already is no news.
        let wall = Wall::new(&rules.packs);
        ledger.bound_time(live_bound(&wall));
        let keeping = self
            .plan(&machine.networks)
            .map(|plan| Keeping::start(plan, &rules, &wall, &mut ledger, &mut teller))
            .transpose()?;
        let device_files = Arc::new(ArcSwap::from_pointee(self.config.device_files()));
        let reload = Arc::new(ReloadBoard::from_pointee(self.board.load().reload.clone()));
        let (changes, given_changes) = mpsc::channel();
        let (given_changed, changed) = mpsc::channel();
        let boards = Boards {
            scene: Arc::clone(&self.board),
            watch: watch_board,
            reload: Arc::clone(&reload),
            own,
        };
        let given = Given {
            pseudonyms: pseudonyms.clone(),
            readings: watch_device_files(Arc::clone(&device_files), &stop)?,
            changes: given_changes,
            changed: given_changed,
            wall,
            manager: Arc::clone(&self.manager),
        };
        let outputs = teller.handle();
        let interfaces = Interfaces::new(interfaces, &up, each);
        let ledger_loop = LedgerLoop::new(ledger, interfaces, boards, teller, keeping, given);
        let (ended, all_ended) = watch::channel(false);
        let ledger_thread = thread("ledger", move || {
            ledger_loop.run(&receiver);
            // The queue closes when the last worker is gone.
            ended.send_replace(true);
        })?;
        let ways = Ways {
            rules: in_force,
            changes,
            changed,
            told: reload,
            device_files,
        };
        let asker = self.reloader(machine, ways)?;
        let sandbox = self.board.load().sandbox.to_string();
        let interfaces = self.config.file.interfaces.join(", ");
        tracing::info!(interfaces, sandbox, "capturing");
        self.tell_ready()?;
        started();
        let served = Served {
            outputs,
            pseudonyms,
            reload: Some(asker),
        };
        let asked = self.serve(all_ended, served)?;
        stop.store(true, Ordering::Relaxed);
        for handle in captures.into_iter().chain([ledger_thread]) {
            if handle.join().is_err() {
                bail!("a thread panicked; what it had not handed over is lost");
            }
        }
        Ok(if asked {
            Ended::Asked
        } else {
            Ended::NoCapture
        })
    }

    /// The workers of each interface, one interface after the other.
    fn open(
        &self,
        rules: &Arc<RuleBoard>,
        watch: &Arc<WatchBoard>,
        own: &Arc<OwnAddresses>,
        filter: Option<&SignalFilter>,
    ) -> Result<Vec<Worker>> {
        let in_force = rules.load();
        let mut workers = Vec::new();
        for interface in &self.config.file.interfaces {
            let capture = self.config.capture();
            let each = capture.workers as usize;
            let local = in_force.settings.local.clone();
            let shared = SharedInterface::open(interface, capture, filter.cloned(), local)?;
            let shared = Arc::new(shared);
            let captures = (0..each).filter_map(|at| Reopening::new(Arc::clone(&shared), at));
            for capture in captures {
                let settings = tracker::Settings {
                    interface: Some(Arc::from(interface.as_str())),
                    ..in_force.settings.clone()
                };
                let tracker = Tracker::new(settings, Arc::clone(&in_force.rules));
                let (rules, watch) = (Arc::clone(rules), Arc::clone(watch));
                workers.push(Worker::new(capture, tracker, watch, rules, Arc::clone(own)));
            }
        }
        Ok(workers)
    }

    fn reloader(&self, machine: Machine, ways: Ways) -> Result<Asker> {
        let settings_of = move |config: &Config| (machine.tracker(config), machine.ledger(config));
        Reloader::start(Arc::clone(&self.config), Box::new(settings_of), ways)
    }
}

impl Machine {
    /// Of this machine, which captures these interfaces; `any` is all but loopback.
    fn of(captured: &[String]) -> Result<Self> {
        let any = captured.iter().any(|name| name == "any");
        let interfaces = capture::interfaces()?;
        let watched = interfaces
            .iter()
            .filter(|interface| captured.contains(&interface.name) || (any && !interface.loopback));
        Ok(Self {
            networks: watched
                .flat_map(|interface| interface.networks.iter().copied())
                .collect(),
            addresses: interfaces
                .iter()
                .flat_map(|interface| interface.addresses.iter().copied())
                .collect(),
        })
    }

    /// For each worker; those of an interface share its limits.
    fn tracker(&self, config: &Config) -> tracker::Settings {
        let whole = config.tracker(&self.networks);
        let workers = config.file.capture.workers as usize;
        tracker::Settings {
            first_bytes: whole.first_bytes.div_ceil(workers),
            flows: flows::Settings {
                max_flows: whole.flows.max_flows.div_ceil(workers),
                ..whole.flows.clone()
            },
            ..whole
        }
    }

    fn ledger(&self, config: &Config) -> ledger::Settings {
        config.ledger(&self.networks)
    }
}

/// Starts a thread for each worker, which keeps no more than it needs. What they report waits for the ledger.
fn start_captures(
    workers: Vec<Worker>,
    sandbox: &Sandbox,
    reports: &SyncSender<Report>,
    stop: &Arc<AtomicBool>,
) -> Result<Vec<JoinHandle<()>>> {
    let mut threads = Vec::new();
    for (index, worker) in workers.into_iter().enumerate() {
        let (reports, stop, sandbox) = (reports.clone(), Arc::clone(stop), sandbox.clone());
        let (entered, is_entered) = mpsc::sync_channel(1);
        threads.push(thread(&format!("capture-{index}"), move || {
            let kept = sandbox.keep_for_capture();
            let may_begin = kept.is_ok();
            let _ = entered.send(kept);
            if may_begin {
                worker.run(index, &reports, &stop);
            }
        })?);
        is_entered
            .recv()
            .context("a capture thread ended at once")??;
    }
    Ok(threads)
}

/// Reads files about devices again when they change; the thread ends by itself.
fn watch_device_files(
    files: Arc<ArcSwap<DeviceFiles>>,
    stop: &Arc<AtomicBool>,
) -> Result<mpsc::Receiver<Reading>> {
    let (sender, readings) = mpsc::channel();
    let stop = Arc::clone(stop);
    thread("device-files", move || {
        device_watch::run(&files, device_watch::EVERY, &sender, &stop);
    })?;
    Ok(readings)
}
