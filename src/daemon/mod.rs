//! Threads, queues, start and stop.
//!
//! Start: read and check (done by the caller), bind the server, open captures, start threads. Stop: captures end,
//! workers hand over what they have, the queue closes, the ledger publishes its last word, the server closes.
//!
//! Workers are plain threads that own a capture and a tracker; one thread owns the ledger; tokio serves.

mod device_watch;
mod keep;
mod ledger_loop;
mod teller;
mod wall;
mod worker;

use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use anyhow::{Context, Result, bail};
use ipnet::IpNet;
use tokio::sync::watch;

use crate::capture::{self, CaptureError, Live, LiveWaker};
use crate::config::Config;
use crate::events;
use crate::history::Wall;
use crate::ledger::{self, Ledger};
use crate::metrics::{Board, Exposition, Scene};
use crate::privacy::Pseudonyms;
use crate::replay::{self, Replay, Replayed};
use crate::tracker::{self, Tracker};
use crate::web;

use device_watch::Reading;
use keep::{Keeping, KeptReplay, Plan};
use ledger_loop::{Boards, Given, LedgerLoop, WatchBoard};
use teller::Teller;
use wall::{live_bound, wall_clock};
use worker::{Report, Worker};

/// Reports that may wait for the ledger, up to 20 MiB each in a flood. When they do, workers go on rolling up.
const QUEUE: usize = 2;

/// A running daemon.
pub struct Daemon {
    listener: TcpListener,
    board: Arc<Board>,
    config: Config,
}

/// Why the daemon ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was told to.
    Asked,
    /// Every capture failed.
    NoCapture,
}

impl Daemon {
    /// Binds the server. Nothing is captured yet.
    pub fn bind(config: Config) -> Result<Self> {
        let address = config.file.listen;
        let listener = TcpListener::bind(address).with_context(|| {
            format!("cannot listen on {address}; is another one running? --listen takes another address or port")
        })?;
        listener.set_nonblocking(true)?;
        let board = Arc::new(Board::from_pointee(Scene {
            configured_at: wall_clock().as_seconds(),
            ..Scene::default()
        }));
        Ok(Self {
            listener,
            board,
            config,
        })
    }

    /// Where it serves.
    pub fn address(&self) -> Result<std::net::SocketAddr> {
        Ok(self.listener.local_addr()?)
    }

