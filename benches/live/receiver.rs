//! Who takes the packets: nobody, tcpdump, or the daemon in one of its modes.

use std::io::{BufReader, Read};
use std::path::PathBuf;
use std::process::{ChildStderr, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;

use super::link::{INTERFACE, Link};
use super::namespace::{Running, wait_for_word};
use super::process::Process;
use super::served::{Served, wait_for};
use super::{STRAGGLER, Traffic};

/// Bytes of the kernel's buffer, as the daemon has it where nothing is said.
pub const BUFFER: u32 = 16 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Nobody,
    Tcpdump,
    Full,
    Signals,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::Tcpdump => "`tcpdump -w /dev/null`",
            Self::Full => "`full`",
            Self::Signals => "`signals`",
        }
    }

    fn config(self, traffic: &Traffic, buffer: u32) -> PathBuf {
        let mode = match self {
            Self::Signals => "signals",
            _ => "full",
        };
        let path = traffic.folder.join(format!("{mode}.toml"));
        let text = format!(
            "local_networks = [\"10.20.0.0/16\", \"fd20:20::/32\"]\n\
             [capture]\nmode = \"{mode}\"\nbuffer = {buffer}\n"
        );
        std::fs::write(&path, text).unwrap();
        path
    }
}

/// What became of the packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    pub received: u64,
    pub dropped: u64,
}

impl Counts {
    pub fn sum(self) -> u64 {
        self.received + self.dropped
    }
}

/// Packets that the daemon looks at in a recording, and hosts that it calls stragglers.
pub fn replayed(traffic: &Traffic, kind: Kind) -> (u64, u64) {
    let mut command = Command::new(STRAGGLER);
    command.args(["run", "--listen", "127.0.0.1:0", "--config"]);
    command.arg(kind.config(traffic, BUFFER));
    command.arg("--replay").arg(&traffic.capture);
    let served = spawn(command);
    served.wait_ready();
    let status: Value = serde_json::from_str(&served.get("/api/v1/status").1).unwrap();
    let number = |field: &str| status[field].as_u64().unwrap();
    (number("frames"), number("stragglers"))
}

/// Starts a daemon whose findings nobody reads: they would fill a pipe, and it would wait.
fn spawn(mut command: Command) -> Served {
    command.stdin(Stdio::null()).stdout(Stdio::null());
    Served::spawn_as_it_is(command)
}

/// A receiver that captures.
pub enum Receiver<'a> {
    Nobody,
    Tcpdump(Running, BufReader<ChildStderr>),
    Daemon(&'a Link, Served),
}

impl<'a> Receiver<'a> {
    /// Starts it; it captures when this returns.
    pub fn start(link: &'a Link, traffic: &Traffic, kind: Kind, buffer: u32) -> Self {
        match kind {
            Kind::Nobody => Self::Nobody,
            Kind::Tcpdump => {
                let kib = buffer / 1024;
                // As the daemon: names are not looked up, frames are cut at 65,535 bytes.
                let line = format!("exec tcpdump -i {INTERFACE} -n -B {kib} -s 65535 -w /dev/null");
                let mut command = link.namespace.line(&line);
                command.stdin(Stdio::null()).stderr(Stdio::piped());
                let mut process = Running(command.spawn().unwrap());
                let said = process.0.stderr.take().unwrap();
                Self::Tcpdump(process, wait_for_word(said, "listening on"))
            }
            Kind::Full | Kind::Signals => {
                let mut command = link.namespace.command(STRAGGLER);
                command.args(["run", "--listen", "127.0.0.1:0", "--interface", INTERFACE]);
                command.arg("--config").arg(kind.config(traffic, buffer));
                let daemon = Self::Daemon(link, spawn(command));
                let up = format!("straggler_capture_up{{interface=\"{INTERFACE}\"}}");
                wait_for("the capture", || daemon.metric(&up) == Some(1));
                daemon
            }
        }
    }

    pub fn process(&self) -> Option<Process> {
        match self {
            Self::Nobody => None,
            Self::Tcpdump(process, _) => Some(Process(process.0.id())),
            Self::Daemon(_, served) => Some(Process(served.pid())),
        }
    }

    /// What the daemon serves at a path, asked for where it is.
    pub fn get(&self, path: &str) -> String {
        let Self::Daemon(link, served) = self else {
            panic!("only the daemon serves anything");
        };
        let url = format!("http://{}{path}", served.address);
        let output = link.namespace.command("curl").args(["-s", &url]).output();
        String::from_utf8(output.unwrap().stdout).unwrap()
    }

    pub fn metric(&self, sample: &str) -> Option<u64> {
        let metrics = self.get("/metrics");
        let mut lines = metrics.lines();
        let value = lines.find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '))?;
        value.parse::<f64>().ok().map(|value| value as u64)
    }

    /// Table and number of entries that found no place in it.
    pub fn evictions(&self) -> Vec<(String, u64)> {
        let metrics = self.get("/metrics");
        let evictions = metrics.lines().filter_map(|line| {
            let rest = line.strip_prefix("straggler_table_evictions_total{table=\"")?;
            let (table, value) = rest.split_once("\"} ")?;
            Some((table.to_owned(), value.parse::<f64>().ok()? as u64))
        });
        evictions.filter(|(_, count)| *count > 0).collect()
    }

    /// Waits until this many packets are accounted for, and tells what became of them: at the last, if that never comes.
    pub fn counts(&mut self, expected: u64) -> Counts {
        match self {
            Self::Nobody => panic!("nobody counts"),
            Self::Tcpdump(process, said) => {
                // The kernel holds back a block that is not full for as long as tcpdump lets it, which is a second.
                sleep(Duration::from_secs(2));
                let pid = process.0.id().to_string();
                let told = Command::new("kill").args(["-s", "INT", &pid]).status();
                assert!(told.unwrap().success());
                let mut text = String::new();
                said.read_to_string(&mut text).unwrap();
                let number = |of: &str| {
                    let line = text.lines().find(|line| line.contains(of));
                    let first = line.and_then(|line| line.split(' ').next());
                    let number = first.and_then(|number| number.parse().ok());
                    number.unwrap_or_else(|| panic!("{text}"))
                };
                Counts {
                    received: number("captured"),
                    dropped: number("dropped by kernel"),
                }
            }
            Self::Daemon(..) => {
                // It tells about once a second.
                for _ in 0..30 {
                    let counts = self.told();
                    if counts.sum() == expected {
                        return counts;
                    }
                    sleep(Duration::from_millis(500));
                }
                self.told()
            }
        }
    }

    fn told(&self) -> Counts {
        let of = |family: &str, labels: &str| {
            let sample = format!("straggler_capture_{family}{{interface=\"{INTERFACE}\"{labels}}}");
            self.metric(&sample)
                .unwrap_or_else(|| panic!("no {sample}"))
        };
        let dropped = |reason: &str| of("dropped_packets_total", &format!(",reason=\"{reason}\""));
        Counts {
            received: of("packets_total", ""),
            dropped: dropped("kernel") + dropped("interface"),
        }
    }
}
