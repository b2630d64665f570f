//! Threads, queues, start and stop.
//!
//! Start: read and check (done by the caller), bind the server, open captures, start threads. Stop: captures end,
//! workers hand over what they have, the queue closes, the ledger publishes its last word, the server closes.
//!
//! Workers are plain threads that own a capture and a tracker; one thread owns the ledger; tokio serves.

mod device_watch;
mod in_force;
mod keep;
mod ledger_loop;
mod live;
mod own_addresses;
mod recorded;
mod reload;
mod reopening;
mod service_manager;
mod settling;
mod shared_interface;
mod teller;
mod wall;
mod worker;

use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

use anyhow::{Context, Result};
use ipnet::IpNet;
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::config::Config;
use crate::events;
use crate::metrics::{Board, Exposition, ReloadScene, Scene};
use crate::privacy::Pseudonyms;
use crate::sandbox::{self, Needs, Sandbox};
use crate::store;
use crate::web;

use keep::Plan;
use reload::Asker;
use service_manager::ServiceManager;
use wall::wall_clock;

/// A running daemon.
pub struct Daemon {
    listener: TcpListener,
    board: Arc<Board>,
    config: Arc<Config>,
    access: web::Access,
    runtime: Runtime,
    /// What the process keeps of what it may do, and whether it gives up the rest.
    sandbox: (sandbox::Mode, Needs),
    /// Reached before the sandbox is entered.
    manager: Arc<ServiceManager>,
    /// Taken from the beginning, because whoever asks for a reload early must not end the process by it.
    hangup: Signal,
}

/// What is served besides the scene.
struct Served {
    outputs: Option<events::Handle>,
    pseudonyms: Option<Pseudonyms>,
    /// Where to ask for other rules; a replay is judged by those with which it was read.
    reload: Option<Asker>,
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
    /// Binds the server. Nothing is captured yet, and nothing is given up.
    pub fn bind(mut config: Config, access: web::Access, mode: sandbox::Mode) -> Result<Self> {
        let needs = config.needs(&access);
        if mode != sandbox::Mode::Off {
            config.sandboxed(sandbox::Granted::now(&needs));
        }
        let address = config.file.listen;
        let listener = TcpListener::bind(address).with_context(|| {
            format!("cannot listen on {address}; is another one running? --listen takes another address or port")
        })?;
        listener.set_nonblocking(true)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("cannot start the server")?;
        let hangup = {
            let _inside = runtime.enter();
            signal(SignalKind::hangup())?
        };
        let board = Arc::new(Board::from_pointee(Scene {
            reload: ReloadScene {
                succeeded_at: wall_clock().as_seconds(),
                fault: None,
            },
            ..Scene::default()
        }));
        Ok(Self {
            listener,
            board,
            config: Arc::new(config),
            access,
            runtime,
            sandbox: (mode, needs),
            manager: Arc::new(ServiceManager::of_environment()),
            hangup,
        })
    }

    /// Whether it serves over TLS.
    pub fn is_tls(&self) -> bool {
        self.access.is_tls()
    }

    /// Where it serves.
    pub fn address(&self) -> Result<std::net::SocketAddr> {
        Ok(self.listener.local_addr()?)
    }

    /// Tells the service manager that all is open.
    fn tell_ready(&self) -> Result<()> {
        let scheme = if self.is_tls() { "https" } else { "http" };
        let address = self.address()?;
        let status = format!("page and metrics on {scheme}://{address}/");
        self.manager.ready(&status);
        Ok(())
    }

    /// Takes from this thread and those that it starts what they do not need; `also` is read too.
    fn enter_sandbox(&self, also: impl Iterator<Item = PathBuf>) -> Result<Sandbox> {
        let (mode, needs) = &self.sandbox;
        let mut needs = needs.clone();
        needs.read.extend(also);
        if let Some(folder) = &self.config.file.state_dir {
            // What is not there cannot be granted. Where it cannot be made, the store says so.
            let _ = store::make_folder(folder);
        }
        Ok(Sandbox::enter(*mode, &needs)?)
    }

    /// Gives up what only capture threads need, and tells what is in force.
    fn protect(&self, sandbox: Sandbox) -> Result<()> {
        let in_force = sandbox.leave_capture()?;
        self.board.rcu(|scene| Scene {
            sandbox: in_force,
            ..Scene::clone(scene)
        });
        Ok(())
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

    /// Serves until a signal comes (true), or all captures have ended (false).
    fn serve(self, mut all_ended: watch::Receiver<bool>, served: Served) -> Result<bool> {
        let Served {
            outputs,
            pseudonyms,
            reload,
        } = served;
        let exposition = Exposition::new(Arc::clone(&self.board), self.config.metrics());
        let kept = self.config.file.state_dir.clone();
        let kept = kept.map(|folder| web::Kept::new(folder, pseudonyms));
        let app = web::app(
            Arc::clone(&self.board),
            exposition,
            kept,
            reload
                .clone()
                .filter(|_| self.config.file.web_reload)
                .map(Asker::of_web),
        );
        let told = Arc::clone(&self.board.load().server);
        let access = Arc::new(self.access.telling(Arc::clone(&told)));
        let (listener, hangup) = (self.listener, self.hangup);
        let manager = self.manager;
        let runtime = self.runtime;
        let asked = runtime.block_on(async move {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            let server = tokio::spawn(web::serve(listener, app, access, told));
            let asked = tokio::select! {
                result = signals(hangup, outputs, reload) => { result?; true }
                _ = all_ended.wait_for(|ended| *ended) => false,
            };
            manager.stopping();
            server.abort();
            Ok(asked)
        });
        // A read of the store that waits for the disk must not hold up the end of captures.
        runtime.shutdown_background();
        asked
    }
}

/// Waits for SIGINT or SIGTERM; at SIGHUP the outputs let go of what is open, and configuration and packs are read again.
async fn signals(
    mut hangup: Signal,
    outputs: Option<events::Handle>,
    reload: Option<Asker>,
) -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    loop {
        tokio::select! {
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            _ = hangup.recv() => {
                if let Some(outputs) = &outputs {
                    outputs.reopen();
                }
                match &reload {
                    Some(reload) => {
                        tracing::info!("SIGHUP: outputs open their files anew, configuration and packs are read again");
                        reload.ask();
                    }
                    None => tracing::warn!(
                        "SIGHUP: outputs open their files anew; a replay goes on by the packs with which it was read"
                    ),
                }
            }
        }
    }
    Ok(())
}

/// A thread with a name.
fn thread(name: &str, body: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(body)
        .with_context(|| format!("cannot start thread {name}"))
}