    /// Captures interfaces and serves until told to stop; calls `started` once all of them are open.
    pub fn run_live(self, started: impl FnOnce()) -> Result<Ended> {
        let interfaces = &self.config.file.interfaces;
        let networks = networks_of(interfaces)?;
        let rules = Arc::new(self.config.rule_set());
        let watch_board = Arc::new(WatchBoard::default());
        let mut workers = Vec::new();
        for interface in interfaces {
            let live = Live::open(interface, &self.config.capture())?;
            let settings = tracker::Settings {
                interface: Some(Arc::from(interface.as_str())),
                ..self.config.tracker(&networks)
            };
            let tracker = Tracker::new(settings, Arc::clone(&rules));
            let watch_board = Arc::clone(&watch_board);
            workers.push(Worker::new(interface.clone(), live, tracker, watch_board));
        }
        let mut settings = self.config.ledger(&networks);
        settings.sensor_addresses.extend(own_addresses()?);
        let mut ledger = Ledger::new(settings, &rules.packs)?;
        let events = &self.config.file.events;
        let is_kept = self.config.file.state_dir.is_some();
        let pseudonyms = self.config.pseudonyms(&networks);
        let mut teller = Teller::start(&self.config.sensor(), events, pseudonyms.clone(), is_kept)?;
        // Before any traffic: what was known already is no news.
        let wall = Wall::new(&rules.packs);
        ledger.bound_time(live_bound(&wall));
        let keeping = self
            .plan(&networks)
            .map(|plan| Keeping::start(plan, &rules, &wall, &mut ledger, &mut teller))
            .transpose()?;
        let stop = Arc::new(AtomicBool::new(false));
        let (sender, receiver) = mpsc::sync_channel::<Report>(QUEUE);
        let wakers: Vec<LiveWaker> = workers.iter().map(Worker::waker).collect();
        let captures: Vec<JoinHandle<()>> = workers
            .into_iter()
            .enumerate()
            .map(|(index, worker)| {
                let (sender, stop) = (sender.clone(), Arc::clone(&stop));
                thread(&format!("capture-{index}"), move || {
                    worker.run(index, &sender, &stop);
                })
            })
            .collect::<Result<_>>()?;
        drop(sender);
        let (ended, all_ended) = watch::channel(false);
        let outputs = teller.handle();
        let boards = Boards {
            scene: Arc::clone(&self.board),
            watch: watch_board,
        };
        let given = Given {
            pseudonyms: pseudonyms.clone(),
            readings: self.watch_device_files(&stop)?,
            wall,
        };
        let ledger_loop = LedgerLoop::new(ledger, interfaces, boards, teller, keeping, given);
        let ledger_thread = thread("ledger", move || {
            ledger_loop.run(&receiver);
            // The queue closes when the last worker is gone.
            ended.send_replace(true);
        })?;
        tracing::info!(interfaces = interfaces.join(", "), "capturing");
        started();
        let asked = self.serve(all_ended, outputs, pseudonyms)?;
        stop.store(true, Ordering::Relaxed);
        for waker in &wakers {
            waker.wake();
        }
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
            let configured_at = board.load().configured_at;
            board.store(Arc::new(Scene {
                snapshot: replayed.snapshot,
                tracker: replayed.tracker,
                ledger: replayed.ledger,
                interfaces: Vec::new(),
                events: lock(&told).counts(),
                store: keeping.as_ref().map(KeptReplay::scene),
                faults: replayed.faults.iter().map(ToString::to_string).collect(),
                ready: true,
                configured_at,
            }));
        })?;
        // When the program is told to stop the thread may still be reading; it holds nothing that would be lost.
        let outputs = lock(&teller).handle();
        let asked = self.serve(ended, outputs, pseudonyms)?;
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

    /// Reads files about devices again when they change; the thread ends by itself.
    fn watch_device_files(&self, stop: &Arc<AtomicBool>) -> Result<mpsc::Receiver<Reading>> {
        let (sender, readings) = mpsc::channel();
        let (files, stop) = (self.config.device_files(), Arc::clone(stop));
        if !files.is_empty() {
            thread("device-files", move || {
                device_watch::run(&files, device_watch::EVERY, &sender, &stop);
            })?;
        }
        Ok(readings)
    }

    /// How the store is used, if there is to be one.
    fn plan(&self, networks: &[IpNet]) -> Option<Plan> {
        let folder = self.config.file.state_dir.as_ref()?;
        Some(Plan {
            folder: folder.clone(),
            settings: self.config.store(),
            retention: self.config.retention(),
            networks: networks.to_vec(),
            hidden: self.config.pseudonyms(&[]).is_some(),
        })
    }

    /// Serves until a signal comes (true), or all captures have ended (false). SIGHUP lets outputs of events open their
    /// files anew.
    fn serve(
        &self,
        mut all_ended: watch::Receiver<bool>,
        outputs: Option<events::Handle>,
        pseudonyms: Option<Pseudonyms>,
    ) -> Result<bool> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("cannot start the server")?;
        let exposition = Exposition::new(Arc::clone(&self.board), self.config.metrics())?;
        let kept = self.config.file.state_dir.clone();
        let kept = kept.map(|folder| web::Kept { folder, pseudonyms });
        let app = web::app(Arc::clone(&self.board), exposition, kept);
        let listener = self.listener.try_clone()?;
        runtime.block_on(async move {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            let server = tokio::spawn(web::serve(listener, app));
            let asked = tokio::select! {
                result = signal(outputs) => { result?; true }
                _ = all_ended.wait_for(|ended| *ended) => false,
            };
            server.abort();
            Ok(asked)
        })
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

/// Waits for SIGINT or SIGTERM; at SIGHUP the outputs let go of what is open.
async fn signal(outputs: Option<events::Handle>) -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    loop {
        tokio::select! {
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            _ = hangup.recv() => {
                tracing::info!("SIGHUP: outputs of events open their files anew");
                if let Some(outputs) = &outputs {
                    outputs.reopen();
                }
            }
        }
    }
    Ok(())
}

/// Networks to which the captured interfaces are attached; for `any`, all but loopback.
fn networks_of(captured: &[String]) -> Result<Vec<IpNet>> {
    let any = captured.iter().any(|name| name == "any");
    Ok(capture::interfaces()?
        .into_iter()
        .filter(|interface| captured.contains(&interface.name) || (any && !interface.loopback))
        .flat_map(|interface| interface.networks)
        .collect())
}

/// The addresses of this machine.
fn own_addresses() -> Result<Vec<std::net::IpAddr>> {
    let interfaces = capture::interfaces()?.into_iter();
    Ok(interfaces
        .flat_map(|interface| interface.addresses)
        .collect())
}

fn thread(name: &str, body: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(body)
        .with_context(|| format!("cannot start thread {name}"))
}
